//! The way in: sources and the web hand batches over, and wait until they are durable.

use crate::sequencer::{Ask, Taken};
use crossbeam_channel::{Sender, TrySendError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, oneshot};
use trustfold_event::Epoch;
use trustfold_event::control::{Control, ControlRecord};
use trustfold_event::raw::{Batch, Format};
use trustfold_operators::control::Refusal;
use trustfold_operators::head::ModelHandle;

/// Seconds after which an overloaded sender may try again.
pub const RETRY_AFTER_SECS: u32 = 1;

/// A batch's share of the room is counted in KiB.
const KIB: usize = 1024;

/// Why a batch was not taken.
#[derive(Debug)]
pub enum Refused {
    /// There is no room now; the batch comes back.
    Full(Batch),
    /// Nothing more is taken: the process is stopping, or the journal cannot be written.
    Closed,
}

/// Asks the sequencer. Clones share one queue and one bound.
#[derive(Clone)]
pub struct Intake {
    asks: Sender<Ask>,
    room: Arc<Semaphore>,
    room_kib: usize,
    /// Records that never reached the journal, by code.
    refused: Arc<Mutex<BTreeMap<String, u64>>>,
    runtime: tokio::runtime::Handle,
}

impl Intake {
    /// With room for so many waiting bytes.
    pub fn new(asks: Sender<Ask>, waiting_bytes_max: usize, runtime: tokio::runtime::Handle) -> Self {
        let room_kib = waiting_bytes_max / KIB;
        Self { asks, room: Arc::new(Semaphore::new(room_kib)), room_kib, refused: Arc::default(), runtime }
    }

    /// Hands a batch over and waits until it is durable. Dropping the future leaves the batch on its way.
    ///
    /// # Errors
    /// No room, or nothing more is taken.
    pub async fn take(&self, batch: Batch) -> Result<Taken, Refused> {
        // A batch larger than the whole room takes all of it rather than never passing.
        let share = (batch.bytes().len() / KIB + 1).min(self.room_kib) as u32;
        let Ok(_room) = self.room.clone().try_acquire_many_owned(share) else { return Err(Refused::Full(batch)) };
        let (reply, taken) = oneshot::channel();
        match self.asks.try_send(Ask::Batch(batch, reply)) {
            Ok(()) => taken.await.map_err(|_| Refused::Closed),
            Err(TrySendError::Full(Ask::Batch(batch, _))) => Err(Refused::Full(batch)),
            Err(_) => Err(Refused::Closed),
        }
    }

    /// Gives a control; answers the epoch that it ends, once it is durable. `None` where nothing more is taken.
    pub async fn control(&self, actor: &str, control: Control, model: Option<ModelHandle>) -> Option<Result<Epoch, Refusal>> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Control(ControlRecord { actor: actor.into(), control }, model, reply);
        self.ask(ask).await?;
        answer.await.ok()
    }

    /// Lets go of the journal before an epoch.
    pub async fn forget(&self, before: Epoch) -> Option<()> {
        let (reply, done) = oneshot::channel();
        self.ask(Ask::Forget(before, reply)).await?;
        done.await.ok()
    }

    async fn ask(&self, ask: Ask) -> Option<()> {
        match self.asks.try_send(ask) {
            Ok(()) => Some(()),
            // A control waits for its turn where a batch would be refused.
            Err(TrySendError::Full(ask)) => {
                let asks = self.asks.clone();
                self.runtime.spawn_blocking(move || asks.send(ask).is_ok()).await.ok()?.then_some(())
            }
            Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// Journals what was refused, so that it becomes dead letters. Nobody waits for it; where there is no room it is
    /// counted only.
    pub fn keep_refused(&self, batch: Batch) {
        let (intake, records, source) = (self.clone(), batch.len() as u64, batch.source.clone());
        self.runtime.spawn(async move {
            if intake.take(batch).await.is_err() {
                intake.count_refused(&format!("{source}.no_room"), records);
            }
        });
    }

    /// Counts records that never reached the journal.
    pub fn count_refused(&self, code: &str, n: u64) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(code.into()).or_default() += n;
    }

    /// Those counts.
    pub fn refused(&self) -> BTreeMap<String, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl trustfold_sources::Intake for Intake {
    async fn submit(&self, batch: Batch) -> Result<trustfold_sources::Receipt, trustfold_sources::IntakeError> {
        match self.take(batch).await {
            Ok(Taken { accepted, duplicates }) => Ok(trustfold_sources::Receipt { accepted, duplicates }),
            Err(Refused::Full(batch)) => {
                Err(trustfold_sources::IntakeError::Overloaded { retry_after_secs: RETRY_AFTER_SECS, batch: Box::new(batch) })
            }
            Err(Refused::Closed) => Err(trustfold_sources::IntakeError::Unavailable("the process is stopping".into())),
        }
    }

    fn count_dropped(&self, source: &'static str, code: &'static str, n: u64) {
        tracing::warn!(source, code, n, "messages dropped");
        self.count_refused(&format!("{source}.{code}"), n);
    }

    fn dead_letter(&self, source: &'static str, peer: &str, code: &'static str, reason: String, raw: &[u8]) {
        let mut batch = Batch::new(source, peer, Format::Refused);
        batch.push_refused(&format!("framing.{code}"), &reason, raw);
        self.keep_refused(batch);
    }
}
