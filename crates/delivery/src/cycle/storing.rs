//! A batch that was intended goes to the tables and to the alerts topic.

use super::{Cycle, Delivery, Phase};
use crate::action::{EffectId, Work};
use crate::effects::{Table, token};
use crate::record::Decode;

impl<D: Decode> Cycle<D> {
    /// The intent was read back. Of a batch that was begun before, what is stored has to be learnt.
    pub(super) fn check(&mut self, delivery: Delivery) {
        if delivery.is_recorded {
            for table in self.counted_tables() {
                let rows = delivery.effects.rows(table) as u64;
                let parts = (0..rows).step_by(self.settings.insert_rows);
                self.count_batch(&delivery, table, parts.chain([rows]).collect());
            }
        }
        self.phase = Phase::Checking(delivery);
    }

    /// Asks for the next part of each table's rows. A part leaves when the one before it is stored, so that
    /// a count of the rows says which parts are.
    pub(super) fn insert(&mut self, delivery: Delivery) {
        let parts = self.tables.iter().filter_map(|&table| {
            let rows = delivery.effects.rows(table);
            let from = delivery.stored.get(&table).copied().unwrap_or(0);
            (from < rows).then(|| {
                let part = from / self.settings.insert_rows;
                let token = token(self.engine.spec(), &self.of, table, &delivery.effects, part);
                let rows = from..rows.min(from + self.settings.insert_rows);
                Work::Insert { table, token, effects: delivery.effects.clone(), rows }
            })
        });
        let parts: Vec<Work> = parts.collect();
        if parts.is_empty() {
            self.verify(delivery);
            return;
        }
        parts.into_iter().for_each(|work| self.ask(work, 0));
        self.phase = Phase::Inserting(delivery);
    }

    /// Of a batch that was begun before, every table has each row once: its token was not forgotten.
    fn verify(&mut self, delivery: Delivery) {
        if delivery.is_recorded {
            for table in self.counted_tables() {
                self.count_batch(&delivery, table, vec![delivery.effects.rows(table) as u64]);
            }
        }
        self.phase = Phase::Verifying(delivery);
    }

    fn count_batch(&mut self, delivery: &Delivery, table: Table, allowed: Vec<u64>) {
        let (from, to) = (delivery.effects.from, Some(delivery.effects.to));
        self.ask(Work::Count { table, from, to, allowed }, 0);
    }

    /// Rows that are stored, as was acknowledged or counted.
    pub(super) fn note_stored(&mut self, table: Table, rows: usize) {
        if let Phase::Checking(delivery) | Phase::Inserting(delivery) = &mut self.phase {
            let stored = delivery.stored.entry(table).or_default();
            *stored = rows.max(*stored);
        }
    }

    /// An effect is acknowledged.
    pub(super) fn done(&mut self, id: EffectId) {
        if let Some(Work::Insert { table, rows, .. }) = self.outstanding.remove(&id).map(|done| done.work) {
            self.note_stored(table, rows.end);
        }
    }

    /// Time passes. When a batch takes long, another may have claimed the partition, stored the batch, and
    /// the tables may have forgotten its tokens: the intent is renewed, and read back, before more leaves for them.
    pub(super) fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        self.phase = match std::mem::replace(&mut self.phase, Phase::Released) {
            Phase::Checking(delivery) | Phase::Inserting(delivery) | Phase::Verifying(delivery)
                if self.now_ms - delivery.intended_ms >= self.settings.lease_ms =>
            {
                self.outstanding.clear();
                return self.intend(Delivery { is_recorded: true, ..delivery });
            }
            phase => phase,
        };
    }

    /// Learns which alerts are in the topic, before the first and after a failure. A producer that has not fenced
    /// the others before it looked could write again what another writes at the same time.
    pub(super) fn recall(&mut self, delivery: Delivery, attempts: u32) {
        let writes = self.settings.writes_alerts && !delivery.effects.alerts.is_empty();
        if writes && (!self.is_producer || attempts > 0) {
            self.ask(Work::ReadAlerts { from: self.alerts_from }, attempts);
        }
        self.phase = Phase::Recalling(delivery);
    }

    pub(super) fn produce(&mut self, delivery: Delivery) {
        let alerts = delivery.effects.alerts.iter().enumerate();
        let missing = alerts.filter(|(_, alert)| !self.seen.contains(&alert.id)).map(|(at, _)| at);
        let alerts: Vec<usize> = missing.collect();
        if self.settings.writes_alerts && !alerts.is_empty() {
            self.ask(Work::Produce { effects: delivery.effects.clone(), alerts }, 0);
        }
        self.phase = Phase::Producing(delivery);
    }

    pub(super) fn notify(&mut self, delivery: Delivery) {
        if self.settings.notifies && !delivery.effects.alerts.is_empty() {
            self.ask(Work::Notify { effects: delivery.effects.clone() }, 0);
        }
        self.phase = Phase::Notifying(delivery);
    }
}
