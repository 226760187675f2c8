//! The main chart: an aggregate per window and key, the band of one key, anomalies, spans of alerts and
//! ground truth.
//!
//! ```text
//!   data canvas   lines, band, rings, labels, crosshair      every new frame
//!   axes canvas   grid and ticks                             when range, size or theme change
//! ```
//!
//! **Invariant:** nothing is computed here but positions: every value comes from the worker's figures.

mod caption;
pub(crate) mod disorder;
pub(crate) mod distribution;
pub(crate) mod lag;
mod palette;
mod pane;
mod pen;
mod plot;
mod scale;
pub(crate) mod sink;
mod surface;
mod vector;

pub(crate) use caption::{Caption, Sign};
pub(crate) use palette::COLOURS;
pub(crate) use plot::Step;
pub(crate) use surface::Place;
use surface::composed;

use crate::state::{Ghost, Mark};
use crate::wire::{Firing, Frame, Line, Truth};
use palette::Palette;
use plot::Plot;
use scale::Axis;
use surface::Surface;
use vector::Vector;
use wasm_bindgen::JsValue;
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
    /// The times that are shown; all when absent.
    pub(crate) times: Option<(f64, f64)>,
    /// Where a span of times that is being chosen begins and ends, in CSS pixels from the left.
    pub(crate) brush: Option<(f64, f64)>,
    /// The event time that another chart points at.
    pub(crate) cursor: Option<f64>,
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

    /// Firings of alerts on the lines that are shown.
    pub(crate) fn firing(&self) -> impl Iterator<Item = &Firing> {
        let shown = |firing: &&Firing| self.frame.series.iter().any(|series| series.name == firing.key);
        self.frame.firing.iter().filter(|firing| firing.drawn).filter(shown)
    }

    /// The place of the key whose band is shown.
    pub(crate) fn focus(&self) -> Option<usize> {
        let place = |name: &str| self.frame.series.iter().position(|series| series.name == name);
        self.focus.and_then(place).or_else(|| (!self.frame.series.is_empty()).then_some(0))
    }
}

/// Groups of so many numbers that stand beside a frame.
pub(crate) fn groups<const N: usize>(figures: &[f64], first: u32, count: u32) -> &[[f64; N]] {
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
    /// The key whose line is nearest to the pointer.
    pub(crate) near: Option<String>,
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

/// What a chart is drawn on: the canvas of its axes, that of its data on top of it, and the colours.
pub(crate) struct Ground {
    axes: Surface,
    data: Surface,
    palette: Palette,
}

impl Ground {
    pub(crate) fn new(axes: HtmlCanvasElement, data: HtmlCanvasElement) -> Option<Self> {
        Some(Self { axes: Surface::new(axes)?, data: Surface::new(data)?, palette: Palette::read()? })
    }
}

/// A chart on two canvases that lie on each other.
pub(crate) trait Art: Sized + 'static {
    /// A chart that has drawn nothing.
    fn on(ground: Ground) -> Self;

    /// What it is drawn on.
    fn ground(&self) -> &Ground;

    /// What it is drawn on.
    fn ground_mut(&mut self) -> &mut Ground;

    /// Forgets what the axes canvas shows, so that it is drawn again; for those that remember it.
    fn forget(&mut self) {}

    /// Reads the colours again.
    fn renew_theme(&mut self) {
        if let Some(palette) = Palette::read() {
            self.ground_mut().palette = palette;
            self.forget();
        }
    }

    /// The address of a PNG of what is shown, below a caption.
    fn png(&self, caption: &Caption) -> Result<String, JsValue> {
        let Ground { axes, data, palette } = self.ground();
        composed(&[axes, data], palette, caption)
    }
}

/// The main chart: both canvases and what is on them.
pub(crate) struct Chart {
    ground: Ground,
    /// What the axes canvas shows.
    drawn: Option<(Place, Axis, Axis, u32)>,
    labels: Vec<Label>,
}

