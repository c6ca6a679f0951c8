//! Whole stories: a Linux machine's auth log over syslog, and a company's life over HTTP.

use crate::life::Life;
use crate::live::{assert_sound, recomputed_trust};
use crate::server::{Server, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;

/// What sshd and sudo say in a real machine's auth log; else the project's own lines, again and again at later times,
/// and at their end what nobody did before.
fn auth_lines() -> Vec<String> {
    let Some(data) = std::env::var_os("TRUSTFOLD_TESTDATA") else { return own_lines() };
    let file = std::fs::File::open(PathBuf::from(data).join("linux_auth/elastic_examples_auth.log.gz")).unwrap();
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let says = |line: &&str| line.contains(" sshd[") || line.contains(" sudo:");
    text.lines().filter(says).map(str::to_owned).collect()
}

fn own_lines() -> Vec<String> {
    const BEGINNING: &str = "<86>Mar  2 ";
    let golden = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/event/tests/golden/syslog_lines.txt")).unwrap();
    let rests: Vec<&str> =
        golden.lines().filter_map(|l| l.strip_prefix(BEGINNING)?.split_once(' ')).map(|(_, rest)| rest).collect();
    assert!(rests.len() > 5, "the golden has lines with a priority and a time");
    let stamp = |at: usize| format!("<86>Mar {:2} {:02}:{:02}:00 ", 2 + at / 1440, at / 60 % 24, at % 60);
    let mut lines: Vec<String> = (0..2000).map(|at| format!("{}{}", stamp(at * 3), rests[at % rests.len()])).collect();
    for i in 0..8 {
        let at = stamp(6001);
        lines.push(format!(
            "{at}db-9 sudo: mallory : command not allowed ; TTY=pts/9 ; PWD=/ ; USER=root ; COMMAND=/opt/odd/tool{i}"
        ));
    }
    lines
}

/// Sends lines over one connection, and waits until all of them are decided.
fn feed(server: &Server, lines: &[String], upto: usize) {
    server.syslog((lines.join("\n") + "\n").as_bytes());
    eventually("all lines are decided", || {
        let events = server.get("/api/stats")["events"].clone();
        (events["total"].as_u64().unwrap() + events["rejected"].as_u64().unwrap() == upto as u64).then_some(())
    });
}

#[test]
fn an_auth_log_is_learnt_then_watched_and_corrected() {
    let lines = auth_lines();
    let (past, present) = lines.split_at(lines.len() * 6 / 10);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut story = String::new();

    server.call("/api/train/start");
    feed(&server, past, past.len());
    let trained = server.train_stop();
    assert_eq!(trained["status"], "completed", "{trained}");
    let card = server.get("/api/stats")["model"].clone();
    writeln!(story, "POST /api/train/start, then {} lines of sshd and sudo over TCP, then POST /api/train/stop", past.len())
        .unwrap();
    writeln!(story, "  by type   {}", trained["events_by_type"]).unwrap();
    writeln!(
        story,
        "  model     {} rows of {} entities, threshold {:.3}",
        card["rows"],
        card["entities"],
        card["threshold"].as_f64().unwrap()
    )
    .unwrap();

    server.live();
    feed(&server, present, lines.len());
    let anomalies = server.all("/api/anomalies");
    assert!(!anomalies.is_empty());
    anomalies.iter().for_each(assert_sound);
    let before = server.get("/api/trust");
    assert_eq!(before["trust"].as_f64().unwrap(), recomputed_trust(&anomalies));
    writeln!(story, "POST /api/live/start, then the other {} lines", present.len()).unwrap();
    writeln!(story, "  {} anomalies, trust {} ({} points of debt)", anomalies.len(), before["trust"], before["debt"]).unwrap();
    let by_score = |a: &&Value, b: &&Value| a["score"].as_f64().unwrap().total_cmp(&b["score"].as_f64().unwrap());
    let mut highest: Vec<&Value> = anomalies.iter().collect();
    highest.sort_by(|a, b| by_score(b, a));
    for anomaly in highest.iter().take(3) {
        let (score, threshold) = (anomaly["score"].as_f64().unwrap(), anomaly["threshold"].as_f64().unwrap());
        let (at, entity) = (anomaly["ts"].as_str().unwrap(), anomaly["entity"].as_str().unwrap());
        writeln!(story, "  {at}  {entity}  {}  score {score:.3} > {threshold:.3}  -{}", anomaly["summary"], anomaly["penalty"])
            .unwrap();
        for reason in anomaly["reasons"].as_array().unwrap().iter().take(3) {
            let number = |key: &str| reason[key].as_f64().unwrap();
            let (meaning, unit) = (reason["meaning"].as_str().unwrap(), reason["unit"].as_str().unwrap());
            writeln!(
                story,
                "      {:+.3}  {meaning}: {:.1} {unit}, usually {:.1}",
                number("contribution"),
                number("value"),
                number("usual")
            )
            .unwrap();
        }
    }

    let chosen = highest[0];
    let ask = json!({ "anomaly_id": chosen["id"], "scope": "anomaly", "comment": "known" });
    let marked = server.post("/api/admin/mark_normal", &ask);
    let after = server.get("/api/trust");
    let back = before["debt"].as_f64().unwrap() - after["debt"].as_f64().unwrap();
    assert!((back - chosen["penalty"].as_f64().unwrap()).abs() < 1e-9, "restored to the point: {before} {after}");
    assert_eq!(after["trust"].as_f64().unwrap(), recomputed_trust(&server.all("/api/anomalies")));
    writeln!(story, "POST /api/admin/mark_normal {{\"anomaly_id\":{}}}", chosen["id"]).unwrap();
    writeln!(
        story,
        "  {back} points back: debt {} to {}, trust {} to {}",
        before["debt"], after["debt"], before["trust"], after["trust"]
    )
    .unwrap();
    // What belongs to that one goes with it, and nothing else.
    let scope = chosen["entity"].as_str().unwrap();
    let change = marked["trust"].as_array().unwrap().iter().find(|t| t["scope"] == scope).unwrap();
    writeln!(story, "  {scope}: trust {} to {}; retraining: {}", change["before"], change["after"], marked["retraining"])
        .unwrap();
    // One after the other, until nothing stands against the session.
    let mut debt = after["debt"].as_f64().unwrap();
    for anomaly in anomalies.iter().filter(|a| a["id"] != chosen["id"]) {
        server.post("/api/admin/mark_normal", &json!({ "anomaly_id": anomaly["id"], "scope": "anomaly" }));
        debt -= anomaly["penalty"].as_f64().unwrap();
        let trust = server.get("/api/trust");
        assert!((trust["debt"].as_f64().unwrap() - debt).abs() < 1e-9, "{trust}");
        assert_eq!(trust["trust"].as_f64().unwrap(), (100.0 - debt).max(0.0), "{trust}");
    }
    let last = server.get("/api/trust");
    assert_eq!((&last["trust"], &last["debt"], &last["warning"]), (&json!(100.0), &json!(0.0), &json!(false)), "{last}");
    assert!(server.all("/api/v1/notices").iter().all(|n| n["state"] == "withdrawn"));
    writeln!(story, "the same for the other {}: debt {}, trust {}", anomalies.len() - 1, last["debt"], last["trust"]).unwrap();
    let marked_rows = || server.get("/api/stats")["model"]["marked_rows"].clone();
    eventually("a model that knows the corrections", || (marked_rows() == anomalies.len()).then_some(()));
    eprintln!("{story}");
    assert_eq!(server.terminate().code, 0);
}

#[test]
fn planted_anomalies_of_a_company_are_found_more_often_than_chance() {
    const TRAIN: usize = 10_000;
    const LIVE: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut life = Life::new(51, (TRAIN + LIVE) as u64, 200, 120);
    server.train(&life.batches(TRAIN));
    let session = server.live();
    life.with_anomalies(0.02);
    let lines = life.lines(LIVE);
    for batch in lines.chunks(5000) {
        server.events(&batch.iter().flat_map(|l| l.json.clone()).collect::<Vec<u8>>());
    }
    let anomalies = server.anomalies_after(LIVE as u64);
    let found: BTreeSet<usize> = anomalies
        .iter()
        .map(|a| a["event"]["event"]["original_id"].as_str().unwrap()["life-".len()..].parse::<usize>().unwrap() - TRAIN)
        .collect();
    assert_eq!(found.len(), anomalies.len());
    let planted = lines.iter().filter(|l| l.labelled).count();
    let hits = found.iter().filter(|at| lines[**at].labelled).count();
    let recall = hits as f64 / planted as f64;
    let false_rate = (found.len() - hits) as f64 / (LIVE - planted) as f64;
    eprintln!("life: {hits} of {planted} planted found, {} others of {}", found.len() - hits, LIVE - planted);
    assert!(planted > 100 && recall > 10.0 * false_rate, "{recall} against {false_rate}");
    assert_eq!(server.get("/api/trust")["trust"].as_f64().unwrap(), recomputed_trust(&anomalies));
    assert_eq!(server.get(&format!("/api/sessions/{session}"))["anomalies_count"], anomalies.len());
}
