//! A frame's bytes. Little-endian throughout.
//!
//! ```text
//! header  "TFRM"  body length u32  CRC-32C u32  group u64  epoch u64  stamp i64  process u16
//! body    control length u32, control (JSON), batches u32, then for each batch:
//!         format u8, source length u16, source, peer length u16, peer,
//!         records u32, bytes u32, identified u8, ends u32 × records, [identities u128 × records], bytes
//! ```
//!
//! The checksum covers everything after itself. `group` is the offset in the segment at which the write that carried
//! this frame began: it tells a torn tail (unacknowledged) from damage (see `reader`).

use trustfold_event::raw::{Batch, Format, Frame};
use trustfold_event::{Epoch, Stamp};

pub(crate) const FRAME_MAGIC: [u8; 4] = *b"TFRM";
pub(crate) const HEADER_BYTES: usize = 4 + 4 + 4 + 8 + 8 + 8 + 2;
const CHECKED_FROM: usize = 12;

/// The largest frame that is written or read: 256 MiB.
pub const FRAME_BYTES_MAX: usize = 256 << 20;

/// Appends a frame's bytes to `out`.
pub fn encode_frame(frame: &Frame, group: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&FRAME_MAGIC);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&frame.epoch.0.to_le_bytes());
    out.extend_from_slice(&frame.stamp.0.to_le_bytes());
    out.extend_from_slice(&frame.process.to_le_bytes());
    let body = out.len();
    // A control is plain data with string keys: serialising it to memory has no way to fail.
    let control = frame.control.as_ref().and_then(|c| serde_json::to_vec(c).ok()).unwrap_or_default();
    out.extend_from_slice(&(control.len() as u32).to_le_bytes());
    out.extend_from_slice(&control);
    out.extend_from_slice(&(frame.batches.len() as u32).to_le_bytes());
    for batch in &frame.batches {
        out.push(batch.format as u8);
        for name in [&batch.source, &batch.peer] {
            let name = &name.as_bytes()[..name.len().min(usize::from(u16::MAX))];
            out.extend_from_slice(&(name.len() as u16).to_le_bytes());
            out.extend_from_slice(name);
        }
        out.extend_from_slice(&(batch.len() as u32).to_le_bytes());
        out.extend_from_slice(&(batch.bytes().len() as u32).to_le_bytes());
        out.push(u8::from(!batch.identities().is_empty()));
        for end in batch.ends() {
            out.extend_from_slice(&end.to_le_bytes());
        }
        for identity in batch.identities() {
            out.extend_from_slice(&identity.to_le_bytes());
        }
        out.extend_from_slice(batch.bytes());
    }
    let length = (out.len() - body) as u32;
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), &out[start + CHECKED_FROM..]);
    out[start + 8..start + 12].copy_from_slice(&crc.to_le_bytes());
}

/// A cursor that never reads past the end.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<usize> {
        self.array().map(|b| u32::from_le_bytes(b) as usize)
    }

    fn name(&mut self) -> Option<String> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

/// A frame with where it came from.
pub(crate) struct Decoded {
    pub(crate) frame: Frame,
    pub(crate) group: u64,
    pub(crate) bytes: usize,
}

/// Reads the frame that `bytes` begin with; `Err` says what is wrong.
///
/// # Errors
/// Anything but a whole frame with a matching checksum.
pub fn decode_frame(bytes: &[u8]) -> Result<(Frame, usize), String> {
    decode(bytes).map(|d| (d.frame, d.bytes))
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let mut head = Bytes(bytes);
    if head.array::<4>() != Some(FRAME_MAGIC) {
        return Err("no frame begins here".into());
    }
    let cut = || "the frame is cut short".to_owned();
    let length = head.array::<4>().ok_or_else(cut)?;
    let crc = u32::from_le_bytes(head.array().ok_or_else(cut)?);
    let body = u32::from_le_bytes(length) as usize;
    if body > FRAME_BYTES_MAX {
        return Err(format!("a frame of {body} bytes is larger than any that is written"));
    }
    let whole = HEADER_BYTES + body;
    let checked = bytes.get(CHECKED_FROM..whole).ok_or_else(cut)?;
    if crc32c::crc32c_append(crc32c::crc32c(&length), checked) != crc {
        return Err("the frame's checksum does not match".into());
    }
    let decoded = fields(Bytes(checked)).ok_or("the frame's checksum matches, but its fields do not fit")?;
    Ok(Decoded { frame: decoded.0, group: decoded.1, bytes: whole })
}

