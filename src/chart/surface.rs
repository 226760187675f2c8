//! A canvas to draw on, and its place on the page.
//!
//! **Invariant:** a canvas has as many pixels as the screen gives to its place.

use super::caption::Caption;
use super::palette::Palette;
use super::pen::{Backend, Pen, Sheet, css};
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

    /// Whether there is nothing to draw on.
    pub(crate) fn is_empty(self) -> bool {
        self.width < 1.0 || self.height < 1.0
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

    /// A surface that is not on the page.
    fn loose() -> Result<Self, JsValue> {
        let document = web_sys::window().and_then(|window| window.document());
        let canvas = document.ok_or("there is no document")?.create_element("canvas")?.unchecked_into();
        Ok(Self::new(canvas).ok_or("there is no canvas")?)
    }

    /// Clears the canvas at its place and gives what draws on it.
    pub(crate) fn clear(&self, place: Place) -> Option<Sheet> {
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
        let pen = Pen::Canvas(self.context.clone());
        pen.dash(place, &[]);
        let canvas = CanvasBackend::with_canvas_object(self.canvas.clone())?;
        Some(Sheet::new(pen, Backend::Canvas { canvas, size: (width * UNITS, height * UNITS) }))
    }
}

/// Surfaces that lie on each other as one picture, below a caption: the address of a PNG.
pub(super) fn composed(
    surfaces: &[&Surface; 2],
    palette: &Palette,
    caption: &Caption,
) -> Result<String, JsValue> {
    let (picture, head) = (Surface::loose()?, Surface::loose()?);
    let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio());
    let (width, height) = (surfaces[0].canvas.width(), surfaces[0].canvas.height());
    let place = Caption::place(Place { width: f64::from(width) / ratio, height: 0.0, ratio });
    let sheet = head.clear(place).ok_or("there is no canvas")?;
    caption.draw(&sheet, palette, place).map_err(|error| error.to_string())?;
    picture.canvas.set_width(width);
    picture.canvas.set_height(head.canvas.height() + height);
    picture.context.set_fill_style_str(&css(palette.surface));
    picture.context.fill_rect(0.0, 0.0, f64::from(width), f64::from(picture.canvas.height()));
    let below = f64::from(head.canvas.height());
    for (surface, y) in [(&head, 0.0), (surfaces[0], below), (surfaces[1], below)] {
        picture.context.draw_image_with_html_canvas_element(&surface.canvas, 0.0, y)?;
    }
    picture.canvas.to_data_url()
}
