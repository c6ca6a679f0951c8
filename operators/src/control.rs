//! The state that controls fold into. The sequencer asks it what to refuse, the views what is active; both fold the
//! same records in the same order, so they agree.

use std::collections::BTreeMap;
use trustfold_event::control::{Control, ControlRecord, MarkedAnomaly};
use trustfold_event::documents::{Mode, ModelCard, Pattern};
use trustfold_event::hash::HashKeys;
use trustfold_event::settings::DecisionSettings;
use trustfold_event::{Epoch, EventId};

/// A control conflicts with what is so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// Stable: `already_active`, `not_active`, `training_active`, `not_trained`, `conflict`, `not_found`.
    pub code: &'static str,
    /// The sentence for people.
    pub detail: String,
}

fn refuse<T>(code: &'static str, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, detail: detail.into() })
}

/// A mark that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What it retracted.
    pub anomalies: Vec<MarkedAnomaly>,
    /// The pattern it suppresses.
    pub pattern: Pattern,
}

/// What the controls so far amount to.
#[derive(Clone, Debug, Default)]
pub struct ControlState {
    /// Counts the resets.
    pub generation: u64,
    /// The generation's keys; `None` before the genesis record.
    pub keys: Option<HashKeys>,
    /// The settings that decide.
    pub settings: DecisionSettings,
    /// The active session.
    pub active: Option<(Mode, EventId)>,
    /// The last training session, active or not.
    pub last_training: Option<EventId>,
    /// The last live session, active or not.
    pub last_live: Option<EventId>,
    /// A training session that has stopped and has no model yet.
    pub fitting: Option<EventId>,
    /// The newest control that asks for a model which has not come yet.
    pub owed: Option<EventId>,
    /// The model that scores.
    pub model: Option<ModelCard>,
    /// Marks that stand.
    pub marks: BTreeMap<EventId, Mark>,
    /// Anomalies that a standing mark retracts, with the mark.
    pub retracted: BTreeMap<EventId, EventId>,
}

impl ControlState {
    /// Whether the control may be journaled now.
    ///
    /// # Errors
    /// The refusal, with the seed's sentence.
    pub fn check(&self, control: &Control) -> Result<(), Refusal> {
        let active = self.active.map(|(mode, _)| mode);
        match control {
            Control::TrainStart => match active {
                Some(Mode::Training) => refuse("already_active", "Training is already active."),
                Some(Mode::Live) => refuse("already_active", "Training cannot start while live mode is active."),
                None if self.fitting.is_some() => refuse("conflict", "The model is still being trained."),
                None => Ok(()),
            },
            Control::TrainStop if active != Some(Mode::Training) => refuse("not_active", "Training is not active."),
            Control::LiveStart => match active {
                Some(Mode::Training) => refuse("training_active", "Live mode cannot start while training is active."),
                Some(Mode::Live) => refuse("already_active", "Live mode is already active."),
                None if self.model.is_none() => refuse("not_trained", "Training not yet completed."),
                None => Ok(()),
            },
            Control::LiveStop if active != Some(Mode::Live) => refuse("not_active", "Live mode is not active."),
            Control::MarkNormal { anomalies, .. } => {
                match anomalies.iter().find(|a| self.retracted.contains_key(&a.row.anomaly)) {
                    Some(marked) => refuse("conflict", format!("Anomaly {} is already marked normal.", marked.row.anomaly)),
                    None => Ok(()),
                }
            }
            Control::UndoMark { mark } if !self.marks.contains_key(mark) => {
                refuse("not_found", format!("There is no standing mark {mark}."))
            }
            Control::Label { anomaly, .. } if self.retracted.contains_key(anomaly) => {
                refuse("conflict", format!("Anomaly {anomaly} is marked normal; undo the mark first."))
            }
            // The trainer's word on a question that nobody asks any more changes nothing.
            Control::ModelAnnounced { asked_by, .. } | Control::TrainFailed { asked_by, .. } if self.owed != Some(*asked_by) => {
                refuse("conflict", "That model is no longer asked for.")
            }
            _ => Ok(()),
        }
    }

