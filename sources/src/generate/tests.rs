use super::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use trustfold_event::Stamp;
use trustfold_event::kind::{EventType, Kind, Outcome};
use trustfold_event::parse::parse;
use trustfold_event::raw::Format;

/// SHA-256 over the first 10,000 lines of the default options, each with its newline, and over their labels. They change
/// only with a change of what is generated, which makes every seed's data another.
const FIRST_LINES: &str = "cd95f4f6ea19852baba6d8aeb2c07b45935f6d4af4de2d6b9a85e308a3805e14";
const FIRST_LABELS: &str = "059bbe6b4d0c38b75769c31c671e249f340ec06b3a087b335e5381bca1ffd446";

fn generator(change: impl FnOnce(&mut GeneratorOptions)) -> Generator {
    let mut options = GeneratorOptions { events: 200_000, entities: 2000, span_hours: 168, ..GeneratorOptions::default() };
    change(&mut options);
    Generator::new(options).unwrap()
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (mut lines, mut labels) = (Sha256::new(), Sha256::new());
    for generated in Generator::new(GeneratorOptions::default()).unwrap().take(10_000) {
        lines.update(&generated.line);
        lines.update(b"\n");
        if let Some(label) = generated.label {
            let mut line = Vec::new();
            label.write_csv(&mut line);
            labels.update(&line);
        }
    }
    assert_eq!((hex(lines.finalize()).as_str(), hex(labels.finalize()).as_str()), (FIRST_LINES, FIRST_LABELS));
}

#[test]
fn another_seed_gives_other_bytes() {
    let first = |seed| generator(|o| o.seed = seed).take(100).map(|g| g.line).collect::<Vec<_>>();
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
}

#[test]
fn every_line_has_the_documented_shape() {
    let text = ["timestamp", "event_type", "user", "host", "src_ip"];
    let mut seen: HashMap<EventType, HashSet<String>> = HashMap::new();
    for generated in generator(|o| o.events = 60_000) {
        let value: Value = serde_json::from_slice(&generated.line).unwrap();
        let event = value.as_object().unwrap();
        for key in text {
            assert!(!event[key].as_str().unwrap().is_empty(), "{value}");
        }
        let event_type: EventType = event["event_type"].as_str().unwrap().parse().unwrap();
        assert!(EventTime::parse(event["timestamp"].as_str().unwrap()).is_some());
        for (key, value) in event {
            let fits = match key.as_str() {
                "dst_port" => value.as_u64().is_some_and(|port| port > 0 && port < 65_536),
                "success" => value.is_boolean(),
                "timestamp" | "event_type" | "user" | "host" | "src_ip" | "dst_ip" | "process_name" | "path" | "command"
                | "session_id" => value.is_string(),
                _ => false,
            };
            assert!(fits, "{key}: {value}");
        }
        if event_type == EventType::AuthFailure {
            assert_eq!(event["success"], false);
        }
        seen.entry(event_type).or_default().extend(event.keys().cloned());
    }
    let has = |event_type, keys: &[&str]| keys.iter().all(|key| seen[&event_type].contains(*key));
    assert_eq!(seen.len(), EventType::ALL.len());
    assert!(has(EventType::NetworkConnection, &["dst_ip", "dst_port", "process_name", "success"]));
    assert!(has(EventType::Login, &["dst_ip", "success", "session_id"]));
    assert!(has(EventType::ProcessStart, &["process_name", "path", "command"]));
    assert!(has(EventType::FileChange, &["path"]) && has(EventType::SudoCommand, &["command", "success"]));
}

#[test]
fn arrivals_never_go_back_and_delays_are_bounded() {
    for seed in 0..2 {
        let mut generator = generator(|o| o.seed = seed);
        let (start, end) = (GeneratorOptions::default().start, GeneratorOptions::default().start.0 + 168 * MICROS_AN_HOUR);
        let (mut before, mut made) = (start, 0u64);
        while let Some(record) = generator.advance() {
            assert!(record.arrival >= before && record.arrival.0 < end);
            let delay = record.arrival.0 - record.time.0;
            assert!((0..=i64::from(DELAY_MAX_SECS) * 1_000_000).contains(&delay), "{delay}");
            assert_eq!(record.time.0 % 1000, 0);
            if let Some(label) = record.label {
                assert_eq!(label.index, made);
            }
            before = record.arrival;
            made += 1;
        }
        assert_eq!(made, 200_000);
        // The last hour of the span is reached: the events are spread over all of it.
        assert!(end - before.0 < MICROS_AN_HOUR);
    }
}

