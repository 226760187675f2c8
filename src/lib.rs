//! The Kappascope page and its Web Worker, for the two binaries of this package.
//!
//! ```text
//!   page: app ─ view ─ chart            worker: feed ─ log ─ pipeline ─ history
//!           └── state ── link  ◄─ wire ─►  host ──┘
//! ```
//!
//! **Invariant:** the engine runs in the worker only; [`wire`] alone knows what the two say to each other.

pub mod app;
mod chart;
pub mod columns;
mod data;
mod formula;
mod inquiry;
pub mod js;
mod jump;
mod knob;
mod link;
mod patch;
mod permalink;
mod state;
mod stats;
mod text;
mod ui;
mod view;
pub mod wire;
pub mod worker;
