//! The embedded store: one SQLite file, one writer, a few readers.
//!
//! **Invariant:** a transaction holds whole epochs and the watermark that counts them, and is on disk when `apply`
//! returns (`synchronous=FULL`); a crash leaves either all of it or nothing.

use super::cursor::{self, List, Position};
use super::{Change, EpochChanges, Page, PageRequest, Store, StoreError, add_debt, changes, queries, schema};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use trustfold_event::control::AuditEntry;
use trustfold_event::documents::{Anomaly, DeadLetter, Mode, ModelCard, Notice, Pattern, Session, TrustChange};
use trustfold_event::entity::Entity;
use trustfold_event::points::MilliPoints;
use trustfold_event::{Epoch, EventId, EventTime, Stamp};

/// How long a statement waits for another process (a backup, a shell) that holds the file.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Readers kept open between queries. More may be open while more queries run at once.
const READERS_IDLE_MAX: usize = 4;

/// The document store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Readers that nobody uses at the moment.
    readers: Mutex<Vec<Connection>>,
}

/// An SQLite error under the name of what was being done.
pub(super) fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::Failed { operation, cause: error.to_string() }
}

impl SqliteStore {
    /// Opens the store in the file at `path`, which is made where there is none; its folder must exist.
    ///
    /// # Errors
    /// A file that cannot be opened, is no SQLite file, or was made by a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = failed("opening the store");
        let mut writer = Connection::open(path).map_err(&failed)?;
        writer.busy_timeout(BUSY_WAIT).map_err(&failed)?;
        // WAL: readers see the last committed epoch while the writer writes the next.
        let mode: String = writer.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(&failed)?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(StoreError::Failed {
                operation: "opening the store",
                cause: format!("the file system of {} allows no write-ahead log", path.display()),
            });
        }
        writer.pragma_update(None, "synchronous", "FULL").map_err(&failed)?;
        writer.pragma_update(None, "foreign_keys", true).map_err(&failed)?;
        // A reader that stays long makes the log grow; afterwards it shrinks to this again.
        writer.pragma_update(None, "journal_size_limit", 64 << 20).map_err(&failed)?;
        // What a reset deletes must not stay readable in freed pages.
        writer.pragma_update(None, "secure_delete", true).map_err(&failed)?;
        writer.set_prepared_statement_cache_capacity(32);
        schema::migrate(&mut writer)?;
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::default() })
    }

    /// What is wrong with the file, in SQLite's words; empty where nothing is. Reads the whole file.
    ///
    /// # Errors
    /// A file so damaged that the check itself fails.
    pub fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        self.read("checking the store", |connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let said: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(said.into_iter().filter(|line| line != "ok").collect())
        })
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(reader) = idle {
            return Ok(reader);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(&self.path, flags)?;
        reader.busy_timeout(BUSY_WAIT)?;
        reader.set_prepared_statement_cache_capacity(32);
        Ok(reader)
    }

    /// Runs a query on a reader of its own. A reader that failed is not used again.
    fn read<T>(&self, operation: &'static str, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let reader = self.reader().map_err(failed(operation))?;
        let answer = query(&reader).map_err(failed(operation))?;
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_IDLE_MAX {
            idle.push(reader);
        }
        Ok(answer)
    }

    fn one<T: DeserializeOwned>(&self, operation: &'static str, query: &str, id: EventId) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.read(operation, |connection| {
            connection.prepare_cached(query)?.query_row([id.to_string()], |row| row.get(0)).optional()
        })?;
        text.map(|text| document(operation, &text)).transpose()
    }

    fn all<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<T>, StoreError> {
        let texts: Vec<String> = self
            .read(operation, |connection| connection.prepare_cached(query)?.query_map(parameters, |row| row.get(0))?.collect())?;
        texts.iter().map(|text| document(operation, text)).collect()
    }

    /// A page of a list whose rows are a position and a document.
    fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        list: List,
        request: &PageRequest,
        query: &str,
        parameters: impl FnOnce(Position, i64) -> Vec<rusqlite::types::Value>,
    ) -> Result<Page<T>, StoreError> {
        let parameters = parameters(cursor::start(list, request)?, rows(request.limit.saturating_add(1)));
        let found: Vec<(Position, String)> = self.read(operation, |connection| {
            let place = |row: &Row<'_>| Ok((Position { ts: row.get(0)?, id: row.get(1)?, scope: row.get(2)? }, row.get(3)?));
            connection.prepare_cached(query)?.query_map(rusqlite::params_from_iter(parameters), place)?.collect()
        })?;
        let found = found.into_iter().map(|(at, text)| Ok((at, document(operation, &text)?)));
        Ok(cursor::page(list, request, found.collect::<Result<_, StoreError>>()?))
    }
}

/// A number of rows as SQLite counts them.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Parameters 1 to 3 of lists that are ordered by time and id.
fn by_time(start: Position, rows: i64) -> Vec<rusqlite::types::Value> {
    vec![start.ts.into(), start.id.into(), rows.into()]
}

pub(super) fn document<T: DeserializeOwned>(operation: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Failed { operation, cause: format!("a stored document: {e}") })
}

pub(super) fn watermark(connection: &Connection) -> rusqlite::Result<Epoch> {
    let epoch: i64 = connection.prepare_cached(queries::WATERMARK)?.query_row([], |row| row.get(0))?;
    Ok(Epoch(epoch.cast_unsigned()))
}

fn entity(column: usize, text: &str) -> rusqlite::Result<Entity> {
    crate::stored_entity(text).ok_or_else(|| unreadable(column, format!("\"{text}\" is no entity")))
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<EventId> {
    let text: String = row.get(column)?;
    text.parse().map_err(|e| unreadable(column, format!("{e}")))
}

fn unreadable(column: usize, cause: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, cause.into())
}

