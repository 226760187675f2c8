//! The disorder chart: the newest events one by one, by when they came and how far behind they lay.
//!
//! ```text
//!   delay                                      event time
//!     │  ×      ×          dropped               │            ┌──── watermark
//!     ├──────────────────  lateness              │     ·  ┌───┘·
//!     │     ○     ○        corrected             │  · ┌───┘ ·
//!     ├┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄  bound                 │┄┄──┘┄┄┄┄┄┄┄┄ windows, up to when they close
//!     │   • •    •   •     reordered             │
//!     │································ in order │
//!     └────────────────────── arrival            └────────────────────── arrival
//! ```
//!
//! An event that is in order lies behind none: such events are spread over a strip at the bottom, where
//! height says nothing.
//!
//! **Invariant:** colour and shape of a dot say its fate, which depends on its windows and not on its delay
//! alone; the lines are those of the pipeline that the controls show.

use super::palette::Palette;
use super::pane::{Pane, Words};
use super::pen::{Area, Drawn, Pen, Sheet};
use super::scale::{Axis, Delays, nudge};
use super::surface::Place;
use super::vector::Vector;
use super::{Art, Caption, Ground};
use crate::text;
use crate::text::charts as words;
use crate::wire::{Disorder, Fate};
use kappascope_core::spec::WindowSpec;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 104.0;

/// Height of the strip of events that are in order.
const STRIP: f64 = 22.0;

/// Reach of a label around its middle.
const LABEL: f64 = 15.0;

/// A region narrower than this has no name.
const LEAST_REGION: f64 = 10.0;

/// How far from a dot the pointer may be.
const REACH: f64 = 14.0;

/// Of dots in the same cell of so many pixels, one is drawn.
const CELL: f64 = 2.0;

/// Distance of ticks of delays, as a part of the scale.
const TICKS_APART: f64 = 0.13;

/// More windows than these cannot be told apart.
const MOST_WINDOWS: f64 = 60.0;

/// Room above the lines to drag them to, as a factor.
const LINES_ROOM: f64 = 2.0;

/// How much is seen of dots beside those that are meant elsewhere.
const BESIDE: f64 = 0.3;

/// From what is common to what is rare.
const FATES: [Fate; 4] = [Fate::InOrder, Fate::Reordered, Fate::Corrected, Fate::Dropped];

/// How far back the scale of event times reaches at most, in lengths of what is in order: a single straggler
/// does not press all others together.
const BACK: f64 = 1.5;

/// Which of the two pictures is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Angle {
    /// How far behind the newest of its partition each event lay.
    #[default]
    Delay,
    /// The event time of each, with the watermark and the windows.
    EventTime,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dot {
    pub(crate) row: f64,
    pub(crate) arrival: f64,
    pub(crate) time: f64,
    pub(crate) delay: f64,
    pub(crate) fate: Fate,
    pub(crate) watermark: f64,
}

/// What the chart shows.
pub(crate) struct Events<'a> {
    pub(crate) angle: Angle,
    pub(crate) first_row: f64,
    pub(crate) dots: &'a [[f64; Disorder::DOT]],
    pub(crate) bound: f64,
    pub(crate) lateness: f64,
    pub(crate) window: WindowSpec,
    /// Where the pointer is, in CSS pixels.
    pub(crate) pointer: Option<(f64, f64)>,
    /// The row of the event that is explained.
    pub(crate) explained: Option<f64>,
    /// The event times that are pointed at or explained elsewhere.
    pub(crate) times: Option<(f64, f64)>,
    /// The event that is being given another time, with that time.
    pub(crate) lifted: Option<Dot>,
    /// The rows of events that were given another time, and the times.
    pub(crate) moved: &'a [(f64, f64)],
    /// Whether something is being dragged, so that the scale has to stay.
    pub(crate) dragged: bool,
}

impl Dot {
    /// The same event at another time.
    pub(crate) fn at(self, time: f64) -> Self {
        Self { time, delay: self.delay + self.time - time, ..self }
    }
}

