//! Explanations against the engine: what a story says is behind a result gives the result's values, a
//! row's fate names just the results whose stories name the row, and what is said to turn a verdict does.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use kappascope_core::explain::{
    ExplainError, Figure, Given, Outcome, PointTarget, Rerun, Why, WindowState, WindowStory, WindowTarget,
};
use kappascope_core::spec::{Accumulation, DetectorKind, Emission, WindowSpec};
use kappascope_core::{Change, DropReason, Limits, Log, Millis, Pipeline, Score, Spec, Timing, Transition};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

#[derive(Clone, Copy, Debug)]
struct Event {
    time: i64,
    arrival: i64,
    partition: u32,
    k: usize,
    u: usize,
    v: i32,
}

/// One run: a pipeline, a stream, limits, and where a state is kept.
#[derive(Clone)]
struct Case {
    spec: Spec,
    events: Vec<Event>,
    limits: Limits,
    kept_at: usize,
    /// Rows of the blocks in which explanations run.
    block: usize,
}

const K: [&str; 3] = ["a", "b", "c"];
const U: [&str; 4] = ["w", "x", "y", "z"];
const AGGREGATES: &str = "['count()', 'sum(v)', 'min(v)', 'max(v)', 'first(v)', 'last(v)', 'distinct(u)']";

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.spec.to_toml())?;
        self.events.iter().try_for_each(|event| writeln!(f, "{event:?}"))?;
        write!(f, "{:?}, kept at row {}, blocks of {}", self.limits, self.kept_at, self.block)
    }
}

impl Case {
    fn log(&self) -> Log {
        let mut log = Log::new(&self.spec.schema);
        for event in &self.events {
            let keys = [log.intern(0, K[event.k]), log.intern(1, U[event.u])];
            log.append(event.time, event.arrival, event.partition, &keys, &[f64::from(event.v)]);
        }
        log
    }

    fn rerun<'a>(&'a self, log: &'a Log) -> Rerun<'a> {
        Rerun::new(&self.spec, log).limits(self.limits).finished(true).in_blocks_of(self.block)
    }

    /// Whether a query's `where` lets an event through: there is one, `v > -2`, on the second query.
    fn passes(&self, query: u32, row: u64) -> bool {
        self.spec.query[query as usize].filter.is_none() || self.events[row as usize].v > -2
    }

    fn key(&self, query: u32, row: u64) -> Vec<String> {
        let event = &self.events[row as usize];
        let by = &self.spec.query[query as usize].by;
        by.iter().map(|name| if name == "k" { K[event.k] } else { U[event.u] }.to_owned()).collect()
    }
}

fn spec_of(queries: [(&str, WindowSpec, Emission, Accumulation, i64); 2]) -> Spec {
    let query = |name: &str, by: &str, filter: &str| {
        format!(
            "[[query]]\nname = '{name}'\nby = [{by}]\n{filter}window = 'global'\naggregates = {AGGREGATES}\n"
        )
    };
    let detector = |name: &str, on: &str, by: &str, current: bool| {
        format!(
            "[[detector]]\nname = '{name}'\non = '{on}'\n{by}kind = 'zscore'\nwindow = 4\nmin_points = 2\n\
             threshold = {}\ninclude_current = {current}\n[[alert]]\nname = 'r{name}'\nwhen = '{name}'\nfor = '3ms'\n",
            if current { 1.1 } else { 1.4 }
        )
    };
    let text = [
        "name = 'e'\nversion = 1\nschema = { time = 't', partition = 'p', keys = ['k', 'u'], measures = ['v'] }\n"
            .to_owned(),
        query("q0", queries[0].0, ""),
        query("q1", queries[1].0, "where = 'v > -2'\n"),
        detector("d0", "q0.count()", "", false),
        detector("d1", "q1.max(v)", "", true),
        detector("d2", "v", "by = ['k']\n", false),
    ];
    let mut spec = Spec::from_toml(&text.concat()).unwrap();
    for (query, (_, window, emit, accumulation, lateness)) in spec.query.iter_mut().zip(queries) {
        query.window = window;
        query.emit = emit;
        query.accumulation = accumulation;
        query.lateness = Millis(lateness);
    }
    spec
}

const KINDS: [&str; 9] =
    ["tumbling", "hopping", "uneven", "cumulate", "session", "count", "count sliding", "rolling", "global"];

fn windows(kind: &'static str) -> impl Strategy<Value = WindowSpec> {
    (1_i64..7, 1_i64..5, 0_i64..100).prop_map(move |(step, n, offset)| match kind {
        "tumbling" => WindowSpec::Tumbling { size: Millis(step * n), offset: Millis(offset % (step * n)) },
        "hopping" => {
            WindowSpec::Hopping { size: Millis(step * n), slide: Millis(step), offset: Millis(offset % step) }
        }
        "uneven" => WindowSpec::Hopping {
            size: Millis((step + 1) * n + 1),
            slide: Millis(step + 1),
            offset: Millis(0),
        },
        "cumulate" => WindowSpec::Cumulate {
            size: Millis(step * n),
            step: Millis(step),
            offset: Millis(offset % (step * n)),
        },
        "session" => WindowSpec::Session { gap: Millis(step) },
        "count" => WindowSpec::Count { events: step as u32, slide: step as u32 },
        "count sliding" => WindowSpec::Count { events: (step + n) as u32, slide: step as u32 },
        "rolling" => WindowSpec::Rolling { duration: Millis(step * n) },
        _ => WindowSpec::Global,
    })
}

