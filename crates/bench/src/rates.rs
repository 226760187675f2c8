//! What times say: millions of events a second, over several rounds.

use std::fmt;
use std::time::Duration;

/// Millions of events a second, over several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The one in the middle; of an even number of them, the upper of the two.
    pub median: f64,
    slowest: f64,
    fastest: f64,
}

impl Rates {
    /// Of so many events in each of these times, of which there is at least one.
    #[must_use]
    pub fn of(events: u64, times: &[Duration]) -> Self {
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
}
