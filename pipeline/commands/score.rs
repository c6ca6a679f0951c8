//! `trustfold score`: the graph of a running server, over a file. No journal; fixed epochs of 4,096 lines.

use crate::commands::{Failure, say};
use crate::digest::DecisionDigest;
use crate::engine::{Engine, EngineError, EngineGone, Feeder};
use crate::explain::reasons;
use crate::machine;
use crate::merge::{Closed, Merge};
use crate::trainer::TrainingJob;
use crossbeam_channel::{Receiver, unbounded};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use trustfold_event::control::{Control, ControlRecord, DECISION_VERSION};
use trustfold_event::hash::HashKeys;
use trustfold_event::kind::Kind;
use trustfold_event::parse::parse;
use trustfold_event::points::MilliPoints;
use trustfold_event::raw::{Batch, Format, Frame};
use trustfold_event::settings::DecisionSettings;
use trustfold_event::{Epoch, EventTime, Stamp};
use trustfold_model::FitError;
use trustfold_operators::collect::Collected;
use trustfold_operators::feed::FeedItem;
use trustfold_operators::head::ModelHandle;
use trustfold_operators::judge::JudgeOptions;
use trustfold_operators::score::Scorer;

/// Lines in an epoch.
pub const EPOCH_LINES: usize = 4096;

/// What to score.
#[derive(Clone, Debug)]
pub struct ScoreOptions {
    /// NDJSON, a line an event.
    pub events: PathBuf,
    /// So many lines are learnt from, then scored, without alerts.
    pub train_first: u64,
    /// Where alerts go, as NDJSON.
    pub alerts: Option<PathBuf>,
    /// Where scores go: one little-endian `f32` a line.
    pub scores: Option<PathBuf>,
    /// Seed of hashes, sample and trees.
    pub seed: u64,
    /// Dataflow workers.
    pub workers: usize,
    /// Settings that decide.
    pub settings: DecisionSettings,
}

/// Scoring a file failed.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// A file cannot be read or written.
    #[error("could not {action} \"{}\": {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing can be learnt from the first lines.
    #[error("no model can be made from the first {lines} lines: {source}. Give a larger --train-first")]
    Fit {
        /// How many.
        lines: u64,
        /// Why.
        source: FitError,
    },
    /// The dataflow could not be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The dataflow ended early.
    #[error(transparent)]
    Gone(#[from] EngineGone),
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreSummary {
    /// Lines that were events.
    pub events: u64,
    /// Lines that were not, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Alerts.
    pub alerts: u64,
    /// Seconds on the clock.
    pub wall_s: f64,
    /// CPU seconds of the process.
    pub cpu_s: f64,
    /// Events for each CPU second.
    pub events_per_cpu_s: f64,
    /// The most memory held, in MiB.
    pub peak_rss_mb: f64,
    /// Equal digests mean equal decisions.
    pub digest: String,
    /// The model's name.
    pub model: String,
    /// Its threshold.
    pub threshold: f64,
}

/// An alert's line.
#[derive(Serialize)]
struct Alert<'a> {
    index: u64,
    time: EventTime,
    entity: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    score: f64,
    confidence: f64,
    base: f64,
    trust: MilliPoints,
    summary: String,
    reasons: Vec<trustfold_event::documents::Reason>,
}

/// Cuts a file into frames.
struct Lines {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Unread bytes of the buffer.
    start: usize,
    end: usize,
    finished: bool,
    newest: i64,
}

/// File time stands this far before the frame's stamp. A file may be in any order, and no line of it is "ahead": the
/// rule against senders' fast clocks is not for it.
const STAMP_AHEAD_MICROS: i64 = 366 * 24 * 3600 * 1_000_000;

impl Lines {
    fn open(path: &Path) -> Result<Self, ScoreError> {
        let file = File::open(path).map_err(|source| ScoreError::Io { action: "open", path: path.into(), source })?;
        Ok(Self { file, path: path.into(), buffer: vec![0; 4 << 20], start: 0, end: 0, finished: false, newest: 0 })
    }

    /// Up to `max` lines as a batch; empty at the end of the file.
    fn next(&mut self, max: usize) -> Result<Batch, ScoreError> {
        let mut batch = Batch::new("file", "", Format::Json);
        while batch.len() < max {
            match memchr::memchr(b'\n', &self.buffer[self.start..self.end]) {
                Some(length) => {
                    batch.push(&self.buffer[self.start..self.start + length]);
                    self.start += length + 1;
                }
                None if self.finished => {
                    if self.start < self.end {
                        batch.push(&self.buffer[self.start..self.end]);
                        self.start = self.end;
                    }
                    break;
                }
                None => self.fill()?,
            }
        }
        Ok(batch)
    }

