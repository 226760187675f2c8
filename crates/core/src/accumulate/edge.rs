//! Edges: the first and the last value of a window by event time.
//!
//! ```text
//!   folded  (t 20, a) (t 10, b) (t 10, c) (t 20, d)
//!   first   b: the smallest time, of equal times the one folded first
//!   last    d: the largest time, of equal times the one folded last
//! ```
//!
//! **Invariant:** how the events are cut into panes changes nothing, as long as the panes are merged in the
//! order of the log where times are equal.

use super::Accumulator;
use serde::{Deserialize, Serialize};

/// The value of the smallest event time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct First {
    held: Option<(i64, f64)>,
}

/// The value of the largest event time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Last {
    held: Option<(i64, f64)>,
}

impl First {
    /// The value; NaN of no events.
    pub(crate) fn value(&self) -> f64 {
        self.held.map_or(f64::NAN, |(_, value)| value)
    }
}

impl Last {
    /// The value; NaN of no events.
    pub(crate) fn value(&self) -> f64 {
        self.held.map_or(f64::NAN, |(_, value)| value)
    }
}

impl Accumulator for First {
    type Input = (i64, f64);

    #[inline]
    fn fold(&mut self, input: (i64, f64)) {
        if self.held.is_none_or(|held| input.0 < held.0) {
            self.held = Some(input);
        }
    }

    fn merge(&mut self, later: &Self) {
        later.held.into_iter().for_each(|held| self.fold(held));
    }
}

impl Accumulator for Last {
    type Input = (i64, f64);

    #[inline]
    fn fold(&mut self, input: (i64, f64)) {
        if self.held.is_none_or(|held| input.0 >= held.0) {
            self.held = Some(input);
        }
    }

    fn merge(&mut self, later: &Self) {
        later.held.into_iter().for_each(|held| self.fold(held));
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::accumulate::samples::folded;
    use proptest::prelude::*;

    /// First and last by a stable sort.
    fn naive(events: &[(i64, f64)]) -> (f64, f64) {
        let mut sorted = events.to_vec();
        sorted.sort_by_key(|event| event.0);
        (sorted[0].1, sorted[sorted.len() - 1].1)
    }

    fn check(events: &[(i64, f64)], first: f64, last: f64) {
        let found_first: First = folded(events.iter().copied());
        let found_last: Last = folded(events.iter().copied());
        assert_eq!((found_first.value(), found_last.value()), (first, last), "of {events:?}");
        assert_eq!(naive(events), (first, last), "the oracle, of {events:?}");
    }

    #[test]
    fn by_time_then_by_the_log() {
        check(&[(20, 1.0), (10, 2.0), (10, 3.0), (20, 4.0)], 2.0, 4.0);
        check(&[(5, 1.0), (5, 2.0), (5, 3.0)], 1.0, 3.0);
        check(&[(-5, 1.0), (i64::MIN, 2.0), (i64::MAX, 3.0), (0, 4.0)], 2.0, 3.0);
        check(&[(i64::MAX, 1.0)], 1.0, 1.0);
        assert!(First::default().value().is_nan() && Last::default().value().is_nan());
    }

    #[test]
    fn survives_a_snapshot() {
        for first in [First::default(), folded([(i64::MIN, 1.5)])] {
            let text = serde_json::to_string(&first).unwrap();
            assert_eq!(serde_json::from_str::<First>(&text).unwrap(), first);
        }
        for last in [Last::default(), folded([(i64::MAX, 1.5)])] {
            let text = serde_json::to_string(&last).unwrap();
            assert_eq!(serde_json::from_str::<Last>(&text).unwrap(), last);
        }
    }

    proptest! {
        #[test]
        fn folded_or_merged_they_are_the_ends_of_a_stable_sort(
            times in prop::collection::vec(-4..4_i64, 1..20), cut in 0..20_usize,
        ) {
            let events: Vec<(i64, f64)> = (0..).map(f64::from).zip(times).map(|(value, time)| (time, value)).collect();
            let (before, after) = events.split_at(cut.min(events.len()));
            let (mut first, mut last): (First, Last) =
                (folded(before.iter().copied()), folded(before.iter().copied()));
            first.merge(&folded(after.iter().copied()));
            last.merge(&folded(after.iter().copied()));
            prop_assert_eq!((first.value(), last.value()), naive(&events));
            check(&events, first.value(), last.value());
        }
    }
}
