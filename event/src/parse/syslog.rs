//! Syslog messages without their framing: RFC 5424, RFC 3164, and BSD lines with an RFC 3339 time, as rsyslog forwards
//! and files them. What sshd and sudo say becomes a login, a logout, an auth_failure or a sudo_command; all else is a
//! plain log line.
//!
//! - CR, LF and NUL at the end are dropped. Bytes that are not UTF-8 become U+FFFD.
//! - A priority is optional before a BSD header, and then a time is not; a message with neither is refused. After a
//!   priority a line without a time is read from its tag on (RFC 3164, section 4.3.3).
//! - RFC 3164 says neither year nor zone: the year follows from when the line was received, the zone is UTC.
//! - "message repeated N times: \[ … \]" is read as one occurrence of what it holds.

mod pam;
mod rfc3164;
mod rfc5424;
mod sshd;
mod sudo;

use crate::kind::Kind;
use crate::parsed::{Parsed, Text};
use crate::reject::Reject;
use crate::{EventTime, Stamp};
use std::borrow::Cow;

/// Parses one syslog message without its framing. A year that it leaves out is the one that puts it last before a day
/// after `received`.
///
/// # Errors
/// - `syslog.empty`: nothing;
/// - `syslog.pri`: a priority that is malformed or above 191;
/// - `syslog.header`: neither a priority nor a time, or a malformed RFC 5424 header;
/// - `syslog.timestamp`: a time that does not exist, or not as RFC 5424 writes it;
/// - `syslog.structured_data`: malformed RFC 5424 structured data.
#[inline]
pub fn parse(record: &[u8], received: Stamp) -> Result<Parsed<'_>, Reject> {
    let mut record = record;
    while let [rest @ .., b'\r' | b'\n' | 0] = record {
        record = rest;
    }
    match std::str::from_utf8(record) {
        Ok(text) => parse_text(text, received),
        Err(_) => parse_text(&String::from_utf8_lossy(record), received).map(into_owned),
    }
}

/// What a header says, whatever its format.
#[derive(Debug)]
struct Header<'a> {
    time: Option<EventTime>,
    host: Option<&'a str>,
    program: Option<&'a str>,
    pid: Option<u32>,
    message: &'a str,
}

#[inline]
fn parse_text(text: &str, received: Stamp) -> Result<Parsed<'_>, Reject> {
    if text.is_empty() {
        return Err(Reject::new("syslog.empty", "the message is empty"));
    }
    let header = match text.strip_prefix('<') {
        None => rfc3164::header(text, received)?.ok_or_else(|| Reject::new("syslog.header", "neither a priority nor a time"))?,
        Some(rest) => {
            let rest = after_priority(rest)?;
            match rfc5424::after_version(rest) {
                Some(rest) => rfc5424::header(rest)?,
                None => rfc3164::header(rest, received)?.unwrap_or_else(|| rfc3164::tagged(None, None, rest)),
            }
        }
    };
    let mut parsed = Parsed::new(Kind::Log);
    parsed.time = header.time;
    parsed.host = header.host.map(Cow::Borrowed);
    parsed.process = header.program.map(Cow::Borrowed);
    parsed.pid = header.pid;
    parsed.message = (!header.message.is_empty()).then_some(Cow::Borrowed(header.message));
    match header.program {
        Some("sshd" | "sshd-session" | "sshd-auth") => sshd::read(once(header.message), &mut parsed),
        Some("sudo") => sudo::read(once(header.message), &mut parsed),
        _ => {}
    }
    Ok(parsed)
}

/// What follows the priority (RFC 5424, section 6.2.1: one to three digits, no leading zeros, at most 191).
fn after_priority(text: &str) -> Result<&str, Reject> {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    let value = bytes.iter().take(digits).fold(0u32, |value, b| value * 10 + u32::from(b - b'0'));
    let holds = matches!(digits, 1..=3) && bytes.get(digits) == Some(&b'>') && value <= 191 && (digits == 1 || bytes[0] != b'0');
    match text.get(digits + 1..) {
        Some(rest) if holds => Ok(rest),
        _ => Err(Reject::new("syslog.pri", "a priority is a number from 0 to 191 between \"<\" and \">\"")),
    }
}

/// A message without the wrapper in which a daemon says that it was repeated.
fn once(message: &str) -> &str {
    let Some(rest) = message.strip_prefix("message repeated ") else { return message };
    let held = rest.split_once(" times: [").and_then(|(_, held)| held.strip_suffix(']'));
    held.map_or(message, |held| held.trim_matches(' '))
}

/// A process number; `None` for a PROCID that is something else.
#[inline]
fn pid(text: &str) -> Option<u32> {
    let digits = text.bytes().try_fold(0u32, |value, b| {
        let digit = b.is_ascii_digit().then(|| u32::from(b - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    });
    digits.filter(|_| !text.is_empty())
}

fn into_owned(parsed: Parsed<'_>) -> Parsed<'static> {
    let own = |text: Text<'_>| text.map(|t| Cow::Owned(t.into_owned()));
    Parsed {
        kind: parsed.kind,
        outcome: parsed.outcome,
        time: parsed.time,
        id: own(parsed.id),
        user: own(parsed.user),
        effective_user: own(parsed.effective_user),
        host: own(parsed.host),
        source_ip: own(parsed.source_ip),
        source_port: parsed.source_port,
        destination_ip: own(parsed.destination_ip),
        destination_port: parsed.destination_port,
        process: own(parsed.process),
        pid: parsed.pid,
        exit_code: parsed.exit_code,
        path: own(parsed.path),
        command: own(parsed.command),
        working_directory: own(parsed.working_directory),
        reason: own(parsed.reason),
        sender_session: own(parsed.sender_session),
        message: own(parsed.message),
    }
}
