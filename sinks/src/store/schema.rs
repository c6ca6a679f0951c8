//! The tables of the SQLite store, and how an older file becomes a newer one.
//!
//! - A column for what is asked for, by the store or by a person in the `sqlite3` shell; the whole document as JSON
//!   beside it, which is what is answered. Trust changes and ledger rows have columns for all they hold, so no document.
//! - Ids are their 36-character text: it sorts by time as the id does, and what the API shows can be pasted into a query.
//!   The 20 bytes a blob would save do not count here, where only a few events in a thousand arrive.
//! - Times are microseconds since 1970 UTC (`datetime(ts / 1000000, 'unixepoch')`), points thousandths.
//! - No table declares a foreign key: changes arrive in the dataflow's order, and a store that refuses one would hold up
//!   all that follow.

use super::StoreError;
use rusqlite::Connection;

/// Each step takes a file from its place in this list to the next; `PRAGMA user_version` counts the steps taken.
/// A step that was released is never changed.
const STEPS: &[&str] = &["
CREATE TABLE progress (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    watermark INTEGER NOT NULL
);
INSERT INTO progress VALUES (1, 0);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    model_version TEXT,
    events_count INTEGER NOT NULL,
    anomalies_count INTEGER NOT NULL,
    reason TEXT,
    document TEXT NOT NULL
);
CREATE INDEX sessions_newest ON sessions (start_time, id);
CREATE INDEX sessions_newest_of_mode ON sessions (mode, start_time, id);

CREATE TABLE anomalies (
    id TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    ingested INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    entity TEXT NOT NULL,
    host TEXT,
    summary TEXT NOT NULL,
    score REAL,
    confidence REAL,
    severity TEXT NOT NULL,
    penalty INTEGER NOT NULL,
    trust_before INTEGER NOT NULL,
    trust_after INTEGER NOT NULL,
    pattern_entity TEXT NOT NULL,
    pattern_event_type TEXT NOT NULL,
    pattern_object TEXT NOT NULL,
    pattern_peer TEXT NOT NULL,
    model_version TEXT NOT NULL,
    disposition TEXT,
    marked_normal INTEGER NOT NULL,
    mark TEXT,
    document TEXT NOT NULL
);
CREATE INDEX anomalies_newest ON anomalies (session_id, id);
CREATE INDEX anomalies_newest_open ON anomalies (session_id, id) WHERE marked_normal = 0;
CREATE INDEX anomalies_of_pattern
    ON anomalies (session_id, pattern_entity, pattern_event_type, pattern_object, pattern_peer, id) WHERE marked_normal = 0;
CREATE INDEX anomalies_of_mark ON anomalies (mark, id) WHERE mark IS NOT NULL;

CREATE TABLE ledger (
    anomaly TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL,
    entity TEXT NOT NULL,
    host TEXT,
    penalty INTEGER NOT NULL,
    retracted_by TEXT
);
CREATE INDEX ledger_standing ON ledger (session_id, entity, host, penalty) WHERE retracted_by IS NULL;

CREATE TABLE trust_changes (
    session_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    cause TEXT NOT NULL,
    ts INTEGER NOT NULL,
    known_at INTEGER NOT NULL,
    before INTEGER NOT NULL,
    after INTEGER NOT NULL,
    debt INTEGER NOT NULL,
    PRIMARY KEY (session_id, scope, cause)
) WITHOUT ROWID;

CREATE TABLE notices (
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    session_id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    state TEXT NOT NULL,
    trust INTEGER NOT NULL,
    text TEXT NOT NULL,
    withdrawn_by TEXT,
    document TEXT NOT NULL,
    PRIMARY KEY (id, scope)
);
CREATE INDEX notices_newest ON notices (ts, id, scope);

CREATE TABLE models (
    digest TEXT PRIMARY KEY NOT NULL,
    announced INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    events INTEGER NOT NULL,
    entities INTEGER NOT NULL,
    threshold REAL,
    contamination REAL,
    document TEXT NOT NULL
);
CREATE INDEX models_newest ON models (announced, digest);

CREATE TABLE audit (
    id TEXT PRIMARY KEY NOT NULL,
    ts INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX audit_newest ON audit (ts, id);

CREATE TABLE dead_letters (
    id TEXT PRIMARY KEY NOT NULL,
    ts INTEGER NOT NULL,
    source TEXT NOT NULL,
    peer TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw_bytes INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX dead_letters_newest ON dead_letters (ts, id);
"];

/// The tables that a reset empties: all but the audit trail and the watermark.
pub(super) const FORGOTTEN: &str = "
DELETE FROM sessions;
DELETE FROM anomalies;
DELETE FROM ledger;
DELETE FROM trust_changes;
DELETE FROM notices;
DELETE FROM models;
DELETE FROM dead_letters;
";

/// Brings a file to the newest step, each step in a transaction of its own.
///
/// # Errors
/// A file that a newer program made; a step that fails, which leaves the file at the step before.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |cause: String| StoreError::Failed { operation: "preparing the tables", cause };
    loop {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(|e| failed(e.to_string()))?;
        let taken: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|e| failed(e.to_string()))?;
        let step = usize::try_from(taken).ok().filter(|taken| *taken <= STEPS.len());
        let Some(step) = step else {
            return Err(failed(format!(
                "the file is of version {taken}; this program knows versions up to {}: use a newer program",
                STEPS.len()
            )));
        };
        let Some(statements) = STEPS.get(step) else { return Ok(()) };
        transaction.execute_batch(statements).map_err(|e| failed(e.to_string()))?;
        transaction.pragma_update(None, "user_version", taken + 1).map_err(|e| failed(e.to_string()))?;
        transaction.commit().map_err(|e| failed(e.to_string()))?;
        tracing::debug!(version = taken + 1, "document store prepared");
    }
}
