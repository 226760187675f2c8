//! Generated pipelines and streams: disorder, duplicates, equal times, silent partitions, negative times,
//! late events, both zeros. Durations and times are small multiples of one unit, so that events meet the
//! exact bounds of windows, gaps and lateness.

use kappascope_core::log::ZONE;
use kappascope_core::spec::{
    AbsenceSpec, Accumulation, AlertSpec, DetectorKind, DetectorSpec, Emission, QuerySpec, Series,
    WindowSpec, ZscoreSpec,
};
use kappascope_core::{Log, Millis, Spec};
use proptest::prelude::*;
use std::fmt;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) time: i64,
    pub(crate) arrival: i64,
    pub(crate) partition: u32,
    pub(crate) k: u32,
    pub(crate) u: u32,
    pub(crate) v: f64,
    pub(crate) w: f64,
}

impl Event {
    /// The string of a key column.
    pub(crate) fn key(&self, column: &str) -> String {
        format!("{column}{}", if column == "k" { self.k } else { self.u })
    }

    /// The strings of several.
    pub(crate) fn keys(&self, columns: &[String]) -> String {
        columns.iter().map(|column| self.key(column)).collect::<Vec<_>>().join("/")
    }
}

/// A kind of window, with the two forms of those whose code differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tumbling,
    Hopping,
    /// The slide does not divide the size.
    HoppingUneven,
    Cumulate,
    Session,
    Count,
    CountSliding,
    Rolling,
    Global,
}

pub(crate) const KINDS: [Kind; 9] = [
    Kind::Tumbling,
    Kind::Hopping,
    Kind::HoppingUneven,
    Kind::Cumulate,
    Kind::Session,
    Kind::Count,
    Kind::CountSliding,
    Kind::Rolling,
    Kind::Global,
];

/// How the query under test gives its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Emit {
    OnClose,
    OnUpdate,
    Every,
}

/// What the query under test is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) kind: Kind,
    pub(crate) emit: Emit,
    pub(crate) accumulation: Accumulation,
}

impl Form {
    /// All forms of a kind that a pipeline may have.
    pub(crate) fn of(kind: Kind) -> Vec<Self> {
        if kind == Kind::Rolling {
            return vec![Self { kind, emit: Emit::OnClose, accumulation: Accumulation::Accumulating }];
        }
        let with = |emit| ACCUMULATIONS.map(|accumulation| Self { kind, emit, accumulation });
        [Emit::OnClose, Emit::OnUpdate, Emit::Every].into_iter().flat_map(with).collect()
    }

    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let all: Vec<Self> = KINDS.into_iter().flat_map(Self::of).collect();
        prop::sample::select(all)
    }
}

const ACCUMULATIONS: [Accumulation; 3] =
    [Accumulation::Accumulating, Accumulation::Discarding, Accumulation::Retracting];

/// One run: a pipeline, a stream, and sizes of the blocks in which it comes, the last one repeated.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) spec: Spec,
    pub(crate) events: Vec<Event>,
    pub(crate) blocks: Vec<usize>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.spec.to_toml())?;
        self.events.iter().try_for_each(|event| writeln!(f, "{event:?}"))?;
        write!(f, "blocks {:?}", self.blocks)
    }
}

impl Case {
    /// Whether a query's condition lets an event through.
    pub(crate) fn passes(query: &QuerySpec, event: &Event) -> bool {
        let Some(text) = &query.filter else { return true };
        let condition = CONDITIONS.iter().find(|condition| condition.text == text);
        (condition.unwrap().passes)(event)
    }

    pub(crate) fn log(&self) -> Log {
        let mut log = Log::new(&self.spec.schema);
        for event in &self.events {
            let keys = [log.intern(0, &event.key("k")), log.intern(1, &event.key("u"))];
            log.append(event.time, event.arrival, event.partition, &keys, &[event.v, event.w]);
        }
        log
    }
}

/// Seventeen years, so that streams jump by centuries and durations come near the longest.
const YEARS: i64 = 1 << 39;