    fn fill(&mut self) -> Result<(), ScoreError> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.file.read(&mut self.buffer[self.end..]);
        let read = read.map_err(|source| ScoreError::Io { action: "read", path: self.path.clone(), source })?;
        self.end += read;
        self.finished = read == 0;
        Ok(())
    }

    /// A stamp for the batch: after all its times, the same on every run.
    fn stamp(&mut self, batch: &Batch) -> Stamp {
        if !batch.is_empty()
            && let Ok(parsed) = parse(batch.format, batch.record(batch.len() - 1), Stamp(self.newest))
            && let Some(time) = parsed.time
        {
            self.newest = self.newest.max(time.0);
        }
        Stamp(self.newest.saturating_add(STAMP_AHEAD_MICROS))
    }
}

/// One run, while it goes on.
struct Run<'a> {
    options: &'a ScoreOptions,
    feeder: Option<Feeder>,
    collected: Receiver<Collected>,
    merge: Merge,
    epoch: u64,
    /// Frames that are not closed yet, with the number of their first line.
    open: VecDeque<(Arc<Frame>, u64)>,
    lines: u64,
    scores: Vec<f32>,
    alerts: Option<BufWriter<File>>,
    alerts_count: u64,
    /// Milli-points by the hash of the entity or host.
    debts: BTreeMap<u64, i64>,
    events: u64,
    rejected: BTreeMap<String, u64>,
    digest: DecisionDigest,
    model: Option<ModelHandle>,
}

