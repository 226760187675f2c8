//! What stands in the table: each kind of detector, with settings that it is commonly used with or that
//! suit series of thousands of points.
//!
//! Only the scores count, and the best threshold for the corpus. The thresholds here are without meaning but
//! for cusum and Page-Hinkley, which begin anew once they reach theirs.

use crate::corpus::Series;
use anyhow::{Context, Result};
use kappascope_core::Millis;
use kappascope_core::detect::Detector;
use kappascope_core::spec::DetectorKind;

/// A detector of the table: what it is called, and as it would stand in a pipeline file. `absence` and
/// `threshold` are none: they are told limits in the unit of a series, and these are of many units.
pub const ROWS: [(&str, &str); 12] = [
    (
        "z-score, window 20, itself included",
        "kind = 'zscore'\nwindow = 20\nthreshold = 3\ninclude_current = true",
    ),
    ("z-score, window 400", "kind = 'zscore'\nwindow = 400\nthreshold = 3"),
    ("robust z-score, window 100", "kind = 'robust_zscore'\nwindow = 100\nthreshold = 3"),
    ("robust z-score, window 400", "kind = 'robust_zscore'\nwindow = 400\nthreshold = 3"),
    ("ewma, alpha 0.003", "kind = 'ewma'\nalpha = 0.003\nthreshold = 3"),
    ("seasonal, of a day", "kind = 'seasonal'\nperiod = '1d'\nalpha = 0.1\nthreshold = 3"),
    ("seasonal, period found", "kind = 'seasonal'\nalpha = 0.1\nthreshold = 3"),
    ("cusum, window 400, drift 2", "kind = 'cusum'\nwindow = 400\ndrift = 2\nthreshold = 5"),
    ("page_hinkley, alpha 0.003, drift 1", "kind = 'page_hinkley'\nalpha = 0.003\ndrift = 1\nthreshold = 20"),
    ("page_hinkley, window 400, drift 1", "kind = 'page_hinkley'\nwindow = 400\ndrift = 1\nthreshold = 20"),
    ("rate_of_change, per hour", "kind = 'rate_of_change'\nper = '1h'\nthreshold = 1"),
    FLAGSHIP,
];

/// The detector that is looked at more closely. Each series has a probation of its own, the shortest of 169
/// rows, so it speaks as early as it can.
pub const FLAGSHIP: (&str, &str) = ("novelty", "kind = 'novelty'\nwarmup = 100");

/// The detector that a row describes.
///
/// # Errors
///
/// When the row is no detector.
pub fn detector(row: &str) -> Result<Detector> {
    let kind: DetectorKind = toml::from_str(row).with_context(|| format!("no detector: {row}"))?;
    Detector::new(&kind).with_context(|| format!("no detector: {row}"))
}

/// How far from zero a detector's score of each row is; below all numbers where it gives none.
#[must_use]
pub fn scores(mut detector: Detector, series: &Series) -> Vec<f64> {
    let rows = series.times.iter().zip(&series.values);
    rows.map(|(&time, &value)| {
        detector.judge(Millis(time), value).map_or(f64::NEG_INFINITY, |judged| judged.score.abs())
    })
    .collect()
}
