//! Quantiles: exact of few values, then within [`RELATIVE_ERROR`] of the value asked for.
//!
//! A bucket is a run of numbers that agree in sign, exponent and the first [`MANTISSA_BITS`] bits of the
//! mantissa, so a value's bucket is a shift of its bits and an octave (a factor of two) has 64 buckets of
//! equal width. A bucket answers with its middle.
//!
//! ```text
//!   value     bits >> 46 = exponent and 6 bits of mantissa          bucket              middle
//!   100.0     10000000101 100100…  →  0x405 << 6 | 0b100100         [100, 101)          100.5
//!   −100.0    the same, among the negatives                         (−101, −100]       −100.5
//!   0.0       exponent 0: counted apart, with all that is nearer to 0 than 2.2e−308
//! ```
//!
//! This is DDSketch (Masson, Rim, Lee 2019, *DDSketch: a fast and fully-mergeable quantile sketch with
//! relative-error guarantees*) with the index mapping that DataDog's sketches-java calls
//! `BitwiseLinearlyInterpolatedMapping`.
//!
//! **Bounds.** A quantile is the nearest rank: of n values the one at rank ⌈q·n⌉. The estimate e of such a
//! value x satisfies |e − x| ≤ |x| / 128 and lies between the exact minimum and maximum. A sign keeps
//! [`MAX_OCTAVES`] octaves, 32 KiB; what is below them is counted in the lowest bucket kept, as DDSketch
//! collapses, and is then off by less than 2⁻⁶² of the largest magnitude of its sign.
//!
//! **Invariant:** the answer is a function of the values alone. Neither their order nor how they were cut
//! into merged parts changes a bit of it.

use super::Accumulator;
use serde::{Deserialize, Serialize};
use std::iter::once;

/// Leading bits of the mantissa that tell buckets apart.
const MANTISSA_BITS: u32 = 6;

/// How far an estimate may be from the value of its rank, as a part of that value: half a bucket, which
/// is widest against its values at the beginning of an octave.
pub(crate) const RELATIVE_ERROR: f64 = 1.0 / (2 << MANTISSA_BITS) as f64;

/// Up to so many values are held as they are: 512 bytes, about what one octave of buckets takes.
pub(crate) const EXACT_VALUES: usize = 64;

/// The octaves that one sign keeps. Their ends are 2⁶³ apart, more than the 2⁵³ beyond which a sum of two
/// values is the larger one.
pub(crate) const MAX_OCTAVES: u32 = 64;

const OCTAVE: u32 = 1 << MANTISSA_BITS;
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - MANTISSA_BITS;

/// The number of a magnitude's bucket.
#[inline]
fn bucket_of(value: f64) -> u32 {
    (value.abs().to_bits() >> SHIFT) as u32
}

/// The middle of a bucket: its leading bits, then a one.
fn middle_of(bucket: u32) -> f64 {
    f64::from_bits(u64::from(bucket) << SHIFT | 1 << (SHIFT - 1))
}

/// Holds what the quantiles of one measure need.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    /// All values, while there is no sketch.
    exact: Vec<f64>,
    sketch: Option<Box<Sketch>>,
}

impl Quantiles {
    /// The value at rank ⌈q·n⌉ (at least 1) or its estimate; NaN of no values.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        match &self.sketch {
            Some(sketch) => sketch.quantile(q),
            None if self.exact.is_empty() => f64::NAN,
            None => {
                let index = rank(q, self.exact.len() as u64) as usize - 1;
                *self.exact.clone().select_nth_unstable_by(index, f64::total_cmp).1
            }
        }
    }

    fn hold(&mut self, value: f64) {
        if self.exact.len() < EXACT_VALUES {
            self.exact.push(value);
        } else {
            self.turn_into(Box::default());
            self.fold(value);
        }
    }

    /// Adds the exact values to a sketch, which then takes their place.
    fn turn_into(&mut self, mut sketch: Box<Sketch>) {
        std::mem::take(&mut self.exact).into_iter().for_each(|value| sketch.fold(value));
        self.sketch = Some(sketch);
    }
}

impl Accumulator for Quantiles {
    type Input = f64;

