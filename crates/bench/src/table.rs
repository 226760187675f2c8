//! The table, in Markdown, a row at a time.

use std::fmt;
use std::time::Duration;

use crate::measure::Rates;

/// One work.
pub(crate) struct Row {
    pub(crate) work: &'static str,
    pub(crate) events: u64,
    pub(crate) ours: Rates,
    /// The hand-written loop beside it, if there is one.
    pub(crate) by_hand: Option<Rates>,
}

const WORK: usize = 31;
const EVENTS: usize = 10;
const RATES: usize = 24;
const RATIO: usize = 14;

/// Prints the heading.
pub(crate) fn header() {
    let (ours, by_hand, ratio) = ("ours, M/s", "by hand, M/s", "ours / by hand");
    println!(
        "| {:WORK$} | {:>EVENTS$} | {ours:>RATES$} | {by_hand:>RATES$} | {ratio:>RATIO$} |",
        "work", "events"
    );
    println!(
        "|{:-<left$}|{:->events$}:|{:->rates$}:|{:->rates$}:|{:->ratio$}:|",
        "",
        "",
        "",
        "",
        "",
        left = WORK + 2,
        events = EVENTS + 1,
        rates = RATES + 1,
        ratio = RATIO + 1,
    );
}

impl Row {
    /// A work with nothing beside it.
    pub(crate) fn alone(work: &'static str, events: u64, times: &[Duration]) -> Self {
        Self { work, events, ours: Rates::of(events, times), by_hand: None }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, events, ours, by_hand } = self;
        let (rates, ratio) = by_hand.map_or(("–".to_owned(), "–".to_owned()), |by_hand| {
            (by_hand.to_string(), format!("{:.2}", ours.median / by_hand.median))
        });
        write!(f, "| {work:WORK$} | {events:>EVENTS$} | {ours:>RATES$} | {rates:>RATES$} | {ratio:>RATIO$} |")
    }
}
