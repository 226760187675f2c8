//! What a run has done so far, for who looks on.

use kappascope_core::{AlertState, Pipeline};
use kappascope_delivery::{Effects, StateRecord};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a run has done so far, and where its partitions are. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    partitions: Arc<Mutex<BTreeMap<u32, Standing>>>,
    done: Arc<Mutex<Done>>,
    retries: Arc<AtomicU64>,
}

/// What was stored since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows.
    pub events: u64,
    /// Window results.
    pub windows: u64,
    /// Events that a query dropped.
    pub late: u64,
    /// Records that were no rows.
    pub rejected: u64,
    /// Alerts that fired.
    pub alerts: u64,
    /// Batches.
    pub batches: u64,
}

/// Where a partition of this process stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The next offset whose effects are not known to be stored.
    pub next: u64,
    /// One past the last offset of the partition, if it is known.
    pub end: Option<u64>,
    /// Event time up to which it is taken to be complete, in epoch milliseconds.
    pub watermark: Option<i64>,
    /// The newest event time.
    pub newest_time: Option<i64>,
    /// Windows that are open.
    pub open_windows: u64,
    /// Points that a detector called anomalies, since the partition's start.
    pub anomalies: u64,
    /// Bytes of its last state.
    pub state_bytes: u64,
}

impl Meters {
    /// What was stored since the start.
    #[must_use]
    pub fn done(&self) -> Done {
        *lock(&self.done)
    }

    /// How often an effect had to be tried again.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// The partitions of this process.
    #[must_use]
    pub fn partitions(&self) -> BTreeMap<u32, Standing> {
        lock(&self.partitions).clone()
    }

    pub(crate) fn stored(&self, partition: u32, effects: &Effects, pipeline: &Pipeline) {
        let mut done = lock(&self.done);
        done.batches += 1;
        done.events += effects.raw.offset.len() as u64;
        done.windows += effects.windows.iter().map(Vec::len).sum::<usize>() as u64;
        done.late += effects.late.len() as u64;
        done.rejected += effects.rejected.len() as u64;
        let fired = effects.alerts.iter().filter(|alert| alert.state == AlertState::Firing);
        done.alerts += fired.count() as u64;
        drop(done);
        let some = |time: i64| Some(time).filter(|time| *time > i64::MIN);
        self.of(partition, |standing| {
            standing.watermark = some(pipeline.watermark());
            standing.newest_time = some(pipeline.newest_time());
            standing.open_windows = pipeline.open_windows() as u64;
            standing.anomalies = pipeline.counters().anomalies;
        });
    }

    pub(crate) fn read(&self, partition: u32, next: u64, end: Option<u64>) {
        self.of(partition, |standing| (standing.next, standing.end) = (next, end.or(standing.end)));
    }

    pub(crate) fn wrote_state(&self, partition: u32, records: &[StateRecord]) {
        let bytes: usize = records.iter().filter_map(|record| record.value.as_deref()).map(<[u8]>::len).sum();
        let is_state = |record: &StateRecord| record.key.contains("|state|");
        if records.iter().any(is_state) {
            self.of(partition, |standing| standing.state_bytes = bytes as u64);
        }
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn released(&self, partition: u32) {
        lock(&self.partitions).remove(&partition);
    }

    fn of(&self, partition: u32, set: impl FnOnce(&mut Standing)) {
        set(lock(&self.partitions).entry(partition).or_default());
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
