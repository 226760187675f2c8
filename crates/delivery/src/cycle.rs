//! The cycle of one partition.
//!
//! ```text
//!   read state → claim → guard → replay → ┌► fill [a, b) → intend → insert → alerts → commit → state, if due ─┐
//!                                         └───────────────────────────────────────────────────────────────────┘
//!   after a crash, once:         [s, a)            ends at b   count   count
//!   before the first alerts, and after a failure:                      read back
//! ```
//!
//! `s` is where the last state stands, `[a, b)` the batch that was begun last: what lies before it is stored.
//!
//! **Invariant:** nothing leaves for a table or for the alerts topic before this cycle's own intent was read back
//! with no higher claim before it, nothing leaves for a table longer than a lease after that intent was written, and
//! neither the next intent nor a state is written before all of a batch was acknowledged.

mod asking;
mod filling;
mod opening;
mod storing;

use crate::action::{Action, EffectId, Event, Release, Work};
use crate::batch::{Batch, Engine};
use crate::effects::{Effects, Table};
use crate::failure::Failure;
use crate::record::{Decode, Waiting};
use crate::settings::{Identity, Settings};
use crate::state::{Content, Held, Intent, Keys, Origin};
use kappascope_core::{Pipeline, Spec};
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
    origin: Origin,
    claim: u64,
    /// Counts the claims, intents and states that it wrote, so that no two are the same record.
    written: u64,
    states: u64,
    /// Keys of writers before this one, to be taken back.
    leftovers: Vec<String>,
    /// The offset after the last that the engine has run.
    next: u64,
    /// All before this offset is stored.
    stored_to: u64,
    /// Whether it has stored a batch itself.
    has_stored: bool,
    alerts_from: u64,
    /// The batch that was begun before.
    recorded: Option<Intent>,
    /// Ids of alerts that are in the topic.
    seen: HashSet<String>,
    /// Whether it has fenced other producers of alerts.
    is_producer: bool,
    waiting: Waiting,
    /// The offset after the last record that came.
    wanted: u64,
    /// Why nothing more can be fetched.
    fetch_failure: Option<Failure>,
    saved: Saved,
    now_ms: u64,
    is_leaving: bool,
    outstanding: BTreeMap<EffectId, Outstanding>,
    last_id: EffectId,
    actions: Vec<Action>,
}

/// Up to where there is a state, or nothing to be in one, and since when.
#[derive(Clone, Copy, Debug, Default)]
struct Saved {
    next: u64,
    at_ms: u64,
}

/// An effect that was asked for and not acknowledged.
struct Outstanding {
    work: Work,
    attempts: u32,
}

/// A batch on its way to tables and topic.
struct Delivery {
    effects: Arc<Effects>,
    content: Content,
    /// How many of a table's rows are stored: the parts of an insert go one after the other.
    stored: BTreeMap<Table, usize>,
    /// Whether it may have been stored before, so that rows are counted before and after.
    is_recorded: bool,
    /// When the intent was asked for.
    intended_ms: u64,
}

