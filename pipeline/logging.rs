//! Logs: people read the terminal, machines read `data/logs/trustfold.log`, a JSON object a line.

use crate::settings::{LogFormat, LogSettings};
use std::fs::{self, OpenOptions};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// The log cannot be written, or its level not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The file.
    #[error("could not write the log \"{path}\": {source}. Make the directory writable, or set data_dir to one that is")]
    Io {
        /// Which.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The level.
    #[error("log.level \"{0}\" is neither a level nor a filter")]
    Level(String),
}

/// Past this a start begins a new file; the one before is kept beside it.
const LOG_BYTES_MAX: u64 = 64 << 20;

/// Starts logging for the life of the process.
///
/// # Errors
/// See [`LoggingError`].
pub fn start(settings: &LogSettings, dir: &Path) -> Result<(), LoggingError> {
    let path = dir.join("trustfold.log");
    let io = |source| LoggingError::Io { path: path.display().to_string(), source };
    fs::create_dir_all(dir).map_err(io)?;
    if fs::metadata(&path).is_ok_and(|m| m.len() > LOG_BYTES_MAX) {
        fs::rename(&path, dir.join("trustfold.1.log")).map_err(io)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
    let filter = || EnvFilter::try_new(&settings.level).map_err(|_| LoggingError::Level(settings.level.clone()));
    let terminal = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let terminal = match settings.format {
        LogFormat::Pretty => terminal.with_target(false).compact().boxed(),
        LogFormat::Json => terminal.json().flatten_event(true).boxed(),
    };
    let file = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(Mutex::new(file));
    // A second start in one process is a test's; its lines go where the first one's do.
    let _ = tracing_subscriber::registry().with(terminal.with_filter(filter()?)).with(file.with_filter(filter()?)).try_init();
    Ok(())
}
