//! The lag chart: how far the watermark and each partition lay behind the newest event, as strips of heat.
//!
//! ```text
//!   watermark   ░░░▒▒▒░░░░▓▓▓▓▓░░      darker is further behind
//!   partition 0 ░░░░░░░░░░░░░░░░░
//!   partition 1 ░░░▒▒▒░░░░█████░░
//! ```
//!
//! **Invariant:** a column shows the largest lag of its samples; where there was none yet, nothing.

use super::palette::Palette;
use super::pane::{Pane, Words};
use super::pen::{Area, Drawn};
use super::scale::{Axis, Delays};
use super::surface::Place;
use super::{Art, Ground};
use crate::text;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 76.0;

/// Width of a column, in CSS pixels.
const COLUMN: f64 = 2.0;

/// Strips are at most so high, and so many: more are too thin to read.
const HIGHEST: f64 = 34.0;
pub(crate) const MOST_STRIPS: usize = 17;

/// How much colour nothing and the largest lag have.
const PALEST: f64 = 0.08;

/// Steps of the legend.
const LEGEND: i32 = 24;

/// What the chart shows.
pub(crate) struct Lags<'a> {
    /// Groups of numbers: an arrival, the watermark's lag, and each partition's.
    pub(crate) samples: &'a [f64],
    pub(crate) partitions: usize,
    pub(crate) pointer: Option<(f64, f64)>,
}

impl Lags<'_> {
    fn groups(&self) -> impl DoubleEndedIterator<Item = &[f64]> + ExactSizeIterator {
        self.samples.chunks_exact(self.partitions + 2)
    }

    /// Of the watermark and each partition, the newest lag and the largest; below zero before there was one.
    pub(crate) fn summary(&self) -> Vec<(f64, f64)> {
        let of = |strip: usize| {
            let newest = self.groups().next_back().map_or(-1.0, |sample| sample[strip + 1]);
            (newest, self.groups().map(|sample| sample[strip + 1]).fold(-1.0, f64::max))
        };
        (0..=self.partitions).map(of).collect()
    }
}

/// What a strip is called.
pub(crate) fn name_of(strip: usize) -> String {
    if strip == 0 { "Watermark".to_owned() } else { format!("Partition {}", strip - 1) }
}

/// The sample under the pointer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) x: f64,
    pub(crate) right: bool,
    pub(crate) arrival: f64,
    /// Of the watermark and each partition that is shown.
    pub(crate) lags: Vec<f64>,
}

/// The lag chart: both canvases.
pub(crate) struct LagChart {
    ground: Ground,
    /// The scale of lags, which stays while it fits.
    scale: Option<Delays>,
}

impl Art for LagChart {
    fn on(ground: Ground) -> Self {
        Self { ground, scale: None }
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn ground_mut(&mut self) -> &mut Ground {
        &mut self.ground
    }
}

/// Where everything goes.
struct Field {
    pane: Pane,
    arrivals: Axis,
    scale: Delays,
    strips: usize,
    height: f64,
}

impl LagChart {
    /// Draws the lags, and says what is under the pointer.
    pub(crate) fn draw(&mut self, place: Place, lags: &Lags<'_>) -> Option<Moment> {
        if place.is_empty() {
            return None;
        }
        let field = Field::new(place, lags, self.scale);
        if let Some(sheet) = self.ground.axes.clear(place) {
            // A canvas refuses to draw only when the page is going away.
            let _ = field.draw_axes(&sheet.area, &self.ground.palette);
        }
        let moment = field.moment(lags);
        if let Some(sheet) = self.ground.data.clear(place) {
            let _ = field.draw_strips(&sheet.area, &self.ground.palette, lags);
            if let Some(moment) = &moment {
                let hair =
                    field.pane.sharp((moment.x, TOP), (0.0, field.bottom() - TOP), self.ground.palette.ink);
                let _ = sheet.area.draw(&hair);
            }
        }
        self.scale = Some(field.scale);
        moment
    }
}

impl Field {
    fn new(place: Place, lags: &Lags<'_>, before: Option<Delays>) -> Self {
        let right = (place.width - RIGHT).max(LEFT + 1.0);
        let pane =
            Pane { place, left: LEFT, right, top: TOP, bottom: (place.height - BOTTOM).max(TOP + 1.0) };
        let arrival = |sample: Option<&[f64]>| sample.map_or(0.0, |sample| sample[0]);
        let (first, last) = (arrival(lags.groups().next()), arrival(lags.groups().next_back()));
        let largest = lags.summary().into_iter().map(|(_, largest)| largest).fold(0.0, f64::max);
        let strips = (lags.partitions + 1).min(MOST_STRIPS);
        Self {
            pane,
            arrivals: Axis::between(first, last, (pane.width() / 92.0) as usize),
            scale: Delays::up_to(largest, before),
            strips,
            height: (pane.height() / strips as f64).min(HIGHEST),
        }
    }

