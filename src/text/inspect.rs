//! The words of the inspector.

use super::{SPACE, fixed, several, span, value};
use crate::wire::{AlertWhy, Answer, EventFate, Outcome, PointWhy, Question, Story};
use kappascope_core::Spec;
use kappascope_core::spec::DetectorKind;

/// A score as large as this says that the past had no spread at all.
pub(crate) const BEYOND_MEASURE: f64 = 1e6;

/// An end of a band beyond this is none: the detector watches the other side only.
pub(crate) const UNBOUNDED: f64 = 1e300;

/// A number in a formula: as [`value`], without trailing zeros, and with three digits where it is tiny.
pub(crate) fn figure(number: f64) -> String {
    if number.abs() >= UNBOUNDED {
        return if number > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    if number != 0.0 && number.abs() < 0.001 {
        return format!("{number:.2e}").replace('-', "−");
    }
    let text = value(number);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A duration to the millisecond: `1 min 5.25 s`, which is what a setting needs.
pub(crate) fn exact(ms: f64) -> String {
    let (whole, rest) = ((ms as i64).div_euclid(60_000) * 60_000, (ms as i64).rem_euclid(60_000));
    let seconds = figure_of_thousandths(rest);
    match (whole, rest) {
        (0, _) => format!("{seconds}{SPACE}s"),
        (_, 0) => spans(whole),
        _ => format!("{} {seconds}{SPACE}s", spans(whole)),
    }
}

/// All units of a duration of whole minutes.
fn spans(ms: i64) -> String {
    const HOURS: i64 = 3_600_000;
    match (ms / HOURS, ms % HOURS) {
        (0, rest) => span(rest),
        (_, 0) => span(ms),
        (hours, rest) => format!("{} {}", span(hours * HOURS), span(rest)),
    }
}

fn figure_of_thousandths(ms: i64) -> String {
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whether a kind's score counts deviations: its threshold has the unit σ then.
pub(crate) fn in_deviations(kind: &DetectorKind) -> bool {
    is_z(kind) || matches!(kind, DetectorKind::Cusum(_) | DetectorKind::PageHinkley(_))
}

/// Whether a kind's score is the distance of one point in deviations, which is called z.
pub(crate) fn is_z(kind: &DetectorKind) -> bool {
    matches!(
        kind,
        DetectorKind::Zscore(_)
            | DetectorKind::RobustZscore(_)
            | DetectorKind::Ewma(_)
            | DetectorKind::Seasonal(_)
    )
}

/// What a series counts, behind its value: `events`, or the aggregate as the pipeline writes it.
pub(crate) fn unit(spec: &Spec, on: &str) -> String {
    let of_query = |query: &str| on.strip_prefix(query).and_then(|rest| rest.strip_prefix('.'));
    let aggregate = spec.query.iter().find_map(|query| of_query(&query.name)).unwrap_or(on);
    counted(aggregate)
}

/// The same of an aggregate.
pub(crate) fn counted(aggregate: &str) -> String {
    if aggregate == "count()" { "events".to_owned() } else { aggregate.to_owned() }
}

/// Whether a band has a low and a high end.
pub(crate) fn ends(low: f64, high: f64) -> (bool, bool) {
    (low > -UNBOUNDED, high < UNBOUNDED)
}

/// What was expected of a value.
pub(crate) fn expected(expected: f64, low: f64, high: f64) -> String {
    match ends(low, high) {
        (true, true) => {
            format!("Expected {}, between {} and {}.", figure(expected), figure(low), figure(high))
        }
        (false, true) => format!("Expected at most {}.", figure(high)),
        (true, false) => format!("Expected at least {}.", figure(low)),
        (false, false) => format!("Expected {}.", figure(expected)),
    }
}

/// A number with so many places that lies on the far side of a limit: rounded the other way it would not
/// do what is said of it.
pub(crate) fn beyond(number: f64, up: bool) -> String {
    if number.fract() == 0.0 || !number.is_finite() {
        return figure(number);
    }
    match number.abs() {
        size if size >= 1_000.0 => rounded(number, up, 0),
        size if size >= 1.0 => rounded(number, up, 2),
        size if size >= 0.01 => rounded(number, up, 4),
        _ => format!("{number:.4e}").replace('-', "−"),
    }
}

fn rounded(number: f64, up: bool, places: i32) -> String {
    let scale = 10f64.powi(places);
    let scaled = number * scale;
    let rounded = if up { scaled.ceil() } else { scaled.floor() } / scale;
    if places == 0 { value(rounded) } else { fixed(rounded, places as usize) }
}

/// A threshold from here on has two places.
const COARSE: f64 = 0.1;

/// A time of day, to the millisecond only where it has some; with its day where `dated`.
pub(crate) fn instant(ms: f64, dated: bool) -> String {
    let step = if ms % 1_000.0 == 0.0 { 1_000 } else { 1 };
    let clock = super::moment(ms, step);
    if dated { format!("{}, {clock}", super::day(ms as i64)).replace(' ', "\u{a0}") } else { clock }
}

/// The smallest changes that would have turned a verdict: of the value, of the threshold, and what would
/// have become of it.
pub(crate) struct Turn {
    /// `At`, the number, `events or fewer`.
    pub(crate) value: Option<(String, String)>,
    pub(crate) threshold: Option<String>,
    pub(crate) then: &'static str,
}

/// What would have turned a verdict; none where nothing would.
pub(crate) fn turn(point: &PointWhy, unit: &str, sigma: &str) -> Option<Turn> {
    let counts = unit == "events";
    let side = |up: bool| match (counts, up) {
        (true, true) => format!("{unit} or more"),
        (true, false) => format!("{unit} or fewer"),
        (false, true) => "or more".to_owned(),
        (false, false) => "or less".to_owned(),
    };
    let of_value = |turned: f64| {
        let up = turned > point.value;
        (beyond(turned, up), side(up))
    };
    let of_threshold = |turned: f64| {
        let up = point.threshold.is_some_and(|threshold| turned > threshold);
        let side = if up { "or more" } else { "or less" };
        let fine = turned.abs() >= COARSE;
        let turned = if fine { rounded(turned, up, 2) } else { beyond(turned, up) };
        format!("{turned}{sigma} {side}")
    };
    let value = point.turn_value.filter(|turned| turned.abs() < UNBOUNDED).map(of_value);
    let threshold = point.turn_threshold.map(of_threshold);
    let then = if point.anomaly { "it would have passed as normal." } else { "it would be an anomaly." };
    (value.is_some() || threshold.is_some()).then_some(Turn { value, threshold, then })
}

/// What a window has come to.
pub(crate) fn state_of(story: &Story) -> &'static str {
    match story.state.as_str() {
        "open" => "It is open: the watermark has not passed its end, and it takes events.",
        "closed" => {
            "It is closed: it gave its result, and a late event within the lateness still corrects it."
        }
        _ => "It is gone: its lateness is over, and it takes no more events.",
    }
}

/// A result among those of its window.
pub(crate) fn timing(timing: &str, revision: u32, retraction: bool) -> String {
    if retraction {
        return format!("takes back {revision}");
    }
    match (timing, revision) {
        ("correction", revision) => format!("correction {revision}"),
        (timing, 0) => timing.to_owned(),
        (timing, revision) => format!("{timing}, {revision}"),
    }
}

/// What became of an event in a query, in a word or two.
pub(crate) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Filtered { .. } => "filtered",
        Outcome::Late { .. } => "late",
        Outcome::OverLimit { .. } => "over a limit",
        Outcome::Counted { missed } if missed.is_empty() => "counted",
        Outcome::Counted { .. } => "counted in part",
    }
}

