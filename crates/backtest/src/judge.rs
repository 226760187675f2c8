//! Alerts held against what really happened: caught, missed, and cried wolf.
//!
//! ```text
//!   labels      ■■■■■■            ■            ■■■        3 labels, 2 met: recall 0.67
//!   alerts         ▲▲▲▲     ▲▲    ▲▲                      3 alerts, 2 right: precision 0.67
//!               ├──┤ time to detect
//! ```
//!
//! An alert is about the time from the start of the window that began it to the end of its condition. It
//! is right when that time and the key meet a label's; a label is met when an alert is right about it.
//!
//! **Invariant:** of a part of time, every label and alert in it is counted once: met or missed, right or
//! false. A label that reaches over the part's edge cannot be judged by it, nor can an alert about it; and
//! an alert that fires later does not help.

use crate::label::Label;
use crate::run::Alert;
use serde::Serialize;

/// A part of event time: `from` up to, but not including, `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// First moment.
    pub from: i64,
    /// One past the last moment.
    pub until: i64,
}

/// What came of a setting in a part of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// How many days the part is long.
    pub days: f64,
    /// Labels in the part.
    pub labels: u64,
    /// Labels that an alert met.
    pub met: u64,
    /// Alerts that fired in the part.
    pub alerts: u64,
    /// Alerts that met a label.
    pub right: u64,
    /// From the start of each label that was met to when the first alert about it could be known, in
    /// milliseconds, ascending.
    pub delays_ms: Vec<i64>,
    /// Which labels were missed, by their index.
    pub missed: Vec<usize>,
    /// Which alerts were false, by their index.
    pub false_alarms: Vec<usize>,
    /// Labels that reach over the edge of the part, and alerts about labels that do not lie in it: not
    /// counted above.
    pub unjudged: u64,
}

/// Holds alerts against labels.
#[derive(Clone, Debug)]
pub struct Judge<'a> {
    labels: &'a [Label],
    /// Indices of labels by their start, with the latest end of all up to there.
    by_start: Vec<(usize, i64)>,
}

impl<'a> Judge<'a> {
    /// A judge who knows what happened.
    #[must_use]
    pub fn new(labels: &'a [Label]) -> Self {
        let mut by_start: Vec<(usize, i64)> = (0..labels.len()).map(|i| (i, labels[i].end)).collect();
        by_start.sort_by_key(|(i, _)| (labels[*i].start, *i));
        by_start.iter_mut().fold(i64::MIN, |latest, (_, end)| {
            *end = latest.max(*end);
            *end
        });
        Self { labels, by_start }
    }

    /// What came of these alerts in a part of time.
    #[must_use]
    pub fn outcome(&self, alerts: &[Alert], part: Part) -> Outcome {
        let mut first_known: Vec<Option<i64>> = vec![None; self.labels.len()];
        let mut outcome =
            Outcome { days: (part.until - part.from) as f64 / 86_400_000.0, ..Outcome::default() };
        let fired_within = alerts.iter().enumerate().filter(|(_, alert)| part.contains(alert.fired));
        for (a, alert) in fired_within {
            let (mut within, mut across) = (false, false);
            self.each_met(alert, part.until, |l| {
                let label = &self.labels[l];
                if part.has(label) {
                    within = true;
                    first_known[l] = Some(first_known[l].map_or(alert.known, |known| known.min(alert.known)));
                } else {
                    across = true;
                }
            });
            match (within, across) {
                (false, true) => outcome.unjudged += 1,
                _ => outcome.count(a, within),
            }
        }
        self.labels.iter().enumerate().for_each(|(l, label)| outcome.settle(l, label, first_known[l], part));
        outcome.delays_ms.sort_unstable();
        outcome
    }

    /// Every label that an alert meets before a moment.
    fn each_met(&self, alert: &Alert, before: i64, mut take: impl FnMut(usize)) {
        let until = alert.until.unwrap_or(i64::MAX).min(before);
        let started =
            self.by_start.partition_point(|(l, _)| self.labels[*l].start < until.max(alert.since + 1));
        let candidates =
            self.by_start[..started].iter().rev().take_while(|(_, latest)| *latest >= alert.since);
        for &(l, _) in candidates {
            if self.labels[l].end >= alert.since && agree(&alert.key, &self.labels[l].key) {
                take(l);
            }
        }
    }
}

