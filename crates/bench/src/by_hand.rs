//! The hand-written loop: what a person would write who knows this one query, this one bound, that keys are
//! small numbers and that nothing is late.
//!
//! One cell a key and open window, in an array indexed by window and key. A window's cells are given and
//! used again once the bound has passed its end, so the array stays in the cache.
//!
//! **Invariant:** the cells of every window from `oldest` on that may still get an event are apart.

use kappascope_core::Log;

use crate::group::Group;
use crate::stream::{BOUND_MS, START};

#[derive(Clone, Copy)]
struct Cell {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

const EMPTY: Cell = Cell { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

/// The cells of all open windows.
struct Cells<const WINDOW_MS: i64> {
    cells: Vec<Cell>,
    keys: usize,
    oldest: i64,
    /// Scratch: the groups of a window.
    groups: Vec<Group>,
}

impl<const WINDOW_MS: i64> Cells<WINDOW_MS> {
    /// Windows that hold cells at a time: the newest, and those that the bound keeps open.
    const OPEN: usize = ((BOUND_MS / WINDOW_MS + 2) as usize).next_power_of_two();

    fn new(keys: usize) -> Self {
        Self { cells: vec![EMPTY; Self::OPEN * keys], keys, oldest: START / WINDOW_MS, groups: Vec::new() }
    }

    /// The event time at which the oldest window is complete.
    fn complete_at(&self) -> i64 {
        (self.oldest + 1) * WINDOW_MS + BOUND_MS
    }

    /// Where a window's cells begin.
    fn first(&self, window: i64) -> usize {
        window as usize % Self::OPEN * self.keys
    }

    /// Gives the oldest window's groups and empties its cells.
    fn fire(&mut self) -> &[Group] {
        let (first, start) = (self.first(self.oldest), self.oldest * WINDOW_MS);
        self.groups.clear();
        for (key, cell) in self.cells[first..first + self.keys].iter_mut().enumerate() {
            if cell.count > 0 {
                let Cell { count, sum, min, max } = std::mem::replace(cell, EMPTY);
                self.groups.push(Group {
                    start,
                    key: key as u32,
                    count,
                    sum,
                    min,
                    max,
                    avg: sum / count as f64,
                });
            }
        }
        self.oldest += 1;
        &self.groups
    }
}

/// Runs over a log's arrays; `fired` takes the groups of each window.
pub(crate) fn tumbling<const WINDOW_MS: i64>(log: &Log, mut fired: impl FnMut(&[Group])) {
    let all = log.read(0, usize::MAX);
    let mut open = Cells::<WINDOW_MS>::new(log.dictionary(0).len());
    let mut complete_at = open.complete_at();
    for ((&time, &key), &value) in all.time().iter().zip(all.key(0)).zip(all.measure(0)) {
        while time >= complete_at {
            fired(open.fire());
            complete_at = open.complete_at();
        }
        let at = open.first((time as u64 / WINDOW_MS as u64) as i64) + key as usize;
        let cell = &mut open.cells[at];
        cell.count += 1;
        cell.sum += value;
        // Selections, not branches: with many keys nobody can predict a new minimum, and W2 ran at 0.6 of this.
        cell.min = if value < cell.min { value } else { cell.min };
        cell.max = if value > cell.max { value } else { cell.max };
    }
    for _ in 0..Cells::<WINDOW_MS>::OPEN {
        fired(open.fire());
    }
}

/// All groups of a log.
pub(crate) fn groups<const WINDOW_MS: i64>(log: &Log) -> Vec<Group> {
    let mut groups = Vec::new();
    tumbling::<WINDOW_MS>(log, |window| groups.extend_from_slice(window));
    groups
}
