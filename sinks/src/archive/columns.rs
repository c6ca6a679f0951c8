//! Rows of the open group, by column.

use super::schema::schema;
use super::{ArchiveError, ArchivedRow};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt16Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;
use trustfold_event::event::Event;
use trustfold_event::kind::{Kind, Outcome};
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Format;
use trustfold_event::{Epoch, EventId, Stamp};

/// Byte strings one after the other, with where each ends. The empty one stands for "not there".
#[derive(Clone, Debug, Default)]
struct Bytes {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Bytes {
    #[inline]
    fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
    }

    #[inline]
    fn push_or_empty(&mut self, value: Option<&str>) {
        self.push(value.unwrap_or("").as_bytes());
    }

    fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    fn extend(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| base + end));
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn offsets(&self) -> Result<OffsetBuffer<i32>, ArchiveError> {
        let offsets: Result<Vec<i32>, _> = std::iter::once(0).chain(self.ends.iter().copied()).map(i32::try_from).collect();
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets.map_err(|_| ArchiveError::EpochTooLarge)?)))
    }

    /// As text; empty ones become null where the column allows it.
    fn into_text(self, nullable: bool) -> Result<ArrayRef, ArchiveError> {
        let mut start = 0;
        let present = |end: &usize| *end != std::mem::replace(&mut start, *end);
        let nulls = nullable.then(|| NullBuffer::from_iter(self.ends.iter().map(present)));
        Ok(Arc::new(StringArray::try_new(self.offsets()?, Buffer::from_vec(self.bytes), nulls)?))
    }

    fn into_binary(self) -> Result<ArrayRef, ArchiveError> {
        Ok(Arc::new(BinaryArray::try_new(self.offsets()?, Buffer::from_vec(self.bytes), None)?))
    }
}

