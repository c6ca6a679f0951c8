//! The server's interface, as a client uses it.

use crate::server::{Server, eventually};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

impl Server {
    /// A read; its status and body.
    pub(crate) fn try_get(&self, path: &str) -> (u16, Value) {
        let request = self.agent.get(format!("http://{}{path}", self.web));
        let mut answer = request.header("authorization", format!("Bearer {}", self.token)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().with_config().limit(256 << 20).read_json().unwrap())
    }

    /// A read that must succeed.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// All entries of a paged list, newest first.
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        let mark = if path.contains('?') { '&' } else { '?' };
        loop {
            let mut page = self.get(&format!("{path}{mark}limit=1000{cursor}"));
            all.append(page["data"].as_array_mut().unwrap());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// An admin's call; its status and body.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(format!("http://{}{path}", self.web));
        let mut answer = request.header("authorization", format!("Bearer {}", self.token)).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// An admin's call that must succeed.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let (status, body) = self.try_post(path, body);
        assert_eq!(status, 200, "POST {path}: {body}");
        body
    }

    /// A control call without a body that must succeed.
    pub(crate) fn call(&self, path: &str) -> Value {
        self.post(path, &json!({}))
    }

    /// A control call that must be refused as a conflict: with this code and sentence.
    pub(crate) fn conflict(&self, path: &str, code: &str, detail: &str) {
        let (status, body) = self.try_post(path, &json!({}));
        assert_eq!((status, body["code"].as_str(), body["detail"].as_str()), (409, Some(code), Some(detail)), "{path}: {body}");
        assert_eq!(body["status"], 409, "{body}");
    }

    /// Sends events, a line each; the status and the receipt. `Err` where there was no answer.
    pub(crate) fn try_events(&self, lines: &[u8]) -> Result<(u16, Value), ureq::Error> {
        send_events(&self.agent, &self.web, lines)
    }

    /// Sends events that must all be new and good.
    pub(crate) fn events(&self, lines: &[u8]) {
        let (status, receipt) = self.try_events(lines).unwrap();
        let sent = lines.iter().filter(|b| **b == b'\n').count();
        assert_eq!((status, &receipt), (202, &json!({ "accepted": sent, "duplicates": 0, "rejected": [] })));
    }

    /// Writes bytes to syslog over one connection.
    pub(crate) fn syslog(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(&self.syslog).unwrap();
        stream.write_all(bytes).unwrap();
    }

    /// Stops training and waits until the model is there, or is known not to come; the status then.
    pub(crate) fn train_stop(&self) -> Value {
        let stopped = self.call("/api/train/stop");
        assert_eq!((&stopped["is_active"], &stopped["status"]), (&json!(false), &json!("fitting")), "{stopped}");
        eventually("training has ended", || Some(self.get("/api/train/status")).filter(|s| s["status"] != "fitting"))
    }

    /// Trains on these events; answers the model's version.
    pub(crate) fn train(&self, batches: &[Vec<u8>]) -> String {
        self.call("/api/train/start");
        batches.iter().for_each(|b| self.events(b));
        let status = self.train_stop();
        assert_eq!(status["status"], "completed", "{status}");
        status["model_version"].as_str().unwrap().to_owned()
    }

    /// Starts live mode; answers the session.
    pub(crate) fn live(&self) -> String {
        self.call("/api/live/start")["session_id"].as_str().unwrap().to_owned()
    }

    /// Waits until the live session has decided so many events; then its anomalies, newest first.
    pub(crate) fn anomalies_after(&self, events: u64) -> Vec<Value> {
        eventually("the events are decided", || (self.get("/api/live/status")["events_count"] == events).then_some(()));
        self.all("/api/anomalies")
    }

    /// Joins the stream; the greeting and the snapshot are read.
    pub(crate) fn listen(&self) -> Listener {
        let mut request = format!("ws://{}/ws", self.web).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "trustfold.v1".parse().unwrap());
        let stream = TcpStream::connect(&self.web).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (socket, _) = tokio_tungstenite::tungstenite::client::client(request, stream).unwrap();
        let mut listener = Listener { socket, heard: Vec::new() };
        let hello = listener.next();
        assert_eq!((&hello["type"], &hello["data"]["resumed"]), (&json!("hello"), &json!(false)), "{hello}");
        let snapshot = listener.next();
        assert_eq!(snapshot["type"], "snapshot", "{snapshot}");
        listener.heard.clear();
        listener
    }
}

/// Sends events, a line each.
pub(crate) fn send_events(agent: &ureq::Agent, web: &str, lines: &[u8]) -> Result<(u16, Value), ureq::Error> {
    let request = agent.post(format!("http://{web}/api/events")).header("content-type", "application/x-ndjson");
    let mut answer = request.send(lines)?;
    Ok((answer.status().as_u16(), answer.body_mut().read_json()?))
}

/// A WebSocket client, with everything that it heard.
pub(crate) struct Listener {
    socket: WebSocket<TcpStream>,
    pub(crate) heard: Vec<Value>,
}

impl Listener {
    fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("the stream goes on") {
                let message: Value = serde_json::from_str(&text).unwrap();
                self.heard.push(message.clone());
                return message;
            }
        }
    }

    /// Listens until such a message comes; its data.
    pub(crate) fn until(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind && fits(&message["data"]) {
                return message["data"].clone();
            }
        }
    }

    /// The data of all messages of a kind that were heard.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.heard.iter().filter(|m| m["type"] == kind).map(|m| &m["data"]).collect()
    }

    /// Numbers rise by one, without a gap.
    pub(crate) fn assert_contiguous(&self) {
        let numbered = |m: &&Value| !["hello", "snapshot", "gap"].contains(&m["type"].as_str().unwrap());
        let seqs: Vec<u64> = self.heard.iter().filter(numbered).map(|m| m["seq"].as_u64().unwrap()).collect();
        assert!(seqs.len() > 1);
        assert!(seqs.windows(2).all(|w| w[1] == w[0] + 1), "{seqs:?}");
        assert!(self.heard.iter().all(|m| m["type"] != "gap"));
    }
}
