//! JSON events against `serde_json` as an oracle: what is well-formed, and what the fields hold.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use trustfold_event::EventTime;
use trustfold_event::kind::{EventType, Kind, Outcome};
use trustfold_event::parse::json::{TEXT_BYTES_MAX, parse};
use trustfold_event::parsed::Parsed;

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() }
}

/// The names of each field, flat first, then ECS as a path.
const FIELDS: [(&str, &[&str], Type); 21] = [
    ("time", &["timestamp", "@timestamp"], Type::Time),
    ("id", &["id", "event_id", "event.id"], Type::Text),
    ("user", &["user", "username", "user.name"], Type::Text),
    ("effective_user", &["user.effective.name"], Type::Text),
    ("host", &["host", "hostname", "host.name", "host.hostname"], Type::Text),
    ("source_ip", &["src_ip", "source.ip"], Type::Text),
    ("source_port", &["src_port", "source.port"], Type::Port),
    ("destination_ip", &["dst_ip", "dest_ip", "destination", "remote_address", "destination.ip"], Type::Text),
    ("destination_port", &["dst_port", "dest_port", "destination.port"], Type::Port),
    ("process", &["process_name", "process.name"], Type::Text),
    ("pid", &["pid", "process.pid"], Type::Port),
    ("exit_code", &["exit_code", "process.exit_code"], Type::Port),
    ("path", &["path", "process.executable"], Type::Text),
    ("command", &["command", "process.command_line"], Type::Text),
    ("working_directory", &["working_directory", "process.working_directory"], Type::Text),
    ("reason", &["reason", "event.reason"], Type::Text),
    ("sender_session", &["session_id", "labels.sender_session"], Type::Text),
    ("message", &["message"], Type::Text),
    ("success", &["success"], Type::Bool),
    ("outcome", &["event.outcome"], Type::Outcome),
    ("kind", &["event_type", "trustfold.event_type", "event.action"], Type::Kind),
];

#[derive(Clone, Copy, Debug)]
enum Type {
    Text,
    Port,
    Time,
    Bool,
    Outcome,
    Kind,
}

fn value_of(kind: Type) -> BoxedStrategy<Value> {
    match kind {
        Type::Text => {
            prop_oneof![8 => "\\PC{0,30}|[\"\\\\\\x00-\\x1f/é😀a]{0,12}", 1 => "[a-z]{60,140}"].prop_map(Value::from).boxed()
        }
        Type::Port => {
            prop_oneof![any::<u16>().prop_map(Value::from), any::<u16>().prop_map(|p| Value::from(p.to_string()))].boxed()
        }
        Type::Time => {
            let micros = -62_135_596_800_000_000i64..253_402_300_799_000_000;
            micros.prop_map(|m| Value::from(EventTime(m).to_string())).boxed()
        }
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::Outcome => prop::sample::select(&["success", "failure", "unknown"][..]).prop_map(Value::from).boxed(),
        Type::Kind => prop::sample::select(&EventType::ALL[..]).prop_map(|t| Value::from(t.name())).boxed(),
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}|[\"\\\\\\x00-\\x1f😀]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,8}", inner), 0..6).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Each field at most once, under one of its names, dotted or nested; then unknown fields; all in any order.
fn members() -> impl Strategy<Value = Vec<(String, Value)>> {
    let known: Vec<_> = FIELDS
        .into_iter()
        .map(|(_, names, kind)| {
            let value = prop_oneof![9 => value_of(kind), 1 => Just(Value::Null)];
            prop::option::weighted(0.7, (prop::sample::select(names), value, any::<bool>()))
        })
        .collect();
    let unknown = prop::collection::vec(("x\\PC{0,10}", anything()), 0..6);
    let members = (known, unknown).prop_map(|(known, unknown)| {
        let known = known.into_iter().flatten().map(|(name, value, nested)| match name.split_once('.') {
            Some((head, tail)) if nested => (head.to_owned(), nest(tail, value)),
            _ => (name.to_owned(), value),
        });
        known.chain(unknown).collect::<Vec<_>>()
    });
    members.prop_shuffle()
}

fn nest(path: &str, value: Value) -> Value {
    match path.split_once('.') {
        Some((head, tail)) => json!({ head: nest(tail, value) }),
        None => json!({ path: value }),
    }
}

