//! Records become batches, and a full batch the intent to store it.

use super::{Cycle, Delivery, Phase, Saved};
use crate::action::Action;
use crate::batch::Batch;
use crate::failure::Failure;
use crate::record::{Decode, Records};
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::sync::Arc;

impl<D: Decode> Cycle<D> {
    /// Records that came before they were asked for, or come again, are passed over.
    pub(super) fn fetch(&mut self, records: Records) {
        if self.has_sought()
            && let Some(last) = records.last_offset()
        {
            self.waiting.push(records, self.wanted);
            self.wanted = self.wanted.max(last + 1);
        }
    }

    /// Fills the batch from what waits; gives whether it was closed.
    pub(super) fn fill(&mut self, mut batch: Batch) -> Result<bool, Failure> {
        while !self.is_full(&batch) {
            let Some(offset) = self.waiting.next_offset() else { break };
            self.check_end(offset)?;
            if batch.records == 0 {
                batch.since_ms = self.now_ms;
            }
            self.waiting.pop(|record| self.engine.take(&mut batch, record, &mut self.decoder));
        }
        if self.is_full(&batch) {
            self.close_batch(batch)?;
            return Ok(true);
        }
        match self.fetch_failure.take() {
            Some(failure) => self.doubt(failure),
            None => self.phase = Phase::Filling(batch),
        }
        Ok(false)
    }

    /// The offset that a batch must end at, if there is one: where the engine was, or where the batch ended then.
    fn fixed_end(&self) -> Option<u64> {
        if self.is_replaying() { Some(self.stored_to) } else { self.recorded.map(|recorded| recorded.end) }
    }

    fn check_end(&self, offset: u64) -> Result<(), Failure> {
        match self.fixed_end().filter(|end| offset >= *end) {
            Some(end) => Err(Failure::EndIsGone { place: self.place(), last: end - 1, found: offset }),
            None => Ok(()),
        }
    }

    /// Whether a batch is to be closed. What is run again may be cut anywhere, as nothing of it leaves.
    fn is_full(&self, batch: &Batch) -> bool {
        let Settings { batch_rows, batch_bytes, batch_ms, first_batch_ms, .. } = self.settings;
        let is_large = batch.records >= batch_rows || batch.bytes >= batch_bytes;
        match self.fixed_end() {
            Some(end) if batch.end() == end => true,
            Some(_) => self.is_replaying() && is_large,
            None => {
                let wait_ms = if self.has_stored { batch_ms } else { first_batch_ms };
                let is_old = self.now_ms - batch.since_ms >= wait_ms;
                batch.records > 0 && (is_large || is_old)
            }
        }
    }

    fn close_batch(&mut self, batch: Batch) -> Result<(), Failure> {
        let (effects, content) = self.engine.run(batch, &self.of);
        if self.is_replaying() {
            self.next = effects.to;
            self.fill_anew();
            return Ok(());
        }
        if self.recorded.is_some_and(|recorded| recorded.content != content) {
            let (from, last) = (effects.from, effects.to - 1);
            return Err(Failure::OtherBatch { place: self.place(), from, last });
        }
        self.intend(Delivery {
            effects: Arc::new(effects),
            content,
            stored: BTreeMap::new(),
            is_recorded: self.recorded.is_some(),
            intended_ms: 0,
        });
        Ok(())
    }

    /// Writes down that a batch is about to be stored, or still is.
    pub(super) fn intend(&mut self, mut delivery: Delivery) {
        delivery.intended_ms = self.now_ms;
        self.write_intent(&delivery);
        self.phase = Phase::Intending(delivery);
    }

    /// All of the batch was acknowledged: it is over.
    pub(super) fn close(&mut self, delivery: &Delivery) -> Result<(), Failure> {
        self.next = delivery.effects.to;
        self.stored_to = self.next;
        self.has_stored = true;
        self.recorded = None;
        self.seen.clear();
        self.actions.push(Action::Stored(delivery.effects.clone()));
        self.actions.push(Action::Commit(self.next));
        let is_due = self.now_ms - self.saved.at_ms >= self.settings.state_ms;
        if is_due || self.has_many_strings() {
            return self.save();
        }
        self.fill_anew();
        Ok(())
    }

    fn has_many_strings(&self) -> bool {
        self.engine.strings() > self.settings.dictionary_strings
    }

    /// Writes a state: where to go on.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        self.saved = Saved { next: self.next, at_ms: self.now_ms };
        let snapshot = self.engine.snapshot();
        if self.has_many_strings() {
            self.engine.shed(&snapshot).map_err(|reason| self.refuse_state(reason))?;
        }
        self.write_state(snapshot);
        self.phase = Phase::Saving;
        Ok(())
    }

    pub(super) fn fill_anew(&mut self) {
        self.phase = Phase::Filling(Batch::new(self.engine.spec(), self.next));
    }
}
