//! What a request and an event cost the web layer in CPU: a real server over a backend that takes everything at once.
//!
//! `cargo run --release -p trustfold-web --example load`; Linux only, since it reads CPU times from `/proc`.

use serde_json::Value;
use std::future::{Future, ready};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trustfold_event::EventId;
use trustfold_event::control::AuditEntry;
use trustfold_event::documents::{Anomaly, DeadLetter, Mode, ModelCard, Notice, Session, StoredEvent};
use trustfold_event::entity::Entity;
use trustfold_event::hash::HashKeys;
use trustfold_event::raw::Batch;
use trustfold_web::backend::{
    Backend, Check, Command, CommandError, Health, IntakeError, Page, PageRequest, ReadError, Receipt, Subscription,
};
use trustfold_web::{Auth, Secret, Web, WebConfig};

/// Takes every batch, and has nothing to show.
struct Sink;

type Read<T> = Result<Page<T>, ReadError>;

fn nothing<T: Send>() -> impl Future<Output = Read<T>> + Send {
    ready(Ok(Page { data: Vec::new(), next_cursor: None }))
}

impl Backend for Sink {
    fn keys(&self) -> HashKeys {
        HashKeys::from_seed(1)
    }
    async fn submit(&self, batch: Batch) -> Result<Receipt, IntakeError> {
        Ok(Receipt { accepted: batch.len() as u64, duplicates: 0 })
    }
    fn keep_refused(&self, _refused: Batch) {}
    async fn command(&self, _actor: &str, _command: Command) -> Result<Value, CommandError> {
        Ok(Value::Null)
    }
    fn train_status(&self) -> Value {
        Value::Null
    }
    fn live_status(&self) -> Value {
        Value::Null
    }
    fn stats(&self) -> Value {
        Value::Null
    }
    async fn trust(&self, _entity: Option<Entity>, _limit: usize) -> Result<Value, ReadError> {
        Ok(Value::Null)
    }
    fn trust_entities(&self, _limit: usize) -> Value {
        Value::Null
    }
    fn events(&self, _session: Option<EventId>, _page: PageRequest) -> impl Future<Output = Read<StoredEvent>> + Send {
        nothing()
    }
    fn sessions(&self, _mode: Option<Mode>, _page: PageRequest) -> impl Future<Output = Read<Session>> + Send {
        nothing()
    }
    async fn session(&self, _id: EventId) -> Result<Option<Session>, ReadError> {
        Ok(None)
    }
    fn anomalies(&self, _s: Option<EventId>, _open: bool, _page: PageRequest) -> impl Future<Output = Read<Anomaly>> + Send {
        nothing()
    }
    async fn anomaly(&self, _id: EventId) -> Result<Option<Anomaly>, ReadError> {
        Ok(None)
    }
    fn notices(&self, _page: PageRequest) -> impl Future<Output = Read<Notice>> + Send {
        nothing()
    }
    fn models(&self, _page: PageRequest) -> impl Future<Output = Read<ModelCard>> + Send {
        nothing()
    }
    fn audit(&self, _page: PageRequest) -> impl Future<Output = Read<AuditEntry>> + Send {
        nothing()
    }
    fn dead_letters(&self, _page: PageRequest) -> impl Future<Output = Read<DeadLetter>> + Send {
        nothing()
    }
    async fn health(&self) -> Health {
        let well = Check { ok: true, detail: String::new() };
        Health { ready: true, store: well.clone(), pipeline: well.clone(), model: well }
    }
    fn subscribe(&self, _resume: Option<(String, u64)>) -> Subscription {
        let (_, frames) = tokio::sync::mpsc::channel(1);
        Subscription { first: Vec::new(), frames, stream: String::new(), seq: 0 }
    }
}

/// CPU time from a `stat` file of `/proc`, whose clock ticks are 10 ms.
fn cpu(file: &str) -> std::io::Result<Duration> {
    let stat = std::fs::read_to_string(file)?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Sends the same request for some seconds over one connection, and prints what it cost the server.
fn measure(address: SocketAddr, name: &str, request: &[u8], events: usize) -> std::io::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let (process, client, began) = (cpu("/proc/self/stat")?, cpu("/proc/thread-self/stat")?, Instant::now());
    let mut answer = vec![0; 64 << 10];
    let (mut requests, mut status) = (0u32, String::new());
    while began.elapsed() < Duration::from_secs(4) {
        connection.write_all(request)?;
        let length = connection.read(&mut answer)?;
        status = String::from_utf8_lossy(&answer[9..12.min(length)]).into_owned();
        requests += 1;
    }
    let elapsed = began.elapsed();
    let server = (cpu("/proc/self/stat")? - process).saturating_sub(cpu("/proc/thread-self/stat")? - client);
    let per_request = server / requests;
    let per_event = per_request / events.max(1) as u32;
    let rate = f64::from(requests) * events as f64 / elapsed.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{name}: status {status}, {per_request:?} CPU a request, {per_event:?} an event, {rate:.0} events/s"
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let config = WebConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..WebConfig::default() }.check()?;
    let bound = Web::bind(config, Arc::new(Sink), Auth::new(&Secret::new("a token that nobody uses here")))?;
    let address = bound.local_addr();
    runtime.spawn(bound.run(std::future::pending()));
    let event =
        r#"{"@timestamp":"2025-03-01T12:00:00Z","event_type":"login","user":"alice","host":"web-01","source_ip":"203.0.113.7"}"#;
    let post = |body: String| {
        let head = "POST /api/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\n";
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    measure(address, "GET /livez", b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n", 0)?;
    measure(address, "GET / (the last route)", b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n", 0)?;
    for events in [1, 100, 10_000] {
        measure(address, &format!("POST of {events}"), &post(format!("{event}\n").repeat(events)), events)?;
    }
    Ok(())
}
