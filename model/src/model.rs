//! A model: all that scoring and explaining need, made from one training set.

use crate::explain::Explanation;
use crate::file;
use crate::forest::{Forest, ForestError, ForestOptions};
use crate::quantiles::Quantiles;
use crate::rarity::{Rarity, RarityCounts};
use crate::usual::Usual;
use sha2::{Digest, Sha256};
use trustfold_event::EventTime;
use trustfold_event::documents::ModelCard;

/// Fewest training rows a model is made from.
pub const ROWS_MIN: usize = 256;

/// What a training session collected.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSet {
    /// Columns of a row.
    pub width: usize,
    /// Sampled rows, one after the other. Their order counts: it is part of the training data.
    pub rows: Vec<f32>,
    /// The first so many rows set the threshold and the quantiles. Those after them, copies of rows that an admin called
    /// normal, only shape the trees: their weight must not move the line for everybody else.
    pub threshold_rows: usize,
    /// Names seen, over all entities and events.
    pub rarity: RarityCounts,
    /// Events that could have been sampled.
    pub events: u64,
    /// Entities among them.
    pub entities: u64,
    /// Rows that an admin marked normal.
    pub marked_rows: u64,
    /// First event time.
    pub first_event: Option<EventTime>,
    /// Last event time.
    pub last_event: Option<EventTime>,
}

/// How to fit; the settings that decide, and the seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitOptions {
    /// Trees; 1 to [`crate::TREES_MAX`].
    pub trees: u32,
    /// Rows a tree is grown from; 2 to [`crate::TREE_SAMPLE_MAX`].
    pub tree_sample: u32,
    /// Share of training rows that the threshold calls anomalous; above 0, at most 0.5.
    pub contamination: f64,
    /// From which every random choice follows.
    pub seed: u64,
    /// Version of the feature table that the rows follow.
    pub feature_version: u32,
}

/// No model can be made from this.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The session was too short.
    #[error("{have} training rows; at least {need} are needed")]
    TooFewRows {
        /// Rows given.
        have: usize,
        /// Rows needed.
        need: usize,
    },
    /// The contamination is not above 0 and at most 0.5.
    #[error("contamination is {0}; it must be above 0 and at most 0.5")]
    Contamination(f64),
    /// The forest cannot be grown.
    #[error(transparent)]
    Forest(#[from] ForestError),
}

/// What is to be known of a model's making.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Trees asked for.
    pub trees: u32,
    /// Rows a tree asked for; it has fewer where there were fewer.
    pub tree_sample: u32,
    /// Contamination asked for.
    pub contamination: f64,
    /// The seed.
    pub seed: u64,
    /// Version of the feature table.
    pub feature_version: u32,
    /// Columns of a row.
    pub width: u16,
    /// Training rows.
    pub rows: u64,
    /// Events that could have been sampled.
    pub events: u64,
    /// Entities among them.
    pub entities: u64,
    /// Rows that an admin marked normal.
    pub marked_rows: u64,
    /// First event time.
    pub first_event: Option<EventTime>,
    /// Last event time.
    pub last_event: Option<EventTime>,
    /// SHA-256 of the training set.
    pub data_digest: [u8; 32],
}

/// A fitted model. It never changes; its name is the digest of its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(crate) facts: Facts,
    pub(crate) forest: Forest,
    pub(crate) quantiles: Quantiles,
    pub(crate) usual: Usual,
    pub(crate) rarity: Rarity,
    pub(crate) digest: String,
}

impl Model {
    /// Fits a model. The same set and options give the same model on any machine.
    ///
    /// # Errors
    /// There are too few rows, a value is not finite, or an option is out of its range.
    pub fn fit(set: &TrainingSet, options: FitOptions) -> Result<Self, FitError> {
        // An empty set of any width is a short session, not a malformed one.
        let have = set.threshold_rows.min(set.rows.len() / set.width.max(1));
        if have < ROWS_MIN {
            return Err(FitError::TooFewRows { have, need: ROWS_MIN });
        }
        if !(options.contamination > 0.0 && options.contamination <= 0.5) {
            return Err(FitError::Contamination(options.contamination));
        }
        let grow = ForestOptions { trees: options.trees, sample: options.tree_sample, seed: options.seed };
        let forest = Forest::fit(&set.rows, set.width, grow)?;
        let mut scores = Vec::new();
        let calibrating = &set.rows[..have * set.width];
        score_rows(&forest, calibrating, &mut scores);
        // There are scores, fewer than 2^32 of them, each a power of two to an exponent of at most 0.
        let quantiles =
            Quantiles::new(scores, options.contamination).map_err(|_| FitError::TooFewRows { have, need: ROWS_MIN })?;
        let facts = Facts {
            trees: options.trees,
            tree_sample: options.tree_sample,
            contamination: options.contamination,
            seed: options.seed,
            feature_version: options.feature_version,
            width: set.width as u16,
            rows: have as u64,
            events: set.events,
            entities: set.entities,
            marked_rows: set.marked_rows,
            first_event: set.first_event,
            last_event: set.last_event,
            data_digest: set.digest(),
        };
        let usual = Usual::new(calibrating, set.width);
        let mut model = Self { facts, forest, quantiles, usual, rarity: Rarity::from_counts(&set.rarity), digest: String::new() };
        model.digest = file::digest(&model.encode());
        Ok(model)
    }

