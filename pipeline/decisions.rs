//! From a closed epoch to documents: what happened, whom it cost what, who must be told.

use crate::explain::reasons;
use crate::merge::Closed;
use crate::views::{LiveView, Views};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use trustfold_event::control::{AuditEntry, Control, ControlRecord, MarkedAnomaly};
use trustfold_event::documents::{
    Anomaly, DeadLetter, Disposition, LedgerRow, Mode, Notice, NoticeState, Pattern, Session, SessionStatus, StoredEvent,
    TrustChange,
};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::hash::HashKeys;
use trustfold_event::kind::Kind;
use trustfold_event::parse::parse;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Frame;
use trustfold_event::{EventId, EventTime};
use trustfold_operators::control::ControlState;
use trustfold_operators::head::ModelHandle;
use trustfold_operators::output::{Decided, Finding, Verdict};
use trustfold_sinks::store::Change;

/// A message for the hub.
#[derive(Clone, Debug)]
pub enum Message {
    /// Decided just now.
    Anomaly(Box<Anomaly>),
    /// A scope's trust changed.
    Trust(TrustChange),
    /// A session began, or changed.
    Session {
        /// The session.
        session: Session,
        /// What happened to it.
        status: &'static str,
        /// Whether it has a model now.
        model_trained: bool,
    },
    /// A model now scores.
    Model(Value),
    /// A correction, and what it did.
    Retraction(Value),
    /// A notice, firing or withdrawn.
    Notice(Notice),
    /// Everything is forgotten.
    Reset,
}

/// What an epoch means outside the dataflow.
#[derive(Debug, Default)]
pub struct Consequences {
    /// For the store.
    pub changes: Vec<Change>,
    /// For the hub.
    pub messages: Vec<Message>,
    /// The session that the epoch's events belong to.
    pub session: Option<EventId>,
    /// What each anomalous event cost, by index.
    pub impact: BTreeMap<u32, MilliPoints>,
}

/// Longest raw text that a dead letter or an anomaly carries.
const RAW_BYTES_MAX: usize = 64 << 10;

fn raw_text(raw: &[u8]) -> String {
    String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES_MAX)]).into_owned()
}

/// Folds one closed epoch into the views; answers its consequences.
///
/// **Invariant:** a function of the views and the epoch alone: the same journal gives the same documents.
pub fn fold(views: &mut Views, model: Option<&ModelHandle>, frame: &Frame, closed: &Closed) -> Consequences {
    let mut fold = Fold { frame, keys: views.state.keys.unwrap_or(HashKeys::from_seed(0)), views, done: Consequences::default() };
    fold.count(closed);
    fold.dead_letters(closed);
    // Sums before the epoch, by the hash that the ledger keys a scope with; each row moves them on, in order.
    // The sums of a session that is over leave the ledger when the next one begins; they are no longer shown.
    let session = fold.views.live.session.map(|id| id.epoch.0);
    let shown = closed.trust.iter().filter(|t| Some(t.scope.session) == session);
    let mut sums: BTreeMap<u64, MilliPoints> = shown.map(|t| (t.scope.entity, MilliPoints(t.before))).collect();
    if let (Some(session), Some(model)) = (fold.done.session, model) {
        for finding in &closed.findings {
            fold.finding(finding, session, model, &mut sums);
        }
    }
    if let Some(record) = &frame.control {
        fold.control(record, &mut sums);
    }
    fold.views.epoch = frame.epoch;
    fold.done
}

struct Fold<'a> {
    frame: &'a Frame,
    keys: HashKeys,
    views: &'a mut Views,
    done: Consequences,
}

