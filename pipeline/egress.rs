//! Closed epochs, in order, out to everybody: views, store, archive, hub, trainer.

use crate::decisions::{Consequences, Message, fold, stored_event};
use crate::digest::DecisionDigest;
use crate::merge::{Closed, Merge};
use crate::models::ModelStore;
use crate::sinks::{ArchiveJob, Sinks};
use crate::trainer::TrainingJob;
use crate::views::Views;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use trustfold_event::control::Control;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Frame;
use trustfold_event::{Epoch, Stamp};
use trustfold_operators::collect::Collected;
use trustfold_operators::head::ModelHandle;
use trustfold_sinks::hub::Hub;
use trustfold_sinks::store::EpochChanges;

/// Sampled events leave this often.
const EVENTS_EVERY: Duration = Duration::from_millis(100);

/// Statistics leave this often while anybody looks.
const STATS_EVERY: Duration = Duration::from_secs(1);

/// Rows drawn in one message of sampled events.
const EVENTS_SHOWN: usize = 20;

/// What the API reads of the egress.
pub struct Shared {
    /// What is so now.
    pub views: RwLock<Views>,
    /// The hub.
    pub hub: Hub,
    /// What was measured.
    pub meters: Mutex<Meters>,
    /// The newest closed epoch.
    pub closed: watch::Sender<u64>,
    /// The newest epoch of the replay; set once the journal has been read.
    pub replay_upto: watch::Sender<Option<u64>>,
}

/// Measurements since start; none of them decides anything.
pub struct Meters {
    /// From receive stamp to decision, in microseconds.
    pub latency_us: Histogram<u64>,
    /// Events of the last whole seconds.
    per_second: VecDeque<(u64, u64)>,
    began: Instant,
}

impl Default for Meters {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that the histogram accepts")]
        let latency_us = Histogram::new_with_bounds(1, 60_000_000, 3).expect("valid bounds");
        Self { latency_us, per_second: VecDeque::new(), began: Instant::now() }
    }
}

impl Meters {
    fn count(&mut self, events: u64) {
        let second = self.began.elapsed().as_secs();
        match self.per_second.back_mut() {
            Some((s, n)) if *s == second => *n += events,
            _ => self.per_second.push_back((second, events)),
        }
        while self.per_second.front().is_some_and(|(s, _)| s + 6 < second) {
            self.per_second.pop_front();
        }
    }

    /// Events a second, over the last five whole seconds.
    pub fn events_per_second(&self) -> f64 {
        let now = self.began.elapsed().as_secs();
        let whole = self.per_second.iter().filter(|(s, _)| *s < now && s + 5 >= now).map(|(_, n)| n).sum::<u64>();
        whole as f64 / now.clamp(1, 5) as f64
    }

    /// Seconds since start.
    pub fn uptime_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

impl Shared {
    /// Nothing known yet.
    pub fn new(stream: String) -> Self {
        Self {
            views: RwLock::default(),
            hub: Hub::new(stream),
            meters: Mutex::default(),
            closed: watch::Sender::new(0),
            replay_upto: watch::Sender::new(None),
        }
    }

