//! Sweeps over a history: what `kappascope backtest` does when events and labels are read.

use kappascope_backtest::setting::settings;
use kappascope_backtest::sweep::Rules;
use kappascope_backtest::{Label, Setting, Sweep, sweep};
use kappascope_bench::table::Rows;
use kappascope_core::{Log, Spec};

use crate::clock::{Contestant, in_turn};

/// Settings of each sweep.
const SETTINGS: usize = 100;

/// Most rounds: one takes seconds.
const MOST_ROUNDS: usize = 3;

/// What is swept over the scenario `website`.
struct Swept {
    name: &'static str,
    parameter: &'static str,
    /// Whether the detector reads the events, instead of the windows' counts.
    each_event: bool,
}

const ALL: [Swept; 3] = [
    Swept {
        name: "sweep: 100 thresholds, windows",
        parameter: "detector.threshold=2:6.95:0.05",
        each_event: false,
    },
    Swept {
        name: "sweep: 100 window sizes",
        parameter: "query.per_minute.window.tumbling=5s:500s:5s",
        each_event: false,
    },
    Swept {
        name: "sweep: 100 thresholds, each event",
        parameter: "detector.threshold=2:6.95:0.05",
        each_event: true,
    },
];

/// How many works there are.
#[cfg(test)]
pub(crate) const WORKS: usize = ALL.len();

/// Every sweep over so many events; a figure is of events times settings.
pub(crate) fn all(events: usize, rounds: usize, give: &mut dyn FnMut(Rows)) {
    let (spec, labels, log) = history(events);
    for swept in &ALL {
        give(measured(swept, &swept.settings(spec.clone()), &labels, &log, rounds));
    }
}

fn measured(swept: &Swept, settings: &[Setting], labels: &[Label], log: &Log, rounds: usize) -> Rows {
    let rules = Rules { miss_cost: 10.0, train: 0.5 };
    let mut first: Option<Sweep> = None;
    let run = || {
        let found = sweep(settings, log, labels, rules).expect("pipelines that run");
        assert_eq!(first.get_or_insert_with(|| found.clone()), &found, "a run gave other results");
    };
    let times = in_turn(rounds.min(MOST_ROUNDS), vec![Contestant::here("ours", run)]);
    Rows::of(swept.name, log.end() * SETTINGS as u64, &times)
}

fn history(events: usize) -> (Spec, Vec<Label>, Log) {
    let mut world =
        kappascope_scenario::open("website", 7, Some(events as u64)).expect("a scenario of this name");
    let mut log = Log::new(&world.spec().schema);
    world.fill(&mut log, usize::MAX);
    (world.spec().clone(), world.labels().iter().map(label).collect(), log)
}

/// A scenario's end is one past the last moment.
fn label(label: &kappascope_scenario::Label) -> Label {
    let kappascope_scenario::Label { what, start, end, key } = label.clone();
    Label { what, start, end: end - 1, key }
}

impl Swept {
    fn settings(&self, mut spec: Spec) -> Vec<Setting> {
        if self.each_event {
            let detector = &mut spec.detector[0];
            detector.on.clone_from(&spec.schema.measures[0]);
            detector.by.clone_from(&spec.query[0].by);
        }
        let parameter = self.parameter.parse().expect("a parameter");
        let settings = settings(&spec, &[parameter]).expect("a parameter that the pipeline has");
        assert_eq!(settings.len(), SETTINGS);
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sweep_finds_alerts() {
        let (spec, labels, log) = history(100_000);
        for swept in &ALL {
            // A few settings find what all do.
            let settings: Vec<Setting> = swept.settings(spec.clone()).into_iter().step_by(20).collect();
            let found = sweep(&settings, &log, &labels, Rules { miss_cost: 10.0, train: 1.0 }).unwrap();
            let counts: Vec<u64> = found.tried.iter().map(|tried| tried.train.alerts).collect();
            assert!(counts.iter().any(|count| *count > 0), "{}: {counts:?}", swept.name);
            assert!(counts.iter().any(|count| *count != counts[0]), "{}: {counts:?}", swept.name);
        }
    }
}
