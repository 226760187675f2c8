//! A vector image (SVG) that plotters draws into.
//!
//! **Invariant:** one element a call, in the order of the calls, in the units of the canvas; text is escaped.
//!
//! ```text
//!   line (0, 0) → (8, 4)  ─►  <path d="M0 0L8 4" fill="none" stroke="rgb(36,118,184)" stroke-width="6"/>
//! ```

use super::caption::Caption;
use super::palette::Palette;
use super::pen::{Backend, Pen, Sheet, css};
use super::surface::Place;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, FontStyle};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

/// An image under way.
#[derive(Clone)]
pub(crate) struct Vector {
    size: (u32, u32),
    place: Place,
    /// What was drawn, and the dashes of lines from now on.
    content: Rc<RefCell<Content>>,
}

#[derive(Default)]
struct Content {
    elements: String,
    dash: String,
}

impl Vector {
    /// An empty image for a place.
    pub(crate) fn new(place: Place) -> Self {
        let units = |pixels: f64| place.units(pixels).unsigned_abs();
        Self { size: (units(place.width), units(place.height)), place, content: Rc::default() }
    }

    /// What draws into it.
    pub(crate) fn sheet(&self) -> Sheet {
        Sheet::new(Pen::Vector(self.clone()), Backend::Vector(self.clone()))
    }

    /// The whole image as a file, below a caption.
    pub(crate) fn file(&self, palette: &Palette, caption: &Caption) -> String {
        let head = Self::new(Caption::place(self.place));
        // A vector image takes everything.
        let _ = caption.draw(&head.sheet(), palette, head.place);
        let (title, above, below) = (escaped(&caption.title), head.inside(), self.inside());
        let (ground, (width, height)) = (css(palette.surface), (self.size.0, self.size.1 + head.size.1));
        let (across, down) = (self.place.width, self.place.height + head.place.height);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{across}\" height=\"{down}\" viewBox=\"0 0 {width} \
             {height}\"><title>{title}</title><rect width=\"{width}\" height=\"{height}\" fill=\"{ground}\"/>{above}<g \
             transform=\"translate(0 {})\">{below}</g></svg>\n",
            head.size.1
        )
    }

    /// What was drawn.
    fn inside(&self) -> String {
        self.content.borrow().elements.clone()
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    fn put(&self, element: std::fmt::Arguments<'_>) {
        // A string takes what is written.
        let _ = self.content.borrow_mut().elements.write_fmt(element);
    }

    pub(super) fn dash(&self, lengths: impl Iterator<Item = f64>) {
        let lengths: Vec<String> = lengths.map(|length| length.to_string()).collect();
        let none = lengths.is_empty();
        self.content.borrow_mut().dash =
            if none { String::new() } else { format!(" stroke-dasharray=\"{}\"", lengths.join(" ")) };
    }

    pub(super) fn rectangle(&self, from: BackendCoord, to: BackendCoord, colour: BackendColor) {
        let (x, y, fill) = (from.0.min(to.0), from.1.min(to.1), paint("fill", colour));
        let (width, height) = (from.0.abs_diff(to.0), from.1.abs_diff(to.1));
        self.put(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{fill}/>"));
    }

    pub(super) fn line(
        &self,
        points: impl IntoIterator<Item = BackendCoord>,
        colour: BackendColor,
        width: u32,
    ) {
        let dash = self.content.borrow().dash.clone();
        let (path, stroke) = (path(points), paint("stroke", colour));
        self.put(format_args!("<path d=\"{path}\" fill=\"none\"{stroke} stroke-width=\"{width}\"{dash}/>"));
    }

    pub(super) fn polygon(&self, corners: impl IntoIterator<Item = BackendCoord>, colour: BackendColor) {
        self.put(format_args!("<path d=\"{}Z\"{}/>", path(corners), paint("fill", colour)));
    }

    /// A circle: a ring if its line has a width, else full.
    pub(super) fn circle(&self, (x, y): BackendCoord, radius: u32, colour: BackendColor, ring: Option<u32>) {
        let look = match ring {
            Some(width) => format!(" fill=\"none\"{} stroke-width=\"{width}\"", paint("stroke", colour)),
            None => paint("fill", colour),
        };
        self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{look}/>"));
    }

    pub(super) fn discs(&self, centres: &[BackendCoord], radius: i32, colour: &str) {
        self.put(format_args!("<g fill=\"{colour}\">"));
        for (x, y) in centres {
            self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
        }
        self.put(format_args!("</g>"));
    }

    pub(super) fn strokes(
        &self,
        strokes: impl Iterator<Item = (BackendCoord, BackendCoord)>,
        width: i32,
        colour: &str,
    ) {
        let path: String = strokes.map(|((a, b), (c, d))| format!("M{a} {b}L{c} {d}")).collect();
        self.put(format_args!("<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"));
    }

    pub(super) fn text<S: BackendTextStyle>(&self, text: &str, style: &S, (x, y): BackendCoord) {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let baseline = match style.anchor().v_pos {
            VPos::Top => "text-before-edge",
            VPos::Center => "central",
            VPos::Bottom => "text-after-edge",
        };
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"700\"" } else { "" };
        let (fill, size) = (paint("fill", style.color()), style.size());
        let (family, text) = (escaped(style.family().as_str()), escaped(text));
        self.put(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-family=\"{family}\" font-size=\"{size}\"{weight} \
             text-anchor=\"{anchor}\" dominant-baseline=\"{baseline}\"{fill}>{text}</text>"
        ));
    }
}

fn path(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let step = |(i, (x, y)): (usize, BackendCoord)| format!("{}{x} {y}", if i == 0 { 'M' } else { 'L' });
    points.into_iter().enumerate().map(step).collect()
}

/// An attribute that paints, and one for how much is seen where that is not all.
fn paint(what: &str, BackendColor { alpha, rgb: (red, green, blue) }: BackendColor) -> String {
    let solid = format!(" {what}=\"rgb({red},{green},{blue})\"");
    if alpha < 1.0 { format!("{solid} {what}-opacity=\"{alpha}\"") } else { solid }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::prelude::*;

    #[test]
    fn what_plotters_draws_is_in_the_file() {
        let image = Vector::new(Place { width: 10.0, height: 5.0, ratio: 1.0 });
        let Sheet { pen, area } = image.sheet();
        area.draw(&Rectangle::new([(0, 0), (8, 4)], BLUE.mix(0.5).filled())).unwrap();
        pen.dash(Place { width: 10.0, height: 5.0, ratio: 1.0 }, &[1.0, 2.0]);
        area.draw(&PathElement::new([(0, 0), (8, 4)], RED.stroke_width(6))).unwrap();
        area.draw(&Text::new("a < b & c", (1, 2), ("\"My Font\"", 44.0).into_font())).unwrap();
        let file = image.inside();
        for element in [
            "<rect x=\"0\" y=\"0\" width=\"8\" height=\"4\" fill=\"rgb(0,0,255)\" fill-opacity=\"0.5\"/>",
            "<path d=\"M0 0L8 4\" fill=\"none\" stroke=\"rgb(255,0,0)\" stroke-width=\"6\" stroke-dasharray=\"4 8\"/>",
            ">a &lt; b &amp; c</text>",
            "font-family=\"&quot;My Font&quot;\"",
        ] {
            assert!(file.contains(element), "{element} is not in {file}");
        }
    }
}
