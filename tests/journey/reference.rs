//! The journey, one record after the other: what the dataflow must answer, on any number of workers.
//!
//! Parsers, entity states and models are taken as they are, being tested elsewhere. All that the dataflow adds is done
//! here another way: order, controls, sums (recounted whole from the standing rows at each epoch), suppression (by names
//! and not by hashes), the sample (by sorting everything).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trustfold_event::control::{Control, MarkedAnomaly};
use trustfold_event::documents::{LedgerRow, Mode, Pattern};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::event::Event;
use trustfold_event::hash::{HashKeys, mix};
use trustfold_event::kind::EventType;
use trustfold_event::parse::parse;
use trustfold_event::parsed::Parsed;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Frame;
use trustfold_event::settings::DecisionSettings;
use trustfold_event::{Epoch, EventId};
use trustfold_model::{Rarity, RarityCounts, TrainingSet};
use trustfold_operators::feature_table::{WIDTH, column};
use trustfold_operators::features::{EntityState, Features};
use trustfold_operators::head::ModelHandle;
use trustfold_operators::output::{Decided, Finding, Rejected, ScopeKey, TrustSum, Verdict};
use trustfold_operators::sample::SAMPLE_ROWS_MAX;

/// An anomaly as the store would have it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) marked: MarkedAnomaly,
    pub(crate) pattern: Pattern,
}

/// What a question for a model is to be answered from.
pub(crate) struct Sample {
    pub(crate) asked_by: EventId,
    pub(crate) session: EventId,
    /// Without what is marked normal.
    pub(crate) set: TrainingSet,
}

/// What an epoch must bring forth.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) decided: Vec<Decided>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) trust: Vec<TrustSum>,
    pub(crate) sample: Option<Sample>,
    /// The anomalies, with names.
    pub(crate) found: Vec<Found>,
}

struct Seen {
    id: EventId,
    event: Event,
    values: Features,
}

struct Collected {
    session: EventId,
    seed: u64,
    seen: Vec<Seen>,
}

#[derive(Default)]
pub(crate) struct Reference {
    keys: Option<HashKeys>,
    settings: DecisionSettings,
    mode: Option<(Mode, EventId)>,
    model: Option<ModelHandle>,
    states: BTreeMap<Entity, EntityState>,
    collected: Option<Collected>,
    marks: BTreeMap<EventId, (BTreeSet<EventId>, Pattern)>,
    ledger_session: Option<EventId>,
    rows: Vec<LedgerRow>,
    sums: BTreeMap<ScopeKey, i64>,
}

/// The scopes of a row: the session, whose behaviour, on which machine.
pub(crate) fn scopes(row: &LedgerRow) -> BTreeSet<Entity> {
    let session = Entity::new(EntityKind::Session, row.session_id.to_string());
    let host = row.host.iter().map(|name| Entity::new(EntityKind::Host, name.clone()));
    [session, row.entity.clone()].into_iter().chain(host).collect()
}

/// The hash by which the ledger keys a scope.
pub(crate) fn scope_hash(keys: &HashKeys, scope: &Entity) -> u64 {
    if scope.kind == EntityKind::Session { 0 } else { keys.name(scope.kind as u8, &scope.name) }
}

/// What is counted of an event: its object; its peer, those of connections apart; its port, by type; type and outcome.
fn rarity_keys(event: &Event) -> [u64; 4] {
    let number = event.kind.core().map_or(15, |t| t as u64);
    [
        event.object,
        mix(event.peer ^ u64::from(number == EventType::NetworkConnection as u64)),
        mix((number << 16) | u64::from(event.port)),
        mix(0xff00 | (number << 2) | event.outcome as u64),
    ]
}

fn with_rarity(values: &Features, event: &Event, bits: impl Fn(usize, u64) -> f32) -> Features {
    let mut row = *values;
    let columns = [column::OBJECT_RARITY, column::PEER_RARITY, column::PORT_RARITY, column::OUTCOME_RARITY];
    for ((domain, key), at) in rarity_keys(event).into_iter().enumerate().zip(columns) {
        row[at] = bits(domain, key);
    }
    row[column::TOTAL_RARITY] = columns.iter().map(|at| row[*at]).sum();
    row
}

