//! The numbers of a column: range, mean, histogram, in constant memory and without knowing the range before.
//!
//! A bar is a power of two wide and begins at a multiple of its width. When the range grows, bars are merged
//! in pairs:
//!
//! ```text
//!   1 2 3         [1, 2) [2, 3) [3, 4)           one number each
//!   1 2 3 100     [0, 16) [16, 32) … [96, 112)   3, 0, …, 1
//! ```
//!
//! **Invariant:** the histogram is a function of the numbers, not of their order: the width is the least that
//! needs no more than [`MOST_BARS`] bars from the least number to the greatest.

use super::findings::{Bar, Numbers};
use std::collections::VecDeque;

/// Bars of a histogram: as many as can be told apart in a table.
const MOST_BARS: i64 = 24;

/// Measures numbers as they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    count: u64,
    low: f64,
    high: f64,
    mean: f64,
    not_whole: bool,
    bars: Bars,
}

/// Counts of neighbouring bars, 2^`exponent` wide; the first begins at `first` widths.
#[derive(Clone, Debug, Default)]
struct Bars {
    exponent: i32,
    first: i64,
    counts: VecDeque<u64>,
}

impl Measured {
    /// Takes a finite number.
    pub(super) fn add(&mut self, number: f64) {
        self.count += 1;
        if self.count == 1 {
            (self.low, self.high) = (number, number);
        }
        (self.low, self.high) = (self.low.min(number), self.high.max(number));
        self.mean += number / self.count as f64 - self.mean / self.count as f64;
        self.not_whole |= number.fract() != 0.0;
        self.bars.add(number);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What is known of them, if there were any.
    pub(super) fn numbers(&self) -> Option<Numbers> {
        let histogram = self.bars.told();
        let Self { low, high, mean, not_whole, .. } = *self;
        (self.count > 0).then_some(Numbers { low, high, mean, whole: !not_whole, histogram })
    }
}

impl Bars {
    fn add(&mut self, number: f64) {
        if self.counts.is_empty() {
            self.exponent = least_exponent(number);
            self.first = self.bar(number);
        }
        if self.bar_far_off(number) {
            self.widen_to(least_exponent(number));
        }
        let mut bar = self.bar(number);
        while bar - self.first >= MOST_BARS || self.last() - bar >= MOST_BARS {
            self.widen_to(self.exponent + 1);
            bar = self.bar(number);
        }
        while bar < self.first {
            self.first -= 1;
            self.counts.push_front(0);
        }
        let at = (bar - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
    }

    fn last(&self) -> i64 {
        self.first + self.counts.len() as i64 - 1
    }

    /// Whether the number is so large that its bar has no exact number at this width.
    fn bar_far_off(&self, number: f64) -> bool {
        least_exponent(number) > self.exponent
    }

    fn bar(&self, number: f64) -> i64 {
        (number / width(self.exponent)).floor() as i64
    }

    /// Merges bars until they are 2^`exponent` wide.
    fn widen_to(&mut self, exponent: i32) {
        let by = (exponent - self.exponent).clamp(0, 63) as u32;
        let merged = (self.first >> by, self.last() >> by);
        let mut counts = VecDeque::from(vec![0; (merged.1 - merged.0 + 1) as usize]);
        for (i, count) in self.counts.iter().enumerate() {
            counts[(((self.first + i as i64) >> by) - merged.0) as usize] += count;
        }
        (self.exponent, self.first, self.counts) = (exponent, merged.0, counts);
    }

    fn told(&self) -> Vec<Bar> {
        let width = width(self.exponent);
        let bar = |(i, &count): (usize, &u64)| {
            let low = ((self.first + i as i64) as f64 * width).max(f64::MIN);
            Bar { low, high: (low + width).min(f64::MAX), count }
        };
        self.counts.iter().enumerate().map(bar).collect()
    }
}

/// The least width at which a number's bar is a whole number below 2^53, as a power of two.
fn least_exponent(number: f64) -> i32 {
    let exponent = ((number.to_bits() >> 52) & 0x7ff) as i32;
    (exponent - 1023 - 51).max(LEAST_EXPONENT)
}

/// Narrower bars than those of a billionth are of no use to anyone.
const LEAST_EXPONENT: i32 = -30;

fn width(exponent: i32) -> f64 {
    // A power of two, exact: the exponents are those of finite doubles.
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
