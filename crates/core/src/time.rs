//! Event time: `i64` milliseconds since the Unix epoch, UTC, negative before 1970; and durations as
//! people write them.
//!
//! **Invariant:** a [`Millis`] is never negative and prints in the form it is read from.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A span of time in whole milliseconds, written as `500ms`, `5s`, `1m`, `36h` or `2d`.
///
/// ```
/// use kappascope_core::Millis;
/// assert_eq!("90s".parse::<Millis>().unwrap(), Millis(90_000));
/// assert_eq!(Millis(3_600_000).to_string(), "1h");
/// assert!("5".parse::<Millis>().unwrap_err().contains("unit"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub i64);

/// Longest duration a pipeline may name: a thousand years. Sums of a time and a few durations then
/// stay far from the ends of `i64`, so no arithmetic on times can overflow.
pub const LONGEST_MS: i64 = 1_000 * 366 * 86_400_000;

/// Range of event times the engine takes, in milliseconds: about the years −290,000 to +290,000.
/// The rest of `i64` is room for adding durations and for the end of time.
pub const TIME_RANGE: std::ops::RangeInclusive<i64> = -(1 << 53)..=(1 << 53);

const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Millis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit_ms = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms).ok_or_else(|| {
            format!("`{text}` is not a duration: a whole number and a unit (ms, s, m, h, d), such as `5s`")
        })?;
        if number.is_empty() {
            return Err(format!(
                "`{text}` is not a duration: it needs a whole number before `{unit}`, such as `5{unit}`"
            ));
        }
        let ms = number.parse().ok().and_then(|number: i64| number.checked_mul(unit_ms));
        ms.filter(|ms| *ms <= LONGEST_MS)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is too long: at most {}", Self(LONGEST_MS)))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, ms) =
            UNITS.into_iter().find(|(_, ms)| self.0 % ms == 0 && self.0 != 0).unwrap_or(("s", 1_000));
        write!(f, "{}{unit}", self.0 / ms)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; none where there is no such day.
///
/// Years from March, 400 of them an era: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
///
/// ```
/// use kappascope_core::time::days_to;
/// assert_eq!([days_to(1970, 1, 2), days_to(2000, 2, 29), days_to(1900, 2, 29)], [Some(1), Some(11_016), None]);
/// ```
#[inline]
#[must_use]
pub fn days_to(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=length_of_month(year, month)).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn length_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a time, in UTC: the inverse of [`days_to`].
///
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
///
/// ```
/// use kappascope_core::time::date;
/// assert_eq!([date(-1), date(951_782_400_000)], [(1969, 12, 31), (2000, 2, 29)]);
/// ```
#[must_use]
pub fn date(ms: i64) -> (i64, i64, i64) {
    let days = ms.div_euclid(86_400_000) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// A time as people write it, in UTC: `2026-01-05 09:11:00`, with milliseconds where there are any.
pub(crate) fn civil(ms: i64) -> String {
    let (year, month, day) = date(ms);
    let ms = ms.rem_euclid(86_400_000);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if ms % 1_000 == 0 { text } else { format!("{text}.{:03}", ms % 1_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_two_eras_and_no_other_is_a_day() {
        let mut next = days_to(1601, 1, 1).unwrap();
        for year in 1601..2401 {
            for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
                let Some(days) = days_to(year, month, day) else { continue };
                assert_eq!(days, next, "{year}-{month}-{day}");
                let midnight = days * 86_400_000;
                assert!(
                    [midnight, midnight + 86_399_999].map(date).iter().all(|of| *of == (year, month, day))
                );
                next += 1;
            }
        }
        assert_eq!(Some(next), days_to(2401, 1, 1));
        // From `date -u -d 2401-01-01 +%s`.
        assert_eq!(next, 13_601_088_000 / 86_400);
    }
}
