//! Power cuts: what was acknowledged is there, once; everything else is as it was.

use crate::api::send_events;
use crate::life::{Life, odd_sudo};
use crate::server::{Server, run};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Requests that must have been acknowledged before the power goes.
const REQUESTS: usize = 40;
/// Events of a request.
const EVENTS: usize = 25;
const SENDERS: usize = 3;
/// Syslog lines for each request.
const LINES: usize = 10;

/// A request's events: generated life would do, but these say who sent them and when.
fn request(sender: &str, at: usize) -> (Vec<u8>, Vec<String>) {
    let (mut lines, mut ids) = (Vec::new(), Vec::new());
    for i in 0..EVENTS {
        let id = format!("{sender}-{at}-{i}");
        let second = (at * EVENTS + i) % 60;
        lines.extend_from_slice(
            format!(
                "{{\"id\":\"{id}\",\"timestamp\":\"2024-02-01T09:00:{second:02}Z\",\"event_type\":\"process_start\",\
                 \"user\":\"{sender}\",\"host\":\"h1\",\"process_name\":\"make\",\"command\":\"make all\"}}\n"
            )
            .as_bytes(),
        );
        ids.push(id);
    }
    (lines, ids)
}

/// The lines that one syslog connection sends; the port counts them.
fn syslog_line(sender: &str, at: usize) -> String {
    format!("<86>1 2024-02-01T09:00:00Z h2 sshd 77 - - Accepted password for {sender} from 10.0.0.9 port {} ssh2\n", 1024 + at)
}

/// Sends from several sides at once until the power goes; the ids whose receipt came.
fn sent_until_killed(server: Server, phase: &str) -> BTreeSet<String> {
    let (web, syslog, agent) = (server.web.clone(), server.syslog.clone(), server.agent.clone());
    let (receipts, off) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (web, agent, receipts) = (&web, &agent, &receipts);
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    for at in 0.. {
                        let (lines, ids) = request(&format!("{phase}{sender}"), at);
                        match send_events(agent, web, &lines) {
                            Ok((202, receipt)) => {
                                assert_eq!(receipt["accepted"], EVENTS, "{receipt}");
                                acknowledged.extend(ids);
                                receipts.fetch_add(1, Ordering::SeqCst);
                            }
                            Ok((status, answer)) => panic!("{status}: {answer}"),
                            Err(_) => break,
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        scope.spawn(|| {
            let mut stream = TcpStream::connect(&syslog).unwrap();
            // In step with the requests, up to lines that are under way when the power goes.
            for at in 0..60_000 {
                while at > receipts.load(Ordering::SeqCst) * LINES {
                    if off.load(Ordering::SeqCst) {
                        return;
                    }
                    thread::yield_now();
                }
                if stream.write_all(syslog_line(&format!("{phase}log"), at).as_bytes()).is_err() {
                    return;
                }
            }
        });
        while receipts.load(Ordering::SeqCst) < REQUESTS {
            thread::yield_now();
        }
        server.kill();
        off.store(true, Ordering::SeqCst);
        senders.into_iter().flat_map(|s| s.join().unwrap()).collect()
    })
}

/// How often each identified event of a session is stored.
fn stored(server: &Server, session: &str) -> BTreeMap<String, u32> {
    let mut stored = BTreeMap::new();
    for event in server.all(&format!("/api/events?session_id={session}")) {
        if let Some(id) = event["event"]["event"]["original_id"].as_str() {
            *stored.entry(id.to_owned()).or_default() += 1;
        }
    }
    stored
}

/// The numbers that syslog connections were at, oldest first.
fn ports(server: &Server, session: &str, user: &str) -> Vec<u64> {
    let events = server.all(&format!("/api/events?session_id={session}"));
    let of_user = events.iter().filter(|e| e["entity"] == format!("user:{user}"));
    let mut ports: Vec<u64> = of_user.map(|e| e["event"]["source"]["port"].as_u64().unwrap()).collect();
    ports.reverse();
    ports
}

/// What must be the same after a restart.
fn state(server: &Server) -> Value {
    let mut stats = server.get("/api/stats");
    for key in ["seq", "stream", "latency_ms", "clients", "uptime_s"] {
        stats.as_object_mut().unwrap().remove(key);
    }
    for key in ["per_second", "duplicates", "refused_by_code"] {
        stats["events"].as_object_mut().unwrap().remove(key);
    }
    json!({
        "stats": stats,
        "trust": server.get("/api/trust"),
        "entities": server.get("/api/v1/trust/entities"),
        "anomalies": server.all("/api/anomalies"),
        "sessions": server.all("/api/sessions"),
        "notices": server.all("/api/v1/notices"),
        "models": server.all("/api/v1/models"),
        "audit": server.all("/api/v1/audit"),
        "events": server.all("/api/events"),
        "train": server.get("/api/train/status"),
        "live": server.get("/api/live/status"),
    })
}

fn assert_same(before: &Value, after: &Value) {
    for (key, value) in before.as_object().unwrap() {
        if value.is_array() {
            let (a, b) = (value.as_array().unwrap(), after[key].as_array().unwrap());
            assert_eq!(a.len(), b.len(), "{key}");
            for (a, b) in a.iter().zip(b) {
                assert_eq!(a, b, "{key}");
            }
        } else {
            assert_eq!(value, &after[key], "{key}");
        }
    }
}

/// The digest line of a stopped server's data.
fn digest(dir: &Path, workers: u32) -> String {
    let ended = run(dir, &["digest", "--data-dir", "data", "--set", &format!("workers={workers}")]);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout
}

