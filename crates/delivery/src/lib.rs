//! The delivery cycle of one input partition: records in, tables and alerts out, nothing lost, nothing twice.
//!
//! **Invariant:** no I/O, no clock, no thread, no randomness. A [`Cycle`] is told what happened ([`Event`])
//! and says what to do ([`Action`]), so a test can let anything happen, in any order, from a seed.
//!
//! A thread with several partitions has a cycle for each, and one loop: what Kafka, ClickHouse and the clock tell goes
//! into [`Cycle::handle`], and what comes out is done. An error ends the cycle.
//!
//! ```
//! use kappascope_core::Spec;
//! use kappascope_delivery::{Action, Cycle, Decode, Event, Identity, Record, Rejection, Row, Settings, Work};
//!
//! struct Numbers;
//! impl Decode for Numbers {
//!     fn decode(&mut self, record: Record<'_>, row: &mut Row) -> Result<(), Rejection> {
//!         let text = String::from_utf8_lossy(record.payload);
//!         row.time = record.timestamp;
//!         row.measures[0] = text.parse().map_err(|_| Rejection {
//!             column: Some("ms".to_owned()),
//!             reason: format!("`{text}` is no number"),
//!         })?;
//!         Ok(())
//!     }
//! }
//!
//! let spec = Spec::from_toml(r#"
//!     name = "shop"
//!     version = 1
//!     [schema]
//!     time = "at"
//!     measures = ["ms"]
//!     [[query]]
//!     name = "per_minute"
//!     window = { tumbling = "1m" }
//!     aggregates = ["count()"]
//! "#)?;
//! let of = Identity { topic: "visits".to_owned(), partition: 0, epoch: 1, writer: 0x5eed };
//! let (mut cycle, actions) = Cycle::start(&spec, of, Settings::default(), Numbers)?;
//! assert_eq!(actions, [Action::ReadState]);
//!
//! // The state topic is empty, so the partition is claimed before anything is read.
//! let actions = cycle.handle(Event::StateEnd { start: 0, alerts_end: 0 })?;
//! assert!(matches!(&actions[..], [Action::Do { work: Work::WriteState(_), .. }]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub use record::{Decode, Record, Records, Rejection, Row};
pub use settings::{Identity, MAX_INSERT_ROWS, Settings};
pub use state::StateRecord;
