//! What is so now, folded from closed epochs: read by the API and sent as the dashboard's snapshot. Lists that grow live
//! in the store; here is what must be answered at once.

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use trustfold_event::documents::{Anomaly, Disposition, Notice, NoticeState, Session, StoredEvent, TrustChange};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::points::MilliPoints;
use trustfold_event::{Epoch, EventId};
use trustfold_operators::control::ControlState;

/// Newest rows that a snapshot carries of each list.
const NEWEST: usize = 100;

/// Newest changes of the session's trust that are kept at hand.
const HISTORY: usize = 5000;

/// Answers to marks that are kept at hand.
const CORRECTIONS: usize = 1000;

/// A scope's trust in the live session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeTrust {
    /// Sum of penalties.
    pub debt: MilliPoints,
    /// Anomalies that stand.
    pub anomalies: u64,
}

/// What is known of the current, or last, live session.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    /// The session.
    pub session: Option<EventId>,
    /// Trust by scope; the session's own among them.
    pub scopes: BTreeMap<Entity, ScopeTrust>,
    /// The session's own changes, oldest first.
    pub history: VecDeque<TrustChange>,
    /// Newest anomalies, newest first.
    pub anomalies: VecDeque<Anomaly>,
    /// Found so far.
    pub found: u64,
    /// Marked normal, of these.
    pub marked_normal: u64,
    /// Judged without being marked normal.
    pub confirmed: u64,
    /// Sum of the confidence of those that stand.
    pub confidence_sum: f64,
    /// Notices that stand, by scope.
    pub firing: BTreeMap<Entity, Notice>,
}

impl LiveView {
    /// The scope of the session itself.
    pub fn session_scope(&self) -> Option<Entity> {
        self.session.map(|id| Entity::new(EntityKind::Session, id.to_string()))
    }

    /// Sum of a scope's penalties.
    pub fn debt_of(&self, scope: &Entity) -> MilliPoints {
        self.scopes.get(scope).map_or(MilliPoints(0), |s| s.debt)
    }

    /// Sum of the session's penalties.
    pub fn debt(&self) -> MilliPoints {
        self.session_scope().map_or(MilliPoints(0), |scope| self.debt_of(&scope))
    }

    /// Adds a change to the session's curve.
    pub fn remember(&mut self, change: TrustChange) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(change);
    }

    /// Adds an anomaly to the newest.
    pub fn show(&mut self, anomaly: Anomaly) {
        self.anomalies.push_front(anomaly);
        self.anomalies.truncate(NEWEST);
    }

    /// Notes a judgement on an anomaly that is still at hand; answers its disposition before.
    pub fn judge(&mut self, id: EventId, disposition: Option<Disposition>, mark: Option<EventId>) {
        if let Some(anomaly) = self.anomalies.iter_mut().find(|a| a.id == id) {
            (anomaly.disposition, anomaly.mark) = (disposition, mark);
        }
    }
}

/// Everything that is answered without the store.
#[derive(Clone, Debug, Default)]
pub struct Views {
    /// The newest closed epoch.
    pub epoch: Epoch,
    /// What the controls amount to.
    pub state: ControlState,
    /// Sessions of this generation.
    pub sessions: BTreeMap<EventId, Session>,
    /// The current, or last, live session.
    pub live: LiveView,
    /// Events taken in, of this generation.
    pub events: u64,
    /// The same by type.
    pub by_type: BTreeMap<&'static str, u64>,
    /// Records that became no event, by code.
    pub rejected: BTreeMap<String, u64>,
    /// Newest events shown, newest first.
    pub recent: VecDeque<StoredEvent>,
    /// Newest notices, newest first.
    pub notices: VecDeque<Notice>,
    /// What marks and undos did, by their ids.
    pub corrections: BTreeMap<EventId, Value>,
}

impl Views {
    /// Adds a notice, or changes the one that stands.
    pub fn notify(&mut self, notice: &Notice) {
        match self.notices.iter_mut().find(|n| n.id == notice.id && n.scope == notice.scope) {
            Some(known) => *known = notice.clone(),
            None => {
                self.notices.push_front(notice.clone());
                self.notices.truncate(NEWEST);
            }
        }
        match notice.state {
            NoticeState::Firing => self.live.firing.insert(notice.scope.clone(), notice.clone()),
            NoticeState::Withdrawn => self.live.firing.remove(&notice.scope),
        };
    }

    /// Keeps what a mark did, for its answer.
    pub fn remember_correction(&mut self, id: EventId, answer: Value) {
        self.corrections.insert(id, answer);
        while self.corrections.len() > CORRECTIONS {
            self.corrections.pop_first();
        }
    }

    /// Adds an event to those shown.
    pub fn show(&mut self, event: StoredEvent) {
        self.recent.push_front(event);
        self.recent.truncate(NEWEST);
    }

    /// The training session that is active, or the last.
    pub fn training(&self) -> Option<&Session> {
        self.state.last_training.and_then(|id| self.sessions.get(&id))
    }

