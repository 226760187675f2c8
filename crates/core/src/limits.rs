//! Bounds on what a pipeline holds. Reaching one is told and counted; it never stops a run.

/// Bounds on a query's state. What would pass one is dropped with its reason and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Distinct keys of one query.
    pub keys: u32,
    /// Panes of one query held at a time: lateness over size, and disorder, decide how many a stream needs.
    pub open_windows: usize,
    /// Pairs of pane and key, sessions, or events kept for count and rolling windows, of one query.
    pub cells: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 1_000_000, open_windows: 100_000, cells: 10_000_000 }
    }
}
