//! The one threshold for a whole corpus that scores best, as NAB chooses it for each detector and profile.
//!
//! A threshold that falls from above all scores to below them lets one row after the other alert. What a
//! series comes to changes only there, so its [`Steps`] hold all that it can come to, and those of all
//! series, merged, all that the corpus can.
//!
//! ```text
//!   score ≥   9    7     4      3        threshold
//!   series A  0 ──►hit ─────────►false
//!   series B  0 ─────────►hit ───────►   ⇒ best between 4 and 3
//! ```
//!
//! **Invariant:** the best of a sweep is what the corpus scores at its threshold, and no threshold scores more.

use crate::score::{Mark, Marks, Profile, Tally};

/// How alerts follow from scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rest {
    /// Each row whose score is at least the threshold is one.
    None,
    /// After an alert a series is silent for this share of its rows so far. It begins behind the
    /// probation, as an alert on probation would silence those that count.
    Share(f64),
}

impl Rest {
    /// Whether a row comes too soon after the last alert.
    fn holds(self, last: usize, row: usize) -> bool {
        match self {
            Self::None => false,
            Self::Share(share) => (row - last) as f64 <= share * row as f64,
        }
    }
}

/// The alerts of a series, in order.
pub fn alerts(scores: &[f64], marks: &[Mark], threshold: f64, rest: Rest) -> impl Iterator<Item = usize> {
    let mut last = None;
    (0..scores.len()).filter(move |&row| {
        let alert = scores[row] >= threshold
            && marks[row] != Mark::Probation
            && last.is_none_or(|last| !rest.holds(last, row));
        if alert {
            last = Some(row);
        }
        alert
    })
}

/// What a series comes to as the threshold falls.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// From which threshold downwards, the highest first, and the tally there.
    steps: Vec<(f64, Tally)>,
}

impl Steps {
    /// Of a series with so many windows.
    #[must_use]
    pub fn of(scores: &[f64], windows: usize, marks: &[Mark], rest: Rest) -> Self {
        let mut rows: Vec<usize> = (0..scores.len())
            .filter(|&row| marks[row] != Mark::Probation && scores[row] > f64::NEG_INFINITY)
            .collect();
        rows.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let mut alive = Alive::new(scores, marks, windows, rest);
        let mut steps = Vec::new();
        for rows in rows.chunk_by(|&a, &b| scores[a] == scores[b]) {
            if alive.take(rows) {
                steps.push((scores[rows[0]], alive.tally));
            }
        }
        Self { steps }
    }

    /// The tally at a threshold, of a series with so many windows.
    #[must_use]
    pub fn at(&self, threshold: f64, windows: usize) -> Tally {
        let below = self.steps.partition_point(|(from, _)| *from >= threshold);
        below.checked_sub(1).map_or(Tally::silent(windows), |step| self.steps[step].1)
    }
}

/// A series under a falling threshold.
struct Alive<'a> {
    scores: &'a [f64],
    marks: &'a [Mark],
    windows: usize,
    rest: Rest,
    alerts: Vec<usize>,
    first_hits: Vec<f64>,
    tally: Tally,
}

impl<'a> Alive<'a> {
    fn new(scores: &'a [f64], marks: &'a [Mark], windows: usize, rest: Rest) -> Self {
        let (alerts, first_hits) = (Vec::new(), vec![0.0; windows]);
        Self { scores, marks, windows, rest, alerts, first_hits, tally: Tally::silent(windows) }
    }

    /// Lets rows of one score alert; says whether anything changed.
    fn take(&mut self, rows: &[usize]) -> bool {
        match self.rest {
            Rest::None => rows.iter().for_each(|&row| self.add(row)),
            Rest::Share(_) if rows.iter().all(|&row| self.is_covered(row)) => return false,
            Rest::Share(_) => self.walk(self.scores[rows[0]]),
        }
        true
    }

    /// Without rests an alert changes nothing for the others but for the first one of its window.
    fn add(&mut self, row: usize) {
        match self.marks[row] {
            Mark::Probation => {}
            Mark::FalseAlarm(worth) => self.tally.false_alarms += worth,
            Mark::Hit(window, worth) => {
                let first = &mut self.first_hits[window];
                self.tally.missed -= f64::from(u8::from(*first == 0.0));
                self.tally.hits += (worth - *first).max(0.0);
                *first = first.max(worth);
            }
        }
    }

    /// Whether a row falls into the rest of an alert before it, so that nothing changes.
    fn is_covered(&self, row: usize) -> bool {
        let before = self.alerts.partition_point(|&alert| alert < row);
        before.checked_sub(1).is_some_and(|alert| self.rest.holds(self.alerts[alert], row))
    }

    fn walk(&mut self, threshold: f64) {
        self.alerts.clear();
        self.alerts.extend(alerts(self.scores, self.marks, threshold, self.rest));
        self.tally = Tally::of(self.windows, self.marks, self.alerts.iter().copied());
    }
}

/// The best threshold of a corpus, and what it scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// An alert is a score of at least this.
    pub threshold: f64,
    /// Between 0 and 100.
    pub score: f64,
}

/// The steps of each series of a corpus, by the scores of its rows.
#[must_use]
pub fn steps(scores: &[Vec<f64>], marks: &Marks, rest: Rest) -> Vec<Steps> {
    let series = scores.iter().zip(&marks.series);
    series.map(|(scores, (windows, marks))| Steps::of(scores, *windows, marks, rest)).collect()
}

/// The threshold at which these series together score most; above all scores when silence is best.
#[must_use]
pub fn best(series: &[(usize, &Steps)], profile: &Profile) -> Best {
    let windows = series.iter().map(|(windows, _)| windows).sum();
    let mut changes: Vec<(f64, Tally)> = Vec::new();
    for (windows, Steps { steps }) in series {
        let mut before = Tally::silent(*windows);
        for (threshold, tally) in steps {
            changes.push((*threshold, tally.minus(before)));
            before = *tally;
        }
    }
    changes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut tally = Tally::silent(windows);
    let mut best = Best { threshold: f64::INFINITY, score: 0.0 };
    for same in changes.chunk_by(|(a, _), (b, _)| a == b) {
        tally = same.iter().fold(tally, |tally, (_, change)| tally.plus(*change));
        let score = tally.score(profile, windows);
        if score > best.score {
            best = Best { threshold: same[0].0, score };
        }
    }
    best
}

/// What these series together score at a threshold.
#[must_use]
pub fn score_at(series: &[(usize, &Steps)], threshold: f64, profile: &Profile) -> f64 {
    let windows = series.iter().map(|(windows, _)| windows).sum();
    let tallies = series.iter().map(|(windows, steps)| steps.at(threshold, *windows));
    tallies.fold(Tally::default(), Tally::plus).score(profile, windows)
}
