//! `TIMESTAMP '2026-01-05 09:30:00'`: a moment as epoch milliseconds, UTC unless the text has an offset.
//!
//! **Invariant:** a text is a timestamp only when every field is there, in its range and the day exists.

use crate::time::days_to;

/// Epoch milliseconds of `YYYY-MM-DD[( |T)HH:MM[:SS[.fraction]][Z|±HH:MM]]`.
pub(super) fn timestamp(text: &str) -> Option<f64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = days(date)?;
    if rest.is_empty() {
        return Some((days * 86_400_000) as f64);
    }
    let (clock, offset_minutes) = split_offset(rest.strip_prefix([' ', 'T', 't'])?)?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let seconds = seconds(whole)?;
    if clock.contains('.') && whole.len() != "00:00:00".len() {
        return None;
    }
    let ms = ((days * 1_440 - offset_minutes) * 60 + seconds) * 1_000;
    Some(ms as f64 + nanoseconds(fraction)? / 1e6)
}

/// Days since 1970-01-01.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() { None } else { days_to(year, month, day) }
}

/// The clock before its offset, and the offset in minutes.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, 0)) };
    let minutes = seconds(&text[at + 1..])? / 60;
    let is_minutes = text.len() - at == "+00:00".len();
    is_minutes.then_some((&text[..at], if text[at..].starts_with('-') { -minutes } else { minutes }))
}

/// `HH:MM` or `HH:MM:SS` in seconds.
fn seconds(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let fits = hour < 24 && minute < 60 && second < 60 && parts.next().is_none();
    fits.then_some((hour * 60 + minute) * 60 + second)
}

/// `5` is half a second: up to nine digits.
fn nanoseconds(fraction: &str) -> Option<f64> {
    let width = fraction.len();
    let padding = "000000000".get(width..)?;
    digits(&format!("{fraction}{padding}"), 9).filter(|_| width > 0).map(|nanoseconds| nanoseconds as f64)
}

fn digits(text: &str, width: usize) -> Option<i64> {
    let fits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn reads_what_postgresql_and_rfc_3339_write() {
        for (text, ms) in [
            ("1970-01-01", 0.0),
            ("1970-01-01 00:00", 0.0),
            ("2026-01-05 00:00:00", 1_767_571_200_000.0),
            ("2026-01-05T00:00:00Z", 1_767_571_200_000.0),
            ("2026-01-05T01:30:00+01:30", 1_767_571_200_000.0),
            ("2026-01-04T22:30:00-01:30", 1_767_571_200_000.0),
            ("2026-01-05 00:00:00.25", 1_767_571_200_250.0),
            ("2026-01-05 00:00:00.0005", 1_767_571_200_000.5),
            ("1969-12-31 23:59:59.999", -1.0),
            ("2000-02-29", 951_782_400_000.0),
            ("0001-01-01", -62_135_596_800_000.0),
            ("9999-12-31", 253_402_214_400_000.0),
        ] {
            assert_eq!(timestamp(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in [
            "",
            "2026",
            "2026-1-5",
            "2026-01-05 ",
            "2026-01-05 7:00",
            "2026-01-05 24:00",
            "2026-01-05 12:60",
            "2026-01-05 12:00:60",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-01-05 12:00:00.",
            "2026-01-05 12:00.5",
            "2026-01-05 12:00:00.1234567890",
            "2026-01-05T12:00:00+1:00",
            "2026-01-05T12:00:00+01",
            "2026-01-05T12:00:00+25:00",
            "26-01-05 12:00",
            "2026-01-05x12:00",
            "2026-01-0５",
            "-026-01-05",
            "2026-01-05 12:00:00:00",
            "2026-01-05+01:00",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
