//! A running server: started, checked, watched, stopped.

use crate::backend::Pipeline;
use crate::egress::{Egress, Shared};
use crate::engine::{Engine, EngineError};
use crate::intake::Intake;
use crate::models::{ModelStore, ModelStoreError};
use crate::sequencer::{Ask, Downstream, Sequencer, SequencerCounters, SequencerError, SequencerOptions};
use crate::settings::{Settings, SettingsError};
use crate::sinks::Writers;
use crate::trainer::TrainingJob;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use trustfold_event::control::{Control, ControlRecord};
use trustfold_journal::JournalOptions;
use trustfold_operators::judge::JudgeOptions;
use trustfold_sinks::archive::{Archive, ArchiveError, ArchiveOptions};
use trustfold_sinks::store::sqlite::SqliteStore;
use trustfold_sinks::store::{Store, StoreError};
use trustfold_web::backend::{Backend, Health};
use trustfold_web::{Auth, Bound, Secret, Web, WebError};

/// Batches and controls that may wait for the sequencer.
const ASKS_WAITING: usize = 4096;

/// How long a stop may take to write what is decided. The journal has it all: what is left is written at the next start.
const DRAIN: Duration = Duration::from_secs(25);

/// The same where something has failed already.
const DRAIN_AFTER_FAILURE: Duration = Duration::from_secs(3);