impl Art for Chart {
    fn on(ground: Ground) -> Self {
        Self { ground, drawn: None, labels: Vec::new() }
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn ground_mut(&mut self) -> &mut Ground {
        &mut self.ground
    }

    fn forget(&mut self) {
        self.drawn = None;
    }
}

impl Chart {
    /// The key whose label is at a position in CSS pixels.
    pub(crate) fn label_at(&self, x: f64, y: f64) -> Option<&str> {
        let hit = |label: &&Label| x >= label.x - 4.0 && (y - label.y).abs() <= LABEL_HEIGHT / 2.0;
        self.labels.iter().find(hit).map(|label| label.name.as_str())
    }

    /// The times that are shown.
    pub(crate) fn shown(&self) -> Option<(f64, f64)> {
        self.drawn.as_ref().map(|(_, times, ..)| (times.low, times.high))
    }

    /// The time at a distance from the left, in CSS pixels.
    pub(crate) fn time_at(&self, x: f64) -> Option<f64> {
        let (place, times, values, right) = self.drawn.clone()?;
        Some(Plot::new(place, f64::from(right), times, values).time_at(x))
    }

    fn plot(&self, place: Place, picture: &Picture<'_>) -> (Plot, u32) {
        let right = plot::right_margin(place, picture.frame).round();
        let before = self.drawn.as_ref().map(|(_, _, values, _)| values);
        let (times, values) = plot::axes(place, right, picture, before);
        (Plot::new(place, right, times, values), right as u32)
    }

    /// Draws a picture, and says what is under the pointer.
    pub(crate) fn draw(&mut self, place: Place, picture: &Picture<'_>) -> Option<Hover> {
        if place.is_empty() {
            return None;
        }
        let (plot, right) = self.plot(place, picture);
        let now = (place, plot.times.clone(), plot.values.clone(), right);
        if self.drawn.as_ref() != Some(&now) {
            if let Some(sheet) = self.ground.axes.clear(place) {
                // A canvas refuses to draw only when the page is going away.
                let _ = plot.draw_axes(&sheet, &self.ground.palette);
            }
            self.drawn = Some(now);
        }
        let hover = plot.hover(picture);
        self.labels = plot.labels(picture);
        if let Some(sheet) = self.ground.data.clear(place) {
            let _ = plot.draw_data(&sheet, &self.ground.palette, picture, &self.labels, hover.as_ref());
        }
        hover
    }

    /// Where a step takes the pointer, in CSS pixels; nowhere where there is nothing more.
    pub(crate) fn beside(&self, place: Place, picture: &Picture<'_>, step: Step) -> Option<(f64, f64)> {
        self.plot(place, picture).0.beside(picture, step)
    }

    /// The picture as a vector image, below a caption.
    pub(crate) fn svg(&self, place: Place, picture: &Picture<'_>, caption: &Caption) -> String {
        let (plot, _) = self.plot(place, picture);
        let image = Vector::new(place);
        let sheet = image.sheet();
        // A vector image takes everything.
        let _ = plot.draw_axes(&sheet, &self.ground.palette);
        let _ = plot.draw_data(&sheet, &self.ground.palette, picture, &plot.labels(picture), None);
        image.file(&self.ground.palette, caption)
    }
}

/// Steps in which a chart that follows the newest moves on, across its width: the data moves, the axis seldom.
const STEPS: f64 = 12.0;

/// Where a chart of a length ends that follows what is last.
pub(crate) fn head_of(last: f64, length: f64) -> f64 {
    let step = (length / STEPS).max(1.0);
    (last / step).floor() * step + step
}

/// Width of the columns that the worker reduces lines to, in CSS pixels: that of a line.
const COLUMN: f64 = 1.5;

/// Columns across the plotting area of a chart at a place.
pub(crate) fn columns(place: Place, frame: &Frame) -> u32 {
    (plot::width(place, plot::right_margin(place, frame).round()) * place.ratio / COLUMN).max(1.0) as u32
}
