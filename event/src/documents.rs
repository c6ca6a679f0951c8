//! The documents that are stored, answered and pushed. Their field names are those of the API.

use crate::entity::Entity;
use crate::kind::EventType;
use crate::points::MilliPoints;
use crate::settings::SeverityBands;
use crate::{EventId, EventTime, Stamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Collecting what is normal.
    Training,
    /// Scoring, and folding trust.
    Live,
}

impl Mode {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Live => "live",
        }
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Taking events.
    Active,
    /// Training has stopped and its model is being made.
    Fitting,
    /// Ended as meant.
    Completed,
    /// Training ended without a model.
    Failed,
    /// Closed by force.
    Closed,
}

/// A training or live session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Named after the control that began it.
    pub id: EventId,
    /// What it is for.
    pub mode: Mode,
    /// How far it is.
    pub status: SessionStatus,
    /// True while it takes events.
    pub is_active: bool,
    /// When it began.
    pub start_time: Stamp,
    /// When it ended.
    pub end_time: Option<Stamp>,
    /// Digest of the model it made (training) or began with (live).
    pub model_version: Option<String>,
    /// Events taken in while it was active, log lines included.
    pub events_count: u64,
    /// The same by event type; key `log` for log lines.
    pub events_by_type: BTreeMap<String, u64>,
    /// Anomalies found, those marked normal included.
    pub anomalies_count: u64,
    /// Why it failed, where it did.
    pub reason: Option<String>,
}

/// How grave, by score; see [`SeverityBands`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl SeverityBands {
    /// The severity of a score.
    pub fn severity(&self, score: f64) -> Severity {
        if score >= self.critical {
            Severity::Critical
        } else if score >= self.high {
            Severity::High
        } else if score >= self.medium {
            Severity::Medium
        } else {
            Severity::Low
        }
    }
}

/// One feature's part in a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The feature's name, as in the feature table.
    pub feature: String,
    /// Its meaning, in a few words.
    pub meaning: String,
    /// Its value, in the table's unit.
    pub value: f64,
    /// The unit.
    pub unit: String,
    /// The middle of what training saw, in the same unit.
    pub usual: f64,
    /// What it adds to the score; `base + Σ contribution = score`.
    pub contribution: f64,
}

/// What an admin calls normal: this entity doing this, with this, to this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pattern {
    /// Whose behaviour.
    pub entity: Entity,
    /// Which activity.
    pub event_type: EventType,
    /// With or on what; may be empty.
    pub object: String,
    /// The other side's address; may be empty.
    pub peer: String,
}

/// What was judged of an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It was an attack, or misuse.
    TruePositive,
    /// It was normal: marked so, and retracted.
    FalsePositive,
    /// It was what it looked like, and allowed.
    BenignTruePositive,
}

/// An event that scored above the threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The event's id.
    pub id: EventId,
    /// The live session.
    pub session_id: EventId,
    /// When it happened.
    pub ts: EventTime,
    /// When it was taken in.
    pub ingested: Stamp,
    /// Which activity.
    pub event_type: EventType,
    /// Whose behaviour.
    pub entity: Entity,
    /// On which machine, where known.
    pub host: Option<String>,
    /// One sentence: what happened.
    pub summary: String,
    /// 0 to 1, higher is more anomalous.
    pub score: f64,
    /// The threshold it passed.
    pub threshold: f64,
    /// The share of training scores below it, 0 to 1.
    pub confidence: f64,
    /// How grave.
    pub severity: Severity,
    /// What a score starts from before any feature is looked at.
    pub base: f64,
    /// The features' parts, largest first; with `base` they add up to `score`.
    pub reasons: Vec<Reason>,
    /// The feature vector, as scored, in the feature table's order.
    pub features: Vec<f32>,
    /// Points it cost.
    pub penalty: MilliPoints,
    /// The entity's trust before and after it.
    pub trust_before: MilliPoints,
    /// The entity's trust after it, as decided then.
    pub trust_after: MilliPoints,
    /// What would be suppressed by marking it normal.
    pub pattern: Pattern,
    /// Digest of the model that scored it.
    pub model_version: String,
    /// What was judged; `false_positive` means marked normal and retracted.
    pub disposition: Option<Disposition>,
    /// The mark that retracted it, for undo.
    pub mark: Option<EventId>,
    /// The event as an ECS document.
    pub event: Value,
    /// The raw record, as text (bytes that are not UTF-8 replaced).
    pub raw: String,
}

