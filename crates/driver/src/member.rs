//! Membership in the consumer group: it says which partitions are this process's, and starts and ends their workers.
//!
//! **Invariant:** a partition is given back to the group only when its worker has ended, or has been told that the
//! partition is lost and writes no more.

use crate::clock::now_ms;
use crate::failure::Stop;
use crate::mail::Letter;
use crate::shared::Shared;
use crate::told::Told;
use crate::worker::Worker;
use kappascope_kafka::{Listener, Role};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a batch that was begun may take when its partition is to be given back; then it is dropped. Far less than
/// `max.poll.interval.ms`, five minutes, after which the group goes on without this member.
const FINISHING_MS: u64 = 30_000;
/// How often the group, the workers and the wish to stop are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often newer offsets are committed.
const COMMITS_MS: u64 = 100;
/// How often all are committed again: in the midst of a rebalance the group refuses them, a client is not told of it
/// (rdkafka 0.39 drops the answer), and the last ones of a quiet partition are followed by no newer ones.
const COMMITS_AGAIN_MS: u64 = 2_000;

/// The workers of this process's partitions.
pub(crate) struct Members {
    shared: Arc<Shared>,
    workers: Mutex<BTreeMap<u32, Worker>>,
    heard: Listener,
}

/// Takes part in the group until it is to stop, or something fails.
pub(crate) fn take_part(shared: &Arc<Shared>, is_asked_to_stop: impl Fn() -> bool) -> Result<(), Stop> {
    let job = &shared.job;
    let mut settings = job.input.settings(Role::Member)?;
    settings.set("group.id", job.group());
    let members = Members { shared: shared.clone(), workers: Mutex::default(), heard: Listener::default() };
    let consumer: BaseConsumer<Members> = job.input.open(&settings, members)?;
    consumer.subscribe(&[&job.input.topic]).map_err(|error| group_failed(&job.group(), &error))?;
    let ended = follow(&consumer, shared, is_asked_to_stop);
    let members = consumer.context();
    members.end(Letter::Revoked, None);
    commit(&consumer, shared, &shared.take_commits(), CommitMode::Sync);
    consumer.unsubscribe();
    // What a worker failed with while it was ending is told as well.
    ended.and(shared.take_failure().map_or(Ok(()), Err))
}

fn follow(
    consumer: &BaseConsumer<Members>,
    shared: &Shared,
    is_asked_to_stop: impl Fn() -> bool,
) -> Result<(), Stop> {
    let mut told = Told::default();
    let mut commits = Commits::default();
    while !is_asked_to_stop() {
        match consumer.poll(LOOK) {
            // Its partitions are paused, and read elsewhere.
            None | Some(Ok(_)) => {}
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(
                    Code::Fatal
                    | Code::GroupAuthorizationFailed
                    | Code::TopicAuthorizationFailed
                    | Code::Authentication
                    | Code::UnknownTopic
                    | Code::UnknownTopicOrPartition,
                ) => return Err(group_failed(&shared.job.group(), &error)),
                _ => told.tell(&error, |error| tracing::warn!(%error, "the group waits")),
            },
        }
        commits.go_on(consumer, shared);
        if let Some(failure) = shared.take_failure() {
            return Err(failure);
        }
        consumer.context().check()?;
    }
    Ok(())
}

/// Tells the group how far its partitions are.
#[derive(Default)]
struct Commits {
    /// The newest offset of each partition.
    newest: BTreeMap<u32, u64>,
    newer_ms: u64,
    again_ms: u64,
}

impl Commits {
    /// Commits what is due.
    fn go_on(&mut self, consumer: &BaseConsumer<Members>, shared: &Shared) {
        let now = now_ms();
        if now - self.newer_ms >= COMMITS_MS {
            self.newer_ms = now;
            let newer = shared.take_commits();
            commit(consumer, shared, &newer, CommitMode::Async);
            self.newest.extend(newer);
            // Of one that was given away another tells how far it is.
            let workers = consumer.context().workers();
            self.newest.retain(|partition, _| workers.contains_key(partition));
        }
        if now - self.again_ms >= COMMITS_AGAIN_MS {
            self.again_ms = now;
            commit(consumer, shared, &self.newest, CommitMode::Async);
        }
    }
}

