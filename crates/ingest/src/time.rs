//! Times as files write them, to epoch milliseconds.
//!
//! | written | taken as |
//! |---|---|
//! | `1714557600`, `1714557600.25`, `1714557600250`, … | epoch seconds, milliseconds, microseconds or nanoseconds, by size |
//! | `2024-05-01T10:00:00.25+02:00`, `2024-05-01 10:00:00Z` | RFC 3339 |
//! | `2024-05-01 10:00`, `2024/05/01 10:00:00`, `2024-05-01T10:00:00,250` | the same without a zone: UTC |
//! | `2024-05-01`, `2024/05/01` | midnight, UTC |
//! | `10/Oct/2000:13:55:36 -0700` | the time of an access log (Apache's) |
//! | `Wed, 01 May 2024 10:00:00 GMT` | the time of mail and HTTP (RFC 2822) |
//! | anything else | a strftime pattern that the schema names |
//!
//! **Invariant:** a column has one format: the first cell that is a time decides, and a later one that
//! does not fit is refused. Times between two milliseconds go down to the earlier.

use crate::error::shown;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use kappascope_core::time::{TIME_RANGE, days_to};

/// From these on, an epoch number counts milliseconds, microseconds, nanoseconds: the year 5138 in the
/// coarser unit, 1973 in the finer one.
const EPOCH_STEPS: [(u64, Unit); 3] = [
    (100_000_000_000, Unit::Seconds),
    (100_000_000_000_000, Unit::Millis),
    (100_000_000_000_000_000, Unit::Micros),
];

/// What an access log's time would be as a pattern: the name of its format.
pub(crate) const APACHE: &str = "%d/%b/%Y:%H:%M:%S %z";

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Seconds => "1714557600",
            Self::Millis => "1714557600000",
            Self::Micros => "1714557600000000",
            Self::Nanos => "1714557600000000000",
        }
    }
}

/// How the times of a column are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    /// `guessed`: from the size of the first number, so that a much larger one is a slip.
    Epoch {
        unit: Unit,
        guessed: bool,
    },
    Iso(Shape),
    Apache,
    Rfc2822,
    Pattern(String),
}

/// What an ISO 8601 time spells out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Zoned,
    Local,
    Date,
}

/// Reads the times of one column.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeReader {
    format: Option<Format>,
    /// Whether the format was said, and not found.
    named: bool,
    day: Day,
}

/// The day of the last time that was read: the next is mostly of the same, and a calendar is dear.
#[derive(Clone, Debug)]
struct Day {
    text: [u8; 10],
    midnight: i64,
}

impl Default for Day {
    fn default() -> Self {
        Self { text: *b"1970-01-01", midnight: 0 }
    }
}

impl Day {
    /// What [`midnight`] gives.
    #[inline]
    fn midnight(&mut self, text: &[u8]) -> Option<i64> {
        let text = text.first_chunk()?;
        if *text != self.text {
            *self = Self { text: *text, midnight: midnight(text)? };
        }
        Some(self.midnight)
    }
}

impl TimeReader {
    /// A reader of the format that the schema names, or of the one that the first time has.
    pub(crate) fn new(named: Option<&str>) -> Result<Self, String> {
        let epoch = |unit| Format::Epoch { unit, guessed: false };
        let format = match named {
            None => None,
            Some("s") => Some(epoch(Unit::Seconds)),
            Some("ms") => Some(epoch(Unit::Millis)),
            Some("us" | "µs") => Some(epoch(Unit::Micros)),
            Some("ns") => Some(epoch(Unit::Nanos)),
            Some("rfc3339") => Some(Format::Iso(Shape::Zoned)),
            Some("local") => Some(Format::Iso(Shape::Local)),
            Some("date") => Some(Format::Iso(Shape::Date)),
            Some("rfc2822") => Some(Format::Rfc2822),
            Some(APACHE) => Some(Format::Apache),
            Some(pattern) => Some(pattern_format(pattern)?),
        };
        Ok(Self { named: format.is_some(), format, day: Day::default() })
    }

    /// A reader of times in a format that is known.
    pub(crate) fn of(format: Format) -> Self {
        Self { format: Some(format), named: true, day: Day::default() }
    }

