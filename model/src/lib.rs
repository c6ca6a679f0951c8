//! Learning and scoring, as arithmetic.
//!
//! ```text
//! training rows ─ grow ─ Forest ─┬─ path sums ─ score ─ Quantiles: threshold, confidence
//!                                └─ explain: base + contributions = score
//! names of all entities ─ RarityCounts ─ Rarity
//! Model = Forest + Quantiles + Usual + Rarity + Facts  ⇄  bytes, named by their SHA-256
//! ```
//!
//! **Invariant:** no clock, no I/O, no randomness but the seed. The same training set, seed and settings give the same
//! model bytes on any machine, and a row gets the same path sum on every SIMD path.

mod average;
mod explain;
mod file;
mod forest;
mod grow;
mod model;
mod quantiles;
mod rarity;
mod rng;
mod score;
#[cfg(target_arch = "x86_64")]
mod simd;
mod tables;
mod tree;
mod usual;
mod wire;

pub use average::{FIXED_ONE, average_path};
pub use explain::Explanation;
pub use file::{ModelFileError, digest};
pub use forest::{Forest, ForestError, ForestOptions, TREE_SAMPLE_MAX, TREES_MAX, WIDTH_MAX};
pub use model::{Facts, FitError, FitOptions, Model, ROWS_MIN, TrainingSet};
pub use quantiles::{Quantiles, QuantilesError};
pub use rarity::{BUCKETS, DOMAINS_MAX, Rarity, RarityCounts};
pub use rng::Rng;
pub use score::Backend;
pub use tree::{Node, Tree, TreeError};
pub use usual::Usual;
