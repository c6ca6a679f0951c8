//! Numbers of JSON text as integers and times.

use crate::EventTime;

/// The whole number that a token says, also as `443.0` or `4.43e2`; `None` where it has a fraction or is beyond 2^53.
pub(super) fn integer(token: &str) -> Option<i64> {
    if let Ok(value) = token.parse::<i64>() {
        return Some(value);
    }
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = token.parse::<f64>().ok()?;
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

/// Below this a number of seconds, from this on a number of milliseconds: in seconds it is the year 5138, in milliseconds
/// the year 1973.
const MILLIS_FROM: f64 = 1e11;

/// 0000-01-01T00:00:00Z and the last microsecond of 9999: what RFC 3339 can say.
const TIMES: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// The time that a number says: seconds, or milliseconds where it is large, since 1970-01-01 UTC. Digits past the
/// microsecond are dropped.
pub(super) fn time(token: &str) -> Option<EventTime> {
    let value = token.parse::<f64>().ok()?;
    let micros_a_unit = if value.abs() < MILLIS_FROM { 1_000_000 } else { 1_000 };
    let micros = match decimal_micros(token, micros_a_unit) {
        Some(micros) => micros,
        None => {
            let micros = (value * micros_a_unit as f64).round();
            (micros.abs() < 1e18).then_some(micros as i64)?
        }
    };
    TIMES.contains(&micros).then_some(EventTime(micros))
}

/// Exact where there is no exponent, for binary fractions would not be.
fn decimal_micros(token: &str, micros_a_unit: i64) -> Option<i64> {
    let (sign, token) = token.strip_prefix('-').map_or((1, token), |rest| (-1, rest));
    let (whole, fraction) = token.split_once('.').unwrap_or((token, ""));
    let mut micros = whole.parse::<i64>().ok()?.checked_mul(micros_a_unit)?;
    let mut scale = micros_a_unit;
    for b in fraction.bytes() {
        if !b.is_ascii_digit() {
            return None;
        }
        scale /= 10;
        micros = micros.checked_add(i64::from(b - b'0') * scale)?;
    }
    Some(sign * micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (token, value) in
            [("443", 443), ("443.0", 443), ("4.43e2", 443), ("-1", -1), ("-0", 0), ("9223372036854775807", i64::MAX)]
        {
            assert_eq!(integer(token), Some(value), "{token}");
        }
        for token in ["443.5", "1e300", "1e999", "99999999999999999999", ""] {
            assert_eq!(integer(token), None, "{token}");
        }
    }

    #[test]
    fn times() {
        for (token, micros) in [
            ("0", 0),
            ("1772445600", 1_772_445_600_000_000),
            ("1772445600.919", 1_772_445_600_919_000),
            ("1772445600.0000019", 1_772_445_600_000_001),
            ("1772445600919", 1_772_445_600_919_000),
            ("1772445600919.25", 1_772_445_600_919_250),
            ("1.7724456e9", 1_772_445_600_000_000),
            ("-1.5", -1_500_000),
            ("99999999999", 99_999_999_999_000_000),
            ("100000000000", 100_000_000_000_000),
        ] {
            assert_eq!(time(token), Some(EventTime(micros)), "{token}");
        }
        for token in ["1e18", "1e999", "-1e11123", "999999999999999999", "9223372036854775807", "253402300800000"] {
            assert_eq!(time(token), None, "{token}");
        }
    }
}
