//! Why a rule on a query's results moved an alert: the result that its condition was held against.

use super::run::{Key, Look, given};
use super::{ExplainError, Given, Rerun};
use crate::change::{Change, Transition};
use crate::pipeline::Pipeline;
use crate::spec::Watched;

/// Which transition of a rule on results to explain.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionTarget {
    /// The strings of the key, in the order of the query's `by`.
    pub key: Vec<String>,
    /// The transition.
    pub alert: Transition,
}

/// Why a condition moved an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What had to hold.
    pub condition: String,
    /// The row of the log that brought it about; `None` when the end of the log did.
    pub row: Option<u64>,
    /// The result that it was held against; `None` when the key had none in that window, which counts as
    /// false.
    pub result: Option<Given>,
    /// All transitions of the alert, up to the one that was asked for.
    pub alert: Vec<Transition>,
}

impl ConditionTarget {
    /// A transition that this pipeline has given; none when its rule looks at a detector, see
    /// [`PointTarget`](super::PointTarget).
    #[must_use]
    pub fn of_alert(pipeline: &Pipeline, alert: &Transition) -> Option<Self> {
        let of_results = pipeline.detector_of_rule(alert.rule).is_none();
        let key = || pipeline.key_of_alert(alert.rule, alert.key).map(str::to_owned).collect();
        of_results.then(|| Self { key: key(), alert: alert.clone() })
    }
}

impl Rerun<'_> {
    /// Why a rule on results moved an alert.
    ///
    /// Costs two runs up to it.
    ///
    /// # Errors
    /// When the pipeline cannot run from where it should, or gave no such transition.
    pub fn condition(&self, target: &ConditionTarget) -> Result<Condition, ExplainError> {
        let start = target.alert.window_start;
        let run = self.begin()?;
        let nothing = || ExplainError::NoSuchPoint { start, from: run.row, until: self.until };
        let rule = self.spec.alert.get(target.alert.rule as usize).ok_or_else(nothing)?;
        let Some(Watched::Results { query, condition }) = self.spec.watched(&rule.when) else {
            return Err(nothing());
        };
        let mut alert = Vec::new();
        let mut key = Key::new(query as u32, &target.key);
        let mut moved = |pipeline: &Pipeline| {
            let key = key.id(pipeline);
            let changes = pipeline.changes().iter().filter_map(|change| match change {
                Change::Alert(alert) if alert.id == target.alert.id && Some(alert.key) == key => Some(alert),
                _ => None,
            });
            changes.cloned().collect::<Vec<_>>()
        };
        let marks = run.clone().survey(|pipeline| {
            let moved = moved(pipeline);
            let asked = moved.iter().position(|transition| *transition == target.alert);
            let enough = asked.is_some();
            alert.extend(moved.into_iter().take(asked.map_or(usize::MAX, |asked| asked + 1)));
            Look { closely: enough, enough }
        });
        let mut found = None;
        run.clone().show(&marks, &mut |piece| {
            if found.is_none() && moved(piece.pipeline).contains(&target.alert) {
                let given = given(self.spec, query as u32, target.alert.key, piece);
                let is_it = |given: &Given| (given.start, given.end) == (start, target.alert.time);
                found = Some((piece.row(), given.into_iter().rfind(is_it)));
            }
        });
        let (row, result) = found.ok_or_else(nothing)?;
        Ok(Condition { condition: condition.trim().to_owned(), row, result, alert })
    }
}
