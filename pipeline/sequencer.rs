//! The one thread that writes the journal. What arrives together is committed together; whoever sent it is answered
//! after the `fdatasync`. Controls are checked against the folded state here, in the order in which they are written.

use crate::dedup::Dedup;
use crate::engine::Feeder;
use crate::models::{ModelStore, ModelStoreError};
use crossbeam_channel::{Receiver, Sender};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use trustfold_event::control::{Control, ControlRecord, DECISION_VERSION};
use trustfold_event::hash::HashKeys;
use trustfold_event::raw::{Batch, Frame};
use trustfold_event::settings::DecisionSettings;
use trustfold_event::{Epoch, Stamp};
use trustfold_journal::{Journal, JournalError, JournalOptions};
use trustfold_operators::control::{ControlState, Refusal};
use trustfold_operators::feed::FeedItem;
use trustfold_operators::head::ModelHandle;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Durable now.
    pub accepted: u64,
    /// Had been taken before.
    pub duplicates: u64,
}

/// Something for the sequencer. Its answer comes once it is durable.
pub enum Ask {
    /// Take a batch.
    Batch(Batch, oneshot::Sender<Taken>),
    /// Journal a control, if nothing is against it; with the model that it announces.
    Control(ControlRecord, Option<ModelHandle>, oneshot::Sender<Result<Epoch, Refusal>>),
    /// Take what is waiting, and end.
    Stop,
    /// Frames before this epoch belong to a forgotten generation: delete their segments.
    Forget(Epoch, oneshot::Sender<()>),
}

/// The journal cannot be written, or not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A model that the journal announces.
    #[error("the journal announces a model that cannot be loaded: {0}")]
    Model(#[from] ModelStoreError),
    /// Another build decided otherwise.
    #[error(
        "the journal was written under decision version {found}, this build decides by {DECISION_VERSION}; use the build that wrote it"
    )]
    OtherDecisions {
        /// The journal's version.
        found: u32,
    },
    /// No randomness for the keys.
    #[error("the system gives no random bytes for the journal's hash keys: {0}")]
    Keys(getrandom::Error),
    /// The dataflow ended under it.
    #[error("the dataflow has ended")]
    Engine,
}

/// Where frames go once they are durable.
pub struct Downstream {
    /// The dataflow.
    pub feeder: Feeder,
    /// Whoever needs the raw records again when the epoch is closed. Told before the dataflow is.
    pub frames: Sender<Arc<Frame>>,
}

/// What the sequencer is given.
pub struct SequencerOptions {
    /// Where the journal lies.
    pub dir: PathBuf,
    /// Its layout.
    pub journal: JournalOptions,
    /// The settings that shall decide.
    pub settings: DecisionSettings,
    /// Announced models are loaded from here on replay.
    pub models: ModelStore,
}

/// What stood in the journal at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The newest epoch of the replay: once it is closed, everything is as it was.
    pub upto: Epoch,
    /// Frames replayed.
    pub frames: u64,
    /// Records replayed.
    pub records: u64,
    /// Bytes of a torn tail that were cut.
    pub cut_bytes: u64,
}

/// Counters that are read without asking.
#[derive(Debug, Default)]
pub struct SequencerCounters {
    /// Duplicates refused since start.
    pub duplicates: AtomicU64,
}

/// Records of one commit: about 1 MiB, or whatever has arrived.
const COMMIT_BYTES: usize = 1 << 20;

/// An answer that is due once the commit is durable.
enum Due {
    Taken(oneshot::Sender<Taken>, Taken),
    Control(oneshot::Sender<Result<Epoch, Refusal>>, Result<Epoch, Refusal>),
    Forgotten(oneshot::Sender<()>),
}

impl Due {
    fn pay(self) {
        // Whoever asked may have gone; what was journaled stays so.
        match self {
            Self::Taken(to, taken) => drop(to.send(taken)),
            Self::Control(to, answer) => drop(to.send(answer)),
            Self::Forgotten(to) => drop(to.send(())),
        }
    }
}

