//! The header of RFC 5424, section 6.

use super::{Header, pid};
use crate::EventTime;
use crate::reject::Reject;

/// What follows the version: a number from 1 to 999 (section 6.2.2) and a space. `None` where there is none, and the line
/// is of the older format.
pub(super) fn after_version(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    let holds = matches!(digits, 1..=3) && bytes.first() != Some(&b'0') && bytes.get(digits) == Some(&b' ');
    if holds { text.get(digits + 1..) } else { None }
}

/// Reads what follows the version. Structured data is checked and passed over.
pub(super) fn header(text: &str) -> Result<Header<'_>, Reject> {
    let (timestamp, rest) = text.split_once(' ').ok_or_else(|| short("TIMESTAMP"))?;
    let time = match timestamp {
        "-" => None,
        _ => Some(time(timestamp)?),
    };
    let (host, rest) = field(rest, "HOSTNAME", 255)?;
    let (program, rest) = field(rest, "APP-NAME", 48)?;
    let (process, rest) = field(rest, "PROCID", 128)?;
    let (_, rest) = field(rest, "MSGID", 32)?;
    let rest = after_structured_data(rest)?;
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let message = message.strip_prefix('\u{FEFF}').unwrap_or(message);
    Ok(Header { time, host, program, pid: process.and_then(pid), message })
}

/// Stricter than RFC 3339: capital T and Z, a zone, up to six digits of fraction, no leap second (section 6.2.3).
fn time(text: &str) -> Result<EventTime, Reject> {
    let bytes = text.as_bytes();
    let fraction =
        if bytes.get(19) == Some(&b'.') { bytes.iter().skip(20).take_while(|b| b.is_ascii_digit()).count() + 1 } else { 0 };
    let zone = bytes.get(19 + fraction..).unwrap_or_default();
    let holds = bytes.get(10) == Some(&b'T')
        && fraction <= 7
        && (zone == b"Z" || (zone.len() == 6 && zone[3] == b':'))
        && bytes.get(17..19) != Some(b"60");
    let time = if holds { EventTime::parse(text) } else { None };
    time.ok_or_else(|| {
        let said: String = text.chars().take(64).collect();
        Reject::new("syslog.timestamp", format!("\"{said}\" is no RFC 5424 time"))
    })
}

/// One header field and what follows its space: printable ASCII, or "-" for none.
#[inline]
fn field<'a>(text: &'a str, name: &str, length_max: usize) -> Result<(Option<&'a str>, &'a str), Reject> {
    let bytes = text.as_bytes();
    let length = bytes.iter().take(length_max + 1).take_while(|b| b.is_ascii_graphic()).count();
    match (bytes.get(length), text.get(..length), text.get(length + 1..)) {
        (Some(b' '), Some(value), Some(rest)) if (1..=length_max).contains(&length) => {
            Ok(((value != "-").then_some(value), rest))
        }
        (None, ..) => Err(short(name)),
        _ => {
            Err(Reject::new("syslog.header", format!("{name} must be 1 to {length_max} printable ASCII characters and a space")))
        }
    }
}

#[cold]
fn short(name: &str) -> Reject {
    Reject::new("syslog.header", format!("the header ends in {name}"))
}

/// What follows the structured data: nothing, or a space and the message (section 6.3). In a value only `"`, `\` and `]`
/// are escaped; a backslash before anything else is a backslash.
fn after_structured_data(text: &str) -> Result<&str, Reject> {
    let bytes = text.as_bytes();
    let mut at = 0;
    if bytes.first() == Some(&b'-') {
        at = 1;
    } else {
        while bytes.get(at) == Some(&b'[') {
            at = element_end(bytes, at + 1).ok_or_else(|| malformed(at))?;
        }
    }
    match bytes.get(at) {
        None | Some(b' ') if at > 0 => Ok(text.get(at..).unwrap_or_default()),
        _ => Err(malformed(at)),
    }
}

#[cold]
fn malformed(at: usize) -> Reject {
    Reject::new("syslog.structured_data", format!("malformed structured data, from its byte {at} on"))
}

/// Past the bracket that closes an element whose opening bracket has been passed.
fn element_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = name_end(bytes, at)?;
    loop {
        match bytes.get(at)? {
            b']' => return Some(at + 1),
            b' ' => {}
            _ => return None,
        }
        at = name_end(bytes, at + 1)?;
        if bytes.get(at..at + 2)? != b"=\"" {
            return None;
        }
        at = value_end(bytes, at + 2)?;
    }
}

/// SD-NAME: 1 to 32 printable ASCII characters without `=`, `]` and `"`.
fn name_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let length = rest.iter().take(33).take_while(|&&b| b.is_ascii_graphic() && !matches!(b, b'=' | b']' | b'"')).count();
    (1..=32).contains(&length).then_some(start + length)
}

/// Past the quote that closes a value.
fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr3(b'"', b'\\', b']', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b']')) => at += 2,
            b'\\' => at += 1,
            _ => return None,
        }
    }
}