impl Events<'_> {
    fn dot(&self, at: usize) -> Dot {
        let [arrival, time, delay, fate, _, watermark] = self.dots[at];
        Dot { row: self.first_row + at as f64, arrival, time, delay, fate: Fate::of(fate), watermark }
    }

    /// When the first and the last of them came.
    pub(crate) fn arrivals(&self) -> (f64, f64) {
        let arrival = |dot: Option<&[f64; 6]>| dot.map_or(0.0, |dot| dot[0]);
        (arrival(self.dots.first()), arrival(self.dots.last()))
    }

    /// How many events had each fate.
    pub(crate) fn fates(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        self.dots.iter().for_each(|[_, _, _, fate, ..]| counts[Fate::of(*fate) as usize] += 1);
        counts
    }
}

/// The event under the pointer, and where its dot is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Whether it lies in the right half of the chart.
    pub(crate) right: bool,
    pub(crate) dot: Dot,
}

/// Where the lines are that can be dragged, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lines {
    pub(crate) left: f64,
    pub(crate) width: f64,
    pub(crate) bound: f64,
    pub(crate) lateness: f64,
}

/// What stands upwards.
#[derive(Clone, Debug, PartialEq)]
enum Scale {
    Delays(Delays),
    Times(Axis),
}

/// Where everything goes.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    pane: Pane,
    arrivals: Axis,
    scale: Scale,
}

impl Field {
    fn new(place: Place, events: &Events<'_>, before: Option<&Self>) -> Self {
        let right = (place.width - RIGHT).max(LEFT + 1.0);
        let pane =
            Pane { place, left: LEFT, right, top: TOP, bottom: (place.height - BOTTOM).max(TOP + 1.0) };
        let (first, last) = events.arrivals();
        let arrivals = Axis::between(first, last, (pane.width() / 92.0) as usize);
        let scale = match (events.angle, before.map(|before| &before.scale)) {
            (Angle::Delay, Some(Scale::Delays(before))) if events.dragged => Scale::Delays(*before),
            (Angle::EventTime, Some(Scale::Times(before))) if events.dragged => Scale::Times(before.clone()),
            (Angle::Delay, before) => Scale::Delays(delays(events, before)),
            (Angle::EventTime, _) => Scale::Times(times(events, (pane.height() / 34.0) as usize)),
        };
        Self { pane, arrivals, scale }
    }

    /// Where a delay of nothing lies, above the strip of events that are in order.
    fn zero(&self) -> f64 {
        self.pane.bottom - STRIP
    }

    fn of_delay(&self, delays: Delays, delay: f64) -> f64 {
        self.zero() - delays.part(delay) * (self.zero() - self.pane.top)
    }

    fn x(&self, arrival: f64) -> f64 {
        self.pane.x(&self.arrivals, arrival)
    }

    fn y(&self, row: f64, time: f64, delay: f64) -> f64 {
        match &self.scale {
            Scale::Delays(_) if delay <= 0.0 => self.zero() + 4.0 + spread(row) * (STRIP - 6.0),
            Scale::Delays(delays) => self.of_delay(*delays, delay),
            Scale::Times(times) => self.pane.y(times, time).clamp(self.pane.top, self.pane.bottom),
        }
    }

    /// The delay that lies at a height.
    fn delay_at(&self, y: f64) -> Option<f64> {
        match self.scale {
            Scale::Delays(delays) => Some(delays.at((self.zero() - y) / (self.zero() - self.pane.top))),
            Scale::Times(_) => None,
        }
    }

    /// The time that an event would have at a height, on a grid about as fine as a pixel.
    fn time_at(&self, dot: &Dot, y: f64) -> f64 {
        let time = |y: f64| match &self.scale {
            Scale::Delays(_) => dot.time + dot.delay - self.delay_at(y).unwrap_or_default().max(0.0),
            Scale::Times(times) => self.pane.at_y(times, y),
        };
        let y = y.clamp(self.pane.top, self.pane.bottom);
        let grid = 10_f64.powf((time(y - 1.0) - time(y)).abs().max(1.0).log10().floor());
        (time(y) / grid).round() * grid
    }

    fn lines(&self, events: &Events<'_>) -> Option<Lines> {
        let Scale::Delays(delays) = self.scale else { return None };
        Some(Lines {
            left: self.pane.left,
            width: self.pane.width(),
            bound: self.of_delay(delays, events.bound),
            lateness: self.of_delay(delays, events.bound + events.lateness),
        })
    }

