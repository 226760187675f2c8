//! A sweep: every setting over the same log, the best chosen on the first part of it and judged on the rest.
//!
//! ```text
//!   log   ├────────── train ──────────┼─────── test ───────┤
//!         every setting is judged      the chosen one is judged on what it has not seen
//!         here, the cheapest is chosen
//! ```
//!
//! **Invariant:** nothing that happens in the test part has a say in the choice.

use crate::judge::{Judge, Outcome, Part, interval};
use crate::label::Label;
use crate::run::{Alert, alerts};
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
    /// Every alert, in both parts.
    pub alerts: Vec<Alert>,
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
    /// The cheapest on the training part: of several, the one with the fewest alerts, then the first.
    pub chosen: usize,
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
    let tried: Vec<Tried> = alerts(settings, log)?
        .into_iter()
        .zip(settings)
        .map(|(alerts, setting)| Tried {
            values: setting.values.clone(),
            train: judge.outcome(&alerts, train),
            alerts,
        })
        .collect();
    let chosen = cheapest(&tried, rules.miss_cost);
    let test = Some(test).filter(|_| rules.train < 1.0);
    let tested = test.map(|test| judge.outcome(&tried[chosen].alerts, test));
    let is_outside = |label: &&Label| label.start < whole.from || label.end >= whole.until;
    let outside = labels.iter().filter(is_outside).count() as u64;
    Ok(Sweep { whole, train, test, tried, chosen, tested, outside })
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

fn cheapest(tried: &[Tried], miss_cost: f64) -> usize {
    let rank = |tried: &Tried| (tried.train.cost(miss_cost), tried.train.alerts);
    let by_rank = |a: &usize, b: &usize| {
        let ((a_cost, a_alerts), (b_cost, b_alerts)) = (rank(&tried[*a]), rank(&tried[*b]));
        a_cost.total_cmp(&b_cost).then(a_alerts.cmp(&b_alerts))
    };
    (0..tried.len()).min_by(by_rank).expect("a sweep has a setting")
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
