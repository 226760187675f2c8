//! Where everything on the chart goes, and drawing it.
//!
//! **Invariant:** positions are in CSS pixels from the canvas's top left until plotters gets them.

use super::palette::{Palette, dash};
use super::scale::{Axis, nudge};
use super::surface::{Fine, Place, Surface};
use super::{COLUMN, Hover, LABEL_HEIGHT, Label, Picture, groups};
use crate::text;
use crate::wire::{Firing, Frame};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const TOP: f64 = 18.0;
const BOTTOM: f64 = 26.0;
const LEFT: f64 = 46.0;

/// Narrower charts have less room beside the plot.
const NARROW: f64 = 500.0;
const LEFT_NARROW: f64 = 38.0;

const AXIS_TEXT: f64 = 11.0;
const LABEL_TEXT: f64 = 12.0;

/// Average width of a letter of a label, for the margin that labels need.
const LETTER: f64 = 6.9;

/// Longest label, in letters; the rest is cut.
const LETTERS: usize = 18;

/// How far a band may reach beyond the lines before the chart cuts it, as a part of the lines' range.
const BAND_REACH: f64 = 0.35;

/// Room for so many windows is there from the beginning, so that the first few do not jump about.
const LEAST_WINDOWS: f64 = 12.0;

/// A line is broken where so many windows or columns are missing: what is not there is not drawn.
const GAP: f64 = 3.0;

/// A line is drawn in pieces of so many points: without a graphics card the browser's time for a path
/// grows faster than its length.
const PIECE: usize = 24;

/// How much of a ghost is seen.
const GHOST: f64 = 0.4;

/// Pixels that a line needs for each of its points to be dashed: below it dashes only blur.
const DASH_ROOM: f64 = 3.0;

type Area = DrawingArea<Fine, Shift>;
type PlotArea = DrawingArea<Fine, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The room that the labels need on the right.
pub(super) fn right_margin(place: Place, frame: &Frame) -> f64 {
    let letters = frame.series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
    let least = if place.width < NARROW { 24.0 } else { 40.0 };
    (letters.min(LETTERS) as f64 * LETTER + 18.0).max(least).min(place.width * 0.3)
}

/// Width of the plotting area.
pub(super) fn width(place: Place, right: f64) -> f64 {
    (place.width - left(place) - right).max(1.0)
}

fn left(place: Place) -> f64 {
    if place.width < NARROW { LEFT_NARROW } else { LEFT }
}

/// The axes that a picture needs; the axis of values `before` it stays if it fits.
pub(super) fn axes(place: Place, right: f64, picture: &Picture<'_>, before: Option<&Axis>) -> (Axis, Axis) {
    let (first, last) = picture.frame.span.unwrap_or((0.0, 0.0));
    let last = last.max(first + LEAST_WINDOWS * picture.window_ms);
    let times = Axis::of_times(first, last, (width(place, right) / 84.0) as usize);
    let (low, high) = range(picture);
    let rows = ((place.height - TOP - BOTTOM) / 56.0) as usize;
    (times, Axis::of_values(low, high, rows.max(2), before))
}

/// The smallest and the largest value to show.
fn range(picture: &Picture<'_>) -> (f64, f64) {
    let lines = picture.frame.series.iter().flat_map(|series| picture.line(series));
    let (low, high) = lines.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), [_, value]| {
        (low.min(*value), high.max(*value))
    });
    let reach = (high - low) * BAND_REACH;
    let band = picture.focus().map_or(&[][..], |place| picture.band(&picture.frame.series[place]));
    band.iter().fold((low, high), |(l, h), [_, band_low, band_high]| {
        (l.min(band_low.max(low - reach).max(low.min(0.0))), h.max(band_high.min(high + reach)))
    })
}

/// The plotting area and its axes.
pub(super) struct Plot {
    place: Place,
    left: f64,
    right: f64,
    bottom: f64,
    pub(super) times: Axis,
    pub(super) values: Axis,
}

impl Plot {
    pub(super) fn new(place: Place, right: f64, times: Axis, values: Axis) -> Self {
        let (left, right) = (left(place), place.width - right);
        Self { place, left, right: right.max(left + 1.0), bottom: place.height - BOTTOM, times, values }
    }

