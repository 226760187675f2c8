//! What alerts are worth in NAB: early in a window is good, outside a window is bad, and less so right
//! behind one.
//!
//! ```text
//!            probation     window                        worth of an alert, σ(y) = 2 / (1 + e^5y) − 1
//!   row   ├──────────────┤     ├───────────┤
//!   y                     −1 in the window 0  1    2    3 ─►
//!   σ        not scored   −1  +1 ··· ··· 0     −0.99 ··· −1
//! ```
//!
//! In a window only the first alert counts. Before any window an alert is worth −1.
//!
//! **Invariant:** no alert at all scores 0, one at the first row of each window 100, whatever the profile.
//!
//! Definition: Lavin and Ahmad 2015, *Evaluating real-time anomaly detection algorithms*, and NAB v1.1's
//! `nab/sweeper.py` where the paper leaves something open.

use crate::corpus::{Corpus, Series};
use crate::sweep::Steps;

/// Share of a series that is not scored, so that a detector can learn.
const PROBATION_SHARE: f64 = 0.15;

/// The longest series of which that is a share; of longer ones it is as many rows as of this.
const PROBATION_OF_ROWS: f64 = 5_000.0;

/// From so many window lengths behind a window on, an alert is worth −1.
const FAR: f64 = 3.0;

/// What hits, false alarms and misses weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// As NAB calls it.
    pub name: &'static str,
    hit: f64,
    false_alarm: f64,
    miss: f64,
}

/// NAB's three profiles.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "standard", hit: 1.0, false_alarm: 0.11, miss: 1.0 },
    Profile { name: "reward_low_FP_rate", hit: 1.0, false_alarm: 0.22, miss: 1.0 },
    Profile { name: "reward_low_FN_rate", hit: 1.0, false_alarm: 0.11, miss: 2.0 },
];

/// What an alert at a row is worth, before it is weighed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// Nothing: the detector is still on probation.
    Probation,
    /// So much, if it is the first in the window of this number.
    Hit(usize, f64),
    /// So much, which is below 0.
    FalseAlarm(f64),
}

/// How many rows of a series are not scored.
#[must_use]
pub fn probation(rows: usize) -> usize {
    let share = (PROBATION_SHARE * rows as f64).floor();
    share.min(PROBATION_SHARE * PROBATION_OF_ROWS) as usize
}

/// The mark of each row of a series.
#[must_use]
pub fn marks(series: &Series) -> Vec<Mark> {
    let rows = series.values.len();
    let probation = probation(rows);
    let mut next = 0;
    (0..rows)
        .map(|row| {
            while series.windows.get(next).is_some_and(|window| *window.end() < row) {
                next += 1;
            }
            if row < probation { Mark::Probation } else { mark(series, next, row) }
        })
        .collect()
}

/// The mark of a row on which, or behind which, lies the window `next`.
fn mark(series: &Series, next: usize, row: usize) -> Mark {
    if let Some(window) = series.windows.get(next).filter(|window| window.contains(&row)) {
        let width = (window.end() - window.start() + 1) as f64;
        let left = (window.end() - row + 1) as f64;
        return Mark::Hit(next, worth(-left / width) / worth(-1.0));
    }
    let Some(before) = next.checked_sub(1).map(|before| &series.windows[before]) else {
        return Mark::FalseAlarm(-1.0);
    };
    let (behind, length) = ((row - before.end()) as f64, (before.end() - before.start()) as f64);
    Mark::FalseAlarm(worth(behind / length))
}

/// σ of a place relative to a window: −1 at its first row, 0 behind its last, 1 one length further.
fn worth(place: f64) -> f64 {
    if place >= FAR { -1.0 } else { 2.0 / (1.0 + libm::exp(5.0 * place)) - 1.0 }
}

/// What some alerts come to, for any profile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// The worth of the first alert of each window that has one.
    pub hits: f64,
    /// The worth of the alerts outside windows, below 0.
    pub false_alarms: f64,
    /// How many windows have no alert.
    pub missed: f64,
}

impl Tally {
    /// Of no alerts in so many windows.
    #[must_use]
    pub fn silent(windows: usize) -> Self {
        Self { missed: windows as f64, ..Self::default() }
    }

    /// Of alerts at some rows of a series, in order.
    pub fn of(windows: usize, marks: &[Mark], alerts: impl IntoIterator<Item = usize>) -> Self {
        let mut tally = Self::silent(windows);
        let mut hit = None;
        for row in alerts {
            match marks[row] {
                Mark::Probation => {}
                Mark::FalseAlarm(worth) => tally.false_alarms += worth,
                Mark::Hit(window, _) if hit == Some(window) => {}
                Mark::Hit(window, worth) => {
                    hit = Some(window);
                    tally.hits += worth;
                    tally.missed -= 1.0;
                }
            }
        }
        tally
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            false_alarms: self.false_alarms + other.false_alarms,
            missed: self.missed + other.missed,
        }
    }

    /// What there is more in this than in the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            hits: self.hits - other.hits,
            false_alarms: self.false_alarms - other.false_alarms,
            missed: self.missed - other.missed,
        }
    }

    /// The score between silence, 0, and perfection, 100, where there are so many windows.
    #[must_use]
    pub fn score(&self, profile: &Profile, windows: usize) -> f64 {
        let windows = windows as f64;
        let silent = -profile.miss * windows;
        let raw =
            profile.hit * self.hits + profile.false_alarm * self.false_alarms - profile.miss * self.missed;
        100.0 * (raw - silent) / (profile.hit * windows - silent)
    }
}

/// The marks of a corpus, series by series.
#[derive(Clone, Debug)]
pub struct Marks {
    /// Of each series: its number of windows, and the mark of each row.
    pub series: Vec<(usize, Vec<Mark>)>,
}

impl Marks {
    /// Of all series.
    #[must_use]
    pub fn of(corpus: &Corpus) -> Self {
        let series = corpus.series.iter().map(|series| (series.windows.len(), marks(series)));
        Self { series: series.collect() }
    }

    /// What all series come to, each with its number of windows.
    #[must_use]
    pub fn with<'a>(&self, steps: &'a [Steps]) -> Vec<(usize, &'a Steps)> {
        self.series.iter().map(|(windows, _)| *windows).zip(steps).collect()
    }

    /// The same of some series.
    #[must_use]
    pub fn some<'a>(&self, steps: &'a [Steps], which: &[usize]) -> Vec<(usize, &'a Steps)> {
        which.iter().map(|&series| (self.series[series].0, &steps[series])).collect()
    }
}
