//! The chart's colours: those of the style sheets, read once a theme.

use plotters::style::RGBAColor;

/// How many keys have a colour of their own; further ones repeat them with another dash.
pub(crate) const COLOURS: usize = 6;

/// Lengths of dash and gap in pixels, by the place of a line in the chart: lines differ in more than colour.
const DASHES: [&[f64]; 8] =
    [&[], &[], &[5.0, 3.0], &[], &[2.0, 3.0], &[8.0, 3.0, 2.0, 3.0], &[2.0, 3.0], &[8.0, 3.0, 2.0, 3.0]];

/// The dash of the line at a place.
pub(crate) fn dash(place: usize) -> &'static [f64] {
    DASHES[place % DASHES.len()]
}

/// Colours of the current theme.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Palette {
    pub(crate) ink: RGBAColor,
    pub(crate) axis: RGBAColor,
    pub(crate) grid: RGBAColor,
    pub(crate) surface: RGBAColor,
    pub(crate) fire: RGBAColor,
    pub(crate) fire_area: RGBAColor,
    pub(crate) late: RGBAColor,
    pub(crate) late_area: RGBAColor,
    /// The watermark.
    pub(crate) wm: RGBAColor,
    pub(crate) focus: RGBAColor,
    keys: [RGBAColor; COLOURS],
    /// Families of fonts.
    pub(crate) sans: String,
}

impl Palette {
    /// Reads the tokens that now hold.
    pub(crate) fn read() -> Option<Self> {
        let window = web_sys::window()?;
        let root = window.document()?.document_element()?;
        let style = window.get_computed_style(&root).ok()??;
        let dark = root.get_attribute("data-theme").as_deref() == Some("dark");
        let token = |name: &str| style.get_property_value(name).unwrap_or_default();
        let colour = |name: &str| parse(&token(name), dark).unwrap_or(RGBAColor(128, 128, 128, 1.0));
        Some(Self {
            ink: colour("--ink"),
            axis: colour("--ink-3"),
            grid: colour("--line"),
            surface: colour("--surface"),
            fire: colour("--fire"),
            fire_area: colour("--fire-bg"),
            late: colour("--late"),
            late_area: colour("--late-bg"),
            wm: colour("--wm"),
            focus: colour("--focus"),
            keys: std::array::from_fn(|i| colour(&format!("--k{}", i + 1))),
            sans: token("--sans").trim().to_owned(),
        })
    }

    /// The colour of the line at a place.
    pub(crate) fn key(&self, place: usize) -> RGBAColor {
        self.keys[place % COLOURS]
    }
}

/// A colour of a theme from `light-dark(#…, #…)`, or the one colour there is.
fn parse(text: &str, dark: bool) -> Option<RGBAColor> {
    let text = text.trim();
    let pair = text.strip_prefix("light-dark(").and_then(|rest| rest.strip_suffix(')')?.split_once(','));
    let chosen = pair.map_or(text, |(light, night)| if dark { night } else { light });
    hex(chosen.trim())
}

/// `#rrggbb` or `#rrggbbaa`.
fn hex(text: &str) -> Option<RGBAColor> {
    let digits = text.strip_prefix('#')?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let alpha = match digits.len() {
        6 => 1.0,
        8 => f64::from(byte(6)?) / 255.0,
        _ => return None,
    };
    Some(RGBAColor(byte(0)?, byte(2)?, byte(4)?, alpha))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read() {
        assert_eq!(parse(" #00795a", false), Some(RGBAColor(0, 0x79, 0x5a, 1.0)));
        assert_eq!(parse("#ffffff00", true), Some(RGBAColor(255, 255, 255, 0.0)));
        assert_eq!(parse("light-dark(#010203, #040506)", false), Some(RGBAColor(1, 2, 3, 1.0)));
        assert_eq!(parse("light-dark(#010203, #040506)", true), Some(RGBAColor(4, 5, 6, 1.0)));
        assert_eq!(parse("teal", false), None);
        assert_eq!(parse("#fff", false), None);
    }
}
