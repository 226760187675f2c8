//! Why a cycle stops for good: each names the place, what was found and what to do.

use kappascope_core::{SnapshotError, SpecError};

/// Why a cycle cannot go on. It has written nothing since, and never will.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The pipeline cannot run.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A record of the state partition is none.
    #[error(
        "{place}: record `{key}` of the state topic cannot be read: {reason}. Start under a new epoch, which \
         computes everything again into new tables"
    )]
    DamagedState {
        /// Topic and partition of the input.
        place: String,
        /// The record's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The state is of another version of the pipeline.
    #[error(
        "{place}: the state is of version {found} of the pipeline; this is version {expected}. Start version \
         {found} to go on, or this one under a new epoch, which computes everything again into new tables"
    )]
    OtherVersion {
        /// Topic and partition of the input.
        place: String,
        /// The version of the state.
        found: u32,
        /// The version at hand.
        expected: u32,
    },
    /// The state does not belong to the pipeline, or is damaged.
    #[error(
        "{place}: the state is refused: {reason}. Start the pipeline that it was taken of to go on, or this one \
         under a new epoch, which computes everything again into new tables"
    )]
    OtherState {
        /// Topic and partition of the input.
        place: String,
        /// Why.
        reason: SnapshotError,
    },
    /// The record to go on with is no longer in the input.
    #[error(
        "{place}: offset {next} is to be read next, and the partition holds {earliest} to {latest}. Records were \
         deleted before they were read, or the topic was made anew; start under a new epoch, which computes \
         what is there into new tables"
    )]
    OutOfRange {
        /// Topic and partition of the input.
        place: String,
        /// The offset wanted.
        next: u64,
        /// The first offset that there is.
        earliest: u64,
        /// One past the last.
        latest: u64,
    },
    /// The last record of the recorded batch is no longer in the input.
    #[error(
        "{place}: the batch that was being written ends with offset {last}, which the partition has no more: the \
         next is {found}. An input topic must not be compacted; start under a new epoch, which computes \
         what is there into new tables"
    )]
    EndIsGone {
        /// Topic and partition of the input.
        place: String,
        /// The last offset of the batch.
        last: u64,
        /// The first one after it.
        found: u64,
    },
    /// The records of the recorded batch are not those that it was made of.
    #[error(
        "{place}: offsets {from} to {last} give another batch than the one that was being written: the records were \
         changed, or are read in another form. Read them as before to go on, or start under a new epoch, which \
         computes everything again into new tables"
    )]
    OtherBatch {
        /// Topic and partition of the input.
        place: String,
        /// The first offset of the batch.
        from: u64,
        /// The last.
        last: u64,
    },
    /// A table has other rows than the state allows.
    #[error(
        "{place}: table `{table}` has {found} rows of offsets {range}, and should have {expected}. Its rows and the \
         state do not belong together: was either restored, emptied or written by another program, or is \
         the state topic a new one? Start under a new epoch, which computes \
         everything again into new tables"
    )]
    Rows {
        /// Topic and partition of the input.
        place: String,
        /// The table's name in tokens.
        table: String,
        /// Which offsets were counted.
        range: String,
        /// Rows found.
        found: u64,
        /// How many would be right.
        expected: String,
    },
    /// What was to be written was refused for good.
    #[error("{place}: {what} was refused: {reason}. Nothing was skipped; start again once it is mended")]
    Refused {
        /// Topic and partition of the input.
        place: String,
        /// What was to be done.
        what: &'static str,
        /// Why it was refused.
        reason: String,
    },
}
