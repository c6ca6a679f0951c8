//! A backend that does as it is told, and notes what it was asked.

use crate::backend::{
    Backend, Check, Command, CommandError, Health, IntakeError, Page, PageRequest, ReadError, Receipt, Subscription,
};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, mpsc};
use trustfold_event::control::AuditEntry;
use trustfold_event::documents::{Anomaly, DeadLetter, Mode, ModelCard, Notice, Session, SessionStatus, StoredEvent};
use trustfold_event::entity::Entity;
use trustfold_event::hash::HashKeys;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Batch;
use trustfold_event::{Epoch, EventId, EventTime, Stamp};

/// The id of whatever exists.
pub(crate) fn known() -> EventId {
    EventId::new(Epoch(7), 3)
}

/// What the next calls meet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Well,
    Overloaded,
    Down,
    Panicking,
    Starting,
    /// Answers once [`Fake::go_on`] is notified.
    Waiting,
}

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) mood: Mutex<Mood>,
    pub(crate) conflict: Mutex<Option<(&'static str, &'static str)>>,
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) batches: Mutex<Vec<Batch>>,
    pub(crate) refused: Mutex<Vec<Batch>>,
    pub(crate) subscriptions: Mutex<VecDeque<Subscription>>,
    pub(crate) reached: Notify,
    pub(crate) go_on: Notify,
    seen: Mutex<HashSet<u128>>,
}

impl Fake {
    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn last(&self) -> String {
        self.asked.lock().unwrap().last().cloned().unwrap_or_default()
    }

    fn ask(&self, what: String) -> Mood {
        self.asked.lock().unwrap().push(what);
        let mood = *self.mood.lock().unwrap();
        assert!(mood != Mood::Panicking, "told to panic over a secret");
        mood
    }

    fn read<T>(&self, what: String, page: &PageRequest, data: Vec<T>) -> Result<Page<T>, ReadError> {
        let mood = self.ask(format!("{what} {} {:?}", page.limit, page.cursor));
        match page.cursor.as_deref() {
            _ if mood == Mood::Down => Err(ReadError::Unavailable("the store is away".into())),
            None | Some("c1") => Ok(Page { data, next_cursor: page.cursor.is_none().then(|| "c1".to_owned()) }),
            Some(other) => Err(ReadError::BadCursor(other.to_owned())),
        }
    }
}

/// A subscription, and the hub's end of it.
pub(crate) fn subscription(stream: &str, seq: u64, first: &[&str]) -> (Subscription, mpsc::Sender<(u64, Arc<str>)>) {
    let (sender, frames) = mpsc::channel(8);
    let first = first.iter().map(|f| Arc::from(*f)).collect();
    (Subscription { first, frames, stream: stream.into(), seq }, sender)
}

pub(crate) fn session() -> Session {
    Session {
        id: known(),
        mode: Mode::Live,
        status: SessionStatus::Active,
        is_active: true,
        start_time: Stamp(0),
        end_time: None,
        model_version: None,
        events_count: 5,
        events_by_type: [("login".to_owned(), 5)].into(),
        anomalies_count: 1,
        reason: None,
    }
}

fn stored() -> StoredEvent {
    StoredEvent {
        id: known(),
        ts: EventTime(0),
        ingested: Stamp(0),
        session_id: None,
        event_type: "login".into(),
        entity: "user:alice".parse().unwrap(),
        score: None,
        is_anomaly: false,
        trust_impact: MilliPoints(0),
        event: json!({ "user": { "name": "alice" } }),
    }
}

impl Backend for Fake {
    fn keys(&self) -> HashKeys {
        HashKeys::from_seed(1)
    }

    async fn submit(&self, batch: Batch) -> Result<Receipt, IntakeError> {
        match self.ask(format!("submit {} from {} by {}", batch.len(), batch.peer, batch.source)) {
            Mood::Overloaded => return Err(IntakeError::Overloaded { retry_after_secs: 7 }),
            Mood::Down => return Err(IntakeError::Unavailable("stopping".into())),
            Mood::Waiting => {
                self.reached.notify_one();
                self.go_on.notified().await;
            }
            _ => {}
        }
        let mut receipt = Receipt::default();
        for at in 0..batch.len() {
            let identity = batch.identities().get(at).copied().unwrap_or(0);
            let fresh = identity == 0 || self.seen.lock().unwrap().insert(identity);
            *(if fresh { &mut receipt.accepted } else { &mut receipt.duplicates }) += 1;
        }
        self.batches.lock().unwrap().push(batch);
        Ok(receipt)
    }

    fn keep_refused(&self, refused: Batch) {
        self.refused.lock().unwrap().push(refused);
    }

