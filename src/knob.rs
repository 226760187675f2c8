//! What the sliders read and set in a pipeline: the query that is charted, its detector and its rule.
//!
//! **Invariant:** a knob sets what it is named after, and what has to follow for the pipeline to run.

pub(crate) mod detector;
pub(crate) mod window;

use crate::wire::Watch;
use kappascope_core::spec::{DetectorSpec, QuerySpec, WindowSpec};
use kappascope_core::{Millis, Spec};

/// The query that is watched, or the first.
pub(crate) fn query(spec: &Spec, watch: Watch) -> &QuerySpec {
    &spec.query[query_index(spec, watch)]
}

/// The same, to be changed.
pub(crate) fn query_mut(spec: &mut Spec, watch: Watch) -> &mut QuerySpec {
    let index = query_index(spec, watch);
    &mut spec.query[index]
}

fn query_index(spec: &Spec, watch: Watch) -> usize {
    match watch {
        Watch::Aggregate { query, .. } => (query as usize).min(spec.query.len() - 1),
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
