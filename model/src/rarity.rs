//! How rare a name is among all entities, counted in training and carried in the model: a count kept by one worker
//! would depend on how many workers there are.

use trustfold_event::hash::mix;

/// Buckets of a domain. Names that share one share their count.
pub const BUCKETS: usize = 1 << 16;
/// Most domains.
pub const DOMAINS_MAX: usize = 64;

/// Parts of a bit that a kept rarity tells apart.
const PARTS: f64 = 8.0;

fn bucket(hash: u64) -> usize {
    mix(hash) as usize & (BUCKETS - 1)
}

/// −log2 of the share, with one seen and one unseen added (rule of succession), in eighths of a bit.
fn quantise(count: u64, total: u64) -> u8 {
    // A float becomes an integer by saturating: 255 means 31.875 bits or more.
    (PARTS * libm::log2((total as f64 + 2.0) / (count as f64 + 1.0)) + 0.5) as u8
}

/// How often each bucket of each domain was seen. Merging is commutative and associative, so that the sum over
/// workers does not depend on which worker saw what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RarityCounts {
    counts: Vec<u32>,
    totals: Vec<u64>,
}

impl RarityCounts {
    /// Nothing seen, in this many domains; at most [`DOMAINS_MAX`] are made.
    pub fn new(domains: usize) -> Self {
        let domains = domains.min(DOMAINS_MAX);
        Self { counts: vec![0; domains * BUCKETS], totals: vec![0; domains] }
    }

    /// How many domains there are.
    pub fn domains(&self) -> usize {
        self.totals.len()
    }

    /// Counts a name. A domain that is not there counts nothing.
    #[inline]
    pub fn add(&mut self, domain: usize, hash: u64) {
        self.add_bucket(domain, bucket(hash), 1);
    }

    /// Counts `count` names of one bucket, as when counts are read back; what is not there counts nothing.
    pub fn add_bucket(&mut self, domain: usize, bucket: usize, count: u32) {
        if let Some(total) = self.totals.get_mut(domain)
            && bucket < BUCKETS
        {
            let seen = &mut self.counts[domain * BUCKETS + bucket];
            *seen = seen.saturating_add(count);
            *total = total.saturating_add(u64::from(count));
        }
    }

    /// Adds what another saw; domains that only the other has are added.
    pub fn merge(&mut self, other: &Self) {
        let domains = self.domains().max(other.domains());
        self.counts.resize(domains * BUCKETS, 0);
        self.totals.resize(domains, 0);
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        for (mine, theirs) in self.totals.iter_mut().zip(&other.totals) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// Names counted in a domain; 0 where it is not there.
    pub fn total(&self, domain: usize) -> u64 {
        self.totals.get(domain).copied().unwrap_or(0)
    }

    /// How often the bucket of a name was seen.
    pub fn count(&self, domain: usize, hash: u64) -> u32 {
        self.counts.get(domain * BUCKETS..).and_then(|c| c.get(bucket(hash))).copied().unwrap_or(0)
    }

    /// All buckets that were seen: domain, bucket, count, ascending.
    pub fn seen(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        self.counts.iter().enumerate().filter(|(_, c)| **c > 0).map(|(i, c)| (i / BUCKETS, i % BUCKETS, *c))
    }
}

/// Rarity in bits, to an eighth of a bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rarity {
    eighths: Vec<u8>,
}

impl Rarity {
    /// The rarity of each bucket.
    pub fn from_counts(counts: &RarityCounts) -> Self {
        let mut eighths = Vec::with_capacity(counts.counts.len());
        for (buckets, total) in counts.counts.chunks_exact(BUCKETS).zip(&counts.totals) {
            let unseen = quantise(0, *total);
            eighths.extend(buckets.iter().map(|c| if *c == 0 { unseen } else { quantise(u64::from(*c), *total) }));
        }
        Self { eighths }
    }

