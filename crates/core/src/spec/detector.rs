//! What a detector is told in the pipeline file: one struct a kind, with what that kind needs and no more.

use super::check::Refusal;
use super::{SpecError, Step, is_default};
use crate::detect::MAX_SCORE;
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
    /// Distance from the rolling median in median absolute deviations.
    RobustZscore(RobustZscoreSpec),
    /// Distance from a mean in which older points count for less.
    Ewma(EwmaSpec),
    /// Distance from what is usual at this time of a period.
    Seasonal(SeasonalSpec),
    /// Shifts of the level, as the distances from it add up.
    Cusum(CusumSpec),
    /// Changes of the level, each told once.
    PageHinkley(PageHinkleySpec),
    /// How fast the series rises or falls.
    RateOfChange(RateOfChangeSpec),
    /// How long a key has said nothing.
    Absence(AbsenceSpec),
    /// Fixed limits.
    Threshold(ThresholdSpec),
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

/// Settings of `robust_zscore`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobustZscoreSpec {
    /// How many past points it compares with.
    pub window: u32,
    /// From which absolute score on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent, or the window if that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
    /// The least deviation, in the unit of the series: 0 when absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub floor: f64,
}

/// Settings of `ewma`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EwmaSpec {
    /// How much of the past a new point replaces, above 0 and below 1.
    pub alpha: f64,
    /// From which absolute score on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
}

/// Settings of `seasonal`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonalSpec {
    /// After how long the series does the same again; found from the series when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Millis>,
    /// How much of the past a new point replaces, above 0 and below 1.
    pub alpha: f64,
    /// From which absolute score on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
}

/// Settings of `cusum`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CusumSpec {
    /// How many past points mean and deviation are of.
    pub window: u32,
    /// The distance, in deviations, that adds nothing: half of the shift to be found.
    pub drift: f64,
    /// From which sum of distances on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent, or the window if that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
}

/// Settings of `page_hinkley`: either a window or an `alpha`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkleySpec {
    /// How many past points mean and deviation are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// How much of the past a new point replaces, above 0 and below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// The distance, in deviations, that adds nothing: half of the change to be found.
    pub drift: f64,
    /// From which sum of distances on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent, or the window if that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
}

/// Settings of `rate_of_change`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateOfChangeSpec {
    /// The time that the rate is for; a minute when absent.
    #[serde(default = "a_minute", skip_serializing_if = "is_a_minute")]
    pub per: Millis,
    /// From which absolute rate on a point is an anomaly.
    pub threshold: f64,
}

/// Settings of `threshold`: at least one limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdSpec {
    /// Above this a point is an anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Below this a point is an anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// How far inside of the limit a point must be to end an anomaly: 0 when absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hysteresis: f64,
}

fn a_minute() -> Millis {
    Millis(60_000)
}