#[test]
fn what_was_acknowledged_survives_a_kill_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let session = server.call("/api/train/start")["session_id"].as_str().unwrap().to_owned();

    // During training.
    let acknowledged = sent_until_killed(server, "train");
    assert!(acknowledged.len() >= REQUESTS * EVENTS);
    let server = Server::start(dir.path());
    assert!(server.said().contains("records replayed"), "{}", server.said());
    let found = stored(&server, &session);
    assert!(found.values().all(|n| *n == 1), "each once");
    let missing: Vec<_> = acknowledged.iter().filter(|id| !found.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Whole requests or nothing, and of syslog the beginning of what was sent.
    assert_eq!(found.len() % EVENTS, 0);
    let logged = ports(&server, &session, "trainlog");
    assert!(logged.iter().enumerate().all(|(at, port)| *port == 1024 + at as u64), "{logged:?}");
    let status = server.get("/api/train/status");
    assert_eq!((&status["is_active"], &status["session_id"]), (&json!(true), &json!(session)), "{status}");
    let count = status["events_count"].as_u64().unwrap();
    assert_eq!(count, (found.len() + logged.len()) as u64);

    // The same again is known; what follows counts on.
    for sender in 0..SENDERS {
        let (lines, ids) = request(&format!("train{sender}"), 0);
        if ids.iter().all(|id| found.contains_key(id)) {
            let (status, receipt) = server.try_events(&lines).unwrap();
            assert_eq!((status, &receipt), (202, &json!({ "accepted": 0, "duplicates": EVENTS, "rejected": [] })));
        }
    }
    let mut life = Life::new(21, 6000, 60, 48);
    life.batches(4000).iter().for_each(|b| server.events(b));
    let stopped = server.call("/api/train/stop");
    assert_eq!(stopped["events_count"], count + 4000, "{stopped}");
    let trained = crate::server::eventually("the model is there", || {
        Some(server.get("/api/train/status")).filter(|s| s["status"] == "completed")
    });

    // In live mode, with anomalies, a mark and a label behind it.
    let session = server.live();
    let odd: Vec<u8> =
        (0..4).flat_map(|i| odd_sudo(life.later(5.0 + f64::from(i)), &format!("odd{i}"), "/opt/odd --now")).collect();
    server.events(&odd);
    let anomalies = server.anomalies_after(4);
    assert_eq!(anomalies.len(), 4, "{anomalies:?}");
    let mut listener = server.listen();
    server.post("/api/admin/mark_normal", &json!({ "anomaly_id": anomalies[0]["id"], "scope": "pattern" }));
    server.post("/api/admin/label", &json!({ "anomaly_id": anomalies[1]["id"], "disposition": "true_positive" }));
    let card = listener.until("model", |_| true);
    assert_ne!(card["digest"], trained["model_version"]);

    let acknowledged = sent_until_killed(server, "live");
    let server = Server::start(dir.path());
    let found = stored(&server, &session);
    assert!(found.values().all(|n| *n == 1), "each once");
    assert!(acknowledged.iter().all(|id| found.contains_key(id)), "each is there");
    let logged = ports(&server, &session, "livelog");
    assert!(logged.iter().enumerate().all(|(at, port)| *port == 1024 + at as u64));
    let live = server.get("/api/live/status");
    assert_eq!(
        (&live["is_active"], &live["session_id"], &live["model_version"]),
        (&json!(true), &json!(session), &card["digest"])
    );
    assert_eq!(live["events_count"], 4 + found.len() + logged.len());
    for old in &anomalies {
        let now = server.get(&format!("/api/anomalies/{}", old["id"].as_str().unwrap()));
        assert_eq!((&now["score"], &now["reasons"], &now["event"]), (&old["score"], &old["reasons"], &old["event"]));
    }
    let judged =
        |at: usize| server.get(&format!("/api/anomalies/{}", anomalies[at]["id"].as_str().unwrap()))["disposition"].clone();
    assert_eq!((judged(0), judged(1), judged(2)), (json!("false_positive"), json!("true_positive"), json!(null)));

    // A kill while nothing happens changes nothing at all.
    let before = state(&server);
    let server = server.killed_and_restarted();
    assert_same(&before, &state(&server));
    server.events(&odd_sudo(life.later(60.0), "late", "/opt/late"));
    crate::server::eventually("the count goes on", || {
        (server.get("/api/live/status")["events_count"] == before["live"]["events_count"].as_u64().unwrap() + 1).then_some(())
    });
    let before = state(&server);
    let ended = server.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");

    let first = digest(dir.path(), 1);
    for workers in [2, 4, 1] {
        assert_eq!(digest(dir.path(), workers), first, "{workers} workers");
    }
    let server = Server::start_with(dir.path(), &["--workers", "3"]).unwrap();
    assert_same(&before, &state(&server));
}

#[test]
fn stores_that_are_lost_are_built_again_from_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(22, 6000, 60, 48);
    server.train(&life.batches(5000));
    server.live();
    server.events(&odd_sudo(life.later(5.0), "mallory", "/opt/odd --now"));
    assert_eq!(server.anomalies_after(1).len(), 1);
    let before = state(&server);
    assert_eq!(server.terminate().code, 0);
    for name in ["trustfold.db", "trustfold.db-wal", "trustfold.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join("data").join(name));
    }
    let server = Server::start(dir.path());
    assert_same(&before, &state(&server));
}
