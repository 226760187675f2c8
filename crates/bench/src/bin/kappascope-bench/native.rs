//! The works, natively: engine, loop and peers in turn; and what has nothing beside it.

use kappascope_bench::detector::Detector;
use kappascope_bench::form::Form;
use kappascope_bench::stream::Stream;
use kappascope_bench::table::Rows;
use kappascope_bench::{Work, engine};
use kappascope_core::{Log, Pipeline, Spec};
use kappascope_scenario::World;
use std::cell::RefCell;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;

use crate::clock::{Contestant, in_turn};
use crate::parquet;
use crate::peers::Peers;
use crate::sweep;

/// How many events each work takes, and how often it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) hour: usize,
    pub(crate) website: usize,
    pub(crate) file: usize,
    pub(crate) swept: usize,
    pub(crate) rounds: usize,
}

impl Size {
    pub(crate) const FULL: Self =
        Self { hour: 10_000_000, website: 5_000_000, file: 1_000_000, swept: 1_000_000, rounds: 9 };
    pub(crate) const QUICK: Self =
        Self { hour: 1_000_000, website: 500_000, file: 100_000, swept: 100_000, rounds: 3 };

    /// Fewer rounds: some peers need ten seconds for one.
    pub(crate) fn with_peers(self) -> Self {
        Self { rounds: self.rounds.min(5), ..self }
    }
}

/// All works in turn, each as soon as it is known.
pub(crate) fn all(size: Size, mut peers: Option<&mut Peers>, give: &mut dyn FnMut(Rows)) {
    let logs = [Stream::ThreeKeys, Stream::ManyKeys].map(|stream| (stream, stream.hour(size.hour)));
    if let Some(peers) = &mut peers {
        logs.iter().for_each(|(stream, log)| peers.load(*stream, log));
    }
    for work in &Work::ALL {
        let (_, log) = logs.iter().find(|(stream, _)| *stream == work.stream).expect("one of the two");
        give(beside(work, log, size.rounds, peers.as_deref_mut()));
    }
    let (_, log) = logs.iter().find(|(stream, _)| *stream == Detector::STREAM).expect("one of the two");
    Detector::ALL.iter().for_each(|detector| give(judged(detector, log, size.rounds)));
    drop(logs);
    website(size).into_iter().for_each(&mut *give);
    let log = Stream::ThreeKeys.hour(size.file);
    for form in FileForm::ALL {
        give(file(form, &log, size.rounds, peers.as_deref_mut()));
    }
    drop(log);
    sweep::all(size.swept, size.rounds, give);
}

/// The engine, the loop and the peers over the same events.
fn beside(work: &Work, log: &Log, rounds: usize, peers: Option<&mut Peers>) -> Rows {
    let totals = work.check(log);
    let mut contestants = vec![
        Contestant::here("ours", || work.run_engine(log)),
        Contestant::here("loop by hand", || work.run_by_hand(log)),
    ];
    let peers = peers.map(RefCell::new);
    if let Some(peers) = &peers {
        for name in peers.borrow().of(work.id) {
            let run = {
                let (name, totals) = (name.clone(), &totals);
                move || peers.borrow_mut().run(work, &name, totals)
            };
            contestants.push(Contestant { name, run: Box::new(run) });
        }
    }
    Rows::of(work.name, log.end(), &in_turn(rounds, contestants))
}

/// One kind of detector.
fn judged(detector: &Detector, log: &Log, rounds: usize) -> Rows {
    let run = Contestant::here("ours", || detector.run(log));
    Rows::of(detector.name, log.end(), &in_turn(rounds, vec![run]))
}

/// The scenario `website`: making its events, and its own pipeline over them.
fn website(size: Size) -> [Rows; 2] {
    let (spec, log) = make_website(size.website);
    let digest = engine::run(&spec, &log, |_| ()).digest();
    alone(
        ["website: events made", "website: its own pipeline"],
        log.end(),
        size.rounds,
        [&mut || drop(black_box(make_website(size.website))), &mut || {
            assert_eq!(engine::run(&spec, &log, |_| ()).digest(), digest, "a run gave other results");
        }],
    )
}

fn make_website(events: usize) -> (Spec, Log) {
    let mut world: World =
        kappascope_scenario::open("website", 7, Some(events as u64)).expect("a scenario of this name");
    let mut log = Log::new(&world.spec().schema);
    while world.fill(&mut log, engine::BLOCK_ROWS) > 0 {}
    assert_eq!(log.end(), events as u64, "the scenario has as many events as were asked for");
    (world.spec().clone(), log)
}

/// A file of events: reading it, and W1 over what is read. It is in the memory of the operating system.
fn file(form: FileForm, log: &Log, rounds: usize, peers: Option<&mut Peers>) -> Rows {
    let work = &Work::ALL[0];
    let (spec, totals) = (work.spec(), work.check(log));
    let digest = engine::run(&spec, log, |_| ()).digest();
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join(format!("events.{}", form.id()));
    std::fs::write(&path, form.write(log)).expect("room for the file");
    let ours = || assert_eq!(form.run(&spec, &path).digest(), digest, "the file gave other results");
    let mut contestants = vec![Contestant::here("ours", ours)];
    let peers = peers.map(RefCell::new);
    if let Some(peers) = &peers {
        for name in peers.borrow().of(form.id()) {
            let (path, totals, who) = (&path, &totals, name.clone());
            let run = move || peers.borrow_mut().run_file(form.id(), path, &who, totals);
            contestants.push(Contestant { name, run: Box::new(run) });
        }
    }
    Rows::of(form.title(), log.end(), &in_turn(rounds, contestants))
}

/// What a file is written as.
#[derive(Clone, Copy)]
enum FileForm {
    Text(Form),
    Parquet,
}

impl FileForm {
    const ALL: [Self; 3] = [Self::Text(Form::Csv), Self::Text(Form::JsonLines), Self::Parquet];

    fn id(self) -> &'static str {
        match self {
            Self::Text(form) => form.id(),
            Self::Parquet => "parquet",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Text(form) => form.title(),
            Self::Parquet => "Parquet file, then W1",
        }
    }

    fn write(self, log: &Log) -> Vec<u8> {
        match self {
            Self::Text(form) => form.write(log),
            Self::Parquet => parquet::write(log),
        }
    }

    fn run(self, spec: &Spec, path: &Path) -> Pipeline {
        match self {
            Self::Text(_) => engine::run_file(spec, File::open(path).expect("the file is there")),
            Self::Parquet => parquet::run(spec, path),
        }
    }
}

/// Two works that take turns and of which neither is beside the other.
fn alone(works: [&str; 2], events: u64, rounds: usize, runs: [&mut dyn FnMut(); 2]) -> [Rows; 2] {
    let contestants = runs.map(|run| Contestant::here("ours", run));
    let times = in_turn(rounds, contestants.into());
    std::array::from_fn(|at| Rows::of(works[at], events, &times[at..=at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks inside each work are what is tested: one that fails panics.
    #[test]
    fn every_work_gives_its_rows() {
        let mut rows = Vec::new();
        let size = Size { hour: 10_000, website: 5_000, file: 5_000, swept: 2_000, rounds: 1 };
        all(size, None, &mut |row| rows.push(row.to_string()));
        let beside = rows.iter().filter(|rows| rows.contains("loop by hand")).count();
        assert_eq!(
            (beside, rows.len() - beside),
            (Work::ALL.len(), Detector::ALL.len() + 2 + FileForm::ALL.len() + sweep::WORKS)
        );
    }
}