/// What an anomaly costs, and whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The anomaly.
    pub anomaly: EventId,
    /// The live session.
    pub session_id: EventId,
    /// Whose behaviour.
    pub entity: Entity,
    /// On which machine, where known.
    pub host: Option<String>,
    /// Points.
    pub penalty: MilliPoints,
}

/// A change of one scope's trust: a point of its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustChange {
    /// What changed it: an anomaly's id, or the id of a mark, an undo.
    pub cause: EventId,
    /// The live session.
    pub session_id: EventId,
    /// Whose trust.
    pub scope: Entity,
    /// Event time of the cause (for a correction: when it was journaled).
    pub ts: EventTime,
    /// When we knew.
    pub known_at: Stamp,
    /// Trust before.
    pub before: MilliPoints,
    /// Trust after.
    pub after: MilliPoints,
    /// Sum of penalties after, which may exceed 100.
    pub debt: MilliPoints,
}

/// Trust crossed the warning line, or came back through a correction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The cause of the crossing.
    pub id: EventId,
    /// The live session.
    pub session_id: EventId,
    /// Whose trust.
    pub scope: Entity,
    /// When we knew.
    pub ts: Stamp,
    /// Firing, or withdrawn.
    pub state: NoticeState,
    /// Trust after the crossing.
    pub trust: MilliPoints,
    /// One sentence for people.
    pub text: String,
    /// The correction that withdrew it.
    pub withdrawn_by: Option<EventId>,
}

/// Whether a notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    /// It stands.
    Firing,
    /// A correction lifted trust again.
    Withdrawn,
}

/// What is to be known of a model without its trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// SHA-256 of the model file, in hex: the model's name.
    pub digest: String,
    /// Training rows that the sample held.
    pub rows: u64,
    /// Events that the training session scored-to-be held.
    pub events: u64,
    /// Entities among them.
    pub entities: u64,
    /// Rows that an admin marked normal.
    pub marked_rows: u64,
    /// Trees.
    pub trees: u32,
    /// Rows a tree was grown from.
    pub tree_sample: u32,
    /// The seed of sampling and growing.
    pub seed: u64,
    /// The threshold at the contamination of its making.
    pub threshold: f64,
    /// That contamination.
    pub contamination: f64,
    /// First event time in training, where there was any.
    pub first_event: Option<EventTime>,
    /// Last event time in training.
    pub last_event: Option<EventTime>,
}

/// Bytes that became no event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where it stood in the journal.
    pub id: EventId,
    /// When it was taken in.
    pub ts: Stamp,
    /// The source's name.
    pub source: String,
    /// The sender.
    pub peer: String,
    /// The stable code of the reason.
    pub code: String,
    /// The reason.
    pub reason: String,
    /// The raw record, as text (bytes that are not UTF-8 replaced), at most 64 KiB.
    pub raw: String,
    /// How long the raw record was, in bytes.
    pub raw_bytes: u64,
}

/// An event as the archive keeps it and the API answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub ts: EventTime,
    /// When it was taken in.
    pub ingested: Stamp,
    /// The session that was active, if any.
    pub session_id: Option<EventId>,
    /// Event type, or `log`.
    pub event_type: String,
    /// Whose behaviour.
    pub entity: Entity,
    /// Its score; `None` where none was made.
    pub score: Option<f32>,
    /// Whether it was an anomaly when it was decided.
    pub is_anomaly: bool,
    /// Points it cost when it was decided.
    pub trust_impact: MilliPoints,
    /// The event as an ECS document.
    pub event: Value,
}
