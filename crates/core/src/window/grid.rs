//! The grid of windows that lie at fixed times: which windows an event is in, and which panes they share.
//!
//! ```text
//!   hopping, size 30, slide 20              cumulate, size 30, step 10
//!   time     0    10   20   30   40   50    time     0    10   20   30   40   50   60
//!   windows  [──────────────)               windows  [────)              [────)
//!                      [──────────────)              [─────────)         [─────────)
//!   panes    |    |    |    |    |    |              [──────────────)    [──────────────)
//!            of gcd(30, 20) = 10            panes    |    |    |    |    |    |    |
//! ```
//!
//! A window is `[start, end)` and known by its end. An event at `t` is in the hopping windows with
//! `start ≤ t < start + size`, `start ≡ offset (mod slide)` (Flink: `SlidingEventTimeWindows`), and in the
//! cumulating windows of its period that end after it (Flink SQL: `CUMULATE`).
//!
//! **Invariant:** a pane lies in a window whole or not at all.

use crate::spec::{WindowSpec, gcd};
use serde::{Deserialize, Serialize};

/// Start of the piece of time of one size that holds `time`; right for negative times (Flink:
/// `TimeWindow.getWindowStartWithOffset`).
#[must_use]
pub fn start_of(time: i64, size: i64, offset: i64) -> i64 {
    time - (time - offset).rem_euclid(size)
}

/// Windows at fixed times. Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grid {
    /// Of the longest window.
    size: i64,
    /// From one window's end to the next.
    step: i64,
    offset: i64,
    /// Whether windows begin together at every `size`, in place of one at every step.
    cumulate: bool,
    /// Size of a pane.
    pub(crate) pane: i64,
}

impl Grid {
    /// Of the kinds of windows that lie at fixed times.
    pub(crate) fn new(window: WindowSpec) -> Option<Self> {
        let grid =
            |size: i64, step: i64, offset: i64, cumulate, pane| Self { size, step, offset, cumulate, pane };
        match window {
            WindowSpec::Tumbling { size, offset } => Some(grid(size.0, size.0, offset.0, false, size.0)),
            WindowSpec::Hopping { size, slide, offset } => {
                Some(grid(size.0, slide.0, offset.0, false, gcd(size.0, slide.0)))
            }
            WindowSpec::Cumulate { size, step, offset } => Some(grid(size.0, step.0, offset.0, true, step.0)),
            _ => None,
        }
    }

    /// Start of the pane that holds an event.
    pub(crate) fn pane_of(&self, time: i64) -> i64 {
        start_of(time, self.pane, self.offset)
    }

    /// End of the first window to close among those of an event.
    pub(crate) fn first_end(&self, time: i64) -> i64 {
        if self.cumulate {
            return start_of(time, self.step, self.offset) + self.step;
        }
        let newest = start_of(time, self.step, self.offset);
        let earlier = (newest - (time - self.size) - 1) / self.step;
        newest - earlier * self.step + self.size
    }

    /// End of the last window to close among those of an event.
    pub(crate) fn last_end(&self, time: i64) -> i64 {
        let start = if self.cumulate {
            start_of(time, self.size, self.offset)
        } else {
            start_of(time, self.step, self.offset)
        };
        start + self.size
    }

    /// Ends of all windows of an event, ascending.
    pub(crate) fn ends(&self, time: i64) -> impl Iterator<Item = i64> + use<> {
        let (first, last, step) = (self.first_end(time), self.last_end(time), self.step);
        (0..=(last - first) / step).map(move |i| first + i * step)
    }

    /// Most windows that one event is in.
    pub(crate) fn windows_of_event(&self) -> usize {
        ((self.size - 1) / self.step + 1) as usize
    }

    /// Number of windows between the first of an event at `oldest` and the last of one at `newest`.
    pub(crate) fn windows_of(&self, oldest: i64, newest: i64) -> i64 {
        (self.last_end(newest) - self.first_end(oldest)) / self.step + 1
    }

    /// End of the first window after `after` that a pane lies in.
    pub(crate) fn end_after(&self, pane: i64, after: i64) -> Option<i64> {
        let (first, last) = (self.first_end(pane), self.last_end(pane));
        if after < first {
            return Some(first);
        }
        let end = first + ((after - first) / self.step + 1) * self.step;
        Some(end).filter(|end| *end <= last)
    }

    /// Start of the window with this end.
    pub(crate) fn start(&self, end: i64) -> i64 {
        if self.cumulate { start_of(end - 1, self.size, self.offset) } else { end - self.size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    #[test]
    fn starts() {
        // (time, size, offset, start)
        for (time, size, offset, start) in [
            (0, 10, 0, 0),
            (9, 10, 0, 0),
            (10, 10, 0, 10),
            (-1, 10, 0, -10),
            (-10, 10, 0, -10),
            (-11, 10, 0, -20),
            (2, 10, 3, -7),
            (3, 10, 3, 3),
            (-8, 10, 3, -17),
            (-7, 10, 3, -7),
        ] {
            assert_eq!(start_of(time, size, offset), start, "time {time}, size {size}, offset {offset}");
        }
    }

    /// Every window near zero whose bounds hold the time, by looking at them all.
    fn naive(window: WindowSpec, time: i64) -> Vec<(i64, i64)> {
        let mut all = Vec::new();
        for k in -100..100 {
            match window {
                WindowSpec::Tumbling { size, offset } => {
                    all.push((k * size.0 + offset.0, (k + 1) * size.0 + offset.0));
                }
                WindowSpec::Hopping { size, slide, offset } => {
                    all.push((k * slide.0 + offset.0, k * slide.0 + offset.0 + size.0));
                }
                WindowSpec::Cumulate { size, step, offset } => {
                    let start = k * size.0 + offset.0;
                    all.extend((1..=size.0 / step.0).map(|n| (start, start + n * step.0)));
                }
                _ => {}
            }
        }
        all.retain(|(start, end)| (*start..*end).contains(&time));
        all.sort_by_key(|(_, end)| *end);
        all
    }

    #[test]
    fn windows_of_an_event_are_those_that_hold_it() {
        let ms = Millis;
        let windows = [
            WindowSpec::Tumbling { size: ms(7), offset: ms(3) },
            WindowSpec::Hopping { size: ms(30), slide: ms(20), offset: ms(0) },
            WindowSpec::Hopping { size: ms(30), slide: ms(10), offset: ms(4) },
            WindowSpec::Hopping { size: ms(7), slide: ms(3), offset: ms(1) },
            WindowSpec::Hopping { size: ms(5), slide: ms(5), offset: ms(0) },
            WindowSpec::Cumulate { size: ms(30), step: ms(10), offset: ms(0) },
            WindowSpec::Cumulate { size: ms(12), step: ms(3), offset: ms(5) },
        ];
        for window in windows {
            let grid = Grid::new(window).unwrap();
            for time in -70..70 {
                let ours: Vec<_> = grid.ends(time).map(|end| (grid.start(end), end)).collect();
                assert_eq!(ours, naive(window, time), "{window:?} at {time}");
                assert_eq!((grid.first_end(time), grid.last_end(time)), (ours[0].1, ours[ours.len() - 1].1));
                let pane = grid.pane_of(time);
                assert_eq!(grid.ends(pane).collect::<Vec<_>>(), grid.ends(time).collect::<Vec<_>>());
                for after in time - 50..time + 80 {
                    let next = grid.ends(time).find(|end| *end > after);
                    assert_eq!(grid.end_after(pane, after), next, "{window:?} at {time} after {after}");
                }
            }
        }
    }
}