impl Run<'_> {
    fn feed(
        &mut self,
        batch: Batch,
        stamp: Stamp,
        control: Option<Control>,
        model: Option<ModelHandle>,
    ) -> Result<(), ScoreError> {
        self.epoch += 1;
        let lines = batch.len() as u64;
        let batches = if batch.is_empty() { vec![] } else { vec![batch] };
        let control = control.map(|control| ControlRecord { actor: "score".into(), control });
        let frame = Arc::new(Frame { epoch: Epoch(self.epoch), process: 0, stamp, batches, control });
        self.open.push_back((frame.clone(), self.lines));
        self.lines += lines;
        if let Some(feeder) = &self.feeder {
            feeder.feed(FeedItem { frame, model })?;
        }
        while let Ok(collected) = self.collected.try_recv() {
            self.take(collected)?;
        }
        Ok(())
    }

    fn control(&mut self, stamp: Stamp, control: Control, model: Option<ModelHandle>) -> Result<(), ScoreError> {
        self.feed(Batch::new("file", "", Format::Json), stamp, Some(control), model)
    }

    /// Waits until everything that was fed is closed; answers the last epoch's outcome.
    fn drain(&mut self) -> Result<Closed, ScoreError> {
        let mut last = Closed::default();
        while !self.open.is_empty() {
            let collected = self.collected.recv().map_err(|_| EngineGone)?;
            last = self.take(collected)?.unwrap_or(last);
        }
        Ok(last)
    }

    fn take(&mut self, collected: Collected) -> Result<Option<Closed>, ScoreError> {
        self.merge.add(collected);
        let mut last = None;
        while let Some((frame, _)) = self.open.front() {
            if frame.epoch.0 >= self.merge.closed_below() {
                break;
            }
            let Some((frame, first_line)) = self.open.pop_front() else { break };
            let closed = self.merge.take(frame.epoch.0);
            self.close(&frame, first_line, &closed)?;
            last = Some(closed);
        }
        Ok(last)
    }

    fn close(&mut self, frame: &Frame, first_line: u64, closed: &Closed) -> Result<(), ScoreError> {
        self.events += closed.decided.len() as u64;
        self.digest.absorb(frame.epoch.0, closed);
        let end = (first_line as usize) + frame.len();
        if self.scores.len() < end {
            self.scores.resize(end, f32::NAN);
        }
        for decided in &closed.decided {
            self.scores[first_line as usize + decided.index as usize] = decided.score;
        }
        for rejected in &closed.rejected {
            *self.rejected.entry(rejected.reject.code.to_string()).or_default() += 1;
        }
        self.alerts_count += closed.findings.len() as u64;
        let (Some(file), Some(model)) = (&mut self.alerts, &self.model) else { return Ok(()) };
        for finding in &closed.findings {
            // Nothing is ever taken back here, so the debts are the findings' own sums, in order.
            let mut charge = |scope: u64| {
                let debt = self.debts.entry(scope).or_default();
                *debt += finding.penalty;
                *debt
            };
            let debt = charge(finding.entity);
            if finding.host != 0 && finding.host != finding.entity {
                charge(finding.host);
            }
            let Some((batch, raw)) = frame.record(finding.index) else { continue };
            let Ok(parsed) = parse(batch.format, raw, frame.stamp) else { continue };
            let (kind, name) = parsed.entity();
            let alert = Alert {
                index: first_line + u64::from(finding.index),
                time: parsed.time.unwrap_or(EventTime(frame.stamp.0)),
                entity: format!("{}:{name}", kind.name()),
                event_type: match parsed.kind {
                    Kind::Core(event_type) => event_type.name(),
                    Kind::Log => "log",
                },
                score: finding.score,
                confidence: finding.confidence,
                base: finding.base,
                trust: MilliPoints(debt).trust(),
                summary: parsed.summary(),
                reasons: reasons(&finding.features, &finding.contributions, &model.model),
            };
            let path = || self.options.alerts.clone().unwrap_or_default();
            serde_json::to_writer(&mut *file, &alert)
                .map_err(io::Error::from)
                .and_then(|()| file.write_all(b"\n"))
                .map_err(|source| ScoreError::Io { action: "write", path: path(), source })?;
        }
        Ok(())
    }

    /// Fits on what the workers collected, and scores the training lines with what they looked like then.
    fn fit(&mut self, closed: &Closed) -> Result<ModelHandle, ScoreError> {
        let job = TrainingJob {
            parts: closed.samples.clone(),
            marked: vec![],
            settings: self.options.settings.clone(),
            seed: HashKeys::from_seed(self.options.seed).training,
        };
        let model = job.fit().map_err(|source| ScoreError::Fit { lines: self.options.train_first, source })?;
        let handle = ModelHandle { digest: model.digest().into(), model: Arc::new(model) };
        let mut scorer = Scorer::new(handle.clone(), &self.options.settings);
        for part in &closed.samples {
            for rows in part.all.chunks(EPOCH_LINES) {
                let scores = scorer.score(rows.iter().map(|row| row.featured));
                for (row, score) in rows.iter().zip(scores) {
                    // Training began with epoch 3, and its epochs are full up to the last.
                    let line = (row.id.epoch.0 - FIRST_TRAINING_EPOCH) as usize * EPOCH_LINES + row.id.index as usize;
                    self.scores[line] = *score;
                }
            }
        }
        Ok(handle)
    }
}

/// Genesis is epoch 1, the start of training epoch 2.
const FIRST_TRAINING_EPOCH: u64 = 3;