    /// The epoch milliseconds of a cell, or what was expected instead.
    pub(crate) fn read(&mut self, cell: &[u8]) -> Result<i64, String> {
        let cell = cell.trim_ascii();
        let time = match &self.format {
            Some(Format::Iso(expected)) => {
                expected.read(iso_of_day(cell, |text| self.day.midnight(text)), cell)?
            }
            Some(format) => format.read(cell)?,
            None => self.find(cell)?,
        };
        in_range(time, cell)
    }

    /// As [`read`](Self::read), but where no format was said each cell shows its own: what it gives does not depend
    /// on the cells before.
    pub(crate) fn read_alone(&mut self, cell: &[u8]) -> Result<i64, String> {
        if self.named {
            return self.read(cell);
        }
        let cell = cell.trim_ascii();
        // A time that is written out is read the same in the format that it would show.
        let time = match iso_of_day(cell, |text| self.day.midnight(text)) {
            Some((time, _)) => time,
            None => found(cell)?.1,
        };
        in_range(time, cell)
    }

    /// Whether it has met no time yet that shows the format.
    pub(crate) fn is_undecided(&self) -> bool {
        self.format.is_none()
    }

    /// A reader of times that are written out, with their zone or as a date only.
    pub(crate) fn written_out(date: bool) -> Self {
        Self::of(Format::Iso(if date { Shape::Date } else { Shape::Zoned }))
    }

    /// How it reads whole numbers, once it is known that they count from the epoch.
    pub(crate) fn whole_numbers(&self) -> Option<WholeNumbers> {
        let Some(Format::Epoch { unit, guessed }) = self.format else { return None };
        let step = EPOCH_STEPS.iter().find(|(_, of)| guessed && *of == unit);
        Some(WholeNumbers { unit, too_large: step.map_or(u64::MAX, |(from, _)| *from) })
    }

    fn find(&mut self, cell: &[u8]) -> Result<i64, String> {
        let (format, time) = found(cell)?;
        self.format = Some(format);
        Ok(time)
    }
}

/// The format that a cell shows, and its time.
fn found(cell: &[u8]) -> Result<(Format, i64), String> {
    let format = Format::of(cell)
        .ok_or_else(|| refused(cell, "is not a time", "2024-05-01T10:00:00Z` or `1714557600"))?;
    let time = format.read(cell)?;
    Ok((format, time))
}

fn in_range(time: i64, cell: &[u8]) -> Result<i64, String> {
    if TIME_RANGE.contains(&time) {
        return Ok(time);
    }
    Err(format!("{} is not a time between the years -283000 and 287000", shown(cell)))
}

/// What [`TimeReader::read`] does to the text of a whole number, without the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WholeNumbers {
    unit: Unit,
    too_large: u64,
}

impl WholeNumbers {
    /// The epoch milliseconds, or none where the reader would say why not.
    pub(crate) fn read(self, number: i64) -> Option<i64> {
        let time = match self.unit {
            Unit::Seconds => number.checked_mul(1_000)?,
            Unit::Millis => number,
            Unit::Micros => number.div_euclid(1_000),
            Unit::Nanos => number.div_euclid(1_000_000),
        };
        let fits = number.unsigned_abs() < self.too_large && TIME_RANGE.contains(&time);
        fits.then_some(time)
    }
}

fn refused(cell: &[u8], what: &str, example: &str) -> String {
    if cell.is_empty() {
        return format!("nothing where a time belongs, such as `{example}`");
    }
    format!("{} {what}; a time such as `{example}` would fit", shown(cell))
}

/// A cell that is not in the format of its column.
fn other_format(cell: &[u8], example: &str) -> String {
    refused(cell, "is not in the column's format", example)
}