    #[inline]
    fn fold(&mut self, value: f64) {
        debug_assert!(value.is_finite(), "{value} never enters state");
        match &mut self.sketch {
            Some(sketch) => sketch.fold(value),
            None => self.hold(value),
        }
    }

    fn merge(&mut self, later: &Self) {
        match (&mut self.sketch, &later.sketch) {
            (_, None) => later.exact.iter().for_each(|&value| self.fold(value)),
            (Some(sketch), Some(other)) => sketch.merge(other),
            (None, Some(other)) => self.turn_into(other.clone()),
        }
    }
}

/// The rank of the `q` quantile of `count` values, from 1 to `count`; `q` in whole hundredths of a percent.
fn rank(q: f64, count: u64) -> u64 {
    // In whole numbers: 0.56 · 25 is 14, but a little more in floating point, whose ceiling is 15.
    let parts = (q * 10_000.0).round() as u64;
    (parts * count).div_ceil(10_000).clamp(1, count)
}

/// The buckets of both signs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sketch {
    min: f64,
    max: f64,
    zeros: u64,
    negative: Buckets,
    positive: Buckets,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            zeros: 0,
            negative: Buckets::default(),
            positive: Buckets::default(),
        }
    }
}

impl Sketch {
    #[inline]
    fn fold(&mut self, value: f64) {
        self.include(value, value);
        let bucket = bucket_of(value);
        let side = if value < 0.0 { &mut self.negative } else { &mut self.positive };
        match side.counter(bucket) {
            Some(counter) => *counter += 1,
            None => self.fold_outside(value, bucket),
        }
    }

    /// Folds a value that no bucket was made for yet: rare, but for zeros and what was collapsed.
    #[cold]
    fn fold_outside(&mut self, value: f64, bucket: u32) {
        if bucket < OCTAVE {
            self.zeros += 1;
        } else if value < 0.0 {
            self.negative.fold_outside(bucket);
        } else {
            self.positive.fold_outside(bucket);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.include(other.min, other.max);
        self.zeros += other.zeros;
        self.negative.merge(&other.negative);
        self.positive.merge(&other.positive);
    }

    #[inline]
    fn include(&mut self, min: f64, max: f64) {
        self.min = if min < self.min { min } else { self.min };
        self.max = if max > self.max { max } else { self.max };
    }

    fn quantile(&self, q: f64) -> f64 {
        let rank = rank(q, self.ascending().map(|(_, count)| count).sum());
        let mut passed = 0;
        let reached = self.ascending().find(|(_, count)| {
            passed += count;
            passed >= rank
        });
        reached.map_or(self.max, |(middle, _)| middle.clamp(self.min, self.max))
    }

    /// Middle and count of each bucket, from the smallest value to the largest.
    fn ascending(&self) -> impl Iterator<Item = (f64, u64)> {
        let negative = self.negative.each().rev().map(|(bucket, count)| (-middle_of(bucket), count));
        let positive = self.positive.each().map(|(bucket, count)| (middle_of(bucket), count));
        negative.chain(once((0.0, self.zeros))).chain(positive)
    }
}

/// Counters of consecutive buckets, whole octaves of them: at most [`MAX_OCTAVES`] below the largest
/// value's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Buckets {
    first: u32,
    counts: Vec<u64>,
}

impl Buckets {
    #[inline]
    fn counter(&mut self, bucket: u32) -> Option<&mut u64> {
        self.counts.get_mut(bucket.wrapping_sub(self.first) as usize)
    }

    fn fold_outside(&mut self, bucket: u32) {
        self.cover(bucket, bucket);
        self.counts[(bucket.max(self.first) - self.first) as usize] += 1;
    }

    fn merge(&mut self, other: &Self) {
        if let Some(last) = other.last() {
            self.cover(other.first, last);
            self.add(other);
        }
    }

