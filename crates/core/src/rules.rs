//! A pipeline's alert rules: what each looks at, and when it is evaluated.

use crate::aggregate::Aggregate;
use crate::alert::{Due, Rule};
use crate::digest;
use crate::filter::{Condition, FilterError, Names};
use crate::key::KeySpace;
use crate::message::Message;
use crate::spec::{AlertSpec, DetectorKind, Series, Spec, Watched, WindowSpec};

/// One alert rule with its states.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) rule: Rule,
    /// A hash of its name, for the ids of its alerts.
    pub(crate) name: u64,
    pub(crate) looks_at: LooksAt,
    pub(crate) message: Option<Message>,
}

/// What a rule looks at.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one a rule")]
pub(crate) enum LooksAt {
    /// A detector's verdicts.
    Detector(usize),
    /// A query's results.
    Results { query: usize, condition: ResultCondition },
}

/// A condition on results, with what it is evaluated over.
#[derive(Clone, Debug)]
pub(crate) struct ResultCondition {
    condition: Condition,
    /// Which aggregates it may name.
    aggregates: Vec<usize>,
    /// Which detectors.
    detectors: Vec<usize>,
    /// The aggregate that it names first: what an alert is about.
    subject: Option<usize>,
    figures: Vec<f64>,
}

/// What a detector said of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) score: f64,
    pub(crate) anomaly: bool,
}

impl Alert {
    pub(crate) fn new(spec: &Spec, alert: &AlertSpec) -> Self {
        let looks_at = match spec.watched(&alert.when).expect("the spec was checked") {
            Watched::Detector(detector) => LooksAt::Detector(detector),
            Watched::Results { query, condition } => {
                let condition = ResultCondition::new(spec, query, &condition).expect("the spec was checked");
                LooksAt::Results { query, condition }
            }
        };
        let message = message(spec, alert).expect("the spec was checked");
        let name = digest::of_strings([&*alert.name]);
        Self { rule: Rule::new(alert, due(spec, alert)), name, looks_at, message }
    }

    pub(crate) fn reads_query(&self, q: usize) -> bool {
        matches!(self.looks_at, LooksAt::Results { query, .. } if query == q)
    }
}

/// When a rule is evaluated for a key that has no point.
pub(crate) fn due(spec: &Spec, alert: &AlertSpec) -> Due {
    let grid = spec.query_of_rule(alert).and_then(|query| grid(spec.query[query].window));
    match (is_of_absence(spec, alert), grid, alert.interval) {
        // The deadline says it.
        (true, ..) => Due::Never,
        (_, Some((offset, step)), _) => Due::Grid { offset, step },
        (_, None, Some(interval)) => Due::After(interval.0),
        (_, None, None) => Due::Never,
    }
}

/// Whether a rule looks at a detector of absence.
pub(crate) fn is_of_absence(spec: &Spec, alert: &AlertSpec) -> bool {
    let Some(Watched::Detector(detector)) = spec.watched(&alert.when) else { return false };
    matches!(spec.detector[detector].kind, DetectorKind::Absence(_))
}

/// Where windows end whatever comes: an offset and a step.
pub(crate) fn grid(window: WindowSpec) -> Option<(i64, i64)> {
    match window {
        WindowSpec::Tumbling { size, offset } => Some((offset.0, size.0)),
        WindowSpec::Hopping { size, slide, offset } => Some((offset.0 + size.0, slide.0)),
        WindowSpec::Cumulate { step, offset, .. } => Some((offset.0, step.0)),
        WindowSpec::Session { .. }
        | WindowSpec::Count { .. }
        | WindowSpec::Rolling { .. }
        | WindowSpec::Global => None,
    }
}

/// A rule's message, read.
pub(crate) fn message(spec: &Spec, alert: &AlertSpec) -> Result<Option<Message>, String> {
    let Some(text) = &alert.message else { return Ok(None) };
    let aggregates = spec.query_of_rule(alert).map_or_else(Vec::new, |query| {
        let of = |aggregate: &Aggregate| (aggregate.to_string(), aggregate.is_number());
        spec.query[query].aggregates.iter().map(of).collect()
    });
    Message::compile(text, &aggregates, spec.keys_of_rule(alert)).map(Some)
}

impl ResultCondition {
    /// Compiles a condition on a query's results.
    pub(crate) fn new(spec: &Spec, query: usize, text: &str) -> Result<Self, FilterError> {
        let of = &spec.query[query];
        let aggregates: Vec<usize> =
            (0..of.aggregates.len()).filter(|a| of.aggregates[*a].is_number()).collect();
        let reads = |d: &usize| {
            let detector = &spec.detector[*d];
            let of_query =
                matches!(spec.series(&detector.on), Some(Series::Aggregate { query: q, .. }) if q == query);
            // A silence comes without a result.
            of_query && !matches!(detector.kind, DetectorKind::Absence(_))
        };
        let detectors: Vec<usize> = (0..spec.detector.len()).filter(reads).collect();
        let truths: Vec<String> = detectors.iter().map(|d| spec.detector[*d].name.clone()).collect();
        let written: Vec<String> = aggregates.iter().map(|a| of.aggregates[*a].to_string()).collect();
        let scores = truths.iter().map(|name| format!("{name}.score"));
        let numbers = written.into_iter().chain(scores).collect();
        let condition = Condition::compile(text, &Names { numbers, truths, keys: of.by.clone() })?;
        let subject = condition.numbers().iter().find_map(|number| aggregates.get(*number).copied());
        Ok(Self { condition, aggregates, detectors, subject, figures: Vec::new() })
    }

    /// Whether it holds of a result, given by its aggregates and what each detector said of it.
    pub(crate) fn holds(
        &mut self,
        value_of: impl Fn(usize) -> f64,
        said: &[Option<Said>],
        key: u32,
        keys: &KeySpace,
    ) -> bool {
        let Self { condition, aggregates, detectors, figures, .. } = self;
        let of = |d: &usize, figure: fn(Said) -> f64| said[*d].map_or(f64::NAN, figure);
        figures.clear();
        figures.extend(aggregates.iter().map(|a| value_of(*a)));
        figures.extend(detectors.iter().map(|d| of(d, |said| said.score)));
        figures.extend(detectors.iter().map(|d| of(d, |said| f64::from(u8::from(said.anomaly)))));
        condition.holds(figures, key, keys)
    }

    /// The aggregate that an alert is about.
    pub(crate) fn subject(&self) -> Option<usize> {
        self.subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_about_the_first_aggregate_that_its_condition_names() {
        let spec = Spec::from_toml(
            "name = 's'\nversion = 1\n[schema]\ntime = 'at'\nkeys = ['who']\nmeasures = ['ms']\n[[query]]\nname = 'q'\n\
             by = ['who']\nwindow = { tumbling = '1m' }\naggregates = ['count()', 'avg(ms)', 'top3(who)', 'max(ms)']",
        )
        .unwrap();
        let subject = |text: &str| ResultCondition::new(&spec, 0, text).unwrap().subject();
        assert_eq!(subject("avg(ms) > 5 AND count() > 1"), Some(1));
        assert_eq!(subject("who = 'count()' AND max(ms) > 5"), Some(3), "what stands in quotes is text");
        assert_eq!(subject("who LIKE 'a%'"), None);
    }
}
