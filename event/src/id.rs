//! Identity of our own: (epoch, process, index in frame), packed as a UUIDv8 (RFC 9562 §5.8).
//! Time-ordered, and the same on every replay; never random.

use crate::Epoch;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Names an event, and what follows from it: its anomaly and its ledger row carry the same id.
///
/// Bit layout, most significant first: 48 epoch, 4 version (8), 12 process, 2 variant (2), 30 reserved, 32 index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The frame that carries it.
    pub epoch: Epoch,
    /// The process that took it in; 0 unless there is a cluster. Below 4,096.
    pub process: u16,
    /// Its place in the frame.
    pub index: u32,
}

/// The index that stands for a frame's control record, which comes after all its events.
pub const CONTROL_INDEX: u32 = u32::MAX;

impl EventId {
    /// The id of an event of process 0.
    pub fn new(epoch: Epoch, index: u32) -> Self {
        Self { epoch, process: 0, index }
    }

    /// The id of the control record that ends `epoch`; a session or a mark is named after the one that began it.
    pub fn of_control(epoch: Epoch) -> Self {
        Self::new(epoch, CONTROL_INDEX)
    }

    /// As the 128 bits of a UUIDv8.
    pub fn to_bits(self) -> u128 {
        u128::from(self.epoch.0 & 0xffff_ffff_ffff) << 80
            | 0x8 << 76
            | u128::from(self.process & 0xfff) << 64
            | 0b10 << 62
            | u128::from(self.index)
    }

    /// The inverse of [`EventId::to_bits`]; `None` for bits that no id of ours has.
    pub fn from_bits(bits: u128) -> Option<Self> {
        let id = Self { epoch: Epoch((bits >> 80) as u64), process: (bits >> 64) as u16 & 0xfff, index: bits as u32 };
        (id.to_bits() == bits).then_some(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = self.to_bits();
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            b >> 96,
            (b >> 80) & 0xffff,
            (b >> 64) & 0xffff,
            (b >> 48) & 0xffff,
            b & 0xffff_ffff_ffff
        )
    }
}

/// The text is not an id that trustfold made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a trustfold id")]
pub struct NotAnId(pub String);

impl FromStr for EventId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId(text.chars().take(64).collect());
        let hyphens = text.len() == 36 && text.bytes().enumerate().all(|(i, b)| (b == b'-') == matches!(i, 8 | 13 | 18 | 23));
        if !hyphens {
            return Err(wrong());
        }
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        u128::from_str_radix(&hex, 16).ok().and_then(Self::from_bits).ok_or_else(wrong)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips_and_keeps_the_order(a in 0u64..1 << 48, b in 0u64..1 << 48, i: u32, j: u32) {
            let (x, y) = (EventId::new(Epoch(a), i), EventId::new(Epoch(b), j));
            prop_assert_eq!(x.to_string().parse::<EventId>(), Ok(x));
            prop_assert_eq!(x.to_string().cmp(&y.to_string()), x.cmp(&y));
        }
    }

    #[test]
    fn refuses_what_it_did_not_make() {
        for text in ["", "00000000-0000-4000-8000-000000000000", "zz", "00000000000080008000000000000001----"] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }
}
