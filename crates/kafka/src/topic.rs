//! Topics: how many partitions one has, where each begins and ends, and making one.

use crate::address::Address;
use crate::client::{Listener, Role};
use crate::error::Error;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use std::time::Duration;

/// A broker is asked again so often, each time with [`ANSWER`] to answer in: the first question finds no connection.
const TRIES: u32 = 5;
const ANSWER: Duration = Duration::from_secs(2);
/// How long it listens for the reason why there was no answer.
const HEARING: Duration = Duration::from_millis(100);
/// For a topic to be made on every broker.
const MAKING: Duration = Duration::from_secs(30);

/// Looks at topics.
pub struct Topics {
    of: Address,
    heard: Listener,
    client: BaseConsumer<Listener>,
}

impl Topics {
    /// Of the brokers of an address.
    ///
    /// # Errors
    /// When a setting is refused.
    pub fn open(of: &Address) -> Result<Self, Error> {
        let heard = Listener::default();
        let client = of.open(&of.settings(Role::Admin)?, heard.clone())?;
        Ok(Self { of: of.clone(), heard, client })
    }

    /// How many partitions a topic has; none when there is no such topic.
    ///
    /// # Errors
    /// When no broker answers, or they do not let it be seen.
    pub fn find(&self, topic: &str) -> Result<Option<u32>, Error> {
        let metadata = self.ask("looking for a topic", || self.client.fetch_metadata(Some(topic), ANSWER))?;
        let Some(found) = metadata.topics().first() else { return Ok(None) };
        match found.error().map(Code::from) {
            None => Ok(Some(found.partitions().len() as u32)),
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => Ok(None),
            Some(code) => {
                let what = format!("topic `{topic}`");
                Err(self.of.error(&what, KafkaError::MetadataFetch(code), &Listener::default()))
            }
        }
    }

    /// How many partitions a topic has that is to be there.
    ///
    /// # Errors
    /// When it is not, or as [`Self::find`].
    pub fn partitions(&self, topic: &str) -> Result<u32, Error> {
        self.find(topic)?.ok_or_else(|| self.missing(topic, "is its name right?"))
    }

    /// The first offset of a partition, and one past the last.
    ///
    /// # Errors
    /// When no broker answers, or there is no such partition.
    pub fn offsets(&self, topic: &str, partition: u32) -> Result<(u64, u64), Error> {
        let what = format!("the offsets of topic `{topic}`, partition {partition}");
        let (low, high) =
            self.ask(&what, || self.client.fetch_watermarks(topic, partition.cast_signed(), ANSWER))?;
        Ok((low.max(0).cast_unsigned(), high.max(0).cast_unsigned()))
    }

    /// That a topic is not there, and what would fit.
    #[must_use]
    pub fn missing(&self, topic: &str, hint: &str) -> Error {
        let place = format!("{}{}", Address::SCHEME, self.of.brokers);
        Error::NoTopic { place, topic: topic.to_owned(), hint: hint.to_owned() }
    }

    /// Asks until there is an answer, or a reason why none will come.
    fn ask<T>(&self, what: &str, question: impl Fn() -> Result<T, KafkaError>) -> Result<T, Error> {
        let mut tries = 0;
        loop {
            match question() {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tries += 1;
                    // What was heard waits to be served, or is about to come.
                    drop(self.client.poll(HEARING));
                    let error = self.of.error(what, error, &self.heard);
                    if tries == TRIES || !error.is_transient() {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// What a topic is to be like.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    /// How many partitions.
    pub partitions: u32,
    /// Its settings.
    pub settings: &'a [(&'a str, &'a str)],
}

/// Makes a topic, unless it is there, and gives it more partitions if it has too few; whoever uses it checks how
/// many it has.
///
/// # Errors
/// When it cannot be made.
pub async fn create(of: &Address, topic: &str, shape: &Shape<'_>) -> Result<(), Error> {
    let heard = Listener::default();
    let client: AdminClient<Listener> = of.open(&of.settings(Role::Admin)?, heard.clone())?;
    let options = AdminOptions::new().operation_timeout(Some(MAKING)).request_timeout(Some(MAKING));
    let failed = |error| of.error(&format!("making topic `{topic}`"), error, &heard);
    let partitions = shape.partitions as i32;
    // -1: as many copies as the cluster makes by default.
    let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    for (name, value) in shape.settings {
        wanted = wanted.set(name, value);
    }
    for made in client.create_topics([&wanted], &options).await.map_err(failed)? {
        match made {
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(failed(KafkaError::AdminOp(code))),
        }
    }
    let more = NewPartitions::new(topic, shape.partitions as usize);
    for grown in client.create_partitions([&more], &options).await.map_err(failed)? {
        match grown {
            // It has as many, or more.
            Ok(_) | Err((_, Code::InvalidPartitions)) => {}
            Err((_, code)) => return Err(failed(KafkaError::AdminOp(code))),
        }
    }
    Ok(())
}