    fn x(&self, time: f64) -> f64 {
        self.left + (time - self.times.low) / (self.times.high - self.times.low) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.values.low) / (self.values.high - self.values.low);
        self.bottom - part * (self.bottom - TOP)
    }

    /// Longest time between two points that a line joins.
    fn gap(&self, picture: &Picture<'_>) -> f64 {
        let column = COLUMN * (self.times.high - self.times.low) / (self.right - self.left);
        GAP * picture.window_ms.max(column)
    }

    fn at(&self, x: f64, y: f64) -> (i32, i32) {
        (self.place.units(x), self.place.units(y))
    }

    /// A box whose edges lie on the screen's pixels, so that thin lines are sharp.
    fn sharp(&self, x: f64, y: f64, width: f64, height: f64, colour: RGBAColor) -> Rectangle<(i32, i32)> {
        let round = |pixels: f64| (pixels * self.place.ratio).round() / self.place.ratio;
        let (x, y) = (round(x), round(y));
        let pixel = 1.0 / self.place.ratio;
        let (width, height) = (round(width).max(pixel), round(height).max(pixel));
        Rectangle::new([self.at(x, y), self.at(x + width, y + height)], colour.filled())
    }

    fn stroke(&self, width: f64) -> u32 {
        self.place.units(width).unsigned_abs().max(1)
    }

    /// The grid and the ticks.
    pub(super) fn draw_axes(&self, surface: &Surface, palette: &Palette) -> Drawn {
        let Some(fine) = surface.clear(self.place) else { return Ok(()) };
        let area = fine.into_drawing_area();
        let size = f64::from(self.place.units(AXIS_TEXT));
        let style = (palette.sans.as_str(), size).into_font().color(&palette.axis);
        let value_style = style.pos(Pos::new(HPos::Right, VPos::Center));
        for value in self.values.ticks() {
            let y = self.y(value);
            area.draw(&self.sharp(self.left, y, self.right - self.left, 0.0, palette.grid))?;
            area.draw(&Text::new(
                text::mark(value, self.values.step),
                self.at(self.left - 8.0, y),
                value_style.clone(),
            ))?;
        }
        let time_style = style.pos(Pos::new(HPos::Center, VPos::Center));
        for time in self.times.ticks() {
            let (x, tick) = (self.x(time), text::tick(time, self.times.step as i64));
            if x > self.left - 1.0 && x < self.right + 1.0 {
                area.draw(&self.sharp(x, self.bottom, 0.0, 4.0, palette.grid))?;
                area.draw(&Text::new(tick, self.at(x, self.bottom + 15.0), time_style.clone()))?;
            }
        }
        area.present()?;
        Ok(())
    }

    /// Everything that changes with the data.
    pub(super) fn draw_data(
        &self,
        surface: &Surface,
        palette: &Palette,
        picture: &Picture<'_>,
        labels: &[Label],
        hover: Option<&Hover>,
    ) -> Drawn {
        let Some(fine) = surface.clear(self.place) else { return Ok(()) };
        surface.dash(self.place, &[]);
        let area = fine.into_drawing_area();
        let plot = self.plot_area(&area);
        self.draw_spans(&area, palette, picture)?;
        self.draw_band(&plot, palette, picture)?;
        self.draw_ghost(&plot, palette, picture)?;
        self.draw_lines(&plot, surface, palette, picture)?;
        self.draw_cursor(&area, palette, picture, hover)?;
        self.draw_marks(&plot, palette, picture, hover)?;
        self.draw_labels(&area, palette, picture, labels)?;
        area.present()?;
        Ok(())
    }

    /// The plotting area in the coordinates of the data.
    fn plot_area(&self, area: &Area) -> PlotArea {
        let (left, top) = self.at(self.left, TOP);
        let (right, bottom) = self.at(self.right, self.bottom);
        let (x, y) = (self.times.low..self.times.high, self.values.low..self.values.high);
        let coordinates = Cartesian2d::new(x, y, (left..right, bottom..top));
        area.clone().shrink((left, top), (right - left, bottom - top)).apply_coord_spec(coordinates)
    }

    /// Alerts as shaded spans, ground truth as bars above the plot.
    fn draw_spans(&self, area: &Area, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let last = picture.frame.span.map_or(self.times.low, |(_, last)| last);
        for firing in &picture.frame.firing {
            let (x, end) = (self.x(firing.start), self.x(firing.end.unwrap_or(last).min(last)));
            let width = (end - x).max(3.0);
            area.draw(&self.sharp(x, TOP, width, self.bottom - TOP, palette.fire_area))?;
        }
        for truth in picture.truth.iter().filter(|truth| truth.start <= last) {
            let (x, end) = (self.x(truth.start), self.x(truth.end.min(last)));
            if x >= self.left - 1.0 {
                area.draw(&self.sharp(x, TOP - 8.0, (end - x).max(3.0), 3.0, palette.axis))?;
            }
        }
        self.draw_firing_label(area, palette, &picture.frame.firing, last)
    }

    fn draw_firing_label(&self, area: &Area, palette: &Palette, firing: &[Firing], last: f64) -> Drawn {
        if !firing.iter().any(|firing| firing.end.is_none()) {
            return Ok(());
        }
        let size = f64::from(self.place.units(AXIS_TEXT));
        let style = (palette.sans.as_str(), size, FontStyle::Bold).into_font().color(&palette.fire);
        let style = style.pos(Pos::new(HPos::Right, VPos::Center));
        let x = self.x(last).max(self.left + 40.0);
        area.draw(&Text::new("firing", self.at(x - 4.0, TOP + 10.0), style))?;
        Ok(())
    }

    fn draw_band(&self, plot: &PlotArea, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let Some(place) = picture.focus() else { return Ok(()) };
        let band = picture.band(&picture.frame.series[place]);
        for run in band.chunk_by(|[a, ..], [b, ..]| b - a <= self.gap(picture)).filter(|run| run.len() > 1) {
            let upper = run.iter().map(|[time, _, high]| (*time, *high));
            let lower = run.iter().rev().map(|[time, low, _]| (*time, *low));
            let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
            plot.draw(&Polygon::new(outline, palette.key(place).mix(0.13)))?;
        }
        Ok(())
    }

    /// The lines as they were before a slider was taken.
    fn draw_ghost(&self, plot: &PlotArea, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let Some(ghost) = picture.ghost else { return Ok(()) };
        for (place, series) in ghost.frame.series.iter().enumerate() {
            let line = groups(&ghost.figures, series.line, series.points);
            let inside = |[time, value]: &[f64; 2]| self.times.holds(*time) && self.values.holds(*value);
            let style = palette.key(place).mix(GHOST).stroke_width(self.stroke(1.0));
            for run in line.split(|point| !inside(point)) {
                draw_line(plot, run, style)?;
            }
        }
        Ok(())
    }

    fn draw_lines(
        &self,
        plot: &PlotArea,
        surface: &Surface,
        palette: &Palette,
        picture: &Picture<'_>,
    ) -> Drawn {
        let focus = picture.focus();
        for (place, series) in picture.frame.series.iter().enumerate() {
            let width = if focus == Some(place) { 2.0 } else { 1.5 };
            let line = picture.line(series);
            let sparse = self.right - self.left >= DASH_ROOM * line.len() as f64;
            surface.dash(self.place, if sparse { dash(place) } else { &[] });
            let style = palette.key(place).stroke_width(self.stroke(width));
            for run in line.chunk_by(|[a, _], [b, _]| b - a <= self.gap(picture)) {
                draw_line(plot, run, style)?;
                if let [[time, value]] = run {
                    plot.draw(&Circle::new((*time, *value), self.place.units(width), style.filled()))?;
                }
            }
        }
        surface.dash(self.place, &[]);
        Ok(())
    }

    /// The selected window and the crosshair.
    fn draw_cursor(
        &self,
        area: &Area,
        palette: &Palette,
        picture: &Picture<'_>,
        hover: Option<&Hover>,
    ) -> Drawn {
        let height = self.bottom - TOP;
        if let Some(mark) = picture.mark.filter(|mark| mark.start >= self.times.low) {
            area.draw(&self.sharp(self.x(mark.start), TOP, 0.0, height, palette.ink.mix(0.45)))?;
        }
        if let Some(hover) = hover {
            area.draw(&self.sharp(hover.x, TOP, 0.0, height, palette.axis.mix(0.6)))?;
        }
        Ok(())
    }

    /// Anomalies as rings, and a point on each line under the crosshair.
    fn draw_marks(
        &self,
        plot: &PlotArea,
        palette: &Palette,
        picture: &Picture<'_>,
        hover: Option<&Hover>,
    ) -> Drawn {
        for series in &picture.frame.series {
            for [time, value] in picture.marks(series) {
                let (point, radius) = ((*time, *value), self.place.units(4.5));
                plot.draw(&Circle::new(point, radius, palette.surface.filled()))?;
                plot.draw(&Circle::new(point, radius, palette.fire.stroke_width(self.stroke(2.0))))?;
            }
        }
        for (place, _, value) in hover.map_or(&[][..], |hover| &hover.values) {
            let time = hover.map_or(0.0, |hover| hover.time);
            plot.draw(&Circle::new((time, *value), self.place.units(3.0), palette.key(*place).filled()))?;
        }
        Ok(())
    }

    fn draw_labels(&self, area: &Area, palette: &Palette, picture: &Picture<'_>, labels: &[Label]) -> Drawn {
        let size = f64::from(self.place.units(LABEL_TEXT));
        for label in labels {
            let Some(place) = picture.frame.series.iter().position(|series| series.name == label.name) else {
                continue;
            };
            let style = (palette.sans.as_str(), size, FontStyle::Bold).into_font().color(&palette.key(place));
            let style = style.pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(cut(&label.name), self.at(label.x, label.y), style))?;
        }
        Ok(())
    }

    /// Each key's name beside the end of its line, moved apart where lines end close to each other.
    pub(super) fn labels(&self, picture: &Picture<'_>) -> Vec<Label> {
        let mut labels: Vec<Label> = Vec::new();
        for series in &picture.frame.series {
            if let Some([time, value]) = picture.line(series).last() {
                labels.push(Label { name: series.name.clone(), x: self.x(*time) + 8.0, y: self.y(*value) });
            }
        }
        // Lines of keys that went silent end early; their names stand in the margin all the same.
        let x = labels.iter().map(|label| label.x).fold(0.0, f64::max);
        labels.sort_by(|a, b| a.y.total_cmp(&b.y));
        let mut rows: Vec<f64> = labels.iter().map(|label| label.y).collect();
        nudge(&mut rows, LABEL_HEIGHT, TOP + 4.0, self.bottom - 4.0);
        for (label, row) in labels.iter_mut().zip(rows) {
            (label.x, label.y) = (x, row);
        }
        labels
    }

    /// The point in time under the pointer, with the value of each line there.
    pub(super) fn hover(&self, picture: &Picture<'_>) -> Option<Hover> {
        let (x, _) = picture.pointer.filter(|(x, _)| (self.left..=self.right).contains(x))?;
        let part = (x - self.left) / (self.right - self.left);
        let wanted = self.times.low + part * (self.times.high - self.times.low);
        let focus = &picture.frame.series[picture.focus()?];
        let [time, _] = *nearest(picture.line(focus), wanted)?;
        let values = picture.frame.series.iter().enumerate().filter_map(|(place, series)| {
            let [at, value] = *nearest(picture.line(series), time)?;
            (at == time).then(|| (place, series.name.clone(), value))
        });
        let truth = picture.truth.iter().find(|truth| (truth.start..truth.end).contains(&time));
        Some(Hover {
            x: self.x(time),
            right: self.x(time) > (self.left + self.right) / 2.0,
            time,
            values: values.collect(),
            truth: truth.map(|truth| truth.what.clone()),
        })
    }
}

