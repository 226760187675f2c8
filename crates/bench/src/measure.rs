//! Times of runs that take turns, and the rates they give.

use std::fmt;
use std::time::{Duration, Instant};

/// Runs each in turn, so many rounds; gives the times of each.
#[expect(clippy::disallowed_methods, reason = "a clock is what this program is for")]
pub(crate) fn in_turn<const N: usize>(rounds: usize, mut runs: [&mut dyn FnMut(); N]) -> [Vec<Duration>; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed());
        }
    }
    times
}

/// Millions of events a second, over several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    pub(crate) median: f64,
    slowest: f64,
    fastest: f64,
}

impl Rates {
    /// Of at least one time; of an even number of them, the upper of the two in the middle.
    pub(crate) fn of(events: u64, times: &[Duration]) -> Self {
        let mut rates: Vec<f64> = times.iter().map(|time| events as f64 / 1e6 / time.as_secs_f64()).collect();
        rates.sort_unstable_by(f64::total_cmp);
        Self { median: rates[rates.len() / 2], slowest: rates[0], fastest: rates[rates.len() - 1] }
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, slowest, fastest } = self;
        f.pad(&format!("{median:.1} ({slowest:.1} to {fastest:.1})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_the_median_and_the_spread() {
        let times = [500, 100, 200].map(Duration::from_millis);
        assert_eq!(Rates::of(1_000_000, &times).to_string(), "5.0 (2.0 to 10.0)");
    }

    #[test]
    fn runs_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let note = |letter| order.borrow_mut().push(letter);
        let times = in_turn(3, [&mut || note('a'), &mut || note('b')]);
        assert_eq!((order.borrow().as_str(), times.map(|times| times.len())), ("ababab", [3, 3]));
    }
}
