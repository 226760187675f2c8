//! The words of the page and how it writes numbers, times and durations.
//!
//! **Invariant:** every text depends on its arguments alone; times are UTC, thousands are parted by a
//! space that does not break.
//!
//! ```text
//! count(1204331) = 1 204 331    short(15204) = 15.2k    span(90_000) = 1 min 30 s
//! ```

pub(crate) mod charts;
pub(crate) mod header;
pub(crate) mod inspect;
pub(crate) mod scene;

use crate::knob;
use crate::knob::window::WindowKind;
use crate::wire::{LINES_SHOWN, Source, Watch};
use kappascope_core::spec::WindowSpec;
use kappascope_core::time::date;
use kappascope_core::{Millis, Spec};
use kappascope_scenario::{SCENARIOS, Scenario};

/// Between thousands, and between a number and its unit: a space that does not break. (The page's font has
/// no thin one that keeps a line together.)
const SPACE: char = '\u{a0}';
const MINUS: char = '−';

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The source that the page opens with.
pub(crate) const FIRST_SOURCE: &str = "scenario:website";

/// Data sets that come with the page: the values of their options and their titles.
pub(crate) const SAMPLES: [(&str, &str); 1] = [("sample:nyc-flights", "New York flights")];

/// How fast sources play at first, in seconds of arrival time a second: so that a minute or two tells the
/// story. As fast as it goes where there is none.
const SPEEDS: [(&str, Option<f64>); 5] = [
    ("scenario:tutorial", Some(300.0)),
    ("scenario:website", Some(3_600.0)),
    ("scenario:exfiltration", Some(7_200.0)),
    ("scenario:sensor", Some(14_400.0)),
    ("sample:nyc-flights", None),
];

/// How fast other scenarios play at first: they last a day.
const SPEED: f64 = 1_800.0;

/// How fast the source of an option plays at first.
pub(crate) fn speed_at_first(option: &str) -> Option<f64> {
    let known = SPEEDS.iter().find(|(known, _)| *known == option).map(|(_, speed)| *speed);
    known.unwrap_or_else(|| option.starts_with("scenario:").then_some(SPEED))
}

/// The entry of the catalogue of a name.
pub(crate) fn scenario(name: &str) -> Option<Scenario> {
    SCENARIOS.into_iter().find(|known| known.name == name)
}

/// The entry of the catalogue for a simulated source.
pub(crate) fn scenario_of(source: &Source) -> Option<Scenario> {
    match source {
        Source::Scenario { name, .. } => scenario(name),
        Source::Sample(_) | Source::File { .. } | Source::Live(_) => None,
    }
}

/// What to try first in the source of an option.
pub(crate) fn hint(option: &str) -> Option<&'static str> {
    Some(match option {
        "scenario:tutorial" => "drag Bound to 0 s and watch the late events come, then drag it back.",
        "scenario:website" => "drag Lateness and Bound to 0 s and watch the late events.",
        "scenario:login_brute_force" => {
            "press . to go to the next alert, then lower the number in the rule's condition."
        }
        "scenario:exfiltration" => {
            "drag the detector's threshold down to 4 and see whose honest bulk jobs it calls theft."
        }
        "scenario:account_takeover" => {
            "press . to go to the next alert and see which two places one account was in."
        }
        "scenario:card_testing" => {
            "choose another query under Windows: each finds another of the ways to try out cards."
        }
        "scenario:order_tracking" => "press . to go to the next alert and read what became of the order.",
        "scenario:service_latency" => {
            "chart the median and then the 99th percentile: what breaks for a few shows in one of them."
        }
        "scenario:sensor" => {
            "choose another kind of detector and see which lies it finds: stuck, drifting or far off."
        }
        "sample:nyc-flights" => {
            "drag Bound to 0 s: flights that left late are late events, and the blizzard has many."
        }
        _ => return None,
    })
}

/// The value of the picker's option for a source; `file` for one of the user's.
pub(crate) fn option_of(source: &Source) -> String {
    match source {
        Source::Scenario { name, .. } => format!("scenario:{name}"),
        Source::Sample(name) => format!("sample:{name}"),
        Source::File { .. } => OWN_FILE.to_owned(),
        Source::Live(_) => LIVE.to_owned(),
    }
}

