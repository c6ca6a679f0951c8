//! The pipeline as the web sees it.

use crate::egress::{Shared, wall_clock};
use crate::intake::{Intake, RETRY_AFTER_SECS, Refused};
use crate::models::ModelStore;
use crate::sinks::SinkState;
use crate::views::Views;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use trustfold_event::control::{AuditEntry, Control, MarkScope, MarkedAnomaly};
use trustfold_event::documents::{Anomaly, DeadLetter, Disposition, LedgerRow, Mode, ModelCard, Notice, Session, StoredEvent};
use trustfold_event::entity::{Entity, EntityKind};
use trustfold_event::hash::HashKeys;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Batch;
use trustfold_event::{Epoch, EventId};
use trustfold_operators::control::Refusal;
use trustfold_sinks::archive::Archive;
use trustfold_sinks::store::{self, Store, StoreError};
use trustfold_web::backend::{
    Backend, Check, Command, CommandError, Health, IntakeError, Page, PageRequest, ReadError, Receipt, Subscription,
};

/// How long a read waits for a sink to catch up with what has been decided.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Everything that the web's calls need.
pub struct Pipeline {
    /// What is so now.
    pub shared: Arc<Shared>,
    /// The way in.
    pub intake: Intake,
    /// Documents.
    pub store: Arc<dyn Store>,
    /// How far they are.
    pub store_state: Arc<SinkState>,
    /// Events.
    pub archive: Arc<Archive>,
    /// How far they are.
    pub archive_state: Arc<SinkState>,
    /// Model files.
    pub models: ModelStore,
    /// Duplicates since start.
    pub counters: Arc<crate::sequencer::SequencerCounters>,
}

/// Waits until `progress` has reached `epoch`; false where it does not in time.
async fn reached(progress: &watch::Sender<u64>, epoch: u64) -> bool {
    let mut progress = progress.subscribe();
    tokio::time::timeout(CATCH_UP, progress.wait_for(|done| *done >= epoch)).await.is_ok_and(|r| r.is_ok())
}

fn unavailable(what: &str) -> CommandError {
    CommandError::Unavailable(format!("{what}; try again"))
}

