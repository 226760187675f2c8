//! How the times of a column are written, from its first cells.
//!
//! Besides the formats that a reader finds by itself there are those that need a name, most of them because
//! other times look alike: `5/1/2024` is a day in May or in January. A format that needs a name is a
//! [pattern](patterns).
//!
//! **Invariant:** a format that is found reads nine of ten of the cells, together with at most one other.

use crate::time::{Format, Shape};
use std::sync::OnceLock;

/// Formats of one column that are told apart: the usual one, and the other.
pub(super) const MOST_FORMATS: usize = 2;

/// Formats of one column that are tried on its first cells.
const MOST_TRIED: usize = 8;

/// Cells without a time after which a column is taken to have none.
const MOST_MISSES: usize = 32;

/// Longest text that is a time: the patterns' longest is half of it.
const MOST_BYTES: usize = 64;

/// Epoch numbers are taken for times from 1990 to 2100 only: any small number could be one else.
const LIKELY_EPOCH_MS: std::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;

/// What stands before the time of day; where day and month can be either way round, the day first.
const DATES: [&str; 8] =
    ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y"];

/// How a time of day follows a date.
const TIMES: [&str; 6] = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p"];

/// Patterns that are no date with a time of day behind it.
const WHOLE: [&str; 4] = ["%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S%z", "%a %b %e %H:%M:%S %Y"];

/// A time as syslog writes it.
const WITHOUT_YEAR: &str = "%b %e %H:%M:%S";

/// What is said of such times.
pub(super) const NO_YEAR: &str = "times without a year, as syslog writes them; put the year in front of each \
                                  and name the format: `%Y %b %e %H:%M:%S`";

/// A format, and how many of the first cells it reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) format: Format,
    pub(super) fits: usize,
}

/// The formats of a column whose first cells are these, the most frequent first. `hinted`: its name says that
/// it holds times, so that small numbers are epoch times too.
pub(super) fn find<'a>(cells: impl Iterator<Item = &'a [u8]>, hinted: bool) -> Vec<Found> {
    let (mut found, mut all, mut misses) = (Vec::<Found>::new(), 0, 0);
    for cell in cells.map(<[u8]>::trim_ascii).filter(|cell| !cell.is_empty()) {
        all += 1;
        let mut fits = false;
        for known in &mut found {
            let reads = is_likely(&known.format, cell, hinted);
            known.fits += usize::from(reads);
            fits |= reads;
        }
        misses += usize::from(!fits && !add(&mut found, cell, hinted));
        if misses > MOST_MISSES && misses * 2 > all {
            break;
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.fits)); // stable: the day first where both fit
    found.truncate(MOST_FORMATS);
    let enough = (all - misses) * 10 >= all * 9;
    if enough { found } else { Vec::new() }
}

/// Adds the formats that read a cell; whether there are any.
fn add(found: &mut Vec<Found>, cell: &[u8], hinted: bool) -> bool {
    let before = found.len();
    let may_be = cell.len() <= MOST_BYTES && cell.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4;
    let known = || patterns().iter().filter(|pattern| is_likely(pattern, cell, false)).cloned();
    let formats: Vec<Format> = match Format::of(cell) {
        _ if !may_be && !hinted => Vec::new(),
        // Eight digits of which a date can be made are no epoch seconds of 1970.
        Some(epoch @ Format::Epoch { .. }) => {
            known().chain(Some(epoch).filter(|epoch| is_likely(epoch, cell, hinted))).take(1).collect()
        }
        Some(format) => vec![format],
        None => known().collect(),
    };
    let room = MOST_TRIED - found.len();
    found.extend(formats.into_iter().take(room).map(|format| Found { format, fits: 1 }));
    found.len() > before
}

/// Whether a format reads a cell, as a time that there can have been if it is of digits only.
fn is_likely(format: &Format, cell: &[u8], hinted: bool) -> bool {
    let bare = matches!(format, Format::Epoch { .. }) || cell.iter().all(u8::is_ascii_digit);
    format.read(cell).is_ok_and(|time| !bare || hinted || LIKELY_EPOCH_MS.contains(&time))
}

fn patterns() -> &'static [Format] {
    static PATTERNS: OnceLock<Vec<Format>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let dated = DATES.iter().flat_map(|date| TIMES.iter().map(move |time| format!("{date}{time}")));
        let whole = WHOLE.iter().map(|&pattern| pattern.to_owned());
        whole.chain(dated).map(Format::Pattern).collect()
    })
}

/// Whether these cells hold times of the year that do not say which.
pub(super) fn lack_a_year<'a>(cells: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut cells =
        cells.map(<[u8]>::trim_ascii).filter(|cell| !cell.is_empty()).take(MOST_MISSES).peekable();
    let reads = |cell| jiff::fmt::strtime::BrokenDownTime::parse(WITHOUT_YEAR, cell).is_ok();
    cells.peek().is_some() && cells.all(reads)
}

/// How times of a format are written, for a person.
pub(super) fn told(format: &str) -> String {
    match format {
        "s" => "epoch seconds".to_owned(),
        "ms" => "epoch milliseconds".to_owned(),
        "us" => "epoch microseconds".to_owned(),
        "ns" => "epoch nanoseconds".to_owned(),
        "rfc3339" => "date, time and zone (RFC 3339)".to_owned(),
        "local" => "date and time".to_owned(),
        "date" => "dates".to_owned(),
        "rfc2822" => "times of mail and HTTP (RFC 2822)".to_owned(),
        pattern if *pattern == *Format::Apache.name() => "times of an access log".to_owned(),
        pattern => format!("times as `{pattern}`"),
    }
}

/// The zone of times in a format, for a person, from the first cells.
pub(super) fn zone<'a>(format: &Format, cells: impl Iterator<Item = &'a [u8]>) -> String {
    let has_zone = match format {
        Format::Epoch { .. } => return "UTC, as epoch times are".to_owned(),
        Format::Iso(shape) => *shape == Shape::Zoned,
        Format::Apache | Format::Rfc2822 => true,
        Format::Pattern(pattern) => pattern.contains("%z"),
    };
    if !has_zone {
        return "none written: taken as UTC".to_owned();
    }
    let mut zones: Vec<String> = Vec::new();
    for cell in cells.map(<[u8]>::trim_ascii).filter(|cell| format.read(cell).is_ok()) {
        let zone = String::from_utf8_lossy(written_zone(cell)).into_owned();
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    match &zones[..] {
        [one] if one.starts_with(['+', '-']) => format!("offset {one}"),
        [one] => format!("UTC, from `{one}`"),
        [one, other] => format!("offsets {one} and {other}"),
        _ => format!("{} offsets", zones.len()),
    }
}

/// The zone at the end of a time: from the last sign, or the last word.
fn written_zone(cell: &[u8]) -> &[u8] {
    // Signs and spaces of the date, and the mark between date and time, come before.
    let after_date = cell.len().min(10);
    let at = cell[after_date..].iter().rposition(|byte| matches!(byte, b'+' | b'-'));
    let letters = cell.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    at.map_or(&cell[cell.len() - letters..], |at| &cell[after_date + at..])
}

/// The same pattern with day and month the other way round, if it can be read so.
pub(super) fn other_way_round(format: &Format) -> Option<Format> {
    let Format::Pattern(pattern) = format else { return None };
    let swapped = ["%d/%m", "%m/%d", "%d-%m", "%m-%d"].iter().find(|start| pattern.starts_with(**start))?;
    let (first, second) = (&swapped[..2], &swapped[3..]);
    let swapped = format!("{second}{}{first}{}", &swapped[2..3], &pattern[5..]);
    Some(Format::Pattern(swapped))
}
