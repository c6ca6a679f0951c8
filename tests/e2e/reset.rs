//! Reset: looked at first, confirmed by a typed word, and then nothing is left but the note that it happened.

use crate::life::{Life, odd_sudo};
use crate::server::Server;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Every file below a folder, with its length.
fn files(dir: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.display().to_string(), std::fs::metadata(&path).unwrap().len());
            }
        }
    }
    found
}

fn assert_empty(server: &Server) {
    let stats = server.get("/api/stats");
    assert_eq!(stats["events"]["total"], 0, "{stats}");
    assert_eq!((&stats["anomalies"]["found"], &stats["anomalies"]["open"]), (&json!(0), &json!(0)), "{stats}");
    assert_eq!(stats["trust"]["score"], 100.0, "{stats}");
    for key in ["mode", "session", "training", "live", "model_version", "model"] {
        assert_eq!(stats[key], Value::Null, "{key}: {stats}");
    }
    for list in ["/api/sessions", "/api/anomalies", "/api/events", "/api/v1/notices", "/api/v1/models", "/api/v1/dead-letters"] {
        assert!(server.all(list).is_empty(), "{list}");
    }
    assert_eq!(server.get("/api/trust")["trust"], 100.0);
    assert!(server.get("/api/v1/trust/entities")["data"].as_array().unwrap().is_empty());
    assert!(server.get("/api/events/recent")["data"].as_array().unwrap().is_empty());
    server.conflict("/api/live/start", "not_trained", "Training not yet completed.");
}

#[test]
fn a_reset_forgets_everything_but_itself() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(41, 9000, 60, 48);
    server.train(&life.batches(4000));
    server.live();
    server.events(&odd_sudo(life.later(5.0), "mallory", "/opt/odd --secret-of-the-old-generation"));
    server.syslog(b"no syslog at all\n");
    assert_eq!(server.anomalies_after(1).len(), 1);
    crate::server::eventually("the dead letter", || (server.all("/api/v1/dead-letters").len() == 1).then_some(()));
    let mut listener = server.listen();

    let dry = server.post("/api/admin/reset", &json!({ "preview": true }));
    assert_eq!(dry["removed"], json!({ "sessions": 2, "events": 4001, "anomalies": 1, "models": 1 }));
    for wrong in [json!({}), json!({ "confirm": "reset" }), json!({ "confirm": "" })] {
        let (status, body) = server.try_post("/api/admin/reset", &wrong);
        assert_eq!((status, &body["code"], &body["removed"]), (400, &json!("confirmation_needed"), &dry["removed"]), "{body}");
    }
    assert_eq!(server.get("/api/stats")["events"]["total"], 4001, "nothing happened yet");
    let journal = server.data().join("journal");
    let old = files(&journal);

    let done = server.post("/api/admin/reset", &json!({ "confirm": "RESET" }));
    assert_eq!(done["removed"], dry["removed"], "{done}");
    assert_empty(&server);
    listener.until("reset", |_| true);
    let now = files(&journal);
    assert!(old.keys().all(|file| file.ends_with("LOCK") || !now.contains_key(file)), "{old:?} {now:?}");
    let models = files(&server.data().join("models"));
    assert!(models.keys().all(|m| !m.ends_with(".tfmodel")), "{models:?}");
    let trail = server.all("/api/v1/audit");
    assert!(trail.iter().any(|a| a["action"] == "reset"), "{trail:?}");

    let server = server.killed_and_restarted();
    assert_empty(&server);
    assert!(server.all("/api/v1/audit").iter().any(|a| a["action"] == "reset"));
    // The next generation takes even events that the old one knew.
    let mut life = Life::new(41, 9000, 60, 48);
    server.train(&life.batches(4000));
    server.live();
    server.events(&odd_sudo(life.later(5.0), "mallory", "/opt/odd"));
    assert_eq!(server.anomalies_after(1).len(), 1);
    assert_eq!(server.get("/api/trust")["trust"], 80.0);
    assert_eq!(server.terminate().code, 0);
    let secret = b"--secret-of-the-old-generation";
    for path in files(&dir.path().join("data")).keys() {
        let bytes = std::fs::read(path).unwrap();
        let held = bytes.windows(secret.len()).any(|w| w == secret);
        assert!(!held, "{path} still holds an event of the old generation");
    }
}