/// A query of this form and up to two others.
pub(crate) fn cases(form: Form) -> impl Strategy<Value = Case> {
    let units = prop_oneof![4 => Just(1_i64), 2 => Just(7), 2 => Just(100), 1 => Just(YEARS)];
    (units, 1_u32..4).prop_flat_map(move |(unit, partitions)| {
        let blocks = prop::collection::vec(1_usize..40, 1..20);
        (
            pipelines(form, unit, partitions),
            events(unit, prop::collection::vec(steps(partitions), 1..120)),
            blocks,
        )
            .prop_map(|(spec, events, blocks)| Case { spec, events, blocks })
    })
}

fn pipelines(form: Form, unit: i64, partitions: u32) -> impl Strategy<Value = Spec> {
    let others = prop::collection::vec(Form::any().prop_flat_map(move |form| queries(form, unit)), 0..3);
    let idle = prop_oneof![Just(None), (1_i64..40).prop_map(move |n| Some(Millis(n * unit)))];
    let detectors = prop::collection::vec(detectors(), 0..3);
    let hold = || prop_oneof![1 => Just(0_i64), 2 => 0_i64..20];
    (queries(form, unit), others, 0_i64..12, idle, detectors, hold(), hold()).prop_map(
        move |(query, others, bound, idle, detectors, hold, keep)| {
            let mut spec = empty();
            spec.schema.partitions = partitions;
            spec.watermark.bound = Millis(bound * unit);
            spec.watermark.idle = idle;
            spec.query = [vec![query], others].concat();
            spec.query.iter_mut().enumerate().for_each(|(q, query)| query.name = format!("q{q}"));
            detectors.into_iter().for_each(|detector: Detector| detector.add_to(&mut spec));
            spec.alert.iter_mut().for_each(|alert| {
                alert.hold = Millis(hold * unit);
                alert.keep_firing_for = Millis(keep * unit);
            });
            spec
        },
    )
}

pub(crate) fn empty() -> Spec {
    let mut spec = Spec::from_toml(
        "name = 'oracle'\nversion = 1\n\
         schema = { time = 't', partition = 'p', keys = ['k', 'u'], measures = ['v', 'w'] }\n\
         [[query]]\nname = 'q'\nwindow = 'global'\naggregates = ['count()']\n",
    )
    .unwrap();
    spec.query.clear();
    spec
}

/// A condition, and what it means.
#[derive(Clone, Debug)]
struct Condition {
    text: &'static str,
    passes: fn(&Event) -> bool,
}

const CONDITIONS: [Condition; 5] = [
    Condition { text: "v > 0", passes: |event| event.v > 0.0 },
    Condition { text: "k <> 'k0'", passes: |event| event.k != 0 },
    Condition { text: "u = 'u3' OR w >= 2", passes: |event| event.u == 3 || event.w >= 2.0 },
    // Unknown for zeros.
    Condition { text: "1 / v < 1", passes: |event| event.v != 0.0 && 1.0 / event.v < 1.0 },
    Condition { text: "v > 1e9", passes: |_| false },
];

/// Every function, of two measures and two key columns.
const AGGREGATES: [&str; 24] = [
    "count()",
    "rate()",
    "sum(v)",
    "avg(v)",
    "min(v)",
    "max(v)",
    "variance(v)",
    "stddev(v)",
    "first(v)",
    "last(v)",
    "p50(v)",
    "p99.9(v)",
    "p56(v)",
    "distinct(v)",
    "distinct(u)",
    "distinct(k)",
    "top3(u)",
    "top1(k)",
    "sum(w)",
    "min(w)",
    "max(w)",
    "avg(w)",
    "variance(w)",
    "p10(w)",
];

fn aggregates() -> impl Strategy<Value = Vec<&'static str>> {
    let some = prop::sample::subsequence(&AGGREGATES[..], 1..6).prop_shuffle();
    prop_oneof![1 => Just(AGGREGATES.to_vec()), 3 => some]
}

