//! Settings of the web layer. The field's doc comment is the manual.

use crate::auth::IngestKeys;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use trustfold_event::raw::Batch;

/// The HTTP API, the WebSocket and the dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Address and port to listen on. Loopback unless you say otherwise; beyond loopback, `ingest_keys_file` is needed,
    /// and every read needs the admin token or a session.
    pub listen: SocketAddr,
    /// Further names that a request's `Host` may carry, without port, for instance `trustfold.example.org`. On a loopback
    /// listener `localhost`, `127.0.0.1` and `[::1]` always may. On another listener any name may unless some are given here.
    pub hosts: Vec<String>,
    /// Other web sites whose pages may call the API, as `https://host:port`. None unless you say so.
    pub cors_origins: Vec<String>,
    /// File with the keys that senders of events show as a bearer token: one a line, at least 16 characters; blank lines
    /// and lines that begin with `#` are skipped. With it, `POST /api/events` needs one of them.
    pub ingest_keys_file: Option<PathBuf>,
    /// The largest body of `POST /api/events`, in bytes; 1,024 to 67,108,864.
    pub body_bytes_max: usize,
    /// The bytes of all bodies that may be held at one time; beyond it the answer is 429. At least `body_bytes_max`.
    pub bodies_bytes_max: usize,
    /// The most events in one `POST /api/events`.
    pub events_batch_records_max: usize,
    /// How long a body may take to arrive, in seconds; 1 to 3,600.
    pub request_timeout_secs: u64,
    /// How long the pipeline or a store may take to answer, in seconds, before the answer is 503; 1 to 3,600.
    pub answer_timeout_secs: u64,
    /// How long a request's head may take to arrive, in seconds; 1 to 3,600. An idle kept-alive connection is closed after it.
    pub header_timeout_secs: u64,
    /// The most headers of a request.
    pub headers_max: usize,
    /// The largest head of a request, in bytes; at least 8,192.
    pub header_bytes_max: usize,
    /// The most connections at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// The most WebSocket and event-stream clients at one time; further ones get 429.
    pub live_clients_max: usize,
    /// How long requests in flight may take to finish when the process stops, in seconds.
    pub shutdown_secs: u64,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            hosts: Vec::new(),
            cors_origins: Vec::new(),
            ingest_keys_file: None,
            body_bytes_max: 32 << 20,
            bodies_bytes_max: 256 << 20,
            events_batch_records_max: 100_000,
            request_timeout_secs: 30,
            answer_timeout_secs: 30,
            header_timeout_secs: 30,
            headers_max: 100,
            header_bytes_max: 64 << 10,
            connections_max: 1024,
            live_clients_max: 256,
            shutdown_secs: 10,
        }
    }
}

/// The settings cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing would keep strangers from sending events.
    #[error("web.listen {0} reaches beyond this machine, so set web.ingest_keys_file to a file with a key for your senders")]
    KeysNeeded(SocketAddr),
    /// A number is out of its range.
    #[error("web.{field} is {value}; it must be {must}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// What it is.
        value: u64,
        /// What it may be.
        must: String,
    },
    /// A host or an origin is not written as one.
    #[error("web.{field} has \"{value}\"; write it as {must}")]
    Malformed {
        /// The setting.
        field: &'static str,
        /// The entry.
        value: String,
        /// How to write it.
        must: &'static str,
    },
    /// The key file cannot be read.
    #[error("web.ingest_keys_file \"{path}\" cannot be read: {source}")]
    KeysUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key file holds no usable keys. The keys themselves are not repeated here.
    #[error("web.ingest_keys_file \"{path}\": {reason}")]
    KeysWrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, by line.
        reason: String,
    },
}

/// Settings that can be run. [`WebConfig::check`] is the only way to one.
#[derive(Clone, Debug)]
pub struct CheckedConfig {
    pub(crate) web: WebConfig,
    pub(crate) ingest_keys: Option<IngestKeys>,
}

impl CheckedConfig {
    /// Whether only this machine can reach the listener. Reading is open then.
    pub fn is_loopback(&self) -> bool {
        self.web.listen.ip().to_canonical().is_loopback()
    }

    pub(crate) fn body_time(&self) -> Duration {
        Duration::from_secs(self.web.request_timeout_secs)
    }

    pub(crate) fn answer_time(&self) -> Duration {
        Duration::from_secs(self.web.answer_timeout_secs)
    }
}

