//! Numbers and spans as a person says them, for reasons, reports and the page.

use super::{DAY, HOUR, MINUTE, SECOND};
use crate::time::APACHE;
use kappascope_core::Millis;
pub use kappascope_core::words::number;

/// A number with its thousands set apart.
///
/// ```
/// use kappascope_ingest::profile::words::counted;
/// assert_eq!((counted(204), counted(1_204_000)), ("204".to_owned(), "1,204,000".to_owned()));
/// ```
#[must_use]
pub fn counted(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How many of a thing, by its name for one of them.
///
/// ```
/// use kappascope_ingest::profile::words::count_of;
/// assert_eq!((count_of(1, "event"), count_of(1_204, "event")), ("1 event".to_owned(), "1,204 events".to_owned()));
/// ```
#[must_use]
pub fn count_of(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", counted(n), if n == 1 { "" } else { "s" })
}

/// A part in percent: none and all are said of none and all only.
///
/// ```
/// use kappascope_ingest::profile::words::percent;
/// let said = [(0, 9), (1, 90_000), (8, 10_000), (1, 3), (9_999, 10_000), (9, 9)];
/// let said = said.map(|(part, all)| percent(part, all));
/// assert_eq!(said, ["0 %", "less than 0.01 %", "0.08 %", "33 %", "more than 99 %", "100 %"]);
/// ```
#[must_use]
pub fn percent(part: u64, all: u64) -> String {
    let share = part as f64 / all.max(1) as f64 * 100.0;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        _ if part >= all => "100 %".to_owned(),
        _ if share > 99.0 => "more than 99 %".to_owned(),
        _ if share >= 10.0 => format!("{share:.0} %"),
        _ if share >= 1.0 => format!("{share:.1} %"),
        _ if share >= 0.01 => format!("{share:.2} %"),
        _ => "less than 0.01 %".to_owned(),
    }
}

/// A span in the unit that says it shortest, rounded to two or three digits.
///
/// ```
/// use kappascope_ingest::profile::words::span;
/// assert_eq!([0, 250, 41_250, 90_000, 7_200_000].map(span), ["0s", "250ms", "41s", "90s", "2h"]);
/// assert_eq!([4_500, 187 * 3_600_000].map(span), ["4.5s", "7.8d"]);
/// ```
#[must_use]
pub fn span(ms: i64) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let unit = units.into_iter().find(|(unit, _)| ms >= 2 * unit || (ms > 0 && ms % unit == 0));
    let Some((unit, name)) = unit else { return Millis(ms).to_string() };
    let units = ms as f64 / unit as f64;
    let digits = usize::from(units < 10.0);
    let text = format!("{units:.digits$}");
    format!("{}{name}", text.trim_end_matches(".0"))
}

/// How times are written whose `schema.time_format` would be this.
///
/// ```
/// use kappascope_ingest::profile::words::written;
/// assert_eq!(["ms", "local", "%d.%m.%Y"].map(written), ["epoch milliseconds", "date and time", "as `%d.%m.%Y`"]);
/// ```
#[must_use]
pub fn written(time_format: &str) -> String {
    let known = match time_format {
        "s" => "epoch seconds",
        "ms" => "epoch milliseconds",
        "us" => "epoch microseconds",
        "ns" => "epoch nanoseconds",
        "rfc3339" => "date, time and zone",
        "local" => "date and time",
        "date" => "dates",
        "rfc2822" => "as in mail and HTTP (RFC 2822)",
        pattern if pattern == APACHE => "as in access logs",
        pattern => return format!("as `{pattern}`"),
    };
    known.to_owned()
}
