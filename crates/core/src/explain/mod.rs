//! Why: the events behind a result, what became of an event, what made a point an anomaly.
//!
//! Nothing is recorded while a pipeline runs. A run is a pure function of the log, so every question is
//! answered by running again, from the start or from a [`Pipeline`] that was kept on the way:
//!
//! ```text
//!   log    0 ─────────────── kept ─────────────────────────────── until
//!                             │ 1. in blocks: in which of them does it happen?
//!                             │    ·  ·  ·  ·  ×  ·  ·  ×  ·  ·  enough
//!                             │ 2. again, those event by event
//!                             └────────────►││││──────►││││►
//! ```
//!
//! The second run gives each result the row that brought it about. Which rows a result covers follows
//! from the definition of its window: rows of its key that passed `where`, lie in the window, came before
//! the result, and were not refused, which the run says.
//!
//! **Invariant:** lineage goes both ways. A row is among [`WindowStory::rows_of`] of a result exactly when
//! its [`Fate`] names that result.
//!
//! ```
//! use kappascope_core::explain::{Outcome, Rerun, WindowTarget};
//! use kappascope_core::{Log, Spec};
//!
//! # let spec = Spec::from_toml(r#"
//! #     name = "shop"
//! #     version = 1
//! #     [schema]
//! #     time = "at"
//! #     measures = ["ms"]
//! #     [[query]]
//! #     name = "per_minute"
//! #     where = "ms > 5"
//! #     window = { tumbling = "1m" }
//! #     aggregates = ["count()"]
//! # "#)?;
//! let mut log = Log::new(&spec.schema); // one query: where ms > 5, tumbling 1m, no key
//! for (at, ms) in [(1_000, 20.0), (2_000, 3.0), (70_000, 30.0), (3_000, 40.0)] {
//!     log.append(at, 70_000, 0, &[], &[ms]);
//! }
//! let rerun = Rerun::new(&spec, &log);
//! let story = rerun.window(&WindowTarget { query: 0, key: vec![], start: 0, end: 60_000 })?;
//! assert_eq!(story.results[0].row, Some(2)); // the event at 70 s closed it
//! assert_eq!(story.rows_of(0).collect::<Vec<_>>(), [0]);
//! assert_eq!(story.refused[0].row, 3); // came after it was gone
//!
//! assert_eq!(rerun.event(1)?.queries[0].outcome, Outcome::Filtered);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod condition;
mod fate;
mod follow;
mod run;
mod session;
mod story;
mod why;

pub use crate::detect::Workings;
pub use condition::{Condition, ConditionTarget};
pub use fate::{Fate, Fed, Outcome, QueryFate};
pub use story::{Member, Refused, WindowState, WindowStory};
pub use why::{KnownBy, PointTarget, Turn, Why};

use crate::change::{Score, Timing, TopEntry, Transition, Value};
use crate::digest;
use crate::limits::Limits;
use crate::log::Log;
use crate::pipeline::Pipeline;
use crate::spec::{Spec, SpecError};
use crate::watermark::END_OF_TIME;
use run::Run;

/// What is run again for an explanation: a pipeline over a log, or over a part of it.
#[derive(Clone, Copy, Debug)]
pub struct Rerun<'a> {
    spec: &'a Spec,
    limits: Limits,
    log: &'a Log,
    from: Option<&'a Pipeline>,
    until: u64,
    finished: bool,
    block: usize,
}

impl<'a> Rerun<'a> {
    /// The whole log, by the default [`Limits`], not finished.
    #[must_use]
    pub fn new(spec: &'a Spec, log: &'a Log) -> Self {
        let (limits, until) = (Limits::default(), log.end());
        Self { spec, limits, log, from: None, until, finished: false, block: run::BLOCK }
    }

    /// By the limits that the run to explain had.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// From a state that was kept of the run to explain, which has taken the rows before
    /// [`Counters::events`](crate::Counters::events). The latest that suits a question: for a window, one
    /// whose [`newest_time`](Pipeline::newest_time) lies before its start, so that it cannot hold rows of
    /// before; for an event or a point, one that has not taken it yet.
    #[must_use]
    pub fn from(self, kept: &'a Pipeline) -> Self {
        Self { from: Some(kept), ..self }
    }

    /// Only up to this row, which is not taken: as things stood then.
    #[must_use]
    pub fn until(self, row: u64) -> Self {
        Self { until: row.min(self.log.end()), ..self }
    }

    /// Whether the run was [finished](Pipeline::finish) behind its last row.
    #[must_use]
    pub fn finished(self, finished: bool) -> Self {
        Self { finished, ..self }
    }

    /// In blocks of so many rows. No answer depends on it, which is what tests need it for.
    #[doc(hidden)]
    #[must_use]
    pub fn in_blocks_of(self, rows: usize) -> Self {
        Self { block: rows.max(1), ..self }
    }