impl Collected {
    fn set(&self) -> TrainingSet {
        let mut rarity = RarityCounts::new(4);
        for seen in &self.seen {
            rarity_keys(&seen.event).into_iter().enumerate().for_each(|(domain, key)| rarity.add(domain, key));
        }
        let priority = |id: EventId| {
            let place = mix((id.epoch.0 << 32) | u64::from(id.index));
            (mix(self.seed ^ place ^ (u64::from(id.process) << 48)), id)
        };
        let mut sampled: Vec<&Seen> = self.seen.iter().collect();
        sampled.sort_by_key(|seen| priority(seen.id));
        sampled.truncate(SAMPLE_ROWS_MAX);
        let full = |seen: &&Seen| with_rarity(&seen.values, &seen.event, |d, key| Rarity::bits_without(&rarity, d, key));
        let rows = sampled.iter().flat_map(full).collect();
        let times = || self.seen.iter().map(|s| s.event.time);
        TrainingSet {
            width: WIDTH,
            threshold_rows: sampled.len(),
            rows,
            events: self.seen.len() as u64,
            entities: self.seen.iter().map(|s| s.event.entity).collect::<BTreeSet<_>>().len() as u64,
            marked_rows: 0,
            first_event: times().min(),
            last_event: times().max(),
            rarity,
        }
    }
}

impl Reference {
    fn keys(&self) -> HashKeys {
        self.keys.unwrap_or_else(|| HashKeys::from_seed(0))
    }

    /// Takes the next frame, with the model that it announces.
    pub(crate) fn take(&mut self, frame: &Frame, announced: Option<&ModelHandle>) -> Expected {
        let mut expected = Expected::default();
        if let Some(Control::Genesis { keys, .. }) = frame.control.as_ref().map(|c| &c.control) {
            self.keys = Some(*keys);
        }
        let mut index = 0;
        for batch in &frame.batches {
            for at in 0..batch.len() {
                match parse(batch.format, batch.record(at), frame.stamp) {
                    Ok(parsed) => self.event(frame, index, &parsed, &mut expected),
                    Err(reject) => expected.rejected.push(Rejected { index, reject }),
                }
                index += 1;
            }
        }
        self.control(frame, announced, &mut expected);
        self.recount(&mut expected);
        expected
    }

    fn event(&mut self, frame: &Frame, index: u32, parsed: &Parsed<'_>, expected: &mut Expected) {
        let (kind, name) = parsed.entity();
        let entity = Entity::new(kind, name);
        let event = parsed.to_event(index, &self.keys(), frame.stamp);
        let values = self.states.entry(entity.clone()).or_default().step(&event, frame.stamp);
        let mut decided = Decided { index, score: f32::NAN, kind: parsed.kind, verdict: Verdict::NotScored };
        if let Some(event_type) = parsed.kind.core() {
            match (self.mode, &self.model) {
                (Some((Mode::Training, _)), _) => {
                    if let Some(collected) = &mut self.collected {
                        collected.seen.push(Seen { id: frame.id(index), event, values });
                    }
                }
                (Some((Mode::Live, session)), Some(handle)) => {
                    let model = &handle.model;
                    let row = with_rarity(&values, &event, |domain, key| model.rarity().bits(domain, key));
                    let mut scores = Vec::new();
                    model.score_rows(&row, &mut scores);
                    decided.score = scores[0];
                    decided.verdict = Verdict::Normal;
                    let threshold = model.quantiles().threshold(self.settings.contamination);
                    if f64::from(scores[0]) > threshold {
                        let (object, peer) = (parsed.object().to_owned(), parsed.peer().to_owned());
                        let pattern = Pattern { entity: entity.clone(), event_type, object, peer };
                        if self.marks.values().any(|(_, normal)| *normal == pattern) {
                            decided.verdict = Verdict::Suppressed;
                            let nearest = threshold as f32;
                            let above = f64::from(nearest) >= threshold;
                            decided.score = if above { f32::from_bits(nearest.to_bits() - 1) } else { nearest };
                        } else {
                            decided.verdict = Verdict::Anomalous;
                            let why = model.explain(&row);
                            let penalty = MilliPoints((self.settings.weights.of(event_type) * 1000.0).round() as i64);
                            let confidence = model.quantiles().confidence(f64::from(scores[0]));
                            expected.findings.push(Finding {
                                index,
                                entity: event.entity,
                                host: event.host,
                                score: why.score,
                                threshold,
                                confidence,
                                base: why.base,
                                contributions: why.contributions.try_into().unwrap(),
                                features: row,
                                penalty: penalty.0,
                                model: model.digest().into(),
                            });
                            let host = parsed.host.as_deref().map(str::to_owned);
                            let row_of = LedgerRow { anomaly: frame.id(index), session_id: session, entity, host, penalty };
                            self.rows.push(row_of.clone());
                            let marked = MarkedAnomaly { row: row_of, confidence, disposition: None, features: row.to_vec() };
                            expected.found.push(Found { marked, pattern });
                        }
                    }
                }
                _ => {}
            }
        }
        expected.decided.push(decided);
    }

