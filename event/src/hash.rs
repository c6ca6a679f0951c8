//! Keyed hashes. The keys are drawn once and stand in the journal's first record, so that a replay hashes alike
//! and a sender cannot aim at a bucket.

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The keys of one journal generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashKeys {
    /// Seeds the hashes of names on the hot path (entity, object, peer): XXH3-64.
    pub names: u64,
    /// Keys the 128-bit hash of sender-given event ids: SipHash-1-3-128, since a collision there loses an event.
    pub ids: (u64, u64),
    /// Seeds training: which rows are sampled, how the trees are grown.
    pub training: u64,
}

impl HashKeys {
    /// Keys that follow from one number: for `score --seed` and for tests.
    pub fn from_seed(seed: u64) -> Self {
        let part = |n: u64| mix(seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        Self { names: part(1), ids: (part(2), part(3)), training: seed }
    }

    /// The hash of a name within a domain; equal names of different domains differ.
    #[inline]
    pub fn name(&self, domain: u8, text: &str) -> u64 {
        xxh3_64_with_seed(text.as_bytes(), self.names.wrapping_add(u64::from(domain).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The identity of an event that its sender named; never 0, which means "not named".
    pub fn identity(&self, scope: u8, name: &[u8], index: u32) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.ids.0, self.ids.1);
        hasher.write_u8(scope);
        hasher.write_u32(index);
        hasher.write(name);
        let hash = hasher.finish128();
        (u128::from(hash.h1) << 64 | u128::from(hash.h2)).max(1)
    }
}

/// Spreads the bits of a number over all 64 (the finaliser of SplitMix64, Steele et al. 2014).
#[inline]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