    /// Where to begin: the state that was kept, or the oldest row held.
    fn begin(&self) -> Result<Run<'a>, ExplainError> {
        let (pipeline, row) = match self.from {
            None => (Pipeline::with_limits(self.spec, self.limits)?, self.log.start()),
            Some(kept) => (kept.clone(), kept.counters().events),
        };
        if pipeline.fingerprint != digest::of_spec(self.spec) {
            return Err(ExplainError::ForeignState);
        }
        if row < self.log.start() {
            return Err(ExplainError::RowGone { row, oldest: self.log.start() });
        }
        if pipeline.watermark() == END_OF_TIME {
            return Err(ExplainError::StateFinished);
        }
        if row > self.until {
            return Err(ExplainError::StateAhead { row, until: self.until });
        }
        let Self { log, until, finished, block, .. } = *self;
        Ok(Run { log, pipeline, row, until, finished, block })
    }

    fn name_of(&self, query: u32) -> &'a str {
        self.spec.query.get(query as usize).map_or("?", |query| &query.name)
    }
}

/// Which windows to explain: those of a query and key with these bounds. There can be several if they
/// hold single events or are counted; then the story is of them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowTarget {
    /// Index of the query.
    pub query: u32,
    /// The strings of the key, in the order of the query's `by`.
    pub key: Vec<String>,
    /// First millisecond, as any of its results says.
    pub start: i64,
    /// One past the last, as the same result says.
    pub end: i64,
}

impl WindowTarget {
    /// The window of a result that this pipeline has given.
    #[must_use]
    pub fn of(pipeline: &Pipeline, result: &crate::WindowResult) -> Self {
        let key = pipeline.key_names(result.query, result.key).map(str::to_owned).collect();
        Self { query: result.query, key, start: result.start, end: result.end }
    }
}

/// A value of a result, on its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// See [`Value::Count`].
    Count(u64),
    /// See [`Value::Real`].
    Real(f64),
    /// See [`Value::Top`].
    Top(Vec<TopEntry>),
}

impl Figure {
    /// As [`Value::as_f64`].
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Count(n) => Value::Count(*n).as_f64(),
            Self::Real(x) => *x,
            Self::Top(entries) => Value::Top(entries).as_f64(),
        }
    }
}

impl From<Value<'_>> for Figure {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Count(n) => Self::Count(n),
            Value::Real(x) => Self::Real(x),
            Value::Top(entries) => Self::Top(entries.to_vec()),
        }
    }
}

/// A result of a window, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The row of the log that brought it about; `None` when the end of the log did.
    pub row: Option<u64>,
    /// First millisecond of the window.
    pub start: i64,
    /// One past its last.
    pub end: i64,
    /// Its number among the results of the window.
    pub revision: u32,
    /// Early, on time or a correction.
    pub timing: Timing,
    /// Whether it takes the result of that revision back.
    pub retraction: bool,
    /// In the order of the query's aggregates.
    pub values: Vec<Figure>,
    /// What detectors made of it.
    pub points: Vec<Judged>,
}

/// A detector's point, and the alerts that it moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The point with its score.
    pub score: Score,
    /// Transitions that it brought about.
    pub alerts: Vec<Transition>,
}

/// Why there is no explanation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The pipeline cannot run.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The kept state is not of this pipeline.
    #[error("the kept state is of another pipeline; one of the same file would fit")]
    ForeignState,
    /// The kept state is past what was asked.
    #[error("the kept state is at row {row}; one at row {until} or before would fit")]
    StateAhead {
        /// Where the state stands.
        row: u64,
        /// Where it had to stand at the latest.
        until: u64,
    },
    /// The kept state is of a run that was finished.
    #[error("the kept state is of a finished run; one from before its end would fit")]
    StateFinished,
    /// The log has let go of rows that would have to be read again.
    #[error("row {row} is no longer held; the oldest is {oldest}")]
    RowGone {
        /// The first that is needed.
        row: u64,
        /// The first there is.
        oldest: u64,
    },
    /// There is no such row yet.
    #[error("row {row} is not there yet; the run ends before row {until}")]
    RowAhead {
        /// The one that was asked for.
        row: u64,
        /// One past the newest.
        until: u64,
    },
    /// No window of a query and key has these bounds, or it holds nothing and was given nothing.
    #[error("query `{query}` has no window [{start}, {end}) of this key in rows {from} to {until}")]
    NoSuchWindow {
        /// Name of the query.
        query: String,
        /// As asked.
        start: i64,
        /// As asked.
        end: i64,
        /// First row that was run again.
        from: u64,
        /// One past the last.
        until: u64,
    },
    /// No detector gave this score, or no rule made this transition.
    #[error("no such point at {start} in rows {from} to {until}")]
    NoSuchPoint {
        /// Its time, as asked.
        start: i64,
        /// First row that was run again.
        from: u64,
        /// One past the last.
        until: u64,
    },
}
