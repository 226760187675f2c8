//! The topics of a run: the input, its state, and the alerts.

use crate::failure::Stop;
use crate::job::Job;
use kappascope_kafka::topic::{Shape, Topics, create};
use kappascope_kafka::{Address, Error};

/// Whoever starts must be able to read the state through before compaction takes away what a newer record replaces.
const COMPACTION_LAG_MS: &str = "600000";
/// Compaction leaves the last segment alone: with one of Kafka's usual gigabyte a start would read for long.
const SEGMENT_BYTES: &str = "16777216";
const STATE: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("min.compaction.lag.ms", COMPACTION_LAG_MS),
    ("segment.bytes", SEGMENT_BYTES),
];

/// Makes what is missing.
pub(crate) async fn make(job: &Job) -> Result<(), Stop> {
    let partitions = Topics::open(&job.input)?.partitions(&job.input.topic)?;
    let state = job.state_address();
    create(&state, &state.topic, &Shape { partitions, settings: STATE }).await?;
    if let Some(alerts) = &job.alerts {
        create(alerts, &alerts.topic, &Shape { partitions, settings: &[] }).await?;
    }
    Ok(())
}

/// Whether all are there and fit each other; gives how many partitions the input has.
pub(crate) fn check(job: &Job) -> Result<u32, Stop> {
    let topics = Topics::open(&job.input)?;
    let partitions = topics.partitions(&job.input.topic)?;
    let state = job.state_address();
    let found = has(&topics, &state)?;
    if found != partitions {
        let reason = format!(
            "the state of each partition of `{}` is in the partition of the same number; {}",
            job.input.topic,
            if found < partitions {
                "`--create` adds what is missing"
            } else {
                "was the input made anew? A new epoch begins a state of its own"
            }
        );
        return Err(wrong(&state, found, partitions, reason).into());
    }
    if let Some(alerts) = &job.alerts {
        let found = has(&Topics::open(alerts)?, alerts)?;
        if found < partitions {
            let reason = "each partition of the input writes alerts to that of the same number; `--create` adds \
                          what is missing";
            return Err(wrong(alerts, found, partitions, reason.to_owned()).into());
        }
    }
    Ok(partitions)
}

fn has(topics: &Topics, of: &Address) -> Result<u32, Stop> {
    let found = topics.find(&of.topic)?;
    Ok(found.ok_or_else(|| topics.missing(&of.topic, "`--create` makes it"))?)
}

fn wrong(of: &Address, found: u32, expected: u32, reason: String) -> Error {
    Error::Partitions { place: of.to_string(), topic: of.topic.clone(), found, expected, reason }
}