    fn spot_of(&self, dot: Dot) -> Spot {
        let (x, y) = (self.x(dot.arrival), self.y(dot.row, dot.time, dot.delay));
        Spot { x, y, right: x > (self.pane.left + self.pane.right) / 2.0, dot }
    }

    /// The event that is lifted, or the one whose dot is nearest to the pointer.
    fn spot(&self, events: &Events<'_>) -> Option<Spot> {
        if let Some(lifted) = events.lifted {
            return Some(self.spot_of(lifted));
        }
        let (x, y) = events.pointer.filter(|pointer| self.pane.holds(*pointer))?;
        let place = |at: usize| {
            let [arrival, time, delay, ..] = events.dots[at];
            (self.x(arrival), self.y(events.first_row + at as f64, time, delay))
        };
        let away = |at: usize| {
            let (dot_x, dot_y) = place(at);
            (dot_x - x).powi(2) + (dot_y - y).powi(2)
        };
        let nearest = (0..events.dots.len()).map(|at| (at, away(at))).min_by(|a, b| a.1.total_cmp(&b.1));
        let (at, _) = nearest.filter(|(_, away)| *away <= REACH * REACH)?;
        Some(self.spot_of(events.dot(at)))
    }
}

/// The scale of delays for what is shown.
fn delays(events: &Events<'_>, before: Option<&Scale>) -> Delays {
    let before = match before {
        Some(Scale::Delays(before)) => Some(*before),
        _ => None,
    };
    let largest = events.dots.iter().fold(0.0, |largest: f64, [_, _, delay, ..]| largest.max(*delay));
    Delays::up_to(largest.max(LINES_ROOM * (events.bound + events.lateness)), before)
}

/// The scale of event times: up to the newest, back to the oldest unless that is far away.
fn times(events: &Events<'_>, ticks: usize) -> Axis {
    let time = |dot: &[f64; 6]| dot[1];
    let newest = events.dots.iter().map(time).fold(f64::NEG_INFINITY, f64::max);
    let oldest = events.dots.iter().map(time).fold(f64::INFINITY, f64::min);
    if oldest > newest {
        return Axis::between(0.0, 1.0, 1);
    }
    let in_order = events.dots.iter().find(|[_, _, delay, ..]| *delay <= 0.0).map_or(oldest, time);
    let far = in_order - BACK * (newest - in_order).max(events.bound);
    let low = oldest.max(far);
    Axis::between(low, newest + (newest - low) * 0.04, ticks)
}

/// A number from 0 to 1 for a row: neighbours lie apart, and a row keeps its own.
fn spread(row: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    (row * GOLDEN).fract()
}

/// The disorder chart: both canvases and what is on them.
pub(crate) struct DisorderChart {
    ground: Ground,
    /// What the axes canvas shows.
    drawn: Option<Field>,
}