    /// Folds a control that was journaled at the end of `epoch`.
    pub fn apply(&mut self, epoch: Epoch, record: &ControlRecord) {
        let id = EventId::of_control(epoch);
        match &record.control {
            Control::Genesis { generation, keys, settings, .. } => {
                self.generation = *generation;
                self.keys = Some(*keys);
                self.settings = settings.clone();
            }
            Control::Settings { settings } => self.settings = settings.clone(),
            Control::TrainStart => {
                self.active = Some((Mode::Training, id));
                self.last_training = Some(id);
            }
            Control::TrainStop => {
                self.fitting = self.active.take().map(|(_, session)| session);
                self.owed = Some(id);
            }
            Control::TrainFailed { asked_by, .. } => {
                if self.owed == Some(*asked_by) {
                    (self.fitting, self.owed) = (None, None);
                }
            }
            Control::ModelAnnounced { card, .. } => {
                (self.fitting, self.owed) = (None, None);
                self.model = Some(card.clone());
            }
            Control::LiveStart => {
                self.active = Some((Mode::Live, id));
                self.last_live = Some(id);
            }
            Control::LiveStop => self.active = None,
            Control::SessionClose { session } => {
                if self.active.is_some_and(|(_, active)| active == *session) {
                    self.active = None;
                }
                if self.fitting == Some(*session) {
                    (self.fitting, self.owed) = (None, None);
                }
            }
            Control::MarkNormal { anomalies, pattern, .. } => {
                self.retracted.extend(anomalies.iter().map(|a| (a.row.anomaly, id)));
                self.marks.insert(id, Mark { anomalies: anomalies.clone(), pattern: pattern.clone() });
                self.ask(id);
            }
            Control::UndoMark { mark } => {
                if self.marks.remove(mark).is_some() {
                    self.retracted.retain(|_, by| by != mark);
                    self.ask(id);
                }
            }
            Control::Label { .. } => {}
            Control::Reset => *self = Self { generation: self.generation, ..Self::default() },
        }
    }

    /// A correction asks for a new model, where there is one to correct and no training is under way.
    fn ask(&mut self, by: EventId) {
        if self.model.is_some() && self.fitting.is_none() && !matches!(self.active, Some((Mode::Training, _))) {
            self.owed = Some(by);
        }
    }

    /// Feature vectors that standing marks call normal, in the order of the marks.
    pub fn marked_features(&self) -> Vec<Vec<f32>> {
        self.marks.values().flat_map(|m| m.anomalies.iter().map(|a| a.features.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(state: &mut ControlState, epoch: u64, control: Control) -> EventId {
        assert_eq!(state.check(&control), Ok(()), "epoch {epoch}");
        state.apply(Epoch(epoch), &ControlRecord { actor: "test".into(), control });
        EventId::of_control(Epoch(epoch))
    }

    #[test]
    fn a_training_that_fails_answers_its_own_question_only() {
        let mut state = ControlState::default();
        let first = fold(&mut state, 1, Control::TrainStart);
        let stopped = fold(&mut state, 2, Control::TrainStop);
        fold(&mut state, 3, Control::SessionClose { session: first });
        let second = fold(&mut state, 4, Control::TrainStart);
        let asked_by = fold(&mut state, 5, Control::TrainStop);
        let late = Control::TrainFailed { session: first, asked_by: stopped, reason: "too few rows".into() };
        assert_eq!(state.check(&late).map_err(|r| r.code), Err("conflict"));
        state.apply(Epoch(6), &ControlRecord { actor: "test".into(), control: late });
        assert_eq!((state.fitting, state.owed), (Some(second), Some(asked_by)), "the second one is still owed its model");
        fold(&mut state, 7, Control::TrainFailed { session: second, asked_by, reason: "too few rows".into() });
        assert_eq!((state.fitting, state.owed), (None, None));
    }
}
