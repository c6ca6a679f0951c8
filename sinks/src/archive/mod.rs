//! All events, in Parquet files that other tools read as they are: `events/date=2026-03-02/hour=07/part-….parquet`.
//!
//! ```text
//! append ─ pending ─(epoch closes)─ open group ─(hour turns, or it is full)─ published file
//! ```
//!
//! **Invariants**
//! - The published files and the open group together hold each row of each closed epoch once. The open group is in
//!   memory only: after a crash the caller appends again what the journal holds above [`Archive::watermark`], and rows
//!   at or below it are passed over.
//! - Where a file ends depends on epochs, their stamps and their rows alone (and on [`Archive::flush`]), never on a clock.
//! - A file is there whole or not at all.
//! - All rows of an epoch carry its stamp as their receive stamp, so a file's rows are of one hour.

mod columns;
mod files;
mod reader;
mod schema;
mod writer;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use columns::Columns;
use files::Published;
use parquet::errors::ParquetError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use trustfold_event::documents::StoredEvent;
use trustfold_event::parsed::Parsed;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Format;
use trustfold_event::{Epoch, EventId, Stamp};

/// Rows of a sealed chunk of the open group: what a reader may have to copy, so that it holds the writer up only briefly.
const CHUNK_ROWS: usize = 4096;

/// Raw bytes above which a chunk is sealed with fewer rows.
const CHUNK_BYTES: usize = 64 << 20;

/// Raw bytes that one epoch may hold, far above what a frame does.
const EPOCH_BYTES_MAX: usize = 1 << 30;

/// How files are cut and written.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveOptions {
    /// The open group is published once it has so many rows.
    pub row_group_rows: usize,
    /// The open group is published once its raw records have so many bytes. Bounds the memory of the open group to about
    /// three times this.
    pub row_group_bytes: usize,
    /// zstd's level, 1 (fast) to 22 (small).
    pub zstd_level: i32,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self { row_group_rows: 131_072, row_group_bytes: 256 << 20, zstd_level: 1 }
    }
}

/// An event as it is archived.
#[derive(Clone, Copy, Debug)]
pub struct ArchivedRow<'a> {
    /// Its id; the epoch in it is the one that must be closed.
    pub id: EventId,
    /// When it was taken in: its epoch's stamp.
    pub ingested: Stamp,
    /// The session that was active, if any. **Invariant:** named after a control of an earlier epoch.
    pub session: Option<EventId>,
    /// Its score; `None` where none was made.
    pub score: Option<f32>,
    /// Whether it was an anomaly.
    pub is_anomaly: bool,
    /// Points it cost.
    pub trust_impact: MilliPoints,
    /// How to read `raw`.
    pub format: Format,
    /// The source's name.
    pub source: &'a str,
    /// The record as it came in.
    pub raw: &'a [u8],
    /// What was read from it.
    pub parsed: &'a Parsed<'a>,
}

/// An archive operation failed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file system refused. What was to be published stays in the open group; closing the epoch again tries again.
    #[error("{operation} \"{}\" failed", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be written, or one that was read is damaged.
    #[error("the archive file \"{}\" could not be written or read", path.display())]
    Parquet {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// Rows could not be put into columns, or taken out.
    #[error("the archive's columns do not fit")]
    Arrow(#[from] ArrowError),
    /// Two files claim the same epochs, which no archive of ours does.
    #[error("\"{}\" and \"{}\" cover the same epochs; move one of them away", .0.display(), .1.display())]
    Overlap(PathBuf, PathBuf),
    /// More than 1 GiB of raw records in one epoch.
    #[error("an epoch holds more than 1 GiB of raw records")]
    EpochTooLarge,
}

/// The archive. Appending and reading go on side by side from different threads.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    options: ArchiveOptions,
    /// Held while an epoch is closed or a file is written. Readers never take it.
    writing: Mutex<()>,
    /// Held briefly, by everybody.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first.
    files: Arc<Vec<Arc<Published>>>,
    /// The open group's older rows, in the order of their ids; changed only under `writing`.
    sealed: Vec<RecordBatch>,
    /// The open group's newer rows, which come after the sealed ones.
    active: Columns,
    /// Rows of epochs that are not closed yet; nobody sees them.
    pending: Columns,
    /// The hour of the open group's rows.
    hour: Option<i64>,
    /// Rows of the open group, and bytes of their raw records.
    rows: usize,
    bytes: usize,
    /// The newest epoch that published files cover.
    watermark: Epoch,
    /// The newest closed epoch.
    closed: Epoch,
}

