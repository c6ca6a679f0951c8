//! Events in: forms of bodies, identities, rejects, bounds.

use super::fake::Mood;
use super::{JSON, Server, loopback, receive, start, start_with};
use crate::config::WebConfig;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use trustfold_event::hash::HashKeys;

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");
const GOOD: &str = r#"{"event_type":"login","note":"]},[{\"","deep":[{"a":[1]}]}"#;

fn last_records(server: &Server) -> Vec<String> {
    let batches = server.fake.batches.lock().unwrap();
    let batch = batches.last().unwrap();
    (0..batch.len()).map(|at| String::from_utf8(batch.record(at).to_vec()).unwrap()).collect()
}

fn answer(accepted: u64, duplicates: u64, rejected: &[(usize, &str)]) -> (u64, u64, Vec<(usize, String)>) {
    (accepted, duplicates, rejected.iter().map(|(i, c)| (*i, (*c).to_owned())).collect())
}

fn told(body: &Value) -> (u64, u64, Vec<(usize, String)>) {
    let rejected = body["rejected"].as_array().unwrap().iter().map(|r| {
        assert!(r["reason"].is_string());
        (r["index"].as_u64().unwrap() as usize, r["code"].as_str().unwrap().to_owned())
    });
    (body["accepted"].as_u64().unwrap(), body["duplicates"].as_u64().unwrap(), rejected.collect())
}

#[tokio::test]
async fn objects_arrays_and_lines_are_taken_raw() {
    let server = start();
    let pretty = "{\n  \"event_type\": \"login\"\n}";
    for (headers, body, records) in [
        (&[JSON][..], GOOD.to_owned(), vec![GOOD]),
        (&[JSON], pretty.to_owned(), vec![pretty]),
        (&[JSON], format!("[{GOOD} ,\n{GOOD}]"), vec![GOOD, GOOD]),
        (&[NDJSON], format!("{GOOD}\r\n\n{GOOD}"), vec![GOOD, GOOD]),
        (&[JSON], format!("{GOOD}\n{GOOD}\n"), vec![GOOD, GOOD]),
        (&[], GOOD.to_owned(), vec![GOOD]),
        (&[("content-type", "application/cloudevents+json; charset=utf-8")], GOOD.to_owned(), vec![GOOD]),
    ] {
        let reply = server.send("POST", "/api/v1/events", headers, &body).await;
        assert_eq!((reply.status, told(&reply.json())), (202, answer(records.len() as u64, 0, &[])), "{body}");
        assert_eq!(last_records(&server), records);
    }
    assert_eq!(server.fake.last(), "submit 1 from 127.0.0.1 by http");
    let empty = server.send("POST", "/api/events", &[JSON], "[]").await;
    assert_eq!((empty.status, told(&empty.json())), (202, answer(0, 0, &[])));
}