/// The sequencer, after the replay.
pub struct Sequencer {
    journal: Journal,
    state: ControlState,
    dedup: Dedup,
    downstream: Downstream,
    settings: DecisionSettings,
    counters: Arc<SequencerCounters>,
}

impl Sequencer {
    /// Opens the journal and replays it downstream, then makes sure that the settings that shall decide are its newest.
    ///
    /// # Errors
    /// See [`SequencerError`].
    pub fn open(
        options: SequencerOptions,
        downstream: Downstream,
        counters: Arc<SequencerCounters>,
    ) -> Result<(Self, Replayed), SequencerError> {
        let (mut state, mut dedup) = (ControlState::default(), Dedup::default());
        let mut failed = None;
        let (mut records, mut generation_began) = (0, Epoch(1));
        let (journal, recovered) = Journal::open(&options.dir, options.journal, |frame| {
            if failed.is_some() {
                return;
            }
            dedup.replay(&frame);
            records += frame.len() as u64;
            let mut model = None;
            if let Some(record) = &frame.control {
                match &record.control {
                    Control::Genesis { decision_version, .. } => {
                        generation_began = frame.epoch;
                        if *decision_version != DECISION_VERSION {
                            failed = Some(SequencerError::OtherDecisions { found: *decision_version });
                        }
                    }
                    Control::ModelAnnounced { card, .. } => match options.models.load(&card.digest) {
                        Ok(loaded) => model = Some(loaded),
                        Err(error) => failed = Some(error.into()),
                    },
                    Control::Reset => dedup = Dedup::default(),
                    _ => {}
                }
                state.apply(frame.epoch, record);
            }
            if failed.is_none() && hand_down(&downstream, Arc::new(frame), model).is_err() {
                failed = Some(SequencerError::Engine);
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let replayed = Replayed { upto: journal.last_epoch(), frames: recovered.frames, records, cut_bytes: recovered.cut_bytes };
        let mut sequencer = Self { journal, state, dedup, downstream, settings: options.settings, counters };
        sequencer.journal.delete_before(generation_began)?;
        if sequencer.state.keys.is_none() {
            sequencer.genesis()?;
        } else if sequencer.state.settings != sequencer.settings {
            let settings = sequencer.settings.clone();
            sequencer.own(Control::Settings { settings })?;
        }
        Ok((sequencer, replayed))
    }

    /// The newest epoch.
    pub fn last_epoch(&self) -> Epoch {
        self.journal.last_epoch()
    }

    /// The state that the controls fold into.
    pub fn state(&self) -> &ControlState {
        &self.state
    }

    /// Serves until it is told to stop, or every asker is gone.
    ///
    /// # Errors
    /// The journal cannot be written: nothing that is still waiting is acknowledged.
    pub fn serve(mut self, asks: &Receiver<Ask>) -> Result<(), SequencerError> {
        while let Ok(first) = asks.recv() {
            if self.commit(first, asks)? {
                break;
            }
        }
        Ok(())
    }

    /// Takes what is there, writes it as one group, answers, and hands it down; true where it was told to stop.
    fn commit(&mut self, first: Ask, asks: &Receiver<Ask>) -> Result<bool, SequencerError> {
        let mut due = Vec::new();
        let mut frames: Vec<(Frame, Option<ModelHandle>)> = Vec::new();
        let mut frame = self.next_frame();
        let (mut bytes, mut next, mut stop) = (0, Some(first), false);
        while let Some(ask) = next.take() {
            match ask {
                Ask::Batch(batch, reply) => {
                    bytes += batch.bytes().len();
                    let taken = self.take(batch, &mut frame);
                    due.push(Due::Taken(reply, taken));
                }
                Ask::Control(record, model, reply) => match self.state.check(&record.control) {
                    Ok(()) => {
                        self.state.apply(frame.epoch, &record);
                        due.push(Due::Control(reply, Ok(frame.epoch)));
                        let reset = record.control == Control::Reset;
                        frame.control = Some(record);
                        let following = Frame { epoch: Epoch(frame.epoch.0 + 1), batches: vec![], control: None, ..frame };
                        frames.push((std::mem::replace(&mut frame, following), model));
                        if reset {
                            // The old generation ends with its segment, so that it can be deleted whole.
                            self.write(&mut frames)?;
                            self.journal.roll();
                            self.dedup = Dedup::default();
                            self.genesis()?;
                            frame = self.next_frame();
                        }
                    }
                    Err(refusal) => due.push(Due::Control(reply, Err(refusal))),
                },
                Ask::Stop => stop = true,
                Ask::Forget(before, reply) => {
                    self.journal.delete_before(before)?;
                    due.push(Due::Forgotten(reply));
                }
            }
            if bytes < COMMIT_BYTES {
                next = asks.try_recv().ok();
            }
        }
        if !frame.is_empty() {
            frames.push((frame, None));
        }
        self.write(&mut frames)?;
        due.into_iter().for_each(Due::pay);
        Ok(stop)
    }

    /// Writes and syncs frames, then hands them down.
    fn write(&mut self, frames: &mut Vec<(Frame, Option<ModelHandle>)>) -> Result<(), SequencerError> {
        for (frame, _) in frames.iter() {
            self.journal.append(frame)?;
        }
        self.journal.commit()?;
        for (frame, model) in frames.drain(..) {
            hand_down(&self.downstream, Arc::new(frame), model).map_err(|_| SequencerError::Engine)?;
        }
        Ok(())
    }

    /// Journals a control of our own, alone.
    fn own(&mut self, control: Control) -> Result<(), SequencerError> {
        let mut frame = self.next_frame();
        let record = ControlRecord { actor: "system".into(), control };
        self.state.apply(frame.epoch, &record);
        frame.control = Some(record);
        self.write(&mut vec![(frame, None)])
    }

    /// Begins a generation: new keys, the settings that decide now.
    fn genesis(&mut self) -> Result<(), SequencerError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(SequencerError::Keys)?;
        let word = |i: usize| bytes[i * 8..].iter().take(8).fold(0u64, |word, b| word << 8 | u64::from(*b));
        let keys = HashKeys { names: word(0), ids: (word(1), word(2)), training: word(3) };
        let (generation, settings) = (self.state.generation + 1, self.settings.clone());
        self.own(Control::Genesis { generation, keys, decision_version: DECISION_VERSION, settings })
    }

    fn next_frame(&self) -> Frame {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
        // A clock that is set back never takes the journal's time back.
        let stamp = Stamp(now).max(self.journal.last_stamp());
        Frame { epoch: Epoch(self.journal.last_epoch().0 + 1), process: 0, stamp, batches: vec![], control: None }
    }

    fn take(&mut self, mut batch: Batch, frame: &mut Frame) -> Taken {
        let offered = batch.len() as u64;
        if !batch.identities().is_empty() {
            let (dedup, identities) = (&mut self.dedup, batch.identities().to_vec());
            let fresh: Vec<bool> = identities.into_iter().map(|id| dedup.admit(id, frame.stamp)).collect();
            if fresh.contains(&false) {
                batch.retain(|at| fresh[at]);
            }
        }
        let taken = Taken { accepted: batch.len() as u64, duplicates: offered - batch.len() as u64 };
        self.counters.duplicates.fetch_add(taken.duplicates, Ordering::Relaxed);
        if !batch.is_empty() {
            frame.batches.push(batch);
        }
        taken
    }
}

fn hand_down(downstream: &Downstream, frame: Arc<Frame>, model: Option<ModelHandle>) -> Result<(), SequencerError> {
    downstream.frames.send(frame.clone()).map_err(|_| SequencerError::Engine)?;
    downstream.feeder.feed(FeedItem { frame, model }).map_err(|_| SequencerError::Engine)
}
