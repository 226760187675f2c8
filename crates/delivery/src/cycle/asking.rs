//! Effects: asked for, tried again, refused.

use super::{Cycle, Delivery, Outstanding, Phase};
use crate::action::{Action, EffectId, Work};
use crate::failure::Failure;
use crate::record::Decode;
use crate::settings::{FIRST_DELAY_MS, MAX_DELAY_MS};
use crate::state::{Claim, Intent, Snapshot, State, StateRecord};

impl<D: Decode> Cycle<D> {
    pub(super) fn ask(&mut self, work: Work, attempts: u32) {
        self.last_id += 1;
        let delay_ms = match attempts {
            0 => 0,
            again => (FIRST_DELAY_MS << (again - 1).min(16)).min(MAX_DELAY_MS),
        };
        self.actions.push(Action::Do { id: self.last_id, delay_ms, work: work.clone() });
        self.outstanding.insert(self.last_id, Outstanding { work, attempts });
    }

    /// Asks for an effect again. Alerts have no token: which of them are there has to be read.
    pub(super) fn again(&mut self, id: EffectId) {
        let Some(Outstanding { work, attempts }) = self.outstanding.remove(&id) else { return };
        if !matches!(work, Work::Produce { .. }) {
            self.ask(work, attempts + 1);
            return;
        }
        if let Phase::Producing(delivery) = std::mem::replace(&mut self.phase, Phase::Released) {
            self.recall(delivery, attempts + 1);
        }
    }

    pub(super) fn write_claim(&mut self) {
        self.written += 1;
        let claim = Claim {
            number: self.claim,
            writer: self.of.writer,
            version: self.engine.spec().version,
            written: self.written,
        };
        self.ask(Work::WriteState([self.keys.claim(claim)].into()), 0);
    }

    pub(super) fn write_intent(&mut self, delivery: &Delivery) {
        self.written += 1;
        let intent = Intent {
            claim: self.claim,
            version: self.engine.spec().version,
            written: self.written,
            origin: self.origin,
            next: delivery.effects.from,
            end: delivery.effects.to,
            content: delivery.content,
        };
        self.ask(Work::WriteState([self.keys.intent(intent)].into()), 0);
    }

    /// Writes where the partition stands. Once one such state is there, what others left is taken back.
    pub(super) fn write_state(&mut self, snapshot: Vec<u8>) {
        self.states += 1;
        let state = State {
            writer: self.of.writer,
            number: self.states,
            version: self.engine.spec().version,
            next: self.next,
            alerts_from: self.alerts_from,
            newest_arrival: self.engine.run_arrival(),
            results: self.engine.results(),
            snapshot: Snapshot::Chunks(0),
        };
        let leftovers = if self.states > 1 { std::mem::take(&mut self.leftovers) } else { Vec::new() };
        let mut records: Vec<StateRecord> =
            leftovers.into_iter().map(|key| StateRecord { key, value: None }).collect();
        records.extend(self.keys.state(state, snapshot, self.settings.chunk_bytes));
        self.ask(Work::WriteState(records.into()), 0);
    }

    /// A count came back: what is stored, or that tables and state are at odds.
    pub(super) fn counted(&mut self, id: EffectId, found: u64) {
        let Some(Outstanding { work: Work::Count { table, from, to, allowed }, .. }) =
            self.outstanding.remove(&id)
        else {
            return;
        };
        if allowed.contains(&found) {
            self.note_stored(table, found as usize);
            return;
        }
        let range = to.map_or(format!("from {from} on"), |to| format!("{from} to {}", to - 1));
        let allowed: Vec<String> = allowed.iter().map(u64::to_string).collect();
        let (table, expected) = (table.name(self.engine.spec()), allowed.join(" or "));
        self.doubt(Failure::Rows { place: self.place(), table, range, found, expected });
    }

    /// What should not be may be a successor's doing. Whoever wrote it claimed the partition before: once a
    /// record that this cycle writes now is read back, such a claim has been.
    pub(super) fn doubt(&mut self, failure: Failure) {
        self.outstanding.clear();
        self.write_claim();
        self.phase = Phase::Doubting(failure);
    }

    pub(super) fn refuse(&mut self, id: EffectId, reason: String) -> Result<(), Failure> {
        let Some(refused) = self.outstanding.remove(&id) else { return Ok(()) };
        Err(Failure::Refused { place: self.place(), what: refused.work.name(), reason })
    }
}