#[test]
fn the_share_of_anomalies_is_kept_and_every_kind_occurs() {
    for (seed, share) in [(1, 0.005), (2, 0.02), (3, 0.1)] {
        let mut kinds: HashMap<AnomalyKind, u64> = HashMap::new();
        let mut campaigns: HashMap<u64, (AnomalyKind, u64)> = HashMap::new();
        for label in generator(|o| (o.seed, o.anomaly_share) = (seed, share)).filter_map(|g| g.label) {
            *kinds.entry(label.kind).or_default() += 1;
            if let Some(campaign) = label.campaign {
                let (kind, events) = campaigns.entry(campaign).or_insert((label.kind, 0));
                assert_eq!(*kind, label.kind);
                *events += 1;
            } else {
                assert!(matches!(label.kind, AnomalyKind::RareSudo | AnomalyKind::ForeignLogin));
            }
        }
        let reached = kinds.values().sum::<u64>() as f64 / 200_000.0;
        assert!((reached / share - 1.0).abs() < 0.2, "{share}: {reached}");
        assert_eq!(kinds.len(), AnomalyKind::ALL.len(), "{kinds:?}");
        assert!(campaigns.values().filter(|(_, events)| *events > 10).count() * 10 >= campaigns.len() * 8);
    }
}

#[test]
fn foreign_addresses_are_seen_in_anomalies_only() {
    let foreign = |ip: &str| ["198.51.100.", "203.0.113.", "2001:db8:"].iter().any(|range| ip.starts_with(range));
    let mut generator = generator(|o| o.anomaly_share = 0.02);
    while let Some(record) = generator.advance() {
        if record.label.is_none() {
            assert!(!foreign(&record.src_ip) && !foreign(&record.dst_ip), "{record:?}");
        } else if record.label.is_some_and(|l| l.kind == AnomalyKind::ForeignLogin) {
            assert!(foreign(&record.src_ip) && record.success == Some(true));
        }
        assert!(record.src_ip.parse::<std::net::IpAddr>().is_ok(), "{record:?}");
        assert!(record.dst_ip.is_empty() || record.dst_ip.parse::<std::net::IpAddr>().is_ok(), "{record:?}");
    }
}

#[test]
fn the_population_follows_from_seed_and_entities_alone() {
    // Who works where, from two generators that differ in everything else.
    let hosts = |mut generator: Generator| {
        let mut hosts: HashMap<String, HashSet<String>> = HashMap::new();
        while let Some(record) = generator.advance() {
            if record.label.is_none() && record.event_type == EventType::Login {
                hosts.entry(record.user.clone()).or_default().insert(record.host.clone());
            }
        }
        hosts
    };
    let long = hosts(generator(|_| {}));
    let short = hosts(generator(|o| {
        (o.events, o.anomaly_share, o.span_hours) = (20_000, 0.0, 24);
        o.start = EventTime(o.start.0 + 500 * MICROS_AN_HOUR);
    }));
    let known: Vec<_> = short.iter().filter_map(|(user, hosts)| Some((hosts, long.get(user)?))).collect();
    let same = known.iter().filter(|(short, long)| !short.is_disjoint(long)).count();
    assert!(known.len() > 200 && same * 10 > known.len() * 9, "{same} of {}", known.len());
}

#[test]
fn days_have_a_rhythm_and_users_a_rank() {
    let mut hours = [0u32; 24 * 7];
    let mut users: HashMap<String, u32> = HashMap::new();
    let mut generator = generator(|_| {});
    while let Some(record) = generator.advance() {
        let hour = (record.arrival.0 - GeneratorOptions::default().start.0) / MICROS_AN_HOUR;
        hours[hour as usize] += 1;
        *users.entry(record.user.clone()).or_default() += 1;
    }
    assert!(hours[10] > 5 * hours[3], "{hours:?}");
    assert!(hours[10] > 3 * hours[5 * 24 + 10], "a Monday and a Saturday: {hours:?}");
    let mut counts: Vec<u32> = users.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let top: u32 = counts.iter().take(counts.len() / 10).sum();
    assert!(counts.len() > 1200 && top > 80_000, "{} users, the top tenth makes {top}", counts.len());
}

