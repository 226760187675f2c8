//! The parts of the page, in the order in which data flows.
//!
//! **Invariant:** views show what [`crate::state::Store`] holds; none computes a figure of its own.

#![expect(unreachable_pub, reason = "leptos makes what it derives from a component public")]

pub(crate) mod data;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod inspector;
pub(crate) mod main_chart;
pub(crate) mod notices;
pub(crate) mod scene;
pub(crate) mod strip;
pub(crate) mod tables;

use crate::wire::Frame;

/// The style of the dot of a key: its place in the chart, as a class.
pub(crate) fn dot_class(frame: &Frame, key: &str) -> &'static str {
    let place = frame.series.iter().position(|series| series.name == key);
    place.map_or("dot", dot_class_at)
}

/// The style of the dot of the line at a place.
pub(crate) fn dot_class_at(place: usize) -> &'static str {
    const CLASSES: [&str; crate::chart::COLOURS] =
        ["dot k1", "dot k2", "dot k3", "dot k4", "dot k5", "dot k6"];
    CLASSES[place % CLASSES.len()]
}

/// A key for people: events without a key are all one.
pub(crate) fn key_name(key: &str) -> &str {
    if key.is_empty() { "all" } else { key }
}
