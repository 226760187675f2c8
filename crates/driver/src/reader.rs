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

/// Records taken at a time: enough that telling of them costs nothing beside them, and few milliseconds' work.
const PORTION: usize = 4_096;
/// A reader is no member of the group, and whether it reads is the cycle's affair.
const FOREVER_MS: &str = "86400000";
/// How often it is heard where a partition ends.
const HEARING_MS: &str = "1000";
/// How long to ask for a partition's leader before it is read: librdkafka, which has to know it to read, would look
/// for it half a second later.
const LEADER: Duration = Duration::from_secs(1);
/// What a reader fetches ahead, so that several partitions fit into memory.
const AHEAD: [(&str, &str); 4] = [
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "65536"),
    ("fetch.message.max.bytes", "2097152"),
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
    /// A reader that reads nothing yet.
    pub(crate) fn open(of: &Address, group: &str, partition: u32) -> Result<Self, Error> {
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
        let consumer: BaseConsumer<Listener> = of.open(&settings, Listener::default())?;
        // Reading waits for a broker as long as it must, so what comes of this does not matter.
        let _ = consumer.fetch_metadata(Some(&of.topic), LEADER);
        Ok(Self { of: of.clone(), partition, consumer, told: Told::default() })
    }

    /// Wakes a worker when there is something to read.
    pub(crate) fn wake(mut self, worker: &Mailbox) -> Self {
        self.consumer.set_nonempty_callback(worker.waker());
        self
    }

    /// One past the partition's last offset, as it was heard last.
    pub(crate) fn end(&self) -> Option<u64> {
        self.consumer.context().end(&self.of.topic, self.partition)
    }

    /// Goes on from an offset.
    pub(crate) fn seek(&self, offset: Offset) -> Result<(), Stop> {
        let mut place = TopicPartitionList::new();
        let partition = self.partition.cast_signed();
        let sought = place.add_partition_offset(&self.of.topic, partition, offset);
        sought.and_then(|()| self.consumer.assign(&place)).map_err(|error| self.stop(&error))
    }

    /// Takes what has come since, but for at most [`PORTION`] records, and waits for the first of them.
    pub(crate) fn read(
        &mut self,
        wait: Duration,
        mut take: impl FnMut(&BorrowedMessage<'_>),
    ) -> Result<Then, Stop> {
        let mut taken = 0;
        while taken < PORTION {
            let wait = if taken == 0 { wait } else { Duration::ZERO };
            match self.consumer.poll(wait) {
                None => return Ok(Then::Nothing),
                Some(Ok(message)) => {
                    take(&message);
                    taken += 1;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(Then::End),
                Some(Err(error)) => match error.rdkafka_error_code() {
                    Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => return Ok(Then::OutOfRange),
                    Some(code) if is_final(code) => return Err(self.stop(&error)),
                    _ => {
                        let (topic, partition) = (&self.of.topic, self.partition);
                        let tell =
                            |error: &KafkaError| tracing::warn!(topic, partition, %error, "reading waits");
                        self.told.tell(&error, tell);
                    }
                },
            }
        }
        Ok(Then::More)
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
pub(crate) fn record<'a>(message: &'a BorrowedMessage<'_>) -> Record<'a> {
    Record {
        offset: message.offset().cast_unsigned(),
        timestamp: message.timestamp().to_millis().unwrap_or(0),
        payload: message.payload().unwrap_or_default(),
    }
}

/// A record of the state topic.
pub(crate) fn state_record(message: &BorrowedMessage<'_>) -> StateRecord {
    StateRecord {
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        value: message.payload().map(<[u8]>::to_vec),
    }
}
