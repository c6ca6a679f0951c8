//! What the dataflow says of an epoch.

use crate::features::{Features, WIDTH};
use crate::sample::SamplePart;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use trustfold_event::kind::Kind;
use trustfold_event::reject::Reject;

/// One thing that an epoch brought forth. `index` is always the place in the epoch's frame.
#[derive(Clone, Debug)]
pub enum Output {
    /// An event was taken in; one for every event.
    Decided(Decided),
    /// A record became no event.
    Rejected(Box<Rejected>),
    /// An event was anomalous; comes beside its `Decided`.
    Found(Box<Finding>),
    /// A scope's sum of penalties changed.
    Trust(Box<TrustSum>),
    /// One worker's share of what training collected.
    Sample(Arc<SamplePart>),
}

/// What was decided of an event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Its place in the frame.
    pub index: u32,
    /// Its score; NaN where none was made.
    pub score: f32,
    /// One of the eight, or a log line.
    pub kind: Kind,
    /// Whether it was called anomalous.
    pub verdict: Verdict,
}

/// Whether an event was called anomalous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Verdict {
    /// No live session, no model, or a log line.
    NotScored = 0,
    /// It scored below the threshold.
    Normal = 1,
    /// It scored above the threshold, but an admin called its pattern normal.
    Suppressed = 2,
    /// It scored above the threshold.
    Anomalous = 3,
}

/// A record that became no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the frame.
    pub index: u32,
    /// Why.
    pub reject: Reject,
}

/// An anomalous event, with what made it so.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its place in the frame.
    pub index: u32,
    /// Whose behaviour, hashed.
    pub entity: u64,
    /// On which machine, hashed; 0 where unknown.
    pub host: u64,
    /// Its score.
    pub score: f64,
    /// The threshold it passed.
    pub threshold: f64,
    /// The share of training scores below it.
    pub confidence: f64,
    /// What a score starts from.
    pub base: f64,
    /// Each feature's part; `base + Σ = score`.
    pub contributions: [f64; WIDTH],
    /// The feature vector as scored.
    pub features: Features,
    /// Milli-points it costs.
    pub penalty: i64,
    /// Digest of the model that scored it.
    pub model: Arc<str>,
}

/// A scope within a live session, as the ledger keys it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeKey {
    /// The epoch that began the live session.
    pub session: u64,
    /// The entity's hash; 0 is the session itself.
    pub entity: u64,
}

/// A scope's sum of penalties, at the end of an epoch that changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrustSum {
    /// The scope.
    pub scope: ScopeKey,
    /// Milli-points before the epoch.
    pub before: i64,
    /// Milli-points after it.
    pub after: i64,
}