fn pattern_format(pattern: &str) -> Result<Format, String> {
    let fits = "`s`, `ms`, `us`, `ns`, `rfc3339`, `local`, `date`, `rfc2822` or a strftime pattern such as \
                `%d/%m/%Y %H:%M` would fit";
    if !pattern.contains('%') {
        return Err(format!("{} is no time format; {fits}", shown(pattern.as_bytes())));
    }
    // Writing a time finds a directive that does not exist; reading would find it in the first row.
    let probe = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    jiff::fmt::strtime::format(pattern, &probe)
        .map_err(|error| format!("{} is no time format: {error}; {fits}", shown(pattern.as_bytes())))?;
    Ok(Format::Pattern(pattern.to_owned()))
}

impl Format {
    /// The format of a cell that needs no name: no other time is written so.
    pub(crate) fn of(cell: &[u8]) -> Option<Self> {
        if let Some(number) = Decimal::parse(cell) {
            return Some(Self::Epoch { unit: number.likely_unit(), guessed: true });
        }
        let iso = iso(cell).map(|(_, shape)| Self::Iso(shape));
        iso.or_else(|| apache(cell).map(|_| Self::Apache)).or_else(|| rfc2822(cell).map(|_| Self::Rfc2822))
    }

    /// Its name for `schema.time_format`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Epoch { unit: Unit::Seconds, .. } => "s",
            Self::Epoch { unit: Unit::Millis, .. } => "ms",
            Self::Epoch { unit: Unit::Micros, .. } => "us",
            Self::Epoch { unit: Unit::Nanos, .. } => "ns",
            Self::Iso(Shape::Zoned) => "rfc3339",
            Self::Iso(Shape::Local) => "local",
            Self::Iso(Shape::Date) => "date",
            Self::Apache => APACHE,
            Self::Rfc2822 => "rfc2822",
            Self::Pattern(pattern) => pattern,
        }
    }

    /// The epoch milliseconds of a cell, or what was expected instead.
    pub(crate) fn read(&self, cell: &[u8]) -> Result<i64, String> {
        match self {
            Self::Epoch { unit, guessed } => epoch(cell, *unit, *guessed),
            Self::Iso(expected) => expected.read(iso(cell), cell),
            Self::Apache => apache(cell).ok_or_else(|| other_format(cell, "10/Oct/2000:13:55:36 -0700")),
            Self::Rfc2822 => rfc2822(cell).ok_or_else(|| other_format(cell, "Wed, 01 May 2024 10:00:00 GMT")),
            Self::Pattern(pattern) => by_pattern(pattern, cell).ok_or_else(|| other_format(cell, pattern)),
        }
    }
}

impl Shape {
    fn read(self, found: Option<(i64, Self)>, cell: &[u8]) -> Result<i64, String> {
        match found {
            Some((time, shape)) if shape == self => Ok(time),
            _ => Err(other_format(cell, self.example())),
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Zoned => "2024-05-01T10:00:00Z",
            Self::Local => "2024-05-01 10:00:00",
            Self::Date => "2024-05-01",
        }
    }
}

fn epoch(cell: &[u8], unit: Unit, guessed: bool) -> Result<i64, String> {
    let number = Decimal::parse(cell).ok_or_else(|| other_format(cell, unit.example()))?;
    let size = EPOCH_STEPS.iter().find(|(_, of)| *of == unit);
    if guessed && size.is_some_and(|(from, _)| number.whole >= *from) {
        return Err(format!(
            "{} is too large for epoch {}, which the column's first time is written in",
            shown(cell),
            unit.name()
        ));
    }
    Ok(number.to_millis(unit))
}

/// A decimal number as written: no binary fraction comes between a time and its milliseconds.
#[derive(Clone, Copy)]
struct Decimal {
    negative: bool,
    whole: u64,
    /// The first three digits after the point.
    thousandths: u16,
    /// Whether any digit after those is not zero.
    more: bool,
}

