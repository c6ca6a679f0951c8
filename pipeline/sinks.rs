//! The threads that write: documents to the store, events to the archive. Each tells how far it is.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use trustfold_event::EventId;
use trustfold_event::control::Control;
use trustfold_event::parse::parse;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::Frame;
use trustfold_operators::output::{Decided, Verdict};
use trustfold_sinks::archive::{Archive, ArchiveError, ArchivedRow};
use trustfold_sinks::store::{EpochChanges, Store};

/// Epochs that may wait for a sink before the egress waits for it.
const WAITING: usize = 1024;

/// Epochs written in one transaction at most.
const AT_ONCE: usize = 512;

/// Between two tries of a write that failed.
const RETRY: Duration = Duration::from_secs(1);

/// One closed epoch's events.
pub struct ArchiveJob {
    /// Its frame.
    pub frame: Arc<Frame>,
    /// What was decided, by index.
    pub decided: Vec<Decided>,
    /// The session that was active.
    pub session: Option<EventId>,
    /// What anomalies cost, by index.
    pub impact: BTreeMap<u32, MilliPoints>,
}

/// How far a sink is, and what ails it.
pub struct SinkState {
    /// The newest epoch that it has.
    pub applied: watch::Sender<u64>,
    /// What it said when it last refused, while it still does.
    pub ailing: Mutex<Option<String>>,
}

impl Default for SinkState {
    fn default() -> Self {
        Self { applied: watch::Sender::new(0), ailing: Mutex::default() }
    }
}

impl SinkState {
    fn ail(&self, cause: Option<String>) {
        *self.ailing.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    /// What ails it, if anything.
    pub fn ails(&self) -> Option<String> {
        self.ailing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The sinks' inlets. Dropping them lets the sinks finish and end.
pub struct Sinks {
    store: Sender<EpochChanges>,
    archive: Sender<ArchiveJob>,
}

impl Sinks {
    /// Hands an epoch's documents over; waits while the store is far behind.
    pub fn store(&self, changes: EpochChanges) {
        // The writer ends only after its inlets; a send cannot fail before.
        let _ = self.store.send(changes);
    }

    /// Hands an epoch's events over; waits while the archive is far behind.
    pub fn archive(&self, job: ArchiveJob) {
        let _ = self.archive.send(job);
    }
}

/// The writers' threads.
pub struct Writers {
    /// How far the store is.
    pub store: Arc<SinkState>,
    /// How far the archive is.
    pub archive: Arc<SinkState>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    /// Starts the writers.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn start(store: Arc<dyn Store>, archive: Arc<Archive>) -> std::io::Result<(Self, Sinks)> {
        let (store_in, store_out) = bounded(WAITING);
        let (archive_in, archive_out) = bounded(WAITING / 16);
        let (store_state, archive_state) = (Arc::<SinkState>::default(), Arc::<SinkState>::default());
        let of_store = store_state.clone();
        let of_archive = archive_state.clone();
        let threads = vec![
            std::thread::Builder::new().name("store".into()).spawn(move || write_store(&*store, &store_out, &of_store))?,
            std::thread::Builder::new()
                .name("archive".into())
                .spawn(move || write_archive(&archive, &archive_out, &of_archive))?,
        ];
        let writers = Self { store: store_state, archive: archive_state, threads };
        Ok((writers, Sinks { store: store_in, archive: archive_in }))
    }

    /// Waits until everything handed over is written. Drop the [`Sinks`] first.
    pub fn join(self) {
        for thread in self.threads {
            // A panic there has ended the process already.
            let _ = thread.join();
        }
    }
}

/// Writes, and tries again for as long as it takes: what waits is in the journal, and health says what ails the sink.
fn until_done<E: std::fmt::Display>(state: &SinkState, mut write: impl FnMut() -> Result<(), E>) {
    while let Err(error) = write() {
        tracing::error!("{error}; trying again");
        state.ail(Some(error.to_string()));
        std::thread::sleep(RETRY);
    }
    state.ail(None);
}

fn write_store(store: &dyn Store, inlet: &Receiver<EpochChanges>, state: &SinkState) {
    while let Ok(first) = inlet.recv() {
        let mut epochs = vec![first];
        epochs.extend(inlet.try_iter().take(AT_ONCE - 1));
        let newest = epochs.last().map_or(0, |e| e.epoch.0);
        // An epoch that changed nothing need not be written: replayed after a crash, it changes nothing again.
        epochs.retain(|e| !e.changes.is_empty());
        if !epochs.is_empty() {
            until_done(state, || store.apply(&epochs));
        }
        state.applied.send_replace(newest);
    }
}

fn write_archive(archive: &Archive, inlet: &Receiver<ArchiveJob>, state: &SinkState) {
    while let Ok(job) = inlet.recv() {
        if job.frame.epoch > archive.watermark()
            && let Err(error) = append(archive, &job)
        {
            // The rows of this epoch that were refused are still in the journal.
            tracing::error!("{error}");
            state.ail(Some(error.to_string()));
        }
        let reset = matches!(job.frame.control.as_ref().map(|c| &c.control), Some(Control::Reset));
        until_done(state, || {
            archive.close_epoch(job.frame.epoch, job.frame.stamp)?;
            if reset { archive.reset() } else { Ok(()) }
        });
        state.applied.send_replace(job.frame.epoch.0);
    }
    if let Err(error) = archive.flush() {
        tracing::error!("{error}; the events are still in the journal");
    }
}

fn append(archive: &Archive, job: &ArchiveJob) -> Result<(), ArchiveError> {
    let frame = &job.frame;
    let mut decided = job.decided.iter().peekable();
    let mut index = 0;
    for batch in &frame.batches {
        for at in 0..batch.len() {
            if let Some(d) = decided.next_if(|d| d.index == index) {
                let raw = batch.record(at);
                if let Ok(parsed) = parse(batch.format, raw, frame.stamp) {
                    archive.append(&ArchivedRow {
                        id: frame.id(index),
                        ingested: frame.stamp,
                        session: job.session,
                        score: (!d.score.is_nan()).then_some(d.score),
                        is_anomaly: d.verdict == Verdict::Anomalous,
                        trust_impact: job.impact.get(&index).copied().unwrap_or_default(),
                        format: batch.format,
                        source: &batch.source,
                        raw,
                        parsed: &parsed,
                    })?;
                }
            }
            index += 1;
        }
    }
    Ok(())
}
