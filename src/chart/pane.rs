//! The plotting area of a chart within its place, and the marks that all charts share.
//!
//! **Invariant:** positions are in CSS pixels from the canvas's top left until plotters gets them.

use super::palette::Palette;
use super::pen::{Area, Drawn};
use super::scale::Axis;
use super::surface::Place;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Size of the texts of axes.
pub(super) const AXIS_TEXT: f64 = 11.0;

/// A line is drawn in pieces of so many points: without a graphics card the browser's time for a path
/// grows faster than its length.
const PIECE: usize = 48;

/// A plotting area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pane {
    pub(crate) place: Place,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Pane {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.left + (value - axis.low) / (axis.high - axis.low) * self.width()
    }

    pub(super) fn y(&self, axis: &Axis, value: f64) -> f64 {
        self.bottom - (value - axis.low) / (axis.high - axis.low) * self.height()
    }

    /// What an axis has at a distance from the left.
    pub(super) fn at_x(&self, axis: &Axis, x: f64) -> f64 {
        axis.low + (x - self.left) / self.width() * (axis.high - axis.low)
    }

    /// What an axis has at a height.
    pub(super) fn at_y(&self, axis: &Axis, y: f64) -> f64 {
        axis.low + (self.bottom - y) / self.height() * (axis.high - axis.low)
    }

    pub(super) fn holds(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    pub(super) fn at(&self, x: f64, y: f64) -> (i32, i32) {
        (self.place.units(x), self.place.units(y))
    }

    pub(super) fn stroke(&self, width: f64) -> u32 {
        self.place.units(width).unsigned_abs().max(1)
    }

    /// A box whose edges lie on the screen's pixels, so that thin lines are sharp and neighbours meet.
    pub(super) fn sharp(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: RGBAColor,
    ) -> Rectangle<(i32, i32)> {
        let round = |pixels: f64| (pixels * self.place.ratio).round() / self.place.ratio;
        let pixel = 1.0 / self.place.ratio;
        let end = |from: f64, size: f64| round(from + size).max(round(from) + pixel);
        let corners = [self.at(round(x), round(y)), self.at(end(x, width), end(y, height))];
        Rectangle::new(corners, colour.filled())
    }

    /// Draws a line through points, in pieces.
    pub(super) fn trace(&self, area: &Area, points: &[(i32, i32)], style: ShapeStyle) -> Drawn {
        let mut rest = points;
        while rest.len() > 1 {
            let piece = rest.len().min(PIECE);
            area.draw(&PathElement::new(rest[..piece].to_vec(), style))?;
            // The last point of a piece is the first of the next.
            rest = &rest[piece - 1..];
        }
        Ok(())
    }

    /// Writes a text; positions are those of its middle line.
    pub(super) fn write(&self, area: &Area, words: &Words<'_>, text: &str, (x, y): (f64, f64)) -> Drawn {
        let size = f64::from(self.place.units(words.size));
        let weight = if words.bold { FontStyle::Bold } else { FontStyle::Normal };
        let style = (words.family, size, weight).into_font().color(&words.colour);
        area.draw(&Text::new(text, self.at(x, y), style.pos(Pos::new(words.side, VPos::Center))))?;
        Ok(())
    }

    /// The ticks of a time axis below the area.
    pub(super) fn draw_times(
        &self,
        area: &Area,
        palette: &Palette,
        axis: &Axis,
        name: impl Fn(f64) -> String,
    ) -> Drawn {
        let words = Words { side: HPos::Center, ..Words::axis(palette) };
        for time in axis.ticks() {
            let x = self.x(axis, time);
            if x > self.left - 1.0 && x < self.right + 1.0 {
                area.draw(&self.sharp((x, self.bottom), (0.0, 4.0), palette.grid))?;
                self.write(area, &words, &name(time), (x, self.bottom + 15.0))?;
            }
        }
        Ok(())
    }

    /// A line of the grid with its name on the left.
    pub(super) fn draw_row(&self, area: &Area, palette: &Palette, y: f64, name: &str) -> Drawn {
        area.draw(&self.sharp((self.left, y), (self.width(), 0.0), palette.grid))?;
        self.write(area, &Words { side: HPos::Right, ..Words::axis(palette) }, name, (self.left - 8.0, y))
    }
}

/// How a text looks.
#[derive(Clone)]
pub(super) struct Words<'a> {
    pub(super) family: &'a str,
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: RGBAColor,
    /// Which of its ends stands where it is written.
    pub(super) side: HPos,
}

impl<'a> Words<'a> {
    /// The texts of an axis.
    pub(super) fn axis(palette: &'a Palette) -> Self {
        let (family, colour) = (palette.sans.as_str(), palette.axis);
        Self { family, size: AXIS_TEXT, bold: false, colour, side: HPos::Left }
    }
}
