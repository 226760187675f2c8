//! A sweep: every setting over the same log, the best chosen on the first part of it and judged on the rest.
//!
//! ```text
//!   log   ├────────── train ──────────┼─────── test ───────┤
//!         every setting is judged      the chosen one is judged on what it has not seen
//!         here, the cheapest is chosen
//! ```
//!
//! **Invariant:** nothing that happens in the test part has a say in the choice. Of every setting the outcome
//! is kept, the alerts of the chosen one only: all of them could take more memory than the log.

use crate::judge::{Judge, Outcome, Part, interval};
use crate::label::Label;
use crate::run::{Alert, alerts, each};
use crate::setting::Setting;
use kappascope_core::{Log, SpecError};
use serde::Serialize;

/// From this width on, an interval of 95 % leaves a share open: 0.5 and 0.9 could be the same.
pub const TOO_WIDE: f64 = 0.4;

/// How a sweep is to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// What a miss costs, in false alarms.
    pub miss_cost: f64,
    /// The share of the log's time that the choice is made on; the rest tests it. 1: no test.
    pub train: f64,
}

/// A setting with what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// The value of each parameter, as written.
    pub values: Vec<String>,
    /// In the part that the choice is made on.
    pub train: Outcome,
}

/// A sweep that was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// All of the log's event time.
    pub whole: Part,
    /// What the choice was made on.
    pub train: Part,
    /// What it was tested on; none when the choice was made on everything.
    pub test: Option<Part>,
    /// Every setting, as given.
    pub tried: Vec<Tried>,
    /// The cheapest on the training part: of several, those with the fewest alerts, and the middle of them.
    pub chosen: usize,
    /// Every alert of the chosen one, in both parts.
    pub alerts: Vec<Alert>,
    /// What came of the chosen one in the test part.
    pub tested: Option<Outcome>,
    /// Labels that lie outside the log's time, at least in part.
    pub outside: u64,
}

/// Runs every setting over the log and chooses the cheapest.
///
/// # Errors
/// When a pipeline cannot run.
///
/// # Panics
/// Without a setting.
pub fn sweep(settings: &[Setting], log: &Log, labels: &[Label], rules: Rules) -> Result<Sweep, SpecError> {
    let whole = whole(log);
    let cut = whole.from + ((whole.until - whole.from) as f64 * rules.train) as i64;
    let (train, test) = (Part { until: cut, ..whole }, Part { from: cut, ..whole });
    let judge = Judge::new(labels);
    let untried = |setting: &Setting| Tried { values: setting.values.clone(), train: Outcome::default() };
    let mut tried: Vec<Tried> = settings.iter().map(untried).collect();
    let mut last = None;
    each(settings, log, |s, alerts| {
        tried[s].train = judge.outcome(&alerts, train);
        last = Some((s, alerts));
    })?;
    let chosen = cheapest(&tried, rules.miss_cost);
    let alerts = match last {
        Some((s, alerts)) if s == chosen => alerts,
        _ => alerts(&settings[chosen], log)?,
    };
    let test = Some(test).filter(|_| rules.train < 1.0);
    let tested = test.map(|test| judge.outcome(&alerts, test));
    let is_outside = |label: &&Label| label.start < whole.from || label.end >= whole.until;
    let outside = labels.iter().filter(is_outside).count() as u64;
    Ok(Sweep { whole, train, test, tried, chosen, alerts, tested, outside })
}

/// From the oldest event to the newest.
fn whole(log: &Log) -> Part {
    let rows = log.read(log.start(), usize::MAX);
    let times = rows.time();
    Part {
        from: times.iter().min().copied().unwrap_or(0),
        until: times.iter().max().map_or(0, |newest| newest + 1),
    }
}

/// Of several that are as good, the middle one: far from where they cease to be.
fn cheapest(tried: &[Tried], miss_cost: f64) -> usize {
    let rank = |tried: &Tried| (tried.train.cost(miss_cost), tried.train.alerts);
    let best = tried.iter().map(rank).min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let as_good: Vec<usize> = (0..tried.len()).filter(|i| Some(rank(&tried[*i])) == best).collect();
    as_good[(as_good.len() - 1) / 2]
}

/// What is too little to say anything of, in the part whose outcome is given: what, and within which
/// bounds it could lie.
#[must_use]
pub fn too_small(outcome: &Outcome) -> Vec<(&'static str, f64, f64)> {
    let shares = [("precision", outcome.right, outcome.alerts), ("recall", outcome.met, outcome.labels)];
    let bounds = shares.into_iter().map(|(what, part, all)| (what, interval(part, all)));
    bounds
        .filter(|(_, (low, high))| high - low > TOO_WIDE)
        .map(|(what, (low, high))| (what, low, high))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(costs: &[(usize, u64)]) -> Vec<Tried> {
        let outcome = |&(missed, alerts): &(usize, u64)| Outcome {
            missed: vec![0; missed],
            alerts,
            ..Outcome::default()
        };
        costs.iter().map(|cost| Tried { values: Vec::new(), train: outcome(cost) }).collect()
    }

    #[test]
    fn the_middle_of_the_cheapest_is_chosen() {
        assert_eq!(cheapest(&tried(&[(3, 1)]), 10.0), 0);
        assert_eq!(cheapest(&tried(&[(3, 1), (1, 9), (1, 9), (1, 9), (1, 9), (2, 1)]), 10.0), 2);
        // Among the cheapest, fewer alerts are better.
        assert_eq!(cheapest(&tried(&[(1, 9), (1, 4), (1, 9)]), 10.0), 1);
    }

    #[test]
    fn the_test_part_has_no_say_in_the_choice() {
        let mut world = kappascope_scenario::open("website", 3, Some(200_000)).unwrap();
        let mut log = Log::new(&world.spec().schema);
        while world.fill(&mut log, 10_000) > 0 {}
        let parameter = "detector.threshold=2:6:0.5".parse().unwrap();
        let settings = crate::setting::settings(world.spec(), &[parameter]).unwrap();
        let whole = whole(&log);
        let at = |from: f64| whole.from + ((whole.until - whole.from) as f64 * from) as i64;
        let label = |from: f64| Label {
            what: String::new(),
            start: at(from),
            end: at(from) + 600_000,
            key: Vec::new(),
        };
        let rules = Rules { miss_cost: 10.0, train: 0.5 };
        let first = [label(0.1), label(0.3)];
        let chosen = sweep(&settings, &log, &first, rules).unwrap();
        let again = alerts(&settings[chosen.chosen], &log).unwrap();
        assert_eq!(chosen.alerts, again, "the alerts are those of the chosen setting");
        assert_eq!(Judge::new(&first).outcome(&again, chosen.train), chosen.tried[chosen.chosen].train);
        assert_eq!((chosen.train.until, chosen.test.unwrap().from), (at(0.5), at(0.5)));
        for later in [vec![label(0.6)], (0..40).map(|i| label(0.5 + f64::from(i) / 100.0)).collect()] {
            let labels = [&first[..], &later].concat();
            let other = sweep(&settings, &log, &labels, rules).unwrap();
            assert_eq!(other.chosen, chosen.chosen);
            assert!(other.tried.iter().zip(&chosen.tried).all(|(a, b)| a.train == b.train));
            assert_ne!(other.tested, chosen.tested);
        }
    }
}
