//! Where everything on the chart goes, and drawing it.
//!
//! **Invariant:** positions are in CSS pixels from the canvas's top left until plotters gets them.

use super::palette::{Palette, dash};
use super::pane::{Pane, Words};
use super::pen::{Area, Backend, Drawn, Pen, Sheet};
use super::scale::{Axis, nudge};
use super::surface::Place;
use super::{COLUMN, Hover, LABEL_HEIGHT, Label, Picture, groups};
use crate::text;
use crate::wire::Frame;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::borrow::Cow;

const TOP: f64 = 18.0;
const BOTTOM: f64 = 26.0;
const LEFT: f64 = 46.0;

/// Narrower charts have less room beside the plot.
const NARROW: f64 = 500.0;
const LEFT_NARROW: f64 = 44.0;

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

type PlotArea = DrawingArea<Backend, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

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
    let ticks = (width(place, right) / 84.0) as usize;
    let times = match picture.times {
        Some((first, last)) => Axis::between(first, last, ticks),
        None => {
            let (first, last) = picture.frame.span.unwrap_or((0.0, 0.0));
            Axis::of_times(first, last.max(first + LEAST_WINDOWS * picture.window_ms), ticks)
        }
    };
    let (low, high) = range(picture, &times);
    let rows = ((place.height - TOP - BOTTOM) / 48.0) as usize;
    (times, Axis::of_values(low, high, rows.max(2), before))
}

/// The smallest and the largest value to show.
fn range(picture: &Picture<'_>, times: &Axis) -> (f64, f64) {
    let lines = picture.frame.series.iter().flat_map(|series| picture.line(series));
    let lines = lines.filter(|[time, _]| times.holds(*time));
    let (low, high) = lines.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), [_, value]| {
        (low.min(*value), high.max(*value))
    });
    if low > high {
        return (low, high);
    }
    let reach = (high - low) * BAND_REACH;
    let band = picture.focus().map_or(&[][..], |place| picture.band(&picture.frame.series[place]));
    let band = band.iter().filter(|[time, ..]| times.holds(*time));
    band.fold((low, high), |(l, h), [_, band_low, band_high]| {
        (l.min(band_low.max(low - reach).max(low.min(0.0))), h.max(band_high.min(high + reach)))
    })
}

/// The plotting area and its axes.
pub(super) struct Plot {
    pane: Pane,
    pub(super) times: Axis,
    pub(super) values: Axis,
}

impl Plot {
    pub(super) fn new(place: Place, right: f64, times: Axis, values: Axis) -> Self {
        let left = left(place);
        let right = (place.width - right).max(left + 1.0);
        Self { pane: Pane { place, left, right, top: TOP, bottom: place.height - BOTTOM }, times, values }
    }

    fn x(&self, time: f64) -> f64 {
        self.pane.x(&self.times, time)
    }

    fn y(&self, value: f64) -> f64 {
        self.pane.y(&self.values, value)
    }

    /// The time at a distance from the left.
    pub(super) fn time_at(&self, x: f64) -> f64 {
        self.pane.at_x(&self.times, x.clamp(self.pane.left, self.pane.right))
    }

    /// Longest time between two points that a line joins.
    fn gap(&self, picture: &Picture<'_>) -> f64 {
        let column = COLUMN * (self.times.high - self.times.low) / self.pane.width();
        GAP * picture.window_ms.max(column)
    }

    /// The grid and the ticks.
    pub(super) fn draw_axes(&self, sheet: &Sheet, palette: &Palette) -> Drawn {
        let Sheet { area, .. } = sheet;
        for value in self.values.ticks() {
            self.pane.draw_row(area, palette, self.y(value), &text::mark(value, self.values.step))?;
        }
        self.pane.draw_times(area, palette, &self.times, |time| text::tick(time, self.times.step as i64))
    }

    /// Everything that changes with the data.
    pub(super) fn draw_data(
        &self,
        sheet: &Sheet,
        palette: &Palette,
        picture: &Picture<'_>,
        labels: &[Label],
        hover: Option<&Hover>,
    ) -> Drawn {
        let Sheet { pen, area } = sheet;
        let plot = self.plot_area(area);
        self.draw_spans(area, palette, picture)?;
        self.draw_band(&plot, palette, picture)?;
        self.draw_ghost(&plot, palette, picture)?;
        self.draw_lines(&plot, pen, palette, picture)?;
        self.draw_cursor(area, palette, picture, hover)?;
        self.draw_marks(&plot, pen, palette, picture, hover)?;
        self.draw_labels(area, palette, picture, labels)
    }

