//! Windows as a person turns them: their kind, and lengths that fit each other.
//!
//! **Invariant:** what is set here can run: a slide fits its size, a step divides it, and what a kind of window
//! cannot have is taken away.

use super::{change_query, query_index, windows};
use crate::wire::Watch;
use kappascope_core::spec::{Accumulation, Emission, QuerySpec, WindowSpec};
use kappascope_core::{Millis, Spec};

const MINUTE: Millis = Millis(60_000);

/// Most windows that one event may be in: each costs a line of results and a merge, and more than an hour by
/// five seconds has is more than a chart can show.
const MOST_OVERLAP: i64 = 720;

/// Events of a count window, unless somebody says otherwise.
const EVENTS: u32 = 100;

/// Lengths that slides and steps may take, in milliseconds, rising.
const LENGTHS: [i64; 25] = [
    10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000,
    600_000, 900_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000,
    86_400_000,
];

/// The kinds of windows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowKind {
    Tumbling,
    Hopping,
    Session,
    Cumulate,
    Count,
    Rolling,
    Global,
}

impl WindowKind {
    /// Those that stand side by side.
    pub(crate) const COMMON: [Self; 3] = [Self::Tumbling, Self::Hopping, Self::Session];

    /// The others.
    pub(crate) const MORE: [Self; 4] = [Self::Cumulate, Self::Count, Self::Rolling, Self::Global];

    pub(crate) fn of(window: WindowSpec) -> Self {
        match window {
            WindowSpec::Tumbling { .. } => Self::Tumbling,
            WindowSpec::Hopping { .. } => Self::Hopping,
            WindowSpec::Session { .. } => Self::Session,
            WindowSpec::Cumulate { .. } => Self::Cumulate,
            WindowSpec::Count { .. } => Self::Count,
            WindowSpec::Rolling { .. } => Self::Rolling,
            WindowSpec::Global => Self::Global,
        }
    }

    /// Its name in a pipeline file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tumbling => "tumbling",
            Self::Hopping => "hopping",
            Self::Session => "session",
            Self::Cumulate => "cumulate",
            Self::Count => "count",
            Self::Rolling => "rolling",
            Self::Global => "global",
        }
    }

    /// The kind of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::COMMON.into_iter().chain(Self::MORE).find(|kind| kind.name() == name)
    }

    /// Windows of this kind, about as long as they were.
    fn window(self, length: Millis) -> WindowSpec {
        let offset = Millis(0);
        match self {
            Self::Tumbling => WindowSpec::Tumbling { size: length, offset },
            Self::Hopping => WindowSpec::Hopping { size: length, slide: part(length, 4), offset },
            Self::Session => WindowSpec::Session { gap: Millis((length.0 / 5).max(1)) },
            Self::Cumulate => WindowSpec::Cumulate { size: length, step: part(length, 6), offset },
            Self::Count => WindowSpec::Count { events: EVENTS, slide: EVENTS },
            Self::Rolling => WindowSpec::Rolling { duration: length },
            Self::Global => WindowSpec::Global,
        }
    }

    /// Whether event time says nothing about when a window ends.
    fn is_timeless(self) -> bool {
        matches!(self, Self::Count | Self::Global)
    }

    /// Whether windows end at fixed times.
    fn is_on_grid(self) -> bool {
        matches!(self, Self::Tumbling | Self::Hopping | Self::Cumulate)
    }
}

/// Gives the query that is watched windows of another kind, about as long as they were. What the old kind could
/// not have comes back as the source's pipeline has it.
pub(crate) fn set_window_kind(spec: &mut Spec, watch: Watch, kind: WindowKind, source: &Spec) {
    let index = query_index(spec, watch);
    let source = source.query.get(index);
    let Some(query) = spec.query.get_mut(index) else { return };
    let old = WindowKind::of(query.window);
    if old == kind {
        return;
    }
    let length = size(query.window).or(source.and_then(|source| size(source.window))).unwrap_or(MINUTE);
    query.window = kind.window(length);
    carry_over(query, old, source);
    take_away(query, kind);
    if kind.is_on_grid() {
        forget_intervals(spec, index);
    }
}

