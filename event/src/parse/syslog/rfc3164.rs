//! The header of RFC 3164, section 4.1: `Mmm dd hh:mm:ss host tag[pid]: message`. The time may be RFC 3339 instead; the host
//! may be missing.

use super::{Header, pid};
use crate::reject::Reject;
use crate::{Civil, EventTime, Stamp};

const MICROS_A_DAY: i64 = 86_400_000_000;

/// `None` where the text does not begin with a time.
pub(super) fn header(text: &str, received: Stamp) -> Result<Option<Header<'_>>, Reject> {
    let (time, rest) = match text.as_bytes().first() {
        Some(b'0'..=b'9') => match rfc3339(text)? {
            Some(found) => found,
            None => return Ok(None),
        },
        Some(b'A'..=b'S') => match bsd(text, received)? {
            Some(found) => found,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let rest = rest.trim_start_matches(' ');
    let host_length = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
    let host = rest.get(..host_length).unwrap_or_default();
    // Without a host, the tag comes first; it is known by its colon.
    if host.is_empty() || host.ends_with(':') {
        return Ok(Some(tagged(Some(time), None, rest)));
    }
    Ok(Some(tagged(Some(time), Some(host), rest.get(host_length..).unwrap_or_default())))
}

/// A header from its time and host, and the tag and message in `text`.
pub(super) fn tagged<'a>(time: Option<EventTime>, host: Option<&'a str>, text: &'a str) -> Header<'a> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let (program, pid, message) = match tag(text) {
        Some((program, pid, message)) => (Some(program), pid, message),
        None => (None, None, text),
    };
    Header { time, host, program, pid, message }
}