type Form = (&'static str, Emission, Accumulation);

fn forms(kind: &'static str) -> Vec<Form> {
    let emissions = [Emission::OnClose, Emission::OnUpdate, Emission::Every(Millis(5))];
    let accumulations = [Accumulation::Accumulating, Accumulation::Discarding, Accumulation::Retracting];
    let all = emissions.into_iter().flat_map(|emit| accumulations.map(|how| (kind, emit, how)));
    all.take(if kind == "rolling" { 1 } else { 9 }).collect()
}

fn queries(
    (kind, emit, accumulation): Form,
) -> impl Strategy<Value = (&'static str, WindowSpec, Emission, Accumulation, i64)> {
    let by = prop::sample::select(vec!["", "'k'", "'u', 'k'"]);
    let lateness = prop_oneof![1 => Just(0_i64), 3 => 1_i64..20];
    (by, windows(kind), lateness).prop_map(move |(by, window, lateness)| {
        let timeless = matches!(window, WindowSpec::Count { .. } | WindowSpec::Global);
        (by, window, emit, accumulation, if timeless { 0 } else { lateness })
    })
}

fn events(partitions: u32) -> impl Strategy<Value = Vec<Event>> {
    let step = prop_oneof![6 => 0_i64..4, 4 => -8_i64..0, 1 => -50_i64..60];
    let wait = prop_oneof![6 => 0_i64..4, 1 => 0_i64..40];
    let event = (step, wait, 0..partitions, 0..K.len(), 0..U.len(), -4_i32..6);
    (-50_i64..50, prop::collection::vec(event, 1..70)).prop_map(|(origin, steps)| {
        let (mut time, mut arrival) = (origin, origin);
        let event = |(step, wait, partition, k, u, v)| {
            (time, arrival) = (time + step, arrival + wait);
            Event { time, arrival, partition, k, u, v }
        };
        steps.into_iter().map(event).collect()
    })
}

fn cases(form: Form) -> impl Strategy<Value = Case> {
    let all: Vec<Form> = KINDS.into_iter().flat_map(forms).collect();
    let second = prop::sample::select(all).prop_flat_map(queries);
    let limits = prop_oneof![
        4 => Just(Limits::default()),
        1 => (1_u32..4, 1_usize..5, 1_usize..9)
            .prop_map(|(keys, open_windows, cells)| Limits { keys, open_windows, cells }),
    ];
    let idle = prop_oneof![Just(None), (1_i64..40).prop_map(|idle| Some(Millis(idle)))];
    let stream = (1_u32..4).prop_flat_map(move |partitions| (Just(partitions), events(partitions)));
    let cuts = (any::<prop::sample::Index>(), prop_oneof![3 => 1_usize..12, 1 => Just(1_024)]);
    (queries(form), second, limits, idle, 0_i64..12, stream, cuts).prop_map(
        |(first, second, limits, idle, bound, (partitions, events), (kept_at, block))| {
            let mut spec = spec_of([first, second]);
            spec.schema.partitions = partitions;
            spec.watermark.bound = Millis(bound);
            spec.watermark.idle = idle;
            let kept_at = kept_at.index(events.len());
            Case { spec, events, limits, kept_at, block }
        },
    )
}

/// A result as the engine gave it, event by event.
#[derive(Clone, Debug)]
struct Told {
    target: WindowTarget,
    given: Given,
}

/// All that the engine gave.
#[derive(Default)]
struct Run {
    results: Vec<Told>,
    drops: BTreeMap<(u32, u64), (DropReason, u32)>,
    scores: Vec<(PointTarget, Score, Option<u64>)>,
    alerts: Vec<(PointTarget, Transition)>,
    kept: Option<Pipeline>,
}

fn run(case: &Case, log: &Log) -> Run {
    let mut pipeline = Pipeline::with_limits(&case.spec, case.limits).unwrap();
    let mut run = Run::default();
    for row in 0..log.end() {
        if row as usize == case.kept_at {
            run.kept = Some(pipeline.clone());
        }
        pipeline.push(log.read(row, 1));
        run.note(&pipeline, Some(row));
    }
    pipeline.finish();
    run.note(&pipeline, None);
    run
}

impl Run {
    fn note(&mut self, pipeline: &Pipeline, row: Option<u64>) {
        let changes = pipeline.changes();
        for change in changes.iter() {
            match change {
                Change::Window(result) => {
                    let values = changes.values_of(result).map(Figure::from).collect();
                    let kappascope_core::WindowResult { start, end, revision, timing, retraction, .. } =
                        *result;
                    let points = Vec::new();
                    let given = Given { row, start, end, revision, timing, retraction, values, points };
                    self.results.push(Told { target: WindowTarget::of(pipeline, result), given });
                }
                Change::Drop(drop) => {
                    self.drops.insert((drop.query, row.unwrap()), (drop.reason, drop.windows));
                }
                Change::Score(score) => {
                    self.scores.push((PointTarget::of_score(pipeline, score), score.clone(), row));
                }
                Change::Alert(alert) => {
                    let Some(target) = PointTarget::of_alert(pipeline, alert) else {
                        assert!(alert.absent, "the rules look at detectors");
                        continue;
                    };
                    self.alerts.push((target, alert.clone()));
                }
            }
        }
    }
}

/// What tells results apart.
type Id = (u32, Vec<String>, i64, i64, u32, bool, Option<u64>);

fn id(target: &WindowTarget, given: &Given) -> Id {
    let Given { row, start, end, revision, retraction, .. } = *given;
    (target.query, target.key.clone(), start, end, revision, retraction, row)
}

/// The values that a result over these rows must have.
fn recompute(case: &Case, rows: &[u64]) -> Vec<Figure> {
    let events: Vec<&Event> = rows.iter().map(|row| &case.events[*row as usize]).collect();
    let real = |v: i32| Figure::Real(f64::from(v));
    let first = events.iter().rev().min_by_key(|event| event.time);
    let earliest = first.map(|first| first.time);
    let strings: BTreeSet<usize> = events.iter().map(|event| event.u).collect();
    vec![
        Figure::Count(events.len() as u64),
        real(events.iter().map(|event| event.v).sum()),
        real(events.iter().map(|event| event.v).min().unwrap()),
        real(events.iter().map(|event| event.v).max().unwrap()),
        real(events.iter().find(|event| Some(event.time) == earliest).unwrap().v),
        real(events.iter().max_by_key(|event| event.time).unwrap().v),
        Figure::Count(strings.len() as u64),
    ]
}

/// How often the generator reached what is to be explained.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    corrections: usize,
    retractions: usize,
    refused: usize,
    late: usize,
    late_for_some: usize,
    over_limit: usize,
    filtered: usize,
    merged: usize,
    points: usize,
    alerts: usize,
    missing: usize,
}