    /// Makes counters from `low` to `high`, or as far down as [`MAX_OCTAVES`] reach. What is then below
    /// the first counter is added to it.
    fn cover(&mut self, low: u32, high: u32) {
        let (low, high) = self.last().map_or((low, high), |last| (low.min(self.first), high.max(last)));
        let end = (high / OCTAVE + 1) * OCTAVE;
        let first = (low / OCTAVE * OCTAVE).max(end.saturating_sub(MAX_OCTAVES * OCTAVE));
        if (first, end - first) != (self.first, self.counts.len() as u32) {
            let mut wider = Self { first, counts: vec![0; (end - first) as usize] };
            wider.add(self);
            *self = wider;
        }
    }

    /// Adds counters, none of which is above the last one here.
    fn add(&mut self, other: &Self) {
        let below = self.first.saturating_sub(other.first) as usize;
        let (collapsed, kept) = other.counts.split_at(below.min(other.counts.len()));
        let offset = other.first.saturating_sub(self.first) as usize;
        self.counts.iter_mut().skip(offset).zip(kept).for_each(|(counter, count)| *counter += count);
        self.counts[0] += collapsed.iter().sum::<u64>();
    }

    fn last(&self) -> Option<u32> {
        (self.first..).nth(self.counts.len().checked_sub(1)?)
    }

