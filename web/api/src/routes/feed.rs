//! A client's place in the hub's stream: what is sent next, over a WebSocket or as an event stream.

use super::Call;
use crate::backend::{Backend, Subscription};
use crate::problem::Problem;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use trustfold_event::Stamp;

/// Subscriptions in a row that end without a frame before the hub is taken to be gone.
const BARREN_MAX: u32 = 3;

pub(super) struct Feed<B> {
    backend: Arc<B>,
    subscription: Subscription,
    first: VecDeque<Arc<str>>,
    /// The newest sequence number that was handed out, or that `first` covers.
    seq: u64,
    barren: u32,
}

impl<B: Backend> Feed<B> {
    pub(super) fn new(backend: Arc<B>, resume: Option<(String, u64)>) -> Self {
        let mut subscription = backend.subscribe(resume);
        let first = std::mem::take(&mut subscription.first).into();
        Self { backend, first, seq: subscription.seq, subscription, barren: 0 }
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn stream(&self) -> &str {
        &self.subscription.stream
    }

    /// The next frame; `None` once the hub is gone. Dropping the future loses no frame.
    ///
    /// Where the hub gave this client up for being slow, what follows is a `gap` that names what it missed, and then
    /// a fresh hello and snapshot: never silence.
    pub(super) async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            if let Some(frame) = self.first.pop_front() {
                return Some(frame);
            }
            if let Some((seq, frame)) = self.subscription.frames.recv().await {
                self.seq = seq;
                self.barren = 0;
                return Some(frame);
            }
            self.barren += 1;
            if self.barren > BARREN_MAX {
                return None;
            }
            self.join_again();
        }
    }

    fn join_again(&mut self) {
        let mut again = self.backend.subscribe(None);
        // Numbers of another stream say nothing about this one; its hello tells the client so.
        if again.stream == self.subscription.stream && again.seq > self.seq {
            let data = json!({ "from": self.seq + 1, "to": again.seq });
            let gap = json!({ "type": "gap", "seq": again.seq, "ts": now(), "data": data });
            self.first.push_back(gap.to_string().into());
        }
        self.first.extend(std::mem::take(&mut again.first));
        self.seq = again.seq;
        self.subscription = again;
    }
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)).to_string()
}

/// `?stream=S&last_seq=N`: both, or neither.
pub(super) fn resume(call: &Call) -> Result<Option<(String, u64)>, Problem> {
    let query = call.query(&["stream", "last_seq"])?;
    match (query.text("stream"), query.parsed("last_seq", "a sequence number")?) {
        (Some(stream), Some(seq)) => Ok(Some((stream.to_owned(), seq))),
        (None, None) => Ok(None),
        _ => Err(Problem::bad_request("To resume, give both stream and last_seq.")),
    }
}