/// Explains every window and row of a case.
fn check_lineage(case: &Case, reached: &mut Reached) -> Result<(), TestCaseError> {
    let log = case.log();
    let run = run(case, &log);
    let rerun = case.rerun(&log);
    let mut targets: Vec<&WindowTarget> = Vec::new();
    run.results.iter().for_each(|told| {
        if !targets.contains(&&told.target) {
            targets.push(&told.target);
        }
    });
    let mut rows_of: BTreeMap<Id, Vec<u64>> = BTreeMap::new();
    let (mut points, mut alerts) = (0, 0);
    for target in targets {
        let story = rerun.window(target).unwrap();
        check_story(case, &run, &story, reached)?;
        for (i, given) in story.results.iter().enumerate() {
            let rows: Vec<u64> = story.rows_of(i).collect();
            if let Some(told) = rows_of.insert(id(target, given), rows.clone()) {
                prop_assert_eq!(told, rows, "two stories of one result, {:?}", given);
            } else {
                points += given.points.len();
                alerts += given.points.iter().map(|point| point.alerts.len()).sum::<usize>();
            }
        }
        check_parts(case, &run, &story, target, reached)?;
    }
    reached.points += points;
    reached.alerts += alerts;
    let of_results = run.scores.iter().filter(|(target, ..)| target.detector < 2).count();
    prop_assert_eq!(points, of_results, "scores of results");
    let of_alerts = run.alerts.iter().filter(|(target, _)| target.detector < 2).count();
    prop_assert_eq!(alerts, of_alerts, "alerts of results");
    prop_assert_eq!(rows_of.len(), run.results.len());
    for row in 0..log.end() {
        check_fate(case, &run, row, &rows_of, reached)?;
    }
    Ok(())
}

