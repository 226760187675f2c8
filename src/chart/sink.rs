//! The chart of a slow sink: how many events wait for it, and how old is what it takes, over arrival time.
//!
//! ```text
//!   waiting │        ▒▒▒╱▒▒▒▒▒╲
//!           │┄┄┄┄┄┄╱▒▒▒▒▒▒▒▒▒▒▒▒╲┄┄┄  the queue is full: the log keeps what comes
//!           │____╱                ╲__
//!   delay   │        ▒▒▒▒╱▒▒▒╲
//!           │_____╱‾‾▒▒▒▒▒▒▒▒▒▒╲____
//! ```
//!
//! **Invariant:** a column shows the most of its samples, and the line of the queue's bound is always in sight.

use super::palette::Palette;
use super::pane::{Pane, Words};
use super::pen::{Area, Drawn};
use super::scale::Axis;
use super::surface::Place;
use super::{Art, Ground};
use crate::text;
use crate::text::charts as words;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const TOP: f64 = 16.0;
const BOTTOM: f64 = 22.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 4.0;

/// Between the two plots, for the name of the second.
const BETWEEN: f64 = 22.0;

/// The part of the height that the events that wait have.
const UPPER: f64 = 0.58;

/// Room above the largest value, as a factor.
const HEADROOM: f64 = 1.08;

/// What the chart shows.
pub(crate) struct Queue<'a> {
    /// Arrival, events that wait, and how old what is taken is.
    pub(crate) samples: &'a [[f64; 3]],
    /// How many events the queue holds before the log has to keep them.
    pub(crate) capacity: f64,
}

/// A queue over time in three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Most {
    pub(crate) waiting: f64,
    pub(crate) delay: f64,
    /// The part of the time in which the queue was full.
    pub(crate) blocked: f64,
}

impl Queue<'_> {
    fn is_full(&self, sample: &[f64; 3]) -> bool {
        sample[1] > self.capacity
    }

    /// Spans of arrival time in which the queue was full: each from its first sample to the one after its last.
    fn blocked(&self) -> Vec<(f64, f64)> {
        let mut spans: Vec<(f64, f64)> = Vec::new();
        let pairs = self.samples.windows(2).filter(|pair| self.is_full(&pair[0]));
        for (from, to) in pairs.map(|pair| (pair[0][0], pair[1][0])) {
            match spans.last_mut().filter(|(_, end)| *end == from) {
                Some((_, end)) => *end = to,
                None => spans.push((from, to)),
            }
        }
        spans
    }

    fn span(&self) -> (f64, f64) {
        let arrival = |sample: Option<&[f64; 3]>| sample.map_or(0.0, |sample| sample[0]);
        (arrival(self.samples.first()), arrival(self.samples.last()))
    }

    pub(crate) fn most(&self) -> Most {
        let (first, last) = self.span();
        let most =
            |figure: usize| self.samples.iter().fold(0.0, |most: f64, sample| most.max(sample[figure]));
        let blocked: f64 = self.blocked().iter().map(|(from, to)| to - from).sum();
        Most { waiting: most(1), delay: most(2), blocked: blocked / (last - first).max(1.0) }
    }
}

/// The chart: both canvases.
pub(crate) struct SinkChart {
    ground: Ground,
    /// The scale of events, which stays while it fits.
    waiting: Option<Axis>,
}

impl Art for SinkChart {
    fn on(ground: Ground) -> Self {
        Self { ground, waiting: None }
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn ground_mut(&mut self) -> &mut Ground {
        &mut self.ground
    }
}

impl SinkChart {
    /// Draws a queue over time.
    pub(crate) fn draw(&mut self, place: Place, queue: &Queue<'_>) {
        if place.is_empty() {
            return;
        }
        let field = Field::new(place, queue, self.waiting.as_ref());
        if let Some(sheet) = self.ground.axes.clear(place) {
            // A canvas refuses to draw only when the page is going away.
            let _ = field.draw_axes(&sheet.area, &self.ground.palette);
        }
        if let Some(sheet) = self.ground.data.clear(place) {
            let _ = field.draw_data(&sheet.area, &self.ground.palette, queue);
        }
        self.waiting = Some(field.waiting);
    }
}

/// Where everything goes.
struct Field {
    upper: Pane,
    lower: Pane,
    arrivals: Axis,
    waiting: Axis,
    delays: Axis,
}

impl Field {
    fn new(place: Place, queue: &Queue<'_>, before: Option<&Axis>) -> Self {
        let room = (place.height - TOP - BOTTOM - BETWEEN).max(2.0);
        let right = (place.width - RIGHT).max(LEFT + 1.0);
        let upper = Pane { place, left: LEFT, right, top: TOP, bottom: TOP + room * UPPER };
        let lower = Pane { top: upper.bottom + BETWEEN, bottom: TOP + room + BETWEEN, ..upper };
        let ((first, last), most) = (queue.span(), queue.most());
        Self {
            arrivals: Axis::between(first, last, (upper.width() / 84.0) as usize),
            waiting: Axis::of_values(0.0, most.waiting.max(queue.capacity * HEADROOM), 3, before),
            delays: Axis::between(0.0, most.delay * HEADROOM, 2),
            upper,
            lower,
        }
    }

