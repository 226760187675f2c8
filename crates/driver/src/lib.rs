//! Drives delivery cycles: Kafka in, ClickHouse tables and alerts out.
//!
//! ```text
//!   group ─► member ─┬► worker of partition 0: records, state ─► cycle ─► hands ─► state topic, tables, alerts, webhook
//!                    └► worker of partition 1: …                 ▲              │
//!                                                                └── letters ◄──┘
//! ```
//!
//! The consumer group only says which partitions are this process's. Each has a worker: a thread with a cycle, which
//! reads the partition's state by itself, and never waits for an effect. Another thread fetches the records.
//!
//! **Invariant:** the cycle decides and this crate does: nothing here skips a record, or takes an effect for done that
//! was not acknowledged.

mod alerts;
mod caught_up;
mod clock;
mod decode;
mod failure;
mod fetch;
#[cfg(feature = "controls")]
mod flaw;
mod hands;
mod job;
mod lines;
mod mail;
mod member;
mod meters;
mod reader;
mod shared;
mod state;
mod told;
mod topics;
mod webhook;
mod worker;

pub use failure::Stop;
#[cfg(feature = "controls")]
pub use flaw::Flaw;
pub use job::{Job, Told};
pub use lines::Lines;
pub use meters::{Done, Meters, Standing};
pub use webhook::Webhook;

use shared::Shared;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Makes the topics and tables that a job needs and are not there.
///
/// # Errors
/// When one cannot be made.
pub async fn create(job: &Job) -> Result<(), Stop> {
    topics::make(job).await?;
    if let Some(tables) = &job.tables {
        tables.create().await?;
    }
    Ok(())
}

/// Whether topics and tables are there, reachable, and as a job needs them.
///
/// # Errors
/// When one is not.
pub async fn check(job: &Job) -> Result<(), Stop> {
    topics::check(job)?;
    if let Some(tables) = &job.tables {
        tables.check().await?;
    }
    Ok(())
}

/// Runs a job until it is asked to stop: batches that were begun are finished then. To be called from a thread of its
/// own, as it blocks; effects are done on the runtime.
///
/// # Errors
/// When it cannot go on. Nothing was skipped, and the same job goes on from there.
pub fn run(
    job: Job,
    meters: Meters,
    runtime: &Handle,
    is_asked_to_stop: impl Fn() -> bool,
) -> Result<(), Stop> {
    let shared = Arc::new(Shared::new(job, meters, runtime.clone())?);
    caught_up::watch(&shared)?;
    member::take_part(&shared, is_asked_to_stop)
}