impl Pipeline {
    /// Runs a blocking read once the sink has what was decided before the call.
    async fn read<T: Send + 'static>(
        &self,
        state: &SinkState,
        read: impl FnOnce(&dyn Store, &Archive) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        // Not `closed`, which follows the views: whoever saw an epoch there, or heard of it, must find its documents.
        let seen = self.shared.read(|views| views.epoch.0);
        if !reached(&state.applied, seen).await {
            return Err(state.ails().unwrap_or_else(|| "the store is behind".into()));
        }
        let (store, archive) = (self.store.clone(), self.archive.clone());
        let read = tokio::task::spawn_blocking(move || read(&*store, &archive));
        read.await.map_err(|e| e.to_string())?
    }

    async fn page<T, U: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<store::Page<U>, StoreError> + Send + 'static,
        fresh: impl Fn(U) -> T,
    ) -> Result<Page<T>, ReadError> {
        // A foreign cursor is the caller's mistake, not the store's.
        let page = self.read(&self.store_state, |store, _| match read(store) {
            Ok(page) => Ok(Ok(page)),
            Err(StoreError::BadCursor(cursor)) => Ok(Err(cursor)),
            Err(error) => Err(error.to_string()),
        });
        match page.await.map_err(ReadError::Unavailable)? {
            Ok(page) => Ok(Page { data: page.data.into_iter().map(fresh).collect(), next_cursor: page.next_cursor }),
            Err(cursor) => Err(ReadError::BadCursor(cursor)),
        }
    }

    async fn one<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, String> {
        self.read(&self.store_state, |store, _| read(store).map_err(|e| e.to_string())).await
    }

    /// Journals a control and waits until every read reflects it; answers its id.
    async fn control(&self, actor: &str, control: Control) -> Result<EventId, CommandError> {
        let epoch = match self.intake.control(actor, control, None).await {
            None => return Err(CommandError::Unavailable("the process is stopping".into())),
            Some(Err(Refusal { code: "not_found", detail })) => return Err(CommandError::NotFound(detail)),
            Some(Err(Refusal { code, detail })) => return Err(CommandError::Conflict { code, detail }),
            Some(Ok(epoch)) => epoch,
        };
        if !reached(&self.shared.closed, epoch.0).await {
            return Err(unavailable("the call is journaled, but the pipeline is behind"));
        }
        Ok(EventId::of_control(epoch))
    }

    async fn mark(
        &self,
        actor: &str,
        id: EventId,
        scope: MarkScope,
        comment: String,
        preview: bool,
    ) -> Result<Value, CommandError> {
        let found = self.one(move |store| {
            let Some(anomaly) = store.anomaly(id)? else { return Ok(None) };
            let marked = match scope {
                MarkScope::Anomaly => vec![anomaly.clone()],
                MarkScope::Pattern => store.anomalies_of_pattern(anomaly.session_id, &anomaly.pattern)?,
            };
            let debts = store.debts(anomaly.session_id)?;
            Ok(Some((anomaly, marked, debts)))
        });
        let (anomaly, marked, debts) = found
            .await
            .map_err(CommandError::Unavailable)?
            .ok_or_else(|| CommandError::NotFound(format!("There is no anomaly {id}.")))?;
        if anomaly.disposition == Some(Disposition::FalsePositive) {
            return Err(CommandError::Conflict { code: "conflict", detail: format!("Anomaly {id} is already marked normal.") });
        }
        let marked: Vec<MarkedAnomaly> = marked.into_iter().map(marked_anomaly).collect();
        if !preview {
            let control = Control::MarkNormal { anomalies: marked, pattern: anomaly.pattern, scope, comment };
            let mark = self.control(actor, control).await?;
            return Ok(self.correction(mark, Some(mark)));
        }
        let mut totals = std::collections::BTreeMap::<Entity, MilliPoints>::new();
        for MarkedAnomaly { row, .. } in &marked {
            let host = row.host.clone().map(|h| Entity::new(EntityKind::Host, h)).filter(|h| *h != row.entity);
            let session = Entity::new(EntityKind::Session, row.session_id.to_string());
            for scope in [session, row.entity.clone()].into_iter().chain(host) {
                *totals.entry(scope).or_default() += row.penalty;
            }
        }
        let (line, current) = self.shared.read(|v| (v.state.settings.warn_below, v.live.session == Some(anomaly.session_id)));
        if !current {
            // The session is over: its rows are retracted, but its trust is folded no more.
            totals.clear();
        }
        let mut lifted = 0;
        let trust: Vec<Value> = totals
            .into_iter()
            .map(|(scope, total)| {
                let debt = debts.get(&scope).copied().unwrap_or_default();
                let (before, after) = (debt.trust(), (debt - total).trust());
                lifted += u64::from(before.points() < line && after.points() >= line);
                json!({ "scope": scope, "before": before, "after": after })
            })
            .collect();
        let points: MilliPoints = marked.iter().map(|m| m.row.penalty).sum();
        let ids: Vec<EventId> = marked.iter().map(|m| m.row.anomaly).collect();
        Ok(json!({
            "mark": null, "preview": true, "pattern": anomaly.pattern, "anomaly_ids": ids, "trust": trust, "retraining": false,
            "retracted": { "anomalies": marked.len(), "points": points, "notices": lifted },
        }))
    }

    /// What a mark or an undo did, as the egress noted it.
    fn correction(&self, id: EventId, mark: Option<EventId>) -> Value {
        self.shared.read(|views| {
            let mut answer = views.corrections.get(&id).cloned().unwrap_or_else(|| json!({}));
            answer["mark"] = json!(mark);
            answer["preview"] = json!(false);
            answer["retraining"] = json!(views.state.owed == Some(id));
            answer
        })
    }

    async fn label(
        &self,
        actor: &str,
        id: EventId,
        disposition: Option<Disposition>,
        comment: String,
    ) -> Result<Value, CommandError> {
        let find = || self.one(move |store| store.anomaly(id));
        let missing = || CommandError::NotFound(format!("There is no anomaly {id}."));
        let known = find().await.map_err(CommandError::Unavailable)?.ok_or_else(missing)?;
        let control = Control::Label { anomaly: id, disposition, before: known.disposition, comment };
        self.control(actor, control).await?;
        let anomaly = find().await.map_err(CommandError::Unavailable)?.ok_or_else(missing)?;
        Ok(json!(anomaly))
    }

    async fn reset(&self, actor: &str, confirmed: bool) -> Result<Value, CommandError> {
        let removed = self.shared.read(|views| {
            let anomalies: u64 = views.sessions.values().map(|s| s.anomalies_count).sum();
            json!({ "sessions": views.sessions.len(), "events": views.events, "anomalies": anomalies, "models": self.models.count() })
        });
        if !confirmed {
            return Ok(json!({ "removed": removed }));
        }
        // Listed before: a model that the next generation makes while we wait is not ours to delete.
        let old_models = self.models.list().map_err(|e| CommandError::Unavailable(e.to_string()))?;
        let reset = self.control(actor, Control::Reset).await?;
        // The next generation's first record follows at once; files go only when nothing needs them for a replay.
        let first = Epoch(reset.epoch.0 + 1);
        let written = reached(&self.shared.closed, first.0).await
            && reached(&self.store_state.applied, first.0).await
            && reached(&self.archive_state.applied, first.0).await;
        if !written {
            return Err(unavailable("the reset is journaled, but a store is behind"));
        }
        self.intake
            .forget(first)
            .await
            .ok_or_else(|| unavailable("the reset is done, but the old journal could not be deleted"))?;
        let cleared = tokio::task::spawn_blocking(move || ModelStore::delete(&old_models))
            .await
            .map_err(|e| CommandError::Unavailable(e.to_string()))?;
        cleared.map_err(|e| CommandError::Unavailable(e.to_string()))?;
        Ok(json!({ "message": "Everything was reset. Training comes first.", "removed": removed }))
    }

    fn session_value(&self, id: EventId) -> Value {
        self.shared.read(|v| v.sessions.get(&id).map_or(Value::Null, |s| json!(s)))
    }

    /// The statistics with what only the intake knows.
    fn full_stats(&self, views: &Views) -> Value {
        let mut stats = self.shared.stats_of(views);
        let refused = self.intake.refused();
        let sum = stats["events"]["rejected"].as_u64().unwrap_or(0) + refused.values().sum::<u64>();
        stats["events"]["rejected"] = json!(sum);
        stats["events"]["refused_by_code"] = json!(refused);
        stats["events"]["duplicates"] = json!(self.counters.duplicates.load(std::sync::atomic::Ordering::Relaxed));
        stats
    }
}

