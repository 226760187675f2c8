//! The engine against a naive oracle that follows the definition, event by event, over generated
//! pipelines and streams, however the log is cut into blocks.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![cfg(not(target_arch = "wasm32"))]

mod cases;
mod extremes;
mod facts;
mod fold;
mod judge;
mod naive;

use cases::{Case, Emit, Form, KINDS, Kind, cases, long_cases, wide_cases};
use facts::{Cut, Fact, run};
use kappascope_core::aggregate::Aggregate;
use kappascope_core::spec::{Accumulation, WindowSpec};
use kappascope_core::{AlertState, Counters, DropReason, Limits, Timing};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::{Cell, RefCell};

/// Generated cases for each form of a query.
const CASES: u32 = 60;

/// Smaller cases to look for when one fails.
const SHRINKS: u32 = 20_000;

/// Runs a check over generated cases of a form; a failure prints the smallest one found and its seed.
fn for_cases(
    form: Form,
    cases: impl Strategy<Value = Case>,
    count: u32,
    check: impl Fn(&Case) -> Result<(), TestCaseError>,
) {
    let config =
        Config { cases: count, max_shrink_iters: SHRINKS, source_file: Some(file!()), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&cases, |case| check(&case));
    if let Err(failure) = ran {
        panic!("{form:?}: {failure}\n{runner}");
    }
}

/// The engine gives what the oracle gives, in one push, cut into blocks, stopped and resumed after each of
/// them, and event by event.
fn agrees(case: &Case, limits: Limits) -> Result<Vec<Fact>, TestCaseError> {
    let log = case.log();
    let expected = naive::facts(&case.spec, &case.events, limits);
    let whole = run(&case.spec, &log, Cut::WHOLE, limits);
    same(&whole.facts, &expected, Cut::WHOLE)?;
    prop_assert_eq!(whole.counters, count(case, limits, &expected));
    let blocks = &case.blocks[..];
    for how in [Cut { blocks, stops: false }, Cut { blocks, stops: true }, Cut { blocks: &[1], stops: false }]
    {
        let cut = run(&case.spec, &log, how, limits);
        same(&cut.facts, &expected, how)?;
        prop_assert_eq!(cut.counters, whole.counters);
        prop_assert_eq!(cut.digest, whole.digest);
    }
    Ok(expected)
}

/// Compares fact by fact, so that a failure shows the first that differs.
fn same(found: &[Fact], expected: &[Fact], how: Cut<'_>) -> Result<(), TestCaseError> {
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        prop_assert!(found == expected, "{how:?}, fact {i}\nengine {found:?}\noracle {expected:?}");
    }
    let (n, m) = (found.len(), expected.len());
    prop_assert!(n == m, "{how:?}, engine {:?}\noracle {:?}", found.get(m), expected.get(n));
    Ok(())
}

/// What the counters must say after all this.
fn count(case: &Case, limits: Limits, facts: &[Fact]) -> Counters {
    let mut counters = Counters { events: case.events.len() as u64, ..Counters::default() };
    for fact in facts {
        match fact {
            Fact::Window(window) => counters.windows += u64::from(!window.retraction),
            Fact::Drop { reason, windows, .. } => match reason {
                DropReason::Late => counters.late += 1,
                DropReason::LateForSome => counters.late_for_some += u64::from(*windows),
                DropReason::TooManyKeys | DropReason::TooManyWindows => counters.over_limit += 1,
            },
            Fact::Score { anomaly, .. } => counters.anomalies += u64::from(*anomaly),
            Fact::Alert { state, .. } => counters.alerts += u64::from(*state == AlertState::Firing),
        }
    }
    for query in &case.spec.query {
        counters.filtered += case.events.iter().filter(|event| !Case::passes(query, event)).count() as u64;
    }
    counters.over_limit += judge::unseen(&case.spec, &case.events, limits);
    counters
}

