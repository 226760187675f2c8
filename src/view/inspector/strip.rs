//! A value beside the band that it had to lie in and the points that it was compared with.

use crate::text;
use crate::text::inspect::{UNBOUNDED, ends};
use leptos::prelude::*;

/// What is drawn.
pub(super) struct Strip {
    pub(super) value: f64,
    pub(super) expected: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) anomaly: bool,
    /// The oldest first.
    pub(super) points: Vec<f64>,
}

/// Width and height of the drawing, in its own units.
const SIZE: (f64, f64) = (308.0, 68.0);
const MARGIN: f64 = 24.0;

/// The height of the middle of the band, and how far a dot may lie from it.
const MIDDLE: f64 = 30.0;
const JITTER: f64 = 11.0;

/// Points that are drawn: the newest. More lie on each other.
const POINTS: usize = 200;

/// Least distance between two texts under the strip.
const TEXT: f64 = 46.0;

/// From values to places.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    range: f64,
}

impl Scale {
    fn of(strip: &Strip) -> Self {
        let (has_low, has_high) = ends(strip.low, strip.high);
        let ends =
            [(has_low, strip.low), (has_high, strip.high), (true, strip.value), (true, strip.expected)];
        let all = ends.iter().filter(|(shown, _)| *shown).map(|(_, end)| end).chain(&strip.points);
        let finite = all.copied().filter(|value| value.abs() < UNBOUNDED);
        let (low, high) =
            finite.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        Self { low, range: if high > low { high - low } else { 1.0 } }
    }

    /// A value without bounds lies at the edge.
    fn x(self, value: f64) -> f64 {
        let part = ((value - self.low) / self.range).clamp(-0.05, 1.05);
        MARGIN + part * (SIZE.0 - 2.0 * MARGIN)
    }
}

/// Draws it; the figures stand in the text around.
pub(super) fn draw(strip: &Strip) -> impl IntoView + use<> {
    let scale = Scale::of(strip);
    let x = |value| scale.x(value);
    let edge = if strip.value > strip.expected { strip.high } else { strip.low };
    let outside = strip.value > strip.high || strip.value < strip.low;
    let (left, right) = (x(strip.low), x(strip.high));
    let first = strip.points.len().saturating_sub(POINTS);
    let dots: String = strip.points[first..]
        .iter()
        .enumerate()
        .map(|(at, value)| dot(x(*value), lift(first + at)))
        .collect();
    view! {
        <svg
            class="band-strip"
            class:calm=!strip.anomaly
            viewBox=format!("0 0 {} {}", SIZE.0, SIZE.1)
            aria-hidden="true"
        >
            <rect class="band" x=left y="14" width=(right - left).max(1.0) height="32" rx="2"></rect>
            <path class="past" d=dots></path>
            <line class="expected" x1=x(strip.expected) x2=x(strip.expected) y1="10" y2="50"></line>
            {outside.then(|| view! { <line class="reach" x1=x(edge) x2=x(strip.value) y1=MIDDLE y2=MIDDLE></line> })}
            <circle cx=x(strip.value) cy=MIDDLE r="5"></circle>
            {texts(strip, scale).into_iter().map(|(at, text)| view! { <text x=at y="63">{text}</text> }).collect_view()}
        </svg>
    }
}

/// A dot as a piece of a path with round ends.
fn dot(x: f64, y: f64) -> String {
    format!("M{x:.1} {y:.1}h0")
}

/// How high a point lies: the golden ratio spreads neighbours, and always the same way.
fn lift(at: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    MIDDLE + ((at as f64 * GOLDEN).fract() * 2.0 - 1.0) * JITTER
}

/// Texts under the strip: the value first, then what still has room.
fn texts(strip: &Strip, scale: Scale) -> Vec<(f64, String)> {
    let (has_low, has_high) = ends(strip.low, strip.high);
    let wanted = [
        (true, strip.value, text::short(strip.value)),
        (true, strip.expected, "expected".to_owned()),
        (has_high, strip.high, text::short(strip.high)),
        (has_low, strip.low, text::short(strip.low)),
    ];
    let mut texts: Vec<(f64, String)> = Vec::new();
    for (_, value, text) in wanted.into_iter().filter(|(shown, ..)| *shown) {
        let at = scale.x(value);
        if texts.iter().all(|(other, _)| (other - at).abs() >= TEXT) {
            texts.push((at, text));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(low: f64, high: f64) -> Strip {
        Strip { value: 30.0, expected: 20.0, low, high, anomaly: true, points: vec![10.0, 40.0] }
    }

    #[test]
    fn an_open_end_reaches_the_edge_and_moves_nothing() {
        let scale = Scale::of(&strip(-f64::MAX, 20.0));
        assert_eq!((scale.x(10.0), scale.x(40.0)), (MARGIN, SIZE.0 - MARGIN));
        assert!(scale.x(-f64::MAX) < MARGIN);
        let words: Vec<String> =
            texts(&strip(-f64::MAX, 20.0), scale).into_iter().map(|(_, text)| text).collect();
        assert_eq!(words, ["30", "expected"]);
    }

    #[test]
    fn points_that_are_all_one_have_a_place() {
        let same =
            Strip { value: 1.0, expected: 1.0, low: 1.0, high: 1.0, anomaly: false, points: vec![1.0] };
        assert_eq!(Scale::of(&same).x(1.0), MARGIN);
    }

    #[test]
    fn dots_stay_within_the_band() {
        assert!((0..1_000).all(|at| (lift(at) - MIDDLE).abs() <= JITTER));
        assert_eq!(lift(7), lift(7));
    }
}
