//! From the open group to a published file.

use super::files::{self, Published};
use super::schema::{properties, schema};
use super::{Archive, ArchiveError, CHUNK_BYTES, CHUNK_ROWS, State};
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use trustfold_event::{Epoch, Stamp};

/// Bytes gathered before they are handed to the system.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

impl State {
    /// Takes the rows of an epoch into the open group.
    pub(super) fn close(&mut self, epoch: Epoch, stamp: Stamp) -> Result<(), ArchiveError> {
        if self.active.raw_bytes() + self.pending.raw_bytes() > CHUNK_BYTES {
            self.seal()?;
        }
        let mut rows = self.pending.take_closed(epoch);
        if !rows.is_empty() {
            self.hour.get_or_insert(files::hour(stamp));
            self.rows += rows.len();
            self.bytes += rows.raw_bytes();
            if self.active.is_empty() {
                std::mem::swap(&mut self.active, &mut rows);
            } else {
                self.active.extend(&rows);
            }
            if self.pending.is_empty() {
                // Its memory serves the next epoch.
                rows.clear();
                self.pending = rows;
            }
        }
        self.closed = epoch;
        if self.active.len() >= CHUNK_ROWS { self.seal() } else { Ok(()) }
    }
}

impl Archive {
    /// Publishes the open group, where it has rows. The caller holds `writing`; readers go on meanwhile.
    pub(super) fn publish(&self) -> Result<(), ArchiveError> {
        let (rows, hour, first, last, count) = {
            let mut state = self.state();
            let Some(hour) = state.hour else { return Ok(()) };
            state.seal()?;
            (state.sealed.clone(), hour, Epoch(state.watermark.0 + 1), state.closed, state.rows as u64)
        };
        let folder = files::partition(&self.dir, hour);
        files::make_folders(&self.dir, &folder)?;
        let path = folder.join(files::name(first, last));
        let temporary = path.with_extension("parquet.tmp");
        let written = self.write(&rows, &temporary, first, last).and_then(|file| files::publish(&file, &temporary, &path));
        if let Err(error) = written {
            // Best effort: the next start removes it too.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        tracing::debug!(path = %path.display(), rows = count, "archive file published");
        let mut state = self.state();
        let file = Published { path, first, last, rows: OnceLock::from(count) };
        Arc::make_mut(&mut state.files).push(Arc::new(file));
        state.sealed.clear();
        (state.hour, state.rows, state.bytes, state.watermark) = (None, 0, 0, last);
        Ok(())
    }

    fn write(&self, rows: &[RecordBatch], path: &Path, first: Epoch, last: Epoch) -> Result<File, ArchiveError> {
        let failed = |source| ArchiveError::Parquet { path: path.to_owned(), source };
        let file = File::create(path).map_err(files::failed("creating", path))?;
        let buffered = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        let options = ArrowWriterOptions::new()
            .with_properties(properties(self.options.zstd_level, first, last).map_err(failed)?)
            .with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(buffered, schema(), options).map_err(failed)?;
        for chunk in rows {
            writer.write(chunk).map_err(failed)?;
        }
        let buffered = writer.into_inner().map_err(failed)?;
        buffered.into_inner().map_err(|e| files::failed("writing", path)(e.into_error()))
    }
}
