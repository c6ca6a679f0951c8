//! `trustfold generate`: reproducible life, into a file or a running server.

use crate::commands::{Failure, say};
use crate::egress::wall_clock;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trustfold_event::EventTime;
use trustfold_sources::generate::{Generator, GeneratorOptions, Label};

/// What to make, and where it goes.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Equal seeds give equal bytes.
    pub seed: u64,
    /// How many; `None` for ever, or the generator's default into a file.
    pub events: Option<u64>,
    /// People and services.
    pub entities: u32,
    /// Hours that a file covers.
    pub span_hours: u32,
    /// Share of anomalies.
    pub anomaly_share: f64,
    /// A file, else standard output.
    pub out: Option<PathBuf>,
    /// A file for labels.
    pub labels: Option<PathBuf>,
    /// A running server.
    pub to: Option<String>,
    /// Events a second, to a server.
    pub rate: u32,
}

/// Makes events.
///
/// # Errors
/// Options out of range, a file that cannot be written, a server that does not take them.
pub fn generate(options: &GenerateOptions) -> Result<ExitCode, Failure> {
    let defaults = GeneratorOptions::default();
    let endless = if options.to.is_some() { u64::MAX } else { defaults.events };
    let generator = Generator::new(GeneratorOptions {
        seed: options.seed,
        events: options.events.unwrap_or(endless),
        entities: options.entities,
        start: if options.to.is_some() { EventTime(wall_clock().0) } else { defaults.start },
        span_hours: options.span_hours,
        anomaly_share: options.anomaly_share,
    })
    .map_err(Failure::settings)?;
    match &options.to {
        Some(url) => send(generator, url, options),
        None => write(generator, options).map_err(|e| Failure::settings(format!("could not write the events: {e}"))),
    }
}

fn write(mut generator: Generator, options: &GenerateOptions) -> io::Result<ExitCode> {
    let mut out: Box<dyn Write> = match &options.out {
        Some(path) => Box::new(BufWriter::with_capacity(1 << 20, File::create(path)?)),
        None => Box::new(BufWriter::with_capacity(1 << 20, io::stdout().lock())),
    };
    let mut labels = options.labels.as_ref().map(File::create).transpose()?.map(BufWriter::new);
    if let Some(labels) = &mut labels {
        labels.write_all(Label::CSV_HEADER.as_bytes())?;
    }
    let mut line = Vec::new();
    while let Some(record) = generator.advance() {
        line.clear();
        record.write_json(&mut line);
        line.push(b'\n');
        out.write_all(&line)?;
        if let (Some(labels), Some(label)) = (&mut labels, &record.label) {
            line.clear();
            label.write_csv(&mut line);
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            labels.write_all(&line)?;
        }
    }
    out.flush()?;
    labels.map_or(Ok(()), |mut l| l.flush())?;
    Ok(ExitCode::SUCCESS)
}

/// Batches leave this often.
const TICK: Duration = Duration::from_millis(100);

/// Sends events that happen now, at a rate.
fn send(mut generator: Generator, url: &str, options: &GenerateOptions) -> Result<ExitCode, Failure> {
    let server = Server::new(url, None);
    let total = options.events.unwrap_or(u64::MAX);
    let (began, mut sent, mut accepted) = (Instant::now(), 0u64, 0u64);
    let mut last = EventTime(wall_clock().0);
    while sent < total {
        std::thread::sleep(TICK);
        let due = (began.elapsed().as_secs_f64() * f64::from(options.rate)) as u64;
        let n = due.min(total).saturating_sub(sent).min(50_000);
        if n == 0 {
            continue;
        }
        let now = EventTime(wall_clock().0);
        let mut body = Vec::new();
        generator.next_batch(last, now, n, |record| {
            record.write_json(&mut body);
            body.push(b'\n');
        });
        last = now;
        accepted += server.post_events(&body)?;
        sent += n;
    }
    say(format_args!("{sent} sent, {accepted} accepted"));
    Ok(ExitCode::SUCCESS)
}

/// A running server, as a client sees it.
pub struct Server {
    url: String,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Server {
    /// At this address; `token` for control calls.
    pub fn new(url: &str, token: Option<String>) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        Self { url: url.trim_end_matches('/').into(), token, agent: ureq::Agent::new_with_config(config.build()) }
    }

    /// Sends NDJSON; answers how many were accepted. A server that is behind is waited for.
    ///
    /// # Errors
    /// A server that cannot be reached, or refuses.
    pub fn post_events(&self, body: &[u8]) -> Result<u64, Failure> {
        loop {
            let request = self.agent.post(format!("{}/api/events", self.url)).header("content-type", "application/x-ndjson");
            let mut response = request.send(body).map_err(|e| Failure::system(format!("{} does not answer: {e}", self.url)))?;
            match response.status().as_u16() {
                202 => {
                    let answer: serde_json::Value = response.body_mut().read_json().map_err(Failure::system)?;
                    return Ok(answer["accepted"].as_u64().unwrap_or(0));
                }
                429 => {
                    let wait = response.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
                    std::thread::sleep(Duration::from_secs(wait.unwrap_or(1)));
                }
                status => {
                    let text = response.body_mut().read_to_string().unwrap_or_default();
                    return Err(Failure::input(format!("{} answered {status}: {text}", self.url)));
                }
            }
        }
    }

    /// A control call; answers its status and body.
    ///
    /// # Errors
    /// A server that cannot be reached.
    pub fn post(&self, path: &str) -> Result<(u16, serde_json::Value), Failure> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let mut response = request.send_empty().map_err(|e| Failure::system(format!("{} does not answer: {e}", self.url)))?;
        Ok((response.status().as_u16(), response.body_mut().read_json().unwrap_or_default()))
    }

    /// A read; answers the body.
    ///
    /// # Errors
    /// A server that cannot be reached, or answers no JSON.
    pub fn get(&self, path: &str) -> Result<serde_json::Value, Failure> {
        let answer = self.agent.get(format!("{}{path}", self.url)).call();
        let mut answer = answer.map_err(|e| Failure::system(format!("{} does not answer: {e}", self.url)))?;
        answer.body_mut().read_json().map_err(Failure::system)
    }
}
