//! The contract of docs/API.md, over real sockets, against a scripted backend.

mod access;
mod contract;
mod edge;
pub(crate) mod fake;
mod intake;
mod sockets;

use crate::auth::{Auth, Secret};
use crate::config::WebConfig;
use crate::routes::ui::Asset;
use crate::server::{Web, WebError};
use bytes::Bytes;
use fake::Fake;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use trustfold_event::Stamp;
use trustfold_event::hash::HashKeys;
use trustfold_event::reject::Reject;

const TOKEN: &str = "the-admin-token-of-the-tests";
const BEARER: (&str, &str) = ("authorization", "Bearer the-admin-token-of-the-tests");
const JSON: (&str, &str) = ("content-type", "application/json");
const INDEX: &[u8] = b"<!doctype html><title>dashboard</title>";

/// Stands in for the parser: an object with an `event_type` is an event, and `event.id` its identity.
fn identify(record: &[u8], _received: Stamp, keys: &HashKeys) -> Result<u128, Reject> {
    let value: Value = serde_json::from_slice(record).map_err(|e| Reject::new("json.syntax", e.to_string()))?;
    if value["event_type"].is_null() {
        return Err(Reject::new("event.type", "no event type"));
    }
    Ok(value["event"]["id"].as_str().map_or(0, |id| keys.identity(1, id.as_bytes(), 0)))
}

fn dashboard(name: &str) -> Option<Asset> {
    let bytes = match name {
        "index.html" => INDEX,
        "assets/index-1a2b.js" => b"export {}",
        _ => return None,
    };
    Some(Asset { bytes: Bytes::from_static(bytes), tag: format!("\"{}\"", name.len()) })
}

struct Server {
    address: SocketAddr,
    fake: Arc<Fake>,
    auth: Auth,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<Result<(), WebError>>,
}

fn loopback() -> WebConfig {
    WebConfig { listen: "127.0.0.1:0".parse().unwrap(), ..WebConfig::default() }
}

fn start() -> Server {
    start_with(loopback())
}

fn start_with(config: WebConfig) -> Server {
    let (fake, auth) = (Arc::new(Fake::default()), Auth::new(&Secret::new(TOKEN)));
    let bound = Web::bind_with(config.check().unwrap(), fake.clone(), auth.clone(), identify, dashboard).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], bound.local_addr().port()));
    let (stop, stopped) = oneshot::channel::<()>();
    let done = tokio::spawn(bound.run(async move {
        let _ = stopped.await;
    }));
    Server { address, fake, auth, stop: Some(stop), done }
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &'_ str| line.split_once(": ").is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head.lines().find(|line| named(line)).and_then(|line| Some(line.split_once(": ")?.1))
    }

    /// Checks that this is a problem with this status and code.
    fn is_problem(&self, status: u16, code: &str) -> Value {
        let shown = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{shown}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{shown}");
        let body = self.json();
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{shown}");
        assert_eq!(body["type"], "about:blank");
        assert!(body["title"].is_string() && body["detail"].is_string());
        body
    }
}

impl Server {
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(&self.request(method, path, headers, body.as_ref())).await.unwrap();
        receive(&mut connection).await
    }

    /// A request's bytes; `host` and `content-length` are made unless given.
    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let given = |name: &str| headers.iter().any(|(n, _)| *n == name);
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !given("host") {
            head += &format!("host: {}\r\n", self.address);
        }
        if !given("content-length") && !given("transfer-encoding") && !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    async fn admin(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, &[BEARER, JSON], body).await
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn stop(mut self) -> Result<(), WebError> {
        self.stop.take().unwrap().send(()).unwrap();
        self.done.await.unwrap()
    }
}

/// Reads one answer with a known length.
async fn receive(connection: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0, "closed within the head: {bytes:?}");
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut reply = Reply { status: head[9..12].parse().unwrap(), head, body: bytes[end + 4..].to_vec() };
    let length = reply.header("content-length").map_or(0, |l| l.parse().unwrap());
    while reply.body.len() < length {
        assert_ne!(connection.read_buf(&mut reply.body).await.unwrap(), 0, "closed within the body");
    }
    reply
}
