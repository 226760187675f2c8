//! What all workers of a run share.

use crate::failure::Stop;
use crate::job::Job;
use crate::meters::Meters;
use crate::state::StateWriter;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

pub(crate) struct Shared {
    pub(crate) job: Job,
    pub(crate) state: StateWriter,
    pub(crate) meters: Meters,
    pub(crate) runtime: Handle,
    /// Offsets to be committed, by partition.
    commits: Mutex<BTreeMap<u32, u64>>,
    failure: Mutex<Option<Stop>>,
}

impl Shared {
    pub(crate) fn new(job: Job, meters: Meters, runtime: Handle) -> Result<Self, Stop> {
        let state = StateWriter::open(job.state_address())?;
        Ok(Self { job, state, meters, runtime, commits: Mutex::default(), failure: Mutex::new(None) })
    }

    /// Ends the run; the first failure is told.
    pub(crate) fn fail(&self, stop: Stop) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(stop);
    }

    pub(crate) fn take_failure(&self) -> Option<Stop> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn commit(&self, partition: u32, offset: u64) {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, offset);
    }

    pub(crate) fn take_commits(&self) -> BTreeMap<u32, u64> {
        std::mem::take(&mut *self.commits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