/// How often the generator reached what a form can give.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    results: u64,
    early: u64,
    corrections: u64,
    retractions: u64,
    late: u64,
    late_for_some: u64,
    scores: u64,
    firing: u64,
}

impl Reached {
    /// Adds what the first query gave, and the detectors.
    fn add(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Window(window) if window.query == 0 => {
                    self.results += 1;
                    self.early += u64::from(window.timing == Timing::Early);
                    self.corrections += u64::from(window.timing == Timing::Late);
                    self.retractions += u64::from(window.retraction);
                }
                Fact::Drop { query: 0, reason, .. } => {
                    self.late += u64::from(*reason == DropReason::Late);
                    self.late_for_some += u64::from(*reason == DropReason::LateForSome);
                }
                Fact::Score { .. } => self.scores += 1,
                Fact::Alert { state: AlertState::Firing, .. } => self.firing += 1,
                _ => {}
            }
        }
    }

    /// What a form can give and was not seen.
    fn missing(&self, form: Form) -> Vec<&'static str> {
        let in_event_time = !matches!(form.kind, Kind::Count | Kind::CountSliding | Kind::Global);
        let shared = matches!(form.kind, Kind::Hopping | Kind::HoppingUneven | Kind::Cumulate);
        let retracts = form.accumulation == Accumulation::Retracting;
        let wanted = [
            ("a result", true, self.results),
            ("an early result", form.emit != Emit::OnClose, self.early),
            ("a correction", in_event_time, self.corrections),
            ("a retraction", retracts && (in_event_time || form.emit != Emit::OnClose), self.retractions),
            ("a late event", in_event_time, self.late),
            ("an event late for some", shared, self.late_for_some),
            ("a score", true, self.scores),
            ("an alert", true, self.firing),
        ];
        wanted.into_iter().filter(|(_, can, seen)| *can && *seen == 0).map(|(name, ..)| name).collect()
    }
}

/// Every form of a kind agrees with the oracle, and the generator reached all that it can give.
fn check(kind: Kind) {
    let forms = Form::of(kind);
    let count = CASES * 9 / forms.len() as u32;
    for form in forms {
        let reached = RefCell::new(Reached::default());
        for_cases(form, cases(form), count, |case| {
            let facts = agrees(case, Limits::default())?;
            reached.borrow_mut().add(&facts);
            Ok(())
        });
        let reached = reached.into_inner();
        println!("{form:?}: {reached:?}");
        assert_eq!(reached.missing(form), [""; 0], "{form:?}: {reached:?}");
    }
}

