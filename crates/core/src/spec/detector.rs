//! What a detector is told in the pipeline file: one struct a kind, with what that kind needs and no more.

use super::check::Refusal;
use super::{SpecError, Step};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Longest memory of a detector, in points: its state is this long for each key.
pub const MAX_DETECTOR_WINDOW: u32 = 10_000;

/// How many past points a detector needs before it speaks, unless the pipeline says otherwise.
pub const DEFAULT_MIN_POINTS: u32 = 10;

/// How many points `novelty` may learn from before it speaks: before the first it finds everything new, and
/// it weighs no more of them than the last.
const NOVELTY_WARMUP: std::ops::RangeInclusive<u32> = 100..=10_000;

/// An anomaly detector over one aggregate or one measure, one series a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorSpec {
    /// Name, unique among the detectors.
    pub name: String,
    /// The series: a query's aggregate, such as `per_minute.count()`, a point a window; or a measure, a
    /// point an event.
    pub on: String,
    /// Key columns that make the series of a measure; one series of all events when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The method, and its settings; a field that it does not have is refused.
    #[serde(flatten)]
    pub kind: DetectorKind,
}

/// The method of a detector, with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DetectorKind {
    /// Distance from the rolling mean in rolling standard deviations.
    Zscore(ZscoreSpec),
    /// Whether a series was ever like this.
    Novelty(NoveltySpec),
    /// How long a key has said nothing.
    Absence(AbsenceSpec),
}

/// Settings of `zscore`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZscoreSpec {
    /// How many past points it compares with.
    pub window: u32,
    /// From which absolute score on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent, or the window if that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
    /// Whether the point itself counts as past: the textbook mistake, kept for teaching.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_current: bool,
}

/// Settings of `absence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsenceSpec {
    /// How long after its last point a key is overdue.
    pub after: Millis,
}

/// Settings of `novelty`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoveltySpec {
    /// From which score on a point is an anomaly; 1 when absent.
    pub threshold: f64,
    /// For how long it rests after an anomaly, as a share of the points so far; 0.04 when absent.
    pub rest: f64,
    /// The longest rest, in points; 400 when absent.
    pub max_rest: u32,
    /// How many points it learns from before it speaks; 200 when absent.
    pub warmup: u32,
}

impl Default for NoveltySpec {
    fn default() -> Self {
        Self { threshold: 1.0, rest: 0.04, max_rest: 400, warmup: 200 }
    }
}

impl DetectorKind {
    /// From which absolute score on a point is an anomaly, where the kind has such a threshold.
    #[must_use]
    pub fn threshold(&self) -> Option<f64> {
        self.clone().threshold_mut().copied()
    }

    /// [`threshold`](DetectorKind::threshold), to change it.
    pub fn threshold_mut(&mut self) -> Option<&mut f64> {
        match self {
            Self::Zscore(zscore) => Some(&mut zscore.threshold),
            Self::Novelty(novelty) => Some(&mut novelty.threshold),
            Self::Absence(_) => None,
        }
    }

    /// How many past points it compares with, where the kind has a window.
    #[must_use]
    pub fn window(&self) -> Option<u32> {
        match self {
            Self::Zscore(zscore) => Some(zscore.window),
            Self::Novelty(_) => None,
            Self::Absence(_) => None,
        }
    }

    /// Compares with so many past points, where the kind has a window; speaks after as many of them as
    /// it does by itself.
    pub fn set_window(&mut self, points: u32) {
        match self {
            Self::Zscore(zscore) => (zscore.window, zscore.min_points) = (points, None),
            Self::Novelty(_) => {}
            Self::Absence(_) => {}
        }
    }

    /// [`check`](DetectorKind::check) of a kind that stands in no pipeline.
    pub(crate) fn check_alone(&self) -> Result<(), SpecError> {
        self.check().map_err(|(field, message)| SpecError::at(&[Step::Field(field)], message))
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Zscore(zscore) => zscore.check(),
            Self::Novelty(novelty) => novelty.check(),
            Self::Absence(absence) => absence.check(),
        }
    }
}

impl ZscoreSpec {
    fn check(&self) -> Result<(), Refusal> {
        check_window(self.window)?;
        check_threshold(self.threshold)?;
        check_min_points(self.min_points, self.window)
    }
}

impl NoveltySpec {
    fn check(&self) -> Result<(), Refusal> {
        check_threshold(self.threshold)?;
        if !(0.0..=1.0).contains(&self.rest) {
            return Err(("rest", format!("a rest of {} of the points; 0 to 1 would fit", self.rest)));
        }
        if !NOVELTY_WARMUP.contains(&self.warmup) {
            let (least, most) = (NOVELTY_WARMUP.start(), NOVELTY_WARMUP.end());
            return Err(("warmup", format!("{} points; {least} to {most} would fit", self.warmup)));
        }
        Ok(())
    }
}

impl AbsenceSpec {
    fn check(&self) -> Result<(), Refusal> {
        if self.after.0 > 0 {
            return Ok(());
        }
        Err(("after", "every key would be overdue at once; at least `1ms` would fit".to_owned()))
    }
}

fn check_window(window: u32) -> Result<(), Refusal> {
    if (2..=MAX_DETECTOR_WINDOW).contains(&window) {
        return Ok(());
    }
    Err(("window", format!("a window of {window} points; 2 to {MAX_DETECTOR_WINDOW} would fit")))
}

fn check_threshold(threshold: f64) -> Result<(), Refusal> {
    if threshold.is_finite() && threshold > 0.0 {
        return Ok(());
    }
    Err(("threshold", format!("a threshold of {threshold}; a number above 0 would fit")))
}

fn check_min_points(min_points: Option<u32>, window: u32) -> Result<(), Refusal> {
    match min_points {
        Some(n) if !(2..=window).contains(&n) => {
            Err(("min_points", format!("{n} points; 2 to the window, {window}, would fit")))
        }
        _ => Ok(()),
    }
}