/// Where a cycle is. But for those that wait for something from outside it goes on when nothing is outstanding.
enum Phase {
    /// Waits for the end of the state partition.
    Reading,
    Claiming,
    /// Counts rows that should not be there.
    Guarding,
    /// Waits for records.
    Filling(Batch),
    Intending(Delivery),
    /// Counts what of the batch was stored before.
    Checking(Delivery),
    Inserting(Delivery),
    /// Counts whether the batch is stored once.
    Verifying(Delivery),
    Recalling(Delivery),
    Producing(Delivery),
    Notifying(Delivery),
    Saving,
    /// Makes sure that what should not be is not a successor's doing.
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
            engine: Engine::new(spec, tables.contains(&Table::Raw))?,
            keys: Keys::new(&of),
            tables,
            of,
            settings,
            decoder,
            phase: Phase::Reading,
            held: Held::default(),
            origin: Origin::default(),
            claim: 0,
            written: 0,
            states: 0,
            leftovers: Vec::new(),
            next: 0,
            stored_to: 0,
            has_stored: false,
            alerts_from: 0,
            recorded: None,
            seen: HashSet::new(),
            is_producer: false,
            waiting: Waiting::default(),
            wanted: 0,
            fetch_failure: None,
            saved: Saved::default(),
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
        self.next.max(self.stored_to)
    }

    /// The pipeline of the partition, for who looks on.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        self.engine.pipeline()
    }

    /// Whether an effect is still to be done. To be asked right before it is, after a [`Event::Tick`]: one that
    /// waited may have turned out to be done, its lease be over, or the cycle.
    #[must_use]
    pub fn wants(&self, id: EffectId) -> bool {
        self.outstanding.contains_key(&id)
    }

    /// Whether nothing waits to be stored: all that was fetched has been.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(&self.phase, Phase::Filling(batch) if batch.records == 0)
            && self.waiting.next_offset().is_none()
    }

    fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::StateRead(record) => self.read_state(record)?,
            Event::StateEnd { start, alerts_end } => self.end_of_state(start, alerts_end)?,
            Event::Fetched(records) => self.fetch(records),
            Event::OutOfRange { .. } if !self.has_sought() => {}
            Event::OutOfRange { earliest, latest } => {
                let (place, next) = (self.place(), self.wanted);
                self.fetch_failure = Some(Failure::OutOfRange { place, next, earliest, latest });
            }
            Event::Done(id) => self.done(id),
            Event::Counted(id, found) => self.counted(id, found),
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
            Event::Tick(now_ms) => self.tick(now_ms),
            Event::Revoked => self.is_leaving = true,
            Event::Lost => self.release(Release::Lost),
        }
        Ok(())
    }

    /// Whether the engine runs again what is stored, to come to where it was.
    fn is_replaying(&self) -> bool {
        self.next < self.stored_to
    }

    fn has_sought(&self) -> bool {
        !matches!(self.phase, Phase::Reading | Phase::Claiming | Phase::Guarding)
    }

    /// Goes from phase to phase until something has to be waited for.
    fn go_on(&mut self) -> Result<(), Failure> {
        while self.outstanding.is_empty() {
            match std::mem::replace(&mut self.phase, Phase::Released) {
                Phase::Released => return Ok(()),
                Phase::Reading | Phase::Claiming | Phase::Guarding if self.is_leaving => {
                    self.release(Release::Revoked);
                }
                Phase::Filling(_) if self.is_leaving => self.leave()?,
                Phase::Reading => {
                    self.phase = Phase::Reading;
                    return Ok(());
                }
                Phase::Claiming => self.own()?,
                Phase::Guarding => self.seek(),
                Phase::Filling(batch) => {
                    if !self.fill(batch)? {
                        return Ok(());
                    }
                }
                Phase::Intending(delivery) => self.check(delivery),
                Phase::Checking(delivery) | Phase::Inserting(delivery) => self.insert(delivery),
                Phase::Verifying(delivery) => self.recall(delivery, 0),
                Phase::Recalling(delivery) => self.produce(delivery),
                Phase::Producing(delivery) => self.notify(delivery),
                Phase::Notifying(delivery) => self.close(&delivery)?,
                Phase::Saving => self.fill_anew(),
                Phase::Doubting(failure) => return Err(failure),
            }
        }
        if self.is_leaving && matches!(self.phase, Phase::Claiming | Phase::Guarding) {
            self.release(Release::Revoked);
        }
        Ok(())
    }

    /// All that is stored is in a state before the partition is given back, so that the next need not replay it.
    fn leave(&mut self) -> Result<(), Failure> {
        if !self.is_replaying() && self.saved.next != self.next {
            return self.save();
        }
        self.release(Release::Revoked);
        Ok(())
    }

    /// Gives up the partition; nothing is written from here on. Whoever was asked to may still commit.
    fn release(&mut self, why: Release) {
        let mut actions = std::mem::take(&mut self.actions);
        self.end();
        actions.retain(|action| {
            why == Release::Revoked && matches!(action, Action::Commit(_) | Action::Stored(_))
        });
        self.actions = actions;
        self.actions.push(Action::Released(why));
    }

    fn end(&mut self) {
        self.phase = Phase::Released;
        self.outstanding.clear();
        self.actions.clear();
        self.waiting = Waiting::default();
    }

    fn place(&self) -> String {
        format!("topic {}, partition {}", self.of.topic, self.of.partition)
    }
}
