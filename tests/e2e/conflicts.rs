//! What the modes refuse, in the words that clients rely on.

use crate::life::{Life, odd_sudo};
use crate::server::{Server, eventually};
use serde_json::json;

#[test]
fn each_conflict_has_its_code_and_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    server.conflict("/api/live/start", "not_trained", "Training not yet completed.");
    server.conflict("/api/train/stop", "not_active", "Training is not active.");
    server.conflict("/api/live/stop", "not_active", "Live mode is not active.");
    server.call("/api/train/start");
    server.conflict("/api/train/start", "already_active", "Training is already active.");
    server.conflict("/api/live/start", "training_active", "Live mode cannot start while training is active.");
    let mut life = Life::new(2, 3000, 50, 24);
    life.batches(2000).iter().for_each(|b| server.events(b));
    assert_eq!(server.train_stop()["status"], "completed");
    server.conflict("/api/train/stop", "not_active", "Training is not active.");
    server.live();
    server.conflict("/api/live/start", "already_active", "Live mode is already active.");
    server.conflict("/api/train/start", "already_active", "Training cannot start while live mode is active.");
    server.call("/api/live/stop");
    server.conflict("/api/live/stop", "not_active", "Live mode is not active.");
    let anyone = server.agent.post(format!("http://{}/api/train/start", server.web)).send_json(json!({})).unwrap();
    assert_eq!(anyone.status(), 401, "control needs the admin");
    assert_eq!(server.get("/api/train/status")["is_active"], false);
}

#[test]
fn nothing_starts_while_the_model_is_being_made() {
    let dir = tempfile::tempdir().unwrap();
    // So many trees that the calls come while they grow.
    let slow = ["--set", "decision.trees=1000", "--set", "decision.tree_sample=4096"];
    let server = Server::start_with(dir.path(), &slow).unwrap();
    let mut life = Life::new(3, 6000, 50, 24);
    server.call("/api/train/start");
    life.batches(6000).iter().for_each(|b| server.events(b));
    assert_eq!(server.call("/api/train/stop")["status"], "fitting");
    server.conflict("/api/train/start", "conflict", "The model is still being trained.");
    server.conflict("/api/live/start", "not_trained", "Training not yet completed.");
    let status = server.get("/api/train/status");
    // Closing the session lets go of its model.
    let session = status["session_id"].as_str().unwrap();
    let closed = server.call(&format!("/api/admin/sessions/{session}/close"));
    assert_eq!((&closed["status"], &closed["is_active"]), (&json!("closed"), &json!(false)), "{closed}");
    server.call("/api/train/start");
}

#[test]
fn a_training_with_too_few_rows_fails_and_the_old_model_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(4, 3000, 50, 24);
    server.call("/api/train/start");
    life.batches(100).iter().for_each(|b| server.events(b));
    let failed = server.train_stop();
    assert_eq!((&failed["status"], &failed["model_version"]), (&json!("failed"), &json!(null)), "{failed}");
    assert!(failed["reason"].as_str().unwrap().contains("256"), "the reason names what is needed: {failed}");
    server.conflict("/api/live/start", "not_trained", "Training not yet completed.");

    let version = server.train(&life.batches(2000));
    let mut listener = server.listen();
    let second = server.call("/api/train/start")["session_id"].clone();
    life.batches(100).iter().for_each(|b| server.events(b));
    assert_eq!(server.train_stop()["status"], "failed");
    let update = listener.until("session_update", |d| d["status"] == "failed");
    assert_eq!((&update["session"]["id"], &update["model_trained"]), (&second, &json!(false)), "{update}");
    assert_eq!(server.get("/api/stats")["model_version"], version.as_str());
    assert_eq!(server.call("/api/live/start")["model_version"], version.as_str());
}

#[test]
fn a_live_session_begins_with_full_trust_and_the_old_one_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(5, 6000, 60, 48);
    server.train(&life.batches(5000));

    let started = server.call("/api/live/start");
    assert_eq!((&started["trust"], &started["message"]), (&json!(100.0), &json!("Live mode started.")), "{started}");
    assert!(server.all("/api/anomalies").is_empty());
    let first = started["session_id"].as_str().unwrap().to_owned();
    server.events(&odd_sudo(life.later(5.0), "mallory", "/usr/bin/nsenter -t 1 -a"));
    let found = server.anomalies_after(1);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(server.get("/api/trust")["trust"], 80.0);

    // Closing is idempotent, and says the same each time.
    let close = format!("/api/admin/sessions/{first}/close");
    let closed = server.call(&close);
    assert_eq!(
        (&closed["status"], &closed["is_active"], &closed["anomalies_count"]),
        (&json!("closed"), &json!(false), &json!(1))
    );
    assert_eq!(server.call(&close), closed);
    let audit = server.all("/api/v1/audit");
    assert_eq!(audit.iter().filter(|a| a["action"] == "session_close").count(), 1, "{audit:?}");
    assert_eq!(server.all("/api/anomalies").len(), 1, "the last session's list stays until the next begins");

    let second = server.live();
    assert_ne!(first, second);
    assert!(server.all("/api/anomalies").is_empty());
    let trust = server.get("/api/trust");
    assert_eq!((&trust["trust"], &trust["history"]), (&json!(100.0), &json!([])), "{trust}");
    assert_eq!(server.all(&format!("/api/anomalies?session_id={first}")), found);
    let (status, body) = server.try_post("/api/admin/sessions/00000000-0000-8000-8000-000000000000/close", &json!({}));
    assert_eq!(status, 404, "{body}");
    eventually("both sessions are listed", || (server.all("/api/sessions?mode=live").len() == 2).then_some(()));
}
