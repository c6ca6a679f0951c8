//! What to generate.

use trustfold_event::EventTime;

/// 2026-03-02T00:00:00Z, a Monday.
const DEFAULT_START: EventTime = EventTime(1_772_409_600_000_000);

/// What to generate. The population and its habits follow from `seed` and `entities` alone, so runs that differ in
/// anything else have the same people in them.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorOptions {
    /// Everything drawn follows from it.
    pub seed: u64,
    /// How many events; `u64::MAX` never ends.
    pub events: u64,
    /// How many users, 1 to 10,000,000. Their activity is Zipf-distributed. A user takes about 200 bytes of memory.
    pub entities: u32,
    /// When the first event may arrive.
    pub start: EventTime,
    /// Hours over which `events` are spread, 1 to 1,000,000; where `events` never end, hours in which a million arrive.
    pub span_hours: u32,
    /// The share of labelled events, 0 to 0.5, reached in the long run.
    pub anomaly_share: f64,
}

impl Default for GeneratorOptions {
    fn default() -> Self {
        Self { seed: 42, events: 2_000_000, entities: 10_000, start: DEFAULT_START, span_hours: 480, anomaly_share: 0.005 }
    }
}

/// Options that no generator can follow.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GeneratorError {
    /// `entities` is out of range.
    #[error("{0} entities cannot be generated; it must be 1 to 10,000,000")]
    Entities(u32),
    /// `span_hours` is out of range.
    #[error("{0} hours cannot be generated; it must be 1 to 1,000,000")]
    Span(u32),
    /// `anomaly_share` is out of range.
    #[error("an anomaly share of {0} cannot be generated; it must be 0 to 0.5")]
    AnomalyShare(f64),
    /// A random distribution refused its parameters.
    #[error("a distribution has no such parameters: {0}")]
    Distribution(String),
}

impl GeneratorOptions {
    pub(super) fn check(&self) -> Result<(), GeneratorError> {
        if !(1..=10_000_000).contains(&self.entities) {
            return Err(GeneratorError::Entities(self.entities));
        }
        if !(1..=1_000_000).contains(&self.span_hours) {
            return Err(GeneratorError::Span(self.span_hours));
        }
        if !(0.0..=0.5).contains(&self.anomaly_share) {
            return Err(GeneratorError::AnomalyShare(self.anomaly_share));
        }
        Ok(())
    }
}
