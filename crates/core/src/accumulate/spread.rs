//! Spread: variance and standard deviation of a sample, without a sum of squares.
//!
//! ```text
//!   fold   n += 1;  δ = x − mean;  mean += δ / n;  m2 += δ · (x − mean)
//!   merge  δ = mean' − mean;  mean += δ · n' / (n + n');  m2 += m2' + δ² · n · n' / (n + n')
//!
//!   4, 7, 13   →   n = 3, mean = 8, m2 = 16 + 1 + 25 = 42, variance = 42 / 2 = 21
//! ```
//!
//! Welford 1962, *Note on a method for calculating corrected sums of squares and products*; Chan, Golub
//! and LeVeque 1979, *Updating formulae and a pairwise algorithm for computing sample variances*. A sum of
//! squares minus a squared sum cancels: of 10⁹ + 4, 10⁹ + 7, 10⁹ + 13 it keeps no digit.
//!
//! **Invariant:** `m2` is the sum of squared deviations from `mean`; it is never negative.

use super::Accumulator;
use serde::{Deserialize, Serialize};

/// Count, mean and sum of squared deviations of one measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    count: u64,
    mean: f64,
    m2: f64,
}

impl Spread {
    /// Sample variance (n − 1); NaN of fewer than two values.
    pub(crate) fn variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.m2 / (self.count - 1) as f64 }
    }

    /// Sample standard deviation; NaN of fewer than two values.
    pub(crate) fn stddev(&self) -> f64 {
        self.variance().sqrt()
    }

    fn joined(&self, later: &Self) -> Self {
        let count = self.count + later.count;
        let (n, m, both) = (self.count as f64, later.count as f64, count as f64);
        let delta = later.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * m / both,
            m2: self.m2 + later.m2 + delta * delta * n * m / both,
        }
    }
}

impl Accumulator for Spread {
    type Input = f64;

    #[inline]
    fn fold(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.m2 += delta * (value - self.mean);
    }

    fn merge(&mut self, later: &Self) {
        // Without the first two the formula would divide 0 by 0, or round what is known.
        match (self.count, later.count) {
            (_, 0) => {}
            (0, _) => self.clone_from(later),
            _ => *self = self.joined(later),
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::accumulate::samples::{self, folded};
    use proptest::prelude::*;

    /// Two passes over the deviations from a value near the mean, in integers where that is exact.
    fn naive_variance(values: &[f64]) -> f64 {
        let n = values.len() as f64;
        let mean = values[0] + values.iter().map(|x| x - values[0]).sum::<f64>() / n;
        values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)
    }

    fn sum_of_squares_variance(values: &[f64]) -> f64 {
        let n = values.len() as f64;
        let sum: f64 = values.iter().sum();
        (values.iter().map(|x| x * x).sum::<f64>() - sum * sum / n) / (n - 1.0)
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-9 * expected.abs()
    }

    #[test]
    fn small_samples() {
        let cases: [(&[f64], f64); 5] = [
            (&[], f64::NAN),
            (&[5.0], f64::NAN),
            (&[5.0, 5.0], 0.0),
            (&[4.0, 7.0, 13.0], 21.0),
            (&[-1.0, 1.0], 2.0),
        ];
        for (values, variance) in cases {
            let found: Spread = folded(values.iter().copied());
            assert_eq!(found.variance().to_bits(), variance.to_bits(), "of {values:?}");
            assert_eq!(found.stddev().to_bits(), variance.sqrt().to_bits(), "of {values:?}");
        }
    }

    #[test]
    fn a_large_mean_keeps_the_digits_that_a_sum_of_squares_loses() {
        let values = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0];
        assert!(close(folded::<Spread>(values).variance(), 21.0));
        assert!(!close(sum_of_squares_variance(&values), 21.0), "the control should fail");
    }

    #[test]
    fn an_empty_side_changes_no_bit() {
        for count in 1..100 {
            let some: Spread = folded((0..count).map(|i| samples::lognormal(1, i)));
            let (mut left, mut right) = (some.clone(), Spread::default());
            left.merge(&Spread::default());
            right.merge(&some);
            assert_eq!((&left, &right), (&some, &some));
        }
    }

    #[test]
    fn survives_a_snapshot() {
        let spread: Spread = folded([1.5, 2.5, 8.0]);
        let text = serde_json::to_string(&spread).unwrap();
        assert_eq!(serde_json::from_str::<Spread>(&text).unwrap(), spread);
    }

    proptest! {
        #[test]
        fn folded_or_merged_it_is_the_two_pass_variance(
            seed: u64, count in 2..500_u64, cuts in prop::collection::vec(0..500_u64, 0..5), shift in -1e6..1e6_f64,
        ) {
            let values: Vec<f64> = (0..count).map(|i| shift + samples::normal(seed, i)).collect();
            let expected = naive_variance(&values);
            // The values have deviations of about 1, and are known to 1e-10 where they lie a million away.
            let near = |variance: f64| (variance - expected).abs() <= 1e-9 * expected.max(1.0);
            let folded_all = folded::<Spread>(values.iter().copied()).variance();
            prop_assert!(near(folded_all), "{folded_all} is not {expected}");

            let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut.min(count) as usize).collect();
            cuts.extend([0, values.len()]);
            cuts.sort_unstable();
            let mut merged = Spread::default();
            cuts.windows(2).for_each(|cut| merged.merge(&folded(values[cut[0]..cut[1]].iter().copied())));
            prop_assert!(near(merged.variance()), "{} is not {expected}", merged.variance());
        }
    }
}
