//! The engine's windows beside Apache Flink's, over generated streams; its alerts beside Prometheus', in
//! [`prometheus`].
//!
//! ```text
//!   stream    a seed gives streams ──┬── engine ──▶ answers ──┐
//!                                    │                        ├─ compare ──▶ differences
//!                                    └── flink ───▶ answers ──┘
//!                                          │
//!                                          └──── golden/   Flink's answers, kept
//! ```
//!
//! **Invariant:** both sides read the same events in the same order, with the same watermark after each.
//! Measures are multiples of 1/8 far below 2^50, so every sum is exact in whatever order it is taken, and
//! numbers are compared bit by bit.

pub mod answer;
pub mod compare;
pub mod engine;
pub mod flink;
mod numbers;
pub mod prometheus;
pub mod stream;

pub use answer::Answer;
pub use compare::{Differences, compare};
pub use stream::{Family, Stream, Window};
