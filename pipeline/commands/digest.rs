//! `trustfold digest`: the journal of a stopped server, decided once more.

use crate::commands::{Failure, say};
use crate::digest::DecisionDigest;
use crate::engine::{Engine, EngineGone};
use crate::merge::Merge;
use crate::models::{ModelStore, ModelStoreError};
use crate::settings::Settings;
use crossbeam_channel::unbounded;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use trustfold_event::Epoch;
use trustfold_event::control::Control;
use trustfold_journal::{Journal, JournalError, JournalOptions};
use trustfold_operators::feed::FeedItem;
use trustfold_operators::judge::JudgeOptions;

/// The journal cannot be decided once more.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A model.
    #[error(transparent)]
    Model(#[from] ModelStoreError),
    /// The dataflow could not be started.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    /// It ended early.
    #[error(transparent)]
    Gone(#[from] EngineGone),
}

/// What a journal amounts to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// Equal digests mean equal decisions.
    pub digest: String,
    /// The newest epoch.
    pub epoch: Epoch,
    /// Events decided.
    pub events: u64,
    /// Anomalies found.
    pub anomalies: u64,
}

/// Replays the journal below `data_dir` on so many workers. Nothing is written but a torn tail's cut.
///
/// # Errors
/// See [`DigestError`].
pub fn of_journal(data_dir: &Path, workers: usize) -> Result<Digest, DigestError> {
    let models = ModelStore::open(&data_dir.join("models"))?;
    let (sender, collected) = unbounded();
    let (engine, feeder) = Engine::start(workers, JudgeOptions::default(), &sender)?;
    drop(sender);
    let folding = std::thread::spawn(move || {
        let (mut merge, mut digest) = (Merge::new(workers), DecisionDigest::default());
        let (mut events, mut anomalies) = (0, 0);
        for word in collected {
            merge.add(word);
            // Past the last epoch every worker says "everything"; there is nothing to take between.
            let below = merge.closed_below();
            while let Some(epoch) = merge.first_below(below) {
                let closed = merge.take(epoch);
                events += closed.decided.len() as u64;
                anomalies += closed.findings.len() as u64;
                digest.absorb(epoch, &closed);
            }
        }
        (digest.hex(), events, anomalies)
    });
    let mut failed = None;
    let mut epoch = Epoch(0);
    let opened = Journal::open(&data_dir.join("journal"), JournalOptions::default(), |frame| {
        if failed.is_some() {
            return;
        }
        epoch = frame.epoch;
        let model = match frame.control.as_ref().map(|c| &c.control) {
            Some(Control::ModelAnnounced { card, .. }) => models.load(&card.digest).map(Some),
            _ => Ok(None),
        };
        let fed = model.map_err(DigestError::from).and_then(|model| Ok(feeder.feed(FeedItem { frame: Arc::new(frame), model })?));
        failed = fed.err();
    });
    drop(feeder);
    engine.join();
    let (digest, events, anomalies) = folding.join().map_err(|_| EngineGone)?;
    opened?;
    failed.map_or(Ok(Digest { digest, epoch, events, anomalies }), Err)
}

/// Prints it.
///
/// # Errors
/// See [`of_journal`].
pub fn digest(settings: &Settings, as_json: bool) -> Result<ExitCode, Failure> {
    if !settings.data_dir.join("journal").is_dir() {
        return Err(Failure::input(format!("there is no journal in \"{}\"", settings.data_dir.display())));
    }
    let found = of_journal(&settings.data_dir, settings.worker_count()).map_err(Failure::input)?;
    if as_json {
        say(serde_json::to_string(&found).map_err(Failure::system)?);
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!("{}  epoch {}, {} events, {} anomalies", found.digest, found.epoch.0, found.events, found.anomalies));
    Ok(ExitCode::SUCCESS)
}
