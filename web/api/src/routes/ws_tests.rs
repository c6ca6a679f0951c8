//! The pump alone, on paused time: pings, silence, and a client that takes nothing.

use super::*;
use crate::tests::fake::{Fake, subscription};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// A socket in memory. A stalled one takes nothing, as when a browser stops reading.
struct Socket {
    sent: mpsc::UnboundedSender<Message>,
    heard: mpsc::UnboundedReceiver<Message>,
    stalled: bool,
}

impl Stream for Socket {
    type Item = Result<Message, ()>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.heard.poll_recv(cx).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Socket {
    type Error = ();
    fn poll_ready(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        if self.stalled { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), ()> {
        self.sent.send(message).map_err(|_| ())
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.poll_ready(cx)
    }
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.poll_ready(cx)
    }
}

struct Ends {
    sent: mpsc::UnboundedReceiver<Message>,
    say: mpsc::UnboundedSender<Message>,
    hub: mpsc::Sender<(u64, Arc<str>)>,
    _stop: watch::Sender<bool>,
    pumping: tokio::task::JoinHandle<()>,
}

fn pumping(stalled: bool) -> Ends {
    let fake = Arc::new(Fake::default());
    let (subscribed, hub) = subscription("s", 0, &[]);
    fake.subscriptions.lock().unwrap().push_back(subscribed);
    let (sender, sent) = mpsc::unbounded_channel();
    let (say, heard) = mpsc::unbounded_channel();
    let (stop, stopping) = watch::channel(false);
    let pumping = tokio::spawn(pump(Socket { sent: sender, heard, stalled }, Feed::new(fake, None), stopping));
    Ends { sent, say, hub, _stop: stop, pumping }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_stays_and_a_silent_one_goes() {
    let mut ends = pumping(false);
    let start = Instant::now();
    for n in 1..=5u32 {
        assert!(ends.sent.recv().await.unwrap().is_ping());
        assert_eq!(start.elapsed(), PING_EVERY * n);
        ends.say.send(Message::pong(Vec::new())).unwrap();
    }
    for _ in 0..MISSED_MAX {
        assert!(ends.sent.recv().await.unwrap().is_ping());
    }
    let close = ends.sent.recv().await.unwrap();
    assert_eq!(close.close_frame(), Some((GOING_AWAY, "no answer to pings")));
    ends.pumping.await.unwrap();
    assert_eq!(start.elapsed(), PING_EVERY * 8);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_given_up() {
    let ends = pumping(true);
    let start = Instant::now();
    for seq in 1..=8 {
        ends.hub.send((seq, "frame".into())).await.unwrap();
    }
    ends.hub.closed().await;
    ends.pumping.await.unwrap();
    assert_eq!(start.elapsed(), SEND_TIME + CLOSE_TIME);
    drop(ends.sent);
}
