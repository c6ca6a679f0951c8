//! Syslog over TCP: one task a connection.
//!
//! ```text
//! accept ─► connection: read what is there ─► frame ─► submit ─► receipt ─┐
//!                         ▲                                               │
//!                         └────────────── only then read on ◄─────────────┘
//! ```
//!
//! **Invariant:** while a batch waits for its receipt, its connection is not read. So a sender is slowed down by TCP, and
//! at most one batch a connection is under way.

use super::framing::{FrameSink, Framer, Refusal};
use super::tcp_config::Limits;
use super::{SYSLOG_TCP, framing};
use crate::{Intake, IntakeError};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use trustfold_event::raw::{Batch, Format};

/// How much is read at a time.
const READ_BYTES: usize = 64 << 10;

/// How often a connection is read before others get their turn: a flood without a delimiter never fills a batch.
const READS_MAX: usize = 64;

/// The first and the longest wait after an accept that failed for want of resources.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How long a shutdown waits for bytes that are on their way.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(100);

/// A bound listener, not yet accepting.
#[derive(Debug)]
pub struct SyslogTcpListener {
    pub(super) listener: TcpListener,
    pub(super) local: SocketAddr,
    pub(super) limits: Limits,
}

impl SyslogTcpListener {
    /// The address it listens on; tells the port where the configuration said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Takes connections until `shutdown` turns true or its sender is gone. Then it stops accepting, and each connection
    /// frames what had arrived, submits it, waits for the receipt and closes. An unfinished line then counts as a message.
    pub async fn run(self, intake: Arc<impl Intake>, shutdown: watch::Receiver<bool>) {
        tracing::info!(address = %self.local, "listening for syslog over TCP");
        serve(self.listener, self.limits, intake, shutdown).await;
        tracing::info!(address = %self.local, "syslog over TCP has closed");
    }
}

/// Where connections come from: a socket, or a test's failures.
trait Accept {
    fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        TcpListener::accept(self).await
    }
}

/// Returns once a shutdown is asked for. Safe to cancel.
async fn asked_to_stop(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: nobody is left who could ask.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

async fn serve(mut door: impl Accept, limits: Limits, intake: Arc<impl Intake>, mut shutdown: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut backoff = ACCEPT_BACKOFF.0;
    loop {
        tokio::select! {
            biased;
            () = asked_to_stop(&mut shutdown) => break,
            Some(ended) = connections.join_next() => notice(ended),
            accepted = door.accept() => match accepted {
                Ok((_, peer)) if connections.len() >= limits.connections => {
                    tracing::warn!(%peer, connections_max = limits.connections, "refused a syslog connection: too many are open");
                }
                Ok((stream, peer)) => {
                    backoff = ACCEPT_BACKOFF.0;
                    let connection = Connection::new(stream, peer, limits, Arc::clone(&intake));
                    connections.spawn(connection.run(shutdown.clone()));
                }
                Err(error) if of_the_peer(&error) => tracing::debug!(%error, "a syslog connection ended before it was accepted"),
                Err(error) => {
                    // Out of file descriptors or memory: it may pass, and the open connections go on.
                    tracing::error!(%error, wait_ms = backoff.as_millis() as u64, "cannot accept syslog connections; trying again");
                    if timeout(backoff, asked_to_stop(&mut shutdown)).await.is_ok() {
                        break;
                    }
                    backoff = (backoff * 2).min(ACCEPT_BACKOFF.1);
                }
            },
        }
    }
    drop(door);
    while let Some(ended) = connections.join_next().await {
        notice(ended);
    }
}

/// True where only the one connection failed, so that the next can be accepted at once.
fn of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn notice(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a syslog connection's task failed; what it had read and not submitted is lost");
    }
}

/// Why a connection is read no more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Failed,
    Idle,
    Shutdown,
    Unavailable,
}

/// What one look at the socket gave.
enum Read {
    Bytes,
    Nothing,
    End(End),
}

struct Connection<I> {
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    framer: Framer,
    /// Read and not yet framed: `input[used..]`. Not empty between rounds only where a batch was full.
    input: Vec<u8>,
    used: usize,
    framed: Framed<I>,
}

impl<I: Intake> Connection<I> {
    fn new(stream: TcpStream, peer: SocketAddr, limits: Limits, intake: Arc<I>) -> Self {
        Self {
            stream,
            peer,
            limits,
            framer: Framer::new(limits.message_bytes),
            input: Vec::with_capacity(READ_BYTES),
            used: 0,
            framed: Framed { batch: empty_batch(&peer.ip().to_string()), peer: peer.ip().to_string(), limits, intake },
        }
    }

