//! What every answer carries, the dashboard's files, and starting and stopping.

use super::fake::{Fake, Mood};
use super::{INDEX, JSON, TOKEN, loopback, start, start_with};
use crate::auth::{Auth, Secret};
use crate::config::WebConfig;
use crate::server::Web;
use std::sync::Arc;
use tokio::net::TcpStream;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = start();
    for (method, path) in [("GET", "/"), ("GET", "/api/stats"), ("GET", "/api/nothing"), ("PUT", "/livez"), ("GET", "/ws")] {
        let reply = server.send(method, path, &[], "").await;
        let policy = reply.header("content-security-policy").unwrap();
        for part in [
            "default-src 'self';",
            "script-src 'self';",
            "style-src 'self';",
            "img-src 'self' data:;",
            "frame-ancestors 'none';",
            "base-uri 'none';",
            "form-action 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(policy.contains(&format!("connect-src 'self' ws://{0} wss://{0};", server.address)));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert!(reply.header("x-request-id").is_some() && reply.header("cache-control").is_some());
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn request_ids_are_echoed_when_harmless_and_made_otherwise() {
    let server = start();
    let id = async |given: &str| {
        let reply = server.send("GET", "/livez", &[("x-request-id", given)], "").await;
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("trace-7.a_b").await, "trace-7.a_b");
    let long = "x".repeat(65);
    let made = [id("a b").await, id("<x>").await, id(&long).await];
    assert!(made[0] != made[1] && made[1] != made[2] && !made.contains(&long));
}

#[tokio::test]
async fn other_sites_are_shut_out_unless_allowed() {
    let server = start_with(WebConfig { cors_origins: vec!["https://soc.example".into()], ..loopback() });
    let (allowed, foreign) = (("origin", "https://soc.example"), ("origin", "https://evil.example"));
    let read = server.send("GET", "/api/stats", &[allowed], "").await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("https://soc.example")));
    assert_eq!(read.header("vary"), Some("origin"));
    let asked = server.send("OPTIONS", "/api/events", &[allowed, ("access-control-request-method", "POST")], "").await;
    assert_eq!((asked.status, asked.header("access-control-allow-methods")), (204, Some("GET, POST")));
    let event = r#"{"event_type":"login"}"#;
    assert_eq!(server.send("POST", "/api/events", &[allowed, JSON], event).await.status, 202);

    assert_eq!(server.send("GET", "/api/stats", &[foreign], "").await.header("access-control-allow-origin"), None);
    server.send("OPTIONS", "/api/events", &[foreign], "").await.is_problem(405, "method_not_allowed");
    server.send("POST", "/api/events", &[foreign, JSON], event).await.is_problem(403, "forbidden_origin");
    server.send("POST", "/api/train/start", &[foreign, super::BEARER], "").await.is_problem(403, "forbidden_origin");
}

#[tokio::test]
async fn the_dashboard_answers_its_places_and_nothing_beside_its_files() {
    let server = start();
    for path in
        ["/", "/index.html", "/anomalies/7", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/..%2f..%2fetc/passwd", "//etc/passwd"]
    {
        let reply = server.get(path).await;
        assert_eq!((reply.status, &reply.body[..]), (200, INDEX), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-cache"));
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    }
    for path in ["/assets/gone.js", "/assets/../index.html", "/assets/..%2findex.html", "/assets/"] {
        server.get(path).await.is_problem(404, "not_found");
    }
    let script = server.get("/assets/index-1a2b.js").await;
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    let known = server.send("GET", "/", &[("if-none-match", "\"10\"")], "").await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut connection, &server.request("HEAD", "/", &[("connection", "close")], b""))
        .await
        .unwrap();
    let mut all = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut connection, &mut all).await.unwrap();
    assert!(
        all.starts_with("HTTP/1.1 200") && all.ends_with("\r\n\r\n") && all.contains(&format!("content-length: {}", INDEX.len())),
        "{all}"
    );
}

#[tokio::test]
async fn a_port_in_use_is_said_at_start() {
    let server = start();
    let config = WebConfig { listen: server.address, ..loopback() }.check().unwrap();
    let error = Web::bind(config, Arc::new(Fake::default()), Auth::new(&Secret::new(TOKEN))).unwrap_err();
    let said =
        format!("cannot listen on {}: another program has the port; stop it, or set web.listen to a free one", server.address);
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_takes_no_more() {
    let server = start();
    server.fake.set(Mood::Waiting);
    let (address, fake) = (server.address, server.fake.clone());
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = server.request("POST", "/api/events", &[JSON], br#"{"event_type":"login"}"#);
    tokio::io::AsyncWriteExt::write_all(&mut connection, &request).await.unwrap();
    fake.reached.notified().await;
    let finish = async {
        // The listener closes at once, while the request is still under way.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        fake.go_on.notify_one();
        super::receive(&mut connection).await
    };
    let (stopped, reply) = tokio::join!(server.stop(), finish);
    assert!(stopped.is_ok());
    assert_eq!(reply.status, 202);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let server = start_with(WebConfig { shutdown_secs: 0, ..loopback() });
    server.fake.set(Mood::Waiting);
    let fake = server.fake.clone();
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let request = server.request("POST", "/api/events", &[JSON], br#"{"event_type":"login"}"#);
    tokio::io::AsyncWriteExt::write_all(&mut connection, &request).await.unwrap();
    fake.reached.notified().await;
    assert!(server.stop().await.is_ok());
}
