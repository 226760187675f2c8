//! What both sides must give: results, drops, scores and transitions, in order.

use kappascope_core::{
    AlertState, Change, Changes, Counters, DropReason, Limits, Log, Pipeline, Spec, Timing, Value,
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    Window(Window),
    Drop {
        query: usize,
        partition: u32,
        offset: u64,
        time: i64,
        watermark: i64,
        reason: DropReason,
        windows: u32,
    },
    Score {
        detector: usize,
        key: String,
        time: i64,
        value: Cell,
        expected: Cell,
        /// What would pass as normal, from and to.
        band: [Cell; 2],
        score: Cell,
        anomaly: bool,
    },
    Alert {
        rule: usize,
        key: String,
        state: AlertState,
        time: i64,
        window_start: i64,
        /// Partition and offset.
        cause: Option<(u32, u64)>,
        /// Alerts numbered by their ids, in order of first appearance.
        alert: usize,
        value: Cell,
        score: Cell,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) query: usize,
    pub(crate) key: String,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) revision: u32,
    pub(crate) timing: Timing,
    pub(crate) retraction: bool,
    pub(crate) values: Vec<Cell>,
}

/// One value; what the engine gives is never [`Cell::Near`].
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Count(u64),
    /// To the bit.
    Real(f64),
    /// A number and how far from it one may be.
    Near(f64, f64),
    Top(Vec<(String, u64)>),
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => a == b,
            (Self::Real(a), Self::Real(b)) => a.to_bits() == b.to_bits(),
            (Self::Near(x, off), Self::Real(y)) | (Self::Real(y), Self::Near(x, off)) => {
                (x - y).abs() <= *off
            }
            (Self::Top(a), Self::Top(b)) => a == b,
            _ => false,
        }
    }
}

impl Cell {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Count(n) => Self::Count(n),
            Value::Real(x) => Self::Real(x),
            Value::Top(list) => {
                assert!(list.iter().all(|entry| entry.error == 0), "few strings are counted exactly");
                Self::Top(list.iter().map(|entry| (entry.value.clone(), entry.count)).collect())
            }
        }
    }

    /// As a detector reads it.
    pub(crate) fn number(&self) -> f64 {
        match self {
            Self::Count(n) => *n as f64,
            Self::Real(x) => *x,
            Self::Near(..) | Self::Top(_) => panic!("no series of the tests' detectors"),
        }
    }
}

/// All that a run of the engine gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) facts: Vec<Fact>,
    pub(crate) counters: Counters,
    pub(crate) digest: u64,
}

/// How a log comes to the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    /// Sizes of blocks, the last one repeated.
    pub(crate) blocks: &'a [usize],
    /// Whether the run stops after each block, and another goes on from its snapshot, over a log that has
    /// forgotten the rows before.
    pub(crate) stops: bool,
}

impl Cut<'_> {
    pub(crate) const WHOLE: Self = Self { blocks: &[usize::MAX], stops: false };
}

/// Runs the engine over a log.
pub(crate) fn run(spec: &Spec, log: &Log, cut: Cut<'_>, limits: Limits) -> Run {
    let mut log = log.clone();
    let mut pipeline = Pipeline::with_limits(spec, limits).unwrap();
    let (mut facts, mut ids, mut row, mut sizes) = (Vec::new(), Vec::new(), 0, cut.blocks.iter());
    let mut size = usize::MAX;
    while row < log.end() {
        size = sizes.next().copied().unwrap_or(size);
        let block = log.read(row, size);
        row += block.len() as u64;
        pipeline.push(block);
        collect(&pipeline, pipeline.changes(), &mut ids, &mut facts);
        if cut.stops {
            pipeline = Pipeline::resume_from(spec, limits, &pipeline.snapshot()).unwrap();
            log.forget(row);
        }
    }
    pipeline.finish();
    collect(&pipeline, pipeline.changes(), &mut ids, &mut facts);
    Run { facts, counters: pipeline.counters(), digest: pipeline.digest() }
}

fn collect(pipeline: &Pipeline, changes: &Changes, ids: &mut Vec<u64>, facts: &mut Vec<Fact>) {
    facts.extend(changes.iter().map(|change| match change {
        Change::Window(window) => Fact::Window(Window {
            query: window.query as usize,
            key: joined(pipeline.key_names(window.query, window.key)),
            start: window.start,
            end: window.end,
            revision: window.revision,
            timing: window.timing,
            retraction: window.retraction,
            values: changes.values_of(window).map(Cell::of).collect(),
        }),
        Change::Drop(dropped) => Fact::Drop {
            query: dropped.query as usize,
            partition: dropped.partition,
            offset: dropped.offset,
            time: dropped.time,
            watermark: dropped.watermark,
            reason: dropped.reason,
            windows: dropped.windows,
        },
        Change::Score(score) => Fact::Score {
            detector: score.detector as usize,
            key: joined(pipeline.key_of_score(score.detector, score.key)),
            time: score.time,
            value: Cell::Real(score.value),
            expected: Cell::Real(score.expected),
            band: [score.low, score.high].map(Cell::Real),
            score: Cell::Real(score.score),
            anomaly: score.anomaly,
        },
        Change::Alert(alert) => Fact::Alert {
            rule: alert.rule as usize,
            key: joined(pipeline.key_of_alert(alert.rule, alert.key)),
            state: alert.state,
            time: alert.time,
            window_start: alert.window_start,
            cause: alert.cause.map(|cause| (cause.partition, cause.offset)),
            alert: number_of(ids, alert.id),
            value: Cell::Real(alert.value),
            score: Cell::Real(alert.score),
        },
    }));
}

/// The position of an item in a list to which it is added if need be.
pub(crate) fn number_of<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join("/")
}
