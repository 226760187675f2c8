//! Detectors as a person turns them: their kind, and the settings that this kind has.
//!
//! A setting is a number here; [`NONE`], and for some 0, stand for one that is left out.
//!
//! **Invariant:** a kind as it is chosen, and after any setting within its ladder, can run.

use crate::ui::slider::{DAY, HOUR, MINUTE};
use crate::wire::Watch;
use kappascope_core::spec::{
    AbsenceSpec, AlertSpec, CusumSpec, DetectorKind, DetectorSpec, EwmaSpec, NoveltySpec, PageHinkleySpec,
    RateOfChangeSpec, RobustZscoreSpec, SeasonalSpec, ThresholdSpec, ZscoreSpec,
};
use kappascope_core::{Millis, Spec};

/// A setting that is left out, at the end of its ladder.
pub(crate) const NONE: f64 = f64::INFINITY;

/// The same, at the start of its ladder.
pub(crate) const NONE_BELOW: f64 = f64::NEG_INFINITY;

/// Points that a detector looks back on, unless somebody says otherwise.
const WINDOW: u32 = 30;

/// How much of the past a new point replaces, unless somebody says otherwise.
const ALPHA: f64 = 0.1;

/// Parts that the span of a series is cut into, for a limit to be put between them.
const PARTS: f64 = 50.0;

/// The kinds of detectors, by their names in a pipeline file, with what each finds.
pub(crate) const KINDS: [(&str, &str, &str); 10] = [
    ("zscore", "z-score", "Finds points unlike the last ones, in deviations from their mean."),
    (
        "robust_zscore",
        "Robust z-score",
        "The same by median, though up to half of the last points are outliers.",
    ),
    ("ewma", "EWMA", "Finds points unlike a past that fades."),
    ("seasonal", "Season", "Finds points unlike this time of the day, the week or another period."),
    ("cusum", "CUSUM", "Finds small shifts of the level that stay."),
    ("page_hinkley", "Page-Hinkley", "Finds a change of the level, and tells it once."),
    ("rate_of_change", "Rate of change", "Finds jumps from one point to the next."),
    ("absence", "Absence", "Finds keys that say nothing any more."),
    ("threshold", "Threshold", "Finds values beyond a limit that you know."),
    ("novelty", "Novelty", "Finds patterns that a series never had before."),
];

/// The kind of a detector, by its name in a pipeline file.
pub(crate) fn name(kind: &DetectorKind) -> &'static str {
    match kind {
        DetectorKind::Zscore(_) => "zscore",
        DetectorKind::RobustZscore(_) => "robust_zscore",
        DetectorKind::Ewma(_) => "ewma",
        DetectorKind::Seasonal(_) => "seasonal",
        DetectorKind::Cusum(_) => "cusum",
        DetectorKind::PageHinkley(_) => "page_hinkley",
        DetectorKind::RateOfChange(_) => "rate_of_change",
        DetectorKind::Absence(_) => "absence",
        DetectorKind::Threshold(_) => "threshold",
        DetectorKind::Novelty(_) => "novelty",
    }
}

/// What a kind finds, in a sentence.
pub(crate) fn finds(kind: &DetectorKind) -> &'static str {
    KINDS.iter().find(|(known, ..)| *known == name(kind)).map_or("", |(.., finds)| *finds)
}

/// Whether a score is a number of deviations.
pub(crate) fn is_in_deviations(kind: &DetectorKind) -> bool {
    !matches!(
        kind,
        DetectorKind::RateOfChange(_)
            | DetectorKind::Absence(_)
            | DetectorKind::Threshold(_)
            | DetectorKind::Novelty(_)
    )
}

/// The least and the largest value of a series as far as they are known, for settings in its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reach {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Default for Reach {
    fn default() -> Self {
        Self { low: 0.0, high: 100.0 }
    }
}