    /// The live session that is active, or the last.
    pub fn live_session(&self) -> Option<&Session> {
        self.live.session.and_then(|id| self.sessions.get(&id))
    }

    fn warn_below(&self) -> f64 {
        self.state.settings.warn_below
    }

    fn warns(&self, debt: MilliPoints) -> bool {
        debt.trust().points() < self.warn_below()
    }

    /// `GET /api/train/status`.
    pub fn train_status(&self) -> Value {
        let session = self.training();
        json!({
            "session_id": session.map(|s| s.id),
            "is_active": session.is_some_and(|s| s.is_active),
            "events_count": session.map_or(0, |s| s.events_count),
            "model_version": session.and_then(|s| s.model_version.clone()).or_else(|| self.state.model.as_ref().map(|m| m.digest.clone())),
            "status": session.map(|s| s.status),
            "reason": session.and_then(|s| s.reason.clone()),
            "events_by_type": session.map(|s| s.events_by_type.clone()).unwrap_or_default(),
            "rows_needed": trustfold_model::ROWS_MIN,
        })
    }

    /// `GET /api/live/status`.
    pub fn live_status(&self) -> Value {
        let (session, debt) = (self.live_session(), self.live.debt());
        json!({
            "session_id": session.map(|s| s.id),
            "is_active": session.is_some_and(|s| s.is_active),
            "trust": debt.trust(),
            "warning": self.warns(debt),
            "events_count": session.map_or(0, |s| s.events_count),
            "anomalies_count": session.map_or(0, |s| s.anomalies_count),
            "model_version": self.state.model.as_ref().map(|m| &m.digest),
        })
    }

    /// The head of `GET /api/trust`; its history is added by the caller.
    pub fn trust(&self, scope: &Entity, history: &[TrustChange]) -> Value {
        let debt = self.live.scopes.get(scope).copied().unwrap_or_default().debt;
        self.trust_of(self.live.session, scope, debt, history)
    }

    /// The same from a debt that is given: for a session that is over, the store's.
    pub fn trust_of(&self, session: Option<EventId>, scope: &Entity, debt: MilliPoints, history: &[TrustChange]) -> Value {
        let history: Vec<Value> = history
            .iter()
            .map(|c| json!({ "cause": c.cause, "ts": c.ts, "known_at": c.known_at, "before": c.before, "after": c.after, "debt": c.debt }))
            .collect();
        json!({
            "scope": scope,
            "session_id": session,
            "trust": debt.trust(),
            "debt": debt,
            "warning": self.warns(debt),
            "warn_below": self.warn_below(),
            "history": history,
        })
    }

    /// `GET /api/v1/trust/entities`: lowest trust first, then the largest debt.
    pub fn trust_entities(&self, limit: usize) -> Value {
        let mut scopes: Vec<_> = self.live.scopes.iter().filter(|(e, _)| e.kind != EntityKind::Session).collect();
        scopes.sort_by(|a, b| b.1.debt.cmp(&a.1.debt).then_with(|| a.0.cmp(b.0)));
        let data: Vec<Value> = scopes
            .into_iter()
            .take(limit)
            .map(|(entity, s)| json!({ "entity": entity, "trust": s.debt.trust(), "debt": s.debt, "anomalies": s.anomalies }))
            .collect();
        json!({ "data": data })
    }

    /// The part of `GET /api/stats` that is folded from the journal.
    pub fn stats(&self) -> Value {
        let live = &self.live;
        let standing = live.found - live.marked_normal;
        let debt = live.debt();
        let mode = self.state.active.map(|(mode, _)| mode);
        json!({
            "epoch": self.epoch,
            "mode": mode,
            "session": self.state.active.and_then(|(_, id)| self.sessions.get(&id)),
            "training": self.training(),
            "live": self.live_session(),
            "model_version": self.state.model.as_ref().map(|m| &m.digest),
            "model": self.state.model,
            "events": {
                "total": self.events,
                "by_type": self.by_type,
                "rejected": self.rejected.values().sum::<u64>(),
                "rejected_by_code": self.rejected,
            },
            "anomalies": {
                "found": live.found,
                "open": standing - live.confirmed,
                "marked_normal": live.marked_normal,
                "confirmed": live.confirmed,
                "average_confidence": if standing == 0 { Value::Null } else { json!(live.confidence_sum / standing as f64) },
            },
            "trust": { "score": debt.trust(), "debt": debt, "warning": self.warns(debt), "warn_below": self.warn_below() },
        })
    }

    /// What a dashboard needs when it joins.
    pub fn snapshot(&self, stats: Value) -> Value {
        let skipped = self.live.history.len().saturating_sub(500);
        let history: Vec<_> = self.live.history.iter().skip(skipped).collect();
        json!({
            "stats": stats, "recent": self.recent, "anomalies": self.live.anomalies,
            "trust_history": history, "notices": self.notices,
        })
    }

    /// A session, as a page of the store's list shows it: with the counts of now.
    pub fn freshen(&self, session: Session) -> Session {
        self.sessions.get(&session.id).cloned().unwrap_or(session)
    }
}