    /// What is to be known of it without its trees.
    pub fn card(&self) -> ModelCard {
        let facts = &self.facts;
        ModelCard {
            digest: self.digest.clone(),
            rows: facts.rows,
            events: facts.events,
            entities: facts.entities,
            marked_rows: facts.marked_rows,
            trees: facts.trees,
            tree_sample: facts.tree_sample,
            seed: facts.seed,
            threshold: self.threshold(),
            contamination: facts.contamination,
            first_event: facts.first_event,
            last_event: facts.last_event,
        }
    }

    /// SHA-256 of its bytes, in hex: its name.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What is to be known of its making.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its forest.
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Where a score stands among the training scores.
    pub fn quantiles(&self) -> &Quantiles {
        &self.quantiles
    }

    /// What training saw as usual.
    pub fn usual(&self) -> &Usual {
        &self.usual
    }

    /// How rare names are.
    pub fn rarity(&self) -> &Rarity {
        &self.rarity
    }

    /// The threshold at the contamination of its making; a score above it is anomalous.
    pub fn threshold(&self) -> f64 {
        self.quantiles.threshold(self.facts.contamination)
    }

    /// The score of each row, put in place of what `scores` held; 0 to 1, higher is more anomalous.
    pub fn score_rows(&self, rows: &[f32], scores: &mut Vec<f32>) {
        score_rows(&self.forest, rows, scores);
    }

    /// Explains the score of one row. Its `score`, rounded to `f32`, is that of [`Model::score_rows`]; it is above a
    /// threshold wherever the rounded one is.
    pub fn explain(&self, row: &[f32]) -> Explanation {
        self.forest.explain(row)
    }
}

/// Rows scored at a time, so that the sums need no memory of their own.
const AT_ONCE: usize = 1024;

fn score_rows(forest: &Forest, rows: &[f32], scores: &mut Vec<f32>) {
    scores.clear();
    let mut sums = Vec::with_capacity(AT_ONCE.min(rows.len() / forest.width()));
    for rows in rows.chunks(AT_ONCE * forest.width()) {
        forest.path_sums(rows, &mut sums);
        scores.extend(sums.iter().map(|sum| forest.score(*sum) as f32));
    }
}

impl TrainingSet {
    /// SHA-256 over all that it holds.
    fn digest(&self) -> [u8; 32] {
        let mut sha = Sha256::new();
        sha.update(b"trustfold training set 1");
        let time = |t: Option<EventTime>| t.map_or([0; 9], file::time_bytes);
        sha.update((self.width as u64).to_le_bytes());
        sha.update((self.rows.len() as u64).to_le_bytes());
        let mut buffer = Vec::with_capacity(4 * 4096);
        for values in self.rows.chunks(4096) {
            buffer.clear();
            buffer.extend(values.iter().flat_map(|x| x.to_bits().to_le_bytes()));
            sha.update(&buffer);
        }
        for n in [self.events, self.entities, self.marked_rows, self.rarity.domains() as u64] {
            sha.update(n.to_le_bytes());
        }
        sha.update(time(self.first_event));
        sha.update(time(self.last_event));
        for domain in 0..self.rarity.domains() {
            sha.update(self.rarity.total(domain).to_le_bytes());
        }
        for (domain, bucket, count) in self.rarity.seen() {
            sha.update((domain as u32).to_le_bytes());
            sha.update((bucket as u32).to_le_bytes());
            sha.update(count.to_le_bytes());
        }
        sha.finalize().into()
    }
}