fn queries(form: Form, unit: i64) -> impl Strategy<Value = QuerySpec> {
    let by = prop::sample::select(vec![&[][..], &["k"], &["u"], &["u", "k"]]);
    let lateness = match form.kind {
        Kind::Count | Kind::CountSliding | Kind::Global => Just(0_i64).boxed(),
        _ => prop_oneof![1 => Just(0_i64), 3 => 1_i64..20].boxed(),
    };
    let filter = prop_oneof![4 => Just(None), 1 => prop::sample::select(&CONDITIONS[..]).prop_map(Some)];
    (windows(form.kind, unit), filter, by, lateness, 1_i64..15, aggregates()).prop_map(
        move |(window, filter, by, lateness, every, aggregates)| QuerySpec {
            name: String::new(),
            filter: filter.map(|condition| condition.text.to_owned()),
            by: by.iter().map(|name| (*name).to_owned()).collect(),
            window,
            lateness: Millis(lateness * unit),
            emit: match form.emit {
                Emit::OnClose => Emission::OnClose,
                Emit::OnUpdate => Emission::OnUpdate,
                Emit::Every => Emission::Every(Millis(every * unit)),
            },
            accumulation: form.accumulation,
            aggregates: aggregates.iter().map(|aggregate| aggregate.parse().unwrap()).collect(),
        },
    )
}

fn windows(kind: Kind, unit: i64) -> BoxedStrategy<WindowSpec> {
    let offset = prop_oneof![Just(0_i64), 0_i64..100_000];
    let ms = move |n: i64| Millis(n * unit);
    let below = move |offset: i64, limit: i64| Millis(offset % (limit * unit));
    match kind {
        Kind::Tumbling => (1_i64..30, offset)
            .prop_map(move |(size, offset)| WindowSpec::Tumbling {
                size: ms(size),
                offset: below(offset, size),
            })
            .boxed(),
        Kind::Hopping => (1_i64..10, 1_i64..7, offset)
            .prop_map(move |(slide, n, offset)| WindowSpec::Hopping {
                size: ms(slide * n),
                slide: ms(slide),
                offset: below(offset, slide),
            })
            .boxed(),
        Kind::HoppingUneven => (2_i64..10, 1_i64..5, 1_i64..10, offset)
            .prop_map(move |(slide, n, rest, offset)| WindowSpec::Hopping {
                size: ms(slide * n + 1 + rest % (slide - 1)),
                slide: ms(slide),
                offset: below(offset, slide),
            })
            .boxed(),
        Kind::Cumulate => (1_i64..8, 1_i64..7, offset)
            .prop_map(move |(step, n, offset)| WindowSpec::Cumulate {
                size: ms(step * n),
                step: ms(step),
                offset: below(offset, step * n),
            })
            .boxed(),
        Kind::Session => (1_i64..10).prop_map(move |gap| WindowSpec::Session { gap: ms(gap) }).boxed(),
        Kind::Count => (1_u32..8).prop_map(|events| WindowSpec::Count { events, slide: events }).boxed(),
        Kind::CountSliding => (2_u32..9, 1_u32..8)
            .prop_map(|(events, slide)| WindowSpec::Count { events, slide: 1 + slide % (events - 1) })
            .boxed(),
        Kind::Rolling => {
            (1_i64..20).prop_map(move |duration| WindowSpec::Rolling { duration: ms(duration) }).boxed()
        }
        Kind::Global => Just(WindowSpec::Global).boxed(),
    }
}

/// A detector before there are queries for it to read.
#[derive(Clone, Debug)]
struct Detector {
    on: prop::sample::Index,
    by: Vec<String>,
    kind: DetectorKind,
    rule: Rule,
}

/// How its rule is set.
#[derive(Clone, Copy, Debug)]
struct Rule {
    hold: i64,
    keep: i64,
    interval: Option<i64>,
    /// From which count on a rule on the results themselves holds, and whether the detector will do, too.
    count: Option<(u64, bool)>,
}

