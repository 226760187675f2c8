//! The parts of the page, in the order in which data flows.
//!
//! **Invariant:** views show what [`crate::state::Store`] holds; none computes a figure of its own.

#![expect(unreachable_pub, reason = "leptos makes what it derives from a component public")]

pub(crate) mod data;
pub(crate) mod dialogs;
pub(crate) mod disorder;
pub(crate) mod distribution;
pub(crate) mod easel;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod inspector;
pub(crate) mod lag;
pub(crate) mod main_chart;
pub(crate) mod notices;
mod pinned;
pub(crate) mod scene;
mod sink;
pub(crate) mod strip;
pub(crate) mod tables;

pub(crate) use crate::chart::groups;
use crate::state::{Ghost, Store};
use crate::wire::{Frame, View};

/// A chart that is drawn by the page's animation frame, and not by signals.
pub(crate) trait Drawing {
    /// Whether it has to be drawn again, though the frame is the same. Asking makes it fresh.
    fn take_stale(&self) -> bool;

    /// Whether it shows a frame otherwise than the one that it drew before.
    fn differs(&self, _before: &Ghost, _frame: &Frame, _figures: &[f64]) -> bool {
        true
    }

    /// Draws a frame, beside an earlier one to compare with.
    fn draw(&self, store: Store, frame: &Frame, figures: &[f64], ghost: Option<&Ghost>);

    /// Says what it wants to find in the next frame.
    fn ask(&self, view: &mut View);
}

/// All charts of the page.
#[derive(Clone, Copy)]
pub(crate) struct Easels {
    pub(crate) main: main_chart::MainEasel,
    pub(crate) disorder: disorder::DisorderEasel,
    pub(crate) distribution: distribution::DistributionEasel,
    pub(crate) lag: lag::LagEasel,
    pub(crate) sink: sink::SinkEasel,
}

impl Easels {
    /// Easels without charts: the cards put them on.
    pub(crate) fn new() -> Self {
        easel::notice_scrolling();
        Self {
            main: main_chart::MainEasel::new(),
            disorder: disorder::DisorderEasel::new(),
            distribution: distribution::DistributionEasel::new(),
            lag: lag::LagEasel::new(),
            sink: sink::SinkEasel::new(),
        }
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.main.renew_theme();
        self.disorder.renew_theme();
        self.distribution.renew_theme();
        self.lag.renew_theme();
        self.sink.renew_theme();
    }

    /// All of them, to be drawn.
    pub(crate) fn all(&self) -> [&dyn Drawing; 5] {
        [&self.main, &self.disorder, &self.distribution, &self.lag, &self.sink]
    }
}

/// The page's charts, from anywhere in the page.
pub(crate) fn use_easels() -> Easels {
    leptos::prelude::expect_context()
}

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
