//! The mode's step: in training events are collected, in live mode they are scored and cost trust, else they pass.

use crate::epochs::{EpochLogic, by_epoch};
use crate::features::{ByHash, Featured};
use crate::head::Head;
use crate::output::{Decided, Output, ScopeKey, Verdict};
use crate::sample::Sampler;
use crate::score::{Scorer, Suppressed};
use std::collections::BTreeMap;
use std::sync::Arc;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use trustfold_event::EventId;
use trustfold_event::control::{Control, MarkedAnomaly};
use trustfold_event::documents::Mode;
use trustfold_event::entity::EntityKind;
use trustfold_event::hash::{HashKeys, mix};
use trustfold_event::kind::Kind;
use trustfold_event::settings::DecisionSettings;

/// A change of a scope's sum, in milli-points, as differential takes it: (data, time, difference).
pub type LedgerUpdate = (ScopeKey, u64, isize);

/// What the judge is told beyond the controls.
#[derive(Clone, Copy, Debug, Default)]
pub struct JudgeOptions {
    /// Training keeps every row, so that they can be scored once the model is there.
    pub keep_training_rows: bool,
}

struct Judge {
    /// This worker's number, and how many there are: a retraction is made once, by the entity's worker.
    worker: (u64, u64),
    keys: HashKeys,
    settings: DecisionSettings,
    mode: Option<(Mode, EventId)>,
    /// The live session whose sums the ledger holds; stays after its end, until the next one.
    ledger_session: Option<EventId>,
    sampler: Sampler,
    scorer: Option<Scorer>,
    suppressed: Suppressed,
    marks: BTreeMap<EventId, Vec<MarkedAnomaly>>,
    /// What this worker has added to each scope, so that the next session can take it out of the trace again.
    standing: ByHash<(ScopeKey, i64)>,
}

impl Judge {
    fn charge(&mut self, side: &mut Vec<LedgerUpdate>, epoch: u64, session: EventId, entity: u64, host: u64, milli: i64) {
        let scopes = [0, entity, if host == entity { 0 } else { host }];
        for (i, scope) in scopes.into_iter().enumerate() {
            if i == 0 || scope != 0 {
                let key = ScopeKey { session: session.epoch.0, entity: scope };
                side.push((key, epoch, milli as isize));
                self.standing.entry(mix(scope)).or_insert((key, 0)).1 += milli;
            }
        }
    }

    /// Adds or retracts rows of the ledger's session that belong to this worker.
    fn correct(&mut self, side: &mut Vec<LedgerUpdate>, epoch: u64, marked: &[MarkedAnomaly], sign: i64) {
        let session = self.ledger_session;
        for row in marked.iter().map(|m| &m.row).filter(|row| Some(row.session_id) == session) {
            let entity = self.keys.name(row.entity.kind as u8, &row.entity.name);
            let host = row.host.as_deref().map_or(0, |h| self.keys.name(EntityKind::Host as u8, h));
            if mix(entity) % self.worker.1 == self.worker.0 {
                self.charge(side, epoch, row.session_id, entity, host, sign * row.penalty.0);
            }
        }
    }

    /// The old session's sums leave the trace, which else would keep every scope of every session.
    fn clear_ledger(&mut self, side: &mut Vec<LedgerUpdate>, epoch: u64) {
        side.extend(self.standing.drain().filter(|(_, (_, sum))| *sum != 0).map(|(_, (key, sum))| (key, epoch, -sum as isize)));
        self.ledger_session = None;
    }

    fn ask(&mut self, by: EventId, out: &mut Vec<Output>) {
        if let Some(part) = self.sampler.part(by) {
            out.push(Output::Sample(Arc::new(part)));
        }
    }