    /// Reads the views.
    pub fn read<T>(&self, read: impl FnOnce(&Views) -> T) -> T {
        // A panic ends the process, so that no half-folded epoch is ever read.
        read(&self.views.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The whole of `GET /api/stats`, consistent with the hub's number.
    pub fn stats(&self) -> Value {
        self.read(|views| self.stats_of(views))
    }

    /// The statistics of views that are held.
    pub fn stats_of(&self, views: &Views) -> Value {
        let mut stats = views.stats();
        let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let quantile = |q: f64| meters.latency_us.value_at_quantile(q) as f64 / 1000.0;
        stats["seq"] = json!(self.hub.seq());
        stats["stream"] = json!(self.hub.stream());
        stats["events"]["per_second"] = json!(meters.events_per_second());
        stats["latency_ms"] = if meters.latency_us.is_empty() {
            json!({ "p50": null, "p99": null })
        } else {
            json!({ "p50": quantile(0.5), "p99": quantile(0.99) })
        };
        stats["uptime_s"] = json!(meters.uptime_s());
        stats["clients"] = json!(self.hub.clients());
        stats
    }
}

/// The wall clock, for measuring and for messages; never for deciding.
pub fn wall_clock() -> Stamp {
    Stamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64))
}

/// Sampled events that have not left yet.
#[derive(Default)]
struct Sampled {
    received: u64,
    shown: Vec<Value>,
    by_type: std::collections::BTreeMap<&'static str, u64>,
}

/// The egress, on a thread of its own.
pub struct Egress {
    /// What the API reads.
    pub shared: Arc<Shared>,
    /// Frames, in order, each before its outputs.
    pub frames: Receiver<Arc<Frame>>,
    /// The workers' words.
    pub collected: Receiver<Collected>,
    /// Where documents and events go.
    pub sinks: Sinks,
    /// Where training jobs go.
    pub trainer: Sender<TrainingJob>,
    /// Model files, for the reasons of findings.
    pub models: ModelStore,
    /// How many workers there are.
    pub workers: usize,
}

impl Egress {
    /// Serves until the workers and the sequencer are gone; answers the digest of everything decided.
    pub fn serve(self) -> String {
        let mut merge = Merge::new(self.workers);
        let mut state = Serving {
            waiting: VecDeque::new(),
            model: None,
            digest: DecisionDigest::default(),
            sampled: Sampled::default(),
            job: None,
            events_left: Instant::now(),
            stats_left: Instant::now(),
        };
        loop {
            match self.collected.recv_timeout(EVENTS_EVERY) {
                Ok(collected) => {
                    merge.add(collected);
                    state.waiting.extend(self.frames.try_iter());
                    while state.waiting.front().is_some_and(|f| f.epoch.0 < merge.closed_below()) {
                        let Some(frame) = state.waiting.pop_front() else { break };
                        let closed = merge.take(frame.epoch.0);
                        self.close(&mut state, &frame, closed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tick(&mut state);
        }
        self.shared.hub.close();
        state.digest.hex()
    }

    fn replaying(&self, epoch: Epoch) -> bool {
        self.shared.replay_upto.borrow().is_none_or(|upto| epoch.0 <= upto)
    }

    fn close(&self, state: &mut Serving, frame: &Arc<Frame>, closed: Closed) {
        state.digest.absorb(frame.epoch.0, &closed);
        let live = !self.replaying(frame.epoch);
        let mut views = self.shared.views.write().unwrap_or_else(PoisonError::into_inner);
        let done = fold(&mut views, state.model.as_ref(), frame, &closed);
        // The epoch's findings were scored by the model before.
        if let Some(Control::ModelAnnounced { card, .. }) = frame.control.as_ref().map(|c| &c.control) {
            state.model = self.models.load(&card.digest).inspect_err(|e| tracing::error!("{e}")).ok();
        }
        if live {
            self.sample(state, &mut views, frame, &closed, &done);
            for message in &done.messages {
                self.send(message);
                if matches!(message, Message::Reset) {
                    let snapshot = views.snapshot(self.shared.stats_of(&views));
                    self.shared.hub.publish("snapshot", wall_clock(), &snapshot);
                }
            }
        }
        self.consider_training(state, &views, &closed);
        drop(views);
        if live {
            let mut meters = self.shared.meters.lock().unwrap_or_else(PoisonError::into_inner);
            meters.count(closed.decided.len() as u64);
            if !closed.decided.is_empty() {
                let micros = wall_clock().micros_since(frame.stamp).clamp(1, 60_000_000) as u64;
                // Within the bounds by the clamp above.
                let _ = meters.latency_us.record(micros);
            }
        }
        log_messages(&done, live);
        let Consequences { changes, session, impact, .. } = done;
        self.sinks.store(EpochChanges { epoch: frame.epoch, changes });
        self.sinks.archive(ArchiveJob { frame: frame.clone(), decided: closed.decided, session, impact });
        self.shared.closed.send_replace(frame.epoch.0);
    }

    /// Hands a training job over once the question still stands: during a replay the journal may hold the answer.
    fn consider_training(&self, state: &mut Serving, views: &Views, closed: &Closed) {
        if let Some(part) = closed.samples.first() {
            let job = TrainingJob {
                parts: closed.samples.clone(),
                marked: views.state.marked_features(),
                settings: views.state.settings.clone(),
                seed: views.state.keys.map_or(0, |k| k.training),
            };
            state.job = (views.state.owed == Some(part.asked_by)).then_some(job);
        }
        if let Some(job) = &state.job
            && views.state.owed != job.asked_by().map(|(by, _)| by)
        {
            state.job = None;
        }
        if !self.replaying(Epoch(views.epoch.0 + 1))
            && let Some(job) = state.job.take()
        {
            // The trainer outlives the egress; were it gone, the next start would train.
            let _ = self.trainer.send(job);
        }
    }

    fn sample(&self, state: &mut Serving, views: &mut Views, frame: &Frame, closed: &Closed, done: &Consequences) {
        let sampled = &mut state.sampled;
        sampled.received += closed.decided.len() as u64;
        for decided in &closed.decided {
            *sampled.by_type.entry(decided.kind.name()).or_default() += 1;
        }
        // The newest of a message's events are the ones to see.
        let room = EVENTS_SHOWN.saturating_sub(sampled.shown.len());
        for decided in closed.decided.iter().rev().take(room).rev() {
            let impact = done.impact.get(&decided.index).copied().unwrap_or(MilliPoints(0));
            if let Some(event) = stored_event(frame, decided, done.session, impact) {
                sampled.shown.push(json!(event));
                views.show(event);
            }
        }
    }

    fn send(&self, message: &Message) {
        let (hub, now) = (&self.shared.hub, wall_clock());
        match message {
            Message::Anomaly(anomaly) => hub.publish("anomaly", now, anomaly),
            Message::Trust(change) => hub.publish("trust", now, change),
            Message::Session { session, status, model_trained } => {
                hub.publish(
                    "session_update",
                    now,
                    &json!({ "session": session, "status": status, "model_trained": model_trained }),
                );
            }
            Message::Model(card) => hub.publish("model", now, card),
            Message::Retraction(answer) => hub.publish("retraction", now, answer),
            Message::Notice(notice) => hub.publish("notice", now, notice),
            Message::Reset => hub.publish("reset", now, &json!({})),
        }
    }

    fn tick(&self, state: &mut Serving) {
        if state.sampled.received > 0 && state.events_left.elapsed() >= EVENTS_EVERY {
            let Sampled { received, shown, by_type } = std::mem::take(&mut state.sampled);
            let sampled = received - shown.len() as u64;
            let data = json!({ "received": received, "shown": shown, "sampled": sampled, "by_type": by_type });
            self.shared.hub.publish("event", wall_clock(), &data);
            state.events_left = Instant::now();
        }
        // Also while nothing changes: a page then knows that the connection holds, and a rate falls back to nothing.
        if state.stats_left.elapsed() >= STATS_EVERY && self.shared.hub.clients() > 0 {
            state.stats_left = Instant::now();
            self.shared.hub.publish("stats", wall_clock(), &self.shared.stats());
        }
    }
}

struct Serving {
    waiting: VecDeque<Arc<Frame>>,
    model: Option<ModelHandle>,
    digest: DecisionDigest,
    sampled: Sampled,
    job: Option<TrainingJob>,
    events_left: Instant,
    stats_left: Instant,
}

fn log_messages(done: &Consequences, live: bool) {
    if !live {
        return;
    }
    for message in &done.messages {
        match message {
            Message::Notice(notice) => tracing::warn!(scope = %notice.scope, state = ?notice.state, "{}", notice.text),
            Message::Session { session, status, .. } => {
                tracing::info!(session = %session.id, mode = session.mode.name(), events = session.events_count, "session {status}");
            }
            _ => {}
        }
    }
}
