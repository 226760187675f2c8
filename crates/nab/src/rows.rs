//! What stands in the table: each kind of detector, with settings that it is commonly used with or that
//! suit series of thousands of points. The threshold is always the best for the corpus, so none is given a
//! reason here.

use crate::corpus::Series;
use anyhow::{Context, Result};
use kappascope_core::Millis;
use kappascope_core::detect::Detector;
use kappascope_core::spec::DetectorKind;

/// A detector of the table: what it is called, and as it would stand in a pipeline file.
pub const ROWS: [(&str, &str); 3] = [
    (
        "z-score, window 20, itself included",
        "kind = 'zscore'\nwindow = 20\nthreshold = 3\ninclude_current = true",
    ),
    ("z-score, window 400", "kind = 'zscore'\nwindow = 400\nthreshold = 3"),
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
