//! JSON events. To be written.
use crate::parsed::Parsed;
use crate::reject::Reject;

/// Parses one JSON object.
///
/// # Errors
/// Malformed JSON, a missing or unknown event type, a field of the wrong type.
pub fn parse(_record: &[u8]) -> Result<Parsed<'_>, Reject> {
    Err(Reject::new("json.syntax", "not written yet"))
}