fn fields(mut b: Bytes<'_>) -> Option<(Frame, u64)> {
    let group = u64::from_le_bytes(b.array()?);
    let epoch = Epoch(u64::from_le_bytes(b.array()?));
    let stamp = Stamp(i64::from_le_bytes(b.array()?));
    let process = u16::from_le_bytes(b.array()?);
    let control = b.u32()?;
    let control = match b.take(control)? {
        [] => None,
        json => Some(serde_json::from_slice(json).ok()?),
    };
    let count = b.u32()?;
    let mut batches = Vec::new();
    for _ in 0..count {
        let format = Format::from_number(b.array::<1>()?[0])?;
        let (source, peer) = (b.name()?, b.name()?);
        let (records, length) = (b.u32()?, b.u32()?);
        let identified = b.array::<1>()?[0] != 0;
        let ends = b.take(records.checked_mul(4)?)?.chunks_exact(4).filter_map(|c| c.try_into().ok().map(u32::from_le_bytes));
        let ends = ends.collect();
        let identities = if identified { b.take(records.checked_mul(16)?)? } else { &[] };
        let identities = identities.chunks_exact(16).filter_map(|c| c.try_into().ok().map(u128::from_le_bytes)).collect();
        let bytes = b.take(length)?.to_vec();
        batches.push(Batch::from_parts(source, peer, format, bytes, ends, identities).ok()?);
    }
    b.0.is_empty().then_some((Frame { epoch, process, stamp, batches, control }, group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trustfold_event::control::{Control, ControlRecord};

    fn frames() -> impl Strategy<Value = Frame> {
        let record = (proptest::collection::vec(any::<u8>(), 0..40), prop_oneof![Just(0u128), any::<u128>()]);
        let batch = ("[a-z_]{0,8}", "\\PC{0,8}", any::<bool>(), proptest::collection::vec(record, 0..6)).prop_map(
            |(source, peer, json, records)| {
                let mut batch = Batch::new(source, peer, if json { Format::Json } else { Format::Syslog });
                for (bytes, identity) in records {
                    batch.push_identified(&bytes, identity);
                }
                batch
            },
        );
        let control = prop_oneof![Just(None), Just(Some(Control::TrainStart)), Just(Some(Control::Reset))];
        (any::<u64>(), any::<i64>(), proptest::collection::vec(batch, 0..4), control).prop_map(
            |(epoch, stamp, batches, control)| {
                let control = control.map(|control| ControlRecord { actor: "admin".into(), control });
                Frame { epoch: Epoch(epoch), process: 0, stamp: Stamp(stamp), batches, control }
            },
        )
    }

    proptest! {
        #[test]
        fn frames_round_trip(frame in frames()) {
            let mut bytes = Vec::new();
            encode_frame(&frame, 16, &mut bytes);
            let length = bytes.len();
            bytes.extend_from_slice(b"what follows");
            prop_assert_eq!(decode_frame(&bytes), Ok((frame, length)));
        }

        #[test]
        fn any_damage_is_noticed(frame in frames(), at: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index) {
            let mut bytes = Vec::new();
            encode_frame(&frame, 16, &mut bytes);
            prop_assert!(decode_frame(&bytes[..cut.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(decode_frame(&bytes).is_err());
        }

        #[test]
        fn noise_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut framed = FRAME_MAGIC.to_vec();
            framed.extend_from_slice(&bytes);
            prop_assert!(decode_frame(&framed).is_err());
        }
    }
}
