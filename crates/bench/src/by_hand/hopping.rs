//! Windows that overlap: each event enters one pane as long as the slide, and a window merges its panes when it is
//! complete.
//!
//! ```text
//!   panes      │ 0  │ 1  │ 2  │ 3  │
//!   windows    └── 0 to 2 ────┘
//!                   └── 1 to 3 ────┘
//! ```
//!
//! **Invariant:** a pane's cells stand until the last window over it has fired.

use kappascope_core::Log;

use super::Cell;
use crate::result::Group;
use crate::stream::{BOUND_MS, START};

/// The cells of all panes that an open window covers.
struct Panes<const SIZE_MS: i64, const SLIDE_MS: i64> {
    cells: Vec<Cell>,
    keys: usize,
    /// The pane with which the next window to fire ends.
    last: i64,
    /// Scratch: the window's cells, a key each, and its groups.
    merged: Vec<Cell>,
    groups: Vec<Group>,
}

impl<const SIZE_MS: i64, const SLIDE_MS: i64> Panes<SIZE_MS, SLIDE_MS> {
    /// Panes of a window.
    const WINDOW: i64 = SIZE_MS / SLIDE_MS;
    /// Panes that hold cells at a time: a window's, the newest, and those that the bound keeps open.
    const RING: usize = ((SIZE_MS + BOUND_MS) / SLIDE_MS + 2).cast_unsigned().next_power_of_two() as usize;

    fn new(keys: usize) -> Self {
        let (cells, merged) = (vec![Cell::EMPTY; Self::RING * keys], vec![Cell::EMPTY; keys]);
        Self { cells, keys, last: START / SLIDE_MS, merged, groups: Vec::new() }
    }

    /// The event time at which the next window to fire is complete.
    fn complete_at(&self) -> i64 {
        (self.last + 1) * SLIDE_MS + BOUND_MS
    }

    /// Where a pane's cells begin.
    fn first(&self, pane: i64) -> usize {
        pane as usize % Self::RING * self.keys
    }

    /// Takes events up to the first one with which the next window is complete; gives how many. A loop of its own that
    /// calls nothing, so that all it needs stays in registers.
    fn take(&mut self, time: &[i64], key: &[u32], value: &[f64]) -> usize {
        let (keys, complete_at) = (self.keys, self.complete_at());
        let cells = &mut self.cells[..];
        for (taken, ((&time, &key), &value)) in time.iter().zip(key).zip(value).enumerate() {
            if time >= complete_at {
                return taken;
            }
            let pane = time as u64 / SLIDE_MS as u64;
            cells[pane as usize % Self::RING * keys + key as usize].add(value);
        }
        time.len()
    }

    /// Gives the groups of the window that is complete and empties the pane that no later one covers.
    fn fire(&mut self) -> &[Group] {
        let (oldest, end) = (self.last + 1 - Self::WINDOW, (self.last + 1) * SLIDE_MS);
        self.merged.fill(Cell::EMPTY);
        for pane in oldest..=self.last {
            let first = self.first(pane);
            let cells = &self.cells[first..first + self.keys];
            self.merged.iter_mut().zip(cells).for_each(|(merged, cell)| merged.merge(cell));
        }
        let first = self.first(oldest);
        self.cells[first..first + self.keys].fill(Cell::EMPTY);
        self.groups.clear();
        let found = self.merged.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        self.groups.extend(found.map(|(key, cell)| cell.group(end - SIZE_MS, end, key)));
        self.last += 1;
        &self.groups
    }
}

/// Runs over a log's arrays; `fired` takes the groups of each window. The size is a multiple of the slide.
pub fn run<const SIZE_MS: i64, const SLIDE_MS: i64>(log: &Log, mut fired: impl FnMut(&[Group])) {
    let all = log.read(0, usize::MAX);
    let mut panes = Panes::<SIZE_MS, SLIDE_MS>::new(log.dictionary(0).len());
    let (time, key, value) = (all.time(), all.key(0), all.measure(0));
    let mut from = panes.take(time, key, value);
    while from < time.len() {
        fired(panes.fire());
        from += panes.take(&time[from..], &key[from..], &value[from..]);
    }
    for _ in 0..Panes::<SIZE_MS, SLIDE_MS>::RING {
        fired(panes.fire());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{collect, naive};
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn the_windows_are_those_of_a_naive_grouping() {
        let log = Stream::ThreeKeys.hour(6_000);
        let mut expected = Vec::new();
        for (key, events) in naive::by_key(&log).iter().enumerate() {
            for start in (START - 290_000..START + 3_600_000).step_by(10_000) {
                let inside = events.iter().filter(|(time, _)| (start..start + 300_000).contains(time));
                let values: Vec<f64> = inside.map(|&(_, value)| value).collect();
                expected.extend(naive::group(start, start + 300_000, key, &values));
            }
        }
        assert_eq!(expected.len(), (360 + 29) * 3, "each window has an event of each key");
        naive::assert_alike(collect(|give| run::<300_000, 10_000>(&log, give)), expected);
    }
}
