//! The options of syslog over TCP, their check, and the bind that makes them a listener.

use super::framing::MESSAGE_BYTES_MIN;
use super::tcp::SyslogTcpListener;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use trustfold_event::raw::Batch;

/// Listens for syslog messages over TCP (RFC 6587), RFC 5424 or RFC 3164, octet-counted or a line each.
///
/// Plain syslog has no acknowledgement of its own. The listener reads on only once what it has read is journaled, so a
/// sender that is too fast is slowed down by TCP and loses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyslogTcpConfig {
    /// True accepts that anybody who reaches the port may send lines, which no key can keep out.
    pub allow_beyond_loopback: bool,
    /// Whether it listens at all.
    pub enabled: bool,
    /// Address and port to listen on. Loopback unless you say otherwise: the protocol has neither encryption nor a login. Beyond
    /// loopback it is refused unless `allow_beyond_loopback` is true.
    pub listen: SocketAddr,
    /// How many connections may be open at a time; further ones are closed at once, with a line in the log. 1 to 65,536.
    /// Each may hold up to 64 KiB, one message and one batch of memory while it is busy.
    pub connections_max: usize,
    /// The most bytes of one message. A longer one becomes a dead letter that keeps its beginning. 480 to 1,048,576.
    pub message_bytes_max: usize,
    /// Seconds without a byte after which a connection is closed; 0 never closes one. Keep it longer than your senders'
    /// quiet times: most of them notice a closed connection only when they lose a message to it.
    pub idle_timeout_secs: u64,
    /// The most messages that are handed over together. 1 to 1,000,000.
    pub batch_records_max: usize,
    /// A batch that has this many bytes is handed over; the last message in it may lie beyond. 1 to 16,777,216.
    pub batch_bytes_max: usize,
}

impl Default for SyslogTcpConfig {
    fn default() -> Self {
        Self {
            allow_beyond_loopback: false,
            enabled: true,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5514)),
            connections_max: 1024,
            message_bytes_max: 64 << 10,
            idle_timeout_secs: 3600,
            batch_records_max: 16_384,
            batch_bytes_max: 1 << 20,
        }
    }
}

/// An option has a value that cannot work.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{option}` is {value}; it must be {min} to {max}")]
pub struct ConfigError {
    /// The option's name.
    pub option: &'static str,
    /// Its value.
    pub value: u64,
    /// The least that works.
    pub min: u64,
    /// The most that works.
    pub max: u64,
}

/// Checked options. Only [`SyslogTcpConfig::check`] makes one, so an unchecked one cannot run.
#[derive(Clone, Debug)]
pub struct SyslogTcp {
    pub(super) listen: SocketAddr,
    pub(super) limits: Limits,
}

/// What one listener and its connections keep to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) message_bytes: usize,
    pub(super) idle: Option<Duration>,
    pub(super) batch_records: usize,
    pub(super) batch_bytes: usize,
}

/// Why the listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else has the port.
    #[error("{address} is taken by another program: stop that one, or set `listen` of syslog over TCP to another port")]
    Taken {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The port is for privileged programs.
    #[error(
        "{address} may not be used by this user: set `listen` of syslog over TCP to a port above 1023, or grant CAP_NET_BIND_SERVICE"
    )]
    Forbidden {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// This machine has no such address.
    #[error("{address} is no address of this machine: set `listen` of syslog over TCP to one that is")]
    NotHere {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("could not listen on {address} for syslog over TCP: {source}")]
    Other {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl SyslogTcpConfig {
    /// Checks every option.
    ///
    /// # Errors
    /// The first option whose value cannot work.
    pub fn check(self) -> Result<SyslogTcp, ConfigError> {
        let within = |option, value: u64, min: u64, max: u64| {
            if (min..=max).contains(&value) { Ok(()) } else { Err(ConfigError { option, value, min, max }) }
        };
        within("connections_max", self.connections_max as u64, 1, 65_536)?;
        within("message_bytes_max", self.message_bytes_max as u64, MESSAGE_BYTES_MIN as u64, 1 << 20)?;
        within("idle_timeout_secs", self.idle_timeout_secs, 0, 366 * 86_400)?;
        within("batch_records_max", self.batch_records_max as u64, 1, 1_000_000)?;
        within("batch_bytes_max", self.batch_bytes_max as u64, 1, Batch::BYTES_MAX as u64 / 4)?;
        let limits = Limits {
            connections: self.connections_max,
            message_bytes: self.message_bytes_max,
            idle: (self.idle_timeout_secs > 0).then(|| Duration::from_secs(self.idle_timeout_secs)),
            batch_records: self.batch_records_max,
            batch_bytes: self.batch_bytes_max,
        };
        Ok(SyslogTcp { listen: self.listen, limits })
    }
}

impl SyslogTcp {
    /// Takes the port, so that a start that cannot work fails at the start. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind(self) -> Result<SyslogTcpListener, BindError> {
        let address = self.listen;
        let listening = tokio::net::TcpListener::bind(address).await.and_then(|listener| {
            let local = listener.local_addr()?;
            Ok(SyslogTcpListener { listener, local, limits: self.limits })
        });
        listening.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken { address, source },
            io::ErrorKind::PermissionDenied => BindError::Forbidden { address, source },
            io::ErrorKind::AddrNotAvailable => BindError::NotHere { address, source },
            _ => BindError::Other { address, source },
        })
    }
}
