//! What an alert rule is told in the pipeline file.

use super::{DetectorSpec, QuerySpec, Series, Spec, is_default, warning};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An alert rule: Prometheus' `for` and `keep_firing_for` over a detector's verdict, or over a condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSpec {
    /// Name, unique among the rules.
    pub name: String,
    /// Name of the detector whose anomalies raise it, or a condition on a query's results:
    /// `per_account: count() >= 10 AND distinct(address) = 1`.
    pub when: String,
    /// How long the condition must hold before the alert fires.
    #[serde(default, rename = "for")]
    pub hold: Millis,
    /// How long the alert goes on firing after the condition ended.
    #[serde(default)]
    pub keep_firing_for: Millis,
    /// After how long without a point a key's condition counts as false, where no grid of windows says
    /// when the next would be due; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Millis>,
    /// For whoever is paged.
    #[serde(default = "warning")]
    pub severity: String,
    /// What an alert says in a sentence, with figures in braces: `{user}: {count()} failures since {start}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For whoever routes alerts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The verdicts of a detector, by its index.
    Detector(usize),
    /// The results of a query, by its index.
    Results {
        /// The query.
        query: usize,
        /// What must hold of a result; as far from the start of the line as in the rule.
        condition: String,
    },
}

impl Spec {
    /// What a rule's `when` names; none when there is no such detector or query.
    #[must_use]
    pub fn watched(&self, when: &str) -> Option<Watched> {
        if let Some(detector) = self.detector.iter().position(|detector| detector.name == when) {
            return Some(Watched::Detector(detector));
        }
        let condition = |query: &QuerySpec| {
            let rest = when.trim_start().strip_prefix(query.name.as_str())?.trim_start().strip_prefix(':')?;
            // Spaces keep the places that errors name.
            Some(" ".repeat(when.chars().count() - rest.chars().count()) + rest)
        };
        let found = self.query.iter().enumerate().find_map(|(q, query)| Some((q, condition(query)?)));
        found.map(|(query, condition)| Watched::Results { query, condition })
    }

    /// The query whose results a rule looks at, itself or through a detector; none when it looks at events.
    #[must_use]
    pub fn query_of_rule(&self, rule: &AlertSpec) -> Option<usize> {
        match self.watched(&rule.when)? {
            Watched::Results { query, .. } => Some(query),
            Watched::Detector(detector) => match self.series(&self.detector[detector].on)? {
                Series::Aggregate { query, .. } => Some(query),
                Series::Measure(_) => None,
            },
        }
    }

    /// The key columns of a detector's series.
    #[must_use]
    pub fn keys_of_detector<'a>(&'a self, detector: &'a DetectorSpec) -> &'a [String] {
        match self.series(&detector.on) {
            Some(Series::Aggregate { query, .. }) => &self.query[query].by,
            _ => &detector.by,
        }
    }

    /// The key columns of what a rule looks at.
    #[must_use]
    pub fn keys_of_rule(&self, rule: &AlertSpec) -> &[String] {
        match self.watched(&rule.when) {
            Some(Watched::Results { query, .. }) => &self.query[query].by,
            Some(Watched::Detector(detector)) => self.keys_of_detector(&self.detector[detector]),
            None => &[],
        }
    }
}
