//! Isolation Forest after Liu, Ting and Zhou, "Isolation Forest", ICDM 2008: what is few and different is isolated by
//! few random splits, so a short mean path means an anomaly.

use crate::average::{FIXED_ONE, average_path, height_limit};
use crate::grow::Grower;
use crate::score::Backend;
use crate::tables::Tables;
use crate::tree::{Tree, TreeError};

/// Most trees of a forest. With [`TREE_SAMPLE_MAX`] it keeps a path sum below 2^32.
pub const TREES_MAX: u32 = 1_000;
/// Most rows a tree is grown from.
pub const TREE_SAMPLE_MAX: u32 = 4_096;
/// Most columns of a row.
pub const WIDTH_MAX: usize = 256;

/// How to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForestOptions {
    /// Trees; 1 to [`TREES_MAX`].
    pub trees: u32,
    /// Rows a tree is grown from, fewer where there are fewer; 2 to [`TREE_SAMPLE_MAX`].
    pub sample: u32,
    /// From which every random choice follows.
    pub seed: u64,
}

/// No forest can be grown, or made, from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForestError {
    /// No column, or too many.
    #[error("rows have {width} columns; a forest takes 1 to {WIDTH_MAX}")]
    Width {
        /// Columns given.
        width: usize,
    },
    /// The values do not make whole rows, or make too many.
    #[error("{values} values do not make rows of {width} columns")]
    Ragged {
        /// Values given.
        values: usize,
        /// Columns asked for.
        width: usize,
    },
    /// One row cannot be told from another.
    #[error("{have} rows; a forest takes at least 2")]
    TooFewRows {
        /// Rows given.
        have: usize,
    },
    /// A value is infinite or not a number.
    #[error("row {row} has a value in column {column} that is not finite")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
    },
    /// Too few trees, or too many.
    #[error("{trees} trees; a forest has 1 to {TREES_MAX}")]
    Trees {
        /// Trees asked for.
        trees: usize,
    },
    /// Too small a sample, or too large.
    #[error("a sample of {sample} rows a tree; it must be 2 to {TREE_SAMPLE_MAX}")]
    Sample {
        /// Rows asked for.
        sample: u32,
    },
    /// A tree is broken.
    #[error("tree {number}: {error}")]
    Tree {
        /// Which, from 0.
        number: usize,
        /// How.
        error: TreeError,
    },
}

/// A grown forest, ready to score.
#[derive(Clone, Debug)]
pub struct Forest {
    pub(crate) width: usize,
    sample: u32,
    trees: Vec<Tree>,
    pub(crate) tables: Tables,
    #[cfg(target_arch = "x86_64")]
    pub(crate) lanes: Option<crate::simd::Lanes>,
    pub(crate) backend: Backend,
    /// Path sum at which a score is one half: trees · c(sample), in fixed point.
    pub(crate) half: f64,
}

/// Equal as grown; how it is laid out on this machine does not count.
impl PartialEq for Forest {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.sample, &self.trees) == (other.width, other.sample, &other.trees)
    }
}

impl Forest {
    /// Grows a forest from rows of `width` values each, one after the other.
    ///
    /// # Errors
    /// The rows or options are out of range, or a value is not finite; see [`ForestError`].
    pub fn fit(rows: &[f32], width: usize, options: ForestOptions) -> Result<Self, ForestError> {
        if !(1..=WIDTH_MAX).contains(&width) {
            return Err(ForestError::Width { width });
        }
        let count = rows.len() / width;
        if !rows.len().is_multiple_of(width) || count >= u32::MAX as usize {
            return Err(ForestError::Ragged { values: rows.len(), width });
        }
        if !(2..=TREE_SAMPLE_MAX).contains(&options.sample) {
            return Err(ForestError::Sample { sample: options.sample });
        }
        if count < 2 {
            return Err(ForestError::TooFewRows { have: count });
        }
        if !(1..=TREES_MAX).contains(&options.trees) {
            return Err(ForestError::Trees { trees: options.trees as usize });
        }
        if let Some(at) = first_not_finite(rows) {
            return Err(ForestError::NotFinite { row: at / width, column: at % width });
        }
        let sample = options.sample.min(count as u32);
        let mut grower = Grower::new(rows, width, sample as usize, options.seed);
        Ok(Self::laid_out(width, sample, (0..options.trees).map(|number| grower.tree(number)).collect()))
    }

    /// A forest of trees that were grown before, each from `sample` rows of `width` columns.
    ///
    /// # Errors
    /// Something is out of range, or a tree is broken.
    pub fn from_trees(width: usize, sample: u32, trees: Vec<Tree>) -> Result<Self, ForestError> {
        if !(1..=WIDTH_MAX).contains(&width) {
            return Err(ForestError::Width { width });
        }
        if !(2..=TREE_SAMPLE_MAX).contains(&sample) {
            return Err(ForestError::Sample { sample });
        }
        if !(1..=TREES_MAX as usize).contains(&trees.len()) {
            return Err(ForestError::Trees { trees: trees.len() });
        }
        let height = height_limit(sample);
        for (number, tree) in trees.iter().enumerate() {
            tree.check(width, sample, height).map_err(|error| ForestError::Tree { number, error })?;
        }
        Ok(Self::laid_out(width, sample, trees))
    }

    fn laid_out(width: usize, sample: u32, trees: Vec<Tree>) -> Self {
        let tables = Tables::new(&trees, sample);
        let backend = Backend::best(width);
        #[cfg(target_arch = "x86_64")]
        let lanes = (backend != Backend::Portable).then(|| crate::simd::Lanes::new(&tables));
        let half = trees.len() as f64 * average_path(sample) * f64::from(FIXED_ONE);
        Self {
            width,
            sample,
            trees,
            tables,
            #[cfg(target_arch = "x86_64")]
            lanes,
            backend,
            half,
        }
    }

    /// Columns of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows each tree was grown from.
    pub fn sample(&self) -> u32 {
        self.sample
    }

    /// The trees as grown.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The score of a path sum: 2^(−E(h)/c(sample)), between 0 and 1, higher is more anomalous (equation 2 there).
    #[inline]
    pub fn score(&self, path_sum: u32) -> f64 {
        libm::exp2(-f64::from(path_sum) / self.half)
    }
}

/// Where the first infinity or NaN stands.
fn first_not_finite(values: &[f32]) -> Option<usize> {
    const BLOCK: usize = 4096;
    // Without an early exit inside a block the check is one pass of vector instructions.
    let broken = |block: &[f32]| block.iter().fold(false, |any, x| any | !x.is_finite());
    let block = values.chunks(BLOCK).position(broken)?;
    values[block * BLOCK..].iter().position(|x| !x.is_finite()).map(|at| block * BLOCK + at)
}
