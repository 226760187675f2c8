//! The distribution chart: how many events have which value, with the percentiles as lines.
//!
//! ```text
//!        p50  p90    p99
//!     ▁▅█│▇▅▃▂│▁▁    │
//!   ──────────────────── value, linear or logarithmic
//! ```
//!
//! **Invariant:** the columns together hold all events: a bin's events lie evenly between its ends.

use super::palette::Palette;
use super::pane::{Pane, Words};
use super::pen::{Area, Drawn};
use super::scale::{Axis, Symlog, nudge};
use super::surface::Place;
use super::{Art, Ground};
use crate::text;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const TOP: f64 = 24.0;
const BOTTOM: f64 = 24.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;

/// Width of a column, in CSS pixels.
const COLUMN: f64 = 4.0;

/// Width that the name of a percentile needs.
const NAME: f64 = 74.0;

/// What the percentiles are called.
pub(crate) const PERCENTILES: [&str; 4] = ["p50", "p90", "p99", "p99.9"];

/// What the chart shows.
pub(crate) struct Spread<'a> {
    /// Triples of low, high and events.
    pub(crate) bins: &'a [[f64; 3]],
    pub(crate) range: (f64, f64),
    pub(crate) percentiles: [f64; 4],
    /// Whether values lie on a logarithmic scale.
    pub(crate) logarithmic: bool,
}

/// The scale of values.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    Linear(Axis),
    Log(Symlog),
}

impl Values {
    fn new(spread: &Spread<'_>, ticks: usize) -> Self {
        let (low, high) = spread.range;
        if spread.logarithmic {
            Self::Log(Symlog::over(low, high))
        } else {
            Self::Linear(Axis::of_values(low, high, ticks, None))
        }
    }

    /// Where a value lies, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let part = match self {
            Self::Linear(axis) => (value - axis.low) / (axis.high - axis.low),
            Self::Log(scale) => scale.part(value),
        };
        part.clamp(0.0, 1.0)
    }

    fn ticks(&self, apart: f64) -> Vec<(f64, String)> {
        match self {
            Self::Linear(axis) => axis.ticks().map(|tick| (tick, text::mark(tick, axis.step))).collect(),
            Self::Log(scale) => {
                scale.ticks(apart).into_iter().map(|tick| (tick, text::short(tick))).collect()
            }
        }
    }
}

/// The distribution chart: both canvases.
pub(crate) struct DistributionChart {
    ground: Ground,
    /// The scale of events, which stays while it fits.
    events: Option<Axis>,
}

