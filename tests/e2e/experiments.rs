//! The two experiments of the system's reference: events attach to a training session; its end leaves a model.

use crate::life::Life;
use crate::server::{Server, eventually};
use serde_json::json;

#[test]
fn a_training_session_takes_events_and_leaves_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    assert_eq!(server.get("/api/train/status")["session_id"], json!(null));
    let mut listener = server.listen();

    let started = server.call("/api/train/start");
    assert_eq!((&started["is_active"], &started["message"]), (&json!(true), &json!("Training started.")), "{started}");
    let session = started["session_id"].as_str().unwrap().to_owned();
    let heard = listener.until("session_update", |_| true);
    assert_eq!((&heard["status"], &heard["session"]["id"]), (&json!("started"), &json!(session)), "{heard}");

    let mut life = Life::new(1, 2400, 50, 24);
    life.batches(2400).iter().for_each(|b| server.events(b));
    let status =
        eventually("all events are counted", || Some(server.get("/api/train/status")).filter(|s| s["events_count"] == 2400));
    assert_eq!((&status["session_id"], &status["is_active"]), (&json!(session), &json!(true)), "{status}");
    let by_type = status["events_by_type"].as_object().unwrap();
    assert_eq!(by_type.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 2400);

    let page = server.get(&format!("/api/events?session_id={session}&limit=20"));
    let events = page["data"].as_array().unwrap();
    assert_eq!(events.len(), 20);
    assert!(events.iter().all(|e| e["session_id"] == session.as_str() && e["score"].is_null()), "{events:?}");
    assert!(events.windows(2).all(|w| w[0]["id"].as_str() > w[1]["id"].as_str()), "newest first");
    let all = server.all(&format!("/api/events?session_id={session}"));
    let ids: std::collections::BTreeSet<_> = all.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (2400, 2400), "paging gives each event once");

    let stopped = server.call("/api/train/stop");
    assert_eq!((&stopped["session_id"], &stopped["events_count"]), (&json!(session), &json!(2400)), "{stopped}");
    let completed = listener.until("session_update", |d| d["status"] == "completed");
    assert_eq!((&completed["model_trained"], &completed["session"]["id"]), (&json!(true), &json!(session)), "{completed}");
    let row = server.get(&format!("/api/sessions/{session}"));
    assert_eq!((&row["is_active"], &row["status"], &row["mode"]), (&json!(false), &json!("completed"), &json!("training")));
    let version = row["model_version"].as_str().unwrap();
    assert!(!version.is_empty() && !row["end_time"].is_null(), "{row}");
    assert_eq!(completed["session"]["model_version"], version);
    let cards = server.all("/api/v1/models");
    assert_eq!((cards.len(), &cards[0]["digest"]), (1, &json!(version)));
    assert_eq!(cards[0]["events"], 2400, "{cards:?}");
    assert_eq!(server.get("/health/ml")["status"], "ok");
    listener.assert_contiguous();
}
