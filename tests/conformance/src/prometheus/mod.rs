//! The engine's alerts beside Prometheus', over generated series.
//!
//! ```text
//!   case        a seed gives series and a rule ──┬── ours ───▶ states ──┐
//!                                                │                      ├─ promtool test rules ──▶ verdicts
//!                                                └── rule file ─────────┘
//! ```
//!
//! A case is one pipeline with one rule, and the same rule in PromQL over the series that the pipeline's
//! query gives. The state of each key at each evaluation, as our transitions tell it, stands in promtool's
//! test as what Prometheus' series `ALERTS` must hold there: nothing, `pending` or `firing`.
//!
//! **Invariant:** both sides are evaluated at the same times over the same values. A window without events
//! gives no result, and is written as a stale sample: to Prometheus too the series is gone there.

mod case;
mod ours;
mod promtool;

pub use case::{Case, Sample, Window};
pub use ours::{State, pipeline_file, states};
pub use promtool::{Claim, Claims, Promtool, Verdict};
