//! The timely workers: started, fed, and joined.

use crate::graph;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::sync::{Mutex, mpsc};
use timely::WorkerConfig;
use timely::communication::Config as Communication;
use trustfold_operators::collect::Collected;
use trustfold_operators::feed::{FeedItem, Polled, Waker};
use trustfold_operators::judge::JudgeOptions;

/// Frames that wait between the journal and the dataflow.
const FRAMES_WAITING: usize = 64;

/// The dataflow could not be started.
#[derive(Debug, thiserror::Error)]
#[error("could not start {workers} dataflow workers: {cause}")]
pub struct EngineError {
    workers: usize,
    cause: String,
}

/// The feeding end. Dropping it closes the dataflow's input.
pub struct Feeder {
    sender: Option<Sender<FeedItem>>,
    waker: Waker,
}

/// The dataflow has ended; a worker stopped, or is stopping.
#[derive(Debug, thiserror::Error)]
#[error("the dataflow has ended")]
pub struct EngineGone;

impl Feeder {
    /// Hands a frame over; waits while the dataflow is behind. That is the backpressure on the journal.
    ///
    /// # Errors
    /// Where the dataflow has ended.
    pub fn feed(&self, item: FeedItem) -> Result<(), EngineGone> {
        let sender = self.sender.as_ref().ok_or(EngineGone)?;
        // A full channel means that the feed is asleep on its limits or at work: wake it before waiting.
        if let Err(error) = sender.try_send(item) {
            self.waker.wake();
            sender.send(error.into_inner()).map_err(|_| EngineGone)?;
        }
        self.waker.wake();
        Ok(())
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        // Closing a channel wakes nobody.
        self.sender = None;
        self.waker.wake();
    }
}

/// The running workers.
pub struct Engine {
    threads: Option<timely::communication::WorkerGuards<()>>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Dropping the guards would join threads whose input is still open, for instance where a start has failed, and wait
        // for ever. Whoever wants to wait calls `join`.
        std::mem::forget(self.threads.take());
    }
}

impl Engine {
    /// Starts the workers; what they bring forth goes to `collected`.
    ///
    /// # Errors
    /// Where threads cannot be started.
    pub fn start(workers: usize, options: JudgeOptions, collected: &Sender<Collected>) -> Result<(Self, Feeder), EngineError> {
        let failed = |cause: String| EngineError { workers, cause };
        let (sender, receiver) = bounded(FRAMES_WAITING);
        let reader = Mutex::new(Some(receiver));
        let (wakers, woken) = mpsc::channel();
        let wakers = Mutex::new(wakers);
        let collected = collected.clone();
        let communication = if workers == 1 { Communication::Thread } else { Communication::Process(workers) };
        let config = timely::Config { communication, worker: WorkerConfig::default() };
        let threads = timely::execute(config, move |worker| {
            // One journal has one reader.
            let receiver = if worker.index() == 0 { reader.lock().ok().and_then(|mut r| r.take()) } else { None };
            let poll = receiver.map(|receiver| -> Box<dyn FnMut() -> Polled> { Box::new(move || poll(&receiver)) });
            let collected = collected.clone();
            let waker = graph::build(worker, poll, options, move |closed| {
                // The receiver is gone only where the process is ending.
                let _ = collected.send(closed);
            });
            if worker.index() == 0
                && let Ok(wakers) = wakers.lock()
            {
                let _ = wakers.send(waker);
            }
            while worker.step_or_park(None) {}
        })
        .map_err(failed)?;
        let waker = woken.recv().map_err(|_| failed("the first worker ended before it began".into()))?;
        Ok((Self { threads: Some(threads) }, Feeder { sender: Some(sender), waker }))
    }

    /// Waits until the workers have ended. Drop the [`Feeder`] first. Never call it in async code: it joins threads.
    pub fn join(mut self) {
        for result in self.threads.take().into_iter().flat_map(|threads| threads.join()) {
            if let Err(cause) = result {
                tracing::error!("a dataflow worker failed: {cause}");
            }
        }
    }
}

fn poll(receiver: &Receiver<FeedItem>) -> Polled {
    match receiver.try_recv() {
        Ok(item) => Polled::Item(item),
        Err(TryRecvError::Empty) => Polled::Empty,
        Err(TryRecvError::Disconnected) => Polled::Closed,
    }
}