/// Whether no column that both name has two values, and there is such a column: an alert on an address says
/// nothing of an account. Who names no column means everyone.
fn agree(alert: &[(String, String)], label: &[(String, String)]) -> bool {
    let mut of_both = label
        .iter()
        .flat_map(|(column, value)| {
            alert.iter().filter(move |(of, _)| of == column).map(move |(_, is)| is == value)
        })
        .peekable();
    (of_both.peek().is_some() || alert.is_empty() || label.is_empty()) && of_both.all(|equal| equal)
}

impl Part {
    fn contains(self, time: i64) -> bool {
        (self.from..self.until).contains(&time)
    }

    /// Whether all of a label lies in it.
    fn has(self, label: &Label) -> bool {
        self.contains(label.start) && self.contains(label.end)
    }

    /// Whether any of a label lies in it.
    fn meets(self, label: &Label) -> bool {
        label.start.max(self.from) < (label.end + 1).min(self.until)
    }
}

impl Outcome {
    fn count(&mut self, alert: usize, right: bool) {
        self.alerts += 1;
        self.right += u64::from(right);
        if !right {
            self.false_alarms.push(alert);
        }
    }

    fn settle(&mut self, l: usize, label: &Label, known: Option<i64>, part: Part) {
        if !part.has(label) {
            self.unjudged += u64::from(part.meets(label));
            return;
        }
        self.labels += 1;
        match known {
            None => self.missed.push(l),
            Some(known) => {
                self.met += 1;
                self.delays_ms.push((known - label.start).max(0));
            }
        }
    }

    /// Alerts that are right, of all; none when there is no alert.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.alerts)
    }

    /// Labels that are met, of all; none when there is no label.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.met, self.labels)
    }

    /// The harmonic mean of precision and recall: 0 when either is, none without labels.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let (precision, recall) = (self.precision().unwrap_or(0.0), self.recall()?);
        Some(if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 })
    }

    /// Alerts a day.
    #[must_use]
    pub fn alerts_per_day(&self) -> f64 {
        if self.days > 0.0 { self.alerts as f64 / self.days } else { 0.0 }
    }

    /// What the misses and the false alarms cost together, in false alarms, where a miss costs so many.
    #[must_use]
    pub fn cost(&self, of_a_miss: f64) -> f64 {
        self.missed.len() as f64 * of_a_miss + self.false_alarms.len() as f64
    }

    /// The delay that this share of the labels met did not exceed (nearest rank); none when none was met.
    #[must_use]
    pub fn delay_ms(&self, share: f64) -> Option<i64> {
        let rank = (self.delays_ms.len() as f64 * share).ceil().max(1.0) as usize;
        self.delays_ms.get(rank - 1).copied()
    }
}

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