/// What a step of the trail is called.
pub(crate) fn step(question: &Question, answer: Option<&Answer>) -> String {
    match (question, answer) {
        (_, Some(Answer::Alert(why))) => why.rule.clone(),
        (Question::Alert { .. }, _) => "Alert".to_owned(),
        (Question::Point { time, .. }, _) => format!("Point {}", super::clock(*time)),
        (Question::Window { start, end, .. }, _) => super::window(*start, *end, false),
        (Question::Event { row }, _) => format!("Event {}", super::count(*row)),
        (Question::EventAt { .. }, _) => "Event".to_owned(),
    }
}

/// What can be said of a question that has no answer: in a few words, and in a sentence.
pub(crate) fn unanswered(question: &Question) -> (&'static str, &'static str) {
    match question {
        Question::Alert { .. } => (
            "This alert does not fire",
            "Not with these settings, or not yet at this place of the log. Change them back, or go on, and it is \
             explained again.",
        ),
        Question::Window { .. } => (
            "No such window",
            "With these settings, or so early in the log, nothing of this key falls into a window with these bounds.",
        ),
        Question::Point { .. } => (
            "No such point",
            "With these settings, or so early in the log, the detector is given no such point, or another series is \
             drawn.",
        ),
        Question::Event { .. } | Question::EventAt { .. } => (
            "This event is not here",
            "It is yet to come at this place of the log, or no longer held in memory.",
        ),
    }
}

