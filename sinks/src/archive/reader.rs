//! The newest events first: open group, then files from the newest on, looking at no more than is needed.

use super::ArchiveError;
use super::files::{self, Published};
use super::schema::{PAGE_ROWS, column};
use crate::stored_entity;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Float64Type, TimestampMicrosecondType, UInt16Type};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use trustfold_event::documents::StoredEvent;
use trustfold_event::kind::{Kind, Outcome};
use trustfold_event::parse;
use trustfold_event::parsed::Parsed;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Format;
use trustfold_event::{EventId, EventTime, Stamp};

/// A search that goes from the newest events to the oldest and stops when it has enough.
pub(super) struct Search {
    /// Newest first.
    pub(super) found: Vec<StoredEvent>,
    limit: usize,
    session: Option<EventId>,
    before: Option<EventId>,
    /// The same as text: ids compare as their text does.
    session_text: Option<String>,
    before_text: Option<String>,
}

impl Search {
    pub(super) fn new(session: Option<EventId>, limit: usize, before: Option<EventId>) -> Self {
        let text = |id: Option<EventId>| id.map(|id| id.to_string());
        Self { found: Vec::new(), limit, session, before, session_text: text(session), before_text: text(before) }
    }

    fn missing(&self) -> usize {
        self.limit - self.found.len()
    }

    /// The rows that are wanted, newest first, at most as many as are missing.
    fn wanted(&self, ids: &StringArray, sessions: &StringArray) -> Vec<usize> {
        let below = |at: usize| self.before_text.as_deref().is_none_or(|before| ids.value(at) < before);
        let within = |at: usize| self.session_text.as_deref().is_none_or(|s| sessions.is_valid(at) && sessions.value(at) == s);
        (0..ids.len()).rev().filter(|at| below(*at) && within(*at)).take(self.missing()).collect()
    }

    /// Looks through rows in memory, which are older than all before.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<(), ArchiveError> {
        if self.missing() > 0 {
            for at in self.wanted(text(batch, column::ID)?, text(batch, column::SESSION_ID)?) {
                self.found.push(stored(batch, at)?);
            }
        }
        Ok(())
    }

    /// Looks through files, which are given oldest first and are older than all before.
    pub(super) fn files(&mut self, files: &[Arc<Published>]) -> Result<(), ArchiveError> {
        for file in files.iter().rev() {
            // A session is named after the control that began it, so its events are in later epochs.
            if self.missing() == 0 || self.session.is_some_and(|session| file.last <= session.epoch) {
                break;
            }
            if self.before.is_none_or(|before| file.first <= before.epoch) {
                self.file(file)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, published: &Published) -> Result<(), ArchiveError> {
        let Some(file) = open(published)? else { return Ok(()) };
        let failed = |source| ArchiveError::Parquet { path: published.path.clone(), source };
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(failed)?;
        for group in (0..metadata.metadata().num_row_groups()).rev() {
            if self.may_hold(metadata.metadata().row_group(group)) {
                let group = Group { file: &file, metadata: &metadata, group, published };
                self.group(&group)?;
            }
        }
        Ok(())
    }

    /// What a row group's statistics say.
    fn may_hold(&self, group: &RowGroupMetaData) -> bool {
        let bounds = |at: usize| {
            let statistics = group.column(at).statistics()?;
            Some((statistics.min_bytes_opt()?, statistics.max_bytes_opt()?))
        };
        let below = match (&self.before_text, bounds(column::ID)) {
            (Some(before), Some((min, _))) => min < before.as_bytes(),
            _ => true,
        };
        let within = match (&self.session_text, bounds(column::SESSION_ID)) {
            (Some(session), Some((min, max))) => (min..=max).contains(&session.as_bytes()),
            _ => true,
        };
        below && within && self.missing() > 0
    }

    /// Looks at a row group page by page from its end: first at the two columns that decide, then at the rows found.
    fn group(&mut self, group: &Group<'_>) -> Result<(), ArchiveError> {
        let rows = group.rows();
        let mut end = rows;
        while end > 0 && self.missing() > 0 {
            let start = (end - 1) / PAGE_ROWS * PAGE_ROWS;
            let deciding = group.read(Some([column::ID, column::SESSION_ID]), std::iter::once(start..end), end - start)?;
            let mut wanted = Vec::new();
            let mut base = end;
            for batch in deciding.iter().rev() {
                base -= batch.num_rows();
                let here = self.wanted(batch.column(0).as_string(), batch.column(1).as_string());
                wanted.extend(here.into_iter().map(|at| base + at));
            }
            wanted.truncate(self.missing());
            wanted.reverse();
            let ranges = wanted.iter().map(|at| *at..at + 1);
            let batches = if wanted.is_empty() { Vec::new() } else { group.read(None, ranges, wanted.len())? };
            for batch in batches.iter().rev() {
                for at in (0..batch.num_rows()).rev() {
                    self.found.push(stored(batch, at)?);
                }
            }
            end = start;
        }
        Ok(())
    }
}

/// A row group of an open file.
struct Group<'a> {
    file: &'a File,
    metadata: &'a ArrowReaderMetadata,
    group: usize,
    published: &'a Published,
}