    fn bottom(&self) -> f64 {
        TOP + self.height * self.strips as f64
    }

    fn colour(&self, palette: &Palette, lag: f64) -> RGBAColor {
        palette.wm.mix(PALEST + (1.0 - PALEST) * self.scale.part(lag))
    }

    fn draw_axes(&self, area: &Area, palette: &Palette) -> Drawn {
        let names = Words { side: HPos::Right, ..Words::axis(palette) };
        for strip in 0..self.strips {
            let y = TOP + self.height * (strip as f64 + 0.5);
            self.pane.write(area, &names, &name_of(strip), (LEFT - 8.0, y))?;
        }
        let step = self.arrivals.step as i64;
        let times = Pane { bottom: self.bottom(), ..self.pane };
        times.draw_times(area, palette, &self.arrivals, |time| text::tick(time, step))?;
        self.draw_legend(area, palette)
    }

    fn draw_legend(&self, area: &Area, palette: &Palette) -> Drawn {
        let (x, height) = (self.pane.right + 12.0, self.pane.height());
        let y = |part: f64| self.pane.bottom - part * height;
        for step in 0..LEGEND {
            let part = f64::from(step + 1) / f64::from(LEGEND);
            let size = (9.0, height / f64::from(LEGEND));
            area.draw(&self.pane.sharp((x, y(part)), size, self.colour(palette, self.scale.at(part))))?;
        }
        let ticks = self.scale.ticks(14.0 / height);
        for tick in std::iter::once(0.0).chain(ticks) {
            let name = text::span(tick as i64);
            self.pane.write(area, &Words::axis(palette), &name, (x + 15.0, y(self.scale.part(tick))))?;
        }
        Ok(())
    }

    fn draw_strips(&self, area: &Area, palette: &Palette, lags: &Lags<'_>) -> Drawn {
        let samples: Vec<&[f64]> = lags.groups().collect();
        let column = |sample: &&[f64]| (self.pane.x(&self.arrivals, sample[0]) / COLUMN) as i64;
        let columns: Vec<&[&[f64]]> = samples.chunk_by(|a, b| column(a) == column(b)).collect();
        for (at, samples) in columns.iter().enumerate() {
            let left = self.pane.x(&self.arrivals, samples[0][0]);
            let next =
                columns.get(at + 1).map_or(self.pane.right, |next| self.pane.x(&self.arrivals, next[0][0]));
            for strip in 0..self.strips {
                let lag = samples.iter().map(|sample| sample[strip + 1]).fold(-1.0, f64::max);
                if lag >= 0.0 {
                    let corner = (left, TOP + self.height * strip as f64);
                    let size = (next - left, self.height - 3.0);
                    area.draw(&self.pane.sharp(corner, size, self.colour(palette, lag)))?;
                }
            }
        }
        Ok(())
    }

    fn moment(&self, lags: &Lags<'_>) -> Option<Moment> {
        let (x, _) = lags.pointer.filter(|pointer| self.pane.holds(*pointer))?;
        let time = self.pane.at_x(&self.arrivals, x);
        let sample = lags.groups().take_while(|sample| sample[0] <= time).last()?;
        let x = self.pane.x(&self.arrivals, sample[0]);
        let right = x > (self.pane.left + self.pane.right) / 2.0;
        Some(Moment { x, right, arrival: sample[0], lags: sample[1..=self.strips].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_the_largest_lag_of_each() {
        let samples = [0.0, -1.0, 5.0, 0.0, 1_000.0, 20.0, 15.0, 3.0, 2_000.0, 10.0, 0.0, 9.0];
        let lags = Lags { samples: &samples, partitions: 2, pointer: None };
        assert_eq!(lags.summary(), [(10.0, 20.0), (0.0, 15.0), (9.0, 9.0)]);
        let none = Lags { samples: &[], partitions: 1, pointer: None };
        assert_eq!(none.summary(), [(-1.0, -1.0), (-1.0, -1.0)]);
    }

    #[test]
    fn the_pointer_finds_the_sample_before_it() {
        let samples = [0.0, 1.0, 5.0, 1_000.0, 2.0, 15.0, 2_000.0, 3.0, 0.0];
        let place = Place { width: 500.0, height: 120.0, ratio: 1.0 };
        let mut lags = Lags { samples: &samples, partitions: 1, pointer: None };
        let field = Field::new(place, &lags, None);
        lags.pointer = Some((field.pane.x(&field.arrivals, 1_400.0), 40.0));
        let moment = field.moment(&lags).unwrap();
        assert_eq!((moment.arrival, moment.lags), (1_000.0, vec![2.0, 15.0]));
    }
}