/// The server could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The data directory.
    #[error("could not {action} \"{}\": {source}. Make the directory writable, or set data_dir to one that is", path.display())]
    Data {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A configured MongoDB.
    #[error(transparent)]
    Mongo(#[from] crate::mongo::MongoError),
    /// The document store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The models.
    #[error(transparent)]
    Models(#[from] ModelStoreError),
    /// The web.
    #[error(transparent)]
    Web(#[from] WebError),
    /// Syslog.
    #[error("sources.syslog_tcp: {0}")]
    Syslog(#[from] trustfold_sources::syslog::BindError),
    /// The dataflow.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The sequencer.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// A thread or the runtime.
    #[error("could not start a thread: {0}")]
    Thread(std::io::Error),
    /// No randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// No link.
    #[error("no one-time link could be made: {0}")]
    Link(String),
    /// Something that must go on for ever ended.
    #[error("{0} ended unexpectedly; the log has the cause")]
    Ended(&'static str),
}

impl RunError {
    /// Whether a person can mend it before the next start: settings, ports, directories.
    pub fn is_environment(&self) -> bool {
        !matches!(self, Self::Ended(_) | Self::Thread(_) | Self::Engine(_))
    }
}

/// A server that has replayed its journal and takes events.
pub struct Server {
    pipeline: Arc<Pipeline>,
    asks: Sender<Ask>,
    web: Option<Bound>,
    syslog: Option<trustfold_sources::syslog::SyslogTcpListener>,
    threads: Threads,
    ended: mpsc::Receiver<RunError>,
    auth: Auth,
    pid_file: PathBuf,
}

struct Threads {
    sequencer: JoinHandle<()>,
    egress: JoinHandle<String>,
    trainer: JoinHandle<()>,
    engine: Engine,
    writers: Writers,
}

/// What a start found.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Frames replayed.
    pub frames: u64,
    /// Records replayed.
    pub records: u64,
    /// Bytes of a torn tail that were cut.
    pub cut_bytes: u64,
}

impl Server {
    /// Binds, opens everything, replays the journal, and answers once all of it is as it was.
    ///
    /// # Errors
    /// Each says in one line what is wrong and how to mend it.
    pub async fn start(settings: &Settings) -> Result<(Self, Started), RunError> {
        settings.check()?;
        let dir = settings.data_dir.as_path();
        let data = |action, path: &Path| {
            let path = path.to_path_buf();
            move |source| RunError::Data { action, path, source }
        };
        fs::create_dir_all(dir).map_err(data("create", dir))?;
        crate::mongo::check(&settings.storage.uri).await?;
        let syslog = match settings.sources.syslog_tcp.clone() {
            source if source.enabled => Some(source.check().map_err(SettingsError::from)?.bind().await?),
            _ => None,
        };
        let token = admin_token(dir)?;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&dir.join("trustfold.db"))?);
        let archive_options = ArchiveOptions {
            row_group_rows: settings.archive.row_group_rows,
            zstd_level: settings.archive.zstd_level,
            ..ArchiveOptions::default()
        };
        let archive = Arc::new(Archive::open(dir, archive_options)?);
        let (store_has, archive_has) = (store.watermark()?, archive.watermark());
        let models = ModelStore::open(&dir.join("models"))?;
        let (writers, sinks) = Writers::start(store.clone(), archive.clone()).map_err(RunError::Thread)?;

        let mut stream = [0; 8];
        getrandom::fill(&mut stream).map_err(RunError::Random)?;
        let shared = Arc::new(Shared::new(format!("{:016x}", u64::from_le_bytes(stream))));
        let (asks, asked) = bounded(ASKS_WAITING);
        let (collected_in, collected) = unbounded();
        let (frames_in, frames) = unbounded();
        let (jobs_in, jobs) = unbounded();
        let (ended_in, ended) = mpsc::channel(4);
        let workers = settings.worker_count();
        let (engine, feeder) = Engine::start(workers, JudgeOptions::default(), &collected_in)?;
        drop(collected_in);

        let counters = Arc::<SequencerCounters>::default();
        let intake = Intake::new(asks.clone(), settings.journal.waiting_bytes_max, tokio::runtime::Handle::current());
        let pipeline = Arc::new(Pipeline {
            shared: shared.clone(),
            intake,
            store,
            store_state: writers.store.clone(),
            archive,
            archive_state: writers.archive.clone(),
            models: models.clone(),
            counters: counters.clone(),
        });
        // Taken before the replay, so that a port in use is told at once; served after it.
        let auth = Auth::new(&Secret::new(token));
        let web = Web::bind(settings.web.clone().check().map_err(SettingsError::from)?, pipeline.clone(), auth.clone())?;

        let spawn = thread::Builder::new;
        let egress =
            Egress { shared: shared.clone(), frames, collected, sinks, trainer: jobs_in, models: models.clone(), workers };
        let ended_of = |name: &'static str, ended: &mpsc::Sender<RunError>| {
            let ended = ended.clone();
            move || drop(ended.blocking_send(RunError::Ended(name)))
        };
        let egress_ended = ended_of("the egress", &ended_in);
        let egress = spawn()
            .name("egress".into())
            .spawn(move || {
                let digest = egress.serve();
                egress_ended();
                digest
            })
            .map_err(RunError::Thread)?;
        let training = (asks.clone(), models.clone());
        let trainer =
            spawn().name("trainer".into()).spawn(move || train(&jobs, &training.0, &training.1)).map_err(RunError::Thread)?;
        let options = SequencerOptions {
            dir: dir.join("journal"),
            // Ids are made from epochs: going on below what the stores have would give new events the ids of old ones.
            journal: JournalOptions { segment_bytes: settings.journal.segment_bytes, at_least: store_has.max(archive_has) },
            settings: settings.decision.clone(),
            models,
        };
        let downstream = Downstream { feeder, frames: frames_in };
        let (opened_in, opened) = oneshot::channel();
        let upto = shared.clone();
        let sequencer = spawn()
            .name("sequencer".into())
            .spawn(move || {
                let result = match Sequencer::open(options, downstream, counters) {
                    Ok((sequencer, replayed)) => {
                        upto.replay_upto.send_replace(Some(replayed.upto.0));
                        drop(opened_in.send(Ok((replayed, sequencer.last_epoch()))));
                        sequencer.serve(&asked)
                    }
                    Err(error) => {
                        drop(opened_in.send(Err(error)));
                        return;
                    }
                };
                let error = match result {
                    Ok(()) => RunError::Ended("the sequencer"),
                    Err(error) => RunError::Sequencer(error),
                };
                drop(ended_in.blocking_send(error));
            })
            .map_err(RunError::Thread)?;
        let (replayed, last) = opened.await.map_err(|_| RunError::Ended("the sequencer"))??;
        let mut closed = shared.closed.subscribe();
        closed.wait_for(|epoch| *epoch >= last.0).await.map_err(|_| RunError::Ended("the egress"))?;
        let pid_file = dir.join("trustfold.pid");
        fs::write(&pid_file, format!("{}\n", std::process::id())).map_err(data("write", &pid_file))?;
        let threads = Threads { sequencer, egress, trainer, engine, writers };
        let started = Started { frames: replayed.frames, records: replayed.records, cut_bytes: replayed.cut_bytes };
        Ok((Self { pipeline, asks, web: Some(web), syslog, threads, ended, auth, pid_file }, started))
    }

    /// Where the web listens.
    pub fn web_addr(&self) -> Option<SocketAddr> {
        self.web.as_ref().map(Bound::local_addr)
    }

    /// Where syslog listens, if it does.
    pub fn syslog_addr(&self) -> Option<SocketAddr> {
        self.syslog.as_ref().map(|s| s.local_addr())
    }

    /// The checks of `/health`.
    pub async fn health(&self) -> Health {
        self.pipeline.health().await
    }

    /// A link that logs a browser in once. For the terminal only, never for a log.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn one_time_link(&self) -> Result<String, RunError> {
        let secret = self.auth.links().issue().map_err(|e| RunError::Link(e.to_string()))?;
        let address = self.web_addr().map(|a| a.to_string()).unwrap_or_default();
        Ok(format!("http://{address}/#link={secret}"))
    }

    /// Serves until `stop` resolves or something ends that must not, then drains and stops; answers the digest of
    /// everything that was decided since start.
    ///
    /// # Errors
    /// What ended.
    pub async fn serve(mut self, stop: impl Future<Output = ()> + Send) -> Result<String, RunError> {
        let (stopping_in, stopping) = watch::channel(false);
        let web = self.web.take().map(|web| {
            let mut stopping = stopping.clone();
            tokio::spawn(web.run(async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            }))
        });
        let syslog = self.syslog.take().map(|syslog| tokio::spawn(syslog.run(Arc::new(self.pipeline.intake.clone()), stopping)));
        let failed = tokio::select! {
            () = stop => None,
            ended = self.ended.recv() => ended,
        };
        match &failed {
            None => tracing::info!("stopping: taking what has arrived, then closing"),
            Some(error) => tracing::error!("stopping: {error}"),
        }
        stopping_in.send_replace(true);
        if let Some(syslog) = syslog {
            let _ = syslog.await;
        }
        // The hub's clients go first, or the web would wait for them.
        self.pipeline.shared.hub.close();
        if let Some(web) = web {
            match web.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!("{error}"),
                Err(error) => tracing::error!("the web layer failed: {error}"),
            }
        }
        let (asks, threads) = (self.asks.clone(), self.threads);
        // On a thread of its own: a sink that is stuck, on a full disk for instance, must not hold the process for ever.
        let (joined_in, joined) = oneshot::channel();
        thread::spawn(move || {
            let _ = asks.send(Ask::Stop);
            let _ = joined_in.send(threads.join());
        });
        let bound = if failed.is_some() { DRAIN_AFTER_FAILURE } else { DRAIN };
        let digest = match tokio::time::timeout(bound, joined).await {
            Ok(digest) => digest.map_err(|_| RunError::Ended("the shutdown"))?,
            Err(_) => {
                tracing::error!(
                    "not everything was written within {} s; the journal has it, the next start writes it",
                    bound.as_secs()
                );
                String::new()
            }
        };
        let _ = fs::remove_file(&self.pid_file);
        match failed {
            None => Ok(digest),
            Some(error) => Err(error),
        }
    }
}