impl Reach {
    /// That of some values; of none it is 0 to 100.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold(none, |(low, high), value| (low.min(value), high.max(value)));
        if low <= high { Self { low, high } } else { Self::default() }
    }

    /// A round distance, of which the series is some parts long.
    fn step(self) -> f64 {
        let span = (self.high - self.low).max(self.high.abs() * 0.1).max(1e-9);
        round(span / PARTS)
    }

    /// Limits in the series' unit: from below its least value to above its largest.
    fn limits(self) -> Vec<f64> {
        let step = self.step();
        let (from, to) = ((self.low / step).floor() as i64 - 10, (self.high / step).ceil() as i64 + 25);
        (from..=to).map(|i| i as f64 * step).collect()
    }

    /// Distances in the series' unit: from `least` steps to its whole length.
    fn distances(self, least: i64) -> Vec<f64> {
        let step = self.step() / 2.0;
        let to = ((self.high - self.low).max(step) / step).ceil() as i64 + 20;
        (least..=to).map(|i| i as f64 * step).collect()
    }
}

/// The next number of the form 1, 2 or 5 with zeros.
fn round(number: f64) -> f64 {
    let power = 10f64.powf(number.log10().floor());
    let scaled = number / power;
    power * [1.0, 2.0, 5.0].into_iter().find(|step| scaled <= *step).unwrap_or(10.0)
}

/// How a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Points,
    Deviations,
    Share,
    Time,
    /// The unit of the series.
    Series,
}

/// What a setting that is left out says of itself.
pub(crate) type Absent = Option<(f64, &'static str)>;

/// A setting of a kind of detector.
pub(crate) struct Setting {
    pub(crate) test_id: &'static str,
    pub(crate) label: &'static str,
    /// Its meaning in a sentence.
    pub(crate) about: &'static str,
    pub(crate) unit: Unit,
    /// The number that stands for no setting, and what to call that.
    pub(crate) absent: Absent,
    /// Whether it is seldom turned.
    pub(crate) folded: bool,
    pub(crate) ladder: fn(Reach) -> Vec<f64>,
    /// Its value, where this detector has it.
    pub(crate) read: fn(&DetectorKind) -> Option<f64>,
    pub(crate) write: fn(&mut DetectorKind, f64),
}

const WINDOWS: [f64; 18] = [
    5.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0, 300.0, 500.0,
    1_000.0,
];
const DEVIATIONS: [f64; 21] = [
    1.0, 1.5, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 12.0,
    15.0, 20.0,
];
const ALPHAS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8];
const DRIFTS: [f64; 11] = [0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0];
const PERIODS: [f64; 12] = [
    0.0,
    MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    7.0 * DAY,
];
const TIMES: [f64; 15] = [
    1e3,
    5e3,
    10e3,
    30e3,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
];
const LEAST_POINTS: [f64; 12] = [0.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0];
const SCORES: [f64; 13] = [0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 3.0];
const RESTS: [f64; 9] = [0.0, 0.01, 0.02, 0.04, 0.08, 0.1, 0.2, 0.5, 1.0];
const LONGEST_RESTS: [f64; 8] = [0.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1_600.0, 5_000.0];
const WARMUPS: [f64; 8] = [100.0, 150.0, 200.0, 300.0, 500.0, 1_000.0, 2_000.0, 5_000.0];