    /// The plotting area in the coordinates of the data.
    fn plot_area(&self, area: &Area) -> PlotArea {
        let (left, top) = self.pane.at(self.pane.left, TOP);
        let (right, bottom) = self.pane.at(self.pane.right, self.pane.bottom);
        let (x, y) = (self.times.low..self.times.high, self.values.low..self.values.high);
        let coordinates = Cartesian2d::new(x, y, (left..right, bottom..top));
        area.clone().shrink((left, top), (right - left, bottom - top)).apply_coord_spec(coordinates)
    }

    /// The part of a span of time that is seen.
    fn seen(&self, start: f64, end: f64) -> Option<(f64, f64)> {
        let (start, end) = (start.max(self.times.low), end.min(self.times.high));
        (start <= end).then_some((start, end))
    }

    /// Alerts as shaded spans, ground truth as bars above the plot.
    fn draw_spans(&self, area: &Area, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let last = picture.frame.span.map_or(self.times.low, |(_, last)| last);
        for firing in picture.firing() {
            let end = firing.end.unwrap_or(last).min(last);
            self.draw_span(area, (firing.start, end), (TOP, self.pane.height()), palette.fire_area)?;
        }
        for truth in picture.truth.iter().filter(|truth| truth.start <= last) {
            self.draw_span(area, (truth.start, truth.end.min(last)), (TOP - 8.0, 3.0), palette.axis)?;
        }
        let burning = picture.firing().any(|firing| firing.end.is_none());
        if !burning || !self.times.holds(last) {
            return Ok(());
        }
        let words = Words { bold: true, colour: palette.fire, side: HPos::Right, ..Words::axis(palette) };
        let x = self.x(last).max(self.pane.left + 40.0);
        self.pane.write(area, &words, "firing", (x - 4.0, TOP + 10.0))
    }

    /// A span of time as a box that reaches from a height down.
    fn draw_span(
        &self,
        area: &Area,
        (start, end): (f64, f64),
        (top, height): (f64, f64),
        colour: RGBAColor,
    ) -> Drawn {
        if let Some((start, end)) = self.seen(start, end) {
            let width = (self.x(end) - self.x(start)).max(3.0);
            area.draw(&self.pane.sharp((self.x(start), top), (width, height), colour))?;
        }
        Ok(())
    }

    fn draw_band(&self, plot: &PlotArea, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let Some(place) = picture.focus() else { return Ok(()) };
        let band = picture.band(&picture.frame.series[place]);
        // A detector that has only one limit gives an end that is far away.
        let value = |value: f64| value.clamp(self.values.low, self.values.high);
        for run in band.chunk_by(|[a, ..], [b, ..]| b - a <= self.gap(picture)).filter(|run| run.len() > 1) {
            let run = within(run, &self.times);
            let upper = run.iter().map(|[time, _, high]| (*time, value(*high)));
            let lower = run.iter().rev().map(|[time, low, _]| (*time, value(*low)));
            let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
            plot.draw(&Polygon::new(outline, palette.key(place).mix(0.13)))?;
        }
        Ok(())
    }

    /// The lines as they were before a slider was taken, or when they were pinned.
    fn draw_ghost(&self, plot: &PlotArea, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let Some(ghost) = picture.ghost else { return Ok(()) };
        for (place, series) in ghost.frame.series.iter().enumerate() {
            let now = picture.frame.series.iter().position(|now| now.name == series.name);
            let style = palette.key(now.unwrap_or(place)).mix(GHOST).stroke_width(self.pane.stroke(1.0));
            let line = within(groups(&ghost.figures, series.line, series.points), &self.times);
            for run in line.split(|[_, value]| !self.values.holds(*value)) {
                draw_line(plot, run, style)?;
            }
        }
        Ok(())
    }

    fn draw_lines(&self, plot: &PlotArea, pen: &Pen, palette: &Palette, picture: &Picture<'_>) -> Drawn {
        let focus = picture.focus();
        for (place, series) in picture.frame.series.iter().enumerate() {
            let width = if focus == Some(place) { 2.0 } else { 1.5 };
            let line = picture.line(series);
            let sparse = self.pane.width() >= DASH_ROOM * line.len() as f64;
            pen.dash(self.pane.place, if sparse { dash(place) } else { &[] });
            let style = palette.key(place).stroke_width(self.pane.stroke(width));
            for run in line.chunk_by(|[a, _], [b, _]| b - a <= self.gap(picture)) {
                let run = within(run, &self.times);
                draw_line(plot, &run, style)?;
                if let [[time, value]] = *run {
                    plot.draw(&Circle::new((time, value), self.pane.place.units(width), style.filled()))?;
                }
            }
        }
        pen.dash(self.pane.place, &[]);
        Ok(())
    }

