//! One query: `where`, keys, windows and aggregates over the events of the log.
//!
//! **Invariant:** every event it has seen is exactly one of aggregated, filtered by `where`, or dropped
//! by a stated rule: `seen = aggregated + filtered + dropped`.

use crate::change::{Changes, DropReason};
use crate::filter::Filter;
use crate::key::KeySpace;
use crate::limits::Limits;
use crate::log::Block;
use crate::plan::{Plan, Source, Subject};
use crate::spec::{Emission, QuerySpec, Spec, SpecError};
use crate::window::{Fate, Rules, Sink, Windows};
use serde::{Deserialize, Serialize};

/// One query with its state.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    filter: Option<Filter>,
    pub(crate) state: State,
    rules: Rules,
    giver: Giver,
    rows: Vec<u32>,
    keys: Vec<u32>,
}

/// What results are given with.
#[derive(Clone, Debug)]
struct Giver {
    query: u32,
    plan: Plan,
    retracts: bool,
    /// The row that brought each new result about.
    rows_of_results: Vec<u32>,
}

impl Giver {
    fn sink<'a>(&'a mut self, subjects: &'a [Subject], row: u32, changes: &'a mut Changes) -> Sink<'a> {
        let Self { query, plan, retracts, rows_of_results } = self;
        Sink { query: *query, plan, subjects, changes, row, rows: rows_of_results, retracts: *retracts }
    }
}

/// What a snapshot keeps of a query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) keys: KeySpace,
    subjects: Vec<Subject>,
    pub(crate) windows: Windows,
    /// Multiples of `every` that the watermark has passed, once there is one.
    ticks: Option<i64>,
    aggregated: u64,
    filtered: u64,
    dropped: u64,
}

/// An event that a query could not take into all of its windows.
pub(crate) struct Missed {
    pub(crate) reason: DropReason,
    pub(crate) windows: u32,
}

impl Query {
    pub(crate) fn new(spec: &Spec, index: usize, limits: Limits) -> Result<Self, SpecError> {
        let query = &spec.query[index];
        let plan = Plan::new(&query.aggregates, &spec.schema);
        let rules = rules_of(query, limits);
        let columns = spec.key_columns(&query.by).collect();
        let state = State {
            keys: KeySpace::new(columns, limits.keys),
            subjects: plan.subjects.iter().map(|column| Subject::new(*column)).collect(),
            windows: Windows::new(query, rules, &plan),
            ticks: None,
            aggregated: 0,
            filtered: 0,
            dropped: 0,
        };
        let filter = spec.filter(index)?;
        let query = index as u32;
        let giver = Giver { query, plan, retracts: rules.retracts(), rows_of_results: Vec::new() };
        Ok(Self { filter, state, rules, giver, rows: Vec::new(), keys: Vec::new() })
    }

    /// Goes on from the state of a snapshot.
    pub(crate) fn resume(&mut self, state: State) {
        let keys = std::mem::replace(&mut self.state, state).keys;
        self.state.keys.take_over_from(&keys);
        self.state.subjects.iter_mut().for_each(Subject::reindex);
        self.state.windows.resume(self.rules);
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.giver.plan
    }

    /// Whether an event gives results at once, so that events have to come one by one.
    pub(crate) fn takes_one_by_one(&self) -> bool {
        self.rules.emit == Emission::OnUpdate && self.state.windows.fires()
    }

    pub(crate) fn seen(&self) -> u64 {
        self.state.aggregated + self.state.filtered + self.state.dropped
    }

    pub(crate) fn filtered(&self) -> u64 {
        self.state.filtered
    }

    /// Whether so many events of these times meet no limit.
    pub(crate) fn has_room(&mut self, (oldest, newest): (i64, i64), events: usize, watermark: i64) -> bool {
        self.state.keys.room() >= events && self.state.windows.has_room(oldest, newest, events, watermark)
    }

