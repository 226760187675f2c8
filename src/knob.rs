//! What the sliders read and set in a pipeline: the query that is charted, its detector and its rule.
//!
//! **Invariant:** a knob sets what it is named after, and what has to follow for the pipeline to run.

pub(crate) mod detector;
pub(crate) mod window;

use crate::wire::Watch;
use kappascope_core::spec::{DetectorSpec, QuerySpec, WindowSpec};
use kappascope_core::{Millis, Spec};

/// The query that is watched, or the first; a pipeline whose detectors all read events needs none.
pub(crate) fn query(spec: &Spec, watch: Watch) -> Option<&QuerySpec> {
    spec.query.get(query_index(spec, watch))
}

/// Changes it, if there is one.
pub(crate) fn change_query(spec: &mut Spec, watch: Watch, change: impl FnOnce(&mut QuerySpec)) {
    let index = query_index(spec, watch);
    if let Some(query) = spec.query.get_mut(index) {
        change(query);
    }
}

/// Its windows; without a query, all of time is one.
pub(crate) fn windows(spec: &Spec, watch: Watch) -> WindowSpec {
    query(spec, watch).map_or(WindowSpec::Global, |query| query.window)
}

fn query_index(spec: &Spec, watch: Watch) -> usize {
    match watch {
        Watch::Aggregate { query, .. } => (query as usize).min(spec.query.len().saturating_sub(1)),
        Watch::Points { .. } => 0,
    }
}

/// The detector of the series that is watched.
pub(crate) fn detector(spec: &Spec, watch: Watch) -> Option<&DetectorSpec> {
    spec.detector.get(watch.detector(spec)?)
}

/// The same, to be changed.
pub(crate) fn detector_mut(spec: &mut Spec, watch: Watch) -> Option<&mut DetectorSpec> {
    let detector = watch.detector(spec)?;
    spec.detector.get_mut(detector)
}

/// How long windows are: a size, a gap or a duration; none where time does not bound them.
pub(crate) fn length(window: WindowSpec) -> Option<Millis> {
    match window {
        WindowSpec::Tumbling { size, .. }
        | WindowSpec::Hopping { size, .. }
        | WindowSpec::Cumulate { size, .. } => Some(size),
        WindowSpec::Session { gap } => Some(gap),
        WindowSpec::Rolling { duration } => Some(duration),
        WindowSpec::Count { .. } | WindowSpec::Global => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_may_have_no_query() {
        let mut spec = kappascope_scenario::open("sensor", 1, Some(1)).expect("is known").spec().clone();
        spec.query.clear();
        for watch in [Watch::Aggregate { query: 3, aggregate: 0 }, Watch::Points { detector: 0 }] {
            assert_eq!(query(&spec, watch), None);
            assert_eq!(windows(&spec, watch), WindowSpec::Global);
            change_query(&mut spec, watch, |_| panic!("there is none to change"));
        }
    }
}
