//! The generated streams: small, each with one kind of trouble, the same from the same seed.
//!
//! **Invariant:** outside the shapes that say otherwise no event comes more than the bound after a newer one,
//! so nothing is late.
//!
//! Each key has a clock of its own that makes the event times; each event is delayed a little and the log is
//! in the order in which they arrive:
//!
//! ```text
//!   k0   1s ─── 2s ──────── 4s ···      delays 0.3s 1.2s 0s    arrive at 1.3s 3.2s 4s
//!   k1     1.5s ───── 3s ──── ···       delays 0s 0.1s         arrive at 1.5s 3.1s
//!   log  k0@1s  k1@1.5s  k1@3s  k0@2s  k0@4s
//! ```

use std::cmp::Reverse;
use std::fmt;

use crate::numbers::Numbers;

/// One event: event time in epoch milliseconds, key, measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Event time, epoch milliseconds.
    pub time: i64,
    /// `k0`, `k1`, …
    pub key: String,
    /// A multiple of 1/8.
    pub value: f64,
}

/// How event time is cut; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Flink SQL's `TUMBLE`.
    Tumbling {
        /// Length of a window.
        size: i64,
        /// Where windows begin, from the epoch.
        offset: i64,
    },
    /// Flink SQL's `HOP`.
    Hopping {
        /// Length of a window.
        size: i64,
        /// From one window's start to the next.
        slide: i64,
        /// Where windows begin, from the epoch.
        offset: i64,
    },
    /// Flink SQL's `CUMULATE`.
    Cumulate {
        /// Length of the longest window.
        size: i64,
        /// By how much each window is longer than the one before.
        step: i64,
        /// Where windows begin, from the epoch.
        offset: i64,
    },
    /// Flink SQL's `SESSION`, per key.
    Session {
        /// Silence after which a session has ended.
        gap: i64,
    },
}

/// Which window of which interface of Flink answers: each family is one golden file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Flink SQL's window table-valued function, else the window operator of the DataStream API.
    pub sql: bool,
    /// `tumbling`, `hopping`, `cumulate` or `session`.
    pub kind: &'static str,
    /// How many streams there are of it.
    pub streams: u64,
}

/// All that is compared. Flink's DataStream API has no cumulating window.
pub const FAMILIES: [Family; 7] = [
    Family { sql: true, kind: "tumbling", streams: 60 },
    Family { sql: true, kind: "hopping", streams: 60 },
    Family { sql: true, kind: "cumulate", streams: 60 },
    Family { sql: true, kind: "session", streams: 60 },
    Family { sql: false, kind: "tumbling", streams: 30 },
    Family { sql: false, kind: "hopping", streams: 30 },
    Family { sql: false, kind: "session", streams: 30 },
];

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", if self.sql { "sql" } else { "datastream" }, self.kind)
    }
}

/// The trouble in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Disorder within the bound and nothing else.
    Disorder,
    /// Times at the boundaries of windows, and 1 ms to either side.
    Boundary,
    /// Keys that appear only when others have had many windows.
    LateKeys,
    /// Silences of several windows.
    Silence,
    /// Many events of one time.
    EqualTimes,
    /// Steps of the gap, or 1 ms less or more.
    AtGap,
    /// Two sessions of a key, and then an event between them.
    Bridged,
    /// Some events come after the bound, up to far after their windows: for SQL, which has no lateness.
    Stragglers,
}

const SHAPES: [Shape; 8] = [
    Shape::Disorder,
    Shape::Boundary,
    Shape::LateKeys,
    Shape::Silence,
    Shape::EqualTimes,
    Shape::AtGap,
    Shape::Bridged,
    Shape::Stragglers,
];

/// Around which times streams lie: across 1970, in 2023, in 1930 and in 1815.
const EPOCHS: [i64; 4] = [-20_000, 1_700_000_000_000, -1_250_000_000_321, -4_880_000_000_000];

/// A stream and the window over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Family, number and shape.
    pub id: String,
    /// Which part of Flink answers it.
    pub family: Family,
    /// How event time is cut.
    pub window: Window,
    /// Of the watermark, milliseconds.
    pub bound: i64,
    /// How long after its end a window still takes events, milliseconds. SQL's window functions have none.
    pub lateness: i64,
    /// In the order of arrival.
    pub events: Vec<Event>,
}

impl Stream {
    /// Stream `number` of `family`.
    #[must_use]
    pub fn generate(family: Family, number: u64) -> Self {
        let place = FAMILIES.iter().position(|other| *other == family).unwrap_or(FAMILIES.len());
        let mut numbers = Numbers((place as u64) << 32 | number);
        let shape = match SHAPES[number as usize % SHAPES.len()] {
            // The streams of the window operator all have some.
            Shape::Stragglers if !family.sql => Shape::Boundary,
            shape => shape,
        };
        let epoch = EPOCHS[number as usize / SHAPES.len() % EPOCHS.len()];
        let window = window(family, &mut numbers);
        let bound = bound(family, shape, window.grid(), &mut numbers);
        let lateness = if family.sql { 0 } else { numbers.one_of(&[0, 1, 2, 4]) * window.grid() / 2 };
        let id = format!("{family}-{number:02}-{shape:?}").to_lowercase();
        let keys = 2 + numbers.below(3);
        let mut arriving = Vec::new();
        for key in 0..keys {
            let from = epoch + if shape == Shape::LateKeys { 3 * key * window.span() } else { key };
            let trouble = Trouble { shape, window, bound, lateness, stragglers: !family.sql };
            arriving.extend(trouble.of_key(&format!("k{key}"), from, &mut numbers));
        }
        // Of those that arrive together the newest first, so that the others find the watermark moved.
        arriving.sort_by_key(|(arrival, event)| (*arrival, Reverse(event.time)));
        let events = arriving.into_iter().map(|(_, event)| event).collect();
        Self { id, family, window, bound, lateness, events }
    }

