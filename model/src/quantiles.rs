//! Where a score stands among the training scores.

/// Training scores at chosen ranks: evenly over all, and ever closer to one another towards the top, where thresholds are.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// Ascending, from 1; the last is the number of training scores.
    ranks: Vec<u32>,
    /// The score of each rank; not descending. All are `f32`s, so that a score rounded to `f32` compares as it was scored.
    scores: Vec<f32>,
}

/// Ranks and scores that are no quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantilesError {
    /// No score.
    #[error("there are no scores")]
    Empty,
    /// The ranks do not ascend from 1, or are not as many as the scores.
    #[error("ranks must ascend from 1, one a score")]
    Ranks,
    /// A score descends, or is outside 0 and 1.
    #[error("scores must ascend within 0 and 1")]
    Scores,
}

/// Ranks kept evenly over all scores.
const EVEN: u64 = 1024;
/// Steps a factor of two in the upper tail, and the exponents it runs over: from 1/2 down to less than 1e-5.
const TAIL_STEPS: u32 = 32;
const TAIL_OCTAVES: std::ops::Range<u32> = 1..17;

/// The rank whose score at most a share of `contamination` exceeds, among `n`.
fn rank_for(contamination: f64, n: u32) -> u32 {
    let above = (contamination.clamp(0.0, 1.0) * f64::from(n)) as u32;
    (n - above.min(n)).max(1)
}

impl Quantiles {
    /// Keeps what is needed of the training scores, among it the exact threshold for `contamination`.
    ///
    /// # Errors
    /// There are none, too many (2^32 or more), or one is outside 0 and 1.
    pub fn new(mut scores: Vec<f32>, contamination: f64) -> Result<Self, QuantilesError> {
        let n = u32::try_from(scores.len()).map_err(|_| QuantilesError::Ranks)?;
        if n == 0 {
            return Err(QuantilesError::Empty);
        }
        scores.sort_unstable_by(f32::total_cmp);
        let even = (1..=EVEN).map(|i| (u64::from(n) * i).div_ceil(EVEN) as u32);
        let tail = (TAIL_OCTAVES.start * TAIL_STEPS..=TAIL_OCTAVES.end * TAIL_STEPS)
            .map(|k| rank_for(libm::exp2(-f64::from(k) / f64::from(TAIL_STEPS)), n));
        let mut ranks: Vec<u32> = even.chain(tail).chain([1, n, rank_for(contamination, n)]).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let kept = ranks.iter().map(|rank| scores[*rank as usize - 1]).collect();
        Self::from_parts(ranks, kept)
    }

    /// Quantiles that were kept before.
    ///
    /// # Errors
    /// They are none; see [`QuantilesError`].
    pub fn from_parts(ranks: Vec<u32>, scores: Vec<f32>) -> Result<Self, QuantilesError> {
        if scores.is_empty() {
            return Err(QuantilesError::Empty);
        }
        if ranks.len() != scores.len() || ranks[0] != 1 || !ranks.is_sorted_by(|a, b| a < b) {
            return Err(QuantilesError::Ranks);
        }
        let within = scores.iter().all(|s| (0.0..=1.0).contains(s));
        if within && scores.is_sorted() { Ok(Self { ranks, scores }) } else { Err(QuantilesError::Scores) }
    }

    /// How many training scores there were.
    pub fn count(&self) -> u32 {
        self.ranks.last().copied().unwrap_or(0)
    }

    /// The kept ranks, ascending from 1.
    pub fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// The training scores at [`Quantiles::ranks`].
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// The training score that at most a share of `contamination` of the training scores exceeds: an event is anomalous
    /// if its score is *greater*. Between kept ranks it is the next higher kept score.
    pub fn threshold(&self, contamination: f64) -> f64 {
        let rank = rank_for(contamination, self.count());
        let at = self.ranks.partition_point(|r| *r < rank).min(self.scores.len() - 1);
        f64::from(self.scores[at])
    }

    /// The share of training scores below this score, 0 to 1: exact at kept ranks, between them a straight line.
    pub fn confidence(&self, score: f64) -> f64 {
        let n = f64::from(self.count());
        let next = self.scores.partition_point(|s| f64::from(*s) < score);
        if next == 0 {
            return 0.0;
        }
        let (rank, low) = (f64::from(self.ranks[next - 1]), f64::from(self.scores[next - 1]));
        let Some(high) = self.scores.get(next).map(|s| f64::from(*s)) else { return 1.0 };
        // At the next kept score itself, one fewer than its rank may lie below it.
        let room = f64::from(self.ranks[next]) - 1.0 - rank;
        (rank + room * (score - low) / (high - low)) / n
    }
}