fn rules() -> impl Strategy<Value = Rule> {
    let span = || prop_oneof![2 => Just(0_i64), 1 => 1_i64..25];
    let count = prop::option::of((1_u64..5, any::<bool>()));
    (span(), span(), prop::option::of(1_i64..25), count).prop_map(|(hold, keep, interval, count)| Rule {
        hold,
        keep,
        interval,
        count,
    })
}

fn detectors() -> impl Strategy<Value = Detector> {
    let by = prop::sample::select(vec![&[][..], &["k"], &["k", "u"]]);
    (any::<prop::sample::Index>(), by, detector_kinds(), rules()).prop_map(|(on, by, kind, rule)| {
        let by = by.iter().map(|name| (*name).to_owned()).collect();
        Detector { on, by, kind, rule }
    })
}

fn detector_kinds() -> impl Strategy<Value = DetectorKind> {
    let zscore = |(window, include_current)| {
        DetectorKind::Zscore(ZscoreSpec {
            window,
            // No small whole numbers score just this.
            threshold: if include_current { 0.912_34 } else { 1.412_34 },
            min_points: Some(2),
            include_current,
        })
    };
    let absence = |after| DetectorKind::Absence(AbsenceSpec { after: Millis(after) });
    prop_oneof![2 => (2_u32..8, any::<bool>()).prop_map(zscore), 1 => (1_i64..30).prop_map(absence)]
}

/// Aggregates whose values are as exact as the events', so that no score hangs on a rounding.
const EXACT: [&str; 5] = ["count()", "max(v)", "min(w)", "last(v)", "distinct(u)"];

impl Detector {
    /// Adds it to a pipeline, with a rule.
    fn add_to(self, spec: &mut Spec) {
        let series_of = |query: &QuerySpec| {
            let names = query.aggregates.iter().map(ToString::to_string);
            let exact = names.filter(|name| EXACT.contains(&name.as_str()));
            exact.map(|name| format!("{}.{name}", query.name)).collect::<Vec<_>>()
        };
        let results: Vec<String> = spec.query.iter().flat_map(series_of).collect();
        let on = self.on.get(&[&results[..], &spec.schema.measures].concat()).clone();
        let name = format!("d{}", spec.detector.len());
        spec.detector.push(DetectorSpec {
            name,
            by: if results.contains(&on) { Vec::new() } else { self.by },
            on,
            kind: self.kind,
        });
        self.rule.add_to(spec);
    }
}

impl Rule {
    /// Adds it to a pipeline, for the newest detector; and one on the results that the detector reads.
    fn add_to(self, spec: &mut Spec) {
        let detector = spec.detector.last().expect("just added");
        let is_absence = matches!(detector.kind, DetectorKind::Absence(_));
        let query = match spec.series(&detector.on) {
            Some(Series::Aggregate { query, .. }) => Some(&spec.query[query]),
            _ => None,
        };
        let has_grid = query.is_some_and(|query| {
            let window = query.window;
            matches!(
                window,
                WindowSpec::Tumbling { .. } | WindowSpec::Hopping { .. } | WindowSpec::Cumulate { .. }
            )
        });
        let counts =
            |query: &&QuerySpec| query.aggregates.iter().any(|aggregate| aggregate.to_string() == "count()");
        let condition = query.filter(counts).zip(self.count).map(|(query, (count, or))| {
            let or = if or && !is_absence { format!(" OR {}", detector.name) } else { String::new() };
            format!("{}: count() >= {count}{or}", query.name)
        });
        let interval = self.interval.map(Millis).filter(|_| !has_grid);
        let rule = |when: &str, interval| AlertSpec {
            name: format!("r{when}"),
            when: when.to_owned(),
            hold: Millis(self.hold),
            keep_firing_for: Millis(self.keep),
            interval,
            ..AlertSpec::default()
        };
        let of_detector = rule(&detector.name, interval.filter(|_| !is_absence));
        let names = |rules: &[AlertSpec]| rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
        let of_results = condition.map(|when| rule(&when, interval));
        let of_results = of_results.filter(|rule| !names(&spec.alert).contains(&rule.name));
        spec.alert.extend([of_detector].into_iter().chain(of_results));
    }
}

