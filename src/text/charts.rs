//! The words of the charts.

use crate::chart::disorder::Dot;
use crate::wire::Fate;

pub(crate) const BOUND: &str = "bound";
pub(crate) const LATENESS: &str = "lateness";
pub(crate) const WATERMARK: &str = "watermark";

/// What the disorder chart shows.
pub(crate) const BY_DELAY: &str = "how far each event is behind the newest; drag the bound";
pub(crate) const BY_EVENT_TIME: &str = "when each event happened, and when it came";
pub(crate) const NO_DOTS: &str = "Each event becomes a dot when it comes";

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
    fn beyond_the_bound_is_not_yet_dropped_and_the_words_say_why() {
        let dot = |fate, delay, time, watermark| Dot { row: 0.0, arrival: 0.0, time, delay, fate, watermark };
        let said = |dot| told(&dot, 5_000.0);
        assert!(said(dot(Fate::Reordered, 4_000.0, 10.0, 20.0)).contains("within the bound"));
        assert!(said(dot(Fate::Reordered, 6_000.0, 10.0, 20.0)).contains("its window was still open"));
        assert!(said(dot(Fate::Reordered, 6_000.0, 30.0, 20.0)).contains("another partition"));
        assert!(said(dot(Fate::Dropped, 6_000.0, 10.0, 20.0)).starts_with("Dropped"));
    }
}