/// The program, its pid, and the message: `program:`, `program[pid]:` or `program[pid]`. `None` where there is no tag.
fn tag(text: &str) -> Option<(&str, Option<u32>, &str)> {
    let bytes = text.as_bytes();
    let length = bytes.iter().position(|b| !b.is_ascii_graphic() || matches!(b, b':' | b'['))?;
    let program = text.get(..length).filter(|p| !p.is_empty())?;
    let (pid, rest) = match bytes.get(length) {
        Some(b':') => (None, text.get(length + 1..)?),
        Some(b'[') => {
            let inner = text.get(length + 1..)?;
            let (inside, rest) = inner.split_once(']').filter(|(inside, _)| !inside.contains(' '))?;
            (pid(inside), rest.strip_prefix(':').or_else(|| rest.starts_with(' ').then_some(rest))?)
        }
        _ => return None,
    };
    Some((program, pid, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// A time that begins with a year; `None` where it does not look like one.
fn rfc3339(text: &str) -> Result<Option<(EventTime, &str)>, Reject> {
    let shaped = matches!(text.as_bytes(), [_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..]);
    if !shaped {
        return Ok(None);
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let time = EventTime::parse(word).ok_or_else(|| invalid(word))?;
    Ok(Some((time, rest)))
}

/// `Mmm dd hh:mm:ss`: the day padded with a space or a zero, or not at all; also with a fraction of a second.
fn bsd(text: &str, received: Stamp) -> Result<Option<(EventTime, &str)>, Reject> {
    let bytes = text.as_bytes();
    let Some(month) = bytes.first_chunk::<4>().and_then(month) else { return Ok(None) };
    let mut at = if bytes.get(4) == Some(&b' ') { 5 } else { 4 };
    let Some(day) = number(bytes, &mut at) else { return Ok(None) };
    if bytes.get(at) != Some(&b' ') {
        return Ok(None);
    }
    at += 1;
    let clock = bytes.get(at..at + 8);
    let Some(&[h1, h2, b':', m1, m2, b':', s1, s2]) = clock else { return Ok(None) };
    if ![h1, h2, m1, m2, s1, s2].iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    at += 8;
    let two = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let (hour, minute, second) = (two(h1, h2), two(m1, m2), two(s1, s2));
    let mut micros = 0;
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 1;
        let mut scale = 100_000;
        while let Some(b) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            micros += u32::from(b - b'0') * scale;
            scale /= 10;
            at += 1;
        }
    }
    // Some devices put a colon after the time.
    let end = if bytes.get(at) == Some(&b':') { at + 1 } else { at };
    if !matches!(bytes.get(end), None | Some(b' ')) {
        return Ok(None);
    }
    let civil = Civil { year: 0, month, day, hour, minute, second, micros };
    let time = latest(civil, received).ok_or_else(|| invalid(text.get(..at).unwrap_or_default()))?;
    Ok(Some((time, text.get(end..).unwrap_or_default())))
}

/// The latest such time that is not more than a day after `received`.
fn latest(civil: Civil, received: Stamp) -> Option<EventTime> {
    let newest = received.0.saturating_add(MICROS_A_DAY);
    let year = EventTime(newest).civil().year;
    // Eight years without a 29 February lie around a century that is no leap year.
    (0..=8).find_map(|back| {
        let micros = Civil { year: year - back, ..civil }.micros_since_epoch()?;
        (micros <= newest).then_some(EventTime(micros))
    })
}

fn month(name: &[u8; 4]) -> Option<u32> {
    Some(match name {
        b"Jan " => 1,
        b"Feb " => 2,
        b"Mar " => 3,
        b"Apr " => 4,
        b"May " => 5,
        b"Jun " => 6,
        b"Jul " => 7,
        b"Aug " => 8,
        b"Sep " => 9,
        b"Oct " => 10,
        b"Nov " => 11,
        b"Dec " => 12,
        _ => return None,
    })
}

/// One or two digits.
fn number(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let start = *at;
    let mut value = 0;
    while let Some(b) = bytes.get(*at).filter(|b| b.is_ascii_digit() && *at < start + 2) {
        value = value * 10 + u32::from(b - b'0');
        *at += 1;
    }
    (*at > start).then_some(value)
}

#[cold]
fn invalid(said: &str) -> Reject {
    let said: String = said.chars().take(64).collect();
    Reject::new("syslog.timestamp", format!("\"{said}\" is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time_of(text: &str, received: &str) -> Option<String> {
        let found = header(text, Stamp::parse(received).unwrap()).unwrap()?;
        found.time.map(|t| t.to_string())
    }

    #[test]
    fn the_year_is_the_latest_that_fits() {
        for (text, received, time) in [
            ("Mar  2 10:00:00 h a: b", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000Z"),
            ("Mar 02 10:00:00 h a: b", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000Z"),
            ("Mar 2 10:00:00.25 h a: b", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00.250Z"),
            ("Mar  3 10:00:00 h a: b", "2026-03-02T10:00:00Z", "2026-03-03T10:00:00.000Z"),
            ("Mar  3 10:00:01 h a: b", "2026-03-02T10:00:00Z", "2025-03-03T10:00:01.000Z"),
            ("Dec 31 23:59:59 h a: b", "2026-01-01T00:00:05Z", "2025-12-31T23:59:59.000Z"),
            ("Jan  1 00:00:01 h a: b", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01.000Z"),
            ("Feb 29 12:00:00 h a: b", "2026-03-02T10:00:00Z", "2024-02-29T12:00:00.000Z"),
            ("Feb 29 12:00:00 h a: b", "2024-02-28T11:00:00Z", "2020-02-29T12:00:00.000Z"),
            ("Feb 29 12:00:00 h a: b", "1903-01-01T00:00:00Z", "1896-02-29T12:00:00.000Z"),
            ("2026-03-02T11:00:00.5+01:00 h a: b", "2030-01-01T00:00:00Z", "2026-03-02T10:00:00.500Z"),
        ] {
            assert_eq!(time_of(text, received).as_deref(), Some(time), "{text} received {received}");
        }
        for text in ["Mar 32 10:00:00 h a: b", "Feb 30 10:00:00 h", "Mar  2 24:00:00 h", "2026-02-30T10:00:00Z h a: b"] {
            assert_eq!(header(text, Stamp(0)).unwrap_err().code, "syslog.timestamp", "{text}");
        }
        for text in [
            "",
            "hello",
            "March 2 10:00:00",
            "Mar x 10:00:00",
            "Mar  2 10:00 h",
            "Sat Mar  2 10:00:00",
            "1 2 3",
            "Mar  2 10:00:00x",
        ] {
            assert!(header(text, Stamp(0)).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn tags() {
        for (text, host, program, pid, message) in [
            ("h sshd[12]: m", Some("h"), Some("sshd"), Some(12), "m"),
            ("h sudo:   u : x", Some("h"), Some("sudo"), None, "  u : x"),
            ("h CRON[12] m", Some("h"), Some("CRON"), Some(12), "m"),
            ("h postfix/smtpd[1]: m", Some("h"), Some("postfix/smtpd"), Some(1), "m"),
            ("h su(pam_unix)[7]: m", Some("h"), Some("su(pam_unix)"), Some(7), "m"),
            ("h a[b]:m", Some("h"), Some("a"), None, "m"),
            ("haproxy[73411]: m", None, Some("haproxy"), Some(73411), "m"),
            ("kernel: m n", None, Some("kernel"), None, "m n"),
            ("h no tag here", Some("h"), None, None, "no tag here"),
            ("h [x=1] m", Some("h"), None, None, "[x=1] m"),
            ("h", Some("h"), None, None, ""),
        ] {
            let line = format!("Mar  2 10:00:00 {text}");
            let h = header(&line, Stamp(0)).unwrap().unwrap();
            assert_eq!((h.host, h.program, h.pid, h.message), (host, program, pid, message), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_of_the_last_year_comes_back(received in 0i64..4_000_000_000_000_000, ago in 0i64..365 * 86_400) {
            let time = EventTime((received / 1_000_000 - ago) * 1_000_000);
            let c = time.civil();
            let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            let line = format!("{} {:2} {:02}:{:02}:{:02} h a: b", names[c.month as usize - 1], c.day, c.hour, c.minute, c.second);
            // A day of slack: a time of almost a year ago may also be one of tomorrow.
            prop_assume!(ago < 364 * 86_400);
            prop_assert_eq!(header(&line, Stamp(received)).unwrap().unwrap().time, Some(time));
        }
    }
}
