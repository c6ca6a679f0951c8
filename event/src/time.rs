//! Three meanings of time, three types. None converts into another silently.
//!
//! - [`EventTime`]: when it happened, as the sender says. Windows are over it.
//! - [`Stamp`]: when we took it in; written into the frame, monotone. The only clock of the decision path.
//! - [`Epoch`]: the number of the frame; timely's clock.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;

/// When an event happened, says its sender: microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

/// When a frame was taken in, written into it as data: microseconds since 1970-01-01 UTC, never going back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

/// The number of a frame in the journal; contiguous, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// The parts of a UTC date and time, in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, for instance 2026.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Hour, 0 to 23.
    pub hour: u32,
    /// Minute, 0 to 59.
    pub minute: u32,
    /// Second, 0 to 59 (a leap second, 60, is read as 59).
    pub second: u32,
    /// Microsecond, 0 to 999,999.
    pub micros: u32,
}

/// Days from 1970-01-01 to a date (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (i64::from(month) + 9) % 12;
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Civil {
    /// Microseconds since 1970-01-01 UTC; `None` where a part is out of range.
    pub fn micros_since_epoch(self) -> Option<i64> {
        let whole = (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(self.year, self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
            && self.micros < 1_000_000
            && (0..=9999).contains(&self.year);
        if !whole {
            return None;
        }
        let seconds = days_from_civil(self.year, self.month, self.day) * SECONDS_A_DAY
            + i64::from(self.hour * 3600 + self.minute * 60 + self.second.min(59));
        Some(seconds * MICROS_A_SECOND + i64::from(self.micros))
    }

    fn of(micros: i64) -> Self {
        let seconds = micros.div_euclid(MICROS_A_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_A_DAY));
        let in_day = seconds.rem_euclid(SECONDS_A_DAY) as u32;
        Self {
            year,
            month,
            day,
            hour: in_day / 3600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            micros: micros.rem_euclid(MICROS_A_SECOND) as u32,
        }
    }
}

/// `text[at..at+n]` as a decimal number; `None` unless all are digits.
fn digits(text: &[u8], at: usize, n: usize) -> Option<u32> {
    let mut value = 0u32;
    for &b in text.get(at..at + n)? {
        if !b.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(b - b'0');
    }
    Some(value)
}

/// Reads an RFC 3339 date-time (also with a space for the `T`, and without a zone, which then is UTC).
/// Digits past the microsecond are dropped. `None` for anything else.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let t = text.as_bytes();
    let separators =
        t.len() >= 19 && t[4] == b'-' && t[7] == b'-' && matches!(t[10], b'T' | b't' | b' ') && t[13] == b':' && t[16] == b':';
    if !separators {
        return None;
    }
    let mut civil = Civil {
        year: i64::from(digits(t, 0, 4)?),
        month: digits(t, 5, 2)?,
        day: digits(t, 8, 2)?,
        hour: digits(t, 11, 2)?,
        minute: digits(t, 14, 2)?,
        second: digits(t, 17, 2)?,
        micros: 0,
    };
    let mut at = 19;
    if matches!(t.get(at), Some(b'.' | b',')) {
        at += 1;
        let start = at;
        let mut scale = 100_000;
        while let Some(b) = t.get(at).filter(|b| b.is_ascii_digit()) {
            civil.micros += u32::from(b - b'0') * scale;
            scale /= 10;
            at += 1;
        }
        if at == start {
            return None;
        }
    }
    let offset_minutes = match t.get(at) {
        None => 0,
        Some(b'Z' | b'z') if t.len() == at + 1 => 0,
        Some(sign @ (b'+' | b'-')) => {
            let hours = digits(t, at + 1, 2)?;
            let colon = usize::from(t.get(at + 3) == Some(&b':'));
            let minutes = digits(t, at + 3 + colon, 2)?;
            if t.len() != at + 5 + colon || hours > 23 || minutes > 59 {
                return None;
            }
            let total = i64::from(hours * 60 + minutes);
            if *sign == b'+' { total } else { -total }
        }
        Some(_) => return None,
    };
    Some(civil.micros_since_epoch()? - offset_minutes * 60 * MICROS_A_SECOND)
}

impl EventTime {
    /// Reads an RFC 3339 date-time; see [`parse_rfc3339`].
    pub fn parse(text: &str) -> Option<Self> {
        parse_rfc3339(text).map(Self)
    }

    /// Its date and time in UTC.
    pub fn civil(self) -> Civil {
        Civil::of(self.0)
    }
}

impl Stamp {
    /// Reads an RFC 3339 date-time; see [`parse_rfc3339`].
    pub fn parse(text: &str) -> Option<Self> {
        parse_rfc3339(text).map(Self)
    }

    /// Its date and time in UTC.
    pub fn civil(self) -> Civil {
        Civil::of(self.0)
    }

    /// Microseconds from `earlier` to this one.
    pub fn micros_since(self, earlier: Stamp) -> i64 {
        self.0 - earlier.0
    }
}

/// Writes RFC 3339 in UTC: milliseconds where they say all, else microseconds.
fn write_rfc3339(micros: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let c = Civil::of(micros);
    write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)?;
    if c.micros.is_multiple_of(1000) { write!(f, ".{:03}Z", c.micros / 1000) } else { write!(f, ".{:06}Z", c.micros) }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rfc3339(self.0, f)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rfc3339(self.0, f)
    }
}

/// RFC 3339 where people read it (JSON), microseconds where only machines do (between workers).
macro_rules! serde_as_time {
    ($time:ident) => {
        impl Serialize for $time {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
            }
        }

        impl<'de> Deserialize<'de> for $time {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if !deserializer.is_human_readable() {
                    return i64::deserialize(deserializer).map(Self);
                }
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("\"{text}\" is not an RFC 3339 time")))
            }
        }
    };
}
serde_as_time!(EventTime);
serde_as_time!(Stamp);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_calendar_library(micros in -62_135_596_800_000_000i64..253_402_300_799_000_000) {
            let text = EventTime(micros).to_string();
            prop_assert_eq!(EventTime::parse(&text), Some(EventTime(micros)));
            let theirs: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(theirs.as_microsecond(), micros);
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = EventTime::parse(&text);
        }
    }

    #[test]
    fn offsets_and_fractions() {
        let utc = EventTime::parse("2026-03-02T10:00:00Z");
        for same in
            ["2026-03-02T11:00:00+01:00", "2026-03-02T04:30:00-0530", "2026-03-02 10:00:00.000", "2026-03-02T10:00:00.0000009Z"]
        {
            assert_eq!(EventTime::parse(same), utc, "{same}");
        }
        for wrong in [
            "",
            "2026-03-02",
            "2026-02-30T10:00:00Z",
            "2026-03-02T24:00:00Z",
            "2026-03-02T10:00:00.Z",
            "2026-03-02T10:00:00Zjunk",
        ] {
            assert_eq!(EventTime::parse(wrong), None, "{wrong}");
        }
    }
}