/// The object as text: members in order, repeated names kept, with the whitespace that `space` stands for.
fn written(members: &[(String, Value)], space: &str) -> String {
    let members: Vec<String> =
        members.iter().map(|(k, v)| format!("{space}{}{space}:{space}{v}{space}", Value::from(k.as_str()))).collect();
    format!("{space}{{{}}}{space}", members.join(","))
}

/// The text that a field has, where it is there and not empty.
fn said<'v>(members: &'v [(String, Value)], name: &str) -> Option<&'v Value> {
    let whole = members.iter().find(|(k, v)| k == name && !v.is_object()).map(|(_, v)| v);
    let nested = || {
        let (head, _) = name.split_once('.')?;
        let pointer = format!("/{}", name[head.len() + 1..].replace('.', "/"));
        members.iter().filter(|(k, _)| k == head).find_map(|(_, v)| v.pointer(&pointer))
    };
    whole.or_else(nested).filter(|v| !v.is_null() && v.as_str() != Some(""))
}

fn oracle(members: &[(String, Value)]) -> Value {
    let mut expected = Map::new();
    for (field, names, kind) in FIELDS {
        let Some(value) = names.iter().find_map(|name| said(members, name)) else { continue };
        let value = match (kind, value) {
            (Type::Port, Value::String(text)) => text.parse::<u16>().map_or(Value::Null, Value::from),
            _ => value.clone(),
        };
        expected.insert(field.to_owned(), value);
    }
    Value::Object(expected)
}

/// What was parsed, in the oracle's words; outcome and success are compared apart.
fn ours(parsed: &Parsed<'_>) -> Value {
    let mut found = Map::new();
    let mut put = |name: &str, value: Option<Value>| value.map(|v| found.insert(name.to_owned(), v));
    let text = |t: &trustfold_event::parsed::Text<'_>| t.as_deref().map(Value::from);
    put("time", parsed.time.map(|t| Value::from(t.to_string())));
    put("id", text(&parsed.id));
    put("user", text(&parsed.user));
    put("effective_user", text(&parsed.effective_user));
    put("host", text(&parsed.host));
    put("source_ip", text(&parsed.source_ip));
    put("source_port", parsed.source_port.map(Value::from));
    put("destination_ip", text(&parsed.destination_ip));
    put("destination_port", parsed.destination_port.map(Value::from));
    put("process", text(&parsed.process));
    put("pid", parsed.pid.map(Value::from));
    put("exit_code", parsed.exit_code.map(Value::from));
    put("path", text(&parsed.path));
    put("command", text(&parsed.command));
    put("working_directory", text(&parsed.working_directory));
    put("reason", text(&parsed.reason));
    put("sender_session", text(&parsed.sender_session));
    put("message", text(&parsed.message));
    put("kind", Some(Value::from(parsed.kind.name())));
    Value::Object(found)
}

/// True where `serde_json` reads an object, but for numbers beyond an `f64`, which we only refuse in fields.
fn is_object(text: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => Some(value.is_object()),
        Err(e) if e.to_string().starts_with("number out of range") => None,
        Err(_) => Some(false),
    }
}