/// The picker's option for a file of the user's.
pub(crate) const OWN_FILE: &str = "file";

/// The picker's option for the feed of the server that the page came from.
pub(crate) const LIVE: &str = "live";

/// The files that can be read.
pub(crate) const FORMS: &str = "CSV, JSON, Parquet or an access log, also gzip or zstd";

/// A whole number with its thousands parted.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    if number <= -0.5 {
        text.push(MINUS);
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(SPACE);
        }
        text.push(digit);
    }
    text
}

/// A value of an aggregate: whole numbers in full, others with about four significant digits.
pub(crate) fn value(number: f64) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    if number.fract() == 0.0 || number.abs() >= 1_000.0 {
        return count(number);
    }
    fixed(number, if number.abs() >= 1.0 { 2 } else { 4 })
}

/// A number with so many places and a true minus sign.
pub(crate) fn fixed(number: f64, places: usize) -> String {
    let text = format!("{:.places$}", number.abs());
    let negative = number < 0.0 && text.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
    if negative { format!("{MINUS}{text}") } else { text }
}

/// A number with at most so many places, and no zeros behind them.
pub(crate) fn plain(number: f64, places: usize) -> String {
    let text = fixed(number, places);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Three significant digits and an SI suffix, for axes and rates.
pub(crate) fn short(number: f64) -> String {
    let (scale, suffix) = si(number);
    let scaled = number / scale;
    let places = match scaled.abs() {
        size if size >= 99.95 || scaled.fract() == 0.0 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{}{suffix}", plain(scaled, places))
}

/// A tick of a value axis: as many places as the distance between ticks needs.
pub(crate) fn mark(number: f64, step: f64) -> String {
    let (scale, suffix) = si(number);
    let step = step / scale;
    let places = (0..MOST_PLACES).find(|places| {
        let scaled = step * 10f64.powi(*places);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    });
    format!("{}{suffix}", fixed(number / scale, places.unwrap_or(MOST_PLACES) as usize))
}

/// Most decimal places of a tick.
const MOST_PLACES: i32 = 9;

/// The scale and the SI suffix of a number.
fn si(number: f64) -> (f64, &'static str) {
    match number.abs() {
        size if size >= 999_500_000.0 => (1e9, "G"),
        size if size >= 999_500.0 => (1e6, "M"),
        size if size >= 1_000.0 => (1e3, "k"),
        _ => (1.0, ""),
    }
}

/// A part of a whole in percent.
pub(crate) fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    let places = match percent {
        p if p == 0.0 || p >= 9.95 => 0,
        p if p >= 0.1 => 1,
        _ => 2,
    };
    if percent > 0.0 && percent < 0.005 {
        return format!("<{SPACE}0.01{SPACE}%");
    }
    format!("{percent:.places$}{SPACE}%")
}

/// A number of bytes.
pub(crate) fn bytes(number: f64) -> String {
    if number < 1e6 {
        format!("{:.0}{SPACE}kB", number / 1e3)
    } else {
        format!("{:.0}{SPACE}MB", number / 1e6)
    }
}

/// A duration, in the two largest units that it has.
pub(crate) fn span(ms: i64) -> String {
    const UNITS: [(i64, &str); 5] = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1, "ms")];
    let Some(first) = UNITS.iter().position(|(unit, _)| ms >= *unit) else {
        return format!("0{SPACE}s");
    };
    let (unit, name) = UNITS[first];
    let whole = format!("{}{SPACE}{name}", ms / unit);
    match UNITS.get(first + 1) {
        Some((smaller, name)) if ms % unit >= *smaller => {
            format!("{whole} {}{SPACE}{name}", ms % unit / smaller)
        }
        _ => whole,
    }
}

/// A duration rounded up to one that is easily said: to tenths below ten of its largest unit.
pub(crate) fn span_up(ms: i64) -> String {
    let unit = [DAY, HOUR, MINUTE, SECOND].into_iter().find(|unit| ms >= *unit).unwrap_or(1);
    let fine = match unit {
        1 => 10,
        SECOND if ms < 10 * SECOND => 100,
        SECOND => SECOND,
        MINUTE => SECOND,
        HOUR => MINUTE,
        _ => HOUR,
    };
    let up = (ms + fine - 1) / fine * fine;
    match up % SECOND {
        tenths if unit == SECOND && tenths != 0 => format!("{}{SPACE}s", fixed(up as f64 / 1e3, 1)),
        _ => span(up),
    }
}