/// Every setting there is, in the order in which they are shown.
pub(crate) const SETTINGS: [Setting; 17] = [
    Setting {
        test_id: "detector-window",
        label: "Window",
        about: "With how many past points of the same key a new one is compared.",
        unit: Unit::Points,
        absent: None,
        folded: false,
        ladder: |_| WINDOWS.to_vec(),
        read: |kind| kind.window().map(f64::from),
        write: |kind, points| kind.set_window(points as u32),
    },
    Setting {
        test_id: "detector-period",
        label: "Period",
        about: "After how long the series does the same again.",
        unit: Unit::Time,
        absent: Some((0.0, "found by itself")),
        folded: false,
        ladder: |_| PERIODS.to_vec(),
        read: |kind| match kind {
            DetectorKind::Seasonal(season) => Some(season.period.map_or(0.0, |period| period.0 as f64)),
            _ => None,
        },
        write: |kind, ms| {
            if let DetectorKind::Seasonal(season) = kind {
                season.period = (ms > 0.0).then_some(Millis(ms as i64));
            }
        },
    },
    Setting {
        test_id: "detector-alpha",
        label: "Alpha",
        about: "How much of the past a new point replaces.",
        unit: Unit::Share,
        absent: None,
        folded: false,
        ladder: |_| ALPHAS.to_vec(),
        read: |kind| alpha(kind),
        write: |kind, share| match kind {
            DetectorKind::Ewma(EwmaSpec { alpha, .. })
            | DetectorKind::Seasonal(SeasonalSpec { alpha, .. }) => {
                *alpha = share;
            }
            DetectorKind::PageHinkley(page_hinkley) => page_hinkley.alpha = Some(share),
            _ => {}
        },
    },
    Setting {
        test_id: "detector-drift",
        label: "Drift",
        about: "The distance from the mean that adds nothing: half of the shift to be found.",
        unit: Unit::Deviations,
        absent: None,
        folded: false,
        ladder: |_| DRIFTS.to_vec(),
        read: |kind| match kind {
            DetectorKind::Cusum(CusumSpec { drift, .. })
            | DetectorKind::PageHinkley(PageHinkleySpec { drift, .. }) => Some(*drift),
            _ => None,
        },
        write: |kind, deviations| {
            if let DetectorKind::Cusum(CusumSpec { drift, .. })
            | DetectorKind::PageHinkley(PageHinkleySpec { drift, .. }) = kind
            {
                *drift = deviations;
            }
        },
    },
    Setting {
        test_id: "detector-per",
        label: "Per",
        about: "The time that the rate is for.",
        unit: Unit::Time,
        absent: None,
        folded: false,
        ladder: |_| TIMES.to_vec(),
        read: |kind| match kind {
            DetectorKind::RateOfChange(rate) => Some(rate.per.0 as f64),
            _ => None,
        },
        // A rate for another time is another number: the limit stays the same rate.
        write: |kind, ms| {
            if let DetectorKind::RateOfChange(rate) = kind {
                rate.threshold *= ms / rate.per.0 as f64;
                rate.per = Millis(ms as i64);
            }
        },
    },
    Setting {
        test_id: "detector-after",
        label: "After",
        about: "How long after its last point a key is overdue.",
        unit: Unit::Time,
        absent: None,
        folded: false,
        ladder: |_| TIMES.to_vec(),
        read: |kind| match kind {
            DetectorKind::Absence(absence) => Some(absence.after.0 as f64),
            _ => None,
        },
        write: |kind, ms| {
            if let DetectorKind::Absence(absence) = kind {
                absence.after = Millis(ms as i64);
            }
        },
    },
    Setting {
        test_id: "threshold",
        label: "Threshold",
        about: "From which score on, either way, a point is called an anomaly.",
        unit: Unit::Deviations,
        absent: None,
        folded: false,
        ladder: |_| DEVIATIONS.to_vec(),
        read: |kind| kind.threshold().filter(|_| is_in_deviations(kind)),
        write: set_threshold,
    },
    Setting {
        test_id: "threshold",
        label: "Threshold",
        about: "From which rate on, up or down, a point is called an anomaly.",
        unit: Unit::Series,
        absent: None,
        folded: false,
        ladder: |reach| reach.distances(1),
        read: |kind| kind.threshold().filter(|_| matches!(kind, DetectorKind::RateOfChange(_))),
        write: set_threshold,
    },
    Setting {
        test_id: "threshold",
        label: "Threshold",
        about: "From how new a pattern is on, where 1 is as new as it gets by chance, it is called an anomaly.",
        unit: Unit::Series,
        absent: None,
        folded: false,
        ladder: |_| SCORES.to_vec(),
        read: |kind| kind.threshold().filter(|_| matches!(kind, DetectorKind::Novelty(_))),
        write: set_threshold,
    },
    Setting {
        test_id: "detector-above",
        label: "Above",
        about: "Above this a point is called an anomaly.",
        unit: Unit::Series,
        absent: Some((NONE, "no limit")),
        folded: false,
        ladder: |reach| [reach.limits(), vec![NONE]].concat(),
        read: |kind| match kind {
            DetectorKind::Threshold(limits) => Some(limits.above.unwrap_or(NONE)),
            _ => None,
        },
        write: |kind, limit| {
            if let DetectorKind::Threshold(limits) = kind {
                limits.above = (limit != NONE).then_some(limit);
                limits.below = limits.below.map(|below| below.min(limit));
                keep_room(limits);
            }
        },
    },
    Setting {
        test_id: "detector-below",
        label: "Below",
        about: "Below this a point is called an anomaly.",
        unit: Unit::Series,
        absent: Some((NONE_BELOW, "no limit")),
        folded: false,
        ladder: |reach| [vec![NONE_BELOW], reach.limits()].concat(),
        read: |kind| match kind {
            DetectorKind::Threshold(limits) => Some(limits.below.unwrap_or(NONE_BELOW)),
            _ => None,
        },
        write: |kind, limit| {
            if let DetectorKind::Threshold(limits) = kind {
                limits.below = (limit != NONE_BELOW).then_some(limit);
                limits.above = limits.above.map(|above| above.max(limit));
                keep_room(limits);
            }
        },
    },
    Setting {
        test_id: "detector-hysteresis",
        label: "Hysteresis",
        about: "How far inside of the limit a point must be to end an anomaly.",
        unit: Unit::Series,
        absent: None,
        folded: true,
        ladder: |reach| reach.distances(0),
        read: |kind| match kind {
            DetectorKind::Threshold(limits) => Some(limits.hysteresis),
            _ => None,
        },
        write: |kind, distance| {
            if let DetectorKind::Threshold(limits) = kind {
                limits.hysteresis = distance;
                keep_room(limits);
            }
        },
    },
    Setting {
        test_id: "detector-floor",
        label: "Floor",
        about: "The least deviation, in the unit of the series, where most points are equal.",
        unit: Unit::Series,
        absent: None,
        folded: true,
        ladder: |reach| reach.distances(0),
        read: |kind| match kind {
            DetectorKind::RobustZscore(robust) => Some(robust.floor),
            _ => None,
        },
        write: |kind, deviation| {
            if let DetectorKind::RobustZscore(robust) = kind {
                robust.floor = deviation;
            }
        },
    },
    Setting {
        test_id: "detector-min-points",
        label: "Speaks after",
        about: "How many past points it needs before it speaks.",
        unit: Unit::Points,
        absent: Some((0.0, "10 points, as usual")),
        folded: true,
        ladder: |_| LEAST_POINTS.to_vec(),
        read: |kind| min_points(&mut kind.clone()).map(|points| points.map_or(0.0, f64::from)),
        write: |kind, points| {
            let window = kind.window().unwrap_or(u32::MAX);
            if let Some(least) = min_points(kind) {
                *least = (points > 0.0).then_some((points as u32).min(window));
            }
        },
    },
    Setting {
        test_id: "detector-warmup",
        label: "Warm-up",
        about: "How many points it learns from before it speaks.",
        unit: Unit::Points,
        absent: None,
        folded: true,
        ladder: |_| WARMUPS.to_vec(),
        read: |kind| novelty(kind).map(|novelty| f64::from(novelty.warmup)),
        write: |kind, points| {
            if let DetectorKind::Novelty(novelty) = kind {
                novelty.warmup = points as u32;
            }
        },
    },
    Setting {
        test_id: "detector-rest",
        label: "Rest",
        about: "For how long it rests after an anomaly, as a share of the points so far.",
        unit: Unit::Share,
        absent: None,
        folded: true,
        ladder: |_| RESTS.to_vec(),
        read: |kind| novelty(kind).map(|novelty| novelty.rest),
        write: |kind, share| {
            if let DetectorKind::Novelty(novelty) = kind {
                novelty.rest = share;
            }
        },
    },
    Setting {
        test_id: "detector-max-rest",
        label: "Longest rest",
        about: "The longest rest after an anomaly.",
        unit: Unit::Points,
        absent: None,
        folded: true,
        ladder: |_| LONGEST_RESTS.to_vec(),
        read: |kind| novelty(kind).map(|novelty| f64::from(novelty.max_rest)),
        write: |kind, points| {
            if let DetectorKind::Novelty(novelty) = kind {
                novelty.max_rest = points as u32;
            }
        },
    },
];

