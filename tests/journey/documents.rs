//! What is told of closed epochs agrees with the dataflow's sums, and with a recount.

use crate::draw::assert_each;
use crate::log::{Log, Writer, random};
use crate::reference::{Found, scope_hash, scopes};
use crate::run::run;
use std::collections::BTreeMap;
use trustfold::decisions::{Consequences, Message, fold};
use trustfold::merge::Closed;
use trustfold::views::Views;
use trustfold_event::EventId;
use trustfold_event::control::{Control, MarkScope, MarkedAnomaly};
use trustfold_event::documents::{Disposition, LedgerRow, Mode, NoticeState};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Format;
use trustfold_event::settings::{DecisionSettings, Weights};
use trustfold_operators::control::ControlState;
use trustfold_operators::output::ScopeKey;
use trustfold_sinks::store::Change;

/// A change of trust, as told: its cause, whose trust, before, after, and the sum after.
type Told = (EventId, Entity, i64, i64, i64);

fn trust(debt: i64) -> i64 {
    (100_000 - debt).clamp(0, 100_000)
}

/// What must be told, counted from the findings and the controls.
#[derive(Default)]
struct Recount {
    state: ControlState,
    session: Option<EventId>,
    /// Anomalies of the session: whether a mark retracts them, and how they are judged.
    found: BTreeMap<EventId, (Found, bool, Option<Disposition>)>,
    debts: BTreeMap<Entity, i64>,
    warned: BTreeMap<Entity, EventId>,
    events: u64,
    session_events: u64,
    rejected: u64,
    told: Vec<Told>,
    /// Whose trust, state, the notice's id, and what withdrew it.
    notices: Vec<(Entity, NoticeState, EventId, Option<EventId>)>,
    rows: Vec<LedgerRow>,
}

impl Recount {
    fn move_debt(&mut self, cause: EventId, scope: Entity, by: i64) {
        let line = MilliPoints::from_points(self.state.settings.warn_below).unwrap().0;
        let debt = self.debts.entry(scope.clone()).or_default();
        let (before, after) = (trust(*debt), trust(*debt + by));
        *debt += by;
        self.told.push((cause, scope.clone(), before, after, *debt));
        if before >= line && after < line {
            assert!(self.warned.insert(scope.clone(), cause).is_none(), "warned twice of one crossing");
            self.notices.push((scope, NoticeState::Firing, cause, None));
        } else if before < line && after >= line {
            let notice = self.warned.remove(&scope).unwrap();
            self.notices.push((scope, NoticeState::Withdrawn, notice, Some(cause)));
        }
    }

    fn correct(&mut self, cause: EventId, marked: &[MarkedAnomaly], undo: bool) {
        let mut moves = BTreeMap::<Entity, i64>::new();
        for MarkedAnomaly { row, .. } in marked {
            if let Some((found, retracted, judged)) = self.found.get_mut(&row.anomaly) {
                assert_eq!(*retracted, undo);
                *retracted = !undo;
                *judged = if undo { None } else { Some(Disposition::FalsePositive) };
                for scope in scopes(&found.marked.row) {
                    *moves.entry(scope).or_default() += if undo { row.penalty.0 } else { -row.penalty.0 };
                }
            }
        }
        moves.into_iter().for_each(|(scope, by)| self.move_debt(cause, scope, by));
    }