/// Rows by column. Texts of a small set are kept as what they stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    id: Vec<EventId>,
    ts: Vec<i64>,
    ingested: Vec<i64>,
    session: Vec<Option<EventId>>,
    kind: Vec<Kind>,
    entity: Bytes,
    user: Bytes,
    host: Bytes,
    source_ip: Bytes,
    destination_ip: Bytes,
    destination_port: Vec<Option<u16>>,
    process: Bytes,
    path: Bytes,
    command: Bytes,
    outcome: Vec<Outcome>,
    score: Vec<Option<f32>>,
    is_anomaly: Vec<bool>,
    trust_impact: Vec<MilliPoints>,
    source: Bytes,
    format: Vec<Format>,
    raw: Bytes,
    /// Whether the ids rise strictly, which they do unless somebody hands rows over in another order, or twice.
    is_unsorted: bool,
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Bytes of the raw records; what is parsed out of them adds less than as much again.
    pub(super) fn raw_bytes(&self) -> usize {
        self.raw.bytes.len()
    }

    #[inline]
    pub(super) fn push(&mut self, row: &ArchivedRow<'_>) {
        let parsed = row.parsed;
        self.is_unsorted |= self.id.last().is_some_and(|last| *last >= row.id);
        self.id.push(row.id);
        self.ts.push(event_time(row));
        self.ingested.push(row.ingested.0);
        self.session.push(row.session);
        self.kind.push(parsed.kind);
        let (kind, name) = parsed.entity();
        self.entity.bytes.extend_from_slice(kind.name().as_bytes());
        self.entity.bytes.push(b':');
        self.entity.push(name.as_bytes());
        self.user.push_or_empty(parsed.user.as_deref());
        self.host.push_or_empty(parsed.host.as_deref());
        self.source_ip.push_or_empty(parsed.source_ip.as_deref());
        self.destination_ip.push_or_empty(parsed.destination_ip.as_deref());
        self.destination_port.push(parsed.destination_port);
        self.process.push_or_empty(parsed.process.as_deref());
        self.path.push_or_empty(parsed.path.as_deref());
        self.command.push_or_empty(parsed.command.as_deref());
        self.outcome.push(parsed.outcome);
        self.score.push(row.score);
        self.is_anomaly.push(row.is_anomaly);
        self.trust_impact.push(row.trust_impact);
        self.source.push(row.source.as_bytes());
        self.format.push(row.format);
        self.raw.push(row.raw);
    }

    /// Takes out the rows of the epochs up to `last`, in the order of their ids, each once.
    pub(super) fn take_closed(&mut self, last: Epoch) -> Self {
        if !self.is_unsorted && self.id.last().is_none_or(|id| id.epoch <= last) {
            return std::mem::take(self);
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|at| self.id[*at]);
        // Equal ids are the same row handed over twice: the first one stays.
        order.dedup_by_key(|at| self.id[*at]);
        let closed = order.partition_point(|at| self.id[*at].epoch <= last);
        let (closed, later) = (self.gather(&order[..closed]), self.gather(&order[closed..]));
        *self = later;
        closed
    }

    fn gather(&self, order: &[usize]) -> Self {
        fn pick<T: Copy>(from: &[T], order: &[usize]) -> Vec<T> {
            order.iter().map(|at| from[*at]).collect()
        }
        let texts = |from: &Bytes| {
            let mut picked = Bytes::default();
            order.iter().for_each(|at| picked.push(from.get(*at)));
            picked
        };
        Self {
            id: pick(&self.id, order),
            ts: pick(&self.ts, order),
            ingested: pick(&self.ingested, order),
            session: pick(&self.session, order),
            kind: pick(&self.kind, order),
            entity: texts(&self.entity),
            user: texts(&self.user),
            host: texts(&self.host),
            source_ip: texts(&self.source_ip),
            destination_ip: texts(&self.destination_ip),
            destination_port: pick(&self.destination_port, order),
            process: texts(&self.process),
            path: texts(&self.path),
            command: texts(&self.command),
            outcome: pick(&self.outcome, order),
            score: pick(&self.score, order),
            is_anomaly: pick(&self.is_anomaly, order),
            trust_impact: pick(&self.trust_impact, order),
            source: texts(&self.source),
            format: pick(&self.format, order),
            raw: texts(&self.raw),
            is_unsorted: false,
        }
    }

    /// Appends rows of later epochs, which are sorted.
    pub(super) fn extend(&mut self, other: &Self) {
        self.id.extend_from_slice(&other.id);
        self.ts.extend_from_slice(&other.ts);
        self.ingested.extend_from_slice(&other.ingested);
        self.session.extend_from_slice(&other.session);
        self.kind.extend_from_slice(&other.kind);
        self.entity.extend(&other.entity);
        self.user.extend(&other.user);
        self.host.extend(&other.host);
        self.source_ip.extend(&other.source_ip);
        self.destination_ip.extend(&other.destination_ip);
        self.destination_port.extend_from_slice(&other.destination_port);
        self.process.extend(&other.process);
        self.path.extend(&other.path);
        self.command.extend(&other.command);
        self.outcome.extend_from_slice(&other.outcome);
        self.score.extend_from_slice(&other.score);
        self.is_anomaly.extend_from_slice(&other.is_anomaly);
        self.trust_impact.extend_from_slice(&other.trust_impact);
        self.source.extend(&other.source);
        self.format.extend_from_slice(&other.format);
        self.raw.extend(&other.raw);
    }

    /// Forgets the rows and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.id.clear();
        self.ts.clear();
        self.ingested.clear();
        self.session.clear();
        self.kind.clear();
        self.entity.clear();
        self.user.clear();
        self.host.clear();
        self.source_ip.clear();
        self.destination_ip.clear();
        self.destination_port.clear();
        self.process.clear();
        self.path.clear();
        self.command.clear();
        self.outcome.clear();
        self.score.clear();
        self.is_anomaly.clear();
        self.trust_impact.clear();
        self.source.clear();
        self.format.clear();
        self.raw.clear();
        self.is_unsorted = false;
    }

    /// As the archive's columns.
    ///
    /// # Errors
    /// More than 2 GiB in one column.
    pub(super) fn into_batch(self) -> Result<RecordBatch, ArchiveError> {
        fn words<T>(values: &[T], name: impl Fn(&T) -> &'static str) -> ArrayRef {
            Arc::new(StringArray::from_iter_values(values.iter().map(name)))
        }
        fn time(micros: Vec<i64>) -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
        }
        let mut ids = Bytes { bytes: Vec::with_capacity(self.id.len() * 36), ends: Vec::with_capacity(self.id.len()) };
        self.id.iter().for_each(|id| ids.push(&id_text(*id)));
        let mut sessions = Bytes::default();
        for session in &self.session {
            match session {
                Some(id) => sessions.push(&id_text(*id)),
                None => sessions.push(b""),
            }
        }
        let points: Vec<f64> = self.trust_impact.iter().map(|p| p.points()).collect();
        let columns = vec![
            ids.into_text(false)?,
            time(self.ts),
            time(self.ingested),
            sessions.into_text(true)?,
            words(&self.kind, |k| k.name()),
            self.entity.into_text(false)?,
            self.user.into_text(true)?,
            self.host.into_text(true)?,
            self.source_ip.into_text(true)?,
            self.destination_ip.into_text(true)?,
            Arc::new(UInt16Array::from(self.destination_port)),
            self.process.into_text(true)?,
            self.path.into_text(true)?,
            self.command.into_text(true)?,
            words(&self.outcome, |o| o.name()),
            Arc::new(Float32Array::from(self.score)),
            Arc::new(BooleanArray::from(self.is_anomaly)),
            Arc::new(Float64Array::from(points)),
            self.source.into_text(false)?,
            words(&self.format, |f| f.name()),
            self.raw.into_binary()?,
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}

/// The event's time as the dataflow takes it: the receive stamp where the record has none, or one too far ahead.
fn event_time(row: &ArchivedRow<'_>) -> i64 {
    let Stamp(stamp) = row.ingested;
    row.parsed.time.map(|t| t.0).filter(|t| t.saturating_sub(stamp) <= Event::AHEAD_MAX_MICROS).unwrap_or(stamp)
}

/// An id's text, as [`EventId`]'s `Display` writes it, without the machinery of formatting.
fn id_text(id: EventId) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for byte in id.to_bits().to_be_bytes() {
        if matches!(at, 8 | 13 | 18 | 23) {
            at += 1;
        }
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_are_written_as_everywhere(epoch in 0u64..1 << 48, process in 0u16..4096, index: u32) {
            let id = EventId { epoch: Epoch(epoch), process, index };
            prop_assert_eq!(String::from_utf8(id_text(id).to_vec()).unwrap(), id.to_string());
        }
    }
}