impl Threads {
    /// In journey order: each ends once the one before it has.
    fn join(self) -> String {
        let _ = self.sequencer.join();
        self.engine.join();
        let digest = self.egress.join().unwrap_or_default();
        let _ = self.trainer.join();
        self.writers.join();
        digest
    }
}

fn train(jobs: &Receiver<TrainingJob>, asks: &Sender<Ask>, models: &ModelStore) {
    while let Ok(job) = jobs.recv() {
        // A job that another one follows is no longer asked for.
        let job = jobs.try_iter().last().unwrap_or(job);
        let (control, model) = match job.run(models) {
            Ok(made) => made,
            Err(error) => {
                tracing::error!("{error}");
                let (asked_by, session) = job.asked_by().unwrap_or_default();
                (Control::TrainFailed { session, asked_by, reason: error.to_string() }, None)
            }
        };
        let (reply, _) = oneshot::channel();
        let record = ControlRecord { actor: "trainer".into(), control };
        if asks.send(Ask::Control(record, model, reply)).is_err() {
            return;
        }
    }
}

/// Reads the admin token, or makes it: 256 random bits in a file that only its owner reads.
fn admin_token(dir: &Path) -> Result<String, RunError> {
    let path = dir.join("admin-token");
    let failed = |action| {
        let path = path.clone();
        move |source| RunError::Data { action, path, source }
    };
    if path.exists() {
        return Ok(fs::read_to_string(&path).map_err(failed("read"))?.trim().to_owned());
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(RunError::Random)?;
    let token = bytes.iter().fold("tf_admin_".to_owned(), |text, b| text + &format!("{b:02x}"));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).map_err(failed("create"))?;
    file.write_all(format!("{token}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write"))?;
    Ok(token)
}
