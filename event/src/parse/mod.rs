//! From the bytes of one raw record to [`Parsed`] fields, or to a [`Reject`] with its reason.

pub mod ip;
pub mod json;
pub mod syslog;

use crate::Stamp;
use crate::parsed::Parsed;
use crate::raw::Format;
use crate::reject::Reject;

/// The longest record that is parsed: 1 MiB.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// Parses one record. `received` supplies what a record may leave out (RFC 3164's year).
///
/// # Errors
/// A record that is too long, malformed, or names no event type that we know.
pub fn parse<'a>(format: Format, record: &'a [u8], received: Stamp) -> Result<Parsed<'a>, Reject> {
    if record.len() > RECORD_BYTES_MAX {
        return Err(Reject::new("record.too_long", format!("{} bytes; at most {RECORD_BYTES_MAX} are read", record.len())));
    }
    match format {
        Format::Json => json::parse(record),
        Format::Syslog => syslog::parse(record, received),
        Format::Refused => Err(refused(record)),
    }
}

/// What a source said of bytes that it refused; see [`Format::Refused`].
fn refused(record: &[u8]) -> Reject {
    let mut parts = record.splitn(3, |b| *b == b'\n').map(String::from_utf8_lossy);
    let (code, reason) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Reject { code: code.into_owned().into(), reason: reason.into_owned() }
}
