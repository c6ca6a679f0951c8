//! `trustfold demo`: a running server is shown normal life, trained on it, taken live, and fed for ever.

use crate::commands::Failure;
use crate::commands::generate::Server;
use crate::egress::wall_clock;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trustfold_event::EventTime;
use trustfold_sources::generate::{Generator, GeneratorOptions};

/// Events a second, once live.
pub const RATE: u32 = 25;

/// Events that training is shown.
const TRAINING_EVENTS: u64 = 80_000;

/// Share of anomalies, once live.
const ANOMALY_SHARE: f64 = 0.006;

const PEOPLE: u32 = 400;

/// Trains, goes live, and feeds.
///
/// # Errors
/// A server that cannot be reached, or refuses.
pub fn demo(to: &str, token_file: &Path, rate: u32) -> Result<ExitCode, Failure> {
    let token = std::fs::read_to_string(token_file)
        .map_err(|e| Failure::settings(format!("could not read \"{}\": {e}", token_file.display())))?;
    let server = Server::new(to, Some(token.trim().to_owned()));
    let now = || EventTime(wall_clock().0);
    // As dense as what follows: else the live rate itself would be the anomaly.
    let span_micros = TRAINING_EVENTS as i64 * 1_000_000 / i64::from(rate.max(1));
    let start = EventTime(now().0 - span_micros);
    let options = GeneratorOptions { seed: 7, events: u64::MAX, entities: PEOPLE, start, span_hours: 24, anomaly_share: 0.0 };
    let mut generator = Generator::new(options).map_err(Failure::settings)?;
    if server.get("/api/train/status")?["model_version"].is_null() {
        tracing::info!("demo: showing it normal life");
        call(&server, "/api/train/start")?;
        // In portions, so that the page shows the life that it learns from.
        let portions = 40;
        for portion in 0..portions {
            let edge = |p: i64| EventTime(start.0 + span_micros * p / portions);
            let mut body = Vec::new();
            generator.next_batch(edge(portion), edge(portion + 1), TRAINING_EVENTS / portions as u64, |record| {
                record.write_json(&mut body);
                body.push(b'\n');
            });
            server.post_events(&body)?;
            std::thread::sleep(Duration::from_millis(250));
        }
        call(&server, "/api/train/stop")?;
        while server.get("/api/train/status")?["status"] == "fitting" {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    if server.get("/api/live/status")?["is_active"] != true {
        call(&server, "/api/live/start")?;
        tracing::info!("demo: live");
    }
    generator.set_anomaly_share(ANOMALY_SHARE);
    let (began, mut sent, mut last) = (Instant::now(), 0u64, now());
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        let (n, upto) = (due.saturating_sub(sent).min(50_000), now());
        let mut body = Vec::new();
        generator.next_batch(last, upto, n, |record| {
            record.write_json(&mut body);
            body.push(b'\n');
        });
        if !body.is_empty() {
            server.post_events(&body)?;
        }
        (sent, last) = (sent + n, upto);
    }
}

/// A control call that may find its work done already.
fn call(server: &Server, path: &str) -> Result<(), Failure> {
    match server.post(path)? {
        (200..=299 | 409, _) => Ok(()),
        (status, answer) => Err(Failure::input(format!("{path} answered {status}: {answer}"))),
    }
}
