//! Where the dataflow ends: what each worker brought forth, handed over epoch by epoch once it is closed there.

use crate::output::Output;
use std::collections::BTreeMap;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::probe::{Handle as ProbeHandle, Probe};

/// One worker's word on closed epochs.
#[derive(Debug)]
pub struct Collected {
    /// The worker.
    pub worker: usize,
    /// What it has of epochs that are closed there, in order.
    pub epochs: Vec<(u64, Vec<Output>)>,
    /// All epochs below this one are closed there; `u64::MAX` once everything is.
    pub closed_below: u64,
}

/// Hands closed epochs to `sink`, each worker its own; `probe` then tells what is through.
pub fn collect<'s>(outputs: StreamVec<'s, u64, Output>, probe: &ProbeHandle<u64>, mut sink: impl FnMut(Collected) + 'static) {
    let worker = outputs.scope().index();
    outputs
        .unary_frontier::<timely::container::CapacityContainerBuilder<Vec<()>>, _, _, _>(
            Pipeline,
            "Collect",
            move |initial, _| {
                drop(initial);
                let mut open = BTreeMap::<u64, Vec<Output>>::new();
                let mut told = 0;
                move |(input, frontier), _output| {
                    input.for_each(|time, batch| {
                        let epoch = open.entry(*time.time()).or_default();
                        if epoch.is_empty() { *epoch = std::mem::take(batch) } else { epoch.append(batch) }
                    });
                    let closed_below = frontier.frontier().first().copied().unwrap_or(u64::MAX);
                    if closed_below > told {
                        told = closed_below;
                        let still_open = open.split_off(&closed_below);
                        let epochs = std::mem::replace(&mut open, still_open).into_iter().collect();
                        sink(Collected { worker, epochs, closed_below });
                    }
                }
            },
        )
        .probe_with(probe);
}