fn check_story(
    case: &Case,
    run: &Run,
    story: &WindowStory,
    reached: &mut Reached,
) -> Result<(), TestCaseError> {
    let target = &story.target;
    let query = target.query;
    let with_bounds = |given: &&Given| (given.start, given.end) == (target.start, target.end);
    let plain = |given: &Given| Given { points: Vec::new(), ..given.clone() };
    let ours: Vec<Given> = story.results.iter().filter(with_bounds).map(plain).collect();
    let engines = run.results.iter().filter(|told| told.target == *target).map(|told| told.given.clone());
    prop_assert_eq!(&ours, &engines.collect::<Vec<_>>(), "results of {:?}", target);
    let all: BTreeSet<Id> = run.results.iter().map(|told| id(&told.target, &told.given)).collect();
    prop_assert!(story.missing.is_empty());
    prop_assert_eq!(story.state, WindowState::Gone);
    for (i, given) in story.results.iter().enumerate() {
        prop_assert!(all.contains(&id(target, given)), "{:?} was never given", given);
        let rows: Vec<u64> = story.rows_of(i).collect();
        prop_assert!(!rows.is_empty(), "{:?} covers nothing", given);
        prop_assert_eq!(recompute(case, &rows), given.values.clone(), "rows {:?} of {:?}", rows, given);
        // The negative control: one row too few, and the values are others.
        if rows.len() > 1 {
            prop_assert_ne!(recompute(case, &rows[1..]), given.values.clone());
        }
        reached.corrections += usize::from(given.timing == Timing::Late);
        reached.retractions += usize::from(given.retraction);
        reached.merged += usize::from(!with_bounds(&given) && given.revision == 0);
    }
    for event in &story.events {
        prop_assert_eq!(case.events[event.row as usize].time, event.time);
        prop_assert!(case.passes(query, event.row));
        prop_assert_eq!(&case.key(query, event.row), &target.key);
        prop_assert!(
            !matches!(run.drops.get(&(query, event.row)), Some((reason, _)) if *reason != DropReason::LateForSome)
        );
    }
    check_refused(case, run, story, reached)
}

/// An event of the key within the bounds is refused if the engine dropped it, or missed this window.
fn check_refused(
    case: &Case,
    run: &Run,
    story: &WindowStory,
    reached: &mut Reached,
) -> Result<(), TestCaseError> {
    let WindowTarget { query, ref key, start, end } = story.target;
    let refused: BTreeMap<u64, DropReason> =
        story.refused.iter().map(|refused| (refused.row, refused.reason)).collect();
    reached.refused += refused.len();
    for row in 0..case.events.len() as u64 {
        let within = (start..end).contains(&case.events[row as usize].time);
        let candidate = within && case.passes(query, row) && case.key(query, row) == *key;
        let dropped = run.drops.get(&(query, row)).map(|(reason, _)| *reason);
        match dropped.filter(|_| candidate) {
            Some(DropReason::LateForSome) => {
                let is_in = story.events.iter().any(|event| event.row == row);
                prop_assert!(is_in != refused.contains_key(&row), "row {} is in and out", row);
            }
            other => prop_assert_eq!(refused.get(&row).copied(), other, "row {}", row),
        }
    }
    Ok(())
}

/// Explained from a state that was kept, or up to a row, it is a part of the whole story.
fn check_parts(
    case: &Case,
    run: &Run,
    whole: &WindowStory,
    target: &WindowTarget,
    reached: &mut Reached,
) -> Result<(), TestCaseError> {
    let log = case.log();
    let (kept, at) = (run.kept.as_ref().unwrap(), case.kept_at as u64);
    let from_kept = |rows: Vec<u64>| rows.into_iter().filter(|row| *row >= at).collect::<Vec<_>>();
    match case.rerun(&log).from(kept).window(target) {
        Ok(part) => {
            reached.missing += usize::from(!part.missing.is_empty());
            let later = whole.results.iter().enumerate();
            let later = later.filter(|(_, given)| given.row.is_none_or(|row| row >= at));
            // Without what was given before, it may not know that a session was part of this one.
            let later: Vec<_> = later.filter(|(_, given)| part.results.contains(given)).collect();
            prop_assert_eq!(later.len(), part.results.len());
            for (i, (j, given)) in later.into_iter().enumerate() {
                let (rows, of_part) =
                    (whole.rows_of(j).collect::<Vec<_>>(), part.rows_of(i).collect::<Vec<_>>());
                let complete = rows == of_part;
                prop_assert!(complete || !part.missing.is_empty(), "{:?} unseen of {:?}", rows, given);
                if !given.retraction {
                    prop_assert_eq!(of_part, from_kept(rows), "from row {} of {:?}", at, given);
                }
            }
        }
        Err(ExplainError::NoSuchWindow { .. }) => {
            let asked = |given: &Given| (given.start, given.end) == (target.start, target.end);
            let later = whole.results.iter().filter(|given| asked(given));
            prop_assert!(
                later.clone().all(|given| given.row.is_some_and(|row| row < at)),
                "{:?} lost",
                target
            );
        }
        Err(error) => prop_assert!(false, "{}", error),
    }
    match case.rerun(&log).finished(false).until(at).window(target) {
        Ok(part) => {
            let earlier = whole.results.iter().filter(|given| given.row.is_some_and(|row| row < at));
            let earlier: Vec<&Given> = earlier.filter(|given| part.results.contains(given)).collect();
            prop_assert_eq!(part.results.iter().collect::<Vec<_>>(), earlier);
            prop_assert!(part.events.iter().all(|event| event.row < at && whole.events.contains(event)));
        }
        Err(error) => prop_assert!(matches!(error, ExplainError::NoSuchWindow { .. }), "{}", error),
    }
    Ok(())
}