fn draw_line(plot: &PlotArea, line: &[[f64; 2]], style: ShapeStyle) -> Drawn {
    let mut rest = line;
    while rest.len() > 1 {
        let piece: Vec<(f64, f64)> = rest.iter().take(PIECE).map(|[time, value]| (*time, *value)).collect();
        // The last point of a piece is the first of the next.
        rest = &rest[piece.len() - 1..];
        plot.draw(&PathElement::new(piece, style))?;
    }
    Ok(())
}

/// The point nearest in time.
fn nearest(points: &[[f64; 2]], time: f64) -> Option<&[f64; 2]> {
    let after = points.partition_point(|[at, _]| *at < time);
    let candidates = points.get(after.saturating_sub(1)).into_iter().chain(points.get(after));
    candidates.min_by(|a, b| (a[0] - time).abs().total_cmp(&(b[0] - time).abs()))
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return if name.is_empty() { "all".to_owned() } else { name.to_owned() };
    }
    name.chars().take(LETTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_point_may_lie_before_or_after() {
        let points = [[0.0, 1.0], [10.0, 2.0], [20.0, 3.0]];
        assert_eq!(nearest(&points, 4.0), Some(&[0.0, 1.0]));
        assert_eq!(nearest(&points, 6.0), Some(&[10.0, 2.0]));
        assert_eq!(nearest(&points, 99.0), Some(&[20.0, 3.0]));
        assert_eq!(nearest(&points, -9.0), Some(&[0.0, 1.0]));
        assert_eq!(nearest(&[], 1.0), None);
    }

    #[test]
    fn long_names_are_cut_and_no_name_is_all() {
        assert_eq!(cut("page_view"), "page_view");
        assert_eq!(cut("a very long name of a key"), "a very long name …");
        assert_eq!(cut(""), "all");
    }
}