fn marked_anomaly(anomaly: Anomaly) -> MarkedAnomaly {
    MarkedAnomaly {
        row: LedgerRow {
            anomaly: anomaly.id,
            session_id: anomaly.session_id,
            entity: anomaly.entity,
            host: anomaly.host,
            penalty: anomaly.penalty,
        },
        confidence: anomaly.confidence,
        disposition: anomaly.disposition,
        features: anomaly.features,
    }
}

fn to_store(page: &PageRequest) -> store::PageRequest {
    store::PageRequest { limit: page.limit, cursor: page.cursor.clone() }
}

impl Backend for Pipeline {
    fn keys(&self) -> HashKeys {
        self.shared.read(|v| v.state.keys).unwrap_or(HashKeys::from_seed(0))
    }

    async fn submit(&self, batch: Batch) -> Result<Receipt, IntakeError> {
        match self.intake.take(batch).await {
            Ok(taken) => Ok(Receipt { accepted: taken.accepted, duplicates: taken.duplicates }),
            Err(Refused::Full(_)) => Err(IntakeError::Overloaded { retry_after_secs: u64::from(RETRY_AFTER_SECS) }),
            Err(Refused::Closed) => Err(IntakeError::Unavailable("the process is stopping".into())),
        }
    }

    fn keep_refused(&self, refused: Batch) {
        self.intake.keep_refused(refused);
    }

