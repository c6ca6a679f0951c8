//! What the journal keeps: raw records in batches, a batch list and at most one control in a frame.

use crate::control::ControlRecord;
use crate::{Epoch, EventId, Stamp};
use serde::{Deserialize, Serialize};

/// How the bytes of a record are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Format {
    /// One JSON object.
    Json = 0,
    /// One syslog message, RFC 5424 or RFC 3164, without its framing.
    Syslog = 1,
    /// Bytes that a source refused: a code, a reason and the bytes, each after a line feed. They are journaled
    /// all the same, so that the dead letter they become is in the same order on every replay.
    Refused = 2,
}

impl Format {
    /// The inverse of `as u8`.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Json, Self::Syslog, Self::Refused].into_iter().find(|f| *f as u8 == number)
    }

    /// Its name in counters and dead letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Syslog => "syslog",
            Self::Refused => "refused",
        }
    }
}

/// Records that came together, from one sender, in one format. The unit that sources hand over and workers share out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The source's name, for instance `http` or `syslog_tcp`.
    pub source: String,
    /// The sender, as the source knows it: an address, a path; may be empty.
    pub peer: String,
    /// How to read the records.
    pub format: Format,
    /// All records' bytes, one after the other.
    bytes: Vec<u8>,
    /// Where each record ends in `bytes`.
    ends: Vec<u32>,
    /// Each record's identity where its sender gave one, else 0; empty where none has one.
    identities: Vec<u128>,
}

/// Of refused bytes, so many are kept: 64 KiB.
const REFUSED_BYTES_MAX: usize = 64 << 10;

/// A batch's parts do not fit each other.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a batch's lengths do not fit its bytes")]
pub struct MisshapenBatch;

impl Batch {
    /// The most bytes that a batch holds.
    pub const BYTES_MAX: usize = 64 << 20;

    /// An empty batch.
    pub fn new(source: impl Into<String>, peer: impl Into<String>, format: Format) -> Self {
        Self { source: source.into(), peer: peer.into(), format, bytes: Vec::new(), ends: Vec::new(), identities: Vec::new() }
    }

    /// A batch from its stored parts, checked.
    ///
    /// # Errors
    /// Where `ends` do not rise to the length of `bytes`, or `identities` is neither empty nor as long as `ends`.
    pub fn from_parts(
        source: String,
        peer: String,
        format: Format,
        bytes: Vec<u8>,
        ends: Vec<u32>,
        identities: Vec<u128>,
    ) -> Result<Self, MisshapenBatch> {
        let fits = ends.is_sorted()
            && ends.last().map_or(0, |e| *e as usize) == bytes.len()
            && (identities.is_empty() || identities.len() == ends.len());
        if fits { Ok(Self { source, peer, format, bytes, ends, identities }) } else { Err(MisshapenBatch) }
    }

    /// Adds a record without an identity.
    pub fn push(&mut self, record: &[u8]) {
        self.push_identified(record, 0);
    }

    /// Adds a record; `identity` 0 means that its sender gave none.
    pub fn push_identified(&mut self, record: &[u8], identity: u128) {
        if identity != 0 && self.identities.is_empty() {
            self.identities.resize(self.ends.len(), 0);
        }
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len() as u32);
        if identity != 0 || !self.identities.is_empty() {
            self.identities.push(identity);
        }
    }

    /// Adds bytes that were refused before they could be a record, to a batch of [`Format::Refused`]. Of the bytes, the
    /// first 64 KiB are kept.
    pub fn push_refused(&mut self, code: &str, reason: &str, raw: &[u8]) {
        let (code, reason) = (code.replace('\n', " "), reason.replace('\n', " "));
        let kept = &raw[..raw.len().min(REFUSED_BYTES_MAX)];
        self.push(&[code.as_bytes(), b"\n", reason.as_bytes(), b"\n", kept].concat());
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all records together.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each record ends.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The records' identities; empty where none has one.
    pub fn identities(&self) -> &[u128] {
        &self.identities
    }

    /// The bytes of one record.
    ///
    /// # Panics
    /// Where `at` is not below [`Batch::len`].
    #[inline]
    pub fn record(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.bytes[start..self.ends[at] as usize]
    }

    /// Keeps the records whose place `keep` accepts.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = Self::new(std::mem::take(&mut self.source), std::mem::take(&mut self.peer), self.format);
        for at in 0..self.len() {
            if keep(at) {
                kept.push_identified(self.record(at), self.identities.get(at).copied().unwrap_or(0));
            }
        }
        *self = kept;
    }
}

/// One group commit = one frame = one epoch.
///
/// **Invariant:** the control, where there is one, comes after all the frame's events: it takes effect from the next
/// epoch on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Its number.
    pub epoch: Epoch,
    /// The process that wrote it.
    pub process: u16,
    /// When it was taken in.
    pub stamp: Stamp,
    /// Raw records, in the order in which they were taken in.
    pub batches: Vec<Batch>,
    /// What ends the frame, if anything.
    pub control: Option<ControlRecord>,
}

impl Frame {
    /// How many records its batches hold.
    pub fn len(&self) -> usize {
        self.batches.iter().map(Batch::len).sum()
    }

    /// True where it holds no records.
    pub fn is_empty(&self) -> bool {
        self.batches.iter().all(Batch::is_empty)
    }

    /// The id of the record at `index`.
    pub fn id(&self, index: u32) -> EventId {
        EventId { epoch: self.epoch, process: self.process, index }
    }

    /// The batch and bytes of the record at `index`, counted over all batches.
    pub fn record(&self, index: u32) -> Option<(&Batch, &[u8])> {
        let mut at = index as usize;
        for batch in &self.batches {
            if at < batch.len() {
                return Some((batch, batch.record(at)));
            }
            at -= batch.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_retain_keeps_identities() {
        let mut batch = Batch::new("http", "127.0.0.1", Format::Json);
        batch.push(b"a");
        batch.push_identified(b"bb", 7);
        batch.push(b"");
        batch.push_identified(b"ccc", 9);
        assert_eq!((batch.len(), batch.record(1), batch.record(2), batch.record(3)), (4, &b"bb"[..], &b""[..], &b"ccc"[..]));
        assert_eq!(batch.identities(), [0, 7, 0, 9]);
        batch.retain(|at| at != 1);
        assert_eq!(batch.identities(), [0, 0, 9]);
        assert_eq!(batch.record(2), b"ccc");
        let frame = Frame { epoch: Epoch(1), process: 0, stamp: Stamp(0), batches: vec![batch.clone(), batch], control: None };
        assert_eq!(frame.record(5).unwrap().1, b"ccc");
        assert!(frame.record(6).is_none());
    }

    #[test]
    fn misshapen_parts_are_refused() {
        let parts = |ends: &[u32], ids: &[u128]| {
            Batch::from_parts(String::new(), String::new(), Format::Json, b"abc".to_vec(), ends.to_vec(), ids.to_vec())
        };
        assert!(parts(&[1, 3], &[]).is_ok());
        assert_eq!(parts(&[2, 1], &[]), Err(MisshapenBatch));
        assert_eq!(parts(&[1, 4], &[]), Err(MisshapenBatch));
        assert_eq!(parts(&[1, 3], &[1]), Err(MisshapenBatch));
    }
}
