//! What the web layer needs of the pipeline. The pipeline implements it; web knows nothing else of the inside.

use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::mpsc;
use trustfold_event::EventId;
use trustfold_event::control::{AuditEntry, MarkScope};
use trustfold_event::documents::{Anomaly, DeadLetter, Disposition, Mode, ModelCard, Notice, Session, StoredEvent};
use trustfold_event::entity::Entity;
use trustfold_event::hash::HashKeys;
use trustfold_event::raw::Batch;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Durable now.
    pub accepted: u64,
    /// Had been taken in before; counted once.
    pub duplicates: u64,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The pipeline is behind; nothing of the batch was taken.
    #[error("the pipeline is behind; try again")]
    Overloaded {
        /// When to try again.
        retry_after_secs: u64,
    },
    /// The process is stopping, or its journal cannot be written.
    #[error("not taking events: {0}")]
    Unavailable(String),
}

/// What can be asked of the control sequencer.
#[derive(Clone, Debug)]
pub enum Command {
    /// Start collecting what is normal.
    TrainStart,
    /// Stop, and make the model.
    TrainStop,
    /// Start scoring.
    LiveStart,
    /// Stop scoring.
    LiveStop,
    /// Close a session by force; closing a closed one changes nothing.
    SessionClose(EventId),
    /// Mark an anomaly normal, or say what that would do.
    MarkNormal {
        /// The anomaly.
        anomaly: EventId,
        /// How far the mark reaches.
        scope: MarkScope,
        /// A note.
        comment: String,
        /// Only say what it would do.
        preview: bool,
    },
    /// Take a mark back.
    UndoMark(EventId),
    /// Judge an anomaly without touching trust.
    Label {
        /// The anomaly.
        anomaly: EventId,
        /// The judgement.
        disposition: Option<Disposition>,
        /// A note.
        comment: String,
    },
    /// Forget everything but the audit trail; unconfirmed: only count what would go.
    Reset {
        /// Whether the typed confirmation was given.
        confirmed: bool,
    },
}

/// Why a command was refused.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It conflicts with what is active; `code` is stable, `detail` the seed's sentence.
    #[error("{detail}")]
    Conflict {
        /// `already_active`, `not_active`, `training_active`, `not_trained`, `conflict`.
        code: &'static str,
        /// For people.
        detail: String,
    },
    /// It names something that is not there.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done now.
    #[error("{0}")]
    Unavailable(String),
}

/// A read failed: the store does not answer, or the cursor is not one of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cursor is not one of ours.
    #[error("\"{0}\" is not a cursor of this list")]
    BadCursor(String),
    /// The store does not answer.
    #[error("{0}")]
    Unavailable(String),
}

/// A page of a list, newest first.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Page<T> {
    /// The documents.
    pub data: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// At most so many; 1 to 1,000.
    pub limit: usize,
    /// From the last page's `next_cursor`.
    pub cursor: Option<String>,
}

/// A health check's answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Check {
    /// Whether it holds.
    pub ok: bool,
    /// In a few words.
    pub detail: String,
}

/// The four checks of `/health`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Health {
    /// False until the journal has been replayed.
    pub ready: bool,
    /// The document store.
    pub store: Check,
    /// Workers and journal.
    pub pipeline: Check,
    /// Whether a model is loaded.
    pub model: Check,
}

/// A listener's end of the hub: finished text frames, in order.
///
/// The hub never waits for it: when `frames` is full it stops sending, closes the channel and counts what was missed;
/// the web layer then sends a `gap` and subscribes anew.
pub struct Subscription {
    /// Sent before anything from `frames`: the hello, and a snapshot unless a resume worked.
    pub first: Vec<Arc<str>>,
    /// What follows, each with its sequence number.
    pub frames: mpsc::Receiver<(u64, Arc<str>)>,
    /// The stream that the sequence numbers belong to.
    pub stream: String,
    /// The newest sequence number that `first` covers.
    pub seq: u64,
}

/// The pipeline, seen from the web.
///
/// After a command has been answered, every read reflects it.
pub trait Backend: Send + Sync + 'static {
    /// The keys that identities are hashed with.
    fn keys(&self) -> HashKeys;
    /// Takes a batch; returns once its accepted records are durable.
    fn submit(&self, batch: Batch) -> impl Future<Output = Result<Receipt, IntakeError>> + Send;
    /// Keeps records that the web layer refused, in a batch of `Format::Refused`, as dead letters. Does not wait.
    fn keep_refused(&self, refused: Batch);
    /// Gives a command; `actor` stands in the audit trail. The answer is the call's JSON body (docs/API.md).
    fn command(&self, actor: &str, command: Command) -> impl Future<Output = Result<Value, CommandError>> + Send;

    /// `GET /api/train/status`.
    fn train_status(&self) -> Value;
    /// `GET /api/live/status`.
    fn live_status(&self) -> Value;
    /// `GET /api/stats`.
    fn stats(&self) -> Value;
    /// `GET /api/trust`; no entity: the session.
    fn trust(&self, entity: Option<Entity>, limit: usize) -> impl Future<Output = Result<Value, ReadError>> + Send;
    /// `GET /api/v1/trust/entities`.
    fn trust_entities(&self, limit: usize) -> Value;
    /// Events of a session, or of all time.
    fn events(
        &self,
        session: Option<EventId>,
        page: PageRequest,
    ) -> impl Future<Output = Result<Page<StoredEvent>, ReadError>> + Send;
    /// Sessions.
    fn sessions(&self, mode: Option<Mode>, page: PageRequest) -> impl Future<Output = Result<Page<Session>, ReadError>> + Send;
    /// One session.
    fn session(&self, id: EventId) -> impl Future<Output = Result<Option<Session>, ReadError>> + Send;
    /// Anomalies of a session; `None`: the current or last live one.
    fn anomalies(
        &self,
        session: Option<EventId>,
        open_only: bool,
        page: PageRequest,
    ) -> impl Future<Output = Result<Page<Anomaly>, ReadError>> + Send;
    /// One anomaly.
    fn anomaly(&self, id: EventId) -> impl Future<Output = Result<Option<Anomaly>, ReadError>> + Send;
    /// Notices.
    fn notices(&self, page: PageRequest) -> impl Future<Output = Result<Page<Notice>, ReadError>> + Send;
    /// Models.
    fn models(&self, page: PageRequest) -> impl Future<Output = Result<Page<ModelCard>, ReadError>> + Send;
    /// The audit trail.
    fn audit(&self, page: PageRequest) -> impl Future<Output = Result<Page<AuditEntry>, ReadError>> + Send;
    /// Dead letters.
    fn dead_letters(&self, page: PageRequest) -> impl Future<Output = Result<Page<DeadLetter>, ReadError>> + Send;

    /// The checks of `/health`.
    fn health(&self) -> impl Future<Output = Health> + Send;
    /// Joins the hub; `resume` is the stream and the last sequence number that the client has.
    fn subscribe(&self, resume: Option<(String, u64)>) -> Subscription;
}
