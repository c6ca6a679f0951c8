//! The settings file and the reference say what the types say.

use figment::Figment;
use std::collections::BTreeSet;
use std::fs;
use trustfold::commands::reference::reference;
use trustfold::settings::Settings;

fn paths(prefix: &str, value: &serde_json::Value, out: &mut BTreeSet<String>) {
    match value.as_object() {
        Some(fields) => {
            for (name, value) in fields {
                paths(&if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") }, value, out);
            }
        }
        None => drop(out.insert(prefix.to_owned())),
    }
}

#[test]
fn the_settings_file_shows_every_option_with_its_default() {
    let text = fs::read_to_string("config/trustfold.toml").unwrap();
    let open: String = text.lines().skip(2).map(|l| l.strip_prefix("# ").unwrap_or(l)).fold(String::new(), |t, l| t + l + "\n");
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("ingest-keys");
    fs::write(&keys, "a-key-of-more-than-sixteen-characters\n").unwrap();
    let file = dir.path().join("all.toml");
    fs::write(&file, open.replace("\"ingest-keys\"", &format!("{:?}", keys))).unwrap();
    let mut shown = Settings::load(Some(&file), &Figment::new()).expect("every option in it is one of ours");
    shown.web.ingest_keys_file = None;
    let (shown, defaults) = (serde_json::to_value(&shown).unwrap(), serde_json::to_value(Settings::default()).unwrap());
    assert_eq!(shown, defaults, "the file shows the defaults");
    let (mut in_file, mut in_types) = (BTreeSet::new(), BTreeSet::new());
    let table: serde_json::Value = toml::from_str(&open).unwrap();
    paths("", &table, &mut in_file);
    paths("", &defaults, &mut in_types);
    assert_eq!(in_file, in_types, "the file shows them all");
}

#[test]
fn the_reference_is_generated() {
    let path = "config/REFERENCE.md";
    let fresh = reference();
    if std::env::var_os("TRUSTFOLD_BLESS").is_some() {
        fs::write(path, &fresh).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, fresh, "regenerate it: TRUSTFOLD_BLESS=1 cargo test --test config");
    for setting in ["contamination", "ingest_keys_file", "sudo_command", "segment_bytes", "message_bytes_max"] {
        assert!(fresh.contains(&format!("`{setting}`")), "{setting} is in the reference");
    }
}

#[test]
fn wrong_settings_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrong.toml");
    for (text, part) in [
        ("wrokers = 2", "wrokers"),
        ("[web]\nlisten = \"0.0.0.0:8000\"", "ingest_keys_file"),
        ("[sources.syslog_tcp]\nlisten = \"0.0.0.0:5514\"", "allow_beyond_loopback"),
        ("[sources.syslog_tcp]\nlissten = \"127.0.0.1:1\"", "lissten"),
        ("[decision]\ncontamination = 0.9", "contamination is 0.9"),
        ("[decision.weights]\nsudo_command = -1.0", "weights"),
        ("[storage]\nuri = \"postgres://x\"", "storage.uri"),
        ("[sources.syslog_tcp]\nmessage_bytes_max = 1", "message_bytes_max"),
    ] {
        fs::write(&file, text).unwrap();
        let error = Settings::load(Some(&file), &Figment::new()).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}