/// The hysteresis is at most what the limits are apart.
fn keep_room(limits: &mut ThresholdSpec) {
    if let (Some(below), Some(above)) = (limits.below, limits.above) {
        limits.hysteresis = limits.hysteresis.min(above - below);
    }
}

fn set_threshold(kind: &mut DetectorKind, score: f64) {
    if let Some(threshold) = kind.threshold_mut() {
        *threshold = score;
    }
}

fn alpha(kind: &DetectorKind) -> Option<f64> {
    match kind {
        DetectorKind::Ewma(EwmaSpec { alpha, .. }) | DetectorKind::Seasonal(SeasonalSpec { alpha, .. }) => {
            Some(*alpha)
        }
        DetectorKind::PageHinkley(page_hinkley) => page_hinkley.alpha,
        _ => None,
    }
}

fn novelty(kind: &DetectorKind) -> Option<&NoveltySpec> {
    match kind {
        DetectorKind::Novelty(novelty) => Some(novelty),
        _ => None,
    }
}

fn min_points(kind: &mut DetectorKind) -> Option<&mut Option<u32>> {
    match kind {
        DetectorKind::Zscore(ZscoreSpec { min_points, .. })
        | DetectorKind::RobustZscore(RobustZscoreSpec { min_points, .. })
        | DetectorKind::Ewma(EwmaSpec { min_points, .. })
        | DetectorKind::Seasonal(SeasonalSpec { min_points, .. })
        | DetectorKind::Cusum(CusumSpec { min_points, .. })
        | DetectorKind::PageHinkley(PageHinkleySpec { min_points, .. }) => Some(min_points),
        _ => None,
    }
}

