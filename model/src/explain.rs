//! Why a score is what it is: each split on a row's path moves the expected path length, and its feature gets the move.
//!
//! For a tree, E(node) is the mean path length of the sample's rows below the node. A row's path from root to leaf is
//! Σ (E(child) − E(node)) = path − E(root), exactly, in integers; summed over trees by feature, that is an additive
//! attribution (Saabas, "Interpreting random forests", 2014). It is then scaled from path lengths to scores.

use crate::forest::Forest;

/// A score, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The score of a row whose every path has its tree's mean length.
    pub base: f64,
    /// The row's score.
    pub score: f64,
    /// By column, what it adds to the base; positive means more anomalous. `base + Σ contributions = score`.
    pub contributions: Vec<f64>,
}

impl Forest {
    /// Explains the score of one row; a value that is not there (or NaN) goes left at every split.
    pub fn explain(&self, row: &[f32]) -> Explanation {
        let (path_sum, moves) = self.path_moves(row);
        let base_sum = self.tables.root_sum as f64;
        let base = libm::exp2(-base_sum / self.half);
        // All in one: score − base = base · (2^(−δ/half) − 1). Each feature gets the share that its move has in δ;
        // where the moves cancel out, the limit of that ratio is the slope.
        let delta = path_sum as f64 - base_sum;
        let rate = std::f64::consts::LN_2 / self.half;
        let scale = if delta == 0.0 { -base * rate } else { base * libm::expm1(-delta * rate) / delta };
        Explanation {
            base,
            score: self.score(path_sum as u32),
            contributions: moves.into_iter().map(|moved| moved as f64 * scale).collect(),
        }
    }

    /// The sum of a row's path lengths, and by column the sum of its moves, in fixed point:
    /// Σ moves = path sum − sum of the roots' expectations, exactly.
    pub fn path_moves(&self, row: &[f32]) -> (u64, Vec<i64>) {
        let tables = &self.tables;
        let ends = tables.ends;
        let mut moves = vec![0i64; self.width];
        let mut path_sum = 0;
        let trees = tables.thresholds.chunks_exact(ends).zip(tables.features.chunks_exact(ends));
        for ((thresholds, features), expected) in trees.zip(tables.expected.chunks_exact(2 * ends)) {
            let mut at = 1;
            let mut here = expected[1];
            while at < ends {
                let feature = usize::from(features[at]);
                let x = row.get(feature).copied().unwrap_or(f32::NAN);
                at = 2 * at + usize::from(x > f32::from_bits(thresholds[at]));
                let next = expected[at];
                moves[feature] += i64::from(next) - i64::from(here);
                here = next;
            }
            path_sum += u64::from(here);
        }
        (path_sum, moves)
    }

    /// The sum over trees of the mean path length, in fixed point.
    pub fn expected_sum(&self) -> u64 {
        self.tables.root_sum
    }
}
