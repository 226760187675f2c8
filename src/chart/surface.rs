//! A canvas to draw on with plotters.
//!
//! Plotters counts in whole units, which shows as steps in a gentle curve. Here a unit is a quarter of a
//! device pixel: [`Fine`] scales the canvas down and tells plotters that it is so much larger.
//!
//! **Invariant:** a canvas has as many pixels as the screen gives to its place.

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Units in a device pixel.
const UNITS: u32 = 4;

/// The place of a chart: its size in CSS pixels, and how many device pixels one of them has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Place {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) ratio: f64,
}

impl Place {
    /// The place that an element has now.
    pub(crate) fn of(element: &web_sys::Element) -> Self {
        Self {
            width: f64::from(element.client_width()),
            height: f64::from(element.client_height()),
            ratio: web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()),
        }
    }

    /// CSS pixels in units.
    pub(crate) fn units(self, pixels: f64) -> i32 {
        (pixels * self.ratio * f64::from(UNITS)).round() as i32
    }
}

/// A canvas and its context.
pub(crate) struct Surface {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
}

impl Surface {
    /// A surface of this canvas.
    pub(crate) fn new(canvas: HtmlCanvasElement) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Self { canvas, context })
    }

    /// Clears the canvas at its place and gives what plotters draws on.
    pub(crate) fn clear(&self, place: Place) -> Option<Fine> {
        let (width, height) = ((place.width * place.ratio) as u32, (place.height * place.ratio) as u32);
        if (self.canvas.width(), self.canvas.height()) != (width, height) {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
        let scale = 1.0 / f64::from(UNITS);
        self.context.reset_transform().ok()?;
        self.context.clear_rect(0.0, 0.0, f64::from(width), f64::from(height));
        self.context.scale(scale, scale).ok()?;
        // Cheaper than round, and not to be told apart at this width.
        self.context.set_line_join("bevel");
        let canvas = CanvasBackend::with_canvas_object(self.canvas.clone())?;
        Some(Fine { canvas, size: (width * UNITS, height * UNITS) })
    }

    /// Draws lines with these dashes and gaps from now on; with none, whole.
    pub(crate) fn dash(&self, place: Place, lengths: &[f64]) {
        let lengths: js_sys::Array =
            lengths.iter().map(|length| JsValue::from(f64::from(place.units(*length)))).collect();
        // Fails only for a list that holds something other than numbers.
        let _ = self.context.set_line_dash(&lengths);
    }
}

/// Plotters' canvas on a grid finer than the screen's.
pub(crate) struct Fine {
    canvas: CanvasBackend,
    size: (u32, u32),
}

type Error = <CanvasBackend as DrawingBackend>::ErrorType;
type Drawn = Result<(), DrawingErrorKind<Error>>;

impl DrawingBackend for Fine {
    type ErrorType = Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        self.canvas.ensure_prepared()
    }

    fn present(&mut self) -> Drawn {
        self.canvas.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.canvas.draw_pixel(point, color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.canvas.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.canvas.draw_rect(from, to, style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.canvas.draw_path(path, style)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.canvas.draw_circle(center, radius, style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        self.canvas.fill_polygon(vert, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, pos: BackendCoord) -> Drawn {
        self.canvas.draw_text(text, style, pos)
    }
}