    /// Rarities that were kept before; `None` unless they fill whole domains, at most [`DOMAINS_MAX`].
    pub fn from_eighths(eighths: Vec<u8>) -> Option<Self> {
        (eighths.len().is_multiple_of(BUCKETS) && eighths.len() <= DOMAINS_MAX * BUCKETS).then_some(Self { eighths })
    }

    /// All rarities in eighths of a bit, domain by domain, bucket by bucket.
    pub fn eighths(&self) -> &[u8] {
        &self.eighths
    }

    /// How many domains there are.
    pub fn domains(&self) -> usize {
        self.eighths.len() / BUCKETS
    }

    /// How rare a name is, in bits: −log2((count + 1)/(total + 2)), 0 to 31.875. 0 where the domain is not there.
    #[inline]
    pub fn bits(&self, domain: usize, hash: u64) -> f32 {
        self.eighths.get(domain * BUCKETS + bucket(hash)).map_or(0.0, |e| f32::from(*e) / PARTS as f32)
    }

    /// How rare a name that is itself among the counts would be had it not been counted, so that a training row looks as
    /// an unseen event does.
    pub fn bits_without(counts: &RarityCounts, domain: usize, hash: u64) -> f32 {
        if domain >= counts.domains() {
            return 0.0;
        }
        let count = u64::from(counts.count(domain, hash)).saturating_sub(1);
        f32::from(quantise(count, counts.total(domain).saturating_sub(1))) / PARTS as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(names: &[(usize, u64)]) -> RarityCounts {
        let mut counts = RarityCounts::new(3);
        for (domain, hash) in names {
            counts.add(*domain, *hash);
        }
        counts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn merging_does_not_depend_on_order(names in prop::collection::vec((0usize..4, 0u64..50), 0..200), cuts in prop::array::uniform2(0usize..200)) {
            let whole = counted(&names);
            let (a, b) = (cuts[0].min(cuts[1]).min(names.len()), cuts[0].max(cuts[1]).min(names.len()));
            let parts = [counted(&names[..a]), counted(&names[a..b]), counted(&names[b..])];
            for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                let mut left = parts[order[0]].clone();
                left.merge(&parts[order[1]]);
                left.merge(&parts[order[2]]);
                prop_assert_eq!(&left, &whole);
                let mut right = parts[order[1]].clone();
                right.merge(&parts[order[2]]);
                let mut outer = parts[order[0]].clone();
                outer.merge(&right);
                prop_assert_eq!(&outer, &whole);
            }
            let mut back = RarityCounts::new(3);
            whole.seen().for_each(|(domain, bucket, count)| back.add_bucket(domain, bucket, count));
            prop_assert_eq!(back, whole);
        }

        #[test]
        fn leaving_one_out_is_not_having_seen_it(names in prop::collection::vec((0usize..3, 0u64..50), 1..100)) {
            let whole = counted(&names);
            let (domain, hash) = names[0];
            let without = Rarity::from_counts(&counted(&names[1..]));
            prop_assert_eq!(Rarity::bits_without(&whole, domain, hash), without.bits(domain, hash));
        }
    }

    #[test]
    fn known_bits() {
        let mut counts = RarityCounts::new(1);
        assert_eq!(Rarity::from_counts(&counts).bits(0, 1), 1.0);
        (0..62).for_each(|_| counts.add(0, 7));
        let rarity = Rarity::from_counts(&counts);
        assert_eq!(rarity.bits(0, 8), 6.0);
        assert_eq!(rarity.bits(0, 7), 0.0);
        assert_eq!(rarity.bits(1, 7), 0.0);
    }

    #[test]
    fn saturates() {
        let mut full = RarityCounts::new(1);
        full.add_bucket(0, 5, u32::MAX);
        let mut twice = full.clone();
        twice.merge(&full);
        assert_eq!(twice.seen().collect::<Vec<_>>(), [(0, 5, u32::MAX)]);
        assert_eq!(twice.total(0), 2 * u64::from(u32::MAX));
        assert_eq!(quantise(0, u64::MAX), 255);
    }
}
