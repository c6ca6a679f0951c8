//! All settings, layered: defaults, then the TOML file, then `TRUSTFOLD__A__B`, then flags. The field's doc comment is
//! the manual; an unknown key is an error.

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use trustfold_event::settings::{DecisionSettings, OutOfRange};
use trustfold_sources::syslog::SyslogTcpConfig;
use trustfold_web::WebConfig;

/// trustfold's settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Directory of everything that is kept: journal, models, documents, archive, logs, admin token.
    pub data_dir: PathBuf,
    /// Dataflow workers, 1 to 64; 0 means one less than the machine's cores, at least 1.
    pub workers: usize,
    /// The HTTP API, the WebSocket and the dashboard.
    pub web: WebConfig,
    /// Where events come from.
    pub sources: Sources,
    /// The journal.
    pub journal: JournalSettings,
    /// The document store.
    pub storage: StorageSettings,
    /// The archive of events.
    pub archive: ArchiveSettings,
    /// Logs.
    pub log: LogSettings,
    /// The settings that decide. They are journaled, so that a replay needs no file.
    pub decision: DecisionSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            workers: 0,
            web: WebConfig::default(),
            sources: Sources::default(),
            journal: JournalSettings::default(),
            storage: StorageSettings::default(),
            archive: ArchiveSettings::default(),
            log: LogSettings::default(),
            decision: DecisionSettings::default(),
        }
    }
}

/// Where events come from, HTTP aside, which is part of `web`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Syslog over TCP.
    pub syslog_tcp: SyslogTcpConfig,
}

/// The journal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSettings {
    /// A segment is closed once it is longer than this, in bytes; 1 MiB to 1 GiB.
    pub segment_bytes: u64,
    /// Batches that may wait to be journaled, in bytes together; beyond it senders are told to wait. At least 1 MiB.
    pub waiting_bytes_max: usize,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { segment_bytes: 256 << 20, waiting_bytes_max: 64 << 20 }
    }
}

/// The document store.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StorageSettings {
    /// Empty for the embedded store (SQLite in the data directory). A `mongodb://` address is checked at start.
    pub uri: String,
}

/// The archive of events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveSettings {
    /// A file is written once it has so many events, or the hour is over; 1,024 to 1,048,576.
    pub row_group_rows: usize,
    /// zstd's level, 1 (fast) to 22 (small).
    pub zstd_level: i32,
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self { row_group_rows: 131_072, zstd_level: 1 }
    }
}

/// Logs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter as of `tracing_subscriber::EnvFilter`.
    pub level: String,
    /// `pretty` for people or `json` for machines; on the terminal. The log file in `data/logs` is always JSON.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Pretty }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// A JSON object a line.
    Json,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is not there.
    #[error("there is no settings file \"{}\"; leave --config out for the defaults", .0.display())]
    NoFile(PathBuf),
    /// A key or value is wrong.
    #[error("{}", .0.to_string().trim().replace('\n', ""))]
    Wrong(Box<figment::Error>),
    /// A setting that decides is out of its range.
    #[error(transparent)]
    Decision(#[from] OutOfRange),
    /// Another one is.
    #[error("{setting} is {value}; it must be {range}")]
    Range {
        /// Its path.
        setting: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
    /// Syslog would take lines from strangers.
    #[error(
        "sources.syslog_tcp.listen {0} reaches beyond this machine, and syslog knows no keys; set \
         sources.syslog_tcp.allow_beyond_loopback to true on a network that you trust"
    )]
    OpenSyslog(std::net::SocketAddr),
    /// The web layer's.
    #[error(transparent)]
    Web(#[from] trustfold_web::ConfigError),
    /// Syslog's.
    #[error("sources.syslog_tcp: {0}")]
    Syslog(#[from] trustfold_sources::syslog::ConfigError),
}

/// The file that is read where none is named and it is there.
pub const DEFAULT_FILE: &str = "config/trustfold.toml";

impl Settings {
    /// Reads and checks all layers.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn load(file: Option<&Path>, flags: &Figment) -> Result<Self, SettingsError> {
        let mut layers = Figment::from(Serialized::defaults(Settings::default()));
        match file {
            Some(file) if !file.is_file() => return Err(SettingsError::NoFile(file.into())),
            Some(file) => layers = layers.merge(Toml::file_exact(file)),
            None if Path::new(DEFAULT_FILE).is_file() => layers = layers.merge(Toml::file_exact(DEFAULT_FILE)),
            None => {}
        }
        let layers = layers.merge(Env::prefixed("TRUSTFOLD__").split("__")).merge(flags);
        let settings: Self = layers.extract().map_err(|e| SettingsError::Wrong(Box::new(e)))?;
        settings.check()?;
        Ok(settings)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// Names the first setting that is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        let need = |holds: bool, setting, value: String, range| {
            if holds { Ok(()) } else { Err(SettingsError::Range { setting, value, range }) }
        };
        need(self.workers <= 64, "workers", self.workers.to_string(), "0 to 64")?;
        let segment = self.journal.segment_bytes;
        need((1 << 20..=1 << 30).contains(&segment), "journal.segment_bytes", segment.to_string(), "1 MiB to 1 GiB")?;
        let waiting = self.journal.waiting_bytes_max;
        need(waiting >= 1 << 20, "journal.waiting_bytes_max", waiting.to_string(), "at least 1 MiB")?;
        let rows = self.archive.row_group_rows;
        need((1024..=1 << 20).contains(&rows), "archive.row_group_rows", rows.to_string(), "1,024 to 1,048,576")?;
        let level = self.archive.zstd_level;
        need((1..=22).contains(&level), "archive.zstd_level", level.to_string(), "1 to 22")?;
        let uri = &self.storage.uri;
        let known = uri.is_empty() || uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://");
        need(known, "storage.uri", format!("\"{uri}\""), "empty, or a mongodb:// address")?;
        self.decision.check()?;
        self.web.clone().check()?;
        let syslog = &self.sources.syslog_tcp;
        if syslog.enabled && !syslog.listen.ip().is_loopback() && !syslog.allow_beyond_loopback {
            return Err(SettingsError::OpenSyslog(syslog.listen));
        }
        syslog.clone().check()?;
        Ok(())
    }

    /// Dataflow workers: as set, else one less than the cores.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1)).max(1),
            n => n,
        }
    }
}
