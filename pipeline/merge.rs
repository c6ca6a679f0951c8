//! The workers' words put together: an epoch is closed once every worker says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use trustfold_operators::collect::Collected;
use trustfold_operators::output::{Decided, Finding, Output, Rejected, TrustSum};
use trustfold_operators::sample::SamplePart;

/// Everything that an epoch brought forth, in journal order: the same for any number of workers.
#[derive(Debug, Default)]
pub struct Closed {
    /// One for each event, by index.
    pub decided: Vec<Decided>,
    /// By index.
    pub rejected: Vec<Rejected>,
    /// By index.
    pub findings: Vec<Finding>,
    /// By scope.
    pub trust: Vec<TrustSum>,
    /// In no order.
    pub samples: Vec<Arc<SamplePart>>,
}

/// Merges the workers' outputs into closed epochs.
pub struct Merge {
    closed_below: Vec<u64>,
    open: BTreeMap<u64, Closed>,
}

impl Merge {
    /// For so many workers.
    pub fn new(workers: usize) -> Self {
        Self { closed_below: vec![0; workers], open: BTreeMap::new() }
    }

    /// Takes one worker's word.
    pub fn add(&mut self, collected: Collected) {
        for (epoch, outputs) in collected.epochs {
            let closed = self.open.entry(epoch).or_default();
            for output in outputs {
                match output {
                    Output::Decided(decided) => closed.decided.push(decided),
                    Output::Rejected(rejected) => closed.rejected.push(*rejected),
                    Output::Found(finding) => closed.findings.push(*finding),
                    Output::Trust(sum) => closed.trust.push(*sum),
                    Output::Sample(part) => closed.samples.push(part),
                }
            }
        }
        self.closed_below[collected.worker] = collected.closed_below;
    }

    /// All epochs below this one are closed everywhere.
    pub fn closed_below(&self) -> u64 {
        self.closed_below.iter().copied().min().unwrap_or(0)
    }

    /// The oldest epoch with something in it, below this one.
    pub fn first_below(&self, epoch: u64) -> Option<u64> {
        self.open.keys().next().copied().filter(|first| *first < epoch)
    }

    /// What `epoch` brought forth; call it once the epoch is closed.
    pub fn take(&mut self, epoch: u64) -> Closed {
        let mut closed = self.open.remove(&epoch).unwrap_or_default();
        let by_index = |d: &Decided| d.index;
        if !closed.decided.is_sorted_by_key(by_index) {
            closed.decided.sort_unstable_by_key(by_index);
        }
        closed.rejected.sort_unstable_by_key(|r| r.index);
        closed.findings.sort_unstable_by_key(|f| f.index);
        closed.trust.sort_unstable();
        closed
    }
}