impl Store for SqliteStore {
    fn watermark(&self) -> Result<Epoch, StoreError> {
        self.read("reading the watermark", watermark)
    }

    fn apply(&self, epochs: &[EpochChanges]) -> Result<(), StoreError> {
        const OPERATION: &str = "storing";
        if epochs.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Dropped without a commit, it is rolled back.
        let transaction: Transaction<'_> =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(OPERATION))?;
        let before = watermark(&transaction).map_err(failed(OPERATION))?;
        let mut newest = before;
        for epoch in epochs {
            if epoch.epoch > newest {
                for change in &epoch.changes {
                    changes::apply(&transaction, change)?;
                }
                newest = epoch.epoch;
            }
        }
        if newest == before {
            return Ok(());
        }
        transaction
            .execute("UPDATE progress SET watermark = ?1 WHERE only_row = 1", [newest.0.cast_signed()])
            .map_err(failed(OPERATION))?;
        transaction.commit().map_err(failed(OPERATION))?;
        if epochs.iter().any(|e| e.epoch > before && e.changes.contains(&Change::Reset)) {
            // Nor in the write-ahead log. A reader that is still at it keeps the log; that is no failure of the reset.
            let emptied = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
            if !matches!(emptied, Ok(false)) {
                tracing::warn!("the store's write-ahead log could not be emptied after the reset: a reader was at it");
            }
        }
        Ok(())
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.watermark().map(|_| ())
    }

    fn sessions(&self, mode: Option<Mode>, page: &PageRequest) -> Result<Page<Session>, StoreError> {
        const OPERATION: &str = "reading sessions";
        match mode {
            None => self.page(OPERATION, List::Sessions, page, queries::SESSIONS, by_time),
            Some(mode) => self.page(OPERATION, List::Sessions, page, queries::SESSIONS_OF_MODE, |start, rows| {
                let mut parameters = by_time(start, rows);
                parameters.push(mode.name().to_owned().into());
                parameters
            }),
        }
    }

    fn session(&self, id: EventId) -> Result<Option<Session>, StoreError> {
        self.one("reading a session", queries::SESSION, id)
    }

    fn anomalies(&self, session: EventId, open_only: bool, page: &PageRequest) -> Result<Page<Anomaly>, StoreError> {
        let query = if open_only { queries::ANOMALIES_OPEN } else { queries::ANOMALIES };
        self.page("reading anomalies", List::Anomalies, page, query, |start, rows| {
            vec![start.id.into(), rows.into(), session.to_string().into()]
        })
    }

    fn anomaly(&self, id: EventId) -> Result<Option<Anomaly>, StoreError> {
        self.one("reading an anomaly", queries::ANOMALY, id)
    }

    fn anomalies_of_pattern(&self, session: EventId, pattern: &Pattern) -> Result<Vec<Anomaly>, StoreError> {
        let Pattern { entity, event_type, object, peer } = pattern;
        self.all(
            "reading the anomalies of a pattern",
            queries::ANOMALIES_OF_PATTERN,
            params![session.to_string(), entity.to_string(), event_type.name(), object, peer],
        )
    }

    fn anomalies_of_mark(&self, mark: EventId) -> Result<Vec<Anomaly>, StoreError> {
        self.all("reading the anomalies of a mark", queries::ANOMALIES_OF_MARK, [mark.to_string()])
    }

    fn debts(&self, session: EventId) -> Result<BTreeMap<Entity, MilliPoints>, StoreError> {
        self.read("summing the ledger", |connection| {
            let mut statement = connection.prepare_cached(queries::DEBTS)?;
            let mut sums = statement.query([session.to_string()])?;
            let mut debts = BTreeMap::new();
            while let Some(row) = sums.next()? {
                let (text, host): (String, Option<String>) = (row.get(0)?, row.get(1)?);
                add_debt(&mut debts, session, &entity(0, &text)?, host.as_deref(), MilliPoints(row.get(2)?));
            }
            Ok(debts)
        })
    }

    fn trust_history(&self, session: EventId, scope: &Entity, limit: usize) -> Result<Vec<TrustChange>, StoreError> {
        let mut newest_first: Vec<TrustChange> = self.read("reading a trust history", |connection| {
            let mut statement = connection.prepare_cached(queries::TRUST_HISTORY)?;
            let parameters = params![session.to_string(), scope.to_string(), rows(limit)];
            statement
                .query_map(parameters, |row| {
                    Ok(TrustChange {
                        cause: id(row, 0)?,
                        session_id: session,
                        scope: scope.clone(),
                        ts: EventTime(row.get(1)?),
                        known_at: Stamp(row.get(2)?),
                        before: MilliPoints(row.get(3)?),
                        after: MilliPoints(row.get(4)?),
                        debt: MilliPoints(row.get(5)?),
                    })
                })?
                .collect()
        })?;
        newest_first.reverse();
        Ok(newest_first)
    }

    fn notices(&self, page: &PageRequest) -> Result<Page<Notice>, StoreError> {
        self.page("reading notices", List::Notices, page, queries::NOTICES, |start, rows| {
            vec![start.ts.into(), start.id.into(), rows.into(), start.scope.into()]
        })
    }

    fn models(&self, page: &PageRequest) -> Result<Page<ModelCard>, StoreError> {
        self.page("reading models", List::Models, page, queries::MODELS, by_time)
    }

    fn audit(&self, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        self.page("reading the audit trail", List::Audit, page, queries::AUDIT, by_time)
    }

    fn dead_letters(&self, page: &PageRequest) -> Result<Page<DeadLetter>, StoreError> {
        self.page("reading dead letters", List::DeadLetters, page, queries::DEAD_LETTERS, by_time)
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
