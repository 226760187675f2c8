//! The cycle of one partition.
//!
//! ```text
//!   read state → claim → guard → ┌► fill [a, b) → intent → insert → alerts → state → commit ─┐
//!                                └───────────────────────────────────────────────────────────┘
//!   after a crash, once:           ends at the intent's b   count    count
//!   before the first alerts, and after a failure:                    read back
//! ```
//!
//! **Invariant:** nothing leaves for a table or for the alerts topic before this cycle's own intent was read back
//! with no higher claim before it, and no state is written before all of its batch was acknowledged.

use crate::action::{Action, EffectId, Event, Release, Work};
use crate::batch::{Batch, Engine};
use crate::effects::{Effects, Table, token};
use crate::failure::Failure;
use crate::record::{Decode, Record, Waiting};
use crate::settings::{FIRST_DELAY_MS, Identity, MAX_DELAY_MS, MAX_INSERT_ROWS, Settings};
use crate::state::{Found, Held, Keys, Snapshot, State, StateRecord, Value, read};
use kappascope_core::{SnapshotError, Spec};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The delivery of one partition: told of [`Event`]s, it gives [`Action`]s.
pub struct Cycle<D> {
    of: Identity,
    settings: Settings,
    tables: Vec<Table>,
    decoder: D,
    engine: Engine,
    keys: Keys,
    phase: Phase,
    /// What the state partition holds, until it is claimed.
    held: Held,
    /// Where to begin, and where alerts end, if there is no state.
    beginning: (u64, u64),
    claim: u64,
    states: u64,
    /// Keys of writers before this one, to be taken back.
    leftovers: Vec<String>,
    /// The first offset that no state covers.
    next: u64,
    alerts_from: u64,
    /// Where a batch ends that was begun before.
    recorded_end: Option<u64>,
    /// Ids of alerts that are in the topic.
    seen: HashSet<String>,
    /// Whether it has fenced other producers of alerts.
    is_producer: bool,
    waiting: Waiting,
    /// The offset after the last record that came.
    wanted: u64,
    now_ms: u64,
    is_leaving: bool,
    outstanding: BTreeMap<EffectId, Outstanding>,
    last_id: EffectId,
    actions: Vec<Action>,
}

/// An effect that was asked for and not acknowledged.
struct Outstanding {
    work: Work,
    attempts: u32,
}

/// Where a cycle is. But for those that wait for something from outside it goes on when nothing is outstanding.
enum Phase {
    /// Waits for the end of the state partition.
    Reading,
    Claiming,
    /// Writes the first state of a new partition.
    Opening,
    /// Counts rows that should not be there.
    Guarding,
    /// Waits for records.
    Filling(Batch),
    Intending(Arc<Effects>),
    /// Counts whether the batch was stored before.
    Checking(Arc<Effects>),
    Inserting(Arc<Effects>),
    /// Counts whether the batch is stored once.
    Verifying(Arc<Effects>),
    Recalling(Arc<Effects>),
    Producing(Arc<Effects>),
    Saving(Arc<Effects>),
    /// Makes sure that rows that should not be there are not those of a successor.
    Doubting(Failure),
    Released,
}

impl<D: Decode> Cycle<D> {
    /// A cycle, and what to do first.
    ///
    /// # Errors
    /// When the pipeline cannot run.
    pub fn start(
        spec: &Spec,
        of: Identity,
        settings: Settings,
        decoder: D,
    ) -> Result<(Self, Vec<Action>), Failure> {
        let tables = settings.tables.clone().unwrap_or_else(|| Table::of(spec));
        let cycle = Self {
            tables,
            engine: Engine::new(spec)?,
            keys: Keys::new(&of),
            of,
            settings,
            decoder,
            phase: Phase::Reading,
            held: Held::default(),
            beginning: (0, 0),
            claim: 0,
            states: 0,
            leftovers: Vec::new(),
            next: 0,
            alerts_from: 0,
            recorded_end: None,
            seen: HashSet::new(),
            is_producer: false,
            waiting: Waiting::default(),
            wanted: 0,
            now_ms: 0,
            is_leaving: false,
            outstanding: BTreeMap::new(),
            last_id: 0,
            actions: Vec::new(),
        };
        Ok((cycle, vec![Action::ReadState]))
    }

