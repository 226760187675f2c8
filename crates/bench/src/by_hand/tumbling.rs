//! Windows of one size, end to end.
//!
//! One cell a key and open window, in an array indexed by window and key. A window's cells are given and
//! used again once the bound has passed its end, so the array stays in the cache.
//!
//! **Invariant:** the cells of every window from `oldest` on that may still get an event are apart.

use kappascope_core::Log;

use super::Cell;
use crate::result::Group;
use crate::stream::{BOUND_MS, START};

/// The cells of all open windows.
struct Open<const WINDOW_MS: i64> {
    cells: Vec<Cell>,
    keys: usize,
    oldest: i64,
    /// Scratch: the groups of a window.
    groups: Vec<Group>,
}

impl<const WINDOW_MS: i64> Open<WINDOW_MS> {
    /// Windows that hold cells at a time: the newest, and those that the bound keeps open.
    const RING: usize = ((BOUND_MS / WINDOW_MS + 2) as usize).next_power_of_two();

    fn new(keys: usize) -> Self {
        let cells = vec![Cell::EMPTY; Self::RING * keys];
        Self { cells, keys, oldest: START / WINDOW_MS, groups: Vec::new() }
    }

    /// The event time at which the oldest window is complete.
    fn complete_at(&self) -> i64 {
        (self.oldest + 1) * WINDOW_MS + BOUND_MS
    }

    /// Where a window's cells begin.
    fn first(&self, window: i64) -> usize {
        window as usize % Self::RING * self.keys
    }

    /// Takes events up to the first one with which the oldest window is complete; gives how many. A loop of its own
    /// that calls nothing, so that all it needs stays in registers.
    fn take(&mut self, time: &[i64], key: &[u32], value: &[f64]) -> usize {
        let (oldest, keys, complete_at) = (self.oldest, self.keys, self.complete_at());
        let cells = &mut self.cells[..];
        for (taken, ((&time, &key), &value)) in time.iter().zip(key).zip(value).enumerate() {
            if time >= complete_at {
                return taken;
            }
            // Where the bound is shorter than a window only two are open, and a comparison tells them apart, for
            // less than a division.
            let window = if BOUND_MS < WINDOW_MS {
                oldest + i64::from(time >= (oldest + 1) * WINDOW_MS)
            } else {
                (time as u64 / WINDOW_MS as u64) as i64
            };
            cells[window as usize % Self::RING * keys + key as usize].add(value);
        }
        time.len()
    }

    /// Gives the oldest window's groups and empties its cells.
    fn fire(&mut self) -> &[Group] {
        let (first, start) = (self.first(self.oldest), self.oldest * WINDOW_MS);
        self.groups.clear();
        for (key, cell) in self.cells[first..first + self.keys].iter_mut().enumerate() {
            if !cell.is_empty() {
                let cell = std::mem::replace(cell, Cell::EMPTY);
                self.groups.push(cell.group(start, start + WINDOW_MS, key));
            }
        }
        self.oldest += 1;
        &self.groups
    }
}

/// Runs over a log's arrays; `fired` takes the groups of each window.
pub fn run<const WINDOW_MS: i64>(log: &Log, mut fired: impl FnMut(&[Group])) {
    let all = log.read(0, usize::MAX);
    let mut open = Open::<WINDOW_MS>::new(log.dictionary(0).len());
    let (time, key, value) = (all.time(), all.key(0), all.measure(0));
    let mut from = open.take(time, key, value);
    while from < time.len() {
        fired(open.fire());
        from += open.take(&time[from..], &key[from..], &value[from..]);
    }
    for _ in 0..Open::<WINDOW_MS>::RING {
        fired(open.fire());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{collect, naive};
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn the_windows_are_those_of_a_naive_grouping() {
        let log = Stream::ThreeKeys.hour(5_000);
        let mut expected = Vec::new();
        for (key, events) in naive::by_key(&log).iter().enumerate() {
            for start in (START..START + 3_600_000).step_by(10_000) {
                let inside = events.iter().filter(|(time, _)| (start..start + 10_000).contains(time));
                let values: Vec<f64> = inside.map(|&(_, value)| value).collect();
                expected.extend(naive::group(start, start + 10_000, key, &values));
            }
        }
        naive::assert_alike(collect(|give| run::<10_000>(&log, give)), expected);
    }
}
