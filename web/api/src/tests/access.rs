//! Who may, and from where.

use super::{BEARER, JSON, TOKEN, loopback, start, start_with};
use crate::auth::WRONG_MAX;
use crate::config::WebConfig;
use serde_json::json;
use std::io::Write as _;

#[tokio::test]
async fn tokens_are_told_apart_and_guesses_are_bounded() {
    let server = start();
    let start_training =
        async |authorization: &str| server.send("POST", "/api/train/start", &[("authorization", authorization)], "").await;
    assert_eq!(start_training(&format!("bearer {TOKEN}")).await.status, 200);
    for unusable in ["Basic abc", "Bearer", "Bearer "] {
        let reply = start_training(unusable).await;
        reply.is_problem(401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"trustfold\""));
    }
    for _ in 0..WRONG_MAX {
        start_training("Bearer wrong").await.is_problem(401, "unauthenticated");
    }
    let stopped = start_training("Bearer wrong").await;
    stopped.is_problem(429, "overloaded");
    assert!((1..=60).contains(&stopped.header("retry-after").unwrap().parse::<u32>().unwrap()));
    assert_eq!(server.get("/api/stats").await.status, 200);
    // Somebody else's guesses from the same address must not lock the admin out.
    assert_eq!(start_training(&format!("Bearer {TOKEN}")).await.status, 200);
}

#[tokio::test]
async fn a_link_signs_a_browser_in_once() {
    let server = start();
    let (origin, link) = (server.origin(), server.auth.links().issue().unwrap());
    let own = ("origin", origin.as_str());
    let body = json!({ "link": link }).to_string();
    server
        .send("POST", "/api/v1/auth/link", &[("origin", "http://evil.example"), JSON], &body)
        .await
        .is_problem(403, "forbidden_origin");
    let reply = server.send("POST", "/api/v1/auth/link", &[own, JSON], &body).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "role": "admin" })));
    let set = reply.header("set-cookie").unwrap().to_owned();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"));
    server.send("POST", "/api/v1/auth/link", &[own, JSON], &body).await.is_problem(401, "unauthenticated");

    let cookie = ("cookie", set.split(';').next().unwrap());
    assert_eq!(server.send("GET", "/api/v1/auth/me", &[cookie], "").await.json(), json!({ "role": "admin" }));
    assert_eq!(server.send("GET", "/api/v1/audit", &[cookie], "").await.status, 200);
    assert_eq!(server.send("POST", "/api/train/start", &[cookie, own], "").await.status, 200);
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"] {
        server.send("POST", "/api/train/start", &[cookie, ("origin", foreign)], "").await.is_problem(403, "forbidden_origin");
        server.send("GET", "/api/v1/audit", &[cookie, ("origin", foreign)], "").await.is_problem(401, "unauthenticated");
    }
    server.send("POST", "/api/train/start", &[cookie], "").await.is_problem(403, "forbidden_origin");
    server.send("POST", "/api/v1/auth/logout", &[cookie], "").await.is_problem(403, "forbidden_origin");

    let out = server.send("POST", "/api/v1/auth/logout", &[cookie, own], "").await;
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(server.send("GET", "/api/v1/auth/me", &[cookie], "").await.json(), json!({ "role": "viewer" }));
    server.send("POST", "/api/train/start", &[cookie, own], "").await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_link_ends_and_a_made_up_one_counts_as_a_guess() {
    let server = start();
    let body = json!({ "link": "made up" }).to_string();
    for _ in 0..WRONG_MAX {
        server.send("POST", "/api/auth/link", &[JSON], &body).await.is_problem(401, "unauthenticated");
    }
    server.send("POST", "/api/auth/link", &[JSON], &body).await.is_problem(429, "overloaded");
    assert_eq!(server.admin("/api/train/start", "").await.status, 200, "the right token passes all the same");
}

#[tokio::test]
async fn a_loopback_listener_knows_its_names() {
    let server = start_with(WebConfig { hosts: vec!["Trust.example".into()], ..loopback() });
    for host in ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000", "trust.example:1"] {
        assert_eq!(server.send("GET", "/api/stats", &[("host", host)], "").await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8000", "", "localhost:x", "::1"] {
        for path in ["/api/stats", "/", "/ws"] {
            server.send("GET", path, &[("host", host)], "").await.is_problem(403, "forbidden_host");
        }
    }
}

#[tokio::test]
async fn beyond_loopback_reading_needs_the_admin_and_sending_a_key() {
    let mut keys = tempfile::NamedTempFile::new().unwrap();
    writeln!(keys, "# senders\nfirst-sender-key-0001\nsecond-sender-key-002").unwrap();
    let server = start_with(WebConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ingest_keys_file: Some(keys.path().to_owned()),
        ..WebConfig::default()
    });
    for path in ["/api/stats", "/api/events", "/api/auth/me", "/api/v1/stream"] {
        server.get(path).await.is_problem(401, "unauthenticated");
    }
    for path in ["/livez", "/readyz", "/health", "/"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    assert_eq!(server.send("GET", "/api/stats", &[BEARER], "").await.status, 200);
    assert_eq!(server.send("GET", "/api/auth/me", &[BEARER], "").await.json(), json!({ "role": "admin" }));

    let event = r#"{"event_type":"login"}"#;
    let send = async |key: &str| server.send("POST", "/api/events", &[("authorization", key), JSON], event).await;
    server.send("POST", "/api/events", &[JSON], event).await.is_problem(401, "unauthenticated");
    assert_eq!(send("Bearer second-sender-key-002").await.status, 202);
    for _ in 0..WRONG_MAX {
        send("Bearer stale-sender-key-0003").await.is_problem(401, "unauthenticated");
    }
    send("Bearer stale-sender-key-0003").await.is_problem(429, "overloaded");
    assert_eq!(send("Bearer first-sender-key-0001").await.status, 202);
    assert_eq!(server.send("GET", "/api/stats", &[BEARER], "").await.status, 200);
}
