//! A tree as grown: the form that is stored, and from which everything else is derived.

/// Where a row goes, or stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node {
    /// A row whose `feature` is greater than `threshold` goes right, any other left.
    Split {
        /// Column of the row.
        feature: u8,
        /// The split value; finite.
        threshold: f32,
    },
    /// The end of the path.
    Leaf {
        /// How many rows of the sample ended here; at least 1.
        size: u32,
    },
}

/// A tree's nodes in pre-order: a split, all that is left of it, all that is right of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// Nodes that are no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A split without both sides, or nodes after the last leaf.
    #[error("the nodes do not form one tree")]
    Shape,
    /// A path is longer than the height limit.
    #[error("the tree is higher than its limit")]
    Height,
    /// A feature is not a column.
    #[error("a split names a feature that is not there")]
    Feature,
    /// A threshold is infinite, not a number, or does not carry its feature.
    #[error("a split has a threshold that cannot be")]
    Threshold,
    /// The leaves do not hold the sample.
    #[error("the leaves do not hold the sample")]
    Leaves,
}

/// Up to this width a threshold carries its feature's index in the low bits of its mantissa, so that a scorer finds
/// both with one load, and a vector of a row with one permute.
pub(crate) const CARRIED_WIDTH: usize = 16;

/// The threshold nearest to `value` that lies in [min, max) and carries `feature`; `None` where there is none,
/// which is a spread of fewer units in the last place than there are features to tell apart.
///
/// `value` must lie in [min, max) itself.
pub(crate) fn carry(value: f32, feature: u8, min: f32, max: f32) -> Option<f32> {
    let mask = CARRIED_WIDTH as u32 - 1;
    let here = (value.to_bits() & !mask) | u32::from(feature);
    let magnitude = here & 0x7fff_ffff;
    let outward = here.wrapping_add(mask + 1);
    // Next to zero the neighbour on the inside has the other sign.
    let inward = if magnitude > mask { here - mask - 1 } else { here ^ 0x8000_0000 };
    // One of the three is in [min, max) if any carrying value is: they are the own one of `value`'s bucket and its neighbours.
    [here, outward, inward].into_iter().map(f32::from_bits).find(|t| min <= *t && *t < max)
}

impl Tree {
    /// Checks that this is one tree over `width` columns that holds `sample` rows within `height`.
    pub(crate) fn check(&self, width: usize, sample: u32, height: u32) -> Result<(), TreeError> {
        let mut waiting = vec![0u32];
        let mut held = 0u64;
        for node in &self.nodes {
            let depth = waiting.pop().ok_or(TreeError::Shape)?;
            match *node {
                Node::Split { feature, threshold } => {
                    if depth >= height {
                        return Err(TreeError::Height);
                    }
                    if usize::from(feature) >= width {
                        return Err(TreeError::Feature);
                    }
                    let carries = width > CARRIED_WIDTH || threshold.to_bits() % CARRIED_WIDTH as u32 == u32::from(feature);
                    if !threshold.is_finite() || !carries {
                        return Err(TreeError::Threshold);
                    }
                    waiting.extend([depth + 1, depth + 1]);
                }
                Node::Leaf { size } => {
                    if size == 0 {
                        return Err(TreeError::Leaves);
                    }
                    held += u64::from(size);
                }
            }
        }
        if !waiting.is_empty() {
            return Err(TreeError::Shape);
        }
        if held == u64::from(sample) { Ok(()) } else { Err(TreeError::Leaves) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn carried_thresholds_separate(a in any::<u32>(), gap in 0u32..80, at in 0u32..80, feature in 0u8..16) {
            // Neighbours in the order of floats, zero crossings included.
            let ordered = |n: i64| {
                let n = n.clamp(-0x7f7f_ffff, 0x7f7f_ffff) as i32;
                if n < 0 { -f32::from_bits(n.unsigned_abs()) } else { f32::from_bits(n as u32) }
            };
            let start = i64::from(a as i32) % if a & 1 == 0 { 100 } else { 0x7f00_0000 };
            let (min, max) = (ordered(start), ordered(start + i64::from(gap)));
            let value = ordered(start + i64::from(at % gap.max(1)));
            prop_assume!(min <= value && value < max);
            let any = (0..gap).map(|k| ordered(start + i64::from(k))).any(|t| t.to_bits() % 16 == u32::from(feature) && t < max);
            match carry(value, feature, min, max) {
                Some(t) => prop_assert!(min <= t && t < max && t.to_bits() % 16 == u32::from(feature)),
                None => prop_assert!(!any, "{min:e} {max:e} {value:e}"),
            }
        }
    }
}