impl WebConfig {
    /// Checks the settings and reads the key file.
    ///
    /// # Errors
    /// The first setting that is out of range, malformed or missing.
    pub fn check(mut self) -> Result<CheckedConfig, ConfigError> {
        let within = |field, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::OutOfRange { field, value, must: format!("{low} to {high}") })
            }
        };
        let (body, most) = (self.body_bytes_max as u64, u64::from(u32::MAX));
        within("body_bytes_max", body, 1024, Batch::BYTES_MAX as u64)?;
        within("bodies_bytes_max", self.bodies_bytes_max as u64, body, most)?;
        within("events_batch_records_max", self.events_batch_records_max as u64, 1, 10_000_000)?;
        within("request_timeout_secs", self.request_timeout_secs, 1, 3600)?;
        within("answer_timeout_secs", self.answer_timeout_secs, 1, 3600)?;
        within("header_timeout_secs", self.header_timeout_secs, 1, 3600)?;
        within("headers_max", self.headers_max as u64, 16, 1000)?;
        within("header_bytes_max", self.header_bytes_max as u64, 8192, 1 << 20)?;
        within("connections_max", self.connections_max as u64, 1, 1 << 20)?;
        within("live_clients_max", self.live_clients_max as u64, 0, 1 << 20)?;
        within("shutdown_secs", self.shutdown_secs, 0, 3600)?;
        for host in &mut self.hosts {
            let name = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
            let fits = name || (host.starts_with('[') && host.ends_with(']'));
            if !fits {
                return Err(ConfigError::Malformed {
                    field: "hosts",
                    value: host.clone(),
                    must: "a name without port, or [ADDRESS]",
                });
            }
            host.make_ascii_lowercase();
        }
        for origin in &mut self.cors_origins {
            let bare = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if bare.is_none_or(|rest| rest.is_empty() || rest.contains(['/', '*', ' '])) {
                return Err(ConfigError::Malformed {
                    field: "cors_origins",
                    value: origin.clone(),
                    must: "https://HOST or https://HOST:PORT",
                });
            }
            origin.make_ascii_lowercase();
        }
        let ingest_keys = match &self.ingest_keys_file {
            None => None,
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|source| ConfigError::KeysUnreadable { path: path.clone(), source })?;
                let keys = IngestKeys::parse(&text).map_err(|reason| ConfigError::KeysWrong { path: path.clone(), reason })?;
                Some(keys)
            }
        };
        let checked = CheckedConfig { web: self, ingest_keys };
        if !checked.is_loopback() && checked.ingest_keys.is_none() {
            return Err(ConfigError::KeysNeeded(checked.web.listen));
        }
        Ok(checked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn sentence(config: WebConfig) -> String {
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn beyond_loopback_keys_are_needed() {
        let open = WebConfig { listen: "0.0.0.0:8000".parse().unwrap(), ..WebConfig::default() };
        assert_eq!(
            sentence(open.clone()),
            "web.listen 0.0.0.0:8000 reaches beyond this machine, so set web.ingest_keys_file to a file with a key for your senders"
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "# senders\n\n0123456789abcdef").unwrap();
        let keyed = WebConfig { ingest_keys_file: Some(file.path().to_owned()), ..open };
        assert!(!keyed.clone().check().unwrap().is_loopback());
        assert!(!format!("{:?}", keyed.check().unwrap()).contains("0123456789abcdef"));
    }

    #[test]
    fn key_files_are_refused_without_repeating_a_key() {
        for (text, why) in [("", "it holds no key"), ("short", "line 1 is shorter than 16 characters")] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let said = sentence(WebConfig { ingest_keys_file: Some(file.path().to_owned()), ..WebConfig::default() });
            assert!(said.ends_with(why), "{said}");
        }
        let missing = WebConfig { ingest_keys_file: Some("/no/such/file".into()), ..WebConfig::default() };
        assert!(sentence(missing).contains("cannot be read"));
    }

    #[test]
    fn ranges_and_forms_are_checked() {
        assert!(sentence(WebConfig { body_bytes_max: 1, ..WebConfig::default() }).contains("web.body_bytes_max is 1"));
        assert!(sentence(WebConfig { bodies_bytes_max: 1, ..WebConfig::default() }).contains("bodies_bytes_max"));
        assert!(sentence(WebConfig { request_timeout_secs: 0, ..WebConfig::default() }).contains("request_timeout_secs"));
        assert!(sentence(WebConfig { hosts: vec!["a:80".into()], ..WebConfig::default() }).contains("web.hosts"));
        for origin in ["*", "https://a/", "ftp://a", "https://"] {
            assert!(sentence(WebConfig { cors_origins: vec![origin.into()], ..WebConfig::default() }).contains("cors_origins"));
        }
        assert!(serde_json::from_str::<WebConfig>(r#"{"port":1}"#).is_err());
    }
}