/// A kind of windows and what it does, in a sentence.
pub(crate) fn window_kind(kind: WindowKind) -> (&'static str, &'static str) {
    match kind {
        WindowKind::Tumbling => ("Tumbling", "One after another, without gaps or overlap"),
        WindowKind::Hopping => ("Hopping", "Of one size, overlapping: a new one begins with each slide"),
        WindowKind::Session => ("Session", "A burst of one key: ends when nothing comes for the gap"),
        WindowKind::Cumulate => ("Cumulate", "Begin together and grow by a step, up to the size"),
        WindowKind::Count => ("Count", "The last so many events of a key, in order of arrival"),
        WindowKind::Rolling => ("Rolling", "With each event, those of its key shortly before it"),
        WindowKind::Global => ("Global", "One window for everything, which closes at the end"),
    }
}

/// How fast the source plays.
pub(crate) fn speed(seconds: Option<f64>) -> String {
    match seconds {
        None => "max".to_owned(),
        Some(seconds) if seconds < HOUR as f64 / 1e3 => format!("{}×", count(seconds)),
        Some(seconds) => format!("{}/s", span((seconds * 1e3) as i64)),
    }
}

/// Day and month: `3 Jan`.
pub(crate) fn day(ms: i64) -> String {
    let (_, month, day) = date(ms);
    format!("{day} {}", MONTHS[month as usize - 1])
}

/// Day, month and year: `3 Jan 2013`.
pub(crate) fn full_day(ms: i64) -> String {
    format!("{} {}", day(ms), date(ms).0)
}

fn hour_minute(ms: i64) -> String {
    format!("{:02}:{:02}", ms.rem_euclid(DAY) / HOUR, ms.rem_euclid(HOUR) / MINUTE)
}

fn hour_minute_second(ms: i64) -> String {
    format!("{}:{:02}", hour_minute(ms), ms.rem_euclid(MINUTE) / SECOND)
}

/// A time of day to the millisecond: `12:04:31.200`.
pub(crate) fn clock(ms: f64) -> String {
    let ms = ms as i64;
    format!("{}.{:03}", hour_minute_second(ms), ms.rem_euclid(SECOND))
}

/// A time of day as fine as `step`, a distance between times, asks for; the day where that says more.
pub(crate) fn moment(ms: f64, step: i64) -> String {
    let time = ms as i64;
    if step % DAY == 0 {
        day(time)
    } else if step % MINUTE == 0 {
        hour_minute(time)
    } else if step % SECOND == 0 {
        hour_minute_second(time)
    } else {
        clock(ms)
    }
}

/// A tick of a time axis: the day at midnight.
pub(crate) fn tick(ms: f64, step: i64) -> String {
    if (ms as i64).rem_euclid(DAY) == 0 { day(ms as i64) } else { moment(ms, step) }
}

/// A window: `11:52 – 11:53`, or its day when it is a day or more; `dated` puts the day before the times. One without
/// length is an instant: `11:52:03.250`.
pub(crate) fn window(start: f64, end: f64, dated: bool) -> String {
    let size = (end - start) as i64;
    if size == 0 {
        let date = dated.then(|| day(start as i64) + ", ");
        return date.unwrap_or_default() + &clock(start);
    }
    if size == DAY {
        return full_day(start as i64);
    }
    let fine = match size {
        _ if size % DAY == 0 => DAY,
        _ if size % MINUTE == 0 && (start as i64) % MINUTE == 0 => MINUTE,
        _ => size,
    };
    range(moment(start, fine), &moment(end, fine), (dated && fine != DAY).then(|| day(start as i64)))
}

/// A span of time to the minute; `dated` puts the day before it. Without an end it still lasts.
pub(crate) fn since(start: f64, end: Option<f64>, dated: bool) -> String {
    let date = dated.then(|| day(start as i64));
    match end {
        Some(end) => range(moment(start, MINUTE), &moment(end, MINUTE), date),
        None => {
            format!("since {}{}", date.map_or_else(String::new, |date| date + " "), moment(start, MINUTE))
        }
    }
}