/// A yes or no of a kind of detector.
pub(crate) struct Switch {
    pub(crate) test_id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) about: &'static str,
    /// Whether it is on, where this detector has it.
    pub(crate) read: fn(&DetectorKind) -> Option<bool>,
    pub(crate) write: fn(&mut DetectorKind, bool),
}

/// Every switch there is.
pub(crate) const SWITCHES: [Switch; 2] = [
    Switch {
        test_id: "include-current",
        label: "The point counts as its own past",
        about: "The textbook mistake, to see what it hides: an outlier widens the band that it is held against.",
        read: |kind| match kind {
            DetectorKind::Zscore(zscore) => Some(zscore.include_current),
            _ => None,
        },
        write: |kind, on| {
            if let DetectorKind::Zscore(zscore) = kind {
                zscore.include_current = on;
            }
        },
    },
    Switch {
        test_id: "detector-fading",
        label: "The past fades instead of ending",
        about: "Mean and deviation fade with alpha, or are those of a window.",
        read: |kind| match kind {
            DetectorKind::PageHinkley(page_hinkley) => Some(page_hinkley.alpha.is_some()),
            _ => None,
        },
        write: |kind, on| {
            if let DetectorKind::PageHinkley(page_hinkley) = kind {
                page_hinkley.alpha = on.then_some(ALPHA);
                page_hinkley.window = (!on).then_some(WINDOW);
                page_hinkley.min_points = None;
            }
        },
    },
];

