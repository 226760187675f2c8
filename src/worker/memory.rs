//! What the worker may hold.
//!
//! A browser never takes WebAssembly memory back, so the bounds are on the most that is held at any time:
//!
//! | bound | of |
//! |---|---|
//! | [`MEMORY_BYTES`] | everything in the worker: a session that would pass it stops, and says so |
//! | [`LOG_BYTES`] | the rows of the log; those that the engine has read are let go of beyond it |
//! | [`POINTS_KEPT`] | results that the chart can still draw; the oldest go |
//! | [`REJECTED_KEPT`] | refused records that can be downloaded; all are counted |

/// The page's budget. A browser gives a tab up to 4 GiB; a quarter leaves room for the other tabs of a
/// small machine.
pub(super) const MEMORY_BYTES: f64 = 1_073_741_824.0;

/// A quarter of [`MEMORY_BYTES`]. The log's columns double as they grow: up to as much again is reserved,
/// and while a column moves, or after, its old place may lie unused.
pub(super) const LOG_BYTES: usize = 256 << 20;

/// At 56 bytes a point, and up to twice that while a line grows, at most 56 MB.
pub(super) const POINTS_KEPT: usize = 500_000;

/// At about 250 bytes a record, at most 25 MB.
pub(super) const REJECTED_KEPT: usize = 100_000;