fn commit(consumer: &BaseConsumer<Members>, shared: &Shared, newest: &BTreeMap<u32, u64>, mode: CommitMode) {
    if newest.is_empty() {
        return;
    }
    let mut offsets = TopicPartitionList::new();
    for (partition, offset) in newest {
        // Fails for a partition that is named twice.
        let _ = offsets.add_partition_offset(
            &shared.job.input.topic,
            partition.cast_signed(),
            Offset::Offset(offset.cast_signed()),
        );
    }
    if let Err(error) = consumer.commit(&offsets, mode) {
        tracing::debug!(%error, "offsets are not committed; no cycle begins from them");
    }
}

fn group_failed(group: &str, error: &KafkaError) -> Stop {
    Stop::Group { group: group.to_owned(), reason: error.to_string() }
}

impl Members {
    fn workers(&self) -> MutexGuard<'_, BTreeMap<u32, Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker that broke down would leave its partition alone.
    fn check(&self) -> Result<(), Stop> {
        let mut workers = self.workers();
        let done: Vec<u32> =
            workers.iter().filter(|(_, worker)| worker.is_done()).map(|(partition, _)| *partition).collect();
        for partition in done {
            if let Some(worker) = workers.remove(&partition) {
                worker.join(partition)?;
            }
        }
        Ok(())
    }

    fn begin(&self, partitions: &[u32]) {
        for &partition in partitions {
            tracing::info!(partition, "the partition is ours");
            match Worker::start(&self.shared, partition) {
                Ok(worker) => drop(self.workers().insert(partition, worker)),
                Err(stop) => self.shared.fail(stop),
            }
        }
    }

    /// Ends the workers of some partitions, or of all, and waits for them.
    fn end(&self, how: Letter, partitions: Option<&[u32]>) {
        let is_lost = matches!(how, Letter::Lost);
        let mut ending: BTreeMap<u32, Worker> = self
            .workers()
            .extract_if(.., |partition, _| partitions.is_none_or(|some| some.contains(partition)))
            .collect();
        for worker in ending.values() {
            worker.post(if is_lost { Letter::Lost } else { Letter::Revoked });
        }
        let begun = now_ms();
        let mut is_late = is_lost;
        while !ending.is_empty() {
            for (partition, worker) in ending.extract_if(.., |_, worker| worker.is_done()) {
                if let Err(stop) = worker.join(partition) {
                    self.shared.fail(stop);
                }
            }
            if !is_late && now_ms() - begun >= FINISHING_MS {
                is_late = true;
                tracing::warn!(
                    "a batch takes too long to finish; it is dropped, and done again by who comes next"
                );
                ending.values().for_each(|worker| worker.post(Letter::Lost));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &mut TopicPartitionList) {
        // The group's own reading would be of no use to anyone.
        let paused = partitions
            .set_all_offsets(Offset::End)
            .and_then(|()| consumer.incremental_assign(partitions))
            .and_then(|()| consumer.pause(partitions));
        match paused {
            Ok(()) => self.begin(&numbers(partitions)),
            Err(error) => self.shared.fail(group_failed(&self.shared.job.group(), &error)),
        }
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let how = if consumer.assignment_lost() { Letter::Lost } else { Letter::Revoked };
        self.end(how, Some(&numbers(partitions)));
        if let Err(error) = consumer.incremental_unassign(partitions) {
            tracing::warn!(%error, "partitions are not given back");
        }
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<u32> {
    partitions.elements().iter().map(|element| element.partition().cast_unsigned()).collect()
}

impl ClientContext for Members {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.heard.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(error, reason);
    }
}

impl ConsumerContext for Members {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, partitions),
            _ => self.revoke(consumer, partitions),
        }
    }
}
