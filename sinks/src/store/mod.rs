//! Documents: one trait of domain operations. SQLite is the embedded default; an in-memory model is its oracle.

mod changes;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod cursor;
pub mod memory;
mod queries;
mod schema;
pub mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

use std::collections::BTreeMap;
use trustfold_event::control::AuditEntry;
use trustfold_event::documents::{
    Anomaly, DeadLetter, Disposition, LedgerRow, Mode, ModelCard, Notice, Pattern, Session, TrustChange,
};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::points::MilliPoints;
use trustfold_event::{Epoch, EventId, Stamp};

/// One thing that became known. All but `Reset` are upserts by id, so applying one twice changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A session began, or changed.
    Session(Session),
    /// An anomaly was decided.
    Anomaly(Box<Anomaly>),
    /// What it costs.
    Ledger(LedgerRow),
    /// An anomaly was judged; with a mark its ledger row is retracted, without one it counts (again).
    Judged {
        /// The anomaly.
        anomaly: EventId,
        /// The judgement.
        disposition: Option<Disposition>,
        /// The mark that retracts its row.
        mark: Option<EventId>,
    },
    /// A scope's trust changed.
    Trust(TrustChange),
    /// Trust crossed the warning line, or a notice was withdrawn.
    Notice(Notice),
    /// A model now scores.
    Model(ModelCard, Stamp),
    /// A control was journaled.
    Audit(AuditEntry),
    /// Bytes became no event.
    DeadLetter(DeadLetter),
    /// Forget everything but the audit trail.
    Reset,
}

/// What one closed epoch changed, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochChanges {
    /// The epoch.
    pub epoch: Epoch,
    /// Its changes.
    pub changes: Vec<Change>,
}

/// A store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The cursor is not one of this list's.
    #[error("\"{0}\" is not a cursor of this list")]
    BadCursor(String),
    /// The store does not answer, or refused.
    #[error("{operation} failed: {cause}")]
    Failed {
        /// What was being done.
        operation: &'static str,
        /// What the store said.
        cause: String,
    },
}

/// A page, newest first by (ts, id).
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The documents.
    pub data: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next_cursor: Option<String>,
}

/// Which page.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// At most so many.
    pub limit: usize,
    /// From the last page.
    pub cursor: Option<String>,
}

/// The document store. Blocking: call it from a thread that may wait.
///
/// **Invariant:** `apply` is atomic together with the watermark; epochs at or below the watermark are passed over, so a
/// replayed epoch changes nothing.
pub trait Store: Send + Sync {
    /// The newest epoch that was applied; 0 where none was.
    fn watermark(&self) -> Result<Epoch, StoreError>;
    /// Applies closed epochs, in order, in one transaction.
    fn apply(&self, epochs: &[EpochChanges]) -> Result<(), StoreError>;
    /// Answers where the store does.
    fn ping(&self) -> Result<(), StoreError>;

    /// Sessions, newest first by start.
    fn sessions(&self, mode: Option<Mode>, page: &PageRequest) -> Result<Page<Session>, StoreError>;
    /// One session.
    fn session(&self, id: EventId) -> Result<Option<Session>, StoreError>;
    /// A session's anomalies, newest first by id; `open_only` leaves out those marked normal.
    fn anomalies(&self, session: EventId, open_only: bool, page: &PageRequest) -> Result<Page<Anomaly>, StoreError>;
    /// One anomaly.
    fn anomaly(&self, id: EventId) -> Result<Option<Anomaly>, StoreError>;
    /// All anomalies of a session that show this pattern and are not marked normal, oldest first.
    fn anomalies_of_pattern(&self, session: EventId, pattern: &Pattern) -> Result<Vec<Anomaly>, StoreError>;
    /// The anomalies that a mark retracted, oldest first.
    fn anomalies_of_mark(&self, mark: EventId) -> Result<Vec<Anomaly>, StoreError>;
    /// Sum of a session's standing ledger rows for each scope: the session, its entities, its hosts.
    fn debts(&self, session: EventId) -> Result<BTreeMap<Entity, MilliPoints>, StoreError>;
    /// The newest `limit` changes of a scope's trust within a session, oldest first.
    fn trust_history(&self, session: EventId, scope: &Entity, limit: usize) -> Result<Vec<TrustChange>, StoreError>;
    /// Notices.
    fn notices(&self, page: &PageRequest) -> Result<Page<Notice>, StoreError>;
    /// Models, newest first.
    fn models(&self, page: &PageRequest) -> Result<Page<ModelCard>, StoreError>;
    /// The audit trail.
    fn audit(&self, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError>;
    /// Dead letters.
    fn dead_letters(&self, page: &PageRequest) -> Result<Page<DeadLetter>, StoreError>;
}

/// Whether a judgement means "marked normal": the anomaly is no longer open, and its row is retracted.
pub(crate) fn is_marked_normal(disposition: Option<Disposition>) -> bool {
    disposition == Some(Disposition::FalsePositive)
}

/// Adds standing points to the scopes that they weigh on: the session, the entity, and the host where that is another.
pub(crate) fn add_debt(
    debts: &mut BTreeMap<Entity, MilliPoints>,
    session: EventId,
    entity: &Entity,
    host: Option<&str>,
    points: MilliPoints,
) {
    *debts.entry(Entity::new(EntityKind::Session, session.to_string())).or_default() += points;
    *debts.entry(entity.clone()).or_default() += points;
    if let Some(name) = host.filter(|name| !name.is_empty()) {
        let host = Entity::new(EntityKind::Host, name);
        if host != *entity {
            *debts.entry(host).or_default() += points;
        }
    }
}
