//! A configured MongoDB: this version checks that it answers, and keeps its documents in the embedded store.

use std::time::Duration;
use tokio::net::TcpStream;

/// The configured MongoDB cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MongoError {
    /// It does not answer.
    #[error(
        "storage.uri: MongoDB at {address} does not answer ({cause}); start it, correct the address, or leave storage.uri empty for the embedded store"
    )]
    Silent {
        /// Where it was looked for.
        address: String,
        /// What came back.
        cause: String,
    },
    /// The address cannot be read.
    #[error("storage.uri names no host; write mongodb://HOST:PORT, or leave it empty for the embedded store")]
    NoHost,
    /// It answers, but there is no store for it yet.
    #[error(
        "storage.uri: MongoDB at {0} answers, but this version keeps its documents in the embedded store only; leave storage.uri empty"
    )]
    NotYet(String),
}

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Nothing to check for the embedded store; else the first host that is named must answer.
///
/// # Errors
/// See [`MongoError`].
pub async fn check(uri: &str) -> Result<(), MongoError> {
    let Some((_, rest)) = uri.split_once("://") else { return Ok(()) };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    // Credentials are never repeated in an error.
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let host = hosts.split(',').next().unwrap_or_default();
    if host.is_empty() {
        return Err(MongoError::NoHost);
    }
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { host.to_owned() } else { format!("{host}:27017") };
    let silent = |cause: String| MongoError::Silent { address: address.clone(), cause };
    match tokio::time::timeout(PATIENCE, TcpStream::connect(&address)).await {
        Err(_) => Err(silent(format!("no answer within {} s", PATIENCE.as_secs()))),
        Ok(Err(error)) => Err(silent(error.to_string())),
        Ok(Ok(_)) => Err(MongoError::NotYet(address)),
    }
}
