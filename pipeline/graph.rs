//! The journey as one function.

use timely::dataflow::operators::core::Concat;
use timely::dataflow::operators::probe::Handle as ProbeHandle;
use timely::worker::Worker;
use trustfold_operators::collect::{Collected, collect};
use trustfold_operators::features::features;
use trustfold_operators::feed::{FeedLimits, Polled, Waker, feed};
use trustfold_operators::judge::{JudgeOptions, judge};
use trustfold_operators::ledger::ledger;
use trustfold_operators::normalise::normalise;

/// Builds the dataflow on one worker. `poll` is given on the worker that reads frames.
pub fn build(
    worker: &mut Worker,
    poll: Option<Box<dyn FnMut() -> Polled>>,
    options: JudgeOptions,
    sink: impl FnMut(Collected) + 'static,
) -> Waker {
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let (chunks, heads, waker) = feed(scope, poll, probe.clone(), FeedLimits::default());
        let (events, rejects) = normalise(chunks);
        let events = features(events, heads.clone());
        let (decisions, charges) = judge(events, heads.clone(), options);
        let trust = ledger(charges, heads);
        collect(rejects.concat(decisions).concat(trust), &probe, sink);
        waker
    })
}
