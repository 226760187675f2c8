//! States of a run that were kept on the way, so that going back does not begin at the start.
//!
//! ```text
//!   rows   0 ─── kept ─── kept ─── kept ─── kept ── kept ─► here        evenly spread; one near where a
//!                                                    near               person last went back to
//! ```
//!
//! **Invariant:** every state is of the run that is shown: a change of the pipeline or of the log empties
//! them. There are at most [`STATES`], and none is kept that would be larger than [`LARGEST`] says.

use super::history::History;
use kappascope_core::Pipeline;

/// States that are spread over the run. A run back takes an eighth of the whole at most.
const STATES: usize = 8;

/// Rows between two states at first: less is run again in a few milliseconds.
const FIRST_EVERY: u64 = 65_536;

/// How far before a place that was gone back to a state is kept: the next steps back are run from there.
pub(super) const NEAR: u64 = 512;

/// A state with more open windows or more results to draw than this is not copied: at some hundred bytes
/// each, some ten megabytes.
const LARGEST: usize = 100_000;

#[derive(Clone)]
pub(super) struct State {
    pub(super) pipeline: Pipeline,
    pub(super) history: History,
}

impl State {
    /// The next row that it reads.
    pub(super) fn row(&self) -> u64 {
        self.pipeline.counters().events
    }
}

/// What was kept of a run.
pub(super) struct Kept {
    states: Vec<State>,
    near: Option<State>,
    every: u64,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self { states: Vec::new(), near: None, every: FIRST_EVERY }
    }

    /// Keeps a state that has reached the next place where one is wanted.
    pub(super) fn offer(&mut self, pipeline: &Pipeline, history: &History) {
        let last = self.states.last().map_or(0, State::row);
        if pipeline.counters().events >= last + self.every && is_small(pipeline, history) {
            self.states.push(State { pipeline: pipeline.clone(), history: history.clone() });
            self.thin();
        }
    }

    /// Keeps a state near a place that was gone back to.
    pub(super) fn set_near(&mut self, pipeline: &Pipeline, history: &History) {
        if is_small(pipeline, history) {
            self.near = Some(State { pipeline: pipeline.clone(), history: history.clone() });
        }
    }

    /// Lets go of the states that have read a row.
    pub(super) fn forget_after(&mut self, row: u64) {
        self.states.retain(|state| state.row() <= row);
        self.near = self.near.take().filter(|state| state.row() <= row);
    }

    fn thin(&mut self) {
        if self.states.len() > STATES {
            self.every *= 2;
            let mut odd = false;
            self.states.retain(|_| {
                odd = !odd;
                !odd
            });
        }
    }

    /// The latest state of which this holds, as it should of all before one of which it does.
    pub(super) fn latest(&self, fits: impl Fn(&State) -> bool) -> Option<&State> {
        self.states.iter().chain(&self.near).filter(|state| fits(state)).max_by_key(|state| state.row())
    }
}

fn is_small(pipeline: &Pipeline, history: &History) -> bool {
    pipeline.open_windows() <= LARGEST && history.len() <= LARGEST
}