/// Our word on whether the text is well-formed, against the oracle's. A value that its field cannot hold is refused before
/// what follows it is read, and then says nothing; the event type is only looked at once all has been read.
fn is_judged_alike(text: &[u8]) -> bool {
    let Some(expected) = is_object(text) else { return true };
    match parse(text) {
        Ok(_) => expected,
        Err(reject) if reject.code.starts_with("json.") || reject.code == "utf8.invalid" => !expected,
        Err(reject) if reject.code.starts_with("event_type.") => expected,
        Err(_) => true,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn fields_are_what_the_oracle_reads(members in members(), space in "[ \\n\\t\\r]{0,2}") {
        let text = written(&members, &space);
        let mut expected = oracle(&members);
        let fields = expected.as_object_mut().unwrap();
        let (success, outcome) = (fields.remove("success"), fields.remove("outcome"));
        match parse(text.as_bytes()) {
            Err(reject) => {
                prop_assert_eq!(&reject.code, "event_type.missing", "{}", text);
                prop_assert!(!fields.contains_key("kind"), "{}", text);
            }
            Ok(parsed) => {
                prop_assert_eq!(ours(&parsed), expected, "{}", text);
                let outcome = match (outcome.as_ref().and_then(Value::as_str), success) {
                    (Some("success"), _) => Outcome::Success,
                    (Some("failure"), _) => Outcome::Failure,
                    (_, Some(Value::Bool(true))) => Outcome::Success,
                    (_, Some(Value::Bool(false))) => Outcome::Failure,
                    _ if parsed.kind == Kind::Core(EventType::AuthFailure) => Outcome::Failure,
                    _ => Outcome::Unknown,
                };
                prop_assert_eq!(parsed.outcome, outcome);
            }
        }
    }

    #[test]
    fn metadata_counts_as_the_record(members in members()) {
        let flat = written(&members, "");
        let wrapped = format!("{{\"metadata\":{flat}}}");
        prop_assert_eq!(parse(flat.as_bytes()), parse(wrapped.as_bytes()));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_are_judged_alike(bytes: Vec<u8>) {
        prop_assert!(is_judged_alike(&bytes));
    }

    #[test]
    fn pieces_of_json_are_judged_alike(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
        let inside = pieces.concat();
        for text in [inside.clone(), format!("{{{inside}}}"), format!("{{\"x\":{inside}}}"), format!("{{\"x\":[{inside}]}}"), format!("{{\"event_type\":\"{inside}\"}}")] {
            prop_assert!(is_judged_alike(text.as_bytes()), "{:?} {}", parse(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_damaged_object_is_judged_alike(members in members(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut text = written(&members, "").into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let cut = if cut.index(2) == 0 { text.len() } else { cut.index(text.len()) };
        for text in [&text[..], &text[..cut]] {
            prop_assert!(is_judged_alike(text), "{:?} {}", parse(text), String::from_utf8_lossy(text));
        }
    }
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"a\":",
    "\\",
    "\\u",
    "\\u00e9",
    "\\ud83d",
    "\\ude00",
    "\\n",
    "\\x",
    "0",
    "-",
    "1",
    "12",
    ".5",
    ".",
    "e",
    "E+3",
    "e-1",
    "+",
    "true",
    "false",
    "null",
    "nul",
    " ",
    "\n",
    "\t",
    "\u{b}",
    "é",
    "\u{0}",
    "{}",
    "[]",
    "[1]",
    "{\"b\":2}",
];

fn code(text: &str) -> String {
    parse(text.as_bytes()).map_or_else(|r| r.code.into_owned(), |p| p.kind.name().to_owned())
}

#[test]
fn rejects_name_what_is_wrong() {
    for (text, expected) in [
        ("", "json.syntax"),
        ("  ", "json.syntax"),
        ("[]", "json.not_an_object"),
        ("\"x\"", "json.not_an_object"),
        ("{}", "event_type.missing"),
        ("{\"event_type\":null}", "event_type.missing"),
        ("{\"event_type\":\"\"}", "event_type.missing"),
        ("{\"event_type\":\"shutdown\"}", "event_type.unknown"),
        ("{\"event_type\":7}", "field.type"),
        ("{\"event_type\":\"login\"} {}", "json.trailing"),
        ("{\"event_type\":\"login\"}\n", "login"),
        ("{\"event_type\":\"login\",}", "json.syntax"),
        ("{\"event_type\":\"login\",\"user\":[1,]}", "json.syntax"),
        ("{\"event_type\":\"login\",\"user\":[1]}", "field.type"),
        ("{\"event_type\":\"login\",\"success\":\"yes\"}", "field.type"),
        ("{\"event_type\":\"login\",\"timestamp\":\"yesterday\"}", "timestamp.invalid"),
        ("{\"event_type\":\"login\",\"timestamp\":1e99}", "timestamp.invalid"),
        ("{\"event_type\":\"login\",\"timestamp\":true}", "field.type"),
        ("{\"event_type\":\"login\",\"dst_port\":65536}", "port.range"),
        ("{\"event_type\":\"login\",\"dst_port\":\"65536\"}", "port.range"),
        ("{\"event_type\":\"login\",\"dst_port\":-1}", "port.range"),
        ("{\"event_type\":\"login\",\"dst_port\":22.5}", "field.type"),
        ("{\"event_type\":\"login\",\"dst_port\":\"ssh\"}", "field.type"),
        ("{\"event_type\":\"login\",\"pid\":-1}", "field.type"),
        ("{\"event_type\":\"login\",\"x\":\"\\ud800\"}", "json.syntax"),
        ("{\"event_type\":\"login\",\"x\":1e999}", "login"),
        ("{\"event.action\":\"x\",\"event_type\":\"login\"}", "login"),
        ("{\"event\":{\"action\":\"logout\"},\"trustfold\":{\"event_type\":\"login\"}}", "login"),
        (
            "{\"event\":\"x\",\"source\":1,\"labels\":[],\"file\":null,\"trustfold\":\"y\",\"metadata\":2,\"event_type\":\"login\"}",
            "login",
        ),
    ] {
        assert_eq!(code(text), expected, "{text}");
    }
    let reject = parse(b"{\"event_type\":\"login\", \"a\" 1}").unwrap_err();
    assert!(reject.reason.contains("byte 27"), "{}", reject.reason);
    assert_eq!(parse(b"{\"event_type\":\"login\",\"x\":\"\xff\"}").unwrap_err().code, "utf8.invalid");
    let unknown = parse(format!("{{\"event_type\":\"{}\"}}", "é".repeat(500)).as_bytes()).unwrap_err();
    assert!(unknown.reason.len() < 200 && unknown.reason.contains("éé"), "{}", unknown.reason);
}

#[test]
fn text_has_a_limit() {
    let with = |n: usize| code(&format!("{{\"event_type\":\"login\",\"user\":\"{}\"}}", "x".repeat(n)));
    assert_eq!((with(TEXT_BYTES_MAX).as_str(), with(TEXT_BYTES_MAX + 1).as_str()), ("login", "text.too_long"));
    assert_eq!(code(&format!("{{\"event_type\":\"login\",\"other\":\"{}\"}}", "x".repeat(TEXT_BYTES_MAX + 1))), "login");
}

#[test]
fn depth_has_a_limit() {
    let nested = |n: usize, open: &str, close: &str| {
        code(&format!(
            "{{\"event_type\":\"login\",\"x\":{}{}{}}}",
            open.repeat(n),
            if open == "[" { "" } else { "1" },
            close.repeat(n)
        ))
    };
    assert_eq!((nested(63, "[", "]").as_str(), nested(64, "[", "]").as_str()), ("login", "json.too_deep"));
    assert_eq!((nested(63, "{\"a\":", "}").as_str(), nested(64, "{\"a\":", "}").as_str()), ("login", "json.too_deep"));
    assert_eq!(code(&format!("{{\"x\":{}", "[".repeat(500_000))), "json.too_deep");
    assert_eq!(code(&format!("{{\"user\":{}", "{\"effective\":".repeat(100))), "json.too_deep");
}

#[test]
fn shapes_and_precedence() {
    let parsed = parse(
        br#"{"event_type":"login","timestamp":"2026-03-02T10:00:00","metadata":{"username":"bob","remote_address":"192.0.2.1"}}"#,
    )
    .unwrap();
    assert_eq!((parsed.user.as_deref(), parsed.destination_ip.as_deref()), (Some("bob"), Some("192.0.2.1")));
    let parsed = parse(
        br#"{"event_type":"file_change","path":"/bin/vi","file":{"path":"/etc/passwd"},"us\u0065r":"\ud83d\ude00","user":null}"#,
    )
    .unwrap();
    assert_eq!((parsed.path.as_deref(), parsed.user.as_deref()), (Some("/etc/passwd"), Some("😀")));
    let parsed = parse(br#"{"event_type":"process_end","file.path":"/x","process.executable":"/bin/vi","exit_code":3221225477,"@timestamp":1772445600.5}"#).unwrap();
    assert_eq!((parsed.path.as_deref(), parsed.exit_code), (Some("/bin/vi"), Some(-1_073_741_819)));
    assert_eq!(parsed.time, EventTime::parse("2026-03-02T10:00:00.5Z"));
    let parsed = parse(br#"{"host":{"hostname":"a","name":"b","os":{"name":"c"}},"event.action":"auth_failure","success":true,"user":"x","user":"y"}"#).unwrap();
    assert_eq!((parsed.host.as_deref(), parsed.outcome, parsed.user.as_deref()), (Some("b"), Outcome::Success, Some("y")));
}

#[test]
fn text_without_escapes_is_borrowed() {
    let record = br#"{"event_type":"login","user":"alice","host":"h\u0031","x":"\n"}"#;
    let parsed = parse(record).unwrap();
    assert!(matches!(parsed.user, Some(std::borrow::Cow::Borrowed("alice"))));
    assert!(matches!(parsed.host, Some(std::borrow::Cow::Owned(_))));
}
