//! How many events came when, in constant memory and without knowing the span before.
//!
//! **Invariant:** the rate is a function of the times, not of their order: the step is the shortest of
//! [`STEPS`] that needs no more than [`MOST_STEPS`] from the earliest time to the latest. Each step is a
//! multiple of the one before, so counts are merged and never split.

use super::findings::Rate;
use super::{DAY, HOUR, MINUTE, SECOND};
use std::collections::VecDeque;

/// Steps of a rate: as many as a chart of it can show.
pub const MOST_STEPS: i64 = 240;

/// Lengths of a step; doubled beyond the last.
const STEPS: [i64; 19] = [
    1,
    2,
    10,
    20,
    100,
    200,
    SECOND,
    2 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
];

/// Counts times as they come.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    step: i64,
    /// Number of the first step since the epoch.
    first: i64,
    counts: VecDeque<u64>,
}

impl Default for Counted {
    fn default() -> Self {
        Self { step: STEPS[0], first: 0, counts: VecDeque::new() }
    }
}

impl Counted {
    pub(super) fn add(&mut self, time: i64) {
        let mut at = time.div_euclid(self.step);
        if self.counts.is_empty() {
            self.first = at;
        }
        while at - self.first >= MOST_STEPS || self.last() - at >= MOST_STEPS {
            self.widen();
            at = time.div_euclid(self.step);
        }
        while at < self.first {
            self.first -= 1;
            self.counts.push_front(0);
        }
        let at = (at - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
    }

    fn last(&self) -> i64 {
        self.first + self.counts.len() as i64 - 1
    }

    fn widen(&mut self) {
        let step = next(self.step);
        let by = step / self.step;
        let (first, last) = (self.first.div_euclid(by), self.last().div_euclid(by));
        let mut counts = VecDeque::from(vec![0; (last - first + 1) as usize]);
        for (i, count) in self.counts.iter().enumerate() {
            counts[((self.first + i as i64).div_euclid(by) - first) as usize] += count;
        }
        *self = Self { step, first, counts };
    }

    pub(super) fn rate(&self) -> Rate {
        let counts = self.counts.iter().copied().collect();
        Rate { start: self.first * self.step, step_ms: self.step, counts }
    }
}

fn next(step: i64) -> i64 {
    STEPS.into_iter().find(|known| *known > step).unwrap_or(2 * step)
}