impl Art for DisorderChart {
    fn on(ground: Ground) -> Self {
        Self { ground, drawn: None }
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

impl DisorderChart {
    /// Draws the events, and says what is under the pointer and where the lines are.
    pub(crate) fn draw(&mut self, place: Place, events: &Events<'_>) -> (Option<Spot>, Option<Lines>) {
        if place.is_empty() {
            return (None, None);
        }
        let field = Field::new(place, events, self.drawn.as_ref());
        let changed = self.drawn.as_ref() != Some(&field);
        if let Some(sheet) = changed.then(|| self.ground.axes.clear(place)).flatten() {
            // A canvas refuses to draw only when the page is going away.
            let _ = field.draw_axes(&sheet.area, &self.ground.palette);
        }
        let spot = field.spot(events);
        if let Some(sheet) = self.ground.data.clear(place) {
            let _ = field.draw_data(&sheet, &self.ground.palette, events, spot.as_ref());
        }
        let lines = field.lines(events);
        self.drawn = Some(field);
        (spot, lines)
    }

    /// The picture as a vector image, below a caption.
    pub(crate) fn svg(&self, place: Place, events: &Events<'_>, caption: &Caption) -> String {
        let field = Field::new(place, events, self.drawn.as_ref());
        let image = Vector::new(place);
        let sheet = image.sheet();
        // A vector image takes everything.
        let _ = field.draw_axes(&sheet.area, &self.ground.palette);
        let _ = field.draw_data(&sheet, &self.ground.palette, events, None);
        image.file(&self.ground.palette, caption)
    }

    /// The delay at a height, where delays are drawn.
    pub(crate) fn delay_at(&self, y: f64) -> Option<f64> {
        self.drawn.as_ref()?.delay_at(y)
    }

    /// The time that an event would have at a height.
    pub(crate) fn time_at(&self, dot: &Dot, y: f64) -> Option<f64> {
        Some(self.drawn.as_ref()?.time_at(dot, y))
    }
}

impl Field {
    fn draw_axes(&self, area: &Area, palette: &Palette) -> Drawn {
        match &self.scale {
            Scale::Delays(delays) => {
                for delay in delays.ticks(TICKS_APART) {
                    let y = self.of_delay(*delays, delay);
                    self.pane.draw_row(area, palette, y, &text::span(delay as i64))?;
                }
                self.pane.draw_row(area, palette, self.pane.bottom, "")?;
                let name = Words { side: HPos::Right, ..Words::axis(palette) };
                let middle = (self.zero() + self.pane.bottom) / 2.0;
                self.pane.write(area, &name, "0", (self.pane.left - 8.0, middle))?;
            }
            Scale::Times(times) => {
                for time in times.ticks() {
                    let name = text::tick(time, times.step as i64);
                    self.pane.draw_row(area, palette, self.pane.y(times, time), &name)?;
                }
            }
        }
        let step = self.arrivals.step as i64;
        self.pane.draw_times(area, palette, &self.arrivals, |time| text::tick(time, step))
    }

    fn draw_data(&self, sheet: &Sheet, palette: &Palette, events: &Events<'_>, spot: Option<&Spot>) -> Drawn {
        let Sheet { pen, area } = sheet;
        match &self.scale {
            Scale::Delays(_) => self.draw_regions(area, palette, events)?,
            Scale::Times(times) => self.draw_windows(area, palette, events, times)?,
        }
        self.draw_times_meant(area, palette, events)?;
        self.draw_dots(pen, palette, events);
        match &self.scale {
            Scale::Delays(_) => self.draw_lines(pen, area, palette, events)?,
            Scale::Times(times) => self.draw_watermark(area, palette, events, times)?,
        }
        self.draw_spots(area, palette, events, spot)?;
        self.draw_names(pen, area, palette, events)
    }

    /// What comes too late lies on amber ground.
    fn draw_regions(&self, area: &Area, palette: &Palette, events: &Events<'_>) -> Drawn {
        let Some(lines) = self.lines(events) else { return Ok(()) };
        let height = lines.lateness - self.pane.top;
        if height > 0.0 {
            let corner = (self.pane.left, self.pane.top);
            area.draw(&self.pane.sharp(corner, (self.pane.width(), height), palette.late_area))?;
        }
        Ok(())
    }

    /// The bound and the lateness, over the dots.
    fn draw_lines(&self, pen: &Pen, area: &Area, palette: &Palette, events: &Events<'_>) -> Drawn {
        let Some(lines) = self.lines(events) else { return Ok(()) };
        let (left, right) = (self.pane.left, self.pane.right);
        let path = |y: f64| vec![self.pane.at(left, y), self.pane.at(right, y)];
        let stroke = |colour: RGBAColor, width| colour.stroke_width(self.pane.stroke(width));
        area.draw(&PathElement::new(path(lines.lateness), stroke(palette.late, 1.5)))?;
        pen.dash(self.pane.place, &[6.0, 4.0]);
        area.draw(&PathElement::new(path(lines.bound), stroke(palette.wm, 2.0)))?;
        pen.dash(self.pane.place, &[]);
        Ok(())
    }

    fn draw_dots(&self, pen: &Pen, palette: &Palette, events: &Events<'_>) {
        let is_meant = |time: f64| events.times.is_none_or(|(start, end)| (start..=end).contains(&time));
        // Where none of what is meant is on the picture, nothing steps back.
        let any = events.dots.iter().any(|dot| is_meant(dot[1]));
        let mut marks: [[Vec<(i32, i32)>; 4]; 2] = Default::default();
        let mut cells = Cells::new(self.pane);
        for (at, [arrival, time, delay, fate, ..]) in events.dots.iter().enumerate() {
            let (x, y) = (self.x(*arrival), self.y(events.first_row + at as f64, *time, *delay));
            let (fate, meant) = (Fate::of(*fate) as usize, usize::from(!any || is_meant(*time)));
            if cells.take(x, y, fate * 2 + meant) {
                marks[meant][fate].push(self.pane.at(x, y));
            }
        }
        // What is rare lies on what is common.
        for (marks, meant) in marks.iter().zip([BESIDE, 1.0]) {
            for (fate, seen) in FATES.into_iter().zip([0.55, 0.8, 1.0, 1.0]) {
                self.draw_mark(pen, palette, fate, &marks[fate as usize], seen * meant);
            }
        }
    }

    /// The marks of one fate.
    fn draw_mark(&self, pen: &Pen, palette: &Palette, fate: Fate, centres: &[(i32, i32)], seen: f64) {
        let units = |pixels: f64| self.pane.place.units(pixels);
        let colour = colour(palette, fate).mix(seen);
        match fate {
            Fate::InOrder => pen.discs(centres, units(1.6), colour),
            Fate::Reordered => pen.discs(centres, units(2.1), colour),
            Fate::Corrected => {
                pen.discs(centres, units(3.6), colour);
                pen.discs(centres, units(2.1), palette.surface);
            }
            Fate::Dropped => pen.crosses(centres, units(3.6), units(1.8), colour),
        }
    }

    /// The event times that are meant elsewhere, where event times are drawn.
    fn draw_times_meant(&self, area: &Area, palette: &Palette, events: &Events<'_>) -> Drawn {
        let (Scale::Times(axis), Some((start, end))) = (&self.scale, events.times) else { return Ok(()) };
        let (start, end) = (start.max(axis.low), end.min(axis.high));
        if start <= end {
            let (top, bottom) = (self.pane.y(axis, end), self.pane.y(axis, start));
            let size = (self.pane.width(), bottom - top);
            area.draw(&self.pane.sharp((self.pane.left, top), size, palette.focus.mix(0.14)))?;
        }
        Ok(())
    }

    /// The dot under the pointer with its crosshair, the one that is explained, and those that were moved.
    fn draw_spots(&self, area: &Area, palette: &Palette, events: &Events<'_>, spot: Option<&Spot>) -> Drawn {
        let ring = |x: f64, y: f64, radius: f64, colour: RGBAColor| {
            let style = colour.stroke_width(self.pane.stroke(1.5));
            Circle::new(self.pane.at(x, y), self.pane.place.units(radius), style)
        };
        let marked = events.moved.iter().map(|(row, _)| (*row, 5.0, palette.focus));
        for (row, radius, colour) in marked.chain(events.explained.map(|row| (row, 7.0, palette.ink))) {
            let at = Some(row - events.first_row).filter(|at| (0.0..events.dots.len() as f64).contains(at));
            if let Some(at) = at {
                let Spot { x, y, .. } = self.spot_of(events.dot(at as usize));
                area.draw(&ring(x, y, radius, colour))?;
            }
        }
        if let Some(Spot { x, y, .. }) = spot {
            let hair = palette.axis.mix(0.5);
            area.draw(&self.pane.sharp((*x, self.pane.top), (0.0, self.pane.height()), hair))?;
            area.draw(&self.pane.sharp((self.pane.left, *y), (self.pane.width(), 0.0), hair))?;
            area.draw(&ring(*x, *y, 5.5, palette.ink))?;
        }
        Ok(())
    }

    /// Names of the regions and the lines, with the marks of the fates: the chart's legend.
    fn draw_names(&self, pen: &Pen, area: &Area, palette: &Palette, events: &Events<'_>) -> Drawn {
        let names = match self.lines(events) {
            Some(lines) => self.names_of_delays(events, lines),
            None => self.names_of_times(events),
        };
        let mut rows: Vec<f64> = names.iter().map(|name| name.y).collect();
        nudge(&mut rows, LABEL, self.pane.top + 4.0, self.pane.bottom - 4.0);
        let x = self.pane.right + 12.0;
        for (name, y) in names.iter().zip(rows) {
            let (colour, bold) = match name.what {
                What::Fate(_) => (palette.axis, false),
                What::Bound | What::Watermark => (palette.wm, true),
                What::Lateness => (palette.late, true),
            };
            let mut left = self.pane.right + 6.0;
            if let What::Fate(fate) = name.what {
                self.draw_mark(pen, palette, fate, &[self.pane.at(x, y)], 1.0);
                left = x + 9.0;
            }
            self.pane.write(area, &Words { bold, colour, ..Words::axis(palette) }, &name.text, (left, y))?;
        }
        Ok(())
    }

    /// From top to bottom.
    fn names_of_delays(&self, events: &Events<'_>, lines: Lines) -> Vec<Name> {
        let region = |fate: Fate, top: f64, bottom: f64| {
            let name =
                Name { y: (top + bottom) / 2.0, text: words::fate(fate).to_owned(), what: What::Fate(fate) };
            (bottom - top >= LEAST_REGION).then_some(name)
        };
        let line = |what: What, name: &str, y: f64, ms: f64| {
            Some(Name { y, text: format!("{name} {}", text::span(ms as i64)), what })
        };
        [
            region(Fate::Dropped, self.pane.top, lines.lateness),
            line(What::Lateness, words::LATENESS, lines.lateness, events.lateness),
            region(Fate::Corrected, lines.lateness, lines.bound),
            line(What::Bound, words::BOUND, lines.bound, events.bound),
            region(Fate::Reordered, lines.bound, self.zero()),
            region(Fate::InOrder, self.zero(), self.pane.bottom),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn names_of_times(&self, events: &Events<'_>) -> Vec<Name> {
        let legend = FATES.into_iter().enumerate().map(|(i, fate)| Name {
            y: self.pane.bottom - 4.0 - LABEL * (3 - i) as f64,
            text: words::fate(fate).to_owned(),
            what: What::Fate(fate),
        });
        let last = events.dots.last().map_or(f64::NEG_INFINITY, |dot| dot[5]);
        let mut names: Vec<Name> = match &self.scale {
            Scale::Times(times) if times.holds(last) => {
                vec![Name {
                    y: self.pane.y(times, last),
                    text: words::WATERMARK.to_owned(),
                    what: What::Watermark,
                }]
            }
            _ => Vec::new(),
        };
        names.extend(legend);
        names.sort_by(|a, b| a.y.total_cmp(&b.y));
        names
    }

    /// The watermark that each event met, as a stair.
    fn draw_watermark(&self, area: &Area, palette: &Palette, events: &Events<'_>, times: &Axis) -> Drawn {
        let mut stair: Vec<(i32, i32)> = Vec::new();
        for [arrival, .., watermark] in events.dots.iter().filter(|dot| dot[5] >= times.low) {
            let (x, y) = self.pane.at(self.x(*arrival), self.pane.y(times, watermark.min(times.high)));
            match stair.last() {
                Some((_, before)) if *before == y => {}
                Some((_, before)) => stair.extend([(x, *before), (x, y)]),
                None => stair.push((x, y)),
            }
        }
        if let Some((_, y)) = stair.last().copied() {
            stair.push((self.pane.at(self.pane.right, 0.0).0, y));
        }
        self.pane.trace(area, &stair, palette.wm.stroke_width(self.pane.stroke(1.75)))
    }

    /// Windows as bands of event time: tinted until they close, amber while they take corrections.
    fn draw_windows(&self, area: &Area, palette: &Palette, events: &Events<'_>, times: &Axis) -> Drawn {
        for (at, (start, end)) in windows(events.window, times).into_iter().enumerate() {
            let (top, bottom) =
                (self.pane.y(times, end.min(times.high)), self.pane.y(times, start.max(times.low)));
            let closed = self.passed(events, end);
            let gone = self.passed(events, end + events.lateness);
            let band =
                |from: f64, to: f64, colour| self.pane.sharp((from, top), (to - from, bottom - top), colour);
            if closed > self.pane.left {
                // Neighbours are told apart by their tint.
                let tint = if at % 2 == 0 { 0.1 } else { 0.05 };
                area.draw(&band(self.pane.left, closed, palette.axis.mix(tint)))?;
            }
            if gone > closed {
                area.draw(&band(closed, gone, palette.late_area))?;
            }
            if closed > self.pane.left && closed < self.pane.right {
                area.draw(&band(closed, closed + 2.0, palette.wm.mix(0.8)))?;
            }
        }
        Ok(())
    }

    /// Where the watermark passes a time: at an edge if not on the picture.
    fn passed(&self, events: &Events<'_>, time: f64) -> f64 {
        let at = events.dots.partition_point(|dot| dot[5] < time);
        let arrival = events.dots.get(at).map(|dot| dot[0]);
        arrival.map_or(self.pane.right, |arrival| if at == 0 { self.pane.left } else { self.x(arrival) })
    }
}

/// Cells of the chart that a kind of dot was drawn in.
struct Cells {
    pane: Pane,
    across: usize,
    down: usize,
    taken: Vec<u64>,
}

impl Cells {
    /// Kinds of dots: fates, meant or beside.
    const KINDS: usize = 8;

    fn new(pane: Pane) -> Self {
        let (across, down) = ((pane.width() / CELL) as usize + 1, (pane.height() / CELL) as usize + 1);
        Self { pane, across, down, taken: vec![0; (across * down * Self::KINDS).div_ceil(64)] }
    }

    /// Takes the cell at a position for a kind of dot; says whether it was free.
    fn take(&mut self, x: f64, y: f64, kind: usize) -> bool {
        let across = (((x - self.pane.left) / CELL) as usize).min(self.across - 1);
        let down = (((y - self.pane.top) / CELL) as usize).min(self.down - 1);
        let at = (kind * self.down + down) * self.across + across;
        let (word, bit) = (&mut self.taken[at / 64], 1 << (at % 64));
        let free = *word & bit == 0;
        *word |= bit;
        free
    }
}

/// What a name beside the chart names.
#[derive(Clone, Copy)]
enum What {
    Fate(Fate),
    Bound,
    Lateness,
    Watermark,
}

struct Name {
    y: f64,
    text: String,
    what: What,
}

fn colour(palette: &Palette, fate: Fate) -> RGBAColor {
    match fate {
        Fate::InOrder => palette.key(0),
        Fate::Reordered => palette.key(1),
        Fate::Corrected => palette.wm,
        Fate::Dropped => palette.late,
    }
}

/// Windows that an axis of event times shows; none where time does not bound them all in the same way, or
/// where there are too many to tell apart.
fn windows(window: WindowSpec, times: &Axis) -> Vec<(f64, f64)> {
    let (size, slide, offset) = match window {
        WindowSpec::Tumbling { size, offset } => (size, size, offset),
        WindowSpec::Hopping { size, slide, offset } => (size, slide, offset),
        _ => return Vec::new(),
    };
    let (size, slide, offset) = (size.0 as f64, slide.0 as f64, offset.0 as f64);
    let first = ((times.low - size - offset) / slide).floor() + 1.0;
    let count = ((times.high - offset) / slide).ceil() - first;
    if !(0.0..=MOST_WINDOWS).contains(&count) {
        return Vec::new();
    }
    let start = |at: u32| (first + f64::from(at)) * slide + offset;
    (0..count as u32).map(|at| (start(at), start(at) + size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_core::Millis;

    const PLACE: Place = Place { width: 600.0, height: 200.0, ratio: 1.0 };

    fn events(dots: &[[f64; 6]], angle: Angle) -> Events<'_> {
        Events {
            angle,
            first_row: 100.0,
            dots,
            bound: 5_000.0,
            lateness: 30_000.0,
            window: WindowSpec::Tumbling { size: Millis(60_000), offset: Millis(0) },
            pointer: None,
            explained: None,
            times: None,
            lifted: None,
            moved: &[],
            dragged: false,
        }
    }

    const DOTS: [[f64; 6]; 4] = [
        [1_000.0, 1_000.0, 0.0, 0.0, 0.0, f64::NEG_INFINITY],
        [2_000.0, 1_500.0, 500.0, 1.0, 0.0, -4_000.0],
        [3_000.0, 3_000.0, 0.0, 0.0, 0.0, -3_500.0],
        [90_000.0, 1_000.0, 80_000.0, 3.0, 0.0, 75_000.0],
    ];

    #[test]
    fn later_lies_higher_and_the_lines_lie_at_their_delays() {
        let events = events(&DOTS, Angle::Delay);
        let field = Field::new(PLACE, &events, None);
        let y = |at: usize| field.y(events.dot(at).row, events.dot(at).time, events.dot(at).delay);
        assert!(y(0) > field.zero() && y(1) < field.zero() && y(3) < y(1));
        let lines = field.lines(&events).unwrap();
        assert!((field.delay_at(lines.bound).unwrap() - 5_000.0).abs() < 1e-6);
        assert!((field.delay_at(lines.lateness).unwrap() - 35_000.0).abs() < 1e-6);
        assert_eq!(events.fates(), [2, 1, 0, 1]);
    }

    #[test]
    fn the_nearest_dot_is_found_within_reach() {
        let mut events = events(&DOTS, Angle::Delay);
        let field = Field::new(PLACE, &events, None);
        let (x, y) = (field.x(90_000.0), field.y(103.0, 1_000.0, 80_000.0));
        events.pointer = Some((x - 3.0, y + 3.0));
        let spot = field.spot(&events).unwrap();
        assert_eq!((spot.dot.row, spot.dot.fate, spot.right), (103.0, Fate::Dropped, true));
        events.pointer = Some((x - 100.0, y + 3.0));
        assert_eq!(field.spot(&events), None);
    }

    #[test]
    fn a_lifted_dot_goes_to_the_time_at_the_pointer_and_the_scale_stays() {
        for angle in [Angle::Delay, Angle::EventTime] {
            let mut events = events(&DOTS, angle);
            let field = Field::new(PLACE, &events, None);
            let dot = events.dot(1);
            let there = field.spot_of(dot.at(1_000.0));
            assert!((field.time_at(&dot, there.y) - 1_000.0).abs() < 300.0, "{angle:?}");
            let lifted = dot.at(field.time_at(&dot, there.y - 20.0));
            (events.lifted, events.dragged) = (Some(lifted), true);
            let during = Field::new(PLACE, &events, Some(&field));
            assert_eq!(during, field);
            assert_eq!(during.spot(&events).unwrap().dot, lifted);
            assert_eq!(lifted.time + lifted.delay, dot.time + dot.delay, "the newest stays where it is");
        }
    }

    #[test]
    fn windows_cover_the_axis_and_too_many_are_none() {
        let times = Axis { low: 70_000.0, high: 190_000.0, step: 60_000.0 };
        let tumbling = |size| WindowSpec::Tumbling { size: Millis(size), offset: Millis(0) };
        let want = [(60_000.0, 120_000.0), (120_000.0, 180_000.0), (180_000.0, 240_000.0)];
        assert_eq!(windows(tumbling(60_000), &times), want);
        assert_eq!(windows(tumbling(1_000), &times), []);
        assert_eq!(windows(WindowSpec::Session { gap: Millis(1) }, &times), []);
        let hopping = WindowSpec::Hopping { size: Millis(120_000), slide: Millis(60_000), offset: Millis(0) };
        assert_eq!(windows(hopping, &times).len(), 4);
    }

    #[test]
    fn one_straggler_does_not_press_the_others_together() {
        let events = events(&DOTS, Angle::EventTime);
        let far = [
            [1e6, 1e6, 0.0, 0.0, 0.0, 0.0],
            [1.1e6, 1.1e6, 0.0, 0.0, 0.0, 0.0],
            [1.2e6, 0.0, 1.1e6, 3.0, 0.0, 0.0],
        ];
        let axis = times(&Events { dots: &far, ..events }, 4);
        assert!(axis.low > 800_000.0 && axis.holds(1.1e6), "{axis:?}");
    }

    #[test]
    fn of_dots_in_one_cell_one_is_drawn_a_kind() {
        let pane = Field::new(PLACE, &events(&DOTS, Angle::Delay), None).pane;
        let mut cells = Cells::new(pane);
        let (x, y) = (pane.left + 30.2, pane.top + 20.2);
        assert!(cells.take(x, y, 0) && !cells.take(x + 0.5, y + 0.5, 0));
        assert!(cells.take(x, y, 1) && cells.take(x + CELL, y, 0));
        assert!(cells.take(pane.right + 99.0, pane.bottom + 99.0, 7), "beyond the edge is at the edge");
    }

    #[test]
    fn no_events_still_give_a_picture() {
        for angle in [Angle::Delay, Angle::EventTime] {
            let events = events(&[], angle);
            let field = Field::new(PLACE, &events, None);
            assert!(field.x(0.0).is_finite() && field.y(0.0, 0.0, 0.0).is_finite());
            assert_eq!(field.spot(&Events { pointer: Some((100.0, 100.0)), ..events }), None);
        }
    }
}
