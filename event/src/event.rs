//! The event that travels through the dataflow: small, `Copy`, of hashes and numbers. Strings stay in the frame.

use crate::EventTime;
use crate::kind::{Kind, Outcome};
use serde::{Deserialize, Serialize};

/// One normalised event.
///
/// **Invariant:** at most 48 bytes, so that exchanging it between workers stays cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened; never more than [`Event::AHEAD_MAX_MICROS`] ahead of the frame's stamp.
    pub time: EventTime,
    /// Hash of the entity whose behaviour this is.
    pub entity: u64,
    /// Hash of the host, 0 where unknown.
    pub host: u64,
    /// Hash of what was acted with or on, per event type.
    pub object: u64,
    /// Hash of the other side's address.
    pub peer: u64,
    /// Its place in the frame.
    pub index: u32,
    /// Destination port, 0 where there is none.
    pub port: u16,
    /// One of the eight, or a log line.
    pub kind: Kind,
    /// How it went.
    pub outcome: Outcome,
}

const _: () = assert!(size_of::<Event>() <= 48);

impl Event {
    /// How far ahead of the receive stamp a sender's clock may run before its time is replaced: 5 minutes.
    pub const AHEAD_MAX_MICROS: i64 = 5 * 60 * 1_000_000;
}