/// The length that carries over to another kind: of a session about five gaps.
fn size(window: WindowSpec) -> Option<Millis> {
    match window {
        WindowSpec::Session { gap } => Some(Millis(5 * gap.0)),
        window => super::length(window),
    }
}

/// Takes over from the source's pipeline what windows of the old kind could not have.
fn carry_over(query: &mut QuerySpec, old: WindowKind, source: Option<&QuerySpec>) {
    let Some(source) = source else { return };
    if old.is_timeless() {
        query.lateness = source.lateness;
    }
    if old == WindowKind::Rolling {
        (query.emit, query.accumulation) = (source.emit, source.accumulation);
    }
}

/// Takes away what windows of this kind cannot have.
fn take_away(query: &mut QuerySpec, kind: WindowKind) {
    if kind.is_timeless() {
        query.lateness = Millis(0);
    }
    if kind == WindowKind::Rolling {
        (query.emit, query.accumulation) = (Emission::OnClose, Accumulation::Accumulating);
    }
}

/// Rules over windows that end at fixed times need no interval, and may not have one.
fn forget_intervals(spec: &mut Spec, query: usize) {
    let of_query: Vec<bool> = spec.alert.iter().map(|rule| spec.query_of_rule(rule) == Some(query)).collect();
    for (rule, is_of_query) in spec.alert.iter_mut().zip(of_query) {
        if is_of_query {
            rule.interval = None;
        }
    }
}

/// Whether the query that is watched has a use for lateness.
pub(crate) fn has_lateness(spec: &Spec, watch: Watch) -> bool {
    !WindowKind::of(windows(spec, watch)).is_timeless()
}

/// The longest length that divides a size and is at most one of so many parts of it.
fn part(size: Millis, parts: i64) -> Millis {
    let fits = |length: &&i64| size.0 % **length == 0 && **length <= size.0 / parts;
    Millis(LENGTHS.iter().rev().find(fits).copied().unwrap_or(size.0))
}

/// Slides, and steps, that fit a size: those that cut it into whole panes, and not into too many.
pub(crate) fn slides(size: Millis) -> Vec<i64> {
    let fits = |length: &i64| size.0 % length == 0 && size.0 / length <= MOST_OVERLAP && *length < size.0;
    LENGTHS.into_iter().filter(fits).chain([size.0]).collect()
}

/// Makes windows longer or shorter, and what else has to fit.
pub(crate) fn set_length(spec: &mut Spec, watch: Watch, length: Millis) {
    change_query(spec, watch, |query| match &mut query.window {
        WindowSpec::Tumbling { size, offset } => {
            *size = length;
            *offset = Millis(offset.0 % length.0);
        }
        WindowSpec::Hopping { size, slide, offset } => {
            let kept = slide.0 <= length.0 && length.0 / slide.0 <= MOST_OVERLAP && length.0 % slide.0 == 0;
            *size = length;
            *slide = if kept { *slide } else { nearest(&slides(length), *slide) };
            *offset = Millis(offset.0 % slide.0);
        }
        WindowSpec::Cumulate { size, step, offset } => {
            *size = length;
            *step = nearest(&slides(length), *step);
            *offset = Millis(offset.0 % length.0);
        }
        WindowSpec::Session { gap } => *gap = length,
        WindowSpec::Rolling { duration } => *duration = length,
        WindowSpec::Count { .. } | WindowSpec::Global => {}
    });
}

/// The length nearest to another, by their ratio.
fn nearest(lengths: &[i64], wanted: Millis) -> Millis {
    let ratio = |length: i64| (length as f64 / wanted.0.max(1) as f64).ln().abs();
    let least = lengths.iter().copied().min_by(|a, b| ratio(*a).total_cmp(&ratio(*b)));
    Millis(least.unwrap_or(wanted.0))
}

/// The slide of hopping windows, or the step of cumulating ones.
pub(crate) fn slide(spec: &Spec, watch: Watch) -> Option<Millis> {
    match windows(spec, watch) {
        WindowSpec::Hopping { slide, .. } => Some(slide),
        WindowSpec::Cumulate { step, .. } => Some(step),
        _ => None,
    }
}

