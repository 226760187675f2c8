//! Where in the log somebody wants to go, from what they typed.
//!
//! ```text
//!   #1204   1 204            behind the 1204th event
//!   12:04   12:04:31.200     behind the first event of this time, on the day that is shown
//!   2026-01-05T12:04:31Z     the same with its day; without a zone it is UTC
//! ```

use crate::text::{DAY, HOUR, MINUTE, SECOND};
use crate::wire::To;

/// Most digits of a row: all of them stay exact in JavaScript.
const DIGITS: usize = 15;

/// Reads a place, seen from a time.
///
/// # Errors
/// On what is neither a row nor a time; in words for a person.
pub(crate) fn read(text: &str, now_ms: f64) -> Result<To, String> {
    let text = text.trim();
    let place = row(text).or_else(|| time(text, now_ms as i64));
    place.ok_or_else(|| {
        format!("“{text}” is neither a row nor a time: #1204, 12:04:31 or 2026-01-05T12:04:31Z would fit.")
    })
}

/// `#1204`, also with its thousands parted.
fn row(text: &str) -> Option<To> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let digits: String = digits.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | ',' | '_')).collect();
    let whole = digits.len() <= DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    whole.then(|| digits.parse().ok()).flatten().map(To::Row)
}

fn time(text: &str, now: i64) -> Option<To> {
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (day(date)?, clock),
        None if text.contains(':') => (now - now.rem_euclid(DAY), text),
        None => (day(text)?, "00:00"),
    };
    let (clock, zone) = zone(clock)?;
    Some(To::Time((date + of_day(clock)? - zone) as f64))
}

/// A time of day and how far its zone is ahead of UTC.
fn zone(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    match text.rfind(['+', '-']) {
        Some(at) => {
            let ahead = of_day(&text[at + 1..])?;
            Some((&text[..at], if text[at..].starts_with('-') { -ahead } else { ahead }))
        }
        None => Some((text, 0)),
    }
}

/// `12:04`, `12:04:31`, `12:04:31.2`: milliseconds since midnight.
fn of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hour = number(parts.next()?, 24)?;
    let minute = number(parts.next()?, 60)?;
    let second = parts.next().unwrap_or("0");
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let fits = parts.next().is_none() && fraction.bytes().all(|digit| digit.is_ascii_digit());
    let fraction = format!("0.{fraction}").parse::<f64>().ok().filter(|_| fits)?;
    let second = number(second, 60)? * SECOND + (fraction * 1e3) as i64;
    Some(hour * HOUR + minute * MINUTE + second)
}

/// Midnight of `2026-01-05`. From Howard Hinnant's `days_from_civil`.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 10_000)?;
    let month = number(parts.next()?, 13).filter(|month| *month > 0)?;
    let day = number(parts.next()?, 32).filter(|day| *day > 0)?;
    if parts.next().is_some() {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * DAY)
}

/// A number below a limit.
fn number(text: &str, below: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number < below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 January 2026, 10:00.
    const NOW: f64 = 1_767_607_200_000.0;

    #[track_caller]
    fn check(text: &str, want: To) {
        assert_eq!(read(text, NOW), Ok(want), "{text}");
    }

    #[test]
    fn rows() {
        check("#1204", To::Row(1_204.0));
        check(" 1 204 ", To::Row(1_204.0));
        check("0", To::Row(0.0));
    }

    #[test]
    fn times_of_the_day_that_is_shown() {
        let midnight = NOW - 36_000_000.0;
        check("00:00", To::Time(midnight));
        check("12:04:31", To::Time(midnight + 43_471_000.0));
        check("12:04:31.2", To::Time(midnight + 43_471_200.0));
    }

    #[test]
    fn times_with_their_day() {
        check("2026-01-05T10:00:00Z", To::Time(NOW));
        check("2026-01-05 10:00", To::Time(NOW));
        check("2026-01-05T11:30:00+01:30", To::Time(NOW));
        check("2026-01-05T05:00-05:00", To::Time(NOW));
        check("1970-01-01", To::Time(0.0));
        check("2000-02-29T00:00", To::Time(951_782_400_000.0));
        check("1969-12-31T23:59:59", To::Time(-1_000.0));
    }

    #[test]
    fn neither() {
        for text in [
            "",
            "#",
            "x",
            "-5",
            "12",
            "25:00",
            "12:60",
            "12:04:31:00",
            "1e3",
            "2026-13-01",
            "12:0x",
            "9999999999999999",
            "2026-01-05T",
            "12:04:31.x",
        ] {
            let read = read(text, NOW);
            assert!(read.is_err() || text == "12", "{text}: {read:?}");
        }
    }
}