/// An answer in a sentence, for who cannot see it.
pub(crate) fn summary(answer: &Answer) -> String {
    match answer {
        Answer::Alert(why) => of_alert(why),
        Answer::Window(story) => format!(
            "Window of {}: {}, {}.",
            story.query,
            several(story.results.len() as f64, "result"),
            several(story.count, "event")
        ),
        Answer::Event(fate) => of_event(fate),
        Answer::Point(point) => format!("Point {}, {}.", value(point.why.value), verdict(point.why.anomaly)),
    }
}

/// What a detector says of a point.
pub(crate) fn verdict(anomaly: bool) -> &'static str {
    if anomaly { "an anomaly" } else { "normal" }
}

/// What led to a point.
pub(crate) const POINT: &str = "Point";
pub(crate) const ITS_EVENT: &str = "Its event";

fn of_alert(why: &AlertWhy) -> String {
    let value = why.point.as_ref().map_or_else(String::new, |point| format!(", at {}", value(point.value)));
    format!("Alert {}{value}.", why.rule)
}

fn of_event(fate: &EventFate) -> String {
    let fates: Vec<String> =
        fate.queries.iter().map(|query| format!("{} in {}", outcome(&query.outcome), query.query)).collect();
    format!("Event {}: {}.", super::count(fate.event.row), fates.join(", "))
}

/// What the buttons that move an event are for.
pub(crate) const RETIME: &str = "Give it another time";
pub(crate) const RETIME_HINT: &str = "Had it happened earlier or later? Drag its dot, or:";
/// The button that undoes that.
pub(crate) const OWN_TIME: &str = "Its own time";

/// How far a button moves an event.
pub(crate) fn shift(ms: f64) -> String {
    let sign = if ms < 0.0 { '−' } else { '+' };
    format!("{sign}{}", span(ms.abs() as i64))
}

/// Below the list of alerts while it is cut.
pub(crate) fn more_when_paused(left_out: usize) -> String {
    format!("{left_out} more when the stream is paused.")
}

/// Instead of the list of alerts when it is empty.
pub(crate) fn no_alerts(of_all_rules: bool) -> &'static str {
    match of_all_rules {
        true => "None yet. An alert fires when an anomaly lasts as long as its rule says.",
        false => "None of this rule among the newest.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: &str, want: &str) {
        assert_eq!(got.replace(SPACE, "_"), want);
    }

    #[test]
    fn figures_say_no_more_than_they_know() {
        check(&figure(0.5), "0.5");
        check(&figure(7_960.25), "7_960");
        check(&figure(-48.154_7), "−48.15");
        check(&figure(0.000_012_3), "1.23e−5");
        check(&figure(f64::MAX), "∞");
        check(&figure(100.0), "100");
    }

    #[test]
    fn durations_are_exact() {
        check(&exact(12_345.0), "12.345_s");
        check(&exact(65_250.0), "1_min 5.25_s");
        check(&exact(60_000.0), "1_min");
        check(&exact(3_725_000.0), "1_h 2_min 5_s");
        check(&exact(1.0), "0.001_s");
    }

    #[test]
    fn what_would_have_turned_it_is_rounded_away_from_it() {
        check(&beyond(6.810_3, true), "6.82");
        check(&beyond(2.437, false), "2.43");
        check(&beyond(-2.437, false), "−2.44");
        check(&beyond(11_149.0, false), "11_149");
        check(&beyond(11_149.2, true), "11_150");
        check(&beyond(0.123_41, true), "0.1235");
    }

    #[test]
    fn an_open_end_of_a_band_is_not_told() {
        check(&expected(20.0, -f64::MAX, 20.0), "Expected at most 20.");
        check(&expected(11.0, 11.0, f64::MAX), "Expected at least 11.");
        check(&expected(12.0, 11.0, 13.5), "Expected 12, between 11 and 13.5.");
    }
}