/// The same, to be changed.
pub(crate) fn set_slide(spec: &mut Spec, watch: Watch, length: Millis) {
    change_query(spec, watch, |query| match &mut query.window {
        WindowSpec::Hopping { slide, offset, .. } => {
            *slide = length;
            *offset = Millis(offset.0 % length.0);
        }
        WindowSpec::Cumulate { step, .. } => *step = length,
        _ => {}
    });
}

/// Events of a count window, and from the end of one to the next.
pub(crate) fn events(spec: &Spec, watch: Watch) -> Option<(u32, u32)> {
    match windows(spec, watch) {
        WindowSpec::Count { events, slide } => Some((events, slide)),
        _ => None,
    }
}

/// Sets how many events a count window has; its slide stays the part of it that it is.
pub(crate) fn set_events(spec: &mut Spec, watch: Watch, number: u32) {
    change_query(spec, watch, |query| {
        if let WindowSpec::Count { events, slide } = &mut query.window {
            *slide = if slide == events { number } else { (*slide).min(number) };
            *events = number;
        }
    });
}

/// Sets after how many events the next count window ends.
pub(crate) fn set_event_slide(spec: &mut Spec, watch: Watch, number: u32) {
    change_query(spec, watch, |query| {
        if let WindowSpec::Count { events, slide } = &mut query.window {
            *slide = number.min(*events);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: Watch = Watch::Aggregate { query: 0, aggregate: 0 };

    fn spec(scenario: &str) -> Spec {
        kappascope_scenario::open(scenario, 1, Some(1)).expect("is known").spec().clone()
    }

    fn kinds() -> impl Iterator<Item = WindowKind> + Clone {
        WindowKind::COMMON.into_iter().chain(WindowKind::MORE)
    }

    #[test]
    fn every_kind_runs_after_every_other_and_at_every_length() {
        for scenario in kappascope_scenario::SCENARIOS {
            let source = spec(scenario.name);
            for (first, second) in kinds().flat_map(|first| kinds().map(move |second| (first, second))) {
                let mut spec = source.clone();
                set_window_kind(&mut spec, WATCH, first, &source);
                set_window_kind(&mut spec, WATCH, second, &source);
                spec.check()
                    .unwrap_or_else(|error| panic!("{}: {first:?}, {second:?}: {error}", source.name));
                for length in LENGTHS.into_iter().chain([90_000, 604_800_000]) {
                    set_length(&mut spec, WATCH, Millis(length));
                    spec.check().unwrap_or_else(|error| panic!("{second:?} of {length} ms: {error}"));
                }
            }
        }
    }

    #[test]
    fn a_kind_and_back_is_the_same_window() {
        for length in [1_000, 15_000, 60_000, 3_600_000, 86_400_000] {
            let source = spec("website");
            let mut spec = source.clone();
            set_length(&mut spec, WATCH, Millis(length));
            let before = spec.clone();
            for kind in [WindowKind::Hopping, WindowKind::Session, WindowKind::Rolling, WindowKind::Tumbling]
            {
                set_window_kind(&mut spec, WATCH, kind, &source);
            }
            assert_eq!(spec, before, "{length}");
        }
    }

    #[test]
    fn lateness_comes_back_with_time() {
        let source = spec("website");
        let mut spec = source.clone();
        set_window_kind(&mut spec, WATCH, WindowKind::Count, &source);
        assert_eq!(spec.query[0].lateness, Millis(0));
        assert!(!has_lateness(&spec, WATCH));
        set_window_kind(&mut spec, WATCH, WindowKind::Tumbling, &source);
        assert_eq!(spec, source);
    }

    #[test]
    fn slides_are_kept_where_they_fit() {
        let source = spec("website");
        let mut spec = source.clone();
        set_window_kind(&mut spec, WATCH, WindowKind::Hopping, &source);
        assert_eq!(slide(&spec, WATCH), Some(Millis(15_000)));
        set_length(&mut spec, WATCH, Millis(300_000));
        assert_eq!(slide(&spec, WATCH), Some(Millis(15_000)));
        set_length(&mut spec, WATCH, Millis(10_000));
        assert_eq!(slide(&spec, WATCH), Some(Millis(10_000)));
        set_length(&mut spec, WATCH, Millis(86_400_000));
        assert_eq!(slide(&spec, WATCH), Some(Millis(120_000)));
    }
}
