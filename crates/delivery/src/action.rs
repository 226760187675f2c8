//! What a cycle is told, and what it asks for.

use crate::effects::{AlertRow, Effects, Table};
use crate::record::Records;
use crate::state::StateRecord;
use std::ops::Range;
use std::sync::Arc;

/// Names one effect that was asked for.
pub type EffectId = u64;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The next record of the state partition: all that were there, and from then on every one that comes,
    /// also those that this cycle wrote. An effect [`Work::WriteState`] is done when it is read.
    StateRead(StateRecord),
    /// All has been read that was in the state partition when [`Action::ReadState`] came.
    StateEnd {
        /// Where to begin if there is no state: the first offset of the partition, say.
        start: u64,
        /// One past the last record of the alerts topic's partition.
        alerts_end: u64,
    },
    /// Records of the partition, in order. Those that were there before are passed over.
    Fetched(Records),
    /// The offset of the last [`Action::Seek`], or one behind it, is not there.
    OutOfRange {
        /// The first offset that there is.
        earliest: u64,
        /// One past the last.
        latest: u64,
    },
    /// An effect was acknowledged.
    Done(EffectId),
    /// An effect [`Work::Count`] was answered.
    Counted(EffectId, u64),
    /// An effect [`Work::ReadAlerts`] was answered: the ids of the alerts found.
    AlertsRead(EffectId, Vec<String>),
    /// An effect [`Work::Produce`] was acknowledged; the offset after the last alert.
    Produced(EffectId, u64),
    /// An effect failed, or nobody knows whether it did. It is asked for again.
    Failed(EffectId),
    /// An effect failed, and would fail again: a table of another shape, say.
    Refused(EffectId, String),
    /// So many milliseconds have passed since some fixed moment. Best told some ten times a second.
    Tick(u64),
    /// The partition is to be given back, or the program to end: the batch is finished or dropped.
    Revoked,
    /// The partition has been given to another already: nothing is written any more.
    Lost,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read the state partition from its start, and never stop: [`Event::StateRead`], [`Event::StateEnd`].
    ReadState,
    /// Fetch records from this offset on.
    Seek(u64),
    /// Fetch no more for now.
    Pause,
    /// Fetch again.
    Resume,
    /// Do this, not before so many milliseconds have passed and only if [`Cycle::wants`](crate::Cycle::wants) it
    /// then, and tell what became of it.
    Do {
        /// Its name in the answer.
        id: EffectId,
        /// How long to wait before.
        delay_ms: u64,
        /// What to do.
        work: Work,
    },
    /// All of a batch was acknowledged. For who shows or counts it: after a crash nobody knows whether this was done.
    Stored(Arc<Effects>),
    /// Commit this offset to the group, for who asks how far it is: the cycle itself begins from its state.
    Commit(u64),
    /// The cycle is over; nothing of it is to be done any more.
    Released(Release),
}

/// Why a cycle is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It was asked to.
    Revoked,
    /// The partition had been given to another.
    Lost,
    /// Another instance has claimed the partition. If it is still assigned here, a new cycle claims it back; a
    /// group that is at odds about this settles soon.
    Fenced,
}

/// An effect that is acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Write records to the state partition, in this order, by an idempotent producer with `acks = all`.
    WriteState(Arc<[StateRecord]>),
    /// Count the rows of this partition in a table: of offsets from `from` on, and below `to`.
    Count {
        /// The table.
        table: Table,
        /// The first offset.
        from: u64,
        /// One past the last.
        to: Option<u64>,
        /// The numbers that are right.
        allowed: Vec<u64>,
    },
    /// Insert rows under a token, as one block.
    Insert {
        /// The table.
        table: Table,
        /// The value of `insert_deduplication_token`.
        token: String,
        /// What holds the rows.
        effects: Arc<Effects>,
        /// Which of the table's rows.
        rows: Range<usize>,
    },
    /// Open a producer that fences every other one of this partition's alerts, and only then read the alerts
    /// topic's partition from this offset to its end.
    ReadAlerts {
        /// Where to begin.
        from: u64,
    },
    /// Write alerts to the topic, in order, with `acks = all`, by the producer that the last [`Work::ReadAlerts`]
    /// opened. It fails when another producer has fenced it.
    Produce {
        /// What holds them.
        effects: Arc<Effects>,
        /// Which of them.
        alerts: Vec<usize>,
    },
    /// Tell alerts to whom they are meant for. They may have been told before.
    Notify {
        /// What holds them.
        effects: Arc<Effects>,
    },
}

impl Work {
    /// What it is, in messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::WriteState(_) => "a record of the state topic",
            Self::Count { .. } => "counting the rows of a table",
            Self::Insert { .. } => "an insert",
            Self::ReadAlerts { .. } => "reading the alerts topic",
            Self::Produce { .. } => "an alert",
            Self::Notify { .. } => "a notice of alerts",
        }
    }

    /// The alerts of [`Work::Produce`].
    pub fn alerts(&self) -> impl Iterator<Item = &AlertRow> {
        let chosen = match self {
            Self::Produce { effects, alerts } => Some((effects, alerts)),
            _ => None,
        };
        chosen.into_iter().flat_map(|(effects, alerts)| alerts.iter().map(|&at| &effects.alerts[at]))
    }
}
