//! Syslog in: framing and listeners. The messages are parsed elsewhere.

pub mod framing;
mod tcp;
mod tcp_config;

pub use tcp::SyslogTcpListener;
pub use tcp_config::{BindError, ConfigError, SyslogTcp, SyslogTcpConfig};

/// The name of syslog over TCP in batches, counters and dead letters.
pub const SYSLOG_TCP: &str = "syslog_tcp";
