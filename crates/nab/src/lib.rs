//! The detectors on the Numenta Anomaly Benchmark: its corpus, a scorer of our own, and the one threshold
//! for a whole corpus that it allows.
//!
//! ```text
//!   data/*.csv ──► detector ──► scores ─┐
//!   labels ──► marks ───────────────────┴──► sweep: tallies at each threshold ──► best threshold, 0 to 100
//! ```
//!
//! ```
//! use kappascope_nab::corpus::{Corpus, Series};
//! use kappascope_nab::score::{Marks, PROFILES};
//! use kappascope_nab::sweep::{Rest, best, steps};
//!
//! // A hundred points, one window; the score is highest on the window's first row, so nothing is better.
//! let series = Series {
//!     name: "one".to_owned(),
//!     times: (0..100).map(|minute| 60_000 * minute).collect(),
//!     values: vec![0.0; 100],
//!     windows: vec![40..=59],
//! };
//! let mut scores = vec![0.0; 100];
//! scores[40] = 1.0;
//! let corpus = Corpus { series: vec![series] };
//! let marks = Marks::of(&corpus);
//! let steps = steps(&[scores], &marks, Rest::None);
//! let found = best(&marks.with(&steps), &PROFILES[0]);
//! assert_eq!((found.threshold, found.score), (1.0, 100.0));
//! ```

pub mod controls;
pub mod corpus;
pub mod flagship;
pub mod rows;
pub mod score;
pub mod sweep;
