//! The dataflow over a journal, from its first frame to its last.

use crate::log::{Log, Step};
use crossbeam_channel::unbounded;
use trustfold::digest::DecisionDigest;
use trustfold::engine::Engine;
use trustfold::merge::{Closed, Merge};
use trustfold_operators::feed::FeedItem;
use trustfold_operators::judge::JudgeOptions;

/// What each epoch brought forth.
pub(crate) fn run(log: &Log, workers: usize) -> Vec<Closed> {
    let (sender, collected) = unbounded();
    let (engine, feeder) = Engine::start(workers, JudgeOptions::default(), &sender).unwrap();
    for Step { frame, model, .. } in &log.steps {
        feeder.feed(FeedItem { frame: frame.clone(), model: model.clone() }).unwrap();
    }
    drop(feeder);
    engine.join();
    let mut merge = Merge::new(workers);
    let mut below = vec![0; workers];
    for word in collected.try_iter() {
        assert!(word.closed_below >= below[word.worker], "a worker opened what it had closed");
        assert!(word.epochs.iter().all(|(epoch, _)| (below[word.worker]..word.closed_below).contains(epoch)));
        below[word.worker] = word.closed_below;
        merge.add(word);
    }
    assert_eq!(merge.closed_below(), u64::MAX, "the dataflow ended with epochs open");
    log.steps.iter().map(|step| merge.take(step.frame.epoch.0)).collect()
}

/// The digest over all epochs.
pub(crate) fn digest<'c>(closed: impl Iterator<Item = &'c Closed>) -> String {
    let mut digest = DecisionDigest::default();
    closed.enumerate().for_each(|(at, closed)| digest.absorb(at as u64 + 1, closed));
    digest.hex()
}
