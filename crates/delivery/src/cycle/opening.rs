//! On start: whose the partition is, where to go on, and whether tables and state belong together.

use super::{Cycle, Phase, Saved};
use crate::action::{Action, Release, Work};
use crate::effects::Table;
use crate::failure::Failure;
use crate::record::Decode;
use crate::state::{Found, Origin, StateRecord, Value, read};
use kappascope_core::SnapshotError;

impl<D: Decode> Cycle<D> {
    /// A record of the state partition: before the claim all are kept, afterwards only claims of others matter.
    pub(super) fn read_state(&mut self, record: StateRecord) -> Result<(), Failure> {
        if !self.keys.are_of(&record.key) {
            return Ok(());
        }
        self.outstanding.retain(|_, outstanding| match &outstanding.work {
            Work::WriteState(records) => records.last() != Some(&record),
            _ => true,
        });
        let value = read(&record, &self.place())?;
        if matches!(self.phase, Phase::Reading | Phase::Claiming) {
            self.held.take(record.key, value);
        } else if let Some(Value::Claim(claim)) = value
            && claim.writer != self.of.writer
            && claim.number > self.claim
        {
            self.release(Release::Fenced);
        }
        Ok(())
    }

    /// All is read that was there. Another version of the pipeline does not claim what it could not go on with.
    pub(super) fn end_of_state(&mut self, start: u64, alerts_from: u64) -> Result<(), Failure> {
        if matches!(self.phase, Phase::Reading) {
            self.check_version()?;
            self.origin = Origin { start, alerts_from };
            self.claim();
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), Failure> {
        let expected = self.engine.spec().version;
        match self.held.version().filter(|found| *found != expected) {
            Some(found) => Err(Failure::OtherVersion { place: self.place(), found, expected }),
            None => Ok(()),
        }
    }

    fn claim(&mut self) {
        self.claim = self.held.highest_claim_but(self.of.writer) + 1;
        self.write_claim();
        self.phase = Phase::Claiming;
    }

    /// The claim was read back: what came before it is where to go on.
    pub(super) fn own(&mut self) -> Result<(), Failure> {
        if self.held.highest_claim_but(self.of.writer) >= self.claim {
            self.claim();
            return Ok(());
        }
        self.check_version()?;
        let held = std::mem::take(&mut self.held);
        self.leftovers = held.others(&self.keys);
        let Found { state, intent } = held.found(&self.keys, &self.place())?;
        let is_new = state.is_none() && intent.is_none();
        if let Some(intent) = &intent {
            self.origin = intent.origin;
        }
        (self.next, self.alerts_from) = (self.origin.start, self.origin.alerts_from);
        if let Some((state, snapshot)) = state {
            self.engine
                .resume(&snapshot, state.newest_arrival, state.results)
                .map_err(|reason| self.refuse_state(reason))?;
            (self.next, self.alerts_from) = (state.next, state.alerts_from);
        }
        self.stored_to = self.next.max(intent.as_ref().map_or(0, |intent| intent.next));
        self.recorded = intent.filter(|intent| intent.end > self.stored_to);
        self.guard(is_new);
        Ok(())
    }

    pub(super) fn refuse_state(&self, reason: SnapshotError) -> Failure {
        Failure::OtherState { place: self.place(), reason }
    }

    /// Counts rows behind all that was begun, and in a partition that is new, all rows. There are none.
    fn guard(&mut self, is_new: bool) {
        let from = match &self.recorded {
            Some(recorded) => recorded.end,
            None if is_new => 0,
            None => self.stored_to,
        };
        for table in self.counted_tables() {
            self.ask(Work::Count { table, from, to: None, allowed: vec![0] }, 0);
        }
        self.phase = Phase::Guarding;
    }

    pub(super) fn seek(&mut self) {
        self.wanted = self.next;
        self.saved = Saved { next: self.next, at_ms: self.now_ms };
        self.actions.push(Action::Seek(self.next));
        // The group may not have heard it from whoever stored the last batch.
        self.actions.push(Action::Commit(self.next()));
        self.fill_anew();
    }

    pub(super) fn counted_tables(&self) -> Vec<Table> {
        self.tables.iter().copied().filter(|table| table.has_offsets()).collect()
    }
}
