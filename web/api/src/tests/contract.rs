//! Every path: what it asks of the backend, what it answers, and each error code.

use super::fake::{Mood, known};
use super::{BEARER, JSON, start};
use serde_json::json;

#[tokio::test]
async fn reads_answer_under_both_prefixes() {
    let server = start();
    let id = known();
    let table = [
        ("events".to_owned(), "events None 100 None"),
        (
            format!("events?session_id={id}&limit=7&cursor=c1"),
            "events Some(EventId { epoch: Epoch(7), process: 0, index: 3 }) 7 Some(\"c1\")",
        ),
        ("events?session_id=&limit=&cursor=".into(), "events None 100 None"),
        ("events/recent?limit=5".into(), "events None 5 None"),
        ("sessions?mode=training".into(), "sessions Some(Training) 100 None"),
        ("anomalies?open=true&limit=1000".into(), "anomalies None true 1000 None"),
        ("notices".into(), "notices 100 None"),
        ("models?limit=1".into(), "models 1 None"),
    ];
    for (path, asked) in table {
        for prefix in ["/api/", "/api/v1/"] {
            let reply = server.get(&format!("{prefix}{path}")).await;
            assert_eq!((reply.status, server.fake.last().as_str()), (200, asked), "{path}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            let page = reply.json();
            assert!(page["data"].is_array() && page.get("next_cursor").is_some(), "{page}");
        }
    }
    let one = server.get(&format!("/api/sessions/{id}")).await.json();
    assert_eq!(
        (&one["id"], &one["mode"], &one["start_time"]),
        (&json!(id), &json!("live"), &json!(trustfold_event::Stamp(0).to_string()))
    );
    let one = server.get(&format!("/api/v1/anomalies/{id}")).await.json();
    assert_eq!((&one["severity"], one["penalty"].as_f64()), (&json!("high"), Some(5.0)));
    assert_eq!(server.get("/api/train/status").await.json(), json!({ "status": "train" }));
    assert_eq!(server.get("/api/v1/live/status").await.json(), json!({ "status": "live" }));
    assert_eq!(server.get("/api/stats").await.json(), json!({ "seq": 5 }));
    assert_eq!(server.get("/api/v1/trust/entities?limit=9").await.json(), json!({ "data": [], "limit": 9 }));
    assert_eq!(server.get("/api/trust?entity=user%3Aalice&limit=3").await.json()["scope"], "user:alice");
    server.get("/api/trust").await;
    assert_eq!(server.fake.last(), "trust None 500");
    assert_eq!(server.get("/api/auth/me").await.json(), json!({ "role": "viewer" }));
    for path in ["audit", "dead-letters"] {
        let reply = server.send("GET", &format!("/api/v1/{path}"), &[BEARER], "").await;
        assert_eq!((reply.status, reply.json()["next_cursor"].as_str()), (200, Some("c1")));
        server.get(&format!("/api/v1/{path}")).await.is_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn commands_reach_the_backend_as_they_were_meant() {
    let server = start();
    let id = known();
    let named = "EventId { epoch: Epoch(7), process: 0, index: 3 }";
    let table = [
        ("train/start".to_owned(), String::new(), "TrainStart".to_owned()),
        ("train/stop".into(), "{}".into(), "TrainStop".into()),
        ("live/start".into(), " ".into(), "LiveStart".into()),
        ("live/stop".into(), String::new(), "LiveStop".into()),
        (format!("admin/sessions/{id}/close"), String::new(), format!("SessionClose({named})")),
        (format!("admin/marks/{id}/undo"), String::new(), format!("UndoMark({named})")),
        (
            "admin/mark_normal".into(),
            json!({ "anomaly_id": id }).to_string(),
            format!("MarkNormal {{ anomaly: {named}, scope: Anomaly, comment: \"\", preview: false }}"),
        ),
        (
            "admin/mark_normal".into(),
            json!({ "anomaly_id": id, "scope": "pattern", "comment": "c", "preview": true }).to_string(),
            format!("MarkNormal {{ anomaly: {named}, scope: Pattern, comment: \"c\", preview: true }}"),
        ),
        (
            "admin/label".into(),
            json!({ "anomaly_id": id, "disposition": "true_positive", "comment": "" }).to_string(),
            format!("Label {{ anomaly: {named}, disposition: Some(TruePositive), comment: \"\" }}"),
        ),
        (
            "admin/label".into(),
            json!({ "anomaly_id": id, "disposition": null }).to_string(),
            format!("Label {{ anomaly: {named}, disposition: None, comment: \"\" }}"),
        ),
    ];
    for (path, body, meant) in table {
        for prefix in ["/api/", "/api/v1/"] {
            let path = format!("{prefix}{path}");
            let reply = server.admin(&path, &body).await;
            assert_eq!((reply.status, reply.json()), (200, json!({ "did": format!("admin: {meant}") })), "{path} {body}");
            server.send("POST", &path, &[JSON], &body).await.is_problem(401, "unauthenticated");
        }
    }
    let reset = server.admin("/api/admin/reset", r#"{"confirm":"RESET"}"#).await;
    assert_eq!((reset.status, reset.json()["removed"]["models"].as_u64()), (200, Some(4)));
    assert_eq!(server.fake.last(), "admin: Reset { confirmed: true }");
    for body in ["", "{}", r#"{"confirm":"reset"}"#] {
        let dry = server.admin("/api/admin/reset", body).await.is_problem(400, "confirmation_needed");
        assert_eq!(dry["removed"]["events"], 2);
        assert_eq!(server.fake.last(), "admin: Reset { confirmed: false }");
    }
}

#[tokio::test]
async fn malformed_requests_are_told_apart() {
    let server = start();
    let other = trustfold_event::EventId::new(trustfold_event::Epoch(8), 0);
    for (path, code) in [
        ("events?limit=0", "bad_request"),
        ("events?limit=1001", "bad_request"),
        ("events?limit=x", "bad_request"),
        ("events?sesion_id=", "bad_request"),
        ("events?session_id=7", "bad_id"),
        ("events?cursor=nonsense", "bad_cursor"),
        ("sessions?mode=dead", "bad_request"),
        ("anomalies?open=1", "bad_request"),
        ("trust?entity=alice", "bad_request"),
        ("sessions/7", "bad_id"),
        ("anomalies/00000000-0000-4000-8000-000000000000", "bad_id"),
    ] {
        server.get(&format!("/api/{path}")).await.is_problem(400, code);
    }
    let id = known();
    for (path, body, code) in [
        ("train/start", "{".to_owned(), "bad_json"),
        ("train/start", r#"{"force":true}"#.into(), "bad_request"),
        ("train/start", "[]".into(), "bad_request"),
        ("admin/mark_normal", String::new(), "bad_request"),
        ("admin/mark_normal", r#"{"anomaly_id":"7"}"#.into(), "bad_id"),
        ("admin/mark_normal", json!({ "anomaly_id": id, "scope": "all" }).to_string(), "bad_request"),
        ("admin/mark_normal", json!({ "anomaly_id": id, "comment": "x".repeat(2001) }).to_string(), "bad_request"),
        ("admin/label", json!({ "anomaly_id": id }).to_string(), "bad_request"),
        ("admin/label", json!({ "anomaly_id": id, "disposition": "false_positive" }).to_string(), "bad_request"),
        ("admin/marks/7/undo", String::new(), "bad_id"),
        ("admin/sessions/7/close", String::new(), "bad_id"),
    ] {
        server.admin(&format!("/api/{path}"), &body).await.is_problem(400, code);
    }
    for path in ["/api", "/api/", "/api/v1", "/api/nothing", "/api/v1/v1/stats", "/api/v2/stats", "/health/redis", "/livez/x"] {
        server.get(path).await.is_problem(404, "not_found");
    }
    server.get(&format!("/api/sessions/{other}")).await.is_problem(404, "not_found");
    server.get(&format!("/api/anomalies/{other}")).await.is_problem(404, "not_found");
    server.admin(&format!("/api/admin/marks/{other}/undo"), "").await.is_problem(404, "not_found");
    assert_eq!(server.fake.batches.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_405_says_what_the_path_takes() {
    let server = start();
    for (method, path, allow) in [
        ("DELETE", "/api/events", "GET, HEAD, POST"),
        ("GET", "/api/v1/train/start", "POST"),
        ("PUT", "/api/admin/label", "POST"),
        ("POST", "/api/stats", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
        ("POST", "/somewhere", "GET, HEAD"),
        ("OPTIONS", "/api/stats", "GET, HEAD"),
        ("POST", "/ws", "GET, HEAD"),
    ] {
        let reply = server.send(method, path, &[], "").await;
        reply.is_problem(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
    }
}

#[tokio::test]
async fn conflicts_and_failures_keep_their_words() {
    let server = start();
    for (code, detail) in [
        ("already_active", "Training is already active."),
        ("not_active", "Live mode is not active."),
        ("training_active", "Live mode cannot start while training is active."),
        ("not_trained", "Training not yet completed."),
        ("conflict", "The anomaly is already marked normal."),
    ] {
        *server.fake.conflict.lock().unwrap() = Some((code, detail));
        assert_eq!(server.admin("/api/live/start", "").await.is_problem(409, code)["detail"], detail);
    }
    server.fake.set(Mood::Down);
    server.admin("/api/live/start", "").await.is_problem(503, "unavailable");
    for path in ["events", "sessions", "anomalies", "notices", "models", "trust"] {
        server.get(&format!("/api/{path}")).await.is_problem(503, "unavailable");
    }
    server.fake.set(Mood::Panicking);
    let silent = |body: serde_json::Value| assert!(!body.to_string().contains("secret"), "{body}");
    silent(server.get("/api/stats").await.is_problem(500, "internal"));
    silent(server.admin("/api/live/start", "").await.is_problem(500, "internal"));
    server.fake.set(Mood::Well);
    assert_eq!(server.get("/api/stats").await.status, 200);
}

#[tokio::test]
async fn health_has_its_shapes() {
    let server = start();
    let shown = |ok: bool, detail: &str| json!({ "status": if ok { "ok" } else { "failing" }, "detail": detail });
    let health = server.get("/health").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("ok")));
    assert_eq!(
        health.json()["checks"],
        json!({ "store": shown(true, "well"), "pipeline": shown(true, "well"), "model": shown(false, "away"), "web": shown(true, "serving") })
    );
    for (mood, path, status) in [
        (Mood::Well, "/livez", 200),
        (Mood::Well, "/readyz", 200),
        (Mood::Well, "/health/db", 200),
        (Mood::Well, "/health/ml", 503),
        (Mood::Down, "/health/db", 503),
        (Mood::Starting, "/readyz", 503),
        (Mood::Starting, "/livez", 200),
    ] {
        server.fake.set(mood);
        assert_eq!(server.get(path).await.status, status, "{mood:?} {path}");
    }
    for (mood, word) in [(Mood::Starting, "starting"), (Mood::Down, "degraded")] {
        server.fake.set(mood);
        assert_eq!(server.get("/health").await.json()["status"], word);
    }
}
