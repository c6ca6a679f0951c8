//! Numbers that follow from a seed, and a comparison that stays readable.

use trustfold_event::hash::mix;

pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5eed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// Like `assert_eq`, but shows the first difference only.
pub(crate) fn assert_each<T: PartialEq + std::fmt::Debug>(is: &[T], ought: &[T], place: &str) {
    let differ = is.iter().zip(ought).position(|(a, b)| a != b);
    if let Some(at) = differ {
        panic!("{place}: item {at} is {:?}, ought to be {:?}", is[at], ought[at]);
    }
    assert_eq!(is.len(), ought.len(), "{place}: how many");
}
