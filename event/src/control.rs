//! Control records: what people, and the trainer, decide. Journaled by one sequencer, in one order, and folded by the
//! same pure code in the sequencer, in the dataflow and in the views.

use crate::documents::{Disposition, LedgerRow, ModelCard, Pattern};
use crate::hash::HashKeys;
use crate::settings::DecisionSettings;
use crate::{EventId, Stamp};
use serde::{Deserialize, Serialize};

/// A control with who gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// Who: `admin`, `trainer`, `system`, a key's name.
    pub actor: String,
    /// What.
    pub control: Control,
}

/// What can be decided. It takes effect from the epoch after the frame that it ends.
///
/// Sessions and marks are named after the control that began them: `EventId::of_control(epoch)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "control", rename_all = "snake_case")]
pub enum Control {
    /// The first record of a journal generation.
    Genesis {
        /// Counts the resets.
        generation: u64,
        /// Keys of all hashes.
        keys: HashKeys,
        /// See [`DECISION_VERSION`].
        decision_version: u32,
        /// The settings that decide.
        settings: DecisionSettings,
    },
    /// The settings that decide, changed.
    Settings {
        /// All of them.
        settings: DecisionSettings,
    },
    /// Training begins.
    TrainStart,
    /// Training ends; the trainer owes a model.
    TrainStop,
    /// The trainer could not make a model; the old one stays.
    TrainFailed {
        /// The session that it was to come from.
        session: EventId,
        /// The control that asked for it.
        asked_by: EventId,
        /// Why.
        reason: String,
    },
    /// A model is durable under its digest; it scores from the next epoch on.
    ModelAnnounced {
        /// Which training session it came from.
        session: EventId,
        /// The control that asked for it: a `TrainStop`, or a mark.
        asked_by: EventId,
        /// What it is.
        card: ModelCard,
    },
    /// Live scoring begins: trust restarts at 100.
    LiveStart,
    /// Live scoring ends.
    LiveStop,
    /// A session is closed by force, without a model.
    SessionClose {
        /// Which.
        session: EventId,
    },
    /// Anomalies were normal: their rows are retracted, the pattern is suppressed, the model learns.
    MarkNormal {
        /// What is retracted, whole, as the store had it.
        anomalies: Vec<MarkedAnomaly>,
        /// What is suppressed from the next epoch on.
        pattern: Pattern,
        /// Whether all anomalies of the pattern were meant, or one.
        scope: MarkScope,
        /// A note for people.
        comment: String,
    },
    /// A mark is taken back: its rows count again, its pattern is no longer suppressed.
    UndoMark {
        /// The mark.
        mark: EventId,
    },
    /// An anomaly was judged without touching trust.
    Label {
        /// The anomaly.
        anomaly: EventId,
        /// The judgement; `None` takes it back.
        disposition: Option<Disposition>,
        /// The judgement before.
        before: Option<Disposition>,
        /// A note for people.
        comment: String,
    },
    /// Everything but the audit trail is forgotten; a new generation follows.
    Reset,
}

/// An anomaly that a mark retracts: all that the retraction needs of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkedAnomaly {
    /// What it cost, and whom.
    pub row: LedgerRow,
    /// Its confidence, which leaves the average.
    pub confidence: f64,
    /// Its judgement before.
    pub disposition: Option<Disposition>,
    /// Its features, which training takes as normal.
    pub features: Vec<f32>,
}

/// How far a mark reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkScope {
    /// This anomaly is retracted; its pattern is suppressed from now on.
    #[default]
    Anomaly,
    /// Past anomalies of the pattern in the same session are retracted too.
    Pattern,
}

/// The version of everything that decides: hashes, features, forest, ledger. A replay under another one is refused.
pub const DECISION_VERSION: u32 = 1;

impl Control {
    /// Its name in logs and audit records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Genesis { .. } => "genesis",
            Self::Settings { .. } => "settings",
            Self::TrainStart => "train_start",
            Self::TrainStop => "train_stop",
            Self::TrainFailed { .. } => "train_failed",
            Self::ModelAnnounced { .. } => "model_announced",
            Self::LiveStart => "live_start",
            Self::LiveStop => "live_stop",
            Self::SessionClose { .. } => "session_close",
            Self::MarkNormal { .. } => "mark_normal",
            Self::UndoMark { .. } => "undo_mark",
            Self::Label { .. } => "label",
            Self::Reset => "reset",
        }
    }
}

/// An entry of the audit trail: one for every control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The control's id.
    pub id: EventId,
    /// When it was journaled.
    pub ts: Stamp,
    /// Who.
    pub actor: String,
    /// What: [`Control::name`].
    pub action: String,
    /// What it was about, in short.
    pub detail: String,
}
