//! Events to send: generated life, and what does not belong there.

use trustfold_event::EventTime;
use trustfold_sources::generate::{Generator, GeneratorOptions};

/// 2024-01-08T00:00:00Z, a Monday. The past, so that no clock makes it the future.
pub(crate) const START: i64 = 1_704_672_000_000_000;

const BATCH: usize = 2000;

/// Generated life, which goes on where it was left.
pub(crate) struct Life {
    generator: Generator,
    /// The newest event's time.
    pub(crate) now: EventTime,
    /// Someone who was seen last, and where.
    pub(crate) user: String,
    pub(crate) host: String,
    next_id: u64,
}

/// One generated event.
pub(crate) struct Line {
    pub(crate) json: Vec<u8>,
    pub(crate) labelled: bool,
}

impl Life {
    /// The life of so many people, `events` of it over `hours`, without anomalies.
    pub(crate) fn new(seed: u64, events: u64, entities: u32, hours: u32) -> Self {
        let options = GeneratorOptions { seed, events, entities, start: EventTime(START), span_hours: hours, anomaly_share: 0.0 };
        let generator = Generator::new(options).unwrap();
        Self { generator, now: EventTime(START), user: String::new(), host: String::new(), next_id: 0 }
    }

    /// From now on with this share of labelled events.
    pub(crate) fn with_anomalies(&mut self, share: f64) {
        self.generator.set_anomaly_share(share);
    }

    /// The next events in the reference shape; each has an `id` of its own, `life-` and its number.
    pub(crate) fn lines(&mut self, n: usize) -> Vec<Line> {
        let mut lines = Vec::with_capacity(n);
        for _ in 0..n {
            let Some(record) = self.generator.advance() else { break };
            let mut json = format!("{{\"id\":\"life-{}\",", self.next_id).into_bytes();
            let mut body = Vec::new();
            record.write_json(&mut body);
            json.extend_from_slice(&body[1..]);
            json.push(b'\n');
            lines.push(Line { json, labelled: record.label.is_some() });
            self.now = self.now.max(record.time);
            self.next_id += 1;
            self.user.clone_from(&record.user);
            self.host.clone_from(&record.host);
        }
        lines
    }

    /// The next events as bodies to send.
    pub(crate) fn batches(&mut self, n: usize) -> Vec<Vec<u8>> {
        self.lines(n).chunks(BATCH).map(|lines| lines.iter().flat_map(|l| l.json.clone()).collect()).collect()
    }

    /// So many seconds after the newest event.
    pub(crate) fn later(&self, seconds: f64) -> EventTime {
        EventTime(self.now.0 + (seconds * 1e6) as i64)
    }
}

/// A command through sudo that nobody ever ran, from an address that nobody came from, as a line.
pub(crate) fn odd_sudo(at: EventTime, user: &str, command: &str) -> Vec<u8> {
    let host = format!("{user}-box.example.net");
    format!(
        "{{\"timestamp\":\"{at}\",\"event_type\":\"sudo_command\",\"user\":\"{user}\",\"host\":\"{host}\",\"process_name\":\"sudo\",\
         \"command\":\"{command}\",\"src_ip\":\"203.0.113.66\",\"dst_port\":31337,\"success\":false}}\n"
    )
    .into_bytes()
}

/// A failed login from an address that nobody ever came from, as a line.
pub(crate) fn failure(at: EventTime, user: &str, from: &str) -> Vec<u8> {
    format!(
        "{{\"timestamp\":\"{at}\",\"event_type\":\"auth_failure\",\"user\":\"{user}\",\"host\":\"edge.example.net\",\
         \"src_ip\":\"{from}\",\"process_name\":\"sshd\",\"success\":false}}\n"
    )
    .into_bytes()
}
