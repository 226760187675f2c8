//! The table, in Markdown, a work at a time.
//!
//! ```text
//! | work           | who     |              M/s | ours / it |
//! |----------------|---------|-----------------:|----------:|
//! | W1: tumbling … | ours    | 126 (125 to 128) |           |
//! |                | by hand | 280 (278 to 287) |      0.45 |
//! ```

use std::fmt;
use std::time::Duration;

use crate::rates::Rates;

/// One work: who did it and how fast, the engine first.
#[derive(Clone, Debug)]
pub struct Rows {
    work: String,
    rates: Vec<(String, Rates)>,
}

const WORK: usize = 33;
const WHO: usize = 27;
const RATES: usize = 24;
const RATIO: usize = 9;

/// The heading.
#[must_use]
pub fn header() -> String {
    let names =
        format!("| {:WORK$} | {:WHO$} | {:>RATES$} | {:>RATIO$} |", "work", "who", "M/s", "ours / it");
    let rule = |columns: usize| "-".repeat(columns + 1);
    format!("{names}\n|{}-|{}-|{}:|{}:|", rule(WORK), rule(WHO), rule(RATES), rule(RATIO))
}

impl Rows {
    /// The times in which each did so many events; the engine's are the first.
    #[must_use]
    pub fn of(work: &str, events: u64, times: &[(String, Vec<Duration>)]) -> Self {
        let rates = times.iter().map(|(who, times)| (who.clone(), Rates::of(events, times)));
        Self { work: work.to_owned(), rates: rates.collect() }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = self.rates.first().map_or(f64::NAN, |(_, rates)| rates.median);
        for (at, (who, rates)) in self.rates.iter().enumerate() {
            let (work, ratio) = match at {
                0 => (self.work.as_str(), String::new()),
                _ => ("", format!("{:.2}", ours / rates.median)),
            };
            let end = if at + 1 < self.rates.len() { "\n" } else { "" };
            write!(f, "| {work:WORK$} | {who:WHO$} | {rates:>RATES$} | {ratio:>RATIO$} |{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_is_told_once_and_the_ratio_is_of_the_medians() {
        let seconds = |s: f64| vec![Duration::from_secs_f64(s)];
        let times = [("ours".to_owned(), seconds(0.01)), ("by hand".to_owned(), seconds(0.005))];
        let text = format!("{}\n{}", header(), Rows::of("W1", 1_000_000, &times));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].starts_with("| W1 ") && lines[2].contains(" 100.0 (100.0 to 100.0) "), "{text}");
        assert!(lines[3].starts_with("|    ") && lines[3].ends_with("|      0.50 |"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{text}");
    }
}