    /// The selected window, the crosshair, the time that another chart points at, and the times that are
    /// being chosen.
    fn draw_cursor(
        &self,
        area: &Area,
        palette: &Palette,
        picture: &Picture<'_>,
        hover: Option<&Hover>,
    ) -> Drawn {
        let line = |x: f64, colour| self.pane.sharp((x, TOP), (0.0, self.pane.height()), colour);
        if let Some(mark) = picture.mark.filter(|mark| self.times.holds(mark.start)) {
            area.draw(&line(self.x(mark.start), palette.ink.mix(0.45)))?;
        }
        if let Some(hover) = hover {
            area.draw(&line(hover.x, palette.axis.mix(0.6)))?;
        }
        if let Some(time) = picture.cursor.filter(|time| self.times.holds(*time)) {
            area.draw(&line(self.x(time), palette.wm.mix(0.7)))?;
        }
        if let Some((from, to)) = picture.brush {
            let (from, to) = (from.min(to).max(self.pane.left), from.max(to).min(self.pane.right));
            area.draw(&self.pane.sharp(
                (from, TOP),
                (to - from, self.pane.height()),
                palette.focus.mix(0.14),
            ))?;
        }
        Ok(())
    }

    /// Anomalies as rings, and a point on each line under the crosshair.
    fn draw_marks(
        &self,
        plot: &PlotArea,
        pen: &Pen,
        palette: &Palette,
        picture: &Picture<'_>,
        hover: Option<&Hover>,
    ) -> Drawn {
        let units = |pixels: f64| self.pane.place.units(pixels);
        let marks = picture.frame.series.iter().flat_map(|series| picture.marks(series));
        let seen = marks.filter(|[time, _]| self.times.holds(*time));
        let centres: Vec<_> = seen.map(|[time, value]| self.pane.at(self.x(*time), self.y(*value))).collect();
        pen.discs(&centres, units(5.5), palette.fire);
        pen.discs(&centres, units(3.5), palette.surface);
        for (place, _, value) in hover.map_or(&[][..], |hover| &hover.values) {
            let time = hover.map_or(0.0, |hover| hover.time);
            plot.draw(&Circle::new((time, *value), units(3.0), palette.key(*place).filled()))?;
        }
        Ok(())
    }

    fn draw_labels(&self, area: &Area, palette: &Palette, picture: &Picture<'_>, labels: &[Label]) -> Drawn {
        for label in labels {
            let Some(place) = picture.frame.series.iter().position(|series| series.name == label.name) else {
                continue;
            };
            let colour = palette.key(place);
            let words = Words { size: LABEL_TEXT, bold: true, colour, ..Words::axis(palette) };
            self.pane.write(area, &words, &cut(&label.name), (label.x, label.y))?;
        }
        Ok(())
    }

    /// Each key's name beside the end of its line, moved apart where lines end close to each other.
    pub(super) fn labels(&self, picture: &Picture<'_>) -> Vec<Label> {
        let mut labels: Vec<Label> = Vec::new();
        for series in &picture.frame.series {
            if let Some([time, value]) = within(picture.line(series), &self.times).last() {
                let y = self.y(value.clamp(self.values.low, self.values.high));
                labels.push(Label { name: series.name.clone(), x: self.x(*time) + 8.0, y });
            }
        }
        // Lines of keys that went silent end early; their names stand in the margin all the same.
        let x = labels.iter().map(|label| label.x).fold(0.0, f64::max);
        labels.sort_by(|a, b| a.y.total_cmp(&b.y));
        let mut rows: Vec<f64> = labels.iter().map(|label| label.y).collect();
        nudge(&mut rows, LABEL_HEIGHT, TOP + 4.0, self.pane.bottom - 4.0);
        for (label, row) in labels.iter_mut().zip(rows) {
            (label.x, label.y) = (x, row);
        }
        labels
    }

    /// The point in time under the pointer, with the value of each line there.
    pub(super) fn hover(&self, picture: &Picture<'_>) -> Option<Hover> {
        let (x, y) = picture.pointer.filter(|(x, _)| (self.pane.left..=self.pane.right).contains(x))?;
        let focus = &picture.frame.series[picture.focus()?];
        let [time, _] = *nearest(picture.line(focus), self.time_at(x))?;
        if !self.times.holds(time) {
            return None;
        }
        let values = picture.frame.series.iter().enumerate().filter_map(|(place, series)| {
            let [at, value] = *nearest(picture.line(series), time)?;
            (at == time).then(|| (place, series.name.clone(), value))
        });
        let values: Vec<(usize, String, f64)> = values.collect();
        let away = |value: f64| (self.y(value) - y).abs();
        let near = values.iter().min_by(|a, b| away(a.2).total_cmp(&away(b.2)));
        let truth = picture.truth.iter().find(|truth| (truth.start..truth.end).contains(&time));
        Some(Hover {
            x: self.x(time),
            right: self.x(time) > (self.pane.left + self.pane.right) / 2.0,
            time,
            near: near.map(|(_, name, _)| name.clone()),
            values,
            truth: truth.map(|truth| truth.what.clone()),
        })
    }
}

