//! Snapshots: all state of a pipeline in bytes, from which a run goes on as if it had never stopped.
//!
//! ```text
//!   bytes    0        8         12            20       28         36
//!            KAPPASNP  version  fingerprint   length   checksum   state
//!                      u32      of the spec   u64      XXH3       postcard
//! ```
//!
//! Numbers are little-endian. The state is in [postcard](https://postcard.jamesmunns.com/wire-format.html)'s
//! form, which is the same on every target, so that a snapshot taken in the page goes on natively and the
//! other way round.
//!
//! **Invariant:** what [`Pipeline::resume_from`] takes is what [`Pipeline::snapshot`] gave for the same
//! pipeline, whole and unaltered; everything else is refused with its reason.

use crate::digest;
use crate::limits::Limits;
use crate::pipeline::{Pipeline, State};
use crate::spec::{Spec, SpecError};

const MAGIC: &[u8; 8] = b"KAPPASNP";

/// Version of the form. Another one is refused: state changes with the engine, and a log can be replayed.
pub const VERSION: u32 = 2;

const HEAD_BYTES: usize = 36;

/// Why a snapshot is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The pipeline itself cannot run.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// It does not begin as a snapshot does.
    #[error("not a snapshot: it does not begin with `KAPPASNP`")]
    NotASnapshot,
    /// It was written in another form.
    #[error("a snapshot of version {found}; this engine reads version {VERSION}. Replay the log instead")]
    OtherVersion {
        /// The version that it says.
        found: u32,
    },
    /// It is of another pipeline.
    #[error(
        "a snapshot of another pipeline: its fingerprint is {found:016x}, this one's {expected:016x}. \
         A pipeline that was changed has to replay the log"
    )]
    OtherPipeline {
        /// Fingerprint of the pipeline that it was taken from.
        found: u64,
        /// Fingerprint of the pipeline at hand.
        expected: u64,
    },
    /// It is cut off, or has something after it.
    #[error("a damaged snapshot: {found} bytes; it says that it has {expected}")]
    Length {
        /// Bytes found.
        found: u64,
        /// Bytes that its head promises, or the head itself takes.
        expected: u64,
    },
    /// Some of its bytes were altered.
    #[error("a damaged snapshot: its checksum is {found:016x}; it says {expected:016x}")]
    Checksum {
        /// Checksum of what is there.
        found: u64,
        /// Checksum that its head promises.
        expected: u64,
    },
    /// Its checksum is right, but it holds no state.
    #[error("a snapshot whose state cannot be read: {0}")]
    State(String),
}

impl Pipeline {
    /// All state after the events pushed so far, of which [`Counters::events`](crate::Counters) says the
    /// number: the row of the log to go on with.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let state = postcard::to_stdvec(&self.state()).expect("state is plain data, and memory takes it");
        let mut bytes = Vec::with_capacity(HEAD_BYTES + state.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.fingerprint.to_le_bytes());
        bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&digest::of_bytes(&state).to_le_bytes());
        bytes.extend_from_slice(&state);
        bytes
    }

    /// A pipeline that goes on where a snapshot of it was taken, over the same log or another one with
    /// the same events from there on.
    ///
    /// # Errors
    /// When the pipeline cannot run, or the snapshot is none, damaged, of another version or of another
    /// pipeline.
    pub fn resume_from(spec: &Spec, limits: Limits, snapshot: &[u8]) -> Result<Self, SnapshotError> {
        let mut pipeline = Self::with_limits(spec, limits)?;
        let state = state_of(snapshot, pipeline.fingerprint)?;
        let state: State =
            postcard::from_bytes(state).map_err(|error| SnapshotError::State(error.to_string()))?;
        pipeline.resume(state);
        Ok(pipeline)
    }
}

/// The state within a snapshot, once everything around it is right.
fn state_of(snapshot: &[u8], fingerprint: u64) -> Result<&[u8], SnapshotError> {
    if !snapshot.starts_with(&MAGIC[..snapshot.len().min(MAGIC.len())]) || snapshot.is_empty() {
        return Err(SnapshotError::NotASnapshot);
    }
    let Some((head, state)) = snapshot.split_at_checked(HEAD_BYTES) else {
        return Err(SnapshotError::Length { found: snapshot.len() as u64, expected: HEAD_BYTES as u64 });
    };
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
    let version = u32::from_le_bytes(std::array::from_fn(|i| head[8 + i]));
    if version != VERSION {
        return Err(SnapshotError::OtherVersion { found: version });
    }
    let (found, expected) = (state.len() as u64, word(20));
    if found != expected {
        let head = HEAD_BYTES as u64;
        return Err(SnapshotError::Length { found: found + head, expected: expected.saturating_add(head) });
    }
    let (found, expected) = (digest::of_bytes(state), word(28));
    if found != expected {
        return Err(SnapshotError::Checksum { found, expected });
    }
    let found = word(12);
    if found != fingerprint {
        return Err(SnapshotError::OtherPipeline { found, expected: fingerprint });
    }
    Ok(state)
}