impl Group<'_> {
    fn rows(&self) -> usize {
        usize::try_from(self.metadata.metadata().row_group(self.group).num_rows()).unwrap_or_default()
    }

    /// Reads some rows of some columns (`None`: all), in one batch where there are no more than `count`.
    fn read(
        &self,
        columns: Option<[usize; 2]>,
        rows: impl Iterator<Item = Range<usize>>,
        count: usize,
    ) -> Result<Vec<RecordBatch>, ArchiveError> {
        let parquet = |source| ArchiveError::Parquet { path: self.published.path.clone(), source };
        let file = self.file.try_clone().map_err(files::failed("reading", &self.published.path))?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![self.group])
            .with_row_selection(RowSelection::from_consecutive_ranges(rows, self.rows()))
            .with_batch_size(count);
        if let Some(columns) = columns {
            let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), columns);
            builder = builder.with_projection(mask);
        }
        let reader = builder.build().map_err(parquet)?;
        reader.map(|batch| batch.map_err(|e| parquet(ParquetError::from(e)))).collect()
    }
}

/// `None` where the file is gone: a reset took it away after the search had begun.
fn open(published: &Published) -> Result<Option<File>, ArchiveError> {
    match File::open(&published.path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(files::failed("opening", &published.path)),
    }
}

/// How many rows a file holds.
pub(super) fn rows(published: &Published) -> Result<u64, ArchiveError> {
    if let Some(rows) = published.rows.get() {
        return Ok(*rows);
    }
    let Some(file) = open(published)? else { return Ok(0) };
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
        .map_err(|source| ArchiveError::Parquet { path: published.path.clone(), source })?;
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or_default();
    Ok(*published.rows.get_or_init(|| rows))
}

fn unreadable(what: &str) -> ArchiveError {
    ArchiveError::Arrow(ArrowError::SchemaError(format!("{what} is not as this program writes it")))
}

fn text(batch: &RecordBatch, at: usize) -> Result<&StringArray, ArchiveError> {
    batch.column(at).as_string_opt().ok_or_else(|| unreadable(batch.schema_ref().field(at).name()))
}

/// The event in a row.
fn stored(batch: &RecordBatch, at: usize) -> Result<StoredEvent, ArchiveError> {
    let word = |column: usize| Ok::<_, ArchiveError>(text(batch, column)?.value(at));
    let field = |column: usize| -> Result<Option<Cow<'_, str>>, ArchiveError> {
        let array = text(batch, column)?;
        Ok(array.is_valid(at).then(|| Cow::Borrowed(array.value(at))))
    };
    let time = |column: usize| {
        let array = batch.column(column).as_primitive_opt::<TimestampMicrosecondType>();
        array.map(|a| a.value(at)).ok_or_else(|| unreadable("a time"))
    };
    let id: EventId = word(column::ID)?.parse().map_err(|_| unreadable("id"))?;
    let (ts, ingested) = (EventTime(time(column::TS)?), Stamp(time(column::INGESTED)?));
    let session_id = match field(column::SESSION_ID)? {
        Some(text) => Some(text.parse().map_err(|_| unreadable("session_id"))?),
        None => None,
    };
    let scores = batch.column(column::SCORE).as_primitive_opt::<Float32Type>().ok_or_else(|| unreadable("score"))?;
    let ports = batch.column(column::DESTINATION_PORT).as_primitive_opt::<UInt16Type>();
    let ports = ports.ok_or_else(|| unreadable("destination_port"))?;
    let flags: &BooleanArray = batch.column(column::IS_ANOMALY).as_boolean_opt().ok_or_else(|| unreadable("is_anomaly"))?;
    let points = batch.column(column::TRUST_IMPACT).as_primitive_opt::<Float64Type>();
    let points = points.ok_or_else(|| unreadable("trust_impact"))?.value(at);
    let raw = batch.column(column::RAW).as_binary_opt::<i32>().ok_or_else(|| unreadable("raw"))?.value(at);
    let (event_type, source) = (word(column::EVENT_TYPE)?, word(column::SOURCE)?);
    let format = match word(column::FORMAT)? {
        name if name == Format::Syslog.name() => Format::Syslog,
        _ => Format::Json,
    };

    // The record says more than the columns do. Where it is not read any more, the columns are what is known.
    let event = match parse::parse(format, raw, ingested) {
        Ok(parsed) => parsed.to_ecs(id, ingested, source),
        Err(_) => {
            let outcomes = [Outcome::Success, Outcome::Failure];
            let outcome = word(column::OUTCOME)?;
            let parsed = Parsed {
                outcome: outcomes.into_iter().find(|o| o.name() == outcome).unwrap_or_default(),
                time: Some(ts),
                user: field(column::USER)?,
                host: field(column::HOST)?,
                source_ip: field(column::SOURCE_IP)?,
                destination_ip: field(column::DESTINATION_IP)?,
                destination_port: ports.is_valid(at).then(|| ports.value(at)),
                process: field(column::PROCESS)?,
                path: field(column::PATH)?,
                command: field(column::COMMAND)?,
                ..Parsed::new(event_type.parse().map_or(Kind::Log, Kind::Core))
            };
            parsed.to_ecs(id, ingested, source)
        }
    };
    Ok(StoredEvent {
        id,
        ts,
        ingested,
        session_id,
        event_type: event_type.to_owned(),
        entity: stored_entity(word(column::ENTITY)?).ok_or_else(|| unreadable("entity"))?,
        score: scores.is_valid(at).then(|| scores.value(at)),
        is_anomaly: flags.value(at),
        trust_impact: MilliPoints((points * 1000.0).round() as i64),
        event,
    })
}
