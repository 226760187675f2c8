//! The delivery cycle of one input partition: records in, tables and alerts out, nothing lost, nothing twice.
//!
//! **Invariant:** no I/O, no clock, no thread, no randomness. A [`Cycle`] is told what happened ([`Event`])
//! and says what to do ([`Action`]), so a test can let anything happen, in any order, from a seed.

mod action;
mod batch;
mod cycle;
mod effects;
mod failure;
mod record;
mod settings;
mod state;

pub use action::{Action, EffectId, Event, Release, Work};
pub use cycle::Cycle;
pub use effects::{
    AlertRow, Effects, Figure, LateRow, RawRows, RejectedRow, Table, Texts, WindowRow, alert_id,
};
pub use failure::Failure;
pub use record::{Decode, Record, Rejection, Row};
pub use settings::{Identity, MAX_INSERT_ROWS, Settings};
pub use state::StateRecord;