#[tokio::test]
async fn bad_items_are_named_and_good_ones_taken() {
    let server = start();
    let body = format!("{GOOD}\nnot json\n{{\"a\":1}}\n{GOOD}\n");
    let reply = server.send("POST", "/api/events", &[NDJSON], &body).await;
    assert_eq!((reply.status, told(&reply.json())), (202, answer(2, 0, &[(1, "json.syntax"), (2, "event.type")])));
    assert_eq!(last_records(&server), [GOOD, GOOD]);
    let refused = std::mem::take(&mut *server.fake.refused.lock().unwrap());
    let codes = refused.iter().flat_map(|b| (0..b.len()).map(|i| b.record(i).split(|c| *c == b'\n').next().unwrap()));
    assert_eq!(codes.collect::<Vec<_>>(), [&b"json.syntax"[..], b"event.type"], "what was refused is kept as dead letters");

    let all = server.send("POST", "/api/events", &[NDJSON], "{}\nx").await.is_problem(400, "bad_request");
    assert_eq!(told(&all), answer(0, 0, &[(0, "event.type"), (1, "json.syntax")]));
    let one = server.send("POST", "/api/events", &[JSON], "{\"a\":").await.is_problem(400, "bad_json");
    assert_eq!(told(&one), answer(0, 0, &[(0, "json.syntax")]));
    for body in ["", " \n", "[1", "[1,]", "[] x"] {
        server.send("POST", "/api/events", &[JSON], body).await.is_problem(400, "bad_json");
    }
    assert_eq!(server.fake.batches.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn identities_come_from_the_event_then_from_the_request() {
    let server = start();
    let named = r#"{"event_type":"login","event":{"id":"e1"}}"#;
    let body = format!("[{GOOD},{named},{GOOD}]");
    let key = ("idempotency-key", "batch-7");
    let first = server.send("POST", "/api/events", &[JSON, key], &body).await;
    assert_eq!(told(&first.json()), answer(3, 0, &[]));
    let keys = HashKeys::from_seed(1);
    let expected = [keys.identity(2, b"batch-7", 0), keys.identity(1, b"e1", 0), keys.identity(2, b"batch-7", 2)];
    assert_eq!(server.fake.batches.lock().unwrap()[0].identities(), expected);

    let again = server.send("POST", "/api/events", &[JSON, key], &body).await;
    assert_eq!((again.status, told(&again.json())), (202, answer(0, 3, &[])));
    let unkeyed = server.send("POST", "/api/events", &[JSON], &body).await;
    assert_eq!(told(&unkeyed.json()), answer(2, 1, &[]));
    assert_eq!(server.fake.batches.lock().unwrap()[2].identities(), [0, keys.identity(1, b"e1", 0), 0]);
    // A rejected item in between does not shift the others' identities.
    let body = format!("x\n{GOOD}");
    server.send("POST", "/api/events", &[NDJSON, ("idempotency-key", "k")], &body).await;
    assert_eq!(server.fake.batches.lock().unwrap()[3].identities(), [keys.identity(2, b"k", 1)]);
    let long = "k".repeat(256);
    server.send("POST", "/api/events", &[JSON, ("idempotency-key", &long)], GOOD).await.is_problem(400, "bad_request");
}

#[tokio::test]
async fn a_batch_that_is_not_taken_counts_no_rejects() {
    let server = start();
    let body = format!("{GOOD}\nx\n");
    server.fake.set(Mood::Overloaded);
    let reply = server.send("POST", "/api/events", &[NDJSON], &body).await;
    reply.is_problem(429, "overloaded");
    assert_eq!(reply.header("retry-after"), Some("7"));
    server.fake.set(Mood::Down);
    server.send("POST", "/api/events", &[NDJSON], &body).await.is_problem(503, "unavailable");
    assert!(server.fake.refused.lock().unwrap().is_empty());
}

#[tokio::test]
async fn media_types_and_encodings_that_are_not_read_are_refused() {
    let server = start();
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""] {
        server.send("POST", "/api/events", &[("content-type", media)], GOOD).await.is_problem(415, "unsupported_media_type");
    }
    server
        .send("POST", "/api/events", &[JSON, ("content-encoding", "gzip")], GOOD)
        .await
        .is_problem(415, "unsupported_media_type");
    let control = [super::BEARER, ("content-type", "text/plain")];
    server.send("POST", "/api/train/start", &control, "{}").await.is_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn bodies_are_bounded_in_bytes_and_in_records() {
    let small = WebConfig { body_bytes_max: 1024, bodies_bytes_max: 1024, events_batch_records_max: 3, ..loopback() };
    let server = start_with(small);
    let announced = server.send("POST", "/api/events", &[JSON, ("content-length", "1025")], "").await;
    announced.is_problem(413, "too_large");
    let chunk = format!("401\r\n{}\r\n0\r\n\r\n", "x".repeat(0x401));
    let unannounced = server.send("POST", "/api/events", &[JSON, ("transfer-encoding", "chunked")], chunk).await;
    unannounced.is_problem(413, "too_large");
    server.send("POST", "/api/events", &[NDJSON], "1\n2\n3\n4").await.is_problem(413, "too_large");
    server.admin("/api/train/start", &" ".repeat((64 << 10) + 1)).await.is_problem(413, "too_large");
    let exact = format!("{{\"event_type\":\"{}\"}}", "x".repeat(1024 - 17));
    assert_eq!(server.send("POST", "/api/events", &[JSON], &exact).await.status, 202, "{}", exact.len());
}

#[tokio::test]
async fn the_memory_of_all_bodies_is_bounded() {
    let server = start_with(WebConfig { body_bytes_max: 1024, bodies_bytes_max: 1024, ..loopback() });
    server.fake.set(Mood::Waiting);
    let body = format!("{{\"event_type\":\"{}\"}}", "x".repeat(600));
    let first = server.send("POST", "/api/events", &[JSON], &body);
    let second = async {
        server.fake.reached.notified().await;
        server.fake.set(Mood::Well);
        let refused = server.send("POST", "/api/events", &[JSON], &body).await;
        refused.is_problem(429, "overloaded");
        server.fake.go_on.notify_one();
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.status, 202);
    assert_eq!(server.send("POST", "/api/events", &[JSON], &body).await.status, 202);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = start_with(WebConfig { request_timeout_secs: 1, ..loopback() });
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let half = server.request("POST", "/api/events", &[JSON, ("content-length", "100")], b"{");
    connection.write_all(&half).await.unwrap();
    receive(&mut connection).await.is_problem(408, "request_timeout");
}

#[tokio::test]
async fn a_large_body_is_sorted_beside_the_other_requests() {
    let server = start();
    let line = format!("{GOOD}\n");
    let reply = server.send("POST", "/api/events", &[NDJSON], line.repeat(5000)).await;
    assert_eq!(told(&reply.json()), answer(5000, 0, &[]));
    assert_eq!(json!(last_records(&server).len()), 5000);
}

/// The parser that runs in the product, not the stand-in.
#[test]
fn the_real_parser_tells_events_and_their_ids() {
    let keys = HashKeys::from_seed(1);
    let identify = |record: &str| crate::routes::identify(record.as_bytes(), trustfold_event::Stamp(0), &keys);
    assert_eq!(identify(r#"{"event_type":"login","user":"alice"}"#), Ok(0));
    let named = r#"{"event":{"action":"login","id":"e1"},"user":{"name":"alice"}}"#;
    assert_eq!(identify(named), Ok(keys.identity(1, b"e1", 0)));
    assert_eq!(identify("not json").unwrap_err().code, "json.not_an_object");
    assert_eq!(identify("{\"a\":").unwrap_err().code, "json.syntax");
    assert!(identify(r#"{"a":1}"#).is_err());
}