/// A detector of another kind, with what it can take over of the one before.
pub(crate) fn of_kind(
    name: &str,
    before: Option<&DetectorKind>,
    reach: Reach,
    every: Millis,
) -> DetectorKind {
    let window = before.and_then(DetectorKind::window).unwrap_or(WINDOW);
    let alpha = before.and_then(alpha).unwrap_or(ALPHA);
    // A score is told from chance by three deviations, a sum of scores by five.
    let threshold = before.filter(|kind| is_score(kind)).and_then(DetectorKind::threshold).unwrap_or(3.0);
    let (drift, sum, min_points) = (0.5, 5.0, None);
    match name {
        "robust_zscore" => {
            DetectorKind::RobustZscore(RobustZscoreSpec { window, threshold, min_points, floor: 0.0 })
        }
        "ewma" => DetectorKind::Ewma(EwmaSpec { alpha, threshold, min_points }),
        "seasonal" => DetectorKind::Seasonal(SeasonalSpec { period: None, alpha, threshold, min_points }),
        "cusum" => DetectorKind::Cusum(CusumSpec { window, drift, threshold: sum, min_points }),
        "page_hinkley" => {
            let window = Some(window);
            DetectorKind::PageHinkley(PageHinkleySpec {
                window,
                alpha: None,
                drift,
                threshold: sum,
                min_points,
            })
        }
        "rate_of_change" => {
            let threshold = round((reach.high - reach.low).max(reach.step()) / 4.0);
            DetectorKind::RateOfChange(RateOfChangeSpec { per: every, threshold })
        }
        "absence" => DetectorKind::Absence(AbsenceSpec { after: Millis(5 * every.0) }),
        "threshold" => {
            let far = reach.low + 0.8 * (reach.high - reach.low);
            let above = Some((far / reach.step()).ceil() * reach.step());
            DetectorKind::Threshold(ThresholdSpec { above, below: None, hysteresis: 0.0 })
        }
        "novelty" => DetectorKind::Novelty(NoveltySpec::default()),
        _ => DetectorKind::Zscore(ZscoreSpec { window, threshold, min_points, include_current: false }),
    }
}

/// Whether a point's score is its own distance, and not a sum of such.
fn is_score(kind: &DetectorKind) -> bool {
    is_in_deviations(kind) && !matches!(kind, DetectorKind::Cusum(_) | DetectorKind::PageHinkley(_))
}

/// Puts a z-score on the series that is watched, and a rule on it; nothing where numbers are missing.
pub(crate) fn add(spec: &mut Spec, watch: Watch) {
    let Watch::Aggregate { query, aggregate } = watch else { return };
    let Some(of) = spec.query.get(query as usize) else { return };
    let Some(aggregate) = of.aggregates.get(aggregate as usize) else { return };
    let on = format!("{}.{aggregate}", of.name);
    let name = free("anomaly", spec.detector.iter().map(|detector| detector.name.as_str()));
    let kind = of_kind("zscore", None, Reach::default(), Millis(0));
    spec.detector.push(DetectorSpec { name: name.clone(), on, by: Vec::new(), kind });
    add_rule(spec, &name);
}

/// Puts a rule on a detector.
pub(crate) fn add_rule(spec: &mut Spec, detector: &str) {
    let name = free(&format!("{detector}_alert"), spec.alert.iter().map(|rule| rule.name.as_str()));
    let severity = "warning".to_owned();
    spec.alert.push(AlertSpec { name, when: detector.to_owned(), severity, ..AlertSpec::default() });
}