    fn control(&mut self, frame: &Frame, announced: Option<&ModelHandle>, expected: &mut Expected) {
        let Some(record) = &frame.control else { return };
        let id = EventId { epoch: frame.epoch, process: frame.process, index: u32::MAX };
        let asks = match &record.control {
            Control::Genesis { settings, .. } | Control::Settings { settings } => {
                self.settings = settings.clone();
                false
            }
            Control::TrainStart => {
                self.mode = Some((Mode::Training, id));
                self.collected = Some(Collected { session: id, seed: self.keys().training, seen: vec![] });
                false
            }
            Control::TrainStop => {
                self.mode = None;
                true
            }
            Control::ModelAnnounced { .. } => {
                self.model = announced.cloned();
                false
            }
            Control::LiveStart => {
                self.mode = Some((Mode::Live, id));
                self.ledger_session = Some(id);
                false
            }
            Control::LiveStop => {
                self.mode = None;
                false
            }
            Control::SessionClose { session } => {
                if self.mode.is_some_and(|(_, active)| active == *session) {
                    self.mode = None;
                }
                false
            }
            Control::MarkNormal { anomalies, pattern, .. } => {
                let ids = anomalies.iter().map(|a| a.row.anomaly).collect();
                self.marks.insert(id, (ids, pattern.clone()));
                true
            }
            Control::UndoMark { mark } => self.marks.remove(mark).is_some(),
            Control::Reset => {
                let sums = std::mem::take(&mut self.sums);
                *self = Self { sums, ..Self::default() };
                false
            }
            Control::Label { .. } | Control::TrainFailed { .. } => false,
        };
        if asks && let Some(collected) = &self.collected {
            expected.sample = Some(Sample { asked_by: id, session: collected.session, set: collected.set() });
        }
    }

    /// Sums of the rows that stand, in the session that the ledger holds, against those before.
    fn recount(&mut self, expected: &mut Expected) {
        let keys = self.keys();
        let mut sums = BTreeMap::<ScopeKey, i64>::new();
        for row in self.rows.iter().filter(|row| Some(row.session_id) == self.ledger_session) {
            if !self.marks.values().any(|(retracted, _)| retracted.contains(&row.anomaly)) {
                for scope in scopes(row) {
                    let entity = scope_hash(&keys, &scope);
                    *sums.entry(ScopeKey { session: row.session_id.epoch.0, entity }).or_default() += row.penalty.0;
                }
            }
        }
        let before = std::mem::replace(&mut self.sums, sums);
        let all: BTreeSet<ScopeKey> = before.keys().chain(self.sums.keys()).copied().collect();
        let of = |sums: &BTreeMap<ScopeKey, i64>, scope: &ScopeKey| sums.get(scope).copied().unwrap_or(0);
        let changes = all.into_iter().map(|scope| TrustSum { scope, before: of(&before, &scope), after: of(&self.sums, &scope) });
        expected.trust = changes.filter(|sum| sum.before != sum.after).collect();
    }
}

/// A model under the name of its bytes.
pub(crate) fn handle(model: trustfold_model::Model) -> ModelHandle {
    ModelHandle { digest: model.digest().into(), model: Arc::new(model) }
}

/// The id of the control that ends an epoch.
pub(crate) fn control_id(epoch: u64) -> EventId {
    EventId::of_control(Epoch(epoch))
}