fn is_a_minute(per: &Millis) -> bool {
    *per == a_minute()
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
            Self::Zscore(ZscoreSpec { threshold, .. })
            | Self::RobustZscore(RobustZscoreSpec { threshold, .. })
            | Self::Ewma(EwmaSpec { threshold, .. })
            | Self::Seasonal(SeasonalSpec { threshold, .. })
            | Self::Cusum(CusumSpec { threshold, .. })
            | Self::PageHinkley(PageHinkleySpec { threshold, .. })
            | Self::RateOfChange(RateOfChangeSpec { threshold, .. })
            | Self::Novelty(NoveltySpec { threshold, .. }) => Some(threshold),
            Self::Absence(_) | Self::Threshold(_) => None,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Zscore(_) => "z-score",
            Self::RobustZscore(_) => "robust z-score",
            Self::Ewma(_) => "EWMA",
            Self::Seasonal(_) => "season",
            Self::Cusum(_) => "CUSUM",
            Self::PageHinkley(_) => "Page-Hinkley",
            Self::RateOfChange(_) => "rate of change",
            Self::Absence(_) => "absence",
            Self::Threshold(_) => "threshold",
            Self::Novelty(_) => "novelty",
        }
    }

    /// How many past points it compares with, where the kind has a window.
    #[must_use]
    pub fn window(&self) -> Option<u32> {
        match self {
            Self::Zscore(ZscoreSpec { window, .. })
            | Self::RobustZscore(RobustZscoreSpec { window, .. })
            | Self::Cusum(CusumSpec { window, .. }) => Some(*window),
            Self::PageHinkley(page_hinkley) => page_hinkley.window,
            _ => None,
        }
    }

    /// Compares with so many past points, where the kind has a window; speaks after as many of them as
    /// it does by itself.
    pub fn set_window(&mut self, points: u32) {
        match self {
            Self::Zscore(ZscoreSpec { window, min_points, .. })
            | Self::RobustZscore(RobustZscoreSpec { window, min_points, .. })
            | Self::Cusum(CusumSpec { window, min_points, .. })
            | Self::PageHinkley(PageHinkleySpec { window: Some(window), min_points, .. }) => {
                (*window, *min_points) = (points, None);
            }
            _ => {}
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
            Self::RobustZscore(robust) => robust.check(),
            Self::Ewma(ewma) => ewma.check(),
            Self::Seasonal(seasonal) => seasonal.check(),
            Self::Cusum(cusum) => cusum.check(),
            Self::PageHinkley(page_hinkley) => page_hinkley.check(),
            Self::RateOfChange(rate) => rate.check(),
            Self::Absence(absence) => absence.check(),
            Self::Threshold(threshold) => threshold.check(),
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

impl RobustZscoreSpec {
    fn check(&self) -> Result<(), Refusal> {
        check_window(self.window)?;
        check_threshold(self.threshold)?;
        check_not_negative("floor", self.floor)?;
        check_min_points(self.min_points, self.window)
    }
}

impl EwmaSpec {
    fn check(&self) -> Result<(), Refusal> {
        check_alpha(self.alpha)?;
        check_threshold(self.threshold)?;
        check_min_points_alone(self.min_points)
    }
}

impl SeasonalSpec {
    fn check(&self) -> Result<(), Refusal> {
        if self.period == Some(Millis(0)) {
            return Err((
                "period",
                "a period of no length; at least `1ms`, or leave `period` out".to_owned(),
            ));
        }
        check_alpha(self.alpha)?;
        check_threshold(self.threshold)?;
        check_min_points_alone(self.min_points)
    }
}

impl CusumSpec {
    fn check(&self) -> Result<(), Refusal> {
        check_window(self.window)?;
        check_not_negative("drift", self.drift)?;
        check_threshold(self.threshold)?;
        check_min_points(self.min_points, self.window)
    }
}

impl PageHinkleySpec {
    fn check(&self) -> Result<(), Refusal> {
        match (self.alpha, self.window) {
            (Some(alpha), None) => check_alpha(alpha).and_then(|()| check_min_points_alone(self.min_points)),
            (None, Some(window)) => {
                check_window(window).and_then(|()| check_min_points(self.min_points, window))
            }
            (Some(_), Some(_)) => {
                Err(("alpha", "both `alpha` and `window`; one of them would fit".to_owned()))
            }
            (None, None) => Err(("kind", "the past has no length; `window` or `alpha` would fit".to_owned())),
        }?;
        check_not_negative("drift", self.drift)?;
        check_threshold(self.threshold)
    }
}

impl RateOfChangeSpec {
    fn check(&self) -> Result<(), Refusal> {
        if self.per.0 == 0 {
            return Err(("per", "a rate for no time; at least `1ms` would fit".to_owned()));
        }
        if self.threshold > MAX_SCORE {
            let message = format!(
                "a threshold of {}, and a score is at most {MAX_SCORE}; a shorter `per` would fit",
                self.threshold
            );
            return Err(("threshold", message));
        }
        check_threshold(self.threshold)
    }
}

impl ThresholdSpec {
    fn check(&self) -> Result<(), Refusal> {
        for (field, limit) in [("above", self.above), ("below", self.below)] {
            if let Some(limit) = limit.filter(|limit| !limit.is_finite()) {
                return Err((field, format!("a limit of {limit}; a number would fit")));
            }
        }
        check_not_negative("hysteresis", self.hysteresis)?;
        let room = match (self.below, self.above) {
            (None, None) => {
                return Err(("kind", "no limit; `above`, `below` or both would fit".to_owned()));
            }
            (Some(below), Some(above)) => above - below,
            _ => f64::INFINITY,
        };
        if room < 0.0 {
            let message = "no value lies between the limits; `below` at most `above` would fit";
            return Err(("below", message.to_owned()));
        }
        if self.hysteresis > room {
            let message = format!("{} is more than the limits are apart; at most {room}", self.hysteresis);
            return Err(("hysteresis", message));
        }
        Ok(())
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

fn check_min_points_alone(min_points: Option<u32>) -> Result<(), Refusal> {
    match min_points {
        Some(n) if n < 2 => Err(("min_points", format!("{n} points; 2 or more would fit"))),
        _ => Ok(()),
    }
}

fn check_alpha(alpha: f64) -> Result<(), Refusal> {
    if alpha > 0.0 && alpha < 1.0 {
        return Ok(());
    }
    Err(("alpha", format!("an alpha of {alpha}; a number above 0 and below 1 would fit")))
}

fn check_not_negative(field: &'static str, x: f64) -> Result<(), Refusal> {
    if x.is_finite() && x >= 0.0 {
        return Ok(());
    }
    Err((field, format!("{x}; 0 or a number above it would fit")))
}
