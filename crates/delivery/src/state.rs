//! The state topic: what its records are, and what is to be read from them.
//!
//! ```text
//!   key                              holds                               written
//!   epoch|topic|p|claim|n|writer     n                                   on start
//!   epoch|topic|p|intent|writer      claim, next, end, content           before a batch's effects
//!   epoch|topic|p|chunk|writer|s|i   part i of a large snapshot          before the state that names it
//!   epoch|topic|p|state|writer       next, alerts_from, snapshot         between batches, every few seconds
//! ```
//!
//! The order of the records in the partition decides who may write. A writer acts when it has read its own intent
//! back and no higher claim before it. So an instance that was taken for dead, and goes on, finds the claim that came
//! before its next intent and stops; what it still did, it did under an intent that its successor has
//! read and repeats.
//!
//! Compaction leaves the last record of each key, which is all that is looked at.
//!
//! **Invariant:** a state record is true whoever wrote it, as it follows from the log alone; the furthest counts,
//! and of the intents that of the highest claim: all before it is stored, whether a state says so or not.

use crate::failure::Failure;
use crate::settings::Identity;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::HashMap;

/// A record of the state topic. Without a value it takes its key back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRecord {
    /// Its key.
    pub key: String,
    /// What it holds.
    pub value: Option<Vec<u8>>,
}

/// What a value holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Value {
    Claim(Claim),
    Intent(Intent),
    State(State),
    Chunk(Chunk),
}

/// The wish to write. The highest number has the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) number: u64,
    pub(crate) writer: u64,
    pub(crate) version: u32,
    /// Counts what a writer has written, so that no two of its records are the same.
    pub(crate) written: u64,
}

/// The batch that is about to be stored. All before it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) claim: u64,
    pub(crate) version: u32,
    pub(crate) written: u64,
    /// For as long as there is no state.
    pub(crate) origin: Origin,
    pub(crate) next: u64,
    pub(crate) end: u64,
    pub(crate) content: Content,
}

/// Where a partition's first cycle began: the offset in the input, and in the alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) start: u64,
    pub(crate) alerts_from: u64,
}

/// What a batch held and gave: what is read again has to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) rows: u64,
    pub(crate) rejected: u64,
    /// Of the bytes of its records.
    pub(crate) records: u64,
    /// Of all that the pipeline gave since the partition's start.
    pub(crate) results: u64,
}

/// A part of a large snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// The state that it belongs to.
    pub(crate) state: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Where a partition stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) writer: u64,
    /// Counts the states that a writer has written.
    pub(crate) number: u64,
    pub(crate) version: u32,
    /// The offset to go on with.
    pub(crate) next: u64,
    /// Where to read alerts from that may have been written already.
    pub(crate) alerts_from: u64,
    pub(crate) newest_arrival: Option<i64>,
    /// Window results given so far.
    pub(crate) results: u64,
    pub(crate) snapshot: Snapshot,
}

/// The pipeline's state: in the record, or in as many others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Snapshot {
    Whole(Vec<u8>),
    Chunks(u32),
}

/// The keys of one partition.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
    writer: u64,
}

impl Keys {
    pub(crate) fn new(of: &Identity) -> Self {
        Self { prefix: format!("{}|{}|{}|", of.epoch, of.topic, of.partition), writer: of.writer }
    }

    pub(crate) fn are_of(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn of(&self, kind: &str) -> String {
        format!("{}{kind}|{:016x}", self.prefix, self.writer)
    }

    /// A chunk's key. Snapshots take turns in two sets, so that the last one is whole while another is written.
    fn chunk(&self, writer: u64, number: u64, at: u32) -> String {
        format!("{}chunk|{writer:016x}|{}|{at}", self.prefix, number % 2)
    }

    pub(crate) fn claim(&self, claim: Claim) -> StateRecord {
        record(self.of(&format!("claim|{}", claim.number)), &Value::Claim(claim))
    }

    pub(crate) fn intent(&self, intent: Intent) -> StateRecord {
        record(self.of("intent"), &Value::Intent(intent))
    }

    /// The records of a state, that which counts last.
    pub(crate) fn state(&self, mut state: State, snapshot: Vec<u8>, chunk_bytes: usize) -> Vec<StateRecord> {
        let mut records = Vec::new();
        state.snapshot = if snapshot.len() <= chunk_bytes {
            Snapshot::Whole(snapshot)
        } else {
            let chunks = snapshot.chunks(chunk_bytes).zip(0..);
            records.extend(chunks.map(|(chunk, at)| {
                let chunk = Chunk { state: state.number, bytes: chunk.to_vec() };
                record(self.chunk(self.writer, state.number, at), &Value::Chunk(chunk))
            }));
            Snapshot::Chunks(records.len() as u32)
        };
        records.push(record(self.of("state"), &Value::State(state)));
        records
    }
}

fn record(key: String, value: &Value) -> StateRecord {
    let value = postcard::to_stdvec(value).expect("a record is plain data, and memory takes it");
    StateRecord { key, value: Some(value) }
}

/// What a record holds, or why it cannot be read.
pub(crate) fn read(record: &StateRecord, place: &str) -> Result<Option<Value>, Failure> {
    let Some(value) = &record.value else { return Ok(None) };
    let damaged =
        |reason: String| Failure::DamagedState { place: place.to_owned(), key: record.key.clone(), reason };
    postcard::from_bytes(value).map(Some).map_err(|error| damaged(error.to_string()))
}

/// What is known of a partition's records.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// By key: the place in the order in which records came, and the value.
    records: HashMap<String, (u64, Value)>,
    read: u64,
}

