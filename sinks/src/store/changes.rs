//! What each change does to the tables.

use super::sqlite::{document, failed};
use super::{Change, StoreError, is_marked_normal, queries, schema};
use rusqlite::{Connection, OptionalExtension, Params, params};
use serde::Serialize;
use trustfold_event::EventId;
use trustfold_event::documents::{Anomaly, Disposition};

const OPERATION: &str = "storing";

fn json<T: Serialize>(document: &T) -> Result<String, StoreError> {
    serde_json::to_string(document).map_err(|e| StoreError::Failed { operation: OPERATION, cause: e.to_string() })
}

/// A word of the API, as serde writes it.
fn word<T: Serialize>(value: &T) -> Result<Option<String>, StoreError> {
    serde_json::to_value(value)
        .map(|v| v.as_str().map(str::to_owned))
        .map_err(|e| StoreError::Failed { operation: OPERATION, cause: e.to_string() })
}

/// A count as a column holds it; the document has it whole.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn execute(connection: &Connection, statement: &str, parameters: impl Params) -> Result<(), StoreError> {
    let run = || connection.prepare_cached(statement)?.execute(parameters);
    run().map(|_| ()).map_err(failed(OPERATION))
}

/// Applies one change within the caller's transaction.
pub(super) fn apply(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Session(s) => execute(
            connection,
            "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                s.id.to_string(),
                s.mode.name(),
                word(&s.status)?,
                s.is_active,
                s.start_time.0,
                s.end_time.map(|t| t.0),
                s.model_version,
                count(s.events_count),
                count(s.anomalies_count),
                s.reason,
                json(s)?,
            ],
        ),
        Change::Anomaly(a) => anomaly(connection, a),
        // A retraction outlives its row's being written again.
        Change::Ledger(row) => execute(
            connection,
            "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, NULL) ON CONFLICT (anomaly) DO UPDATE SET
                session_id = excluded.session_id, entity = excluded.entity, host = excluded.host, penalty = excluded.penalty",
            params![row.anomaly.to_string(), row.session_id.to_string(), row.entity.to_string(), row.host, row.penalty.0],
        ),
        Change::Judged { anomaly, disposition, mark } => judged(connection, *anomaly, *disposition, *mark),
        Change::Trust(c) => execute(
            connection,
            "INSERT OR REPLACE INTO trust_changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                c.session_id.to_string(),
                c.scope.to_string(),
                c.cause.to_string(),
                c.ts.0,
                c.known_at.0,
                c.before.0,
                c.after.0,
                c.debt.0,
            ],
        ),
        Change::Notice(n) => execute(
            connection,
            "INSERT OR REPLACE INTO notices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                n.id.to_string(),
                n.scope.to_string(),
                n.session_id.to_string(),
                n.ts.0,
                word(&n.state)?,
                n.trust.0,
                n.text,
                n.withdrawn_by.map(|id| id.to_string()),
                json(n)?,
            ],
        ),
        Change::Model(card, stamp) => execute(
            connection,
            "INSERT OR REPLACE INTO models VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                card.digest,
                stamp.0,
                count(card.rows),
                count(card.events),
                count(card.entities),
                card.threshold,
                card.contamination,
                json(card)?,
            ],
        ),
        Change::Audit(e) => execute(
            connection,
            "INSERT OR REPLACE INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![e.id.to_string(), e.ts.0, e.actor, e.action, e.detail, json(e)?],
        ),
        Change::DeadLetter(d) => execute(
            connection,
            "INSERT OR REPLACE INTO dead_letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![d.id.to_string(), d.ts.0, d.source, d.peer, d.code, d.reason, count(d.raw_bytes), json(d)?],
        ),
        Change::Reset => connection.execute_batch(schema::FORGOTTEN).map_err(failed(OPERATION)),
    }
}

fn anomaly(connection: &Connection, a: &Anomaly) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT OR REPLACE INTO anomalies VALUES
            (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
        params![
            a.id.to_string(),
            a.session_id.to_string(),
            a.ts.0,
            a.ingested.0,
            a.event_type.name(),
            a.entity.to_string(),
            a.host,
            a.summary,
            a.score,
            a.confidence,
            word(&a.severity)?,
            a.penalty.0,
            a.trust_before.0,
            a.trust_after.0,
            a.pattern.entity.to_string(),
            a.pattern.event_type.name(),
            a.pattern.object,
            a.pattern.peer,
            a.model_version,
            word(&a.disposition)?,
            is_marked_normal(a.disposition),
            a.mark.map(|id| id.to_string()),
            json(a)?,
        ],
    )
}

/// An anomaly that the store does not hold is passed over.
fn judged(
    connection: &Connection,
    id: EventId,
    disposition: Option<Disposition>,
    mark: Option<EventId>,
) -> Result<(), StoreError> {
    let held: Option<String> =
        (|| connection.prepare_cached(queries::ANOMALY)?.query_row([id.to_string()], |row| row.get(0)).optional())()
            .map_err(failed(OPERATION))?;
    if let Some(text) = held {
        let judged = Anomaly { disposition, mark, ..document(OPERATION, &text)? };
        execute(
            connection,
            "UPDATE anomalies SET disposition = ?2, marked_normal = ?3, mark = ?4, document = ?5 WHERE id = ?1",
            params![
                id.to_string(),
                word(&disposition)?,
                is_marked_normal(disposition),
                mark.map(|mark| mark.to_string()),
                json(&judged)?,
            ],
        )?;
    }
    execute(
        connection,
        "UPDATE ledger SET retracted_by = ?2 WHERE anomaly = ?1",
        params![id.to_string(), mark.map(|mark| mark.to_string())],
    )
}
