//! Random changes over few ids, so that they meet: the same anomaly again, judged, undone, forgotten.

use crate::store::{Change, EpochChanges};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use trustfold_event::control::AuditEntry;
use trustfold_event::documents::{
    Anomaly, DeadLetter, Disposition, LedgerRow, Mode, ModelCard, Notice, NoticeState, Pattern, Reason, Session, SessionStatus,
    Severity, TrustChange,
};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::kind::EventType;
use trustfold_event::points::MilliPoints;
use trustfold_event::{Epoch, EventId, EventTime, Stamp};

/// Text that a careless store would change.
const NAMES: [&str; 7] = ["alice", "o'brien \"bob\" \\ %_", "nul\0inside", "日本語 🦀", "a:b", " ", "Alice"];

/// The sessions that changes name.
pub fn session_ids() -> Vec<EventId> {
    vec![EventId::of_control(Epoch(1)), EventId::of_control(Epoch(2))]
}

/// The events that changes name.
pub fn event_ids() -> Vec<EventId> {
    let near = (0..8).map(|n| EventId::new(Epoch(3 + n / 3), (n % 3) as u32));
    near.chain([EventId { epoch: Epoch((1 << 48) - 1), process: 4095, index: u32::MAX }]).collect()
}

/// The marks that changes name.
pub fn mark_ids() -> Vec<EventId> {
    (5..8).map(|n| EventId::of_control(Epoch(n))).collect()
}

/// The entities that changes name: a user and a host of the same name among them.
pub fn entities() -> Vec<Entity> {
    let mut all: Vec<Entity> = NAMES.iter().map(|name| Entity::new(EntityKind::User, *name)).collect();
    all.extend([Entity::new(EntityKind::Host, "alice"), Entity::new(EntityKind::Ip, "::1")]);
    all.extend(session_ids().iter().map(|id| Entity::new(EntityKind::Session, id.to_string())));
    all
}

/// Patterns that changes show, and some that none does.
pub fn patterns() -> Vec<Pattern> {
    let mut all = Vec::new();
    for entity in &entities()[..3] {
        for event_type in [EventType::Login, EventType::SudoCommand] {
            for object in ["", "cat /etc/shadow\0"] {
                all.push(Pattern { entity: entity.clone(), event_type, object: object.into(), peer: "10.0.0.1".into() });
            }
        }
    }
    all
}

fn session_id() -> impl Strategy<Value = EventId> {
    prop::sample::select(session_ids())
}

fn event_id() -> impl Strategy<Value = EventId> {
    prop::sample::select(event_ids())
}

fn entity() -> impl Strategy<Value = Entity> {
    prop::sample::select(entities())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(NAMES.map(str::to_owned).to_vec()), 1 => ".{0,6}"]
}

/// Few times, so that many are equal, and some before 1970.
fn micros() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -1i64..3, 1 => any::<i32>().prop_map(|n| i64::from(n) * 1_000_003)]
}

fn points() -> impl Strategy<Value = MilliPoints> {
    (-1_000i64..60_000).prop_map(MilliPoints)
}

fn share() -> impl Strategy<Value = f64> {
    0.0..1.0f64
}

fn session() -> impl Strategy<Value = Session> {
    use SessionStatus as S;
    let status = prop::sample::select(vec![S::Active, S::Fitting, S::Completed, S::Failed, S::Closed]);
    let mode = prop_oneof![Just(Mode::Training), Just(Mode::Live)];
    (session_id(), mode, status, micros(), option::of(micros()), option::of(name()), any::<u64>(), 0u64..9).prop_map(
        |(id, mode, status, start, end, text, events_count, anomalies_count)| Session {
            id,
            mode,
            status,
            is_active: end.is_none(),
            start_time: Stamp(start),
            end_time: end.map(Stamp),
            model_version: text.clone(),
            events_count,
            events_by_type: [("login".to_owned(), events_count)].into(),
            anomalies_count,
            reason: text,
        },
    )
}

fn disposition() -> impl Strategy<Value = Option<Disposition>> {
    use Disposition as D;
    prop::sample::select(vec![None, Some(D::TruePositive), Some(D::FalsePositive), Some(D::BenignTruePositive)])
}

fn anomaly() -> impl Strategy<Value = Anomaly> {
    let severity = prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High, Severity::Critical]);
    let pattern = prop::sample::select(patterns());
    let names = (option::of(name()), name(), name());
    let times = (micros(), micros());
    let scores = (share(), share(), share(), prop::collection::vec(-1e9f32..1e9, 0..4));
    (event_id(), session_id(), entity(), pattern, names, times, scores, severity, points()).prop_map(
        |(
            id,
            session_id,
            entity,
            pattern,
            (host, summary, raw),
            (ts, ingested),
            (score, base, value, features),
            severity,
            penalty,
        )| {
            let reason = Reason {
                feature: "rate".into(),
                meaning: summary.clone(),
                value: value * 1e12,
                unit: "1/min".into(),
                usual: -value,
                contribution: score - base,
            };
            Anomaly {
                id,
                session_id,
                ts: EventTime(ts),
                ingested: Stamp(ingested),
                event_type: pattern.event_type,
                entity,
                host,
                event: serde_json::json!({ "message": summary, "n": [1, null, score] }),
                summary,
                score,
                threshold: base,
                confidence: value,
                severity,
                base,
                reasons: vec![reason],
                features,
                penalty,
                trust_before: MilliPoints(ts.clamp(0, 100_000)),
                trust_after: penalty,
                pattern,
                model_version: "m".into(),
                disposition: None,
                mark: None,
                raw,
            }
        },
    )
}

