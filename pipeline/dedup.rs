//! Identified events are taken once. This stands before the journal, not behind it: a sender is told how many were
//! duplicates, so the answer must be known when the frame is written; and the journal then holds each event once.

use hashbrown::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use trustfold_event::Stamp;
use trustfold_event::raw::Frame;

/// Identities are keyed hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }

    fn write_u128(&mut self, identity: u128) {
        self.0 = identity as u64;
    }
}

type Identities = HashSet<u128, BuildHasherDefault<Hashed>>;

/// How long an identity is remembered at least: 10 minutes of journal time.
pub const HORIZON_MICROS: i64 = 10 * 60 * 1_000_000;

/// Most identities of one generation. Past it the horizon shortens, so that memory stays bounded.
const GENERATION_MAX: usize = 4_000_000;

/// Identities seen within the horizon, in two generations. A pure function of the journal: no clock of its own.
#[derive(Default)]
pub struct Dedup {
    young: Identities,
    old: Identities,
    turned: Stamp,
}

impl Dedup {
    /// True the first time. `now` is the frame's receive stamp; 0 is no identity and always new.
    pub fn admit(&mut self, identity: u128, now: Stamp) -> bool {
        if identity == 0 {
            return true;
        }
        if now.micros_since(self.turned) > HORIZON_MICROS || self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
            self.turned = now;
        }
        !self.old.contains(&identity) && self.young.insert(identity)
    }

    /// Takes over the identities of a frame that is in the journal.
    pub fn replay(&mut self, frame: &Frame) {
        for identity in frame.batches.iter().flat_map(|b| b.identities()) {
            self.admit(*identity, frame.stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_new_once_within_the_horizon_and_again_after_two() {
        let mut dedup = Dedup::default();
        let minute = |m: i64| Stamp(m * 60_000_000 + 1);
        assert!(dedup.admit(7, minute(100)));
        assert!(!dedup.admit(7, minute(100)));
        assert!(dedup.admit(0, minute(100)) && dedup.admit(0, minute(100)), "no identity is never a duplicate");
        assert!(!dedup.admit(7, minute(109)));
        assert!(dedup.admit(8, minute(111)), "the generations turn");
        assert!(!dedup.admit(7, minute(111)), "the old one is still known");
        assert!(dedup.admit(9, minute(122)));
        assert!(dedup.admit(7, minute(122)), "past the horizon it is new");
    }
}
