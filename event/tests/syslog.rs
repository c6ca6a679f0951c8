//! Syslog lines against goldens: a line, and what is read from it, as an ECS document.
//!
//! `TRUSTFOLD_BLESS=1 cargo test -p trustfold-event --test syslog` writes the goldens anew; read the difference before you keep it.
#![expect(clippy::unwrap_used, clippy::disallowed_types, reason = "helpers of tests fail by panicking, and a test reads files")]

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use trustfold_event::kind::{EventType, Kind, Outcome};
use trustfold_event::parse::syslog::parse;
use trustfold_event::parsed::Parsed;
use trustfold_event::{Civil, Epoch, EventId, EventTime, Stamp};

const LINES: &str = include_str!("golden/syslog_lines.txt");

fn received() -> Stamp {
    Stamp::parse("2026-03-02T12:00:00Z").unwrap()
}

fn fields(parsed: &Parsed<'_>) -> Value {
    let id = EventId { epoch: Epoch(0), process: 0, index: 0 };
    let mut document = parsed.to_ecs(id, Stamp(0), "syslog");
    let event = document["event"].as_object_mut().unwrap();
    event.retain(|name, _| matches!(name.as_str(), "action" | "outcome" | "reason"));
    if parsed.time.is_none() {
        document.as_object_mut().unwrap().remove("@timestamp");
    }
    document
}

