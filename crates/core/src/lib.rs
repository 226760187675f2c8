//! The engine of Kappascope: an append-only [`log`], event-time [`window`]s under a [`watermark`],
//! [`aggregate`]s, [`detect`]ors and [`alert`] rules, joined by one [`Pipeline`].
//!
//! **Invariant:** what comes out is a pure function of the pipeline's description and of the log's
//! prefix. Nothing here reads a clock, a file, an environment variable, a random source or the order
//! of a hash map, so WebAssembly and native code give the same bits, however the log is cut into blocks.
//!
//! ```
//! use kappascope_core::{Change, Log, Pipeline, Spec};
//!
//! let spec = Spec::from_toml(r#"
//!     name = "shop"
//!     version = 1
//!     [schema]
//!     time = "at"
//!     keys = ["page"]
//!     measures = ["ms"]
//!     [watermark]
//!     bound = "5s"
//!     [[query]]
//!     name = "per_minute"
//!     by = ["page"]
//!     window = { tumbling = "1m" }
//!     aggregates = ["count()", "avg(ms)"]
//! "#)?;
//! let mut log = Log::new(&spec.schema);
//! let home = log.intern(0, "home");
//! log.append(1_000, 1_000, 0, &[home], &[20.0]);
//! log.append(2_000, 2_000, 0, &[home], &[40.0]);
//! log.append(70_000, 70_000, 0, &[home], &[30.0]); // the watermark passes 60 s: the first window fires
//!
//! let mut pipeline = Pipeline::new(&spec)?;
//! pipeline.push(log.read(0, usize::MAX));
//! let changes = pipeline.changes();
//! let Some(Change::Window(window)) = changes.iter().next() else { unreachable!() };
//! assert_eq!((window.start, window.end), (0, 60_000));
//! assert_eq!(changes.value_of(window, 1).as_f64(), 30.0);
//! # Ok::<(), kappascope_core::SpecError>(())
//! ```

mod accumulate;
pub mod aggregate;
pub mod alert;
pub mod backpressure;
mod cells;
pub mod change;
pub mod detect;
pub mod digest;
pub mod explain;
pub mod filter;
mod judge;
pub mod key;
mod limits;
pub mod log;
mod message;
pub mod pipeline;
mod plan;
mod query;
mod rules;
pub mod snapshot;
pub mod spec;
pub mod time;
pub mod watermark;
pub mod window;
pub mod words;

pub use change::{
    AlertState, Cause, Change, Changes, Drop, DropReason, Score, Timing, TopEntry, Transition, Value,
    WindowResult,
};
pub use limits::Limits;
pub use log::{Block, Events, Log};
pub use pipeline::{Counters, Pipeline};
pub use snapshot::SnapshotError;
pub use spec::{Spec, SpecError};
pub use time::Millis;
