//! What draws: plotters, on a canvas or into a vector image, and the marks that come by the thousand.
//!
//! Plotters counts in whole units, which shows as steps in a gentle curve. Here a unit is a quarter of a
//! device pixel: [`Backend`] scales the canvas down and tells plotters that it is so much larger.
//!
//! **Invariant:** what is drawn on a canvas and into a vector image is the same.

use super::surface::Place;
use super::vector::Vector;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea as _};
use plotters::style::RGBAColor;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use plotters_canvas::CanvasBackend;
use std::f64::consts::TAU;
use wasm_bindgen::JsValue;
use web_sys::CanvasRenderingContext2d;

/// Marks of one path: without a graphics card the browser's time for a path grows faster than its length.
const MARKS_OF_A_PATH: usize = 48;

/// Plotters' drawing area on either.
pub(crate) type Area = DrawingArea<Backend, Shift>;

/// What plotters says when a canvas refuses, which it does only when the page is going away.
pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A cleared surface: plotters' area on it, and the pen beside plotters.
pub(crate) struct Sheet {
    pub(crate) pen: Pen,
    pub(crate) area: Area,
}

impl Sheet {
    pub(crate) fn new(pen: Pen, backend: Backend) -> Self {
        Self { pen, area: backend.into_drawing_area() }
    }
}

/// What draws beside plotters.
#[derive(Clone)]
pub(crate) enum Pen {
    Canvas(CanvasRenderingContext2d),
    Vector(Vector),
}

impl Pen {
    /// Draws lines with these dashes and gaps from now on; with none, whole.
    pub(crate) fn dash(&self, place: Place, lengths: &[f64]) {
        let units = lengths.iter().map(|length| f64::from(place.units(*length)));
        match self {
            Self::Canvas(context) => {
                let list: js_sys::Array = units.map(JsValue::from).collect();
                // Fails only for a list that holds something other than numbers.
                let _ = context.set_line_dash(&list);
            }
            Self::Vector(vector) => vector.dash(units),
        }
    }

    /// Fills a circle around each centre.
    pub(crate) fn discs(&self, centres: &[BackendCoord], radius: i32, colour: RGBAColor) {
        match self {
            Self::Canvas(context) => {
                context.set_fill_style_str(&css(colour));
                in_paths(context, centres, |centre| circle(context, centre, radius));
            }
            Self::Vector(vector) => vector.discs(centres, radius, &css(colour)),
        }
    }

    /// Draws a cross over each centre.
    pub(crate) fn crosses(&self, centres: &[BackendCoord], reach: i32, width: i32, colour: RGBAColor) {
        let strokes = |&(x, y): &BackendCoord| {
            [
                ((x - reach, y - reach), (x + reach, y + reach)),
                ((x - reach, y + reach), (x + reach, y - reach)),
            ]
        };
        match self {
            Self::Canvas(context) => {
                context.set_stroke_style_str(&css(colour));
                context.set_line_width(f64::from(width));
                context.begin_path();
                for (from, to) in centres.iter().flat_map(strokes) {
                    context.move_to(f64::from(from.0), f64::from(from.1));
                    context.line_to(f64::from(to.0), f64::from(to.1));
                }
                context.stroke();
            }
            Self::Vector(vector) => vector.strokes(centres.iter().flat_map(strokes), width, &css(colour)),
        }
    }
}

/// Fills paths of so many marks each.
fn in_paths(context: &CanvasRenderingContext2d, centres: &[BackendCoord], mark: impl Fn(BackendCoord)) {
    for some in centres.chunks(MARKS_OF_A_PATH) {
        context.begin_path();
        some.iter().for_each(|centre| mark(*centre));
        context.fill();
    }
}

fn circle(context: &CanvasRenderingContext2d, (x, y): BackendCoord, radius: i32) {
    let (x, y, radius) = (f64::from(x), f64::from(y), f64::from(radius));
    context.move_to(x + radius, y);
    // Fails only for a radius below zero.
    let _ = context.arc(x, y, radius, 0.0, TAU);
}

/// A colour as style sheets write it.
pub(crate) fn css(RGBAColor(red, green, blue, alpha): RGBAColor) -> String {
    format!("rgba({red},{green},{blue},{alpha})")
}

/// Where plotters draws.
pub(crate) enum Backend {
    Canvas { canvas: CanvasBackend, size: (u32, u32) },
    Vector(Vector),
}

type Error = <CanvasBackend as DrawingBackend>::ErrorType;
type Done = Result<(), DrawingErrorKind<Error>>;

impl DrawingBackend for Backend {
    type ErrorType = Error;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Canvas { size, .. } => *size,
            Self::Vector(vector) => vector.size(),
        }
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Done {
        match self {
            Self::Canvas { canvas, .. } => canvas.draw_pixel(point, colour),
            Self::Vector(vector) => {
                vector.rectangle(point, (point.0 + 1, point.1 + 1), colour);
                Ok(())
            }
        }
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        match self {
            Self::Canvas { canvas, .. } => return canvas.draw_rect(from, to, style, fill),
            Self::Vector(vector) if fill => vector.rectangle(from, to, style.color()),
            Self::Vector(vector) => {
                let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
                vector.line(corners, style.color(), style.stroke_width());
            }
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        match self {
            Self::Canvas { canvas, .. } => return canvas.draw_path(path, style),
            Self::Vector(vector) => vector.line(path, style.color(), style.stroke_width()),
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done {
        match self {
            Self::Canvas { canvas, .. } => return canvas.draw_circle(centre, radius, style, fill),
            Self::Vector(vector) => {
                vector.circle(centre, radius, style.color(), (!fill).then(|| style.stroke_width()));
            }
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Done {
        match self {
            Self::Canvas { canvas, .. } => return canvas.fill_polygon(corners, style),
            Self::Vector(vector) => vector.polygon(corners, style.color()),
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Done {
        match self {
            Self::Canvas { canvas, .. } => return canvas.draw_text(text, style, at),
            Self::Vector(vector) => vector.text(text, style, at),
        }
        Ok(())
    }
}
