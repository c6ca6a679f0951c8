//! `trustfold score`: a file in, scores and alerts out, the same for any number of workers.

use crate::server::run;
use serde_json::Value;
use std::path::Path;

const LINES: usize = 60_000;
const TRAIN: usize = 20_000;
/// Lines that are no events, in training and after it, at the edges of an epoch and at the end.
const GARBAGE: [(usize, &str); 6] = [
    (0, "not json at all"),
    (4095, "{\"event_type\":\"login\""),
    (19_999, "[]"),
    (20_000, "{\"event_type\":\"teleport\",\"user\":\"a\"}"),
    (40_960, "{\"event_type\":\"login\",\"timestamp\":\"yesterday\"}"),
    (LINES - 1, "{\"user\":\"nobody\"}"),
];

struct Scored {
    summary: Value,
    scores: Vec<u8>,
    alerts: String,
}

fn score(dir: &Path, workers: usize, seed: u64) -> Scored {
    let ended = run(
        dir,
        &[
            "score",
            "events.ndjson",
            "--train-first",
            &TRAIN.to_string(),
            "--scores",
            "scores.f32",
            "--alerts",
            "alerts.ndjson",
            "--workers",
            &workers.to_string(),
            "--seed",
            &seed.to_string(),
            "--format",
            "json",
        ],
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    Scored {
        summary: serde_json::from_str(&ended.stdout).unwrap(),
        scores: std::fs::read(dir.join("scores.f32")).unwrap(),
        alerts: std::fs::read_to_string(dir.join("alerts.ndjson")).unwrap(),
    }
}

#[test]
fn a_file_is_scored_the_same_on_any_number_of_workers() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["generate", "--seed", "5", "--events", "60000", "--entities", "400", "--span-hours", "200"];
    let made =
        run(dir.path(), &[&arguments[..], &["--anomaly", "0.01", "--out", "events.ndjson", "--labels", "labels.csv"]].concat());
    assert_eq!(made.code, 0, "{made:?}");
    let text = std::fs::read_to_string(dir.path().join("events.ndjson")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), LINES);
    for (at, garbage) in GARBAGE {
        lines[at] = garbage;
    }
    std::fs::write(dir.path().join("events.ndjson"), lines.join("\n") + "\n").unwrap();

    let one = score(dir.path(), 1, 42);
    assert_eq!(one.scores.len(), 4 * LINES);
    let scores: Vec<f32> = one.scores.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let unscored: Vec<usize> = (0..LINES).filter(|at| scores[*at].is_nan()).collect();
    assert_eq!(unscored, GARBAGE.map(|(at, _)| at), "NaN where a line is no event, and nowhere else");
    assert!(scores.iter().filter(|s| !s.is_nan()).all(|s| (0.0..=1.0).contains(s)));
    assert_eq!(
        (&one.summary["events"], LINES - GARBAGE.len()),
        (&serde_json::json!(LINES - GARBAGE.len()), LINES - GARBAGE.len())
    );
    let rejected = one.summary["rejected"].as_object().unwrap();
    assert_eq!(rejected.values().map(|n| n.as_u64().unwrap()).sum::<u64>() as usize, GARBAGE.len(), "{rejected:?}");

    let threshold = one.summary["threshold"].as_f64().unwrap();
    let alerts: Vec<Value> = one.alerts.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(one.summary["alerts"], alerts.len());
    let expected: Vec<usize> = (TRAIN..LINES).filter(|at| f64::from(scores[*at]) > threshold).collect();
    let indices: Vec<usize> = alerts.iter().map(|a| a["index"].as_u64().unwrap() as usize).collect();
    assert_eq!(indices, expected, "an alert for each line after training that passes the threshold, in order");
    assert!(!alerts.is_empty());
    for alert in &alerts {
        let event: Value = serde_json::from_str(lines[alert["index"].as_u64().unwrap() as usize]).unwrap();
        assert_eq!((&alert["time"], &alert["type"]), (&event["timestamp"], &event["event_type"]), "{alert}");
        assert_eq!(alert["entity"], format!("user:{}", event["user"].as_str().unwrap()));
        let trust = alert["trust"].as_f64().unwrap();
        assert!((0.0..=100.0).contains(&trust), "{alert}");
        let explained: f64 = alert["reasons"].as_array().unwrap().iter().map(|r| r["contribution"].as_f64().unwrap()).sum();
        let score = alert["score"].as_f64().unwrap();
        assert!((alert["base"].as_f64().unwrap() + explained - score).abs() < 1e-6, "{alert}");
        assert!((score - f64::from(scores[alert["index"].as_u64().unwrap() as usize])).abs() < 1e-5, "{alert}");
    }
    // What was planted is found far more often than what was not.
    let labels = std::fs::read_to_string(dir.path().join("labels.csv")).unwrap();
    let planted: std::collections::BTreeSet<usize> =
        labels.lines().skip(1).map(|l| l.split(',').next().unwrap().parse().unwrap()).filter(|at| *at >= TRAIN).collect();
    let hits = indices.iter().filter(|at| planted.contains(at)).count();
    let recall = hits as f64 / planted.len() as f64;
    let false_rate = (indices.len() - hits) as f64 / (LINES - TRAIN - planted.len()) as f64;
    eprintln!("score: {hits} of {} planted found, {} others of {}", planted.len(), indices.len() - hits, LINES - TRAIN);
    assert!(recall > 10.0 * false_rate, "{recall} {false_rate}");

    for workers in [2, 4, 1] {
        let again = score(dir.path(), workers, 42);
        assert_eq!(again.summary["digest"], one.summary["digest"], "{workers} workers");
        assert_eq!(again.summary["model"], one.summary["model"], "{workers} workers");
        assert!(again.scores == one.scores, "scores differ with {workers} workers");
        assert!(again.alerts == one.alerts, "alerts differ with {workers} workers");
    }
    let other = score(dir.path(), 2, 43);
    assert_ne!(other.summary["digest"], one.summary["digest"]);
    assert!(other.scores != one.scores);
}
