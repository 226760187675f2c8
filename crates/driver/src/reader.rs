//! Partitions that are read outside the group: the input, from where the cycle says, and its state, from the start.
//!
//! The group says who has a partition, and no more. So what is fetched never comes from before a rebalance, and a
//! cycle that is told to seek gets nothing of what was fetched before.

use crate::failure::Stop;
use crate::mail::Mailbox;
use crate::told::Told;
use kappascope_delivery::{Record, StateRecord};
use kappascope_kafka::{Address, Error, Listener, Role};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// Records told to a cycle at a time: enough that telling costs nothing beside them, and few milliseconds' work.
const PORTION: usize = 4_096;
/// A reader is no member of the group, and whether it reads is the cycle's affair.
const FOREVER_MS: &str = "86400000";
/// How often it is heard where a partition ends.
const HEARING_MS: &str = "1000";
/// What a reader fetches ahead, so that several partitions fit into memory.
const AHEAD: [(&str, &str); 4] = [
    ("queued.max.messages.kbytes", "32768"),
    ("queued.min.messages", "200000"),
    ("fetch.message.max.bytes", "4194304"),
    // Once that much is there, librdkafka would look the other way for a second.
    ("fetch.queue.backoff.ms", "5"),
];

/// Reads a partition from an offset on.
pub(crate) struct PartitionReader {
    of: Address,
    partition: u32,
    consumer: BaseConsumer<Listener>,
    told: Told,
}

/// What a reader came upon since it was asked last.
pub(crate) struct Portion<T> {
    /// Records, in order.
    pub(crate) records: Vec<T>,
    /// What came after them.
    pub(crate) then: Then,
}

/// What comes after the records of a portion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Perhaps more.
    More,
    /// Nothing for now.
    Nothing,
    /// All has been read that was there. Told once, until something else comes.
    End,
    /// The offset to begin with is not there.
    OutOfRange,
}

impl PartitionReader {
    /// A reader that wakes a worker when there is something to read.
    pub(crate) fn open(of: &Address, group: &str, partition: u32, wakes: &Mailbox) -> Result<Self, Error> {
        let mut settings = of.settings(Role::Reader)?;
        settings
            .set("group.id", group)
            .set("statistics.interval.ms", HEARING_MS)
            .set("max.poll.interval.ms", FOREVER_MS);
        for (name, value) in AHEAD {
            if settings.get(name).is_none() {
                settings.set(name, value);
            }
        }
        let mut consumer: BaseConsumer<Listener> = of.open(&settings, Listener::default())?;
        consumer.set_nonempty_callback(wakes.waker());
        Ok(Self { of: of.clone(), partition, consumer, told: Told::default() })
    }

    /// Goes on from an offset.
    pub(crate) fn seek(&self, offset: Offset) -> Result<(), Stop> {
        let mut place = TopicPartitionList::new();
        let partition = self.partition.cast_signed();
        let sought = place.add_partition_offset(&self.of.topic, partition, offset);
        sought.and_then(|()| self.consumer.assign(&place)).map_err(|error| self.stop(&error))
    }

    /// One past the partition's last offset, as it was heard last.
    pub(crate) fn end(&self) -> Option<u64> {
        self.consumer.context().end(&self.of.topic, self.partition)
    }

    /// What has come since.
    pub(crate) fn read<T>(&mut self, take: impl Fn(&BorrowedMessage<'_>) -> T) -> Result<Portion<T>, Stop> {
        let mut records = Vec::new();
        while records.len() < PORTION {
            let then = match self.consumer.poll(Duration::ZERO) {
                None => Then::Nothing,
                Some(Ok(message)) => {
                    records.push(take(&message));
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => Then::End,
                Some(Err(error)) => match error.rdkafka_error_code() {
                    Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => Then::OutOfRange,
                    Some(code) if is_final(code) => return Err(self.stop(&error)),
                    _ => {
                        let (topic, partition) = (&self.of.topic, self.partition);
                        let tell =
                            |error: &KafkaError| tracing::warn!(topic, partition, %error, "reading waits");
                        self.told.tell(&error, tell);
                        continue;
                    }
                },
            };
            return Ok(Portion { records, then });
        }
        Ok(Portion { records, then: Then::More })
    }

    fn stop(&self, error: &KafkaError) -> Stop {
        Stop::Reading { topic: self.of.topic.clone(), partition: self.partition, reason: error.to_string() }
    }
}

/// Whether a partition cannot be read any more, however often it is tried.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::TopicAuthorizationFailed
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::Fatal
    )
}

/// A record of the input. One without a value is empty: it is no row, and is rejected with its offset.
pub(crate) fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        offset: message.offset().cast_unsigned(),
        timestamp: message.timestamp().to_millis().unwrap_or(0),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

/// A record of the state topic.
pub(crate) fn state_record(message: &BorrowedMessage<'_>) -> StateRecord {
    StateRecord {
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        value: message.payload().map(<[u8]>::to_vec),
    }
}
