//! Retractions restore exactly: sums follow from the rows that stand, and from nothing else.

use crate::log::{Log, Writer, random};
use crate::run::run;
use std::collections::{BTreeMap, BTreeSet};
use trustfold::merge::Closed;
use trustfold_event::control::{Control, MarkScope};
use trustfold_event::documents::{LedgerRow, Pattern};
use trustfold_event::entity::Entity;
use trustfold_event::kind::EventType;
use trustfold_event::parse::parse;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::{Batch, Format};
use trustfold_event::{EventId, Stamp};
use trustfold_operators::output::ScopeKey;

use crate::reference::{scope_hash, scopes};

/// The ledger as it stands after the changes of an epoch; each must begin where the last one ended.
fn follow(ledger: &mut BTreeMap<ScopeKey, i64>, closed: &Closed, place: &str) {
    for sum in &closed.trust {
        assert_eq!(
            ledger.remove(&sum.scope).unwrap_or(0),
            sum.before,
            "{place}: a change begins elsewhere than the last one ended"
        );
        if sum.after != 0 {
            ledger.insert(sum.scope, sum.after);
        }
    }
}

/// Whatever was marked and undone, a scope owes what its standing rows cost: trust is 100 less their sum.
#[test]
fn trust_is_100_less_the_rows_that_stand() {
    for seed in 100..106 {
        let log = random(seed, 60);
        let closed = run(&log, 2);
        let mut ledger = BTreeMap::new();
        let mut rows: Vec<LedgerRow> = vec![];
        let mut marks = BTreeMap::<EventId, Vec<EventId>>::new();
        let mut session = None;
        for (step, closed) in log.steps.iter().zip(&closed) {
            let place = format!("seed {seed}, epoch {}", step.frame.epoch.0);
            follow(&mut ledger, closed, &place);
            for finding in &closed.findings {
                let (batch, raw) = step.frame.record(finding.index).unwrap();
                let parsed = parse(batch.format, raw, step.frame.stamp).unwrap();
                let (kind, name) = parsed.entity();
                rows.push(LedgerRow {
                    anomaly: step.frame.id(finding.index),
                    session_id: session.unwrap(),
                    entity: Entity::new(kind, name),
                    host: parsed.host.as_deref().map(str::to_owned),
                    penalty: MilliPoints(finding.penalty),
                });
            }
            let id = EventId::of_control(step.frame.epoch);
            match step.frame.control.as_ref().map(|c| &c.control) {
                Some(Control::LiveStart) => session = Some(id),
                Some(Control::MarkNormal { anomalies, .. }) => {
                    marks.insert(id, anomalies.iter().map(|a| a.row.anomaly).collect());
                }
                Some(Control::UndoMark { mark }) => {
                    marks.remove(mark);
                }
                Some(Control::Reset) => {
                    session = None;
                    marks.clear();
                }
                _ => {}
            }
            let retracted: BTreeSet<EventId> = marks.values().flatten().copied().collect();
            let mut ought = BTreeMap::<ScopeKey, i64>::new();
            for row in rows.iter().filter(|r| Some(r.session_id) == session && !retracted.contains(&r.anomaly)) {
                for scope in scopes(row) {
                    let entity = scope_hash(&step.keys, &scope);
                    *ought.entry(ScopeKey { session: row.session_id.epoch.0, entity }).or_default() += row.penalty.0;
                }
            }
            ought.retain(|_, sum| *sum != 0);
            assert_eq!(ledger, ought, "{place}");
        }
    }
}

fn ledger_at_end(log: &Log, workers: usize) -> BTreeMap<ScopeKey, i64> {
    let mut ledger = BTreeMap::new();
    run(log, workers).iter().for_each(|closed| follow(&mut ledger, closed, "at the end"));
    ledger
}

/// A journal that is live, and what is to be scored.
fn lived(seed: u64) -> (Writer, Vec<Batch>) {
    let mut writer = Writer::new(seed);
    writer.go_live();
    let batches = (0..6).map(|_| writer.life(120, Format::Json)).collect();
    (writer, batches)
}

fn entity_of(batch: &Batch, at: usize) -> Entity {
    let parsed = parse(batch.format, batch.record(at), Stamp(i64::MAX)).unwrap();
    let (kind, name) = parsed.entity();
    Entity::new(kind, name)
}

/// Marking all anomalies of one entity, in any order and with changes of mind, leaves what a run leaves in which that
/// entity never did anything.
#[test]
fn marking_restores_what_would_have_been_without() {
    for seed in 200..206 {
        let (mut with, batches) = lived(seed);
        for batch in &batches {
            with.frame(vec![batch.clone()], None);
        }
        let before = ledger_at_end(&with.log, 2);
        let mut counts = BTreeMap::<Entity, usize>::new();
        with.found.iter().for_each(|f| *counts.entry(f.marked.row.entity.clone()).or_default() += 1);
        let (entity, rows) = counts.into_iter().max_by_key(|(_, n)| *n).unwrap();
        assert!(rows >= 2, "seed {seed}: {rows} rows are nothing to be taken out");

        let (mut without, batches) = lived(seed);
        for mut batch in batches {
            let others: Vec<bool> = (0..batch.len()).map(|at| entity_of(&batch, at) != entity).collect();
            batch.retain(|at| others[at]);
            without.frame(vec![batch], None);
        }
        let ought = ledger_at_end(&without.log, 1);

        // A pattern that nothing shows, so that only the retraction is seen.
        let pattern =
            Pattern { entity: entity.clone(), event_type: EventType::Logout, object: "nothing".into(), peer: String::new() };
        let mut left: Vec<_> = with.found.iter().filter(|f| f.marked.row.entity == entity).map(|f| f.marked.clone()).collect();
        let mut marks = vec![];
        while !left.is_empty() {
            let at = with.draw.below(left.len() as u64) as usize;
            let anomalies = vec![left.swap_remove(at)];
            let control = Control::MarkNormal {
                anomalies: anomalies.clone(),
                pattern: pattern.clone(),
                scope: MarkScope::Anomaly,
                comment: String::new(),
            };
            with.frame(vec![], Some(control));
            let mark = EventId::of_control(with.log.steps.last().unwrap().frame.epoch);
            if with.draw.one_in(3) {
                with.frame(vec![], Some(Control::UndoMark { mark }));
                left.extend(anomalies);
            } else {
                marks.push(mark);
            }
        }
        for workers in [1, 4] {
            assert_eq!(ledger_at_end(&with.log, workers), ought, "seed {seed}: marked");
        }
        while !marks.is_empty() {
            let at = with.draw.below(marks.len() as u64) as usize;
            let mark = marks.swap_remove(at);
            with.frame(vec![], Some(Control::UndoMark { mark }));
        }
        assert_eq!(ledger_at_end(&with.log, 2), before, "seed {seed}: undone");
    }
}