    async fn command(&self, actor: &str, command: Command) -> Result<Value, CommandError> {
        match command {
            Command::TrainStart => {
                let id = self.control(actor, Control::TrainStart).await?;
                Ok(json!({ "session_id": id, "is_active": true, "message": "Training started." }))
            }
            Command::TrainStop => {
                self.control(actor, Control::TrainStop).await?;
                Ok(self.shared.read(|v| {
                    let session = v.training();
                    json!({
                        "session_id": session.map(|s| s.id), "is_active": false,
                        "events_count": session.map_or(0, |s| s.events_count), "status": session.map(|s| s.status),
                    })
                }))
            }
            Command::LiveStart => {
                let id = self.control(actor, Control::LiveStart).await?;
                Ok(self.shared.read(|v| {
                    json!({
                        "session_id": id, "is_active": true, "trust": v.live.debt().trust(),
                        "model_version": v.state.model.as_ref().map(|m| &m.digest), "message": "Live mode started.",
                    })
                }))
            }
            Command::LiveStop => {
                self.control(actor, Control::LiveStop).await?;
                Ok(self.shared.read(|v| {
                    let session = v.live_session();
                    json!({
                        "session_id": session.map(|s| s.id), "is_active": false,
                        "events_count": session.map_or(0, |s| s.events_count),
                        "anomalies_count": session.map_or(0, |s| s.anomalies_count), "trust": v.live.debt().trust(),
                    })
                }))
            }
            Command::SessionClose(id) => {
                if self.shared.read(|v| !v.sessions.contains_key(&id)) {
                    return Err(CommandError::NotFound(format!("There is no session {id}.")));
                }
                if self.shared.read(|v| v.sessions.get(&id).is_some_and(|s| s.is_active) || v.state.fitting == Some(id)) {
                    self.control(actor, Control::SessionClose { session: id }).await?;
                }
                Ok(self.session_value(id))
            }
            Command::MarkNormal { anomaly, scope, comment, preview } => self.mark(actor, anomaly, scope, comment, preview).await,
            Command::UndoMark(mark) => {
                let undo = self.control(actor, Control::UndoMark { mark }).await?;
                Ok(self.correction(undo, Some(mark)))
            }
            Command::Label { anomaly, disposition, comment } => self.label(actor, anomaly, disposition, comment).await,
            Command::Reset { confirmed } => self.reset(actor, confirmed).await,
        }
    }

    fn train_status(&self) -> Value {
        self.shared.read(Views::train_status)
    }

    fn live_status(&self) -> Value {
        self.shared.read(Views::live_status)
    }

    fn stats(&self) -> Value {
        self.shared.read(|views| self.full_stats(views))
    }

    async fn trust(&self, entity: Option<Entity>, limit: usize) -> Result<Value, ReadError> {
        let scope = entity.or_else(|| self.shared.read(|v| v.live.session_scope()));
        let Some(scope) = scope else {
            return Ok(self.shared.read(|v| {
                let mut answer = v.trust(&Entity::new(EntityKind::Session, "none"), &[]);
                answer["scope"] = Value::Null;
                answer
            }));
        };
        let live = self.shared.read(|v| v.live.session);
        if let Some(past) = scope.name.parse::<EventId>().ok().filter(|id| scope.kind == EntityKind::Session && Some(*id) != live)
        {
            let of = scope.clone();
            let kept = self.one(move |store| Ok((store.debts(past)?, store.trust_history(past, &of, limit)?))).await;
            let (debts, history) = kept.map_err(ReadError::Unavailable)?;
            return Ok(self
                .shared
                .read(|v| v.trust_of(Some(past), &scope, debts.get(&scope).copied().unwrap_or_default(), &history)));
        }
        let history = match live {
            Some(session) => {
                let of = scope.clone();
                self.one(move |store| store.trust_history(session, &of, limit)).await.map_err(ReadError::Unavailable)?
            }
            None => vec![],
        };
        Ok(self.shared.read(|v| v.trust(&scope, &history)))
    }

    fn trust_entities(&self, limit: usize) -> Value {
        self.shared.read(|v| v.trust_entities(limit))
    }

    async fn events(&self, session: Option<EventId>, page: PageRequest) -> Result<Page<StoredEvent>, ReadError> {
        let before = match &page.cursor {
            Some(text) => Some(text.parse::<EventId>().map_err(|_| ReadError::BadCursor(text.clone()))?),
            None => None,
        };
        let limit = page.limit;
        let events = self
            .read(&self.archive_state, move |_, archive| archive.events(session, limit, before).map_err(|e| e.to_string()))
            .await
            .map_err(ReadError::Unavailable)?;
        let next_cursor = events.last().filter(|_| events.len() == limit).map(|e| e.id.to_string());
        Ok(Page { data: events, next_cursor })
    }

