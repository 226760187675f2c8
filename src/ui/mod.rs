//! Small parts that views are made of.

#![expect(unreachable_pub, reason = "leptos makes what it derives from a component public")]

pub(crate) mod dialog;
pub(crate) mod icon;
pub(crate) mod menu;
pub(crate) mod slider;
pub(crate) mod theme;