impl Art for DistributionChart {
    fn on(ground: Ground) -> Self {
        Self { ground, events: None }
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn ground_mut(&mut self) -> &mut Ground {
        &mut self.ground
    }
}

impl DistributionChart {
    /// Draws a distribution.
    pub(crate) fn draw(&mut self, place: Place, spread: &Spread<'_>) {
        if place.is_empty() {
            return;
        }
        let right = (place.width - RIGHT).max(LEFT + 1.0);
        let pane =
            Pane { place, left: LEFT, right, top: TOP, bottom: (place.height - BOTTOM).max(TOP + 1.0) };
        let values = Values::new(spread, (pane.width() / 90.0) as usize);
        let columns = columns(spread.bins, &values, (pane.width() / COLUMN) as usize);
        let most = columns.iter().fold(0.0, |most: f64, column| most.max(*column));
        let ticks = (pane.height() / 36.0) as usize;
        let events = Axis::of_values(0.0, most, ticks.max(1), self.events.as_ref());
        if let Some(sheet) = self.ground.axes.clear(place) {
            // A canvas refuses to draw only when the page is going away.
            let _ = draw_axes(&sheet.area, &self.ground.palette, &pane, &values, &events);
        }
        if let Some(sheet) = self.ground.data.clear(place) {
            let _ = draw_columns(&sheet.area, &self.ground.palette, &pane, &columns, &events);
            let _ = draw_percentiles(&sheet.area, &self.ground.palette, &pane, &values, spread);
        }
        self.events = Some(events);
    }
}

/// Events of each of so many columns of the same width.
fn columns(bins: &[[f64; 3]], values: &Values, count: usize) -> Vec<f64> {
    let count = count.max(1);
    let mut columns = vec![0.0; count];
    for [low, high, events] in bins {
        let (from, to) = (values.part(*low) * count as f64, values.part(*high) * count as f64);
        let (first, last) = ((from as usize).min(count - 1), (to as usize).min(count - 1));
        for (at, column) in columns.iter_mut().enumerate().take(last + 1).skip(first) {
            let inside = (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
            *column += if to > from { events * inside / (to - from) } else { *events };
        }
    }
    columns
}

fn draw_axes(area: &Area, palette: &Palette, pane: &Pane, values: &Values, events: &Axis) -> Drawn {
    for tick in events.ticks() {
        pane.draw_row(area, palette, pane.y(events, tick), &text::mark(tick, events.step))?;
    }
    let words = Words { side: HPos::Center, ..Words::axis(palette) };
    for (tick, name) in values.ticks(60.0 / pane.width()) {
        let x = pane.left + values.part(tick) * pane.width();
        area.draw(&pane.sharp((x, pane.bottom), (0.0, 4.0), palette.grid))?;
        pane.write(area, &words, &name, (x, pane.bottom + 14.0))?;
    }
    Ok(())
}

fn draw_columns(area: &Area, palette: &Palette, pane: &Pane, columns: &[f64], events: &Axis) -> Drawn {
    let width = pane.width() / columns.len() as f64;
    for (at, count) in columns.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        let (x, y) = (pane.left + at as f64 * width, pane.y(events, *count));
        let size = ((width - 1.0).max(1.0), pane.bottom - y);
        area.draw(&pane.sharp((x, y), size, palette.key(1).mix(0.75)))?;
    }
    Ok(())
}

fn draw_percentiles(
    area: &Area,
    palette: &Palette,
    pane: &Pane,
    values: &Values,
    spread: &Spread<'_>,
) -> Drawn {
    let lines = spread.percentiles.map(|value| pane.left + values.part(value) * pane.width());
    let mut names = lines;
    nudge(&mut names, NAME, pane.left + NAME / 2.0, pane.right - NAME / 2.0);
    let words = Words { side: HPos::Center, colour: palette.ink, ..Words::axis(palette) };
    for (at, (x, name)) in lines.into_iter().zip(names).enumerate() {
        area.draw(&pane.sharp((x, pane.top), (0.0, pane.height()), palette.ink.mix(0.7)))?;
        let label = format!("{} {}", PERCENTILES[at], text::short(spread.percentiles[at]));
        pane.write(area, &words, &label, (name, pane.top - 12.0))?;
        // From the name to its line, where the names had to part.
        let foot = vec![pane.at(name, pane.top - 5.0), pane.at(x, pane.top)];
        area.draw(&PathElement::new(foot, palette.ink.mix(0.4).stroke_width(pane.stroke(1.0))))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_all_events_on_either_scale() {
        let bins = [[0.0, 0.5, 7.0], [1.0, 1.0, 5.0], [10.0, 90.0, 80.0], [100.0, 100.0, 1.0]];
        for logarithmic in [false, true] {
            let spread = Spread { bins: &bins, range: (0.0, 100.0), percentiles: [0.0; 4], logarithmic };
            let columns = columns(&bins, &Values::new(&spread, 4), 37);
            assert!((columns.iter().sum::<f64>() - 93.0).abs() < 1e-9, "{columns:?}");
        }
    }

    #[test]
    fn a_single_value_is_one_column() {
        let spread =
            Spread { bins: &[[7.0, 7.0, 3.0]], range: (7.0, 7.0), percentiles: [7.0; 4], logarithmic: false };
        let columns = columns(spread.bins, &Values::new(&spread, 4), 10);
        assert_eq!(columns.iter().filter(|count| **count > 0.0).collect::<Vec<_>>(), [&3.0]);
    }
}