/// Where a share lies of which so many of so many cases are known, in 95 of 100 samples.
/// Wilson 1927, *Probable inference, the law of succession, and statistical inference*.
#[must_use]
pub fn interval(part: u64, all: u64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (all as f64, part as f64 / all as f64);
    let middle = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(key: u8) -> Vec<(String, String)> {
        match key {
            0 => Vec::new(),
            1 | 2 => vec![("user".to_owned(), key.to_string())],
            3 => vec![("page".to_owned(), key.to_string())],
            _ => vec![("user".to_owned(), "1".to_owned()), ("page".to_owned(), key.to_string())],
        }
    }

    fn label((start, length, of): (i64, i64, u8)) -> Label {
        Label { what: String::new(), start, end: start + length, key: key(of) }
    }

    fn alert((since, wait, delay, length, of): (i64, i64, i64, i64, u8)) -> Alert {
        let fired = since + wait;
        let until = (length < 15).then_some(fired + length);
        Alert { rule: 0, key: key(of), since, fired, known: fired + delay, until, value: 1.0, score: 1.0 }
    }

    /// Whether an alert is about a label, moment by moment.
    fn meets(alert: &Alert, label: &Label, part: Part) -> bool {
        let until = alert.until.unwrap_or(1_000).min(part.until);
        let about = |time: i64| time == alert.since || (alert.since..until).contains(&time);
        let together = (label.start..=label.end).any(about);
        let differ = |(column, value): &(String, String)| {
            alert.key.iter().find(|(of, _)| of == column).is_some_and(|(_, is)| is != value)
        };
        let named = |(column, _): &(String, String)| alert.key.iter().any(|(of, _)| of == column);
        let anyone = alert.key.is_empty() || label.key.is_empty();
        together && (anyone || label.key.iter().any(named)) && !label.key.iter().any(differ)
    }

    fn naive(labels: &[Label], alerts: &[Alert], part: Part) -> Outcome {
        let inside = |time: i64| time >= part.from && time < part.until;
        let whole = |label: &&Label| inside(label.start) && inside(label.end);
        let fired: Vec<(usize, &Alert)> =
            alerts.iter().enumerate().filter(|(_, alert)| inside(alert.fired)).collect();
        let mut outcome =
            Outcome { days: (part.until - part.from) as f64 / 86_400_000.0, ..Outcome::default() };
        for (a, alert) in &fired {
            let met: Vec<&Label> = labels.iter().filter(|label| meets(alert, label, part)).collect();
            match (met.iter().copied().any(|label| whole(&label)), met.is_empty()) {
                (false, false) => outcome.unjudged += 1,
                (right, _) => {
                    outcome.alerts += 1;
                    outcome.right += u64::from(right);
                    outcome.false_alarms.extend((!right).then_some(*a));
                }
            }
        }
        for (l, label) in labels.iter().enumerate() {
            if !whole(&label) {
                outcome.unjudged +=
                    u64::from((part.from..part.until).any(|t| t >= label.start && t <= label.end));
                continue;
            }
            outcome.labels += 1;
            let known = fired
                .iter()
                .filter(|(_, alert)| meets(alert, label, part))
                .map(|(_, alert)| alert.known)
                .min();
            outcome.met += u64::from(known.is_some());
            outcome.delays_ms.extend(known.map(|known| (known - label.start).max(0)));
            outcome.missed.extend(known.is_none().then_some(l));
        }
        outcome.delays_ms.sort_unstable();
        outcome
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn as_moment_by_moment(
            labels in prop::collection::vec((0_i64..90, prop_oneof![Just(0_i64), 0_i64..30], 0_u8..5), 0..9),
            alerts in prop::collection::vec((0_i64..90, 0_i64..9, 0_i64..9, 0_i64..20, 0_u8..5), 0..9),
            from in 0_i64..50,
            length in 0_i64..120,
        ) {
            let labels: Vec<Label> = labels.into_iter().map(label).collect();
            let alerts: Vec<Alert> = alerts.into_iter().map(alert).collect();
            let part = Part { from, until: from + length };
            prop_assert_eq!(Judge::new(&labels).outcome(&alerts, part), naive(&labels, &alerts, part));
        }

        #[test]
        fn an_interval_holds_the_share(all in 1_u64..200, part in 0_u64..200) {
            let part = part.min(all);
            let (low, high) = interval(part, all);
            let share = part as f64 / all as f64;
            prop_assert!(0.0 <= low && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
            // The ends are the shares of which this sample is just likely: (p − share)² = z² p (1 − p) / n.
            for end in [low, high].into_iter().filter(|end| *end > 0.0 && *end < 1.0) {
                let off = (end - share) * (end - share) - 3.841_458_820_694_124 * end * (1.0 - end) / all as f64;
                prop_assert!(off.abs() < 1e-9, "{part} of {all}: {end} {off}");
            }
        }
    }

    #[test]
    fn figures_by_hand() {
        let outcome = Outcome {
            days: 2.0,
            labels: 4,
            met: 3,
            alerts: 5,
            right: 3,
            delays_ms: vec![10, 20, 400],
            missed: vec![2],
            false_alarms: vec![0, 4],
            unjudged: 0,
        };
        assert_eq!((outcome.precision(), outcome.recall()), (Some(0.6), Some(0.75)));
        assert!((outcome.f1().unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!((outcome.alerts_per_day(), outcome.cost(10.0)), (2.5, 12.0));
        assert_eq!((outcome.delay_ms(0.5), outcome.delay_ms(0.9)), (Some(20), Some(400)));
        let nothing = Outcome::default();
        assert_eq!(
            (nothing.precision(), nothing.recall(), nothing.f1(), nothing.delay_ms(0.5)),
            (None, None, None, None)
        );
        assert_eq!(nothing.alerts_per_day(), 0.0);
        // No alert at all is no precision, but finds nothing.
        let silent = Outcome { labels: 3, missed: vec![0, 1, 2], ..Outcome::default() };
        assert_eq!((silent.precision(), silent.f1(), silent.cost(10.0)), (None, Some(0.0), 30.0));
        // R's binom::binom.confint(8, 10, methods = "wilson").
        let (low, high) = interval(8, 10);
        assert!((low - 0.490_162_5).abs() < 1e-6 && (high - 0.943_317_8).abs() < 1e-6, "{low} {high}");
    }
}