#[test]
fn lines_read_as_their_goldens_say() {
    let mut found = String::new();
    for line in LINES.lines() {
        let value = match parse(line.as_bytes(), received()) {
            Ok(parsed) => fields(&parsed),
            Err(reject) => serde_json::json!({ "reject": reject.code }),
        };
        writeln!(found, "{value}").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/syslog_fields.ndjson");
    if std::env::var_os("TRUSTFOLD_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found.lines().count(), golden.lines().count());
    for ((line, found), golden) in LINES.lines().zip(found.lines()).zip(golden.lines()) {
        assert_eq!(found, golden, "{line}");
    }
}

#[test]
fn a_truncated_line_neither_panics_nor_invents_an_address() {
    for line in LINES.lines() {
        for end in 0..=line.len() {
            for start in [0, end / 2] {
                if let Ok(parsed) = parse(&line.as_bytes()[start..end], received())
                    && let Some(ip) = &parsed.source_ip
                {
                    assert!(trustfold_event::parse::ip::is_ip(ip), "{line}");
                    assert!(line.contains(ip.as_ref()), "{line}");
                }
            }
        }
    }
}

#[test]
fn rejects_name_what_is_wrong() {
    for (line, code) in [
        ("", "syslog.empty"),
        ("\r\n\0", "syslog.empty"),
        ("hello", "syslog.header"),
        ("1 2026-03-02T00:00:00Z h a - - - m", "syslog.header"),
        ("<", "syslog.pri"),
        ("<>x", "syslog.pri"),
        ("<192>x", "syslog.pri"),
        ("<013>x", "syslog.pri"),
        ("<1234>x", "syslog.pri"),
        ("<13 x", "syslog.pri"),
        ("<-1>x", "syslog.pri"),
        ("<13>1 ", "syslog.header"),
        ("<13>1 - h a p", "syslog.header"),
        ("<13>1 -  a p m -", "syslog.header"),
        ("<13>1 - hé a p m -", "syslog.header"),
        ("<13>1 2026-03-02t00:00:00Z h a p m -", "syslog.timestamp"),
        ("<13>1 2026-03-02T00:00:00 h a p m -", "syslog.timestamp"),
        ("<13>1 2026-03-02T00:00:00.1234567Z h a p m -", "syslog.timestamp"),
        ("<13>1 2026-03-02T00:00:60Z h a p m -", "syslog.timestamp"),
        ("<13>1 2026-02-30T00:00:00Z h a p m -", "syslog.timestamp"),
        ("<13>Feb 30 00:00:00 h a: m", "syslog.timestamp"),
        ("<13>1 - h a p m x", "syslog.structured_data"),
        ("<13>1 - h a p m ", "syslog.structured_data"),
        ("<13>1 - h a p m -x", "syslog.structured_data"),
        ("<13>1 - h a p m []", "syslog.structured_data"),
        ("<13>1 - h a p m [a b]", "syslog.structured_data"),
        ("<13>1 - h a p m [a b=\"]\"]", "syslog.structured_data"),
        ("<13>1 - h a p m [a b=\"x\\\"]", "syslog.structured_data"),
        ("<13>1 - h a p m [a b=\"x\" ]", "syslog.structured_data"),
        ("<13>1 - h a p m [a][b", "syslog.structured_data"),
    ] {
        assert_eq!(parse(line.as_bytes(), received()).map_err(|r| r.code.into_owned()), Err(code.to_owned()), "{line:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let parsed = parse(
        b"<86>Mar  2 00:00:00 h sshd[1]: Failed password for invalid user a\xff from 192.0.2.1 port 2 ssh2\r\n",
        received(),
    )
    .unwrap();
    assert_eq!(parsed.user.as_deref(), Some("a\u{fffd}"));
    assert_eq!(parsed.kind, Kind::Core(EventType::AuthFailure));
    let bom = parse("<13>1 - h a - - - \u{feff}m".as_bytes(), received()).unwrap();
    assert_eq!(bom.message.as_deref(), Some("m"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, head in "(<[0-9]{1,4}>)?(1 )?([A-Z][a-z]{2} [ 0-9][0-9] )?[ -~]{0,60}", received: i64) {
        let _ = parse(&bytes, Stamp(received));
        let _ = parse(head.as_bytes(), Stamp(received));
        let _ = parse(&[head.as_bytes(), &bytes].concat(), Stamp(received));
    }

    #[test]
    fn a_user_name_cannot_pass_for_an_address(user in "[ -~]{0,40}|[a-z ]{0,5}from [0-9.]{7,9} port [0-9]{1,5}( ssh2)?(: RSA SHA256:x)?", port: u16, a: [u8; 4]) {
        let ip = std::net::Ipv4Addr::from(a).to_string();
        let line = format!("<86>Mar  2 00:00:00 h sshd[1]: Failed password for invalid user {user} from {ip} port {port} ssh2");
        let parsed = parse(line.as_bytes(), received()).unwrap();
        prop_assert_eq!(parsed.kind, Kind::Core(EventType::AuthFailure));
        prop_assert_eq!(parsed.outcome, Outcome::Failure);
        prop_assert_eq!(parsed.user.as_deref().unwrap_or(""), user.as_str());
        prop_assert_eq!(parsed.source_ip.as_deref(), Some(ip.as_str()));
        prop_assert_eq!(parsed.source_port, Some(port));
    }

    #[test]
    fn a_command_is_read_whole(user in "[a-z_][a-z0-9_.-]{0,10}", command in "[!-~][ -~]{0,60}") {
        let line = format!("Mar  2 00:00:00 h sudo: {user:>8} : TTY=pts/0 ; PWD=/x ; USER=root ; COMMAND={command}");
        let parsed = parse(line.as_bytes(), received()).unwrap();
        prop_assert_eq!(parsed.user.as_deref(), Some(user.as_str()));
        prop_assert_eq!(parsed.command.as_deref(), Some(command.as_str()));
        prop_assert_eq!(parsed.effective_user.as_deref(), Some("root"));
    }

    #[test]
    fn structured_data_is_read_as_far_as_it_goes(values in prop::collection::vec("\\PC{0,20}", 0..4), message in "[ -~]{1,20}") {
        let escape = |v: &str| v.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
        let elements: String = values.iter().enumerate().map(|(i, v)| format!("[id{i} k=\"{}\"]", escape(v))).collect();
        let elements = if elements.is_empty() { "-".to_owned() } else { elements };
        let line = format!("<13>1 - h a 7 - {elements} {message}");
        let parsed = parse(line.as_bytes(), received()).unwrap();
        prop_assert_eq!(parsed.message.as_deref(), Some(message.as_str()));
        prop_assert_eq!(parsed.pid, Some(7));
    }
}

fn test_data(path: &str) -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("TRUSTFOLD_TESTDATA")?).join(path))
}

/// The counts were taken from the file with `grep -c`.
#[test]
fn a_real_auth_log_reads_whole() {
    let Some(path) = test_data("linux_auth/elastic_examples_auth.log.gz") else { return };
    let mut log = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut log).unwrap();
    let received = Stamp::parse("2017-06-01T00:00:00Z").unwrap();
    let mut counts = BTreeMap::<&str, usize>::new();
    for line in log.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        let parsed = parse(line, received).unwrap();
        assert_eq!(parsed.host.as_deref(), Some("ip-10-77-20-248"));
        assert_eq!(parsed.time.unwrap().civil().year, 2017);
        assert!(parsed.process.is_some() && parsed.message.is_some());
        *counts.entry(parsed.kind.name()).or_default() += 1;
        if parsed.outcome == Outcome::Failure {
            *counts.entry("of them failed").or_default() += 1;
        }
    }
    println!("{counts:?}");
    assert_eq!(counts.values().sum::<usize>() - counts["of them failed"], LINES_OF_THE_LOG);
    assert_eq!((counts["login"], counts["auth_failure"], counts["sudo_command"]), (LOGINS, FAILURES, SUDO_COMMANDS));
    assert_eq!(counts.get("logout"), None, "this server names no user where it tells of a disconnect");
}

