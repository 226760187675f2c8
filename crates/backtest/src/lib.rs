//! What a pipeline's alerts would have caught, missed and cried wolf over, against what really happened.
//!
//! ```text
//!   pipeline + parameters ─► settings ─► run ─► alerts ─┐
//!                                                       ├─► judge ─► outcome of each setting ─► sweep: the best
//!   ground truth ─────────────────────────────► labels ─┘
//! ```
//!
//! **Invariant:** the alerts are the engine's own, so what a backtest says of a setting is what running it
//! would have said.

pub mod judge;
pub mod label;
pub mod run;
pub mod setting;
pub mod sweep;

pub use judge::{Judge, Outcome, Part};
pub use label::Label;
pub use run::Alert;
pub use setting::{Parameter, Setting, SweepError};
pub use sweep::{Sweep, sweep};
