//! Any number of workers decides as the reference does, to the bit.

use crate::draw::assert_each;
use crate::log::{Log, Writer, census, random};
use crate::run::{digest, run};
use trustfold::merge::Closed;
use trustfold::trainer::TrainingJob;
use trustfold_event::control::Control;
use trustfold_event::kind::Kind;
use trustfold_event::raw::Format;
use trustfold_operators::output::{Decided, Finding, Verdict};
use trustfold_operators::sample::training_set;

const WORKERS: [usize; 3] = [1, 2, 4];

fn decided(d: &Decided) -> (u32, u32, Kind, Verdict) {
    (d.index, d.score.to_bits(), d.kind, d.verdict)
}

/// Everything in a finding, with its floats as bits.
fn finding(f: &Finding) -> impl PartialEq + std::fmt::Debug {
    let floats: Vec<u64> =
        [f.score, f.threshold, f.confidence, f.base].iter().chain(&f.contributions).map(|x| x.to_bits()).collect();
    (f.index, f.entity, f.host, f.penalty, f.model.to_string(), floats, f.features.map(f32::to_bits))
}

fn assert_same(log: &Log, closed: &[Closed], workers: usize, place: &str) {
    for (step, closed) in log.steps.iter().zip(closed) {
        let (frame, ought) = (&step.frame, &step.expected);
        let place = format!("{place}, {workers} workers, epoch {}", frame.epoch.0);
        let all = |these: &[Decided]| these.iter().map(decided).collect::<Vec<_>>();
        assert_each(&all(&closed.decided), &all(&ought.decided), &format!("{place}: decided"));
        assert_each(&closed.rejected, &ought.rejected, &format!("{place}: rejected"));
        assert_eq!(closed.findings.len(), ought.findings.len(), "{place}: findings");
        for (is, ought) in closed.findings.iter().zip(&ought.findings) {
            assert_eq!(finding(is), finding(ought), "{place}: a finding");
            let sum = is.base + is.contributions.iter().sum::<f64>();
            assert!((sum - is.score).abs() < 1e-9, "{place}: contributions add up to {sum}, the score is {}", is.score);
        }
        assert_each(&closed.trust, &ought.trust, &format!("{place}: trust"));
        assert_eq!(closed.decided.len() + closed.rejected.len(), frame.len(), "{place}: a record is an event or a reject");
        match &ought.sample {
            None => assert!(closed.samples.is_empty(), "{place}: nobody asked for a sample"),
            Some(sample) => {
                assert_eq!(closed.samples.len(), workers, "{place}: a share from each worker");
                assert!(closed.samples.iter().all(|p| (p.asked_by, p.session) == (sample.asked_by, sample.session)), "{place}");
                assert!(training_set(&closed.samples, &[]) == sample.set, "{place}: the training set");
            }
        }
    }
}

/// The trainer makes, from the workers' shares, the models that the journal announces.
fn assert_models(log: &Log, closed: &[Closed]) -> usize {
    let mut made = 0;
    for step in &log.steps {
        if let Some(Control::ModelAnnounced { asked_by, card, .. }) = step.frame.control.as_ref().map(|c| &c.control) {
            let asked = log.asked[asked_by].clone();
            let parts = closed[asked_by.epoch.0 as usize - 1].samples.clone();
            let job = TrainingJob { parts, marked: asked.marked, settings: asked.settings, seed: asked.seed };
            assert_eq!(job.fit().unwrap().card(), *card);
            made += 1;
        }
    }
    made
}

fn expected(log: &Log) -> Vec<Closed> {
    let closed = |e: &crate::reference::Expected| Closed {
        decided: e.decided.clone(),
        rejected: e.rejected.clone(),
        findings: e.findings.clone(),
        trust: e.trust.clone(),
        samples: vec![],
    };
    log.steps.iter().map(|step| closed(&step.expected)).collect()
}

#[test]
fn worker_count_never_changes_the_answer() {
    let logs: Vec<Log> = (0..18).map(|seed| random(seed, 50)).collect();
    let mut models = 0;
    for (seed, log) in logs.iter().enumerate() {
        let ought = digest(expected(log).iter());
        for workers in WORKERS {
            let closed = run(log, workers);
            assert_same(log, &closed, workers, &format!("seed {seed}"));
            assert_eq!(digest(closed.iter()), ought, "seed {seed}, {workers} workers: digest");
            if workers == 2 {
                models += assert_models(log, &closed);
            }
        }
    }
    // A random journal in which nothing happens proves nothing.
    let census = census(logs.iter());
    println!("{census:?}");
    let controls = [
        "train_start",
        "train_stop",
        "train_failed",
        "model_announced",
        "live_start",
        "live_stop",
        "session_close",
        "mark_normal",
        "undo_mark",
        "label",
        "settings",
        "reset",
        "anomaly",
        "suppressed",
        "rejected",
    ];
    for what in controls {
        assert!(census.get(what).is_some_and(|n| *n >= 5), "too little of {what}: {census:?}");
    }
    assert!(models >= 20, "{models} models");
}

/// Frames larger than what one worker is handed at a time, in several batches of both formats.
#[test]
fn large_frames_are_put_together_in_journal_order() {
    let mut writer = Writer::new(77);
    writer.go_live();
    for _ in 0..3 {
        let batches = vec![
            writer.life(1500, Format::Json),
            writer.life(400, Format::Syslog),
            writer.life(0, Format::Json),
            writer.life(2100, Format::Json),
        ];
        writer.frame(batches, None);
        writer.frame(vec![], None);
    }
    for workers in WORKERS {
        assert_same(&writer.log, &run(&writer.log, workers), workers, "large frames");
    }
}

/// A control changes nothing of its own frame's events, and everything from the next one on.
#[test]
fn controls_take_effect_from_the_next_epoch_on() {
    let mut writer = Writer::new(78);
    writer.frame(vec![], Some(Control::TrainStart));
    let batch = writer.life(700, Format::Json);
    writer.frame(vec![batch.clone()], Some(Control::TrainStop));
    let model = writer.answer();
    writer.frame(vec![batch.clone()], model);
    writer.frame(vec![batch.clone()], Some(Control::LiveStart));
    writer.frame(vec![batch.clone()], Some(Control::LiveStop));
    writer.frame(vec![batch], None);
    let closed = run(&writer.log, 2);
    assert_same(&writer.log, &closed, 2, "effect");
    let scored = |at: usize| closed[at].decided.iter().filter(|d| d.verdict != Verdict::NotScored).count();
    assert_eq!((scored(2), scored(3), scored(4), scored(5), scored(6)), (0, 0, 0, closed[5].decided.len(), 0));
}
