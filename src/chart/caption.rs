//! What stands above a chart that is saved as a picture: what it shows, of which times, and what its marks mean.
//!
//! ```text
//!   Events per minute                                 title
//!   website, 5 Jan 2026 10:32 – 12:02 UTC, count()    about
//!   ▒ expected of click   ○ anomaly   ▒ alert firing  signs
//! ```

use super::palette::Palette;
use super::pane::{Pane, Words};
use super::pen::{Drawn, Sheet};
use super::surface::Place;
use plotters::prelude::*;

/// Heights of the lines' middles, and of all.
const TITLE: f64 = 20.0;
const ABOUT: f64 = 40.0;
const SIGNS: f64 = 60.0;
const HEIGHT: f64 = 72.0;

const LEFT: f64 = 14.0;
const TITLE_TEXT: f64 = 14.0;
const TEXT: f64 = 12.0;

/// Average width of a letter of this text, and what a sign needs beside its words.
const LETTER: f64 = 6.2;
const SIGN: f64 = 34.0;

/// A mark whose meaning is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sign {
    /// The band of the key at a place.
    Band(usize),
    Anomaly,
    Firing,
    Truth,
}

/// What stands above a picture.
pub(crate) struct Caption {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) signs: Vec<(Sign, String)>,
}

impl Caption {
    /// Where it lies, above a chart at a place.
    pub(super) fn place(place: Place) -> Place {
        Place { height: HEIGHT, ..place }
    }

    pub(super) fn draw(&self, sheet: &Sheet, palette: &Palette, place: Place) -> Drawn {
        let Sheet { area, pen } = sheet;
        let pane = Pane { place, left: LEFT, right: place.width, top: 0.0, bottom: HEIGHT };
        let words = Words { size: TEXT, ..Words::axis(palette) };
        let title = Words { size: TITLE_TEXT, bold: true, colour: palette.ink, ..words.clone() };
        pane.write(area, &title, &self.title, (LEFT, TITLE))?;
        pane.write(area, &words, &self.about, (LEFT, ABOUT))?;
        let mut x = LEFT;
        for (sign, name) in &self.signs {
            let field = |(x, y), size, colour| area.draw(&pane.sharp((x, y), size, colour));
            match sign {
                Sign::Band(place) => field((x, SIGNS - 5.0), (12.0, 10.0), palette.key(*place).mix(0.3))?,
                Sign::Firing => field((x, SIGNS - 5.0), (12.0, 10.0), palette.fire_area)?,
                Sign::Truth => field((x, SIGNS - 1.0), (12.0, 3.0), palette.axis)?,
                Sign::Anomaly => {
                    let centre = [pane.at(x + 6.0, SIGNS)];
                    pen.discs(&centre, place.units(5.5), palette.fire);
                    pen.discs(&centre, place.units(3.5), palette.surface);
                }
            }
            pane.write(area, &words, name, (x + 18.0, SIGNS))?;
            x += SIGN + LETTER * name.chars().count() as f64;
        }
        Ok(())
    }
}