macro_rules! kinds {
    ($($name:ident: $kind:ident,)*) => {
        mod agrees {
            $(#[test] fn $name() { super::check(super::Kind::$kind); })*
        }
        mod agrees_at_its_limits {
            $(#[test] fn $name() { super::check_limits(super::Kind::$kind); })*
        }
    };
}

kinds! {
    tumbling: Tumbling,
    hopping: Hopping,
    hopping_uneven: HoppingUneven,
    cumulate: Cumulate,
    session: Session,
    count: Count,
    count_sliding: CountSliding,
    rolling: Rolling,
    global: Global,
}

/// Limits small enough to be reached, and near what a block may need, in turn.
fn check_limits(kind: Kind) {
    const FEW: [usize; 8] = [1, 2, 3, 5, 8, 13, 21, 34];
    let (forms, turn) = (Form::of(kind), Cell::new(0));
    let count = 24 * 9 / forms.len() as u32;
    for form in forms {
        for_cases(form, cases(form), count, |case| {
            let few = FEW[turn.get() / 4 % FEW.len()];
            let limits = match turn.replace(turn.get() + 1) % 4 {
                0 => Limits { keys: few as u32, ..Limits::default() },
                1 => Limits { open_windows: few, ..Limits::default() },
                2 => Limits { cells: few, ..Limits::default() },
                _ => Limits { keys: 3, open_windows: 3, cells: 5 },
            };
            agrees(case, limits).map(|_| ())
        });
    }
}

/// The negative control of the digest: one bit of one value, and it is another.
#[test]
fn digest_sees_one_bit() {
    for form in Form::of(Kind::Tumbling) {
        for_cases(form, cases(form), 20, |case| {
            let whole = |case: &Case| run(&case.spec, &case.log(), Cut::WHOLE, Limits::default());
            let before = whole(case);
            for at in 0..case.events.len() {
                let mut other = case.clone();
                other.events[at].v = f64::from_bits(other.events[at].v.to_bits() ^ 1);
                let after = whole(&other);
                prop_assert_eq!(before.facts == after.facts, before.digest == after.digest);
            }
            Ok(())
        });
    }
}

/// So many panes and keys that cells are found by hashing, and then so few that they lie side by side again.
#[test]
fn agrees_with_many_keys() {
    for form in [Kind::Tumbling, Kind::HoppingUneven].into_iter().flat_map(Form::of) {
        for_cases(form, wide_cases(form), 1, |case| agrees(case, Limits::default()).map(|_| ()));
    }
}

/// Streams too long for the oracle: one push and blocks of any size give what blocks of one event give,
/// which is the definition.
#[test]
fn long_streams_give_the_same_however_they_are_cut() {
    for form in KINDS.into_iter().flat_map(Form::of) {
        for_cases(form, long_cases(form), 2, |case| {
            let log = case.log();
            let blocks = &case.blocks[..];
            let one_by_one = run(&case.spec, &log, Cut { blocks: &[1], stops: false }, Limits::default());
            for cut in [Cut::WHOLE, Cut { blocks, stops: false }, Cut { blocks, stops: true }] {
                let run = run(&case.spec, &log, cut, Limits::default());
                same(&run.facts, &one_by_one.facts, cut)?;
                prop_assert_eq!((run.counters, run.digest), (one_by_one.counters, one_by_one.digest));
            }
            Ok(())
        });
    }
}

/// Where results add up, their counts and the counters account for every event.
#[test]
fn every_event_is_accounted_for() {
    let adds_up = |form: &Form| match form.kind {
        Kind::Tumbling | Kind::Hopping | Kind::Session | Kind::Global => true,
        // What does not fill a window shows in early results alone.
        Kind::Count => form.emit == Emit::OnUpdate,
        _ => false,
    };
    let retracts_or_discards = |form: &Form| form.accumulation != Accumulation::Accumulating;
    let forms = KINDS.into_iter().flat_map(Form::of);
    for form in forms.filter(adds_up).filter(retracts_or_discards) {
        for limits in [Limits::default(), Limits { keys: 2, open_windows: 4, cells: 6 }] {
            for_cases(form, cases(form), 20, |case| accounts(case, limits));
        }
    }
}

/// The counts of the first query's results, less those taken back, are those of the events it aggregated.
fn accounts(case: &Case, limits: Limits) -> Result<(), TestCaseError> {
    let mut case = case.clone();
    case.spec.query.truncate(1);
    case.spec.query[0].aggregates = vec![Aggregate::Count];
    case.spec.detector.clear();
    case.spec.alert.clear();
    let given = run(&case.spec, &case.log(), Cut { blocks: &case.blocks, stops: false }, limits);
    let count = |fact: &Fact| match fact {
        Fact::Window(window) if window.retraction => -window.values[0].number(),
        Fact::Window(window) => window.values[0].number(),
        _ => 0.0,
    };
    let windows_of_event = match case.spec.query[0].window {
        WindowSpec::Hopping { size, slide, .. } => size.0 / slide.0,
        _ => 1,
    };
    let Counters { events, filtered, late, late_for_some, over_limit, .. } = given.counters;
    let aggregated = events - filtered - late - over_limit;
    let expected = aggregated * windows_of_event as u64 - late_for_some;
    prop_assert_eq!(given.facts.iter().map(count).sum::<f64>(), expected as f64);
    Ok(())
}