    /// Takes what happened, and gives what to do.
    ///
    /// # Errors
    /// When it cannot go on: it is over, and what was asked for before is not to be done any more.
    pub fn handle(&mut self, event: Event) -> Result<Vec<Action>, Failure> {
        if matches!(self.phase, Phase::Released) {
            return Ok(Vec::new());
        }
        let went = self.take(event).and_then(|()| self.go_on());
        if let Err(failure) = went {
            self.end();
            return Err(failure);
        }
        if !matches!(self.phase, Phase::Released)
            && let Some(pauses) = self.waiting.pauses(self.settings.waiting_bytes)
        {
            self.actions.push(if pauses { Action::Pause } else { Action::Resume });
        }
        Ok(std::mem::take(&mut self.actions))
    }

    /// The first offset whose effects are not all known to be stored.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether an effect is still to be done. One that waits for its delay may have turned out to be done, or the
    /// cycle to be over; then it must not be done any more.
    #[must_use]
    pub fn wants(&self, id: EffectId) -> bool {
        self.outstanding.contains_key(&id)
    }

    /// Whether nothing waits to be stored: all that was fetched has been.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(&self.phase, Phase::Filling(batch) if batch.records == 0) && self.waiting.front().is_none()
    }

    fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::StateRead(record) => self.read_state(record)?,
            Event::StateEnd { start, alerts_end } => {
                if matches!(self.phase, Phase::Reading) {
                    self.beginning = (start, alerts_end);
                    self.claim();
                }
            }
            Event::Fetched(records) => self.fetch(records),
            Event::OutOfRange { earliest, latest } => {
                return Err(Failure::OutOfRange { place: self.place(), next: self.wanted, earliest, latest });
            }
            Event::Done(id) => drop(self.outstanding.remove(&id)),
            Event::Counted(id, found) => self.count(id, found),
            Event::AlertsRead(id, ids) => {
                if self.outstanding.remove(&id).is_some() {
                    self.seen.extend(ids);
                    self.is_producer = true;
                }
            }
            Event::Produced(id, end) => {
                if self.outstanding.remove(&id).is_some() {
                    self.alerts_from = self.alerts_from.max(end);
                }
            }
            Event::Failed(id) => self.again(id),
            Event::Refused(id, reason) => return self.refuse(id, reason),
            Event::Tick(now_ms) => self.now_ms = self.now_ms.max(now_ms),
            Event::Revoked => self.is_leaving = true,
            Event::Lost => self.release(Release::Lost),
        }
        Ok(())
    }

    /// Goes from phase to phase until something has to be waited for.
    fn go_on(&mut self) -> Result<(), Failure> {
        while self.outstanding.is_empty() {
            match std::mem::replace(&mut self.phase, Phase::Released) {
                Phase::Released => return Ok(()),
                Phase::Reading | Phase::Claiming | Phase::Opening | Phase::Guarding | Phase::Filling(_)
                    if self.is_leaving =>
                {
                    self.release(Release::Revoked);
                }
                Phase::Reading => {
                    self.phase = Phase::Reading;
                    return Ok(());
                }
                Phase::Claiming => self.own()?,
                Phase::Opening => self.guard(),
                Phase::Guarding => self.seek(),
                Phase::Filling(batch) => {
                    if !self.fill(batch)? {
                        return Ok(());
                    }
                }
                Phase::Intending(effects) => self.check(effects),
                Phase::Checking(effects) => self.insert(effects),
                Phase::Inserting(effects) => self.verify(effects),
                Phase::Verifying(effects) => self.recall(effects, 0),
                Phase::Recalling(effects) => self.produce(effects),
                Phase::Producing(effects) => self.save(effects)?,
                Phase::Saving(effects) => self.close(&effects),
                Phase::Doubting(failure) => return Err(failure),
            }
        }
        if self.is_leaving && matches!(self.phase, Phase::Claiming | Phase::Opening | Phase::Guarding) {
            self.release(Release::Revoked);
        }
        Ok(())
    }

    // On start: whose the partition is, and whether tables and state belong together.

    /// A record of the state partition: before the claim all are kept, afterwards only claims of others matter.
    fn read_state(&mut self, record: StateRecord) -> Result<(), Failure> {
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
        } else if let Some(Value::Claim { number, writer }) = value
            && writer != self.of.writer
            && number > self.claim
        {
            self.release(Release::Fenced);
        }
        Ok(())
    }

    fn claim(&mut self) {
        self.claim = self.held.highest_claim_but(self.of.writer) + 1;
        self.write_state(vec![self.keys.claim(self.claim)]);
        self.phase = Phase::Claiming;
    }

    /// The claim was read back: what came before it is where to go on.
    fn own(&mut self) -> Result<(), Failure> {
        if self.held.highest_claim_but(self.of.writer) >= self.claim {
            self.claim();
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        self.leftovers = held.others(&self.keys);
        match held.found(&self.keys, &self.place())? {
            Some(found) => self.resume(found),
            None => {
                (self.next, self.alerts_from) = self.beginning;
                self.write_snapshot(&self.engine.snapshot());
                self.phase = Phase::Opening;
                Ok(())
            }
        }
    }

    fn resume(&mut self, found: Found) -> Result<(), Failure> {
        let Found { state, snapshot, end } = found;
        let (found, expected) = (state.version, self.engine.spec().version);
        if found != expected {
            return Err(Failure::OtherVersion { place: self.place(), found, expected });
        }
        self.engine.resume(&snapshot, state.newest_arrival).map_err(|reason| self.refuse_state(reason))?;
        (self.next, self.alerts_from, self.recorded_end) = (state.next, state.alerts_from, end);
        self.guard();
        Ok(())
    }

    /// Counts rows behind all that was begun. There are none.
    fn guard(&mut self) {
        let from = self.recorded_end.unwrap_or(self.next);
        for table in self.counted_tables() {
            self.ask(Work::Count { table, from, to: None, allowed: vec![0] }, 0);
        }
        self.phase = Phase::Guarding;
    }

    fn seek(&mut self) {
        self.wanted = self.next;
        self.actions.push(Action::Seek(self.next));
        self.phase = Phase::Filling(Batch::new(self.engine.spec(), self.next));
    }

    // The cycle.

    /// Records that came before they were asked for, or come again, are passed over.
    fn fetch(&mut self, records: Vec<Record>) {
        if matches!(self.phase, Phase::Reading | Phase::Claiming | Phase::Opening | Phase::Guarding) {
            return;
        }
        for record in records {
            if record.offset >= self.wanted {
                self.wanted = record.offset + 1;
                self.waiting.push(record);
            }
        }
    }

    /// Fills the batch from what waits; gives whether it was closed.
    fn fill(&mut self, mut batch: Batch) -> Result<bool, Failure> {
        while !self.is_full(&batch) {
            let Some(record) = self.waiting.pop() else { break };
            if let Some(end) = self.recorded_end.filter(|end| record.offset >= *end) {
                let (last, found) = (end - 1, record.offset);
                return Err(Failure::EndIsGone { place: self.place(), last, found });
            }
            if batch.records == 0 {
                batch.since_ms = self.now_ms;
            }
            self.engine.take(&mut batch, record, &self.decoder);
        }
        let closes = self.is_full(&batch);
        if closes {
            self.intend(batch);
        } else {
            self.phase = Phase::Filling(batch);
        }
        Ok(closes)
    }

    /// Whether a batch is to be closed; one that was begun before ends where it ended then.
    fn is_full(&self, batch: &Batch) -> bool {
        let Settings { batch_rows, batch_bytes, batch_ms, .. } = self.settings;
        match self.recorded_end {
            Some(end) => batch.end() == end,
            None if batch.records == 0 => false,
            None => {
                batch.records >= batch_rows
                    || batch.bytes >= batch_bytes
                    || self.now_ms - batch.since_ms >= batch_ms
            }
        }
    }

    fn intend(&mut self, batch: Batch) {
        let effects = Arc::new(self.engine.run(batch, &self.of));
        self.write_state(vec![self.keys.intent(self.claim, effects.from, effects.to)]);
        self.phase = Phase::Intending(effects);
    }

    /// Of a batch that was begun before, each insert was done, or not.
    fn check(&mut self, effects: Arc<Effects>) {
        self.count_batch(&effects, |rows| if rows == 0 { vec![0] } else { vec![0, rows] });
        self.phase = Phase::Checking(effects);
    }

    fn insert(&mut self, effects: Arc<Effects>) {
        for table in self.tables.clone() {
            let rows = effects.rows(table);
            for (part, from) in (0..rows).step_by(MAX_INSERT_ROWS).enumerate() {
                let token = self.token(table, &effects, part);
                let (effects, rows) = (effects.clone(), from..rows.min(from + MAX_INSERT_ROWS));
                self.ask(Work::Insert { table, token, effects, rows }, 0);
            }
        }
        self.phase = Phase::Inserting(effects);
    }

    /// Of a batch that was begun before, every table has each row once: its token was not forgotten.
    fn verify(&mut self, effects: Arc<Effects>) {
        self.count_batch(&effects, |rows| vec![rows]);
        self.phase = Phase::Verifying(effects);
    }

    /// Learns which alerts are in the topic, before the first and after a failure. A producer that has not fenced
    /// the others before it looked could write again what another writes at the same time.
    fn recall(&mut self, effects: Arc<Effects>, attempts: u32) {
        if (!self.is_producer || attempts > 0) && !effects.alerts.is_empty() {
            self.ask(Work::ReadAlerts { from: self.alerts_from }, attempts);
        }
        self.phase = Phase::Recalling(effects);
    }

    fn produce(&mut self, effects: Arc<Effects>) {
        let alerts = effects.alerts.iter().enumerate();
        let missing = alerts.filter(|(_, alert)| !self.seen.contains(&alert.id)).map(|(at, _)| at);
        let alerts: Vec<usize> = missing.collect();
        if !alerts.is_empty() {
            self.ask(Work::Produce { effects: effects.clone(), alerts }, 0);
        }
        self.phase = Phase::Producing(effects);
    }

    fn save(&mut self, effects: Arc<Effects>) -> Result<(), Failure> {
        self.next = effects.to;
        let snapshot = self.engine.snapshot();
        self.write_snapshot(&snapshot);
        let strings = self.settings.dictionary_strings;
        self.engine.shed(strings, &snapshot).map_err(|reason| self.refuse_state(reason))?;
        self.phase = Phase::Saving(effects);
        Ok(())
    }

    /// The state is written: the batch is over.
    fn close(&mut self, effects: &Effects) {
        self.recorded_end = None;
        self.seen.clear();
        self.actions.push(Action::Commit(effects.to));
        self.phase = Phase::Filling(Batch::new(self.engine.spec(), effects.to));
    }

    // What phases share.

    fn ask(&mut self, work: Work, attempts: u32) {
        self.last_id += 1;
        let delay_ms = match attempts {
            0 => 0,
            again => (FIRST_DELAY_MS << (again - 1).min(16)).min(MAX_DELAY_MS),
        };
        self.actions.push(Action::Do { id: self.last_id, delay_ms, work: work.clone() });
        self.outstanding.insert(self.last_id, Outstanding { work, attempts });
    }

    /// Asks for an effect again. Alerts have no token: which of them are there has to be read.
    fn again(&mut self, id: EffectId) {
        let Some(Outstanding { work, attempts }) = self.outstanding.remove(&id) else { return };
        match work {
            Work::Produce { effects, .. } => self.recall(effects, attempts + 1),
            work => self.ask(work, attempts + 1),
        }
    }

    fn write_state(&mut self, records: Vec<StateRecord>) {
        self.ask(Work::WriteState(records.into()), 0);
    }

    /// Writes where the partition stands. Once one such state is there, what others left is taken back.
    fn write_snapshot(&mut self, snapshot: &[u8]) {
        self.states += 1;
        let state = State {
            writer: self.of.writer,
            number: self.states,
            version: self.engine.spec().version,
            next: self.next,
            alerts_from: self.alerts_from,
            newest_arrival: self.engine.newest_arrival(),
            snapshot: Snapshot::Chunks(0),
        };
        let leftovers = if self.states > 1 { std::mem::take(&mut self.leftovers) } else { Vec::new() };
        let mut records: Vec<StateRecord> =
            leftovers.into_iter().map(|key| StateRecord { key, value: None }).collect();
        records.extend(self.keys.state(state, snapshot.to_vec(), self.settings.chunk_bytes));
        self.write_state(records);
    }

    fn counted_tables(&self) -> Vec<Table> {
        self.tables.iter().copied().filter(|table| table.has_offsets()).collect()
    }

    fn count_batch(&mut self, effects: &Effects, allowed: impl Fn(u64) -> Vec<u64>) {
        if self.recorded_end.is_none() {
            return;
        }
        for table in self.counted_tables() {
            let (from, to) = (effects.from, Some(effects.to));
            let allowed = allowed(effects.rows(table) as u64);
            self.ask(Work::Count { table, from, to, allowed }, 0);
        }
    }

    fn count(&mut self, id: EffectId, found: u64) {
        let Some(Outstanding { work: Work::Count { table, from, to, allowed }, .. }) =
            self.outstanding.remove(&id)
        else {
            return;
        };
        if !allowed.contains(&found) {
            let range = to.map_or(format!("from {from} on"), |to| format!("{from} to {}", to - 1));
            let allowed: Vec<String> = allowed.iter().map(u64::to_string).collect();
            let expected = allowed.join(" or ");
            self.doubt(Failure::Rows {
                place: self.place(),
                table: table.name(self.engine.spec()),
                range,
                found,
                expected,
            });
        }
    }

    /// Rows that should not be there may be those of a successor. Whoever wrote them claimed the partition before:
    /// once a record of this cycle is read back, such a claim has been.
    fn doubt(&mut self, failure: Failure) {
        self.outstanding.clear();
        self.write_state(vec![self.keys.claim(self.claim)]);
        self.phase = Phase::Doubting(failure);
    }

    fn refuse(&mut self, id: EffectId, reason: String) -> Result<(), Failure> {
        let Some(refused) = self.outstanding.remove(&id) else { return Ok(()) };
        Err(Failure::Refused { place: self.place(), what: refused.work.name(), reason })
    }

    fn refuse_state(&self, reason: SnapshotError) -> Failure {
        Failure::OtherState { place: self.place(), reason }
    }

    /// Gives up the partition; nothing is written from here on. Whoever was asked to may still commit.
    fn release(&mut self, why: Release) {
        let mut actions = std::mem::take(&mut self.actions);
        self.end();
        actions.retain(|action| why == Release::Revoked && matches!(action, Action::Commit(_)));
        self.actions = actions;
        self.actions.push(Action::Released(why));
    }

    fn end(&mut self) {
        self.phase = Phase::Released;
        self.outstanding.clear();
        self.actions.clear();
        self.waiting = Waiting::default();
    }

    fn token(&self, table: Table, effects: &Effects, part: usize) -> String {
        token(self.engine.spec(), &self.of, table, (effects.from, effects.to), part)
    }

    fn place(&self) -> String {
        format!("topic {}, partition {}", self.of.topic, self.of.partition)
    }
}