impl Fold<'_> {
    fn count(&mut self, closed: &Closed) {
        let views = &mut *self.views;
        let active = views.state.active;
        self.done.session = active.map(|(_, id)| id);
        views.events += closed.decided.len() as u64;
        for rejected in &closed.rejected {
            *views.rejected.entry(rejected.reject.code.to_string()).or_default() += 1;
        }
        let mut kinds = [0u64; 9];
        for decided in &closed.decided {
            kinds[decided.kind.core().map_or(8, |t| t as usize)] += 1;
        }
        let names = trustfold_event::kind::EventType::ALL.map(|t| t.name());
        let names = names.into_iter().chain(["log"]);
        let mut session = active.and_then(|(_, id)| views.sessions.get_mut(&id));
        if let Some(session) = &mut session {
            session.events_count += closed.decided.len() as u64;
            session.anomalies_count += closed.findings.len() as u64;
        }
        for (name, n) in names.zip(kinds).filter(|(_, n)| *n > 0) {
            *views.by_type.entry(name).or_default() += n;
            if let Some(session) = &mut session {
                *session.events_by_type.entry(name.into()).or_default() += n;
            }
        }
    }

    fn dead_letters(&mut self, closed: &Closed) {
        for rejected in &closed.rejected {
            let Some((batch, raw)) = self.frame.record(rejected.index) else { continue };
            // Framing put its code and reason before the bytes.
            let raw = if batch.format == trustfold_event::raw::Format::Refused {
                raw.splitn(3, |b| *b == b'\n').nth(2).unwrap_or_default()
            } else {
                raw
            };
            self.done.changes.push(Change::DeadLetter(DeadLetter {
                id: self.frame.id(rejected.index),
                ts: self.frame.stamp,
                source: batch.source.clone(),
                peer: batch.peer.clone(),
                code: rejected.reject.code.to_string(),
                reason: rejected.reject.reason.clone(),
                raw: raw_text(raw),
                raw_bytes: raw.len() as u64,
            }));
        }
    }

    fn finding(&mut self, finding: &Finding, session: EventId, model: &ModelHandle, sums: &mut BTreeMap<u64, MilliPoints>) {
        let Some((batch, raw)) = self.frame.record(finding.index) else { return };
        let Ok(parsed) = parse(batch.format, raw, self.frame.stamp) else { return };
        let Kind::Core(event_type) = parsed.kind else { return };
        let id = self.frame.id(finding.index);
        let (kind, name) = parsed.entity();
        let entity = Entity::new(kind, name);
        let host = parsed.host.as_deref().map(str::to_owned);
        let penalty = MilliPoints(finding.penalty);
        let ts = parsed.time.unwrap_or(EventTime(self.frame.stamp.0));
        let row = LedgerRow { anomaly: id, session_id: session, entity: entity.clone(), host: host.clone(), penalty };
        // The ledger names only scopes whose sum the epoch changed.
        let before = sums.get(&finding.entity).copied().unwrap_or_else(|| self.views.live.debt_of(&entity));
        let anomaly = Anomaly {
            id,
            session_id: session,
            ts,
            ingested: self.frame.stamp,
            event_type,
            entity: entity.clone(),
            host,
            summary: parsed.summary(),
            score: finding.score,
            threshold: finding.threshold,
            confidence: finding.confidence,
            severity: self.views.state.settings.severity.severity(finding.score),
            base: finding.base,
            reasons: reasons(&finding.features, &finding.contributions, &model.model),
            features: finding.features.to_vec(),
            penalty,
            trust_before: before.trust(),
            trust_after: (before + penalty).trust(),
            pattern: Pattern { entity, event_type, object: parsed.object().to_owned(), peer: parsed.peer().to_owned() },
            model_version: finding.model.to_string(),
            disposition: None,
            mark: None,
            event: parsed.to_ecs(id, self.frame.stamp, &batch.source),
            raw: raw_text(raw),
        };
        self.done.impact.insert(finding.index, penalty);
        let live = &mut self.views.live;
        live.found += 1;
        live.confidence_sum += anomaly.confidence;
        live.show(anomaly.clone());
        self.done.changes.push(Change::Anomaly(Box::new(anomaly.clone())));
        self.done.changes.push(Change::Ledger(row.clone()));
        self.done.messages.push(Message::Anomaly(Box::new(anomaly)));
        self.charge(&row, id, ts, penalty, 1, sums);
    }

    /// Moves the sums of a row's scopes by `points`, and tells of it.
    fn charge(
        &mut self,
        row: &LedgerRow,
        cause: EventId,
        ts: EventTime,
        points: MilliPoints,
        anomalies: i64,
        sums: &mut BTreeMap<u64, MilliPoints>,
    ) -> Vec<TrustChange> {
        let mut changes = Vec::new();
        for (scope, hash) in self.scopes(row) {
            let sum = sums.entry(hash).or_insert_with(|| self.views.live.debt_of(&scope));
            let before = *sum;
            *sum += points;
            let debt = *sum;
            let view = self.views.live.scopes.entry(scope.clone()).or_default();
            view.debt = debt;
            view.anomalies = view.anomalies.saturating_add_signed(anomalies);
            changes.push(TrustChange {
                cause,
                session_id: row.session_id,
                scope,
                ts,
                known_at: self.frame.stamp,
                before: before.trust(),
                after: debt.trust(),
                debt,
            });
        }
        for change in &changes {
            self.tell(change);
        }
        changes
    }

    /// The row's scopes, with the hashes that the ledger keys them by.
    fn scopes(&self, row: &LedgerRow) -> Vec<(Entity, u64)> {
        let hash = |e: &Entity| self.keys.name(e.kind as u8, &e.name);
        let mut scopes = vec![(Entity::new(EntityKind::Session, row.session_id.to_string()), 0)];
        scopes.push((row.entity.clone(), hash(&row.entity)));
        let host = row.host.as_ref().map(|h| Entity::new(EntityKind::Host, h.clone())).filter(|h| *h != row.entity);
        scopes.extend(host.map(|h| (h.clone(), hash(&h))));
        scopes
    }

    fn tell(&mut self, change: &TrustChange) {
        if change.scope.kind == EntityKind::Session {
            self.views.live.remember(change.clone());
        }
        self.done.changes.push(Change::Trust(change.clone()));
        self.done.messages.push(Message::Trust(change.clone()));
        let line = self.views.state.settings.warn_below;
        let (before, after) = (change.before.points(), change.after.points());
        let notice = if before >= line && after < line {
            Notice {
                id: change.cause,
                session_id: change.session_id,
                scope: change.scope.clone(),
                ts: self.frame.stamp,
                state: NoticeState::Firing,
                trust: change.after,
                text: format!("Trust of {} is {}, below {line}.", describe(&change.scope), after.floor()),
                withdrawn_by: None,
            }
        } else if before < line && after >= line {
            let Some(standing) = self.views.live.firing.get(&change.scope) else { return };
            Notice {
                state: NoticeState::Withdrawn,
                trust: change.after,
                text: format!("Warning withdrawn. Trust of {} is {} again.", describe(&change.scope), after.floor()),
                withdrawn_by: Some(change.cause),
                ..standing.clone()
            }
        } else {
            return;
        };
        self.views.notify(&notice);
        self.done.changes.push(Change::Notice(notice.clone()));
        self.done.messages.push(Message::Notice(notice));
    }

    fn session(&mut self, id: EventId, status: &'static str, change: impl FnOnce(&mut Session)) {
        let Some(session) = self.views.sessions.get_mut(&id) else { return };
        change(session);
        let session = session.clone();
        let model_trained = session.mode == Mode::Training && session.model_version.is_some();
        self.done.changes.push(Change::Session(session.clone()));
        self.done.messages.push(Message::Session { session, status, model_trained });
    }

    fn begin(&mut self, id: EventId, mode: Mode) {
        let model_version = (mode == Mode::Live).then(|| self.views.state.model.as_ref().map(|m| m.digest.clone())).flatten();
        let session = Session {
            id,
            mode,
            status: SessionStatus::Active,
            is_active: true,
            start_time: self.frame.stamp,
            end_time: None,
            model_version,
            events_count: 0,
            events_by_type: BTreeMap::new(),
            anomalies_count: 0,
            reason: None,
        };
        self.views.sessions.insert(id, session);
        self.session(id, "started", |_| {});
    }

    fn end(&mut self, id: EventId, status: SessionStatus, word: &'static str) {
        let now = self.frame.stamp;
        self.session(id, word, |session| {
            session.status = status;
            session.is_active = false;
            session.end_time.get_or_insert(now);
        });
    }

    fn control(&mut self, record: &ControlRecord, sums: &mut BTreeMap<u64, MilliPoints>) {
        let id = EventId { process: self.frame.process, ..EventId::of_control(self.frame.epoch) };
        let before: ControlState = self.views.state.clone();
        self.views.state.apply(self.frame.epoch, record);
        let mut detail = String::new();
        match &record.control {
            Control::Genesis { generation, .. } => detail = format!("generation {generation}"),
            Control::Settings { .. } => {}
            Control::TrainStart => self.begin(id, Mode::Training),
            Control::TrainStop => {
                if let Some((_, session)) = before.active {
                    self.end(session, SessionStatus::Fitting, "stopped");
                }
            }
            Control::TrainFailed { session, reason, .. } => {
                detail.clone_from(reason);
                // A correction's retraining that fails leaves its session as it was: the old model stays.
                if before.fitting == Some(*session) {
                    self.session(*session, "failed", |s| {
                        s.status = SessionStatus::Failed;
                        s.reason = Some(reason.clone());
                    });
                }
            }
            Control::ModelAnnounced { session, card, .. } => {
                detail.clone_from(&card.digest);
                self.done.changes.push(Change::Model(card.clone(), self.frame.stamp));
                self.done.messages.push(Message::Model(json!(card)));
                let fitted = before.fitting == Some(*session);
                let word = if fitted { "completed" } else { "retrained" };
                self.session(*session, word, |s| {
                    s.model_version = Some(card.digest.clone());
                    if fitted {
                        s.status = SessionStatus::Completed;
                    }
                });
            }
            Control::LiveStart => {
                self.views.live = LiveView { session: Some(id), ..LiveView::default() };
                self.begin(id, Mode::Live);
            }
            Control::LiveStop => {
                if let Some((_, session)) = before.active {
                    self.end(session, SessionStatus::Completed, "stopped");
                }
            }
            Control::SessionClose { session } => {
                detail = session.to_string();
                let open = before.active.is_some_and(|(_, active)| active == *session) || before.fitting == Some(*session);
                if open {
                    self.end(*session, SessionStatus::Closed, "closed");
                }
            }
            Control::MarkNormal { anomalies, pattern, comment, .. } => {
                detail = format!(
                    "{} {} {}: {} anomalies. {comment}",
                    pattern.entity,
                    pattern.event_type,
                    pattern.object,
                    anomalies.len()
                );
                self.correct(id, id, anomalies, false, json!(pattern), sums);
            }
            Control::UndoMark { mark } => {
                detail = mark.to_string();
                if let Some(undone) = before.marks.get(mark) {
                    self.correct(id, *mark, &undone.anomalies, true, json!(undone.pattern), sums);
                }
            }
            Control::Label { anomaly, disposition, before, comment } => {
                let word = disposition.map_or("none".into(), |d| json!(d).as_str().unwrap_or_default().to_owned());
                detail = format!("{anomaly} {word}. {comment}");
                let live = &mut self.views.live;
                if live.session.is_some_and(|session| session.epoch < anomaly.epoch) {
                    live.confirmed =
                        (live.confirmed + u64::from(disposition.is_some())).saturating_sub(u64::from(before.is_some()));
                }
                live.judge(*anomaly, *disposition, None);
                if let Some(shown) = live.anomalies.iter().find(|a| a.id == *anomaly) {
                    self.done.messages.push(Message::Anomaly(Box::new(shown.clone())));
                }
                self.done.changes.push(Change::Judged { anomaly: *anomaly, disposition: *disposition, mark: None });
            }
            Control::Reset => {
                let state = self.views.state.clone();
                *self.views = Views { state, ..Views::default() };
                self.done.changes.push(Change::Reset);
                self.done.messages.push(Message::Reset);
            }
        }
        self.done.changes.push(Change::Audit(AuditEntry {
            id,
            ts: self.frame.stamp,
            actor: record.actor.clone(),
            action: record.control.name().into(),
            detail: detail.trim().to_owned(),
        }));
    }

    /// Takes rows out of the ledger, or puts them back, with everything that follows.
    fn correct(
        &mut self,
        id: EventId,
        mark: EventId,
        marked: &[MarkedAnomaly],
        undo: bool,
        pattern: Value,
        sums: &mut BTreeMap<u64, MilliPoints>,
    ) {
        let ts = EventTime(self.frame.stamp.0);
        let mark_now = (!undo).then_some(mark);
        let notices_before = self.done.messages.iter().filter(|m| matches!(m, Message::Notice(_))).count();
        let mut points = MilliPoints(0);
        let mut trust = BTreeMap::<Entity, (MilliPoints, MilliPoints)>::new();
        let mut totals = BTreeMap::<(Entity, u64), MilliPoints>::new();
        for MarkedAnomaly { row, confidence, disposition: judged, .. } in marked {
            // An undo gives back the judgement from before the mark.
            let disposition = if undo { *judged } else { Some(Disposition::FalsePositive) };
            self.done.changes.push(Change::Judged { anomaly: row.anomaly, disposition, mark: mark_now });
            points += row.penalty;
            if self.views.live.session != Some(row.session_id) {
                continue;
            }
            for (scope, hash) in self.scopes(row) {
                let view = self.views.live.scopes.entry(scope.clone()).or_default();
                view.anomalies = if undo { view.anomalies + 1 } else { view.anomalies.saturating_sub(1) };
                *totals.entry((scope, hash)).or_default() += row.penalty;
            }
            let live = &mut self.views.live;
            if undo {
                live.marked_normal = live.marked_normal.saturating_sub(1);
                live.confidence_sum += confidence;
                live.confirmed += u64::from(judged.is_some());
            } else {
                live.marked_normal += 1;
                live.confidence_sum -= confidence;
                live.confirmed = live.confirmed.saturating_sub(u64::from(judged.is_some()));
            }
            live.judge(row.anomaly, disposition, mark_now);
        }
        // One change a scope, however many rows a mark takes out.
        for ((scope, hash), total) in totals {
            let sum = sums.entry(hash).or_insert_with(|| self.views.live.debt_of(&scope));
            let before = *sum;
            *sum = if undo { before + total } else { before - total };
            let debt = *sum;
            if let Some(view) = self.views.live.scopes.get_mut(&scope) {
                view.debt = debt;
            }
            trust.insert(scope.clone(), (before.trust(), debt.trust()));
            let session_id = self.views.live.session.unwrap_or_default();
            let known_at = self.frame.stamp;
            self.tell(&TrustChange {
                cause: id,
                session_id,
                scope,
                ts,
                known_at,
                before: before.trust(),
                after: debt.trust(),
                debt,
            });
        }
        let notices = self.done.messages.iter().filter(|m| matches!(m, Message::Notice(_))).count() - notices_before;
        let trust: Vec<Value> = trust.iter().map(|(scope, (b, a))| json!({ "scope": scope, "before": b, "after": a })).collect();
        let ids: Vec<EventId> = marked.iter().map(|m| m.row.anomaly).collect();
        let answer = json!({
            "mark": mark,
            "undo": undo,
            "pattern": pattern,
            "retracted": { "anomalies": marked.len(), "points": points, "notices": notices },
            "points": points,
            "anomaly_ids": ids,
            "trust": trust,
        });
        self.done.messages.push(Message::Retraction(answer.clone()));
        self.views.remember_correction(id, answer);
    }
}

fn describe(scope: &Entity) -> String {
    if scope.kind == EntityKind::Session { "the session".into() } else { scope.to_string() }
}

/// An event as the API shows it.
pub fn stored_event(frame: &Frame, decided: &Decided, session: Option<EventId>, impact: MilliPoints) -> Option<StoredEvent> {
    let (batch, raw) = frame.record(decided.index)?;
    let parsed = parse(batch.format, raw, frame.stamp).ok()?;
    let id = frame.id(decided.index);
    let (kind, name) = parsed.entity();
    Some(StoredEvent {
        id,
        ts: parsed.time.unwrap_or(EventTime(frame.stamp.0)),
        ingested: frame.stamp,
        session_id: session,
        event_type: parsed.kind.name().into(),
        entity: Entity::new(kind, name),
        score: (!decided.score.is_nan()).then_some(decided.score),
        is_anomaly: decided.verdict == Verdict::Anomalous,
        trust_impact: impact,
        event: parsed.to_ecs(id, frame.stamp, &batch.source),
    })
}