    fn take(&mut self, step: &crate::log::Step, closed: &Closed) {
        self.told.clear();
        self.notices.clear();
        self.rows.clear();
        self.events += closed.decided.len() as u64;
        self.rejected += closed.rejected.len() as u64;
        if matches!(self.state.active, Some((Mode::Live, _))) {
            self.session_events += closed.decided.len() as u64;
        }
        for found in &step.expected.found {
            let row = &found.marked.row;
            self.rows.push(row.clone());
            let mut in_order: Vec<Entity> = scopes(row).into_iter().collect();
            // The session, then whose behaviour, then where.
            in_order.sort_by_key(|s| (s.kind != EntityKind::Session, *s != row.entity));
            in_order.into_iter().for_each(|scope| self.move_debt(row.anomaly, scope, row.penalty.0));
            self.found.insert(row.anomaly, (found.clone(), false, None));
        }
        let Some(record) = &step.frame.control else { return };
        let id = EventId::of_control(step.frame.epoch);
        let undone = match &record.control {
            Control::UndoMark { mark } => self.state.marks[mark].anomalies.clone(),
            _ => vec![],
        };
        self.state.apply(step.frame.epoch, record);
        match &record.control {
            Control::LiveStart => {
                let kept = (self.state.clone(), self.events, self.rejected);
                *self = Self { session: Some(id), state: kept.0, events: kept.1, rejected: kept.2, ..Self::default() };
            }
            Control::MarkNormal { anomalies, .. } => self.correct(id, anomalies, false),
            Control::UndoMark { .. } => self.correct(id, &undone, true),
            Control::Label { anomaly, disposition, .. } => {
                if let Some((_, _, judged)) = self.found.get_mut(anomaly) {
                    *judged = *disposition;
                }
            }
            Control::Reset => {
                let told = std::mem::take(&mut self.told);
                let (notices, rows) = (std::mem::take(&mut self.notices), std::mem::take(&mut self.rows));
                *self = Self { state: self.state.clone(), told, notices, rows, ..Self::default() };
            }
            _ => {}
        }
    }
}

fn told(done: &Consequences) -> Vec<Told> {
    let told = done.changes.iter().filter_map(|change| match change {
        Change::Trust(t) => Some((t.cause, t.scope.clone(), t.before.0, t.after.0, t.debt.0)),
        _ => None,
    });
    told.collect()
}

fn assert_told(recount: &Recount, done: &Consequences, place: &str) {
    let (mut is, mut ought) = (told(done), recount.told.clone());
    // A correction moves each of its scopes once, in no order that means anything.
    let correction = |t: &Told| (t.0.index == u32::MAX).then(|| t.1.clone());
    is.sort_by_key(correction);
    ought.sort_by_key(correction);
    assert_each(&is, &ought, &format!("{place}: changes of trust"));
    let rows: Vec<LedgerRow> =
        done.changes.iter().filter_map(|c| if let Change::Ledger(row) = c { Some(row.clone()) } else { None }).collect();
    assert_each(&rows, &recount.rows, &format!("{place}: rows"));
    let notice = |n: &trustfold_event::documents::Notice| (n.scope.clone(), n.state, n.id, n.withdrawn_by);
    let by_scope =
        |n: &(Entity, NoticeState, EventId, Option<EventId>)| (n.3.is_some() || n.2.index == u32::MAX).then(|| n.0.clone());
    let mut ought = recount.notices.clone();
    ought.sort_by_key(by_scope);
    let mut stored: Vec<_> =
        done.changes.iter().filter_map(|c| if let Change::Notice(n) = c { Some(notice(n)) } else { None }).collect();
    let mut sent: Vec<_> =
        done.messages.iter().filter_map(|m| if let Message::Notice(n) = m { Some(notice(n)) } else { None }).collect();
    stored.sort_by_key(by_scope);
    sent.sort_by_key(by_scope);
    assert_each(&stored, &ought, &format!("{place}: notices stored"));
    assert_each(&sent, &ought, &format!("{place}: notices sent"));
    for found in done.changes.iter().filter_map(|c| if let Change::Anomaly(a) = c { Some(a) } else { None }) {
        let change = recount.told.iter().find(|t| t.0 == found.id && t.1 == found.entity).unwrap();
        assert_eq!((found.trust_before.0, found.trust_after.0), (change.2, change.3), "{place}: trust beside an anomaly");
    }
}

