//! The works that are measured, one function each.

use kappascope_core::{Log, Pipeline, Spec};
use kappascope_scenario::World;
use std::hint::black_box;

use crate::group::Group;
use crate::measure::{Rates, in_turn};
use crate::table::Row;
use crate::{by_hand, engine, group, stream};

/// How many events each work takes, and how often it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) hour: usize,
    pub(crate) website: usize,
    pub(crate) csv: usize,
    pub(crate) rounds: usize,
}

impl Size {
    pub(crate) const FULL: Self = Self { hour: 10_000_000, website: 5_000_000, csv: 1_000_000, rounds: 9 };
    pub(crate) const QUICK: Self = Self { hour: 1_000_000, website: 500_000, csv: 100_000, rounds: 3 };
}

const MINUTE: i64 = 60_000;
const SECOND: i64 = 1_000;

/// How fast the keys' shares fall with their rank. With this one, ten million events of an hour make 3.2
/// million groups of a second and key.
const ZIPF_EXPONENT: f64 = 1.1;

/// All works in turn, each row as soon as it is known.
pub(crate) fn all(size: Size, give: &mut dyn FnMut(Row)) {
    let alike = [1.0; 3];
    let zipf: Vec<f64> = (1..=10_000).map(|rank| libm::pow(f64::from(rank), -ZIPF_EXPONENT)).collect();
    give(tumbling::<MINUTE>("W1: tumbling 1 min × 3 keys", &stream::hour(&alike, size.hour), size.rounds));
    give(tumbling::<SECOND>("W2: tumbling 1 s × 10,000 keys", &stream::hour(&zipf, size.hour), size.rounds));
    website(size).into_iter().for_each(&mut *give);
    csv(&stream::hour(&alike, size.csv), size.rounds).into_iter().for_each(give);
}

/// Count, sum, minimum, maximum and average of each window and key: the engine beside a loop.
fn tumbling<const WINDOW_MS: i64>(work: &'static str, log: &Log, rounds: usize) -> Row {
    let spec = stream::spec(WINDOW_MS);
    group::assert_same(engine::groups(&spec, log), by_hand::groups::<WINDOW_MS>(log));
    let seen = |pipeline: &Pipeline| {
        black_box(pipeline.changes());
    };
    let fired = |groups: &[Group]| {
        black_box(groups);
    };
    let [ours, by_hand] = in_turn(
        rounds,
        [&mut || drop(engine::run(&spec, log, seen)), &mut || by_hand::tumbling::<WINDOW_MS>(log, fired)],
    );
    Row { by_hand: Some(Rates::of(log.end(), &by_hand)), ..Row::alone(work, log.end(), &ours) }
}

/// The scenario `website`: making its events, and its own pipeline over them.
fn website(size: Size) -> [Row; 2] {
    let (spec, log) = make_website(size.website);
    let digest = engine::run(&spec, &log, |_| ()).digest();
    let [made, ran] = in_turn(
        size.rounds,
        [&mut || drop(black_box(make_website(size.website))), &mut || {
            assert_eq!(engine::run(&spec, &log, |_| ()).digest(), digest, "a run gave other results");
        }],
    );
    let row = |work, times: &[_]| Row::alone(work, log.end(), times);
    [row("website: events made", &made), row("website: its own pipeline", &ran)]
}

fn make_website(events: usize) -> (Spec, Log) {
    let mut world: World =
        kappascope_scenario::open("website", 7, Some(events as u64)).expect("a scenario of this name");
    let mut log = Log::new(&world.spec().schema);
    while world.fill(&mut log, engine::BLOCK_ROWS) > 0 {}
    assert_eq!(log.end(), events as u64, "the scenario has as many events as were asked for");
    (world.spec().clone(), log)
}

/// A CSV file in memory: reading it, and W1 over what is read.
fn csv(log: &Log, rounds: usize) -> [Row; 2] {
    let spec = stream::spec(MINUTE);
    let file = stream::csv(log);
    let digest = engine::run(&spec, log, |_| ()).digest();
    let [read, ran] = in_turn(
        rounds,
        [&mut || assert_eq!(engine::read_csv(&spec, file.as_bytes(), |_| ()), log.end()), &mut || {
            assert_eq!(
                engine::run_csv(&spec, file.as_bytes()).digest(),
                digest,
                "the file gave other results"
            );
        }],
    );
    let row = |work, times: &[_]| Row::alone(work, log.end(), times);
    [row("CSV: read into the log", &read), row("CSV: read, then W1", &ran)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks inside each work are what is tested: a work that differs from its loop panics.
    #[test]
    fn every_work_passes_its_checks() {
        let mut rows = Vec::new();
        all(Size { hour: 20_000, website: 5_000, csv: 5_000, rounds: 1 }, &mut |row| rows.push(row));
        let by_hand: Vec<bool> = rows.iter().map(|row| row.by_hand.is_some()).collect();
        assert_eq!(by_hand, [true, true, false, false, false, false]);
    }
}