#[test]
fn without_end_it_goes_on_and_holds_no_more_than_a_session_a_user() {
    let mut generator = generator(|o| (o.events, o.entities, o.anomaly_share) = (u64::MAX, 300, 0.01));
    for _ in 0..300_000 {
        assert!(generator.advance().is_some());
        assert!(generator.due_sessions.len() <= 300 && generator.due_campaigns.len() < 300);
    }
    assert_eq!(generator.produced(), 300_000);
}

#[test]
fn batches_keep_to_the_callers_clock() {
    let mut live = generator(|o| o.anomaly_share = 0.0);
    let mut now = EventTime::parse("2031-05-05T09:00:00Z").unwrap();
    let run = |live: &mut Generator, now: &mut EventTime| {
        let (mut made, mut labelled) = (0, 0);
        for _ in 0..600 {
            let to = EventTime(now.0 + 100_000);
            live.next_batch(*now, to, 50, |record| {
                assert!(record.arrival >= *now && record.arrival < to);
                assert!(record.time.0 > now.0 - 5_000_001);
                made += 1;
                labelled += u32::from(record.label.is_some());
            });
            *now = to;
        }
        (made, labelled)
    };
    assert_eq!(run(&mut live, &mut now), (30_000, 0));
    live.set_anomaly_share(0.02);
    let (made, labelled) = run(&mut live, &mut now);
    assert!(made == 30_000 && (300..900).contains(&labelled), "{labelled}");
    live.set_anomaly_share(0.0);
    assert_eq!(run(&mut live, &mut now), (30_000, 0));
    // A clock that is set back does not set back the arrivals.
    let mut before = EventTime(0);
    live.next_batch(EventTime(now.0 - 60_000_000), EventTime(now.0 - 59_000_000), 10, |record| {
        assert!(record.arrival >= before.max(EventTime(now.0 - 100_000)));
        before = record.arrival;
    });
}

#[test]
fn users_have_names_of_their_own() {
    let generator = generator(|o| o.entities = 5000);
    let name = |user| {
        let mut name = String::new();
        generator.population.name(user, &mut name);
        name
    };
    assert_eq!((0..5000).map(name).collect::<HashSet<_>>().len(), 5000);
}

#[test]
fn options_out_of_range_are_refused() {
    let refused = |change: fn(&mut GeneratorOptions)| {
        let mut options = GeneratorOptions::default();
        change(&mut options);
        Generator::new(options).is_err()
    };
    assert!(refused(|o| o.entities = 0) && refused(|o| o.span_hours = 0));
    assert!(refused(|o| o.anomaly_share = 0.6) && refused(|o| o.anomaly_share = f64::NAN));
    assert_eq!(generator(|o| o.events = 0).count(), 0);
    assert_eq!(generator(|o| (o.entities, o.events, o.span_hours) = (1, 1000, 1)).count(), 1000);
}

#[test]
fn the_projects_own_parsers_read_back_what_was_meant() {
    let mut generator = generator(|o| (o.events, o.anomaly_share) = (30_000, 0.02));
    let (mut line, mut auth_lines) = (Vec::new(), 0);
    while let Some(record) = generator.advance() {
        let received = Stamp(record.arrival.0);
        line.clear();
        record.write_json(&mut line);
        let parsed = parse(Format::Json, &line, received).unwrap();
        assert_eq!((parsed.kind, parsed.time), (Kind::Core(record.event_type), Some(record.time)));
        assert_eq!(parsed.user.as_deref(), Some(record.user.as_str()));
        for write in [to_syslog_5424, to_syslog_3164] {
            line.clear();
            if !write(record, &mut line) {
                continue;
            }
            auth_lines += 1;
            let parsed = parse(Format::Syslog, &line, received).unwrap();
            assert_eq!(parsed.kind, Kind::Core(record.event_type), "{}", String::from_utf8_lossy(&line));
            assert_eq!(parsed.user.as_deref(), Some(record.user.as_str()));
            if record.event_type == EventType::SudoCommand {
                assert_eq!(parsed.command.as_deref(), Some(record.command.as_str()));
            } else {
                assert_eq!(parsed.source_ip.as_deref(), Some(record.src_ip.as_str()));
            }
            // A logout has no outcome of its own; the others say how they went.
            if record.event_type != EventType::Logout {
                assert_eq!(parsed.outcome == Outcome::Success, record.success == Some(true));
            }
        }
    }
    assert!(auth_lines > 4000, "{auth_lines}");
}
