//! A replay is shown once it has caught up: when the group has committed the end of every partition, whoever of its
//! members did, the views show this epoch.

use crate::failure::Stop;
use crate::job::Job;
use crate::shared::Shared;
use kappascope_kafka::topic::Topics;
use kappascope_kafka::{Listener, Role};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::{Arc, Weak};
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(2);
/// For the group's coordinator.
const ANSWER: Duration = Duration::from_secs(5);

/// Looks until it is so, or the run is over. The first epoch is shown from the start.
pub(crate) fn watch(shared: &Arc<Shared>) -> Result<(), Stop> {
    if shared.job.input.epoch == 1 || shared.job.tables.is_none() {
        return Ok(());
    }
    let (group, shared) = (Group::open(&shared.job)?, Arc::downgrade(shared));
    let look = move || {
        while let Some(is_shown) = look(&group, &shared) {
            if is_shown {
                return;
            }
            std::thread::sleep(LOOK);
        }
    };
    let begun = std::thread::Builder::new().name("caught up".to_owned()).spawn(look);
    begun.map(drop).map_err(|error| Stop::System { what: "starting a thread", error })
}

/// Whether the views show this epoch now; none when the run is over.
fn look(group: &Group, shared: &Weak<Shared>) -> Option<bool> {
    let shared = shared.upgrade()?;
    let shown = group.has_caught_up(&shared.job).and_then(|has_caught_up| match &shared.job.tables {
        Some(tables) if has_caught_up => Ok(shared.runtime.block_on(tables.switch()).map(|()| true)?),
        _ => Ok(false),
    });
    match &shown {
        Ok(true) => tracing::info!(epoch = shared.job.input.epoch, "it has caught up: the views show it"),
        Ok(false) => {}
        Err(reason) => tracing::warn!(%reason, "whether it has caught up is not known yet"),
    }
    Some(shown.unwrap_or(false))
}

/// Who asks how far a group is.
struct Group {
    topics: Topics,
    consumer: BaseConsumer<Listener>,
}

impl Group {
    fn open(job: &Job) -> Result<Self, Stop> {
        let mut settings = job.input.settings(Role::Admin)?;
        settings.set("group.id", job.group());
        let consumer = job.input.open(&settings, Listener::default())?;
        Ok(Self { topics: Topics::open(&job.input)?, consumer })
    }

    fn has_caught_up(&self, job: &Job) -> Result<bool, Stop> {
        let topic = &job.input.topic;
        let partitions = self.topics.partitions(topic)?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, partitions.cast_signed() - 1);
        let committed = self
            .consumer
            .committed_offsets(asked, ANSWER)
            .map_err(|error| Stop::Group { group: job.group(), reason: error.to_string() })?;
        for partition in 0..partitions {
            let (first, end) = self.topics.offsets(topic, partition)?;
            let found = committed.find_partition(topic, partition.cast_signed()).map(|found| found.offset());
            let is_there = matches!(found, Some(Offset::Offset(at)) if at.cast_unsigned() >= end);
            if !is_there && first < end {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