/// What distinguishes an event from the one before.
#[derive(Clone, Debug)]
struct Step {
    again: bool,
    time: i64,
    jitter: i64,
    wait: i64,
    partition: Option<u32>,
    k: u32,
    u: u32,
    v: f64,
    w: f64,
}

fn steps(partitions: u32) -> impl Strategy<Value = Step> {
    let time = prop_oneof![6 => 0_i64..4, 4 => -8_i64..0, 1 => -60_i64..60];
    let jitter = prop_oneof![6 => Just(0_i64), 1 => -1_i64..2];
    let wait = prop_oneof![6 => 0_i64..4, 1 => 0_i64..40];
    let partition = prop_oneof![3 => Just(None), 1 => (0..partitions).prop_map(Some)];
    let v = prop_oneof![4 => -50.0..50.0_f64, 2 => (-3_i32..4).prop_map(f64::from), 1 => Just(0.0), 1 => Just(-0.0)];
    let w = prop_oneof![2 => 0.0..1e6_f64, 1 => (0_i32..3).prop_map(f64::from)];
    (prop::bool::weighted(0.1), time, jitter, wait, partition, 0..4_u32, 0..6_u32, v, w).prop_map(
        |(again, time, jitter, wait, partition, k, u, v, w)| Step {
            again,
            time,
            jitter,
            wait,
            partition,
            k,
            u,
            v,
            w,
        },
    )
}

/// Steps forward mostly, back sometimes, far rarely; arrivals never step back.
fn events(unit: i64, steps: impl Strategy<Value = Vec<Step>>) -> impl Strategy<Value = Vec<Event>> {
    (-200_i64..200, steps).prop_map(move |(origin, steps)| {
        let mut events: Vec<Event> = Vec::with_capacity(steps.len());
        let (mut time, mut arrival) = (origin * unit, origin * unit);
        for step in steps {
            let before = events.last().copied();
            time += step.time * unit;
            arrival += step.wait * unit;
            let partition = step.partition.or(before.map(|event| event.partition)).unwrap_or(0);
            let Step { k, u, v, w, .. } = step;
            let new = Event { time: time + step.jitter, arrival, partition, k, u, v, w };
            events.push(before.filter(|_| step.again).map_or(new, |before| Event { arrival, ..before }));
        }
        events
    })
}

/// Streams of several zones of the log, under windows longer and shorter than a zone.
pub(crate) fn long_cases(form: Form) -> impl Strategy<Value = Case> {
    (1_u32..3).prop_flat_map(move |partitions| {
        let steps = prop::collection::vec(steps(partitions), 2 * ZONE as usize..3 * ZONE as usize);
        let blocks = prop::collection::vec(1_usize..2 * ZONE as usize, 1..4);
        (pipelines(form, 1_000, partitions), events(1, steps), blocks)
            .prop_map(|(spec, events, blocks)| Case { spec, events, blocks })
    })
}

/// A query of this form that holds many panes and hundreds of keys, and then few again.
pub(crate) fn wide_cases(form: Form) -> impl Strategy<Value = Case> {
    let steps = prop::collection::vec((steps(1), 0..600_u32), 400..450).prop_map(|steps| {
        let widen = |(step, k): (Step, u32)| Step { time: step.time.abs().min(2), k, ..step };
        let mut steps: Vec<Step> = steps.into_iter().map(widen).collect();
        let quiet = steps.len() - 60;
        steps[quiet].time = 5_000;
        steps[quiet..].iter_mut().for_each(|step| step.k %= 4);
        steps
    });
    (queries(form, 1), events(1, steps), 1_usize..400).prop_map(|(query, events, block)| {
        let mut spec = empty();
        let by = vec!["k".to_owned()];
        let aggregates = AGGREGATES.iter().map(|aggregate| aggregate.parse().unwrap()).collect();
        let lateness = Millis(1_000);
        spec.query = vec![QuerySpec { name: "q".to_owned(), by, lateness, aggregates, ..query }];
        Case { spec, events, blocks: vec![block] }
    })
}