impl State {
    /// Moves the newer rows among the sealed ones.
    fn seal(&mut self) -> Result<(), ArchiveError> {
        if !self.active.is_empty() {
            self.sealed.push(std::mem::take(&mut self.active).into_batch()?);
        }
        Ok(())
    }
}

impl Archive {
    /// Opens the archive in `dir`, which is made where it is not there. Removes what a crash left unfinished.
    ///
    /// # Errors
    /// A folder that cannot be made or read.
    pub fn open(dir: &Path, options: ArchiveOptions) -> Result<Self, ArchiveError> {
        std::fs::create_dir_all(dir).map_err(files::failed("making the folder", dir))?;
        let files: Vec<_> = files::list(dir)?.into_iter().map(Arc::new).collect();
        let watermark = files.last().map_or(Epoch(0), |file| file.last);
        let state = State { files: Arc::new(files), watermark, closed: watermark, ..State::default() };
        Ok(Self { dir: dir.to_owned(), options, writing: Mutex::default(), state: Mutex::new(state) })
    }

    /// The last epoch that published files cover; 0 where there are none. Rows of epochs above it must be appended again
    /// after a restart.
    pub fn watermark(&self) -> Epoch {
        self.state().watermark
    }

    /// Adds a row of an epoch that is not closed yet. Rows of an epoch may come in any order; one that comes twice, or
    /// whose epoch is closed, is passed over.
    ///
    /// # Errors
    /// [`ArchiveError::EpochTooLarge`].
    pub fn append(&self, row: &ArchivedRow<'_>) -> Result<(), ArchiveError> {
        let mut state = self.state();
        if row.id.epoch <= state.closed {
            return Ok(());
        }
        if state.pending.raw_bytes() + row.raw.len() > EPOCH_BYTES_MAX {
            return Err(ArchiveError::EpochTooLarge);
        }
        state.pending.push(row);
        Ok(())
    }

    /// Ends an epoch, with its stamp: its rows can be read from now on. Publishes a file first where the hour has turned
    /// since the open group began, and afterwards where the open group is full. Epochs are closed in order; one that is
    /// closed already is passed over.
    ///
    /// # Errors
    /// A file that could not be written. Nothing is lost: close the epoch again to try again.
    pub fn close_epoch(&self, epoch: Epoch, stamp: Stamp) -> Result<(), ArchiveError> {
        let _writing = self.writing();
        let turned = {
            let state = self.state();
            if epoch < state.closed {
                return Ok(());
            }
            epoch > state.closed && state.hour.is_some_and(|hour| hour != files::hour(stamp))
        };
        if turned {
            self.publish()?;
        }
        let full = {
            let mut state = self.state();
            if epoch > state.closed {
                state.close(epoch, stamp)?;
            }
            state.rows >= self.options.row_group_rows || state.bytes >= self.options.row_group_bytes
        };
        if full { self.publish() } else { Ok(()) }
    }

    /// Publishes the open group, at shutdown: the watermark moves to the last closed epoch that has rows to cover.
    ///
    /// # Errors
    /// A file that could not be written.
    pub fn flush(&self) -> Result<(), ArchiveError> {
        let _writing = self.writing();
        self.publish()
    }

    /// Deletes all events, those of the open group too. The watermark is 0 again, as a new journal generation begins;
    /// epochs that were closed stay closed.
    ///
    /// # Errors
    /// Files that could not be removed; then nothing is forgotten.
    pub fn reset(&self) -> Result<(), ArchiveError> {
        let _writing = self.writing();
        files::remove_all(&self.dir)?;
        let mut state = self.state();
        *state = State { closed: state.closed, ..State::default() };
        Ok(())
    }

    /// How many events of closed epochs the archive holds.
    ///
    /// # Errors
    /// A file that could not be read.
    pub fn count(&self) -> Result<u64, ArchiveError> {
        let (files, open) = {
            let state = self.state();
            (Arc::clone(&state.files), state.rows as u64)
        };
        files.iter().try_fold(open, |sum, file| Ok(sum + reader::rows(file)?))
    }

    /// At most `limit` events, newest first by id: of a session where one is given, with ids below `before`.
    ///
    /// # Errors
    /// A file that could not be read.
    pub fn events(
        &self,
        session: Option<EventId>,
        limit: usize,
        before: Option<EventId>,
    ) -> Result<Vec<StoredEvent>, ArchiveError> {
        let (files, sealed, active) = {
            let state = self.state();
            (Arc::clone(&state.files), state.sealed.clone(), state.active.clone())
        };
        let mut search = reader::Search::new(session, limit, before);
        search.batch(&active.into_batch()?)?;
        for chunk in sealed.iter().rev() {
            search.batch(chunk)?;
        }
        search.files(&files)?;
        Ok(search.found)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