fn range(start: String, end: &str, date: Option<String>) -> String {
    let date = date.map_or_else(String::new, |date| format!("{date}, ").replace(' ', "\u{a0}"));
    format!("{date}{start}{SPACE}–{SPACE}{end}")
}

/// Whether times of a span need their day to be told apart.
pub(crate) fn needs_days(span: Option<(f64, f64)>) -> bool {
    span.is_some_and(|(first, last)| (first as i64).div_euclid(DAY) != (last as i64).div_euclid(DAY))
}

/// A digest in groups of four digits.
pub(crate) fn digest(digits: &str) -> String {
    let groups: Vec<&str> = (0..digits.len()).step_by(4).filter_map(|i| digits.get(i..i + 4)).collect();
    groups.join(" ")
}

/// One thing, or several: `1 event`, `3 events`.
pub(crate) fn several(number: f64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1.0 { "" } else { "s" })
}

/// How often: `once`, `3 times`.
pub(crate) fn times(number: f64) -> String {
    if number == 1.0 { "once".to_owned() } else { format!("{} times", count(number)) }
}

/// The series that the chart shows, as the pipeline writes it.
pub(crate) fn charted(spec: &Spec, watch: Watch) -> String {
    match watch {
        Watch::Aggregate { aggregate, .. } => {
            let aggregates = knob::query(spec, watch).map_or(&[][..], |query| &query.aggregates);
            aggregates.get(aggregate as usize).map_or_else(String::new, ToString::to_string)
        }
        Watch::Points { detector } => {
            spec.detector.get(detector as usize).map_or_else(String::new, |detector| detector.on.clone())
        }
    }
}

/// The chart's title: `Events per minute`, `avg(delay) per hour`, `value per event`.
pub(crate) fn chart_title(spec: &Spec, watch: Watch) -> String {
    let what = charted(spec, watch);
    let what = if what == "count()" { "Events".to_owned() } else { what };
    let window = match watch {
        Watch::Points { .. } => return format!("{what} per event"),
        Watch::Aggregate { .. } => knob::windows(spec, watch),
    };
    match (window, knob::length(window)) {
        (WindowSpec::Session { .. }, _) => format!("{what} per session"),
        (WindowSpec::Count { events, .. }, _) => {
            format!("{what} per {}", several(f64::from(events), "event"))
        }
        (WindowSpec::Rolling { duration }, _) => format!("{what} of the last {}", span(duration.0)),
        (_, None) => format!("{what} of all time"),
        (_, Some(length)) => format!("{what} per {}", unit(length.0)),
    }
}

/// A duration behind “per”.
fn unit(ms: i64) -> String {
    match ms {
        SECOND => "second".to_owned(),
        MINUTE => "minute".to_owned(),
        HOUR => "hour".to_owned(),
        DAY => "day".to_owned(),
        _ => span(ms),
    }
}

/// The chart's second line.
pub(crate) fn chart_about(spec: &Spec, watch: Watch) -> String {
    let detector = knob::detector(spec, watch);
    let by = match watch {
        Watch::Aggregate { .. } => {
            knob::query(spec, watch).map_or_else(String::new, |query| query.by.join(", "))
        }
        Watch::Points { .. } => detector.map_or_else(String::new, |detector| detector.by.join(", ")),
    };
    let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
    let band = if detector.is_none() { "" } else { ", with the detector's band" };
    format!("{}{by}{band}", charted(spec, watch))
}

/// How many of its keys a series shows, where these are not all.
pub(crate) fn keys_shown((shown, keys): (usize, u32)) -> Option<String> {
    // Before that, those that are not shown have no result yet.
    let fewer = shown == LINES_SHOWN && keys as usize > shown;
    fewer.then(|| format!("the {shown} largest of {} keys", count(f64::from(keys))))
}

