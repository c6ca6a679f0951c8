//! Reading segments back, and telling a torn tail from damage.

use crate::codec::{FRAME_MAGIC, decode};
use crate::error::JournalError;
use std::fs;
use std::path::{Path, PathBuf};
use trustfold_event::Epoch;
use trustfold_event::raw::Frame;

pub(crate) const SEGMENT_MAGIC: &[u8; 8] = b"TFJRNL01";
pub(crate) const SEGMENT_HEADER_BYTES: usize = 16;

/// A segment file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Its first epoch, which names it.
    pub first: Epoch,
    /// Where it lies.
    pub path: PathBuf,
}

pub(crate) fn segment_path(dir: &Path, first: Epoch) -> PathBuf {
    dir.join(format!("{:020}.journal", first.0))
}

/// The segments of a journal, oldest first.
///
/// # Errors
/// Where the directory cannot be listed.
pub fn segments(dir: &Path) -> Result<Vec<Segment>, JournalError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| JournalError::io("list", dir, e))? {
        let path = entry.map_err(|e| JournalError::io("list", dir, e))?.path();
        let first =
            path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".journal")).and_then(|n| n.parse().ok());
        if let Some(first) = first {
            found.push(Segment { first: Epoch(first), path });
        }
    }
    found.sort();
    Ok(found)
}

/// Hands each frame of a segment to `each`; answers the length up to which it is whole.
///
/// A bad frame is a **torn tail** where nothing after it can be read, or where what can be read was written by the
/// same group commit (its `group` lies at or before the bad frame): none of it was acknowledged, and the caller may
/// cut there. A readable frame of a *later* group means that the bad one had been durable: that is **damage**.
///
/// # Errors
/// Damage, a torn frame where `last` is false, or a file that cannot be read.
pub fn read_segment(segment: &Segment, last: bool, mut each: impl FnMut(Frame)) -> Result<u64, JournalError> {
    let path = &segment.path;
    let bytes = fs::read(path).map_err(|e| JournalError::io("read", path, e))?;
    let damaged =
        |offset: usize, what: &str| JournalError::Damaged { path: path.clone(), offset: offset as u64, what: what.into() };
    let header = bytes.get(..SEGMENT_HEADER_BYTES);
    match header {
        // The header is written together with the first frame: a shorter file carries nothing acknowledged.
        None if last => return Ok(0),
        Some(h) if &h[..8] == SEGMENT_MAGIC && h[8..] == segment.first.0.to_le_bytes() => {}
        Some(h) if last && h.iter().all(|b| *b == 0) && bytes.iter().all(|b| *b == 0) => return Ok(0),
        _ => return Err(damaged(0, "the segment's header is not one of ours")),
    }
    let (mut offset, mut expected) = (SEGMENT_HEADER_BYTES, segment.first);
    while offset < bytes.len() {
        match decode(&bytes[offset..]) {
            Ok(found) if found.frame.epoch == expected => {
                each(found.frame);
                expected = Epoch(expected.0 + 1);
                offset += found.bytes;
            }
            Ok(found) => {
                let what = format!("epoch {} stands where {} should", found.frame.epoch.0, expected.0);
                return Err(damaged(offset, &what));
            }
            Err(what) => {
                if !last || later_group_follows(&bytes, offset) {
                    return Err(damaged(offset, &what));
                }
                tracing::warn!(segment = %path.display(), offset, bytes = bytes.len() - offset, "cutting a torn tail: {what}");
                break;
            }
        }
    }
    Ok(offset as u64)
}

/// Whether a readable frame after `bad` was written by a group that began after it.
fn later_group_follows(bytes: &[u8], bad: usize) -> bool {
    let mut at = bad + 1;
    while let Some(next) = bytes.get(at..).and_then(|rest| rest.windows(4).position(|w| w == FRAME_MAGIC)) {
        at += next;
        if decode(&bytes[at..]).is_ok_and(|found| found.group > bad as u64) {
            return true;
        }
        at += 1;
    }
    false
}