/// Where to go on; a partition that is new has neither.
#[derive(Debug)]
pub(crate) struct Found {
    /// The furthest state, and its snapshot.
    pub(crate) state: Option<(State, Vec<u8>)>,
    /// The intent in force.
    pub(crate) intent: Option<Intent>,
}

impl Held {
    /// Takes the next record of the partition.
    pub(crate) fn take(&mut self, key: String, value: Option<Value>) {
        self.read += 1;
        match value {
            Some(value) => drop(self.records.insert(key, (self.read, value))),
            None => drop(self.records.remove(&key)),
        }
    }

    /// A version of the pipeline that some record is of.
    pub(crate) fn version(&self) -> Option<u32> {
        let versions = self.records.values().filter_map(|(_, value)| match value {
            Value::Claim(claim) => Some(claim.version),
            Value::Intent(intent) => Some(intent.version),
            Value::State(state) => Some(state.version),
            Value::Chunk(_) => None,
        });
        versions.max()
    }

    /// The highest claim of anyone but this writer.
    pub(crate) fn highest_claim_but(&self, own: u64) -> u64 {
        let claims = self.records.values().filter_map(|(_, value)| match value {
            Value::Claim(claim) if claim.writer != own => Some(claim.number),
            _ => None,
        });
        claims.max().unwrap_or(0)
    }

    /// The keys of other writers.
    pub(crate) fn others(&self, keys: &Keys) -> Vec<String> {
        let own = format!("|{:016x}", keys.writer);
        let mut others: Vec<String> =
            self.records.keys().filter(|key| !key.contains(&own)).cloned().collect();
        others.sort_unstable();
        others
    }

    /// The furthest state and the intent in force.
    pub(crate) fn found(&self, keys: &Keys, place: &str) -> Result<Found, Failure> {
        Ok(Found { state: self.state(keys, place)?, intent: self.intent() })
    }

    fn state(&self, keys: &Keys, place: &str) -> Result<Option<(State, Vec<u8>)>, Failure> {
        let states = self.records.values().filter_map(|(at, value)| match value {
            Value::State(state) => Some((state.next, *at, state)),
            _ => None,
        });
        let mut states: Vec<(u64, u64, &State)> = states.collect();
        states.sort_unstable_by_key(|(next, at, _)| Reverse((*next, *at)));
        let Some(&(next, _, furthest)) = states.first() else { return Ok(None) };
        // Of two that are as far, one may have lost its chunks to whoever cleared up behind it.
        let equals = states.iter().take_while(|(other, ..)| *other == next);
        let whole =
            equals.into_iter().find_map(|(.., state)| Some((state, self.snapshot(state, keys, place).ok()?)));
        let (state, snapshot) = match whole {
            Some((state, snapshot)) => (*state, snapshot),
            None => (furthest, self.snapshot(furthest, keys, place)?),
        };
        Ok(Some((state.clone(), snapshot)))
    }

    /// The intent of the highest claim. One under a lower claim is of a writer that read the higher one before it
    /// acted, or the higher one read it first and goes on behind it.
    fn intent(&self) -> Option<Intent> {
        let intents = self.records.values().filter_map(|(_, value)| match value {
            Value::Intent(intent) => Some(*intent),
            _ => None,
        });
        intents.max_by_key(|intent| (intent.claim, intent.next))
    }

    fn snapshot(&self, state: &State, keys: &Keys, place: &str) -> Result<Vec<u8>, Failure> {
        let count = match &state.snapshot {
            Snapshot::Whole(bytes) => return Ok(bytes.clone()),
            Snapshot::Chunks(count) => *count,
        };
        let mut bytes = Vec::new();
        for at in 0..count {
            let key = keys.chunk(state.writer, state.number, at);
            match self.records.get(&key) {
                Some((_, Value::Chunk(chunk))) if chunk.state == state.number => {
                    bytes.extend_from_slice(&chunk.bytes);
                }
                found => {
                    let of = if found.is_some() { "is of another state" } else { "is not there" };
                    let reason = format!("it {of}, and the state has {count} such parts");
                    return Err(Failure::DamagedState { place: place.to_owned(), key, reason });
                }
            }
        }
        Ok(bytes)
    }
}
