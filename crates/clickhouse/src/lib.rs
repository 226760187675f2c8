//! The tables of a pipeline in ClickHouse: made, checked, written and counted.
//!
//! ```text
//!   table                   view                 holds
//!   website_raw_e1          website_raw          every event, by topic, partition and offset
//!   website_per_minute_e1   website_per_minute   what the windows of query `per_minute` gave; the view has the newest
//!   website_late_e1         website_late         events that a query dropped
//!   website_alerts_e1       website_alerts       transitions of alerts
//!   website_rejected_e1     website_rejected     records that were no events
//! ```
//!
//! The number is the epoch: a replay writes to tables of its own, and [`Tables::switch`] lets the views show them.
//!
//! **Invariant:** an insert is one block under one token, so it is stored whole or not at all, and once however often
//! it comes; the bytes of the same rows are the same.

mod address;
mod error;
mod layout;
mod row_binary;
mod settings;
mod shape;
mod tables;

pub use address::Address;
pub use error::Error;
pub use tables::Tables;