fn row() -> impl Strategy<Value = LedgerRow> {
    let host = option::of(prop_oneof![name(), Just(String::new())]);
    (event_id(), session_id(), entity(), host, points()).prop_map(|(anomaly, session_id, entity, host, penalty)| LedgerRow {
        anomaly,
        session_id,
        entity,
        host,
        penalty,
    })
}

fn trust() -> impl Strategy<Value = TrustChange> {
    // A long session owes more points than the wire's check allows for a single number.
    let debt = prop_oneof![points(), Just(MilliPoints(5_000_000_000))];
    (event_id(), session_id(), entity(), micros(), micros(), points(), points(), debt).prop_map(
        |(cause, session_id, scope, ts, known_at, before, after, debt)| TrustChange {
            cause,
            session_id,
            scope,
            ts: EventTime(ts),
            known_at: Stamp(known_at),
            before,
            after,
            debt,
        },
    )
}

fn notice() -> impl Strategy<Value = Notice> {
    (event_id(), session_id(), entity(), micros(), points(), name(), option::of(event_id())).prop_map(
        |(id, session_id, scope, ts, trust, text, withdrawn_by)| Notice {
            id,
            session_id,
            scope,
            ts: Stamp(ts),
            state: if withdrawn_by.is_some() { NoticeState::Withdrawn } else { NoticeState::Firing },
            trust,
            text,
            withdrawn_by,
        },
    )
}

fn model() -> impl Strategy<Value = ModelCard> {
    ("[a-f]{2}", any::<u64>(), share(), option::of(micros())).prop_map(|(digest, seed, threshold, first)| ModelCard {
        digest,
        rows: 4,
        events: seed,
        entities: 2,
        marked_rows: 1,
        trees: 100,
        tree_sample: 256,
        seed,
        threshold,
        contamination: threshold / 3.0,
        first_event: first.map(EventTime),
        last_event: first.map(EventTime),
    })
}

fn audit() -> impl Strategy<Value = AuditEntry> {
    (event_id(), micros(), name(), name()).prop_map(|(id, ts, actor, detail)| AuditEntry {
        id,
        ts: Stamp(ts),
        actor,
        action: "mark_normal".into(),
        detail,
    })
}

fn dead_letter() -> impl Strategy<Value = DeadLetter> {
    (event_id(), micros(), name(), name(), any::<u64>()).prop_map(|(id, ts, peer, raw, raw_bytes)| DeadLetter {
        id,
        ts: Stamp(ts),
        source: "http".into(),
        peer,
        code: "json.syntax".into(),
        reason: raw.clone(),
        raw,
        raw_bytes,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let judged = (event_id(), disposition(), option::of(prop::sample::select(mark_ids())))
        .prop_map(|(anomaly, disposition, mark)| Change::Judged { anomaly, disposition, mark });
    prop_oneof![
        2 => session().prop_map(Change::Session),
        6 => anomaly().prop_map(|a| Change::Anomaly(Box::new(a))),
        4 => row().prop_map(Change::Ledger),
        4 => judged,
        4 => trust().prop_map(Change::Trust),
        2 => notice().prop_map(Change::Notice),
        1 => (model(), micros()).prop_map(|(card, at)| Change::Model(card, Stamp(at))),
        2 => audit().prop_map(Change::Audit),
        2 => dead_letter().prop_map(Change::DeadLetter),
    ]
}

/// The changes of one epoch; now and then everything is forgotten among them.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop_oneof![
        12 => prop::collection::vec(change(), 0..12),
        1 => prop::collection::vec(change(), 0..4).prop_map(|mut changes| {
            changes.insert(changes.len() / 2, Change::Reset);
            changes
        }),
    ]
}

/// Two documents in each list, so that a page of one has a next one.
pub(super) fn two_of_each() -> EpochChanges {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut changes = Vec::new();
    for n in 0..2 {
        let mut one = |change: BoxedStrategy<Change>| match change.new_tree(&mut runner) {
            Ok(tree) => changes.push(tree.current()),
            Err(reason) => panic!("{reason}"),
        };
        let id = event_ids()[n];
        let in_session = session_ids()[0];
        one(session().prop_map(move |s| Change::Session(Session { id: session_ids()[n], ..s })).boxed());
        one(anomaly().prop_map(move |a| Change::Anomaly(Box::new(Anomaly { id, session_id: in_session, ..a }))).boxed());
        one(notice().prop_map(move |d| Change::Notice(Notice { id, ..d })).boxed());
        one(model().prop_map(move |m| Change::Model(ModelCard { digest: format!("{n:02}"), ..m }, Stamp(0))).boxed());
        one(audit().prop_map(move |e| Change::Audit(AuditEntry { id, ..e })).boxed());
        one(dead_letter().prop_map(move |d| Change::DeadLetter(DeadLetter { id, ..d })).boxed());
    }
    EpochChanges { epoch: Epoch(1), changes }
}

/// The changes of the epochs from 1 on, the same for the same `seed`: for tests in which two processes must agree.
pub fn history(seed: u8, epochs: u64) -> Vec<EpochChanges> {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let one = prop::collection::vec(change(), 0..12);
    (1..=epochs)
        .map(|epoch| match one.new_tree(&mut runner) {
            Ok(tree) => EpochChanges { epoch: Epoch(epoch), changes: tree.current() },
            Err(reason) => panic!("{reason}"),
        })
        .collect()
}
