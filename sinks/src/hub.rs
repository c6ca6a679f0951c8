//! The WebSocket hub: every message numbered, kept for a while for those who come back, and never waited for.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use trustfold_event::Stamp;

/// Messages kept for clients that resume.
const KEPT: usize = 8192;

/// Messages that may wait for one client. Past it the client is cut off, and told of the gap.
const CLIENT_WAITING: usize = 2048;

#[derive(Serialize)]
struct Envelope<'a, T> {
    r#type: &'a str,
    seq: u64,
    ts: Stamp,
    data: &'a T,
}

/// A client's end.
pub struct Joined {
    /// What it missed, if it resumed.
    pub missed: Vec<Arc<str>>,
    /// Whether it goes on where it was, so that it needs no snapshot.
    pub resumed: bool,
    /// What follows. Closed by the hub when the client is too slow.
    pub frames: mpsc::Receiver<(u64, Arc<str>)>,
    /// The newest number at the time of joining.
    pub seq: u64,
}

#[derive(Default)]
struct Inner {
    seq: u64,
    kept: VecDeque<(u64, Arc<str>)>,
    clients: Vec<mpsc::Sender<(u64, Arc<str>)>>,
}

/// The hub. Numbers are contiguous within a stream, whose name is new at each start.
pub struct Hub {
    stream: String,
    inner: Mutex<Inner>,
}

impl Hub {
    /// A hub with this stream name.
    pub fn new(stream: String) -> Self {
        Self { stream, inner: Mutex::default() }
    }

    /// The stream's name.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No invariant of the hub spans a panic: a message is kept and numbered before it is sent.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a message that takes no number of its own but carries `seq`: hello, snapshot.
    pub fn unnumbered<T: Serialize>(&self, kind: &str, seq: u64, ts: Stamp, data: &T) -> Option<Arc<str>> {
        write(kind, seq, ts, data)
    }

    /// Sends a message to everybody; a client whose queue is full is cut off.
    pub fn publish<T: Serialize>(&self, kind: &str, ts: Stamp, data: &T) {
        let mut inner = self.inner();
        let seq = inner.seq + 1;
        let Some(text) = write(kind, seq, ts, data) else { return };
        inner.seq = seq;
        if inner.kept.len() == KEPT {
            inner.kept.pop_front();
        }
        inner.kept.push_back((seq, text.clone()));
        inner.clients.retain(|client| client.try_send((seq, text.clone())).is_ok());
    }

    /// Joins; `resume` is the stream and the last number that the client has.
    pub fn join(&self, resume: Option<(&str, u64)>) -> Joined {
        let (sender, frames) = mpsc::channel(CLIENT_WAITING);
        let mut inner = self.inner();
        let oldest = inner.kept.front().map_or(inner.seq + 1, |(seq, _)| *seq);
        let known = resume.filter(|(stream, last)| *stream == self.stream && *last <= inner.seq && last + 1 >= oldest);
        let missed = known
            .map_or(vec![], |(_, last)| inner.kept.iter().filter(|(seq, _)| *seq > last).map(|(_, text)| text.clone()).collect());
        inner.clients.push(sender);
        Joined { missed, resumed: known.is_some(), frames, seq: inner.seq }
    }

    /// The newest number.
    pub fn seq(&self) -> u64 {
        self.inner().seq
    }

    /// How many clients are joined.
    pub fn clients(&self) -> usize {
        let mut inner = self.inner();
        inner.clients.retain(|client| !client.is_closed());
        inner.clients.len()
    }

    /// Cuts everybody off: the process is stopping.
    pub fn close(&self) {
        self.inner().clients.clear();
    }
}

fn write<T: Serialize>(kind: &str, seq: u64, ts: Stamp, data: &T) -> Option<Arc<str>> {
    match serde_json::to_string(&Envelope { r#type: kind, seq, ts, data }) {
        Ok(text) => Some(text.into()),
        Err(error) => {
            tracing::error!(kind, %error, "a message could not be written as JSON");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> Hub {
        Hub::new("s".into())
    }

    #[test]
    fn a_client_that_resumes_misses_nothing_and_doubles_nothing() {
        let hub = hub();
        (0..10).for_each(|i| hub.publish("n", Stamp(0), &i));
        let mut joined = hub.join(Some(("s", 7)));
        hub.publish("n", Stamp(0), &10);
        assert!(joined.resumed);
        assert_eq!((joined.missed.len(), joined.seq), (3, 10));
        assert_eq!(joined.frames.try_recv().unwrap().0, 11);
        for unknown in [Some(("other", 7)), Some(("s", 12)), None] {
            let joined = hub.join(unknown);
            assert!(!joined.resumed && joined.missed.is_empty());
        }
    }

    #[test]
    fn what_is_no_longer_kept_cannot_be_resumed() {
        let hub = hub();
        (0..KEPT + 5).for_each(|i| hub.publish("n", Stamp(0), &i));
        assert!(!hub.join(Some(("s", 4))).resumed);
        assert!(hub.join(Some(("s", 5))).resumed);
    }

    #[test]
    fn a_slow_client_is_cut_off_and_the_others_are_not() {
        let hub = hub();
        let (mut slow, mut quick) = (hub.join(None), hub.join(None));
        for i in 0..CLIENT_WAITING + 1 {
            hub.publish("n", Stamp(0), &i);
            assert!(quick.frames.try_recv().is_ok());
        }
        assert_eq!(hub.clients(), 1);
        let mut received = 0;
        while slow.frames.try_recv().is_ok() {
            received += 1;
        }
        assert_eq!(received, CLIENT_WAITING);
        assert!(slow.frames.is_closed());
    }
}
