//! Records into a topic, as fast as the brokers take them.
//!
//! **Invariant:** every record is acknowledged by all replicas in sync, or the end is an error that says how many
//! were not.

use crate::address::Address;
use crate::client::Role;
use crate::error::Error;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// While the queue is full, acknowledgements are waited for so long at a time.
const WAIT: Duration = Duration::from_millis(100);
/// Records that wait for their acknowledgement: some megabytes, and more than the brokers answer in a while.
const QUEUED: &str = "100000";
/// A small wait makes large batches, which is what makes it fast.
const LINGER_MS: &str = "5";
/// As librdkafka gives a record up itself.
const FLUSH: Duration = Duration::from_secs(310);

/// Writes records to a topic.
pub struct TopicWriter {
    of: Address,
    producer: BaseProducer<Failures>,
    failures: Failures,
}

/// Records that were not acknowledged, and why the first was not.
#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Option<(u64, KafkaError)>>>);

impl Failures {
    fn take(&self) -> Option<(u64, KafkaError)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, _) = failures.get_or_insert_with(|| (0, error.clone()));
            *count += 1;
        }
    }
}

impl TopicWriter {
    /// A writer to the topic of an address.
    ///
    /// # Errors
    /// When a setting is refused.
    pub fn open(of: &Address) -> Result<Self, Error> {
        let mut settings = of.settings(Role::Writer)?;
        settings.set("queue.buffering.max.messages", QUEUED);
        if settings.get("linger.ms").is_none() {
            settings.set("linger.ms", LINGER_MS);
        }
        let failures = Failures::default();
        Ok(Self { of: of.clone(), producer: of.open(&settings, failures.clone())?, failures })
    }

    /// Takes a record: without a key it goes to any partition, with one always to the same.
    ///
    /// # Errors
    /// When this record or one before it cannot be written.
    pub fn send(&self, payload: &[u8], key: Option<&[u8]>) -> Result<(), Error> {
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.of.topic).payload(payload);
        record.key = key;
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    record = again;
                    self.producer.poll(WAIT);
                }
                Err((error, _)) => return Err(self.failed("writing a record", error)),
            }
        }
        self.producer.poll(Duration::ZERO);
        self.check()
    }

    /// Waits until every record is acknowledged.
    ///
    /// # Errors
    /// When one is not.
    pub fn finish(self) -> Result<(), Error> {
        self.producer.flush(FLUSH).map_err(|error| self.failed("waiting for acknowledgements", error))?;
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        match self.failures.take() {
            Some((count, error)) => {
                Err(self.failed(&format!("{count} records were not acknowledged; the first"), error))
            }
            None => Ok(()),
        }
    }

    fn failed(&self, what: &str, error: KafkaError) -> Error {
        Error::Other { place: self.of.to_string(), what: what.to_owned(), error: Box::new(error) }
    }
}
