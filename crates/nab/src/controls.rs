//! Scores that need no detector of ours: what the figures are held against.

use crate::corpus::Series;

/// How many points NAB's windowed Gaussian compares with, and how many it takes at once when it is full.
const GAUSSIAN: (usize, usize) = (6_400, 100);

/// Its scores stand in NAB's result files with twelve digits, and those files are what was scored.
const GAUSSIAN_DIGITS: f64 = 1e12;

/// What it takes for a deviation where there is none.
const LEAST_DEVIATION: f64 = 0.000_001;

/// An alert every so many rows, whatever the data.
#[must_use]
pub fn clock(series: &Series, every: usize) -> Vec<f64> {
    (0..series.values.len()).map(|row| f64::from(u8::from(row % every == 0))).collect()
}

/// NAB's windowed Gaussian: how improbable a value is under the normal distribution of those before.
/// Its published figures are what this crate's scorer is checked with.
#[must_use]
pub fn windowed_gaussian(series: &Series) -> Vec<f64> {
    let (length, step) = GAUSSIAN;
    let (mut mean, mut deviation) = (0.0, 1.0);
    let judge = |(row, &value): (usize, &f64)| {
        let score = if row == 0 { 0.0 } else { 1.0 - upper_tail((value - mean) / deviation) };
        let seen = row + 1;
        if seen <= length || (seen - length) % step == 0 {
            (mean, deviation) = moments(&series.values[seen.saturating_sub(length)..seen]);
        }
        (score * GAUSSIAN_DIGITS).round() / GAUSSIAN_DIGITS
    };
    series.values.iter().enumerate().map(judge).collect()
}

/// Probability that a normal variable lies further out on its side than `z` deviations.
fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    (mean, if deviation == 0.0 { LEAST_DEVIATION } else { deviation })
}