    fn each(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> {
        self.counts.iter().enumerate().map(|(i, &count)| (self.first + i as u32, count))
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::accumulate::samples::{self, folded};
    use proptest::prelude::*;

    const QUANTILES: [f64; 9] = [0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0];

    type Source = fn(u64, u64) -> f64;
    const SOURCES: [(&str, Source); 9] = [
        ("uniform", samples::uniform),
        ("heavy tail", samples::lognormal),
        ("negative", |seed, i| -samples::lognormal(seed, i)),
        ("both signs", |seed, i| 100.0 * samples::normal(seed, i)),
        ("constant", |seed, _| samples::lognormal(seed, 0)),
        ("few distinct", |seed, i| f64::from(samples::zipf(seed, i) % 5) - 2.0),
        ("mostly zero", |seed, i| if i % 10 < 8 { 0.0 } else { samples::normal(seed, i) }),
        ("ends of octaves", |seed, i| {
            [1.0, 2.0_f64.next_down(), 2.0, -4.0][(samples::mix(seed ^ i) % 4) as usize]
        }),
        ("60 octaves", |seed, i| libm::exp2(60.0 * samples::uniform(seed, i))),
    ];

    fn nearest_rank(values: &[f64], q: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[(q * values.len() as f64).ceil() as usize - 1]
    }

    /// The largest relative error over the usual quantiles.
    fn worst_error(sketch: &Quantiles, values: &[f64]) -> f64 {
        let error = |&q: &f64| match (sketch.quantile(q), nearest_rank(values, q)) {
            (estimate, exact) if estimate == exact => 0.0,
            (estimate, exact) => (estimate - exact).abs() / exact.abs(),
        };
        QUANTILES.iter().map(error).fold(0.0, f64::max)
    }

    fn answers(sketch: &Quantiles) -> [u64; 9] {
        QUANTILES.map(|q| sketch.quantile(q).to_bits())
    }

    #[test]
    fn a_bucket_answers_with_its_middle() {
        for (value, middle) in
            [(100.0, 100.5), (1.0, 1.0 + 1.0 / 128.0), (2.0_f64.next_down(), 2.0 - 1.0 / 128.0)]
        {
            assert_eq!(middle_of(bucket_of(value)), middle, "of {value}");
        }
        assert_eq!(bucket_of(f64::MIN_POSITIVE), OCTAVE);
    }

    #[test]
    fn a_small_window_is_exact_and_the_next_value_is_not() {
        let values: Vec<f64> = (0..=EXACT_VALUES as u64).map(|i| samples::lognormal(3, i)).collect();
        let (small, large) = (&values[..EXACT_VALUES], &values[..]);
        assert_eq!(worst_error(&folded(small.iter().copied()), small), 0.0);
        assert!(worst_error(&folded(large.iter().copied()), large) > 0.0);
        assert!(Quantiles::default().quantile(0.5).is_nan());
    }

    #[test]
    fn an_estimate_stays_between_the_ends() {
        let middle = middle_of(bucket_of(1.0));
        let (below, above) = (1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0);
        for (low, high, expected) in [(1.0, above, middle), (1.0, below, below), (above, above, above)] {
            let sketch: Quantiles = folded([low, high].into_iter().cycle().take(100));
            assert_eq!(sketch.quantile(0.5), expected, "of {low} and {high}");
        }
    }

    #[test]
    fn fewer_buckets_would_break_the_bound() {
        let values: Vec<f64> = (0..10_000).map(|i| samples::lognormal(11, i)).collect();
        let coarse = |value: f64| f64::from_bits(value.to_bits() >> (SHIFT + 1) << (SHIFT + 1));
        assert!(worst_error(&folded(values.iter().copied()), &values) <= RELATIVE_ERROR);
        assert!(worst_error(&folded(values.iter().map(|&value| coarse(value))), &values) > RELATIVE_ERROR);
    }

    #[test]
    fn beyond_the_octaves_the_small_are_near_zero_and_nothing_is_lost() {
        let source = |i| libm::exp2(2_000.0 * samples::uniform(1, i) - 1_000.0);
        let values: Vec<f64> = (0..10_000).map(|i| if i % 2 == 0 { source(i) } else { -source(i) }).collect();
        let sketch: Quantiles = folded(values.iter().copied());
        let held = sketch.sketch.as_ref().unwrap();
        let floor = nearest_rank(&values, 1.0) * libm::exp2(-62.0);
        assert_eq!(held.ascending().map(|(_, count)| count).sum::<u64>(), 10_000);
        assert!(
            held.positive.counts.len().max(held.negative.counts.len()) <= (MAX_OCTAVES * OCTAVE) as usize
        );
        for q in QUANTILES {
            let (estimate, exact) = (sketch.quantile(q), nearest_rank(&values, q));
            assert!(
                (estimate - exact).abs() <= (exact.abs() * RELATIVE_ERROR).max(floor),
                "{estimate} for {exact}"
            );
        }
    }

    #[test]
    fn the_whole_range_of_numbers_has_a_place() {
        let ends = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -f64::MIN_POSITIVE, 5e-324, -5e-324, 0.0, -0.0];
        let sketch: Quantiles = folded(ends.into_iter().cycle().take(800));
        assert_eq!(sketch.quantile(0.6), 0.0);
        for (q, exact) in [(0.05, f64::MIN), (1.0, f64::MAX)] {
            assert!((sketch.quantile(q) / exact - 1.0).abs() <= RELATIVE_ERROR);
        }
    }

    #[test]
    fn survives_a_snapshot() {
        for count in [0, 10, 1_000] {
            let mut sketch: Quantiles = folded((0..count).map(|i| f64::from(i) - 500.0));
            let text = serde_json::to_string(&sketch).unwrap();
            let mut back: Quantiles = serde_json::from_str(&text).unwrap();
            sketch.fold(77.0);
            back.fold(77.0);
            assert_eq!(answers(&back), answers(&sketch), "after {count}");
        }
    }

    proptest! {
        #[test]
        fn every_estimate_is_within_the_bound(seed: u64, count in 1..3_000_u64, source in 0..SOURCES.len()) {
            let (name, source) = SOURCES[source];
            let values: Vec<f64> = (0..count).map(|i| source(seed, i)).collect();
            let error = worst_error(&folded(values.iter().copied()), &values);
            prop_assert!(error <= if count <= EXACT_VALUES as u64 { 0.0 } else { RELATIVE_ERROR }, "{name}: {error}");
        }

        #[test]
        fn neither_order_nor_cuts_change_a_bit(
            mut values in prop::collection::vec(
                prop_oneof![prop::num::f64::NORMAL | prop::num::f64::ZERO, -10.0..10.0_f64], 1..300,
            ),
            cuts in prop::collection::vec(0..300_usize, 0..6),
        ) {
            let expected = answers(&folded(values.iter().copied()));
            let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut.min(values.len())).collect();
            cuts.extend([0, values.len()]);
            cuts.sort_unstable();
            let mut merged = Quantiles::default();
            cuts.windows(2).for_each(|cut| merged.merge(&folded(values[cut[0]..cut[1]].iter().copied())));
            prop_assert_eq!(answers(&merged), expected);

            values.reverse();
            prop_assert_eq!(answers(&folded(values)), expected);
        }
    }
}