/// A rule's conditions in words: what must hold, for how long, and how long it lingers.
pub(crate) fn rule(hold: Millis, keep: Millis) -> String {
    let hold = if hold.0 == 0 { "at once".to_owned() } else { format!("after {} above", span(hold.0)) };
    let keep = match keep.0 {
        0 => "ends with the first calm window".to_owned(),
        keep => format!("ends after {} of calm", span(keep)),
    };
    format!("fires {hold}, {keep}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: &str, want: &str) {
        assert_eq!(got.replace(SPACE, "_"), want);
    }

    #[test]
    fn numbers_are_written_for_people() {
        check(&count(0.0), "0");
        check(&count(999.0), "999");
        check(&count(1_204_331.0), "1_204_331");
        check(&count(-12_000.0), "−12_000");
        check(&value(48.154_7), "48.15");
        check(&value(0.123_45), "0.1235");
        check(&value(15_204.0), "15_204");
        check(&value(1_099.4), "1_099");
        check(&value(f64::NAN), "–");
        check(&fixed(-0.001, 2), "0.00");
        check(&fixed(-6.81, 2), "−6.81");
    }

    #[test]
    fn short_numbers_keep_three_digits() {
        check(&short(0.0), "0");
        check(&short(0.25), "0.25");
        check(&short(15_000.0), "15k");
        check(&short(15_204.0), "15.2k");
        check(&short(1_020_000.0), "1.02M");
        check(&short(999_700.0), "1M");
        check(&short(-2_500.0), "−2.5k");
    }

    #[test]
    fn shares_say_how_small_they_are() {
        check(&share(0.0, 10.0), "0_%");
        check(&share(312.0, 1_204_331.0), "0.03_%");
        check(&share(1.0, 1e9), "<_0.01_%");
        check(&share(3.0, 4.0), "75_%");
        check(&share(996.0, 10_000.0), "10_%");
        check(&share(0.0, 0.0), "0_%");
    }

    #[test]
    fn durations_use_their_two_largest_units() {
        check(&span(0), "0_s");
        check(&span(250), "250_ms");
        check(&span(5_000), "5_s");
        check(&span(90_000), "1_min 30_s");
        check(&span(DAY), "1_d");
        check(&span(HOUR + 5), "1_h");
    }

    #[test]
    fn durations_that_have_to_do_are_rounded_up() {
        check(&span_up(4), "10_ms");
        check(&span_up(4_210), "4.3_s");
        check(&span_up(5_000), "5_s");
        check(&span_up(12_001), "13_s");
        check(&span_up(111_200), "1_min 52_s");
        check(&span_up(2 * HOUR + 1), "2_h 1_min");
    }

    #[test]
    fn times_are_utc_also_before_1970() {
        check(&clock(43_471_200.0), "12:04:31.200");
        check(&clock(-1.0), "23:59:59.999");
        check(&full_day(0), "1 Jan 1970");
        check(&full_day(-1), "31 Dec 1969");
        check(&full_day(951_782_400_000), "29 Feb 2000");
        check(&tick(DAY as f64, HOUR), "2 Jan");
        check(&tick(DAY as f64 + 60_000.0, MINUTE), "00:01");
    }

    #[test]
    fn windows_say_no_more_than_their_size() {
        check(&window(42_720_000.0, 42_780_000.0, false), "11:52_–_11:53");
        check(&window(42_720_000.0, 42_780_000.0, true), "1_Jan,_11:52_–_11:53");
        check(&window(42_725_000.0, 42_730_000.0, false), "11:52:05_–_11:52:10");
        check(&window(0.0, DAY as f64, true), "1 Jan 1970");
        check(&window(42_723_250.0, 42_723_250.0, true), "1 Jan, 11:52:03.250");
        check(&window(0.0, 7.0 * DAY as f64, true), "1 Jan_–_8 Jan");
        check(&since(0.0, Some(60_000.0), true), "1_Jan,_00:00_–_00:01");
        check(&since(0.0, None, false), "since 00:00");
    }

    #[test]
    fn days_are_told_when_there_are_several() {
        assert!(!needs_days(None));
        assert!(!needs_days(Some((0.0, DAY as f64 - 1.0))));
        assert!(needs_days(Some((-1.0, 0.0))));
    }

    #[test]
    fn ticks_have_the_places_that_tell_them_apart() {
        check(&mark(49.85, 0.05), "49.85");
        check(&mark(52.5, 2.5), "52.5");
        check(&mark(55.0, 2.5), "55.0");
        check(&mark(0.0, 100.0), "0");
        check(&mark(1_500.0, 500.0), "1.5k");
        check(&mark(10_000.0, 2_000.0), "10k");
    }
}