fn check_fate(
    case: &Case,
    run: &Run,
    row: u64,
    rows_of: &BTreeMap<Id, Vec<u64>>,
    reached: &mut Reached,
) -> Result<(), TestCaseError> {
    let log = case.log();
    let fate = case.rerun(&log).event(row).unwrap();
    prop_assert!(fate.settled);
    prop_assert_eq!(fate.time, case.events[row as usize].time);
    if row >= case.kept_at as u64 {
        let kept = run.kept.as_ref().unwrap();
        prop_assert_eq!(&case.rerun(&log).from(kept).event(row).unwrap(), &fate);
    }
    let of_event = run.scores.iter().filter(|(target, _, at)| target.detector == 2 && *at == Some(row));
    let of_event: Vec<&Score> = of_event.map(|(_, score, _)| score).collect();
    prop_assert_eq!(fate.points.iter().map(|point| &point.score).collect::<Vec<_>>(), of_event);
    for (query, of_query) in (0..).zip(&fate.queries) {
        prop_assert_eq!(&of_query.key, &case.key(query, row));
        let dropped = run.drops.get(&(query, row));
        match &of_query.outcome {
            Outcome::Filtered => {
                reached.filtered += 1;
                prop_assert!(!case.passes(query, row) && dropped.is_none());
            }
            Outcome::Late { enough_lateness } => {
                reached.late += 1;
                prop_assert_eq!(dropped.map(|(reason, _)| *reason), Some(DropReason::Late));
                check_lateness(case, row, query, *enough_lateness)?;
            }
            Outcome::TooManyKeys | Outcome::TooManyWindows => {
                reached.over_limit += 1;
                let keys = of_query.outcome == Outcome::TooManyKeys;
                let reason = if keys { DropReason::TooManyKeys } else { DropReason::TooManyWindows };
                prop_assert_eq!(dropped.map(|(reason, _)| *reason), Some(reason));
            }
            Outcome::Counted { missed } => {
                prop_assert!(case.passes(query, row));
                reached.late_for_some += missed.len();
                let expected = (!missed.is_empty()).then_some((DropReason::LateForSome, missed.len() as u32));
                prop_assert_eq!(dropped.copied(), expected);
            }
        }
        let target = WindowTarget { query, key: of_query.key.clone(), start: 0, end: 0 };
        let ours = of_query.windows.iter().flat_map(|window| &window.results).map(|given| id(&target, given));
        let ours: BTreeSet<Id> = ours.collect();
        let theirs = rows_of.iter().filter(|(id, rows)| id.0 == query && rows.contains(&row));
        let theirs: BTreeSet<Id> = theirs.map(|(id, _)| id.clone()).collect();
        prop_assert_eq!(ours, theirs, "results that cover row {} in query {}", row, query);
    }
    Ok(())
}

/// So much lateness is enough, and a millisecond less is not.
fn check_lateness(case: &Case, row: u64, query: u32, enough: Millis) -> Result<(), TestCaseError> {
    let log = case.log();
    let outcome = |lateness: i64| {
        let mut spec = case.spec.clone();
        spec.query[query as usize].lateness = Millis(lateness);
        let fate = Rerun::new(&spec, &log).limits(case.limits).event(row).unwrap();
        matches!(fate.queries[query as usize].outcome, Outcome::Late { .. })
    };
    prop_assert!(!outcome(enough.0), "late with {:?} too", enough);
    let is_session = matches!(case.spec.query[query as usize].window, WindowSpec::Session { .. });
    prop_assert!(is_session || outcome(enough.0 - 1), "less than {:?} is enough", enough);
    Ok(())
}

/// Runs a check over generated cases; a failure prints the smallest one found.
fn for_cases(form: Form, count: u32, check: impl Fn(&Case) -> Result<(), TestCaseError>) {
    let config =
        Config { cases: count, max_shrink_iters: 4_000, source_file: Some(file!()), ..Config::default() };
    let mut runner = TestRunner::new(config);
    if let Err(failure) = runner.run(&cases(form), |case| check(&case)) {
        panic!("{form:?}: {failure}\n{runner}");
    }
}

/// Generated cases for each kind of window.
const CASES: u32 = 90;

fn lineage(kind: &'static str) {
    let reached = RefCell::new(Reached::default());
    let forms = forms(kind);
    let count = CASES / forms.len() as u32;
    for form in forms {
        for_cases(form, count, |case| check_lineage(case, &mut reached.borrow_mut()));
    }
    let reached = reached.into_inner();
    println!("{kind}: {reached:?}");
    let Reached { corrections, retractions, refused, late, late_for_some, over_limit, .. } = reached;
    let Reached { filtered, merged, points, alerts, missing, .. } = reached;
    let of_engine = [corrections, retractions, refused, late, late_for_some, over_limit, filtered, merged];
    let all = [&of_engine[..], &[points, alerts, missing]].concat();
    assert!(all.iter().all(|n| *n > 0), "the generator missed something: {reached:?}");
}