/// Where keys take the crosshair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the point after, in time; to the newest where there is no crosshair.
    Later,
    /// To the point before.
    Earlier,
    /// To the line above.
    Above,
    /// To the line below.
    Below,
}

impl Plot {
    /// Where a step takes the crosshair, in CSS pixels; nowhere where nothing more is shown.
    pub(super) fn beside(&self, picture: &Picture<'_>, step: Step) -> Option<(f64, f64)> {
        match (self.hover(picture), step) {
            (Some(hover), Step::Above | Step::Below) => self.other_line(&hover, step),
            (hover, _) => self.other_time(picture, hover.as_ref(), step),
        }
    }

    fn other_line(&self, hover: &Hover, step: Step) -> Option<(f64, f64)> {
        let here = hover.values.iter().find(|(_, name, _)| Some(name) == hover.near.as_ref())?.2;
        let values = hover.values.iter().map(|(_, _, value)| *value);
        let next = match step {
            Step::Above => values.filter(|value| *value > here).min_by(f64::total_cmp),
            _ => values.filter(|value| *value < here).max_by(f64::total_cmp),
        };
        Some((hover.x, self.y(next?)))
    }

    /// The line that is read stays the same where it has a point at the other time.
    fn other_time(&self, picture: &Picture<'_>, from: Option<&Hover>, step: Step) -> Option<(f64, f64)> {
        let line = picture.line(&picture.frame.series[picture.focus()?]);
        let before = |time: f64| line.partition_point(|[at, _]| *at < time);
        let upto = |time: f64| line.partition_point(|[at, _]| *at <= time);
        let place = match (from, step) {
            (None, _) => upto(self.times.high).checked_sub(1)?,
            (Some(hover), Step::Earlier) => before(hover.time).checked_sub(1)?,
            (Some(hover), _) => upto(hover.time),
        };
        let [time, value] = *line.get(place).filter(|[time, _]| self.times.holds(*time))?;
        let name = from.and_then(|hover| hover.near.as_ref());
        let same = picture.frame.series.iter().find(|series| Some(&series.name) == name);
        let same = same.and_then(|series| nearest(picture.line(series), time)).filter(|[at, _]| *at == time);
        Some((self.x(time), self.y(same.map_or(value, |[_, value]| *value))))
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

/// The part of a line, in order of time, that an axis covers; where the line crosses an end of the axis, a
/// point lies there.
fn within<'l, const N: usize>(line: &'l [[f64; N]], axis: &Axis) -> Cow<'l, [[f64; N]]> {
    let from = line.partition_point(|point| point[0] < axis.low);
    let to = line.partition_point(|point| point[0] <= axis.high);
    if (from, to) == (0, line.len()) {
        return Cow::Borrowed(line);
    }
    let crossing = |at: usize, time: f64| (at > 0 && at < line.len()).then(|| between(line, at, time));
    let (first, last) = (crossing(from, axis.low), crossing(to, axis.high));
    first.into_iter().chain(line[from..to].iter().copied()).chain(last).collect()
}

/// The point at a time between a point of a line and the one before it.
fn between<const N: usize>(line: &[[f64; N]], at: usize, time: f64) -> [f64; N] {
    let (before, after) = (line[at - 1], line[at]);
    let part = (time - before[0]) / (after[0] - before[0]);
    std::array::from_fn(|i| before[i] + (after[i] - before[i]) * part)
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
    fn a_line_is_cut_where_it_leaves_the_axis() {
        let axis = Axis { low: 5.0, high: 25.0, step: 10.0 };
        let line = [[0.0, 0.0], [10.0, 10.0], [20.0, 10.0], [30.0, 0.0]];
        assert_eq!(*within(&line, &axis), [[5.0, 5.0], [10.0, 10.0], [20.0, 10.0], [25.0, 5.0]]);
        assert_eq!(*within(&line[1..3], &axis), line[1..3]);
        let across = [[0.0, 0.0], [40.0, 40.0]];
        assert_eq!(*within(&across, &axis), [[5.0, 5.0], [25.0, 25.0]], "nothing between, but a line");
        assert_eq!(*within(&line[3..], &axis), [[0.0; 2]; 0]);
        assert_eq!(*within(&line[..1], &axis), [[0.0; 2]; 0]);
    }

    #[test]
    fn long_names_are_cut_and_no_name_is_all() {
        assert_eq!(cut("page_view"), "page_view");
        assert_eq!(cut("a very long name of a key"), "a very long name …");
        assert_eq!(cut(""), "all");
    }
}
