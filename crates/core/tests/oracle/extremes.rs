//! Streams that no one would send on purpose: silence of a year, jumps by centuries, times and durations at
//! the ends of their ranges.

use crate::agrees;
use crate::cases::{Case, Event, empty};
use crate::facts::{Cut, run};
use kappascope_core::spec::{Accumulation, Emission, QuerySpec, WindowSpec};
use kappascope_core::time::{LONGEST_MS, TIME_RANGE};
use kappascope_core::{Limits, Millis, Spec};

const YEAR_MS: i64 = 365 * 86_400_000;

/// Every kind of window with one duration.
fn windows(duration: i64) -> [WindowSpec; 8] {
    let (size, offset) = (Millis(duration), Millis(duration - 1));
    [
        WindowSpec::Tumbling { size, offset },
        WindowSpec::Hopping { size, slide: size, offset },
        WindowSpec::Cumulate { size, step: size, offset },
        WindowSpec::Session { gap: size },
        WindowSpec::Count { events: 2, slide: 2 },
        WindowSpec::Count { events: 3, slide: 2 },
        WindowSpec::Rolling { duration: size },
        WindowSpec::Global,
    ]
}

/// A pipeline with a query for each kind of window and each way to give results.
fn pipeline(windows: &[WindowSpec], every: i64, lateness: i64) -> Spec {
    let mut spec = empty();
    for &window in windows {
        let timeless = matches!(window, WindowSpec::Count { .. } | WindowSpec::Global);
        for emit in [Emission::OnClose, Emission::OnUpdate, Emission::Every(Millis(every))] {
            for accumulation in
                [Accumulation::Accumulating, Accumulation::Discarding, Accumulation::Retracting]
            {
                let plain = emit == Emission::OnClose && accumulation == Accumulation::Accumulating;
                if plain || !matches!(window, WindowSpec::Rolling { .. }) {
                    spec.query.push(QuerySpec {
                        name: format!("q{}", spec.query.len()),
                        filter: None,
                        by: vec!["k".to_owned()],
                        window,
                        lateness: Millis(if timeless { 0 } else { lateness }),
                        emit,
                        accumulation,
                        aggregates: vec!["count()".parse().unwrap(), "sum(v)".parse().unwrap()],
                    });
                }
            }
        }
    }
    spec
}

fn case(spec: Spec, times: impl IntoIterator<Item = i64>) -> Case {
    let mut arrival = *TIME_RANGE.start();
    let event = |(row, time): (u32, i64)| {
        arrival = arrival.max(time);
        Event { time, arrival, partition: 0, k: row % 2, u: 0, v: f64::from(row), w: 0.0 }
    };
    Case { spec, events: (0..).zip(times).map(event).collect(), blocks: vec![2, 3] }
}

#[test]
fn times_and_durations_at_their_ends() {
    let (first, last) = TIME_RANGE.into_inner();
    let times = [0, first, first + 1, last - 1, last, first, last, 0, last, last - LONGEST_MS, last];
    for (duration, lateness) in [(1, 0), (1, LONGEST_MS), (LONGEST_MS, 0), (LONGEST_MS, LONGEST_MS)] {
        for bound in [0, LONGEST_MS] {
            let mut spec = pipeline(&windows(duration), duration, lateness);
            spec.watermark.bound = Millis(bound);
            agrees(&case(spec, times), Limits::default()).unwrap();
        }
    }
}

#[test]
fn a_year_of_silence_between_windows_of_a_millisecond() {
    let windows = [
        &windows(1)[..],
        &[
            WindowSpec::Hopping { size: Millis(100), slide: Millis(1), offset: Millis(0) },
            WindowSpec::Cumulate { size: Millis(100), step: Millis(1), offset: Millis(0) },
        ],
    ]
    .concat();
    let times = [0, 1, YEAR_MS, YEAR_MS + 1, 2 * YEAR_MS, 2 * YEAR_MS - 3];
    agrees(&case(pipeline(&windows, 1, 5), times), Limits::default()).unwrap();
}

/// A loop over the windows, or the ticks, of the time between two events would take 10¹⁵ steps here. So
/// would one in the oracle, which is asked about the first events alone.
#[test]
fn jumps_by_centuries_cost_what_events_cost() {
    let back_and_forth = |row: i64| (row * 7_919 % 100 - 50) * 10 * YEAR_MS + row * 100 * YEAR_MS / 20_000;
    let spec = pipeline(&windows(1), 1, 10 * YEAR_MS);
    agrees(&case(spec.clone(), (0..60).map(back_and_forth)), Limits::default()).unwrap();

    let long = case(spec, (0..20_000).map(back_and_forth));
    let whole = run(&long.spec, &long.log(), Cut::WHOLE, Limits::default());
    let cut = run(&long.spec, &long.log(), Cut { blocks: &[1_000], stops: false }, Limits::default());
    assert_eq!(whole.digest, cut.digest);
    assert_eq!(whole.counters.events, 20_000);
}