    fn apply(&mut self, head: &Head, control: &Control, out: &mut Vec<Output>, side: &mut Vec<LedgerUpdate>) {
        let (id, epoch) = (head.control_id(), head.epoch.0);
        match control {
            Control::Genesis { settings, .. } | Control::Settings { settings } => {
                self.settings = settings.clone();
                self.scorer = self.scorer.take().map(|s| Scorer::new(s.handle().clone(), settings));
            }
            Control::TrainStart => {
                self.mode = Some((Mode::Training, id));
                self.sampler.begin(id, self.keys.training);
            }
            Control::TrainStop => {
                self.mode = None;
                self.ask(id, out);
            }
            Control::ModelAnnounced { .. } => {
                if let Some(handle) = &head.model {
                    self.scorer = Some(Scorer::new(handle.clone(), &self.settings));
                }
            }
            Control::LiveStart => {
                self.clear_ledger(side, epoch);
                self.mode = Some((Mode::Live, id));
                self.ledger_session = Some(id);
            }
            Control::LiveStop => self.mode = None,
            Control::SessionClose { session } => {
                if self.mode.is_some_and(|(_, active)| active == *session) {
                    self.mode = None;
                }
            }
            Control::MarkNormal { anomalies, pattern, .. } => {
                self.suppressed.insert(id, pattern, &self.keys);
                self.correct(side, epoch, anomalies, -1);
                self.marks.insert(id, anomalies.clone());
                self.ask(id, out);
            }
            Control::UndoMark { mark } => {
                self.suppressed.remove(*mark);
                if let Some(anomalies) = self.marks.remove(mark) {
                    self.correct(side, epoch, &anomalies, 1);
                    self.ask(id, out);
                }
            }
            Control::Reset => {
                self.clear_ledger(side, epoch);
                *self = Self::new(self.worker, self.sampler.keeps_all());
            }
            Control::TrainFailed { .. } | Control::Label { .. } => {}
        }
    }

    fn new(worker: (u64, u64), keep_all: bool) -> Self {
        Self {
            worker,
            keys: HashKeys::from_seed(0),
            settings: DecisionSettings::default(),
            mode: None,
            ledger_session: None,
            sampler: Sampler::new(keep_all),
            scorer: None,
            suppressed: Suppressed::default(),
            marks: BTreeMap::new(),
            standing: ByHash::default(),
        }
    }
}

impl EpochLogic for Judge {
    type In = Featured;
    type Out = Output;
    type Side = LedgerUpdate;

    fn epoch(&mut self, head: &Head, events: &mut Vec<Featured>, out: &mut Vec<Output>, side: &mut Vec<LedgerUpdate>) {
        self.keys = head.keys;
        let pass = |e: &Featured| {
            Output::Decided(Decided { index: e.event.index, score: f32::NAN, kind: e.event.kind, verdict: Verdict::NotScored })
        };
        match (self.mode, &mut self.scorer) {
            (Some((Mode::Live, session)), Some(scorer)) => {
                let mut findings = Vec::new();
                scorer.judge(events, &self.suppressed, &self.settings, |d| out.push(Output::Decided(d)), |f| findings.push(f));
                for finding in findings {
                    self.charge(side, head.epoch.0, session, finding.entity, finding.host, finding.penalty);
                    out.push(Output::Found(Box::new(finding)));
                }
            }
            (Some((Mode::Training, _)), _) => {
                for featured in events.iter() {
                    if featured.event.kind != Kind::Log {
                        let id = EventId { epoch: head.epoch, process: head.process, index: featured.event.index };
                        self.sampler.add(id, featured);
                    }
                    out.push(pass(featured));
                }
            }
            _ => out.extend(events.iter().map(pass)),
        }
        events.clear();
        if let Some(control) = head.control() {
            self.apply(head, control, out, side);
        }
    }
}

/// The shell: featured events in; decisions, findings and samples out, with the ledger's updates beside them.
pub fn judge<'s>(
    events: StreamVec<'s, u64, Featured>,
    heads: StreamVec<'s, u64, Head>,
    options: JudgeOptions,
) -> (StreamVec<'s, u64, Output>, StreamVec<'s, u64, LedgerUpdate>) {
    let scope = events.scope();
    let worker = (scope.index() as u64, scope.peers() as u64);
    by_epoch(events, Pipeline, heads, "Judge", Judge::new(worker, options.keep_training_rows))
}
