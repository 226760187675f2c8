//! The words of the charts.

use super::{MINUTE, SECOND, count, full_day, moment, needs_days, share, span};
use crate::chart::disorder::Dot;
use crate::chart::sink::Most;
use crate::wire::Fate;

pub(crate) const BOUND: &str = "bound";
pub(crate) const LATENESS: &str = "lateness";
pub(crate) const WATERMARK: &str = "watermark";

/// What the disorder chart shows.
pub(crate) const BY_DELAY: &str = "how far each event is behind the newest; drag the bound, or an event";
pub(crate) const BY_EVENT_TIME: &str = "when each event happened, and when it came; drag one to another time";
pub(crate) const LIFTED: &str = "Let go to give it this time, Esc to leave it";
pub(crate) const PUT_BACK_TITLE: &str = "Gives the events that you moved their own times again";
pub(crate) const NO_DOTS: &str = "Each event becomes a dot when it comes";

/// Above a chart that is saved as a picture: what its marks mean.
pub(crate) const ANOMALY: &str = "anomaly";
pub(crate) const FIRING: &str = "alert firing";
pub(crate) const TRUTH: &str = "when something really happened";
pub(crate) const DISORDER: &str = "Disorder";
pub(crate) const BY_ARRIVAL: &str = "by when each event came";

/// What the band of a key is.
pub(crate) fn expected_of(key: &str) -> String {
    format!("what the detector expects of {key}")
}

/// The line below the title of a picture: the pipeline, the times, and what is drawn.
pub(crate) fn caption(pipeline: &str, (first, last): (f64, f64), what: &str) -> String {
    let step = if last - first < 10.0 * MINUTE as f64 { SECOND } else { MINUTE };
    let at = |ms: f64| format!("{} {}", full_day(ms as i64), moment(ms.trunc(), step));
    let end = if needs_days(Some((first, last))) { at(last) } else { moment(last, step) };
    format!("{pipeline}, {} – {end} UTC, {what}", at(first))
}

/// The button that gives so many moved events their own times again.
pub(crate) fn put_back(moved: usize) -> String {
    match moved {
        1 => "Put the event back".to_owned(),
        _ => format!("Put {moved} events back"),
    }
}

/// The plots of a slow sink.
pub(crate) const WAITING: &str = "events waiting";
pub(crate) const AGE: &str = "age of what is taken";
pub(crate) const BLOCKED: &str = "Shaded: the queue is full, and the log has to keep what comes.";

/// The bound of a slow sink's queue.
pub(crate) fn queue(capacity: f64) -> String {
    format!("queue {}", count(capacity))
}

/// A slow sink's chart, for who cannot see it.
pub(crate) fn sink(most: &Most, capacity: f64) -> String {
    format!(
        "Events waiting and their age over arrival time. At most {} waited, where the queue has room for {}; what was \
         taken was up to {} old. The queue was full for {} of the time.",
        count(most.waiting),
        count(capacity),
        span(most.delay as i64),
        share(most.blocked, 1.0),
    )
}

/// A fate in a word or two.
pub(crate) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::InOrder => "in order",
        Fate::Reordered => "reordered",
        Fate::Corrected => "corrected",
        Fate::Dropped => "dropped",
    }
}

/// What became of an event, in a sentence, beside a bound in milliseconds.
pub(crate) fn told(dot: &Dot, bound: f64) -> &'static str {
    match dot.fate {
        Fate::InOrder => "In order: nothing newer had come",
        Fate::Reordered if dot.delay <= bound => "Reordered, and within the bound: kept",
        Fate::Reordered if dot.time > dot.watermark => {
            "Beyond the bound, yet kept: another partition held the watermark back"
        }
        Fate::Reordered => "Beyond the bound, yet kept: its window was still open",
        Fate::Corrected => "Corrected the result of a window that had closed",
        Fate::Dropped => "Dropped: its window was gone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_says_the_day_once() {
        let day = 1_767_571_200_000.0;
        let of = |last: f64| caption("website", (day + 34_320_000.0, last), "count()");
        assert_eq!(of(day + 43_200_000.0), "website, 5 Jan 2026 09:32 – 12:00 UTC, count()");
        assert_eq!(of(day + 86_400_000.0), "website, 5 Jan 2026 09:32 – 6 Jan 2026 00:00 UTC, count()");
        assert_eq!(of(day + 34_325_500.0), "website, 5 Jan 2026 09:32:00 – 09:32:05 UTC, count()");
    }

    #[test]
    fn beyond_the_bound_is_not_yet_dropped_and_the_words_say_why() {
        let dot = |fate, delay, time, watermark| Dot { row: 0.0, arrival: 0.0, time, delay, fate, watermark };
        let said = |dot| told(&dot, 5_000.0);
        assert!(said(dot(Fate::Reordered, 4_000.0, 10.0, 20.0)).contains("within the bound"));
        assert!(said(dot(Fate::Reordered, 6_000.0, 10.0, 20.0)).contains("its window was still open"));
        assert!(said(dot(Fate::Reordered, 6_000.0, 30.0, 20.0)).contains("another partition"));
        assert!(said(dot(Fate::Dropped, 6_000.0, 10.0, 20.0)).starts_with("Dropped"));
    }
}
