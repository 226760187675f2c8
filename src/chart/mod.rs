//! The main chart: an aggregate per window and key, the band of one key, anomalies, spans of alerts and
//! ground truth.
//!
//! ```text
//!   data canvas   lines, band, rings, labels, crosshair      every new frame
//!   axes canvas   grid and ticks                             when range, size or theme change
//! ```
//!
//! **Invariant:** nothing is computed here but positions: every value comes from the worker's figures.

mod palette;
mod plot;
mod scale;
mod surface;

pub(crate) use palette::COLOURS;
pub(crate) use surface::Place;

use crate::state::{Ghost, Mark};
use crate::wire::{Frame, Line, Truth};
use palette::Palette;
use plot::Plot;
use scale::Axis;
use surface::Surface;
use web_sys::HtmlCanvasElement;

/// What a chart shows.
pub(crate) struct Picture<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) figures: &'a [f64],
    /// What was shown before a slider was taken.
    pub(crate) ghost: Option<&'a Ghost>,
    pub(crate) truth: &'a [Truth],
    /// Length of a window.
    pub(crate) window_ms: f64,
    /// The key whose band is shown.
    pub(crate) focus: Option<&'a str>,
    /// The window result that is marked.
    pub(crate) mark: Option<&'a Mark>,
    /// Where the pointer is, in CSS pixels.
    pub(crate) pointer: Option<(f64, f64)>,
}

impl Picture<'_> {
    /// Numbers of a line: pairs of time and value.
    fn line(&self, series: &Line) -> &[[f64; 2]] {
        groups(self.figures, series.line, series.points)
    }

    /// Numbers of a band: time, low and high.
    fn band(&self, series: &Line) -> &[[f64; 3]] {
        groups(self.figures, series.band, series.band_points)
    }

    /// Anomalies of a line: pairs of time and value.
    fn marks(&self, series: &Line) -> &[[f64; 2]] {
        groups(self.figures, series.marks, series.mark_points)
    }

    /// The place of the key whose band is shown.
    fn focus(&self) -> Option<usize> {
        let place = |name: &str| self.frame.series.iter().position(|series| series.name == name);
        self.focus.and_then(place).or_else(|| (!self.frame.series.is_empty()).then_some(0))
    }
}

fn groups<const N: usize>(figures: &[f64], first: u32, count: u32) -> &[[f64; N]] {
    let first = first as usize;
    figures.get(first..first + N * count as usize).map_or(&[], |numbers| numbers.as_chunks().0)
}

/// The point in time under the pointer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hover {
    /// Where it is, in CSS pixels from the left.
    pub(crate) x: f64,
    /// Whether it lies in the right half of the chart.
    pub(crate) right: bool,
    /// The time, in epoch milliseconds.
    pub(crate) time: f64,
    /// Place, name and value of each line there.
    pub(crate) values: Vec<(usize, String, f64)>,
    /// What really happened then, where that is known.
    pub(crate) truth: Option<String>,
}

/// A key's name at the end of its line.
struct Label {
    name: String,
    x: f64,
    y: f64,
}

/// Reach of a label around its middle, in CSS pixels.
const LABEL_HEIGHT: f64 = 16.0;

/// Both canvases and what is on them.
pub(crate) struct Chart {
    axes: Surface,
    data: Surface,
    palette: Palette,
    /// What the axes canvas shows.
    drawn: Option<(Place, Axis, Axis, u32)>,
    labels: Vec<Label>,
}

impl Chart {
    /// A chart on two canvases that lie on each other.
    pub(crate) fn new(axes: HtmlCanvasElement, data: HtmlCanvasElement) -> Option<Self> {
        Some(Self {
            axes: Surface::new(axes)?,
            data: Surface::new(data)?,
            palette: Palette::read()?,
            drawn: None,
            labels: Vec::new(),
        })
    }

    /// Reads the colours again.
    pub(crate) fn renew_theme(&mut self) {
        if let Some(palette) = Palette::read() {
            self.palette = palette;
            self.drawn = None;
        }
    }

    /// The key whose label is at a position in CSS pixels.
    pub(crate) fn label_at(&self, x: f64, y: f64) -> Option<&str> {
        let hit = |label: &&Label| x >= label.x - 4.0 && (y - label.y).abs() <= LABEL_HEIGHT / 2.0;
        self.labels.iter().find(hit).map(|label| label.name.as_str())
    }

    /// Draws a picture, and says what is under the pointer.
    pub(crate) fn draw(&mut self, place: Place, picture: &Picture<'_>) -> Option<Hover> {
        if place.width < 1.0 || place.height < 1.0 {
            return None;
        }
        let right = plot::right_margin(place, picture.frame);
        let before = self.drawn.as_ref().map(|(_, _, values, _)| values);
        let (times, values) = plot::axes(place, right, picture, before);
        let plot = Plot::new(place, right, times, values);
        let now = (place, plot.times.clone(), plot.values.clone(), right as u32);
        if self.drawn.as_ref() != Some(&now) {
            // A canvas refuses to draw only when the page is going away.
            let _ = plot.draw_axes(&self.axes, &self.palette);
            self.drawn = Some(now);
        }
        let hover = plot.hover(picture);
        self.labels = plot.labels(picture);
        let _ = plot.draw_data(&self.data, &self.palette, picture, &self.labels, hover.as_ref());
        hover
    }
}

/// Width of the columns that the worker reduces lines to, in CSS pixels: that of a line.
const COLUMN: f64 = 1.5;

/// Columns across the plotting area of a chart at a place.
pub(crate) fn columns(place: Place, frame: &Frame) -> u32 {
    (plot::width(place, plot::right_margin(place, frame)) * place.ratio / COLUMN).max(1.0) as u32
}