    async fn sessions(&self, mode: Option<Mode>, page: PageRequest) -> Result<Page<Session>, ReadError> {
        let request = to_store(&page);
        let fresh = |session| self.shared.read(|v| v.freshen(session));
        self.page(move |store| store.sessions(mode, &request), fresh).await
    }

    async fn session(&self, id: EventId) -> Result<Option<Session>, ReadError> {
        if let Some(session) = self.shared.read(|v| v.sessions.get(&id).cloned()) {
            return Ok(Some(session));
        }
        self.one(move |store| store.session(id)).await.map_err(ReadError::Unavailable)
    }

    async fn anomalies(&self, session: Option<EventId>, open_only: bool, page: PageRequest) -> Result<Page<Anomaly>, ReadError> {
        let Some(session) = session.or_else(|| self.shared.read(|v| v.live.session)) else {
            return Ok(Page { data: vec![], next_cursor: None });
        };
        let request = to_store(&page);
        self.page(move |store| store.anomalies(session, open_only, &request), |a| a).await
    }

    async fn anomaly(&self, id: EventId) -> Result<Option<Anomaly>, ReadError> {
        self.one(move |store| store.anomaly(id)).await.map_err(ReadError::Unavailable)
    }

    async fn notices(&self, page: PageRequest) -> Result<Page<Notice>, ReadError> {
        self.page(move |store| store.notices(&to_store(&page)), |n| n).await
    }

    async fn models(&self, page: PageRequest) -> Result<Page<ModelCard>, ReadError> {
        self.page(move |store| store.models(&to_store(&page)), |m| m).await
    }

    async fn audit(&self, page: PageRequest) -> Result<Page<AuditEntry>, ReadError> {
        self.page(move |store| store.audit(&to_store(&page)), |a| a).await
    }

    async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, ReadError> {
        self.page(move |store| store.dead_letters(&to_store(&page)), |d| d).await
    }

    async fn health(&self) -> Health {
        let ready = self.shared.replay_upto.borrow().is_some_and(|upto| *self.shared.closed.borrow() >= upto);
        let store = self.store.clone();
        let ping = tokio::task::spawn_blocking(move || store.ping().map_err(|e| e.to_string())).await;
        let store = match (ping, self.store_state.ails().or_else(|| self.archive_state.ails())) {
            (Ok(Ok(())), None) => Check { ok: true, detail: "documents and archive answer".into() },
            (Ok(Ok(())), Some(cause)) | (Ok(Err(cause)), _) => Check { ok: false, detail: cause },
            (Err(cause), _) => Check { ok: false, detail: cause.to_string() },
        };
        let epoch = *self.shared.closed.borrow();
        let pipeline =
            Check { ok: ready, detail: if ready { format!("epoch {epoch}") } else { format!("replaying, epoch {epoch}") } };
        let model = match self.shared.read(|v| v.state.model.as_ref().map(|m| m.digest.clone())) {
            Some(digest) => Check { ok: true, detail: digest },
            None => Check { ok: false, detail: "no model yet; train first".into() },
        };
        Health { ready, store, pipeline, model }
    }

    fn subscribe(&self, resume: Option<(String, u64)>) -> Subscription {
        // The views are held while joining, so that the snapshot and the number that it carries belong together.
        self.shared.read(|views| {
            let hub = &self.shared.hub;
            let joined = hub.join(resume.as_ref().map(|(stream, last)| (stream.as_str(), *last)));
            let hello = json!({
                "stream": hub.stream(), "seq": joined.seq, "version": env!("CARGO_PKG_VERSION"), "resumed": joined.resumed,
            });
            let mut first: Vec<Arc<str>> = hub.unnumbered("hello", joined.seq, wall_clock(), &hello).into_iter().collect();
            if joined.resumed {
                first.extend(joined.missed);
            } else {
                let snapshot = views.snapshot(self.full_stats(views));
                first.extend(hub.unnumbered("snapshot", joined.seq, wall_clock(), &snapshot));
            }
            Subscription { first, frames: joined.frames, stream: hub.stream().to_owned(), seq: joined.seq }
        })
    }
}
