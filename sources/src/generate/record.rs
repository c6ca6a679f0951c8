//! One generated event and its JSON line.

use std::fmt::Write as _;
use trustfold_event::EventTime;
use trustfold_event::kind::EventType;

/// The kinds of labelled anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnomalyKind {
    /// Many failed logins to one account from one foreign address, sometimes a login at the end. A campaign.
    BruteForce,
    /// One host tries many ports of another, fast. A campaign.
    PortScan,
    /// One process rewrites a user's files, many in a minute. A campaign.
    MassFileChange,
    /// A command that nobody runs through sudo.
    RareSudo,
    /// A login from an address that is not the user's.
    ForeignLogin,
    /// One process calls the same foreign address again and again, at nearly equal intervals. A campaign.
    C2Beacon,
}

impl AnomalyKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::BruteForce, Self::PortScan, Self::MassFileChange, Self::RareSudo, Self::ForeignLogin, Self::C2Beacon];

    /// Its name in labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::BruteForce => "brute_force",
            Self::PortScan => "port_scan",
            Self::MassFileChange => "mass_file_change",
            Self::RareSudo => "rare_sudo",
            Self::ForeignLogin => "foreign_login",
            Self::C2Beacon => "c2_beacon",
        }
    }
}

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The event's place among all that the generator made, from 0.
    pub index: u64,
    /// What kind of anomaly it is.
    pub kind: AnomalyKind,
    /// Which events belong together, from 1; `None` for an anomaly of one event.
    pub campaign: Option<u64>,
}

impl Label {
    /// The first line of a file of labels.
    pub const CSV_HEADER: &str = "event_index,kind,campaign\n";

    /// Appends its line of a file of labels.
    pub fn write_csv(&self, out: &mut Vec<u8>) {
        let campaign = self.campaign.map(|c| c.to_string()).unwrap_or_default();
        out.extend_from_slice(format!("{},{},{campaign}\n", self.index, self.kind.name()).as_bytes());
    }
}

/// One generated event. An empty text stands for a field that is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it happened, to the millisecond: its arrival minus a delay.
    pub time: EventTime,
    /// When it arrives. Never before the record that was generated before it.
    pub arrival: EventTime,
    /// What happened.
    pub event_type: EventType,
    /// The user.
    pub user: String,
    /// The host where it happened.
    pub host: String,
    /// Where it came from.
    pub src_ip: String,
    /// The peer of a connection, the server of a login.
    pub dst_ip: String,
    /// The peer's port.
    pub dst_port: Option<u16>,
    /// The process.
    pub process_name: String,
    /// The program's or the file's path.
    pub path: String,
    /// The command line.
    pub command: String,
    /// How it went, where it can fail.
    pub success: Option<bool>,
    /// The sender's session, written as a UUID of version 4.
    pub session_id: Option<u128>,
    /// What is wrong with it; `None` for normal life.
    pub label: Option<Label>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            time: EventTime(0),
            arrival: EventTime(0),
            event_type: EventType::ProcessStart,
            user: String::new(),
            host: String::new(),
            src_ip: String::new(),
            dst_ip: String::new(),
            dst_port: None,
            process_name: String::new(),
            path: String::new(),
            command: String::new(),
            success: None,
            session_id: None,
            label: None,
        }
    }
}

impl Record {
    /// Empties every field and keeps its memory.
    pub(super) fn clear(&mut self) {
        for text in [
            &mut self.user,
            &mut self.host,
            &mut self.src_ip,
            &mut self.dst_ip,
            &mut self.process_name,
            &mut self.path,
            &mut self.command,
        ] {
            text.clear();
        }
        self.dst_port = None;
        self.success = None;
        self.session_id = None;
        self.label = None;
    }

    /// Appends one JSON object, without the end of the line.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        write_time(self.time, out);
        out.extend_from_slice(b"\",\"event_type\":\"");
        out.extend_from_slice(self.event_type.name().as_bytes());
        out.push(b'"');
        for (key, text) in [("user", &self.user), ("host", &self.host), ("src_ip", &self.src_ip), ("dst_ip", &self.dst_ip)] {
            write_text(key, text, out);
        }
        if let Some(port) = self.dst_port {
            out.extend_from_slice(b",\"dst_port\":");
            write_number(u64::from(port), out);
        }
        for (key, text) in [("process_name", &self.process_name), ("path", &self.path), ("command", &self.command)] {
            write_text(key, text, out);
        }
        match self.success {
            Some(true) => out.extend_from_slice(b",\"success\":true"),
            Some(false) => out.extend_from_slice(b",\"success\":false"),
            None => {}
        }
        if let Some(session) = self.session_id {
            out.extend_from_slice(b",\"session_id\":\"");
            write_uuid(session, out);
            out.push(b'"');
        }
        out.push(b'}');
    }
}

/// Appends `,"key":"text"`, escaped (RFC 8259 §7); nothing for an empty text.
fn write_text(key: &str, text: &str, out: &mut Vec<u8>) {
    if text.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":\"");
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &b) in bytes.iter().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[hex(b >> 4), hex(b & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

/// The digit of a value below 16.
fn hex(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// Appends a number in decimal.
pub(super) fn write_number(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends `value` in two digits.
pub(super) fn write_two(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

/// Appends RFC 3339 in UTC with milliseconds.
pub(super) fn write_time(time: EventTime, out: &mut Vec<u8>) {
    let c = time.civil();
    let year = c.year.clamp(0, 9999) as u32;
    write_two(year / 100, out);
    write_two(year % 100, out);
    for (separator, part) in [(b'-', c.month), (b'-', c.day), (b'T', c.hour), (b':', c.minute), (b':', c.second)] {
        out.push(separator);
        write_two(part, out);
    }
    out.push(b'.');
    let ms = c.micros / 1000;
    out.push(b'0' + (ms / 100) as u8);
    write_two(ms % 100, out);
    out.push(b'Z');
}

/// Appends a UUID's text (RFC 9562 §4).
fn write_uuid(uuid: u128, out: &mut Vec<u8>) {
    for (at, byte) in uuid.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
    }
}

/// Writes into a text that is reused; a `String` cannot refuse it.
pub(super) fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    proptest! {
        #[test]
        fn any_text_is_escaped(command in any::<String>(), session in any::<u128>(), micros in 0i64..4_000_000_000_000_000) {
            let time = EventTime(micros / 1000 * 1000);
            let record = Record { time, command: command.clone(), session_id: Some(session), ..Record::default() };
            let mut line = Vec::new();
            record.write_json(&mut line);
            let value: Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(value["command"].as_str().unwrap_or_default(), command);
            prop_assert_eq!(value["timestamp"].as_str().unwrap(), time.to_string());
            prop_assert_eq!(value["session_id"].as_str().unwrap().replace('-', ""), format!("{session:032x}"));
            prop_assert!(value.get("host").is_none());
        }
    }

    #[test]
    fn a_label_is_a_line() {
        let mut out = Label::CSV_HEADER.as_bytes().to_vec();
        Label { index: 7, kind: AnomalyKind::PortScan, campaign: Some(3) }.write_csv(&mut out);
        Label { index: 9, kind: AnomalyKind::RareSudo, campaign: None }.write_csv(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "event_index,kind,campaign\n7,port_scan,3\n9,rare_sudo,\n");
    }
}
