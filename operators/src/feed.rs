//! Where frames enter the dataflow: one source, on worker 0, which shares raw batches out among the workers.

use crate::head::{Head, ModelHandle};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use timely::dataflow::operators::Exchange;
use timely::dataflow::operators::core::OkErr;
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::probe::Handle as ProbeHandle;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::{Scope, StreamVec};
use timely::scheduling::SyncActivator;
use trustfold_event::Epoch;
use trustfold_event::control::Control;
use trustfold_event::hash::HashKeys;
use trustfold_event::raw::Frame;

/// A frame on its way in, with the model that its control announces.
#[derive(Clone, Debug)]
pub struct FeedItem {
    /// The frame.
    pub frame: Arc<Frame>,
    /// The announced model, loaded.
    pub model: Option<ModelHandle>,
}

/// A run of one batch's records, for one worker to normalise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chunk {
    /// Which worker.
    to: u64,
    /// The frame, shared.
    pub frame: Arc<Frame>,
    /// The generation's keys.
    pub keys: HashKeys,
    /// Which of the frame's batches.
    pub batch: u32,
    /// First record of the run, within the batch.
    pub from: u32,
    /// Past the last record of the run.
    pub upto: u32,
    /// Place in the frame of the batch's first record.
    pub base: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Fed {
    Chunk(Chunk),
    Head(Box<Head>),
}

/// Records in one chunk: enough to make the exchange cheap, few enough to spread one large batch over the workers.
const CHUNK_RECORDS: usize = 1024;

/// Wakes the feed, once for many sends.
#[derive(Clone, Debug)]
pub struct Waker {
    armed: Arc<AtomicBool>,
    activator: SyncActivator,
}

impl Waker {
    /// Wakes the feed's worker; call it after sending, and after closing the channel.
    pub fn wake(&self) {
        // An activation allocates and unparks: one is enough until the feed has begun to drain.
        if !self.armed.swap(true, Ordering::SeqCst) {
            // An error means that the dataflow is gone; whoever owns it has noticed.
            let _ = self.activator.activate();
        }
    }
}

/// What a feed's channel had to say.
pub enum Polled {
    /// A frame.
    Item(FeedItem),
    /// Nothing just now.
    Empty,
    /// Nothing ever again.
    Closed,
}

/// How far the feed runs ahead of the dataflow.
#[derive(Clone, Copy, Debug)]
pub struct FeedLimits {
    /// Records in frames that are not through yet.
    pub records_in_flight: usize,
    /// Frames that are not through yet.
    pub frames_in_flight: usize,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self { records_in_flight: 262_144, frames_in_flight: 64 }
    }
}

/// Builds the feed. `poll` is given on the one worker that reads frames; everywhere else it is `None`.
///
/// Answers the chunks, each on the worker that shall normalise it, the heads, on every worker, and the feed's waker.
pub fn feed<'s>(
    scope: Scope<'s, u64>,
    poll: Option<Box<dyn FnMut() -> Polled>>,
    probe: ProbeHandle<u64>,
    limits: FeedLimits,
) -> (StreamVec<'s, u64, Chunk>, StreamVec<'s, u64, Head>, Waker) {
    let peers = scope.peers() as u64;
    let mut waker = None;
    let stream = source::<_, timely::container::CapacityContainerBuilder<Vec<Fed>>, _, _>(scope, "Feed", |capability, info| {
        let armed = Arc::new(AtomicBool::new(false));
        let activator = scope.activator_for(info.address.clone());
        waker = Some(Waker { armed: armed.clone(), activator: scope.worker().sync_activator_for(info.address.to_vec()) });
        // An idle twin that kept its capability would hold back every epoch.
        let mut open = poll.map(|poll| (poll, capability));
        let mut keys = HashKeys::from_seed(0);
        let mut in_flight = std::collections::VecDeque::<(u64, usize)>::new();
        let (mut records, mut next) = (0usize, 0u64);
        move |output| {
            // Before draining: a send after this line arms it again, so no wake-up is lost.
            armed.store(false, Ordering::SeqCst);
            let Some((poll, capability)) = open.as_mut() else { return };
            while let Some(&(epoch, n)) = in_flight.front() {
                if probe.less_equal(&epoch) {
                    break;
                }
                records -= n;
                in_flight.pop_front();
            }
            loop {
                if records >= limits.records_in_flight || in_flight.len() >= limits.frames_in_flight {
                    // The probe moves when a worker steps; look again at the next step.
                    activator.activate_after(std::time::Duration::from_micros(200));
                    return;
                }
                match poll() {
                    Polled::Item(FeedItem { frame, model }) => {
                        let epoch = frame.epoch.0;
                        if let Some(Control::Genesis { keys: drawn, .. }) = frame.control.as_ref().map(|c| &c.control) {
                            keys = *drawn;
                        }
                        capability.downgrade(&epoch);
                        let mut session = output.session(&*capability);
                        let mut base = 0;
                        for (b, batch) in frame.batches.iter().enumerate() {
                            for from in (0..batch.len()).step_by(CHUNK_RECORDS) {
                                let upto = batch.len().min(from + CHUNK_RECORDS) as u32;
                                let chunk = Chunk {
                                    to: next % peers,
                                    frame: frame.clone(),
                                    keys,
                                    batch: b as u32,
                                    from: from as u32,
                                    upto,
                                    base,
                                };
                                session.give(Fed::Chunk(chunk));
                                next += 1;
                            }
                            base += batch.len() as u32;
                        }
                        session.give(Fed::Head(Box::new(Head {
                            epoch: Epoch(epoch),
                            process: frame.process,
                            stamp: frame.stamp,
                            keys,
                            control: frame.control.clone().map(Arc::new),
                            model,
                        })));
                        drop(session);
                        records += base as usize;
                        in_flight.push_back((epoch, base as usize));
                        // The frame is the whole epoch: it closes now, not when the next one comes.
                        capability.downgrade(&(epoch + 1));
                    }
                    Polled::Empty => return,
                    Polled::Closed => {
                        open = None;
                        return;
                    }
                }
            }
        }
    });
    let (chunks, heads) = stream.ok_err::<Vec<Chunk>, _, Vec<Head>, _, _>(|fed| match fed {
        Fed::Chunk(chunk) => Ok(chunk),
        Fed::Head(head) => Err(*head),
    });
    #[expect(clippy::expect_used, reason = "`source` runs its constructor before it returns")]
    let waker = waker.expect("the feed was built");
    (chunks.exchange(|chunk| chunk.to), heads.broadcast(), waker)
}