/// Scores a file.
///
/// # Errors
/// Files that cannot be read or written, or too little to learn from.
pub fn score(options: &ScoreOptions) -> Result<ScoreSummary, ScoreError> {
    if options.alerts.is_some() && options.alerts == options.scores {
        let path = options.alerts.clone().unwrap_or_default();
        let source = io::Error::new(io::ErrorKind::InvalidInput, "alerts and scores cannot go to one file");
        return Err(ScoreError::Io { action: "write", path, source });
    }
    let (began, cpu_before) = (Instant::now(), machine::cpu_seconds());
    let mut lines = Lines::open(&options.events)?;
    let create = |path: &PathBuf| {
        File::create(path).map(|file| BufWriter::with_capacity(1 << 20, file)).map_err(|source| ScoreError::Io {
            action: "create",
            path: path.clone(),
            source,
        })
    };
    let alerts = options.alerts.as_ref().map(create).transpose()?;
    let scores_file = options.scores.as_ref().map(create).transpose()?;
    let (sender, collected) = unbounded();
    let (engine, feeder) = Engine::start(options.workers, JudgeOptions { keep_training_rows: true }, &sender)?;
    drop(sender);
    let mut run = Run {
        options,
        feeder: Some(feeder),
        collected,
        merge: Merge::new(options.workers),
        epoch: 0,
        open: VecDeque::new(),
        lines: 0,
        scores: Vec::new(),
        alerts,
        alerts_count: 0,
        debts: BTreeMap::new(),
        events: 0,
        rejected: BTreeMap::new(),
        digest: DecisionDigest::default(),
        model: None,
    };

    let genesis = Control::Genesis {
        generation: 1,
        keys: HashKeys::from_seed(options.seed),
        decision_version: DECISION_VERSION,
        settings: options.settings.clone(),
    };
    let mut stamp = Stamp(0);
    run.control(stamp, genesis, None)?;
    run.control(stamp, Control::TrainStart, None)?;
    while run.lines < options.train_first {
        let batch = lines.next(EPOCH_LINES.min((options.train_first - run.lines) as usize))?;
        if batch.is_empty() {
            break;
        }
        stamp = lines.stamp(&batch);
        run.feed(batch, stamp, None, None)?;
    }
    run.control(stamp, Control::TrainStop, None)?;
    let closed = run.drain()?;
    let handle = run.fit(&closed)?;
    run.model = Some(handle.clone());
    let asked_by = closed.samples.first().map(|s| (s.asked_by, s.session)).unwrap_or_default();
    drop(closed);
    let announced = Control::ModelAnnounced { session: asked_by.1, asked_by: asked_by.0, card: handle.model.card() };
    run.control(stamp, announced, Some(handle.clone()))?;
    run.control(stamp, Control::LiveStart, None)?;
    loop {
        let batch = lines.next(EPOCH_LINES)?;
        if batch.is_empty() {
            break;
        }
        stamp = lines.stamp(&batch);
        run.feed(batch, stamp, None, None)?;
    }
    run.drain()?;
    run.feeder = None;
    engine.join();

    let written = |path: &Option<PathBuf>, result: io::Result<()>| {
        result.map_err(|source| ScoreError::Io { action: "write", path: path.clone().unwrap_or_default(), source })
    };
    if let Some(mut file) = run.alerts.take() {
        written(&options.alerts, file.flush())?;
    }
    if let Some(mut file) = scores_file {
        let result = run.scores.iter().try_for_each(|s| file.write_all(&s.to_le_bytes())).and_then(|()| file.flush());
        written(&options.scores, result)?;
    }
    let cpu_s = machine::cpu_seconds() - cpu_before;
    Ok(ScoreSummary {
        events: run.events,
        rejected: run.rejected,
        alerts: run.alerts_count,
        wall_s: began.elapsed().as_secs_f64(),
        cpu_s,
        events_per_cpu_s: run.events as f64 / cpu_s,
        peak_rss_mb: machine::peak_rss_mb(),
        digest: run.digest.hex(),
        model: handle.digest.to_string(),
        threshold: handle.model.quantiles().threshold(options.settings.contamination),
    })
}

/// Scores, and prints the summary.
///
/// # Errors
/// See [`score`].
pub fn print(options: &ScoreOptions, as_json: bool) -> Result<ExitCode, Failure> {
    let progress = Progress::over(&options.events);
    let summary = score(options).map_err(|error| match error {
        ScoreError::Engine(_) | ScoreError::Gone(_) => Failure::system(error),
        ScoreError::Io { .. } | ScoreError::Fit { .. } => Failure::input(error),
    });
    drop(progress);
    let summary = summary?;
    if as_json {
        say(serde_json::to_string(&summary).map_err(Failure::system)?);
        return Ok(ExitCode::SUCCESS);
    }
    let rejected: u64 = summary.rejected.values().sum();
    say(format_args!("events              {}", summary.events));
    say(format_args!("rejected            {rejected}"));
    for (code, n) in &summary.rejected {
        say(format_args!("  {code:<26} {n}"));
    }
    say(format_args!("alerts              {}", summary.alerts));
    say(format_args!("wall                {:.2} s", summary.wall_s));
    say(format_args!("cpu                 {:.2} s", summary.cpu_s));
    say(format_args!("events a CPU second {:.0}", summary.events_per_cpu_s));
    say(format_args!("peak memory         {:.0} MiB", summary.peak_rss_mb));
    say(format_args!("threshold           {:.4}", summary.threshold));
    say(format_args!("model               {}", summary.model));
    say(format_args!("digest              {}", summary.digest));
    Ok(ExitCode::SUCCESS)
}

/// A sign of life on a terminal while a file is scored; gone when dropped.
struct Progress(indicatif::ProgressBar);

impl Progress {
    fn over(path: &Path) -> Self {
        let bar = indicatif::ProgressBar::new_spinner().with_message(format!("scoring {}", path.display()));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