macro_rules! lineage {
    ($($name:ident: $kind:literal,)*) => {
        mod lineage_goes_both_ways {
            $(#[test] fn $name() { super::lineage($kind); })*
        }
    };
}

lineage! {
    tumbling: "tumbling",
    hopping: "hopping",
    hopping_uneven: "uneven",
    cumulate: "cumulate",
    session: "session",
    count: "count",
    count_sliding: "count sliding",
    rolling: "rolling",
    global: "global",
}

/// The points of each series of a detector and key: value, time, row.
type Series = BTreeMap<(u32, Vec<String>), Vec<(f64, i64, Option<u64>)>>;

/// The points of each series, in order, however few: of results that are on time, and of events.
fn series(case: &Case, run: &Run) -> Series {
    let mut series = Series::new();
    for Told { target, given } in &run.results {
        if given.timing == Timing::OnTime && !given.retraction {
            // `d0` reads `q0.count()`, `d1` reads `q1.max(v)`.
            let value = given.values[[0, 3][target.query as usize]].as_f64();
            let of_key = series.entry((target.query, target.key.clone())).or_default();
            of_key.push((value, given.start, given.row));
        }
    }
    for (row, event) in (0..).zip(&case.events) {
        let of_key = series.entry((2, vec![K[event.k].to_owned()])).or_default();
        of_key.push((f64::from(event.v), event.time, Some(row)));
    }
    series
}

fn naive_baseline(points: &[f64]) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = points.iter().sum::<f64>() / n;
    let squares: f64 = points.iter().map(|point| (point - mean) * (point - mean)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

fn check_points(case: &Case, turned: &mut [usize; 2]) -> Result<(), TestCaseError> {
    let log = case.log();
    let run = run(case, &log);
    let series = series(case, &run);
    for (target, score, row) in run.scores.iter().step_by(3) {
        let why = case.rerun(&log).point(target).unwrap();
        // Cumulating windows of one start can have points that differ in their bands only.
        let known_by = |score: &Score| (score.time, score.value, score.expected, score.score);
        prop_assert_eq!(known_by(&why.point.score), known_by(score));
        prop_assert_eq!(why.result.is_none(), target.detector == 2);
        let points = &series[&(target.detector, target.key.clone())];
        let spec = &case.spec.detector[target.detector as usize];
        let is_it = |at: usize| {
            let (value, start, of_row) = points[at];
            (value.to_bits(), start, of_row) == (score.value.to_bits(), score.time, why.row)
        };
        let past = |at: usize| {
            let DetectorKind::Zscore(zscore) = &spec.kind else { unreachable!("all are z-scores") };
            let until = if zscore.include_current { at + 1 } else { at };
            points[until.saturating_sub(4)..until].iter().map(|(value, ..)| *value).collect::<Vec<_>>()
        };
        let found = (0..points.len()).any(|at| is_it(at) && past(at) == why.workings.points);
        prop_assert!(found, "{:?} is not the past of {:?} in {:?}", why.workings, score, points);
        // A score that another point has too is explained by the first of them.
        prop_assert!(why.row.unwrap_or(u64::MAX) <= row.unwrap_or(u64::MAX));
        let (mean, deviation) = naive_baseline(&why.workings.points);
        let figure = |name: &str| why.workings.figures.iter().find(|(of, _)| *of == name).unwrap().1;
        prop_assert!((mean - figure("mean")).abs() < 1e-9 && (deviation - figure("deviation")).abs() < 1e-9);
        turned[usize::from(score.anomaly)] += 1;
        if let Some(threshold) = why.turn.threshold {
            let back = if score.anomaly { threshold.next_down() } else { threshold.next_up() };
            prop_assert_eq!(verdict(case, &log, target, threshold)?, !score.anomaly);
            prop_assert_eq!(verdict(case, &log, target, back)?, score.anomaly);
        } else {
            prop_assert!(!score.anomaly && score.score == 0.0);
        }
        if target.detector == 2 {
            check_value(case, why.row.unwrap(), score, why.turn.value)?;
        }
    }
    for (target, alert) in run.alerts.iter().step_by(3) {
        let why = case.rerun(&log).point(target).unwrap();
        prop_assert!(why.point.alerts.contains(alert));
        let of_alert = run.alerts.iter().map(|(_, other)| other).filter(|other| other.id == alert.id);
        let upto = of_alert.clone().position(|other| other == alert).unwrap();
        prop_assert_eq!(why.alert.iter().collect::<Vec<_>>(), of_alert.take(upto + 1).collect::<Vec<_>>());
        let kept = run.kept.as_ref().unwrap();
        if why.alert[0].cause.is_some() && why.row.is_none_or(|row| row >= case.kept_at as u64) {
            let later = case.rerun(&log).from(kept).point(target).unwrap();
            prop_assert_eq!((later.point, later.workings, later.turn), (why.point, why.workings, why.turn));
        }
    }
    Ok(())
}

/// Whether the point is an anomaly at another threshold.
fn verdict(case: &Case, log: &Log, target: &PointTarget, threshold: f64) -> Result<bool, TestCaseError> {
    let mut spec = case.spec.clone();
    *spec.detector[target.detector as usize].kind.threshold_mut().unwrap() = threshold;
    let why = Rerun::new(&spec, log).limits(case.limits).finished(true).point(target);
    Ok(why.map_err(|error| TestCaseError::fail(error.to_string()))?.point.score.anomaly)
}

/// The value turns the verdict of an event's point, and one a hair nearer does not.
fn check_value(case: &Case, row: u64, score: &Score, value: Option<f64>) -> Result<(), TestCaseError> {
    let anomaly = |value: f64| {
        let mut log = Log::new(&case.spec.schema);
        for (at, event) in (0..).zip(&case.events) {
            let keys = [log.intern(0, K[event.k]), log.intern(1, U[event.u])];
            let value = if at == row { value } else { f64::from(event.v) };
            log.append(event.time, event.arrival, event.partition, &keys, &[value]);
        }
        let fate = case.rerun(&log).event(row).unwrap();
        fate.points[0].score.anomaly
    };
    let turned = value.unwrap();
    let back = if turned < score.value { turned.next_up() } else { turned.next_down() };
    prop_assert_eq!(anomaly(turned), !score.anomaly, "{} turns {:?}", turned, score);
    prop_assert_eq!(anomaly(back), score.anomaly, "{} turns {:?} too", back, score);
    // The other way out of the band is no shorter.
    let other = 2.0 * score.value - turned;
    let inside = other + (score.value - other) * 1e-9;
    let is_nearer = (inside - score.value).abs() < (turned - score.value).abs();
    prop_assert!(!is_nearer || anomaly(inside) == score.anomaly, "{} is nearer than {}", inside, turned);
    Ok(())
}

#[test]
fn what_is_said_to_turn_a_verdict_does() {
    let turned = RefCell::new([0; 2]);
    for kind in KINDS {
        for form in forms(kind) {
            for_cases(form, 3, |case| check_points(case, &mut turned.borrow_mut()));
        }
    }
    let turned = turned.into_inner();
    assert!(turned.iter().all(|n| *n > 100), "{turned:?}");
}

/// A pipeline of one query and detector over one key, an event a millisecond where `counts` says so many.
fn counting(counts: &[u64], detector: &str) -> (Spec, Log) {
    let spec = Spec::from_toml(&format!(
        "name = 'c'\nversion = 1\nschema = {{ time = 't' }}\n\
         [[query]]\nname = 'q'\nwindow = {{ tumbling = '1s' }}\naggregates = ['count()']\n\
         [[detector]]\nname = 'd'\non = 'q.count()'\nkind = 'zscore'\n{detector}\n"
    ))
    .unwrap();
    let mut log = Log::new(&spec.schema);
    for (second, count) in (0..).zip(counts) {
        (0..*count as i64).for_each(|ms| log.append(second * 1_000 + ms, second * 1_000 + ms, 0, &[], &[]));
    }
    (spec, log)
}

/// The point of the last window.
fn last_point(spec: &Spec, log: &Log) -> Why {
    let mut pipeline = Pipeline::new(spec).unwrap();
    pipeline.push(log.read(0, usize::MAX));
    pipeline.finish();
    let scores = pipeline.changes().iter().filter_map(|change| match change {
        Change::Score(score) => Some(PointTarget::of_score(&pipeline, score)),
        _ => None,
    });
    Rerun::new(spec, log).finished(true).point(&scores.last().unwrap()).unwrap()
}

#[test]
fn a_count_is_turned_by_whole_events() {
    // Of these eight the mean is 6 and the deviation 1.85: from 0.45 to 11.55 all is normal.
    let past = [4, 8, 6, 4, 8, 6, 8, 4];
    for (scale, count, nearest) in [
        (1, 30, 11),
        (1, 11, 12),
        (1, 12, 11),
        (1, 1, 12),
        (10, 2, 5),
        (10, 5, 4),
        (10, 59, 4),
        (10, 61, 116),
    ] {
        let why = |last: u64| {
            let counts = past.iter().map(|n| n * scale).chain([last]).collect::<Vec<u64>>();
            let (spec, log) = counting(&counts, "window = 8\nthreshold = 3.0");
            last_point(&spec, &log)
        };
        let asked = why(count);
        assert_eq!(asked.turn.value, Some(nearest as f64), "{count}: {asked:?}");
        let nearer = if nearest < count { nearest + 1 } else { nearest - 1 };
        assert_ne!(why(nearest).point.score.anomaly, asked.point.score.anomaly, "{nearest} turns {count}");
        assert_eq!(why(nearer).point.score.anomaly, asked.point.score.anomaly, "{nearer} turns {count} too");
    }
}

/// Shiffler's bound: of 20 points with itself among them none reaches 4.3.
#[test]
fn no_value_turns_what_cannot_be_reached() {
    let counts: Vec<u64> = (0..30).map(|second| 5 + second % 3).collect();
    let with = |threshold: f64| {
        let detector = format!("window = 20\ninclude_current = true\nthreshold = {threshold:?}");
        let (spec, log) = counting(&counts, &detector);
        last_point(&spec, &log).turn
    };
    assert_eq!(with(4.3).value, None);
    assert!(with(4.2).value.is_some());
    // No band holds a whole number, so none is normal; a threshold would do.
    let (spec, log) = counting(&[5, 6, 5, 6, 5, 6, 9], "window = 6\nthreshold = 0.1");
    let turn = last_point(&spec, &log).turn;
    assert_eq!(turn.value, None);
    assert!(turn.threshold.is_some());
}

fn minutes(log: &mut Log, times_s: &[i64]) {
    times_s.iter().for_each(|second| log.append(second * 1_000, 100_000, 0, &[], &[]));
}

#[test]
fn what_cannot_be_told_is_said() {
    let (spec, _) = counting(&[], "window = 8\nthreshold = 3.0");
    let mut log = Log::new(&spec.schema);
    minutes(&mut log, &[0, 1, 2, 3, 4, 5]);
    let target = |start, end| WindowTarget { query: 0, key: Vec::new(), start, end };
    let story = |target: WindowTarget| Rerun::new(&spec, &log).window(&target);
    assert_eq!(story(target(5_000, 6_000)).unwrap().state, WindowState::Open);
    assert_eq!(story(target(4_000, 5_000)).unwrap().state, WindowState::Gone);
    for none in [
        target(4_000, 5_001),
        target(4_500, 5_500),
        target(9_000, 10_000),
        target(i64::MIN, i64::MAX),
        target(i64::MAX, i64::MIN),
        WindowTarget { query: 1, ..target(0, 1_000) },
        WindowTarget { key: vec!["a".to_owned()], ..target(0, 1_000) },
    ] {
        let error = story(none.clone()).unwrap_err();
        assert!(matches!(error, ExplainError::NoSuchWindow { .. }), "{none:?}: {error}");
    }
    let rerun = Rerun::new(&spec, &log);
    assert_eq!(rerun.event(6), Err(ExplainError::RowAhead { row: 6, until: 6 }));
    assert_eq!(rerun.until(3).event(3), Err(ExplainError::RowAhead { row: 3, until: 3 }));
    let mut kept = Pipeline::new(&spec).unwrap();
    kept.push(log.read(0, 4));
    assert_eq!(rerun.from(&kept).event(3), Err(ExplainError::StateAhead { row: 4, until: 3 }));
    assert!(!rerun.from(&kept).event(5).unwrap().settled);
    let mut finished = kept.clone();
    finished.finish();
    assert_eq!(rerun.from(&finished).event(5), Err(ExplainError::StateFinished));
    let mut other = spec.clone();
    other.version = 2;
    assert_eq!(Rerun::new(&other, &log).from(&kept).event(5), Err(ExplainError::ForeignState));
}

#[test]
fn rows_that_the_log_let_go_of_are_said_to_be_missing() {
    let (spec, _) = counting(&[], "window = 8\nthreshold = 3.0");
    let mut log = Log::new(&spec.schema);
    minutes(&mut log, &[0, 0, 1, 1, 2, 3]);
    let mut kept = Pipeline::new(&spec).unwrap();
    kept.push(log.read(0, 3));
    log.forget(3);
    let second = WindowTarget { query: 0, key: Vec::new(), start: 1_000, end: 2_000 };
    let third = WindowTarget { start: 2_000, end: 3_000, ..second.clone() };
    // Without a state nothing is known of what was there.
    let rerun = Rerun::new(&spec, &log);
    assert_eq!(rerun.window(&third).unwrap().missing, 0..3);
    assert_eq!(rerun.event(2), Err(ExplainError::RowGone { row: 2, oldest: 3 }));
    // With one: row 2 belongs to the second window and cannot be shown; the third has all its rows.
    let of_second = rerun.from(&kept).window(&second).unwrap();
    assert_eq!((of_second.missing.clone(), &of_second.results[0].values), (0..3, &vec![Figure::Count(2)]));
    assert_eq!(of_second.rows_of(0).collect::<Vec<_>>(), [3]);
    let of_third = rerun.from(&kept).window(&third).unwrap();
    assert_eq!((of_third.missing.clone(), of_third.rows_of(0).collect::<Vec<_>>()), (0..0, vec![4]));
    // A state from before what the log holds cannot go on.
    log.forget(5);
    let error = Rerun::new(&spec, &log).from(&kept).window(&third).unwrap_err();
    assert_eq!(error, ExplainError::RowGone { row: 3, oldest: 5 });
}