fn assert_views(recount: &Recount, views: &Views, ledger: &BTreeMap<ScopeKey, i64>, step: &crate::log::Step, place: &str) {
    let live = &views.live;
    assert_eq!(live.session, recount.session, "{place}: session");
    // Against the dataflow's sums, by hash; a sum of 0 is none.
    let session = recount.session.map_or(0, |id| id.epoch.0);
    let debts = live.scopes.iter().filter(|(_, view)| view.debt.0 != 0);
    let shown: BTreeMap<ScopeKey, i64> =
        debts.map(|(scope, view)| (ScopeKey { session, entity: scope_hash(&step.keys, scope) }, view.debt.0)).collect();
    let summed: BTreeMap<ScopeKey, i64> = ledger.iter().filter(|(k, _)| k.session == session).map(|(k, v)| (*k, *v)).collect();
    let (shown, summed): (Vec<_>, Vec<_>) = (shown.into_iter().collect(), summed.into_iter().collect());
    assert_each(&shown, &summed, &format!("{place}: sums shown, against the dataflow's"));
    let standing = || recount.found.values().filter(|(_, retracted, _)| !retracted);
    for (scope, view) in &live.scopes {
        let n = standing().filter(|(f, ..)| scopes(&f.marked.row).contains(scope)).count() as u64;
        assert_eq!(view.anomalies, n, "{place}: anomalies of {scope}");
    }
    let warned: Vec<(&Entity, EventId)> = live.firing.iter().map(|(scope, notice)| (scope, notice.id)).collect();
    assert!(recount.warned.iter().map(|(s, id)| (s, *id)).eq(warned), "{place}: standing notices");

    let stats = views.stats();
    let n = standing().count();
    let confirmed = standing().filter(|(_, _, judged)| judged.is_some()).count();
    let count = |what: &str| stats["anomalies"][what].as_u64().unwrap() as usize;
    assert_eq!(count("found"), recount.found.len(), "{place}: found");
    assert_eq!(count("marked_normal"), recount.found.len() - n, "{place}: marked normal");
    assert_eq!(count("confirmed"), confirmed, "{place}: confirmed");
    assert_eq!(count("open"), n - confirmed, "{place}: open");
    let average = stats["anomalies"]["average_confidence"].as_f64();
    let ought = (n > 0).then(|| standing().map(|(f, ..)| f.marked.confidence).sum::<f64>() / n as f64);
    assert_eq!(average.is_some(), ought.is_some(), "{place}: average confidence");
    if let (Some(average), Some(ought)) = (average, ought) {
        assert!((average - ought).abs() < 1e-9, "{place}: average confidence is {average}, ought to be {ought}");
    }
    assert_eq!(views.events, recount.events, "{place}: events");
    assert_eq!(views.by_type.values().sum::<u64>(), recount.events, "{place}: events by type");
    assert_eq!(views.rejected.values().sum::<u64>(), recount.rejected, "{place}: rejected");
    if let Some(session) = views.live_session() {
        assert_eq!(session.events_count, recount.session_events, "{place}: the session's events");
        assert_eq!(session.anomalies_count as usize, recount.found.len(), "{place}: the session's anomalies");
    }
}

/// Folds a journal's closed epochs, and checks everything told of each; answers how many notices fired and were withdrawn.
fn check(log: &Log, place: &str) -> (usize, usize) {
    let closed = run(log, 2);
    let (mut views, mut recount, mut ledger) = (Views::default(), Recount::default(), BTreeMap::new());
    let (mut fired, mut withdrawn) = (0, 0);
    for (step, closed) in log.steps.iter().zip(&closed) {
        let place = format!("{place}, epoch {}", step.frame.epoch.0);
        let done = fold(&mut views, step.scored_by.as_ref(), &step.frame, closed);
        recount.take(step, closed);
        for sum in &closed.trust {
            ledger.insert(sum.scope, sum.after);
        }
        ledger.retain(|_, sum| *sum != 0);
        assert_told(&recount, &done, &place);
        assert_views(&recount, &views, &ledger, step, &place);
        fired += recount.notices.iter().filter(|n| n.1 == NoticeState::Firing).count();
        withdrawn += recount.notices.len() - recount.notices.iter().filter(|n| n.1 == NoticeState::Firing).count();
    }
    (fired, withdrawn)
}

