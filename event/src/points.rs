//! Penalty points: integers, so that a sum never depends on the order in which it was made.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// Thousandths of a trust point. On the wire a number of points with up to three decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MilliPoints(pub i64);

/// What a scope's trust starts from.
pub const TRUST_START: MilliPoints = MilliPoints(100_000);

impl MilliPoints {
    /// From whole points with decimals; `None` where not finite, or beyond ±10¹².
    pub fn from_points(points: f64) -> Option<Self> {
        (points.is_finite() && points.abs() <= 1e12).then(|| Self((points * 1000.0).round() as i64))
    }

    /// As points with decimals.
    pub fn points(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The trust that is left of 100 after penalties of this sum. Clamped here, when read, and never when summed:
    /// otherwise a retraction could not restore exactly.
    pub fn trust(self) -> MilliPoints {
        MilliPoints((TRUST_START.0 - self.0).clamp(0, TRUST_START.0))
    }
}

impl Add for MilliPoints {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for MilliPoints {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for MilliPoints {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for MilliPoints {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for MilliPoints {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), Add::add)
    }
}

impl fmt::Display for MilliPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.points())
    }
}

impl Serialize for MilliPoints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.points())
    }
}

impl<'de> Deserialize<'de> for MilliPoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = f64::deserialize(deserializer)?;
        Self::from_points(points).ok_or_else(|| serde::de::Error::custom("points must be finite and within ±10^12"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_wire_keeps_every_thousandth(milli in -1_000_000_000i64..=1_000_000_000) {
            let text = serde_json::to_string(&MilliPoints(milli)).unwrap();
            prop_assert_eq!(serde_json::from_str::<MilliPoints>(&text).unwrap(), MilliPoints(milli));
        }

        #[test]
        fn trust_stays_within_its_bounds_and_a_retraction_restores(sum in -1_000_000i64..1_000_000, row in 0i64..200_000) {
            let before = MilliPoints(sum).trust();
            prop_assert!((0..=100_000).contains(&before.0));
            prop_assert_eq!((MilliPoints(sum) + MilliPoints(row) - MilliPoints(row)).trust(), before);
        }
    }
}