    async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        tracing::debug!(peer = %self.peer, "syslog connection opened");
        let mut end = loop {
            match self.wait(&mut shutdown).await {
                Ok(()) => {}
                Err(end) => break end,
            }
            if let Some(end) = self.take_what_is_there() {
                break end;
            }
            if self.submit().await.is_err() {
                break End::Unavailable;
            }
        };
        if end == End::Shutdown {
            // Once more, and once only: a sender that never pauses must not hold up the shutdown.
            let _ = timeout(SHUTDOWN_GRACE, self.stream.readable()).await;
            self.take_what_is_there();
        }
        while end != End::Unavailable {
            self.frame_input();
            let done = self.used == self.input.len();
            if done {
                self.framer.finish(&mut self.framed);
            }
            if self.submit().await.is_err() {
                end = End::Unavailable;
            }
            if done {
                break;
            }
        }
        match end {
            End::Idle => tracing::info!(peer = %self.peer, "closed a syslog connection that was idle"),
            End::Unavailable => tracing::warn!(peer = %self.peer, "closed a syslog connection: the pipeline takes nothing in"),
            End::Closed | End::Failed | End::Shutdown => tracing::debug!(peer = %self.peer, "syslog connection closed"),
        }
    }

    /// Waits until there is something to read or to frame.
    async fn wait(&self, shutdown: &mut watch::Receiver<bool>) -> Result<(), End> {
        if *shutdown.borrow() {
            return Err(End::Shutdown);
        }
        if self.used < self.input.len() {
            return Ok(());
        }
        let readable = async {
            match self.limits.idle {
                Some(idle) => timeout(idle, self.stream.readable()).await.map_err(|_| End::Idle)?,
                None => self.stream.readable().await,
            }
            .map_err(|_| End::Failed)
        };
        tokio::select! {
            biased;
            () = asked_to_stop(shutdown) => Err(End::Shutdown),
            ready = readable => ready,
        }
    }

    /// Reads and frames until nothing more is there, or the batch is full. Never waits.
    fn take_what_is_there(&mut self) -> Option<End> {
        for _ in 0..READS_MAX {
            self.frame_input();
            if self.framed.full() {
                return None;
            }
            match self.read() {
                Read::Bytes => {}
                Read::Nothing => return None,
                Read::End(end) => return Some(end),
            }
        }
        self.frame_input();
        None
    }

    fn frame_input(&mut self) {
        // A batch that is full stays as it is: the sink takes a message before it says so.
        if !self.framed.full() {
            self.used += self.framer.feed(&self.input[self.used..], &mut self.framed);
        }
    }

    fn read(&mut self) -> Read {
        self.input.clear();
        self.used = 0;
        match self.stream.try_read_buf(&mut self.input) {
            Ok(0) => Read::End(End::Closed),
            Ok(_) => Read::Bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Read::Nothing,
            Err(error) => {
                tracing::debug!(peer = %self.peer, %error, "a syslog connection failed");
                Read::End(End::Failed)
            }
        }
    }

    /// Hands over the batch, if there is anything in it, as often as the pipeline asks for it again.
    async fn submit(&mut self) -> Result<(), ()> {
        if self.framed.batch.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::replace(&mut self.framed.batch, empty_batch(&self.framed.peer));
        let records = batch.len() as u64;
        loop {
            match self.framed.intake.submit(batch).await {
                Ok(_) => return Ok(()),
                Err(IntakeError::Overloaded { retry_after_secs, batch: back }) => {
                    tracing::debug!(peer = %self.peer, retry_after_secs, "the pipeline is full; the sender has to wait");
                    tokio::time::sleep(Duration::from_secs(u64::from(retry_after_secs))).await;
                    batch = *back;
                }
                Err(error @ IntakeError::Unavailable(_)) => {
                    tracing::error!(peer = %self.peer, records, %error, "syslog messages that had been read are dropped");
                    self.framed.intake.count_dropped(SYSLOG_TCP, "intake_unavailable", records);
                    return Err(());
                }
            }
        }
    }
}

/// The batch that is being filled, and where refusals go.
struct Framed<I> {
    batch: Batch,
    peer: String,
    limits: Limits,
    intake: Arc<I>,
}

fn empty_batch(peer: &str) -> Batch {
    Batch::new(SYSLOG_TCP, peer, Format::Syslog)
}

impl<I> Framed<I> {
    fn full(&self) -> bool {
        self.batch.len() >= self.limits.batch_records || self.batch.bytes().len() >= self.limits.batch_bytes
    }
}

impl<I: Intake> FrameSink for Framed<I> {
    fn message(&mut self, message: &[u8]) -> ControlFlow<()> {
        self.batch.push(message);
        if self.full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn refused(&mut self, refusal: Refusal, raw: &[u8]) {
        self.intake.dead_letter(SYSLOG_TCP, &self.peer, refusal.code(), refusal.to_string(), raw);
    }
}

// The evidence of a refusal is taken from bytes that the limit allows to be held.
const _: () = assert!(framing::EVIDENCE_BYTES < framing::MESSAGE_BYTES_MIN);

#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tests;
