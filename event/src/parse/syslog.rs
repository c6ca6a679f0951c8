//! Syslog lines. To be written.
use crate::Stamp;
use crate::parsed::Parsed;
use crate::reject::Reject;

/// Parses one syslog message without its framing.
///
/// # Errors
/// A line that is no syslog message.
pub fn parse(_record: &[u8], _received: Stamp) -> Result<Parsed<'_>, Reject> {
    Err(Reject::new("syslog.header", "not written yet"))
}