    /// Every stream of every family, or a small part.
    #[must_use]
    pub fn all(quick: bool) -> Vec<Self> {
        /// Has no factor in common with the number of shapes, so that the part meets them all.
        const QUICK_STEP: u64 = 13;
        let mut streams = Vec::new();
        for (place, family) in FAMILIES.into_iter().enumerate() {
            let chosen =
                (0..family.streams).filter(|n| !quick || (n + place as u64).is_multiple_of(QUICK_STEP));
            streams.extend(chosen.map(|number| Self::generate(family, number)));
        }
        streams
    }
}

impl Window {
    /// The distance that matters: between boundaries, or the gap.
    #[must_use]
    pub fn grid(self) -> i64 {
        match self {
            Self::Tumbling { size, .. } => size,
            Self::Hopping { slide, .. } => slide,
            Self::Cumulate { step, .. } => step,
            Self::Session { gap } => gap,
        }
    }

    fn span(self) -> i64 {
        match self {
            Self::Tumbling { size, .. } | Self::Hopping { size, .. } | Self::Cumulate { size, .. } => size,
            Self::Session { gap } => gap,
        }
    }

    fn offset(self) -> i64 {
        match self {
            Self::Tumbling { offset, .. } | Self::Hopping { offset, .. } | Self::Cumulate { offset, .. } => {
                offset
            }
            Self::Session { .. } => 0,
        }
    }
}

fn window(family: Family, numbers: &mut Numbers) -> Window {
    let grid = numbers.one_of(&[700, 1_000, 1_501, 5_000, 60_000]);
    let offset = |size: i64, numbers: &mut Numbers| numbers.one_of(&[0, 1, 2]) * numbers.below(size / 2);
    match family.kind {
        "tumbling" => Window::Tumbling { size: grid, offset: offset(grid, numbers) },
        "hopping" => {
            // SQL wants a multiple of the slide; the window operator does not. Tenths, so that the panes of our
            // engine, of their greatest common divisor, are not more than it takes.
            let beyond = if family.sql { 0 } else { numbers.below(10) * (grid / 10) };
            let size = grid * (1 + numbers.below(4)) + beyond;
            Window::Hopping { size, slide: grid, offset: offset(grid, numbers) }
        }
        "cumulate" => {
            let size = grid * (1 + numbers.below(5));
            Window::Cumulate { size, step: grid, offset: offset(size, numbers) }
        }
        _ => Window::Session { gap: grid },
    }
}

fn bound(family: Family, shape: Shape, grid: i64, numbers: &mut Numbers) -> i64 {
    match shape {
        // Long enough for the event between to be in time, or so short that it finds sessions that have fired.
        Shape::Bridged if family.sql => 2 * grid,
        Shape::Bridged => grid / 4,
        Shape::Boundary => numbers.one_of(&[1, 2]) * grid,
        _ => numbers.one_of(&[0, grid / 4, grid, 3 * grid]),
    }
}

/// What makes the events of one key.
struct Trouble {
    shape: Shape,
    window: Window,
    bound: i64,
    lateness: i64,
    stragglers: bool,
}

impl Trouble {
    /// Events with the times at which they arrive, in the order of event time but for the bridges.
    fn of_key(&self, key: &str, from: i64, numbers: &mut Numbers) -> Vec<(i64, Event)> {
        let mut clock = from;
        let mut events = Vec::new();
        for n in 0..12 + numbers.below(14) {
            clock += self.step(n, clock, numbers);
            let value = (numbers.below(1_600) - 400) as f64 / 8.0;
            events.push((clock + self.delay(n, numbers), Event { time: clock, key: key.to_owned(), value }));
        }
        events
    }

    fn step(&self, n: i64, clock: i64, numbers: &mut Numbers) -> i64 {
        let grid = self.window.grid();
        match self.shape {
            Shape::Boundary => {
                let into = (clock + 1 - self.window.offset()).rem_euclid(grid);
                grid - into + numbers.below(3)
            }
            Shape::Silence if numbers.below(4) == 0 => 2 * self.window.span() + numbers.below(3 * grid),
            Shape::EqualTimes if numbers.below(3) > 0 => 0,
            Shape::AtGap => grid - 1 + numbers.below(3),
            // Every third event lies between the two before it.
            Shape::Bridged => match n % 3 {
                0 => 2 * grid + numbers.below(grid),
                1 => grid + grid / 2,
                _ => -(grid - grid / 4),
            },
            _ => numbers.below(grid),
        }
    }

    fn delay(&self, n: i64, numbers: &mut Numbers) -> i64 {
        let within = numbers.below(self.bound + 1);
        let behind = self.bound + numbers.below(4 * self.window.span());
        match self.shape {
            // The watermark, too, then stands at boundaries, with the lateness and without.
            Shape::Boundary if self.stragglers && numbers.below(2) == 0 => {
                self.bound + self.lateness + self.window.grid() * numbers.below(2)
            }
            Shape::Boundary => numbers.one_of(&[0, self.bound]),
            Shape::Bridged if n % 3 < 2 => 0,
            Shape::Bridged => 2 * self.window.grid(),
            Shape::Stragglers if numbers.below(4) == 0 => behind,
            _ if self.stragglers && numbers.below(8) == 0 => behind,
            _ => within,
        }
    }
}