    /// Takes a block of events that find none of their windows fired and meet no limit.
    pub(crate) fn take(
        &mut self,
        block: &Block<'_>,
        times: (i64, i64),
        watermark: i64,
        changes: &mut Changes,
    ) {
        let Self { filter, state, giver, rows: passing, keys, .. } = self;
        let rows = filter.as_mut().map(|filter| {
            filter.select(block, passing);
            &passing[..]
        });
        state.keys.of(block, rows, keys);
        state.aggregated += keys.len() as u64;
        state.filtered += (block.len() - keys.len()) as u64;
        state.subjects.iter_mut().for_each(|subject| subject.read(block, rows));
        let source = Source::new(block, rows, &state.subjects);
        let mut sink = giver.sink(&state.subjects, 0, changes);
        state.windows.take(keys, state.keys.len(), &source, times, watermark, &mut sink);
    }

    /// Takes one event, whatever rules it meets.
    pub(crate) fn take_one(
        &mut self,
        event: &Block<'_>,
        watermark: i64,
        changes: &mut Changes,
    ) -> Option<Missed> {
        let Self { filter, state, giver, rows: passing, keys, .. } = self;
        if let Some(filter) = filter {
            filter.select(event, passing);
            if passing.is_empty() {
                state.filtered += 1;
                return None;
            }
        }
        state.keys.of(event, None, keys);
        let Some(&key) = keys.first() else {
            state.dropped += 1;
            return Some(Missed { reason: DropReason::TooManyKeys, windows: 0 });
        };
        state.subjects.iter_mut().for_each(|subject| subject.read(event, None));
        let source = Source::new(event, None, &state.subjects);
        let mut sink = giver.sink(&state.subjects, 0, changes);
        let missed = match state.windows.take_one(key, state.keys.len(), &source, watermark, &mut sink) {
            Fate::Taken { missed: 0 } => None,
            Fate::Taken { missed: windows } => Some(Missed { reason: DropReason::LateForSome, windows }),
            Fate::Late { windows } => Some(Missed { reason: DropReason::Late, windows }),
            Fate::NoRoom => Some(Missed { reason: DropReason::TooManyWindows, windows: 0 }),
        };
        let counts = missed.as_ref().is_none_or(|missed| missed.reason == DropReason::LateForSome);
        *(if counts { &mut state.aggregated } else { &mut state.dropped }) += 1;
        missed
    }

    /// The watermark at which the next early results are due.
    pub(crate) fn next_tick(&self) -> i64 {
        match (self.rules.emit, self.state.ticks) {
            (Emission::Every(every), Some(ticks)) => (ticks + 1) * every.0 - 1,
            (Emission::Every(_), None) => i64::MIN + 1,
            _ => i64::MAX,
        }
    }

    /// Whether early results are due at a watermark. The first one there is only begins the count.
    pub(crate) fn passes_tick(&mut self, watermark: i64) -> bool {
        let Emission::Every(every) = self.rules.emit else { return false };
        if watermark == crate::watermark::NOTHING || watermark == crate::watermark::END_OF_TIME {
            return false;
        }
        let ticks = (watermark + 1).div_euclid(every.0);
        let before = self.state.ticks.replace(ticks);
        before.is_some_and(|before| before != ticks)
    }

    /// Fires the next window.
    pub(crate) fn fire_next(&mut self, row: u32, changes: &mut Changes) {
        self.with_sink(row, changes, |windows, sink| windows.fire_next(sink));
    }

    /// Gives early results.
    pub(crate) fn tick(&mut self, row: u32, changes: &mut Changes) {
        self.with_sink(row, changes, |windows, sink| windows.tick(sink));
    }

    fn with_sink(&mut self, row: u32, changes: &mut Changes, give: impl FnOnce(&mut Windows, &mut Sink<'_>)) {
        let Self { state, giver, .. } = self;
        let mut sink = giver.sink(&state.subjects, row, changes);
        give(&mut state.windows, &mut sink);
    }

    /// The row behind each result since this was last asked.
    pub(crate) fn take_rows_of_results(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.giver.rows_of_results)
    }

    /// Gives the buffer back.
    pub(crate) fn reuse(&mut self, mut rows: Vec<u32>) {
        rows.clear();
        self.giver.rows_of_results = rows;
    }
}

fn rules_of(query: &QuerySpec, limits: Limits) -> Rules {
    Rules {
        lateness: query.lateness.0,
        emit: query.emit,
        accumulation: query.accumulation,
        open_windows: limits.open_windows,
        cells: limits.cells,
    }
}