/// A live journal in which trust keeps going below the warning line and, by marks, above it again.
fn hovering(seed: u64) -> Log {
    let mut writer = live(seed, all(3.0));
    let settings = DecisionSettings { contamination: 0.1, ..writer.state.settings.clone() };
    writer.decide(vec![], Some(Control::Settings { settings }));
    while writer.log.steps.len() < 70 {
        let batches = if writer.draw.one_in(2) { vec![writer.life(8, Format::Json)] } else { vec![] };
        let stands = |f: &&Found| !writer.state.retracted.contains_key(&f.marked.row.anomaly);
        let debt: i64 = writer.found.iter().filter(stands).map(|f| f.marked.row.penalty.0).sum();
        let control = if debt > 80_000 {
            writer.mark()
        } else {
            let mark = writer.state.marks.keys().next().copied();
            mark.filter(|_| writer.draw.one_in(3)).map(|mark| Control::UndoMark { mark })
        };
        let control = control.filter(|control| writer.state.check(control).is_ok());
        writer.decide(batches, control);
    }
    writer.log
}

#[test]
fn what_is_told_agrees_with_the_sums_and_a_recount() {
    for seed in 300..312 {
        check(&random(seed, 60), &format!("seed {seed}"));
    }
}

#[test]
fn a_notice_fires_once_a_crossing_and_a_correction_withdraws_it() {
    let (mut fired, mut withdrawn) = (0, 0);
    for seed in 350..362 {
        let counts = check(&hovering(seed), &format!("seed {seed}"));
        (fired, withdrawn) = (fired + counts.0, withdrawn + counts.1);
    }
    assert!(fired >= 40 && withdrawn >= 20, "{fired} notices fired, {withdrawn} withdrawn: too few to tell");
}

/// A live journal in which some anomalies of one pattern or another have cost something.
fn live(seed: u64, weights: Weights) -> Writer {
    let mut writer = Writer::new(seed);
    writer.go_live();
    let settings = DecisionSettings { weights, contamination: 0.3, ..writer.state.settings.clone() };
    writer.frame(vec![], Some(Control::Settings { settings }));
    let batch = writer.life(100, Format::Json);
    writer.frame(vec![batch], None);
    assert!(writer.found.len() >= 3, "{} anomalies", writer.found.len());
    writer
}

fn all(points: f64) -> Weights {
    Weights {
        process_start: points,
        process_end: points,
        network_connection: points,
        sudo_command: points,
        file_change: points,
        login: points,
        logout: points,
        auth_failure: points,
    }
}

/// An anomaly that costs nothing leaves what its scopes owe as it is.
#[test]
fn an_anomaly_of_no_cost_changes_no_trust() {
    let mut writer = live(400, all(2.0));
    let settings = DecisionSettings { weights: all(0.0), ..writer.state.settings.clone() };
    writer.frame(vec![], Some(Control::Settings { settings }));
    let batch = writer.life(100, Format::Json);
    writer.frame(vec![batch], None);
    check(&writer.log, "no cost");
}

/// An epoch whose mark takes out just what its anomalies cost leaves the sums as they were, and tells of both.
#[test]
fn a_mark_that_outweighs_its_own_epochs_anomalies_is_told_of_rightly() {
    let anomalies_of = |writer: &mut Writer| -> usize {
        let before = writer.found.len();
        let batch = writer.life(40, Format::Json);
        writer.frame(vec![batch], None);
        writer.found.len() - before
    };
    let n = anomalies_of(&mut live(401, all(2.0)));
    // The same again, with a mark of as many of the earlier anomalies as will be found.
    let mut writer = live(401, all(2.0));
    assert!((2..=writer.found.len()).contains(&n), "{n} anomalies against {}", writer.found.len());
    let anomalies = writer.found[..n].iter().map(|f| f.marked.clone()).collect();
    let (pattern, batch) = (writer.found[0].pattern.clone(), writer.life(40, Format::Json));
    writer
        .frame(vec![batch], Some(Control::MarkNormal { anomalies, pattern, scope: MarkScope::Anomaly, comment: String::new() }));
    check(&writer.log, "outweighed");
}