    fn draw_axes(&self, area: &Area, palette: &Palette) -> Drawn {
        for tick in self.waiting.ticks() {
            let name = text::mark(tick, self.waiting.step);
            self.upper.draw_row(area, palette, self.upper.y(&self.waiting, tick), &name)?;
        }
        for tick in self.delays.ticks() {
            self.lower.draw_row(area, palette, self.lower.y(&self.delays, tick), &text::span(tick as i64))?;
        }
        for (pane, name) in [(&self.upper, words::WAITING), (&self.lower, words::AGE)] {
            pane.write(area, &Words::axis(palette), name, (pane.left, pane.top - 9.0))?;
        }
        let step = self.arrivals.step as i64;
        self.lower.draw_times(area, palette, &self.arrivals, |time| text::tick(time, step))
    }

    fn draw_data(&self, area: &Area, palette: &Palette, queue: &Queue<'_>) -> Drawn {
        for (from, to) in queue.blocked() {
            let (from, to) = (self.x(from), self.x(to));
            for pane in [&self.upper, &self.lower] {
                area.draw(&pane.sharp((from, pane.top), (to - from, pane.height()), palette.late_area))?;
            }
        }
        let bound = self.upper.y(&self.waiting, queue.capacity);
        area.draw(&self.upper.sharp((self.upper.left, bound), (self.upper.width(), 1.0), palette.late))?;
        let name = Words { bold: true, colour: palette.late, side: HPos::Right, ..Words::axis(palette) };
        self.upper.write(
            area,
            &name,
            &words::queue(queue.capacity),
            (self.upper.right - 2.0, self.upper.top - 9.0),
        )?;
        self.draw_line(area, palette, &self.upper, &self.waiting, queue, 1)?;
        self.draw_line(area, palette, &self.lower, &self.delays, queue, 2)
    }

    fn x(&self, arrival: f64) -> f64 {
        self.upper.x(&self.arrivals, arrival)
    }

    /// One of the figures of the samples, the most of each pixel.
    fn draw_line(
        &self,
        area: &Area,
        palette: &Palette,
        pane: &Pane,
        axis: &Axis,
        queue: &Queue<'_>,
        figure: usize,
    ) -> Drawn {
        let column = |sample: &[f64; 3]| self.x(sample[0]) as i64;
        let points = queue.samples.chunk_by(|a, b| column(a) == column(b)).map(|samples| {
            let most = samples.iter().fold(0.0, |most: f64, sample| most.max(sample[figure]));
            pane.at(self.x(samples[0][0]), pane.y(axis, most))
        });
        let points: Vec<(i32, i32)> = points.collect();
        pane.trace(area, &points, palette.key(1).stroke_width(pane.stroke(1.5)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [[f64; 3]; 5] = [
        [0.0, 0.0, 0.0],
        [1_000.0, 4.0, 2_000.0],
        [2_000.0, 12.0, 7_000.0],
        [3_000.0, 11.0, 9_000.0],
        [5_000.0, 9.0, 4_000.0],
    ];

    #[test]
    fn a_queue_is_blocked_from_the_sample_that_is_beyond_its_bound_to_the_next() {
        let queue = Queue { samples: &SAMPLES, capacity: 10.0 };
        assert_eq!(queue.blocked(), [(2_000.0, 5_000.0)]);
        assert_eq!(queue.most(), Most { waiting: 12.0, delay: 9_000.0, blocked: 0.6 });
        let wide = Queue { capacity: 12.0, ..queue };
        assert_eq!(wide.most().blocked, 0.0, "one that is just full takes all that comes");
        assert_eq!(Queue { samples: &[], capacity: 1.0 }.most(), Most::default());
    }

    #[test]
    fn the_bound_is_in_sight_and_both_plots_have_room() {
        let place = Place { width: 250.0, height: 150.0, ratio: 1.0 };
        for capacity in [1.0, 1e6] {
            let field = Field::new(place, &Queue { samples: &SAMPLES, capacity }, None);
            assert!(field.waiting.holds(capacity) && field.waiting.holds(12.0));
            assert!(field.upper.bottom < field.lower.top && field.lower.bottom < place.height);
        }
    }
}