    async fn command(&self, actor: &str, command: Command) -> Result<Value, CommandError> {
        let said = format!("{actor}: {command:?}");
        if self.ask(said.clone()) == Mood::Down {
            return Err(CommandError::Unavailable("the journal is closed".into()));
        }
        if let Some((code, detail)) = *self.conflict.lock().unwrap() {
            return Err(CommandError::Conflict { code, detail: detail.into() });
        }
        match command {
            Command::SessionClose(id)
            | Command::UndoMark(id)
            | Command::MarkNormal { anomaly: id, .. }
            | Command::Label { anomaly: id, .. }
                if id != known() =>
            {
                Err(CommandError::NotFound(format!("nothing is named {id}")))
            }
            Command::Reset { .. } => {
                Ok(json!({ "message": said, "removed": { "sessions": 1, "events": 2, "anomalies": 3, "models": 4 } }))
            }
            _ => Ok(json!({ "did": said })),
        }
    }

    fn train_status(&self) -> Value {
        json!({ "status": "train" })
    }

    fn live_status(&self) -> Value {
        json!({ "status": "live" })
    }

    fn stats(&self) -> Value {
        self.ask("stats".into());
        json!({ "seq": 5 })
    }

    async fn trust(&self, entity: Option<Entity>, limit: usize) -> Result<Value, ReadError> {
        if self.ask(format!("trust {entity:?} {limit}")) == Mood::Down {
            return Err(ReadError::Unavailable("the store is away".into()));
        }
        Ok(json!({ "scope": entity, "history": [] }))
    }

    fn trust_entities(&self, limit: usize) -> Value {
        json!({ "data": [], "limit": limit })
    }

    async fn events(&self, session: Option<EventId>, page: PageRequest) -> Result<Page<StoredEvent>, ReadError> {
        self.read(format!("events {session:?}"), &page, vec![stored()])
    }

    async fn sessions(&self, mode: Option<Mode>, page: PageRequest) -> Result<Page<Session>, ReadError> {
        self.read(format!("sessions {mode:?}"), &page, vec![session()])
    }

    async fn session(&self, id: EventId) -> Result<Option<Session>, ReadError> {
        Ok((id == known()).then(session))
    }

    async fn anomalies(&self, session: Option<EventId>, open_only: bool, page: PageRequest) -> Result<Page<Anomaly>, ReadError> {
        self.read(format!("anomalies {session:?} {open_only}"), &page, vec![])
    }

    async fn anomaly(&self, id: EventId) -> Result<Option<Anomaly>, ReadError> {
        if *self.mood.lock().unwrap() == Mood::Down {
            return Err(ReadError::Unavailable("the store is away".into()));
        }
        Ok((id == known()).then(anomaly))
    }

    async fn notices(&self, page: PageRequest) -> Result<Page<Notice>, ReadError> {
        self.read("notices".into(), &page, vec![])
    }

    async fn models(&self, page: PageRequest) -> Result<Page<ModelCard>, ReadError> {
        self.read("models".into(), &page, vec![])
    }

    async fn audit(&self, page: PageRequest) -> Result<Page<AuditEntry>, ReadError> {
        self.read("audit".into(), &page, vec![])
    }

    async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, ReadError> {
        self.read("dead letters".into(), &page, vec![])
    }

    async fn health(&self) -> Health {
        let mood = *self.mood.lock().unwrap();
        let check = |ok: bool| Check { ok, detail: if ok { "well" } else { "away" }.to_owned() };
        Health { ready: mood != Mood::Starting, store: check(mood != Mood::Down), pipeline: check(true), model: check(false) }
    }

    fn subscribe(&self, resume: Option<(String, u64)>) -> Subscription {
        self.asked.lock().unwrap().push(format!("subscribe {resume:?}"));
        // Where nothing is scripted the hub is gone: its channel is closed from the start.
        self.subscriptions.lock().unwrap().pop_front().unwrap_or_else(|| subscription("gone", 0, &[]).0)
    }
}

fn anomaly() -> Anomaly {
    let entity: Entity = "user:alice".parse().unwrap();
    serde_json::from_value(json!({
        "id": known(), "session_id": known(), "ts": EventTime(0), "ingested": Stamp(0), "event_type": "login", "entity": entity,
        "host": null, "summary": "login from 203.0.113.7", "score": 0.7, "threshold": 0.6, "confidence": 0.99, "severity": "high",
        "base": 0.4, "reasons": [], "features": [], "penalty": MilliPoints(5000), "trust_before": MilliPoints(100_000),
        "trust_after": MilliPoints(95_000),
        "pattern": { "entity": entity, "event_type": "login", "object": "", "peer": "203.0.113.7" },
        "model_version": "abc", "disposition": null, "mark": null, "event": {}, "raw": "{}"
    }))
    .unwrap()
}