impl Decimal {
    fn parse(cell: &[u8]) -> Option<Self> {
        let (negative, digits) = match cell {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, cell),
        };
        let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
        let (whole, fraction) = digits.split_at(point);
        let fraction = fraction.get(1..).unwrap_or_default();
        // 18 digits: nanoseconds up to the year 2001 have 18, the others 19, which u64 holds as well.
        if whole.is_empty() || whole.len() > 19 || !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let whole = whole.iter().try_fold(0_u64, |n, byte| Some(n * 10 + u64::from(digit(*byte)?)))?;
        let thousandth = |i: usize| fraction.get(i).map_or(0, |byte| u16::from(byte - b'0'));
        Some(Self {
            negative,
            whole,
            thousandths: thousandth(0) * 100 + thousandth(1) * 10 + thousandth(2),
            more: fraction.iter().skip(3).any(|&byte| byte != b'0'),
        })
    }

    fn likely_unit(self) -> Unit {
        EPOCH_STEPS.iter().find(|(from, _)| self.whole < *from).map_or(Unit::Nanos, |(_, unit)| *unit)
    }

    /// Whole milliseconds, downwards; the ends of `i64` stand for what lies beyond them.
    fn to_millis(self, unit: Unit) -> i64 {
        let thousandths = i128::from(self.whole) * 1000 + i128::from(self.thousandths);
        let sign = if self.negative { -1 } else { 1 };
        let below = i128::from(self.negative && self.more);
        let exact = sign * thousandths - below;
        let per_milli = match unit {
            Unit::Seconds => 1,
            Unit::Millis => 1_000,
            Unit::Micros => 1_000_000,
            Unit::Nanos => 1_000_000_000,
        };
        i64::try_from(exact.div_euclid(per_milli)).unwrap_or(if self.negative { i64::MIN } else { i64::MAX })
    }
}

fn digit(byte: u8) -> Option<u8> {
    let value = byte.wrapping_sub(b'0');
    (value < 10).then_some(value)
}

/// The number that the bytes `from..to` write in digits.
fn number(text: &[u8], from: usize, to: usize) -> Option<i64> {
    text.get(from..to)?.iter().try_fold(0, |n, &byte| Some(n * 10 + i64::from(digit(byte)?)))
}

/// `YYYY-MM-DD` or `YYYY/MM/DD`, then `T` or a space and `HH:MM[:SS[.fraction]]`, then a zone; each part is optional
/// after the first.
fn iso(text: &[u8]) -> Option<(i64, Shape)> {
    iso_of_day(text, midnight)
}

fn iso_of_day(text: &[u8], midnight: impl FnOnce(&[u8]) -> Option<i64>) -> Option<(i64, Shape)> {
    let midnight = midnight(text)?;
    let rest = match text.get(10) {
        None => return Some((midnight, Shape::Date)),
        Some(b'T' | b't' | b' ') => &text[11..],
        Some(_) => return None,
    };
    let (time, rest) = time_of_day(rest)?;
    let (east, shape) = zone(rest)?;
    Some((midnight + time - east, shape))
}

/// Epoch milliseconds of the date that a text begins with.
fn midnight(text: &[u8]) -> Option<i64> {
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?);
    let fits = matches!(text[4], b'-' | b'/') && text[7] == text[4];
    days_to(year, month, day).filter(|_| fits).map(|days| days * 86_400_000)
}

/// Milliseconds since midnight, and what follows.
fn time_of_day(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, minute) = (number(text, 0, 2)?, number(text, 3, 5)?);
    if text[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let whole = (hour * 60 + minute) * 60_000;
    if text.get(5) != Some(&b':') {
        return Some((whole, &text[5..]));
    }
    // A leap second has no place of its own in epoch time: it is the second before.
    let second = number(text, 6, 8).filter(|second| *second <= 60)?.min(59);
    let (ms, rest) = fraction(&text[8..])?;
    Some((whole + second * 1000 + ms, rest))
}

/// Milliseconds of `.25`, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else { return Some((0, text)) };
    let n = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let place = |i: usize| if i < n { i64::from(digits[i] - b'0') } else { 0 };
    (n > 0).then(|| (place(0) * 100 + place(1) * 10 + place(2), &digits[n..]))
}

/// Milliseconds east of UTC of `Z`, `+02:00`, `+0200`, `+02` or ` UTC`.
fn zone(text: &[u8]) -> Option<(i64, Shape)> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let sign = match text {
        b"" => return Some((0, Shape::Local)),
        b"Z" | b"z" | b"UTC" => return Some((0, Shape::Zoned)),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let minutes_at = match text.len() {
        3 => None,
        5 => Some(3),
        6 if text[3] == b':' => Some(4),
        _ => return None,
    };
    let hours = number(text, 1, 3).filter(|hours| *hours <= 23)?;
    let minutes =
        minutes_at.map_or(Some(0), |at| number(text, at, at + 2)).filter(|minutes| *minutes <= 59)?;
    Some((sign * (hours * 60 + minutes) * 60_000, Shape::Zoned))
}