const LINES_OF_THE_LOG: usize = 7121;
const LOGINS: usize = 226;
/// Lines that begin with "Failed", and those that repeat one.
const FAILURES: usize = 632 + 85;
const SUDO_COMMANDS: usize = 186;

fn vectors(name: &str) -> Vec<Value> {
    let Some(path) = test_data(name) else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Differs where we follow RFC 5424 and the vectors do not: they refuse a backslash before a letter in structured data
/// (section 6.3.3 reads it as a backslash) and take repeated element names as malformed; and a line that is only a
/// priority and text is an RFC 3164 line to us.
#[test]
fn strict_rfc5424_vectors() {
    let cases = vectors("syslog/go-syslog_rfc5424.vectors.jsonl");
    let mut differing = Vec::new();
    for case in &cases {
        let input = case["input"].as_str().unwrap();
        let (parsed, expected) = (parse(input.as_bytes(), received()), &case["expected"]);
        let agrees = match (&parsed, case["valid"].as_bool().unwrap()) {
            (Err(_), false) => true,
            (Ok(p), true) => {
                let same = |ours: &Option<std::borrow::Cow<'_, str>>, name: &str| ours.as_deref() == expected[name].as_str();
                let message = expected["message"].as_str().map(|m| m.trim_start_matches('\u{feff}'));
                p.time == expected["timestamp"].as_str().and_then(EventTime::parse)
                    && same(&p.host, "hostname")
                    && same(&p.process, "appname")
                    && p.message.as_deref().unwrap_or("") == message.unwrap_or("")
            }
            _ => false,
        };
        if !agrees {
            differing.push(input);
        }
    }
    println!("{} of {} agree; these do not: {differing:#?}", cases.len() - differing.len(), cases.len());
    assert!(differing.len() <= STRICT_DIFFER, "{differing:#?}");
}
const STRICT_DIFFER: usize = 4;

/// Differs where the vectors are looser than we are: structured data in RFC 3164, RFC 5424 without a priority, a tag
/// without its colon, malformed structured data.
#[test]
fn loose_vectors() {
    let cases = vectors("syslog/syslog-loose.vectors.jsonl");
    let mut differing = Vec::new();
    for case in &cases {
        let input = case["input"].as_str().unwrap();
        let parts: Vec<i64> = case["ymd_hms"].as_str().unwrap_or("").split(", ").filter_map(|n| n.parse().ok()).collect();
        let time = match parts[..] {
            [year, month, day, hour, minute, second] => {
                let n = |v: i64| v as u32;
                let civil =
                    Civil { year, month: n(month), day: n(day), hour: n(hour), minute: n(minute), second: n(second), micros: 0 };
                civil.micros_since_epoch()
            }
            _ => None,
        };
        let received = Stamp(time.unwrap_or_default() + 3_600_000_000);
        let agrees = parse(input.as_bytes(), received).is_ok_and(|p| {
            // The vectors give local wall time to the second; zones are compared by the strict vectors.
            let offset = |t: i64| (t.div_euclid(1_000_000) - time.unwrap_or_default() / 1_000_000) % 1800 == 0;
            p.time.map(|t| t.0).is_some() == time.is_some()
                && p.time.is_none_or(|t| offset(t.0))
                && p.host.as_deref() == case["hostname"].as_str()
                && p.process.as_deref() == case["appname"].as_str()
                && p.message.as_deref().map(str::trim) == case["msg"].as_str().map(str::trim)
        });
        if !agrees {
            differing.push(case["case"].as_str().unwrap());
        }
    }
    println!("{} of {} agree; these do not: {differing:#?}", cases.len() - differing.len(), cases.len());
    assert!(differing.len() <= LOOSE_DIFFER, "{differing:#?}");
}
const LOOSE_DIFFER: usize = 8;