/// A name that is not taken: with a number behind it if it has to be.
fn free<'a>(wanted: &str, taken: impl Iterator<Item = &'a str> + Clone) -> String {
    let is_free = |name: &String| taken.clone().all(|taken| taken != name);
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// Whether a detector can judge the series that is watched: a list is no number.
pub(crate) fn can_judge(spec: &Spec, watch: Watch) -> bool {
    match watch {
        Watch::Points { .. } => true,
        Watch::Aggregate { query, aggregate } => {
            let query = spec.query.get(query as usize);
            let aggregate = query.and_then(|query| query.aggregates.get(aggregate as usize));
            aggregate.is_some_and(kappascope_core::aggregate::Aggregate::is_number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        kappascope_scenario::open("tutorial", 1, Some(1)).expect("is known").spec().clone()
    }

    fn check(kind: &DetectorKind, what: &str) {
        let mut spec = spec();
        spec.detector[0].kind = kind.clone();
        spec.check().unwrap_or_else(|error| panic!("{what}: {error}"));
    }

    fn settings(kind: &DetectorKind) -> impl Iterator<Item = &'static Setting> {
        const { &SETTINGS }.iter().filter(move |setting| (setting.read)(kind).is_some())
    }

    const REACHES: [(f64, f64); 5] = [(0.0, 1_000.0), (-30.0, 12.5), (0.001, 0.002), (7.0, 7.0), (0.0, 0.0)];

    fn reaches() -> impl Iterator<Item = Reach> {
        REACHES.into_iter().map(|(low, high)| Reach { low, high })
    }

    #[test]
    fn every_kind_runs_after_every_other() {
        for reach in reaches() {
            for (first, ..) in KINDS {
                let before = of_kind(first, None, reach, Millis(60_000));
                assert_eq!(name(&before), first);
                check(&before, first);
                for (second, ..) in KINDS {
                    check(&of_kind(second, Some(&before), reach, Millis(60_000)), second);
                }
            }
        }
    }

    #[test]
    fn every_step_of_a_ladder_runs() {
        for reach in reaches() {
            for (kind, ..) in KINDS {
                let kind = of_kind(kind, None, reach, Millis(60_000));
                for setting in settings(&kind) {
                    let ladder = (setting.ladder)(reach);
                    assert!(ladder.is_sorted_by(|a, b| a < b), "{}: {ladder:?}", setting.label);
                    for step in ladder.into_iter().filter(|step| *step != NONE || setting.label != "Above") {
                        let mut turned = kind.clone();
                        (setting.write)(&mut turned, step);
                        check(&turned, &format!("{} {} {step}", name(&kind), setting.label));
                        let read = (setting.read)(&turned).expect("the setting stays");
                        assert!(read == step || setting.label == "Speaks after", "{}: {read}", setting.label);
                    }
                }
            }
        }
    }

    #[test]
    fn limits_push_each_other() {
        let setting = |label| SETTINGS.iter().find(|setting| setting.label == label).expect("is one");
        let mut kind = of_kind("threshold", None, Reach::default(), Millis(1));
        for (label, value) in [("Hysteresis", 60.0), ("Below", 30.0), ("Above", 20.0), ("Below", 90.0)] {
            (setting(label).write)(&mut kind, value);
            check(&kind, label);
        }
        let want = ThresholdSpec { above: Some(90.0), below: Some(90.0), hysteresis: 0.0 };
        assert_eq!(kind, DetectorKind::Threshold(want));
    }

    #[test]
    fn a_switch_turns_and_turns_back() {
        for (kind, ..) in KINDS {
            let kind = of_kind(kind, None, Reach::default(), Millis(60_000));
            for switch in SWITCHES.iter().filter(|switch| (switch.read)(&kind).is_some()) {
                let mut turned = kind.clone();
                (switch.write)(&mut turned, true);
                check(&turned, switch.label);
                assert_eq!((switch.read)(&turned), Some(true));
                (switch.write)(&mut turned, false);
                assert_eq!(turned, kind);
            }
        }
    }

    #[test]
    fn thresholds_carry_over_where_they_mean_the_same() {
        let mut zscore = of_kind("zscore", None, Reach::default(), Millis(1));
        set_threshold(&mut zscore, 4.5);
        zscore.set_window(50);
        let threshold = |name| of_kind(name, Some(&zscore), Reach::default(), Millis(1)).threshold();
        assert_eq!(threshold("ewma"), Some(4.5));
        assert_eq!(threshold("cusum"), Some(5.0));
        assert_eq!(of_kind("cusum", Some(&zscore), Reach::default(), Millis(1)).window(), Some(50));
    }

    #[test]
    fn added_detectors_have_names_of_their_own() {
        let mut spec = spec();
        for aggregate in 0..2 {
            let watch = Watch::Aggregate { query: 0, aggregate };
            add(&mut spec, watch);
            assert!(watch.detector(&spec).is_some());
        }
        spec.check().expect("runs");
        let names: Vec<&str> = spec.detector.iter().map(|detector| detector.name.as_str()).collect();
        assert_eq!(names, ["value", "anomaly", "anomaly_2"]);
        assert_eq!(spec.alert.len(), 3);
    }

    #[test]
    fn steps_are_round() {
        for (number, want) in [(0.034, 0.05), (1.0, 1.0), (1.1, 2.0), (7.0, 10.0), (300.0, 500.0)] {
            assert!((round(number) - want).abs() < 1e-9 * want, "{number}: {}", round(number));
        }
    }
}