/// `10/Oct/2000:13:55:36 -0700`, as Apache and nginx write it.
fn apache(text: &[u8]) -> Option<i64> {
    let (day, year) = (number(text, 0, 2)?, number(text, 7, 11)?);
    let month = MONTHS.iter().position(|name| text.get(3..6) == Some(&name[..]))? as i64 + 1;
    let separated = text[2] == b'/' && text[6] == b'/' && text.get(11) == Some(&b':');
    let days = days_to(year, month, day).filter(|_| separated)?;
    let (time, rest) = time_of_day(&text[12..])?;
    let (east, shape) = zone(rest)?;
    (shape == Shape::Zoned).then_some(days * 86_400_000 + time - east)
}

/// `Wed, 01 May 2024 10:00:00 GMT`, the weekday perhaps missing.
fn rfc2822(text: &[u8]) -> Option<i64> {
    // A month's name is there: most cells that are no times end here.
    text.iter().any(u8::is_ascii_alphabetic).then_some(())?;
    text.iter().any(u8::is_ascii_digit).then_some(())?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(floor_millis)
}

/// A time by a strftime pattern: with its zone, or in UTC, or midnight when it has a date only.
fn by_pattern(pattern: &str, cell: &[u8]) -> Option<i64> {
    let parts = BrokenDownTime::parse(pattern, cell).ok()?;
    if let Ok(timestamp) = parts.to_timestamp() {
        return Some(floor_millis(timestamp));
    }
    let local = parts.to_datetime().or_else(|_| parts.to_date().map(jiff::civil::DateTime::from)).ok()?;
    Some(floor_millis(local.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

fn floor_millis(timestamp: jiff::Timestamp) -> i64 {
    // Always in range: jiff's nanoseconds of the years −9999 to 9999.
    (timestamp.as_nanosecond().div_euclid(1_000_000)) as i64
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use jiff::tz::Offset;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_zoned_time_is_the_one_that_jiff_wrote(
            ms in -62_135_596_800_000_i64..253_402_300_799_000,
            hours in -12..=14,
            precision in 0..=9_usize,
        ) {
            let timestamp = jiff::Timestamp::from_millisecond(ms).unwrap();
            let offset = Offset::constant(hours as i8);
            let written = format!("{:.precision$}", timestamp.display_with_offset(offset));
            prop_assume!(!written.starts_with('-')); // the year 0 and before
            let whole = if precision >= 3 { ms } else { floor_millis(written.parse().unwrap()) };
            prop_assert_eq!(iso(written.as_bytes()), Some((whole, Shape::Zoned)));
        }

        #[test]
        fn a_local_time_is_in_utc(ms in 0..253_402_300_799_000_i64) {
            let local = jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(TimeZone::UTC).datetime();
            prop_assert_eq!(iso(local.to_string().as_bytes()), Some((ms, Shape::Local)));
            let date = local.date();
            prop_assert_eq!(iso(date.to_string().as_bytes()), Some((ms - ms % 86_400_000, Shape::Date)));
        }

        /// Wherever it takes a damaged time, jiff does too and reads the same.
        #[test]
        fn a_damaged_time_is_refused_or_read_as_jiff_does(
            at in 0..24_usize,
            byte in prop::sample::select(&b"0123456789-:.TZ+x"[..]),
        ) {
            let mut text = b"2024-02-28T23:59:58.125Z".to_vec();
            text[at] = byte;
            if let Some((ms, Shape::Zoned)) = iso(&text) {
                let read: jiff::Timestamp = std::str::from_utf8(&text).unwrap().parse().unwrap();
                prop_assert_eq!(ms, floor_millis(read));
            }
        }

        /// An access log's time is read as its pattern would be.
        #[test]
        fn times_of_logs_are_those_that_jiff_reads(
            seconds in -62_135_596_800_i64..253_402_300_799,
            hours in -12..=14,
            at in 0..26_usize,
            byte in prop::sample::select(&b"0123456789/: +-xM"[..]),
        ) {
            let timestamp = jiff::Timestamp::from_second(seconds).unwrap();
            let local = timestamp.to_zoned(TimeZone::fixed(Offset::constant(hours as i8)));
            prop_assume!(local.year() >= 1);
            let mut written = local.strftime(APACHE).to_string().into_bytes();
            prop_assert_eq!(apache(&written), Some(seconds * 1_000));
            let mail = local.strftime("%a, %d %b %Y %H:%M:%S %z").to_string();
            prop_assert_eq!(rfc2822(mail.as_bytes()), Some(seconds * 1_000));
            // A damaged one is refused, or read as jiff does.
            written[at] = byte;
            if let Some(time) = apache(&written) {
                prop_assert_eq!(by_pattern(APACHE, &written), Some(time), "{}", String::from_utf8_lossy(&written));
            }
        }

        #[test]
        fn epoch_numbers_go_down_to_the_millisecond(ns in any::<i64>()) {
            let number = Decimal::parse(ns.to_string().as_bytes()).unwrap();
            let expected = ns.div_euclid(1_000_000);
            prop_assert_eq!(number.to_millis(Unit::Nanos), expected);
            let sign = if ns < 0 { "-" } else { "" };
            let (seconds, rest) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
            let written = format!("{sign}{seconds}.{rest:09}");
            prop_assert_eq!(Decimal::parse(written.as_bytes()).unwrap().to_millis(Unit::Seconds), expected);
        }
    }

    proptest! {
        /// What the reader refuses is none.
        #[test]
        fn whole_numbers_are_read_as_their_text_is(
            first in prop::sample::select(&[1_i64, 1_714_557_600, 1_714_557_600_000, 1_714_557_600_000_000,
                                            1_714_557_600_000_000_000][..]),
            named in prop::sample::select(&[None, Some("s"), Some("ms"), Some("us"), Some("ns")][..]),
            number in prop_oneof![any::<i64>(), -1_000_000_000_000..1_000_000_000_000_i64],
        ) {
            let mut reader = TimeReader::new(named).unwrap();
            let _ = reader.read(first.to_string().as_bytes()); // may be no time in the named unit
            let numbers = reader.whole_numbers().unwrap();
            prop_assert_eq!(numbers.read(number), reader.read(number.to_string().as_bytes()).ok());
        }
    }

    #[test]
    fn a_day_that_is_remembered_changes_no_time() {
        let mut reader = TimeReader::new(Some("local")).unwrap();
        let days = [
            "1970-01-01",
            "2024-02-29",
            "2023-02-29",
            "2024-02-29",
            "2024-02-3x",
            "1970/01/01",
            "0001-01-01",
        ];
        for (i, day) in days.iter().cycle().take(21).enumerate() {
            let cell = format!("{day} 10:00:0{}", i % 10);
            let alone = TimeReader::new(Some("local")).unwrap().read(cell.as_bytes());
            assert_eq!(reader.read(cell.as_bytes()), alone, "{cell}");
            assert_eq!(alone.ok(), iso(cell.as_bytes()).map(|(time, _)| time), "{cell}");
        }
    }

    #[test]
    fn forms_of_a_zone() {
        let utc = iso(b"2024-05-01T10:00:00Z").unwrap();
        for same in [
            "2024-05-01 10:00Z",
            "2024-05-01t10:00:00z",
            "2024-05-01T12:30:00+02:30",
            "2024-05-01T12:30+0230",
            "2024-05-01 08:00:00.000 -02",
            "2024-05-01 10:00:00 UTC",
        ] {
            assert_eq!(iso(same.as_bytes()), Some(utc), "{same}");
        }
        for none in
            ["2024-05-01T10:00:00+2", "2024-05-01T10:00:00+02:3", "2024-05-01T10:00:00 CET", "2024-05-01T10"]
        {
            assert_eq!(iso(none.as_bytes()), None, "{none}");
        }
    }
}
