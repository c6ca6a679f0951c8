//! Scores events against the model of their epoch, and says why.

use crate::feature_table::WIDTH;
use crate::features::{ByHash, Featured, Features};
use crate::head::ModelHandle;
use crate::output::{Decided, Finding, Verdict};
use crate::sample::fill_rarity;
use std::collections::BTreeMap;
use trustfold_event::EventId;
use trustfold_event::documents::Pattern;
use trustfold_event::event::Event;
use trustfold_event::hash::{HashKeys, mix};
use trustfold_event::settings::DecisionSettings;

/// Entity, event type, object and peer, as one hash.
fn pattern_hash(entity: u64, kind: u64, object: u64, peer: u64) -> u64 {
    mix(entity ^ mix(kind ^ mix(object ^ mix(peer))))
}

/// The hash of the pattern that an event shows.
#[inline]
fn shown_by(event: &Event) -> u64 {
    pattern_hash(event.entity, event.kind.core().map_or(15, |t| t as u64), event.object, event.peer)
}

fn hash_of(pattern: &Pattern, keys: &HashKeys) -> u64 {
    let kind = pattern.event_type as u8;
    pattern_hash(
        keys.name(pattern.entity.kind as u8, &pattern.entity.name),
        u64::from(kind),
        keys.name(16 + kind, &pattern.object),
        keys.name(8, &pattern.peer),
    )
}

/// Patterns that an admin called normal, by the mark that did.
#[derive(Default)]
pub struct Suppressed {
    by_mark: BTreeMap<EventId, u64>,
    marks: ByHash<u32>,
}

impl Suppressed {
    /// A mark suppresses a pattern.
    pub fn insert(&mut self, mark: EventId, pattern: &Pattern, keys: &HashKeys) {
        let hash = hash_of(pattern, keys);
        if self.by_mark.insert(mark, hash).is_none() {
            *self.marks.entry(hash).or_insert(0) += 1;
        }
    }

    /// A mark is taken back; another one may still suppress the same pattern.
    pub fn remove(&mut self, mark: EventId) {
        if let Some(hash) = self.by_mark.remove(&mark)
            && let Some(count) = self.marks.get_mut(&hash)
        {
            *count -= 1;
            if *count == 0 {
                self.marks.remove(&hash);
            }
        }
    }

    #[inline]
    fn covers(&self, event: &Event) -> bool {
        !self.marks.is_empty() && self.marks.contains_key(&shown_by(event))
    }
}

/// A model with the threshold that the settings ask of it.
pub struct Scorer {
    handle: ModelHandle,
    threshold: f64,
    rows: Vec<f32>,
    scores: Vec<f32>,
}

impl Scorer {
    /// A scorer with this model, at the contamination of the settings.
    pub fn new(handle: ModelHandle, settings: &DecisionSettings) -> Self {
        let threshold = handle.model.quantiles().threshold(settings.contamination);
        Self { handle, threshold, rows: Vec::new(), scores: Vec::new() }
    }

    /// The model.
    pub fn handle(&self) -> &ModelHandle {
        &self.handle
    }

    /// The whole feature vector of an event under this model.
    pub fn complete(&self, featured: &Featured) -> Features {
        fill_rarity(featured, |domain, key| self.handle.model.rarity().bits(domain, key))
    }

    /// Scores events of the eight, in order; the answer lasts until the next call.
    pub fn score(&mut self, events: impl Iterator<Item = Featured>) -> &[f32] {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        for featured in events {
            rows.extend_from_slice(&self.complete(&featured));
        }
        self.handle.model.score_rows(&rows, &mut self.scores);
        self.rows = rows;
        &self.scores
    }

    /// Decides on events of a live session, in order. `decide` is called for each, `found` for the anomalous ones.
    pub fn judge(
        &mut self,
        events: &[Featured],
        suppressed: &Suppressed,
        settings: &DecisionSettings,
        mut decide: impl FnMut(Decided),
        mut found: impl FnMut(Finding),
    ) {
        self.score(events.iter().copied().filter(|e| e.event.kind.core().is_some()));
        let mut scored = 0;
        for featured in events {
            let event = &featured.event;
            let Some(event_type) = event.kind.core() else {
                decide(Decided { index: event.index, score: f32::NAN, kind: event.kind, verdict: Verdict::NotScored });
                continue;
            };
            let score = self.scores[scored];
            let row = &self.rows[scored * WIDTH..(scored + 1) * WIDTH];
            scored += 1;
            let mut decided = Decided { index: event.index, score, kind: event.kind, verdict: Verdict::Normal };
            if f64::from(score) > self.threshold {
                if suppressed.covers(event) {
                    // The effective score; the raw one follows again from the event and the model.
                    decided.score = below(self.threshold);
                    decided.verdict = Verdict::Suppressed;
                } else {
                    decided.verdict = Verdict::Anomalous;
                    let why = self.handle.model.explain(row);
                    let mut finding = Finding {
                        index: event.index,
                        entity: event.entity,
                        host: event.host,
                        score: why.score,
                        threshold: self.threshold,
                        confidence: self.handle.model.quantiles().confidence(f64::from(score)),
                        base: why.base,
                        contributions: [0.0; WIDTH],
                        features: [0.0; WIDTH],
                        penalty: settings.penalty(event_type).0,
                        model: self.handle.digest.clone(),
                    };
                    finding.contributions.copy_from_slice(&why.contributions);
                    finding.features.copy_from_slice(row);
                    found(finding);
                }
            }
            decide(decided);
        }
    }
}

/// The largest `f32` below the threshold, also when both are written in decimals.
fn below(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) >= threshold { nearest.next_down() } else { nearest }
}
