//! The alerts topic of one partition: read back, and written by one producer at a time.
//!
//! **Invariant:** the producer that fences all others is opened before the topic is read, so nothing is written
//! between the two but by itself.

use crate::job::Job;
use kappascope_core::Cause;
use kappascope_delivery::{AlertRow, Work};
use kappascope_kafka::{Address, Error, Listener, Role};
use kappascope_output::jsonl;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// For Kafka to shut the producer before this one out, and to end a transaction.
const TRANSACTION: Duration = Duration::from_secs(30);
const TRANSACTION_MS: &str = "30000";
/// For the next record of the topic, while it is read back.
const ANSWER: Duration = Duration::from_secs(10);
/// The header that names a transition.
const ID: &str = "id";

/// Writes the alerts of a partition.
pub(crate) struct AlertsWriter {
    topic: String,
    partition: i32,
    producer: FutureProducer<Listener>,
}

/// What went wrong, in words.
pub(crate) type Wrong = String;

impl AlertsWriter {
    /// Shuts every other producer of the partition's alerts out.
    pub(crate) fn open(job: &Job, to: &Address, partition: u32) -> Result<Self, Wrong> {
        let producer = open(to, &job.transactional_id(partition)).map_err(|error| error.to_string())?;
        producer.init_transactions(TRANSACTION).map_err(|error| error.to_string())?;
        Ok(Self { topic: to.topic.clone(), partition: partition.cast_signed(), producer })
    }

    /// Writes alerts, all or none; gives the offset after the last.
    pub(crate) fn write(&self, job: &Job, work: &Work) -> Result<u64, Wrong> {
        let written = self.try_write(job, work);
        if written.is_err() {
            // A transaction that cannot be ended now is ended by the next producer.
            let _ = self.producer.abort_transaction(TRANSACTION);
        }
        written.map_err(|error| error.to_string())
    }

    fn try_write(&self, job: &Job, work: &Work) -> KafkaResult<u64> {
        self.producer.begin_transaction()?;
        let writer = jsonl::Writer::new(&job.spec);
        let mut sent = Vec::new();
        for alert in work.alerts() {
            let payload = line(&writer, alert, self.partition.cast_unsigned());
            let headers = OwnedHeaders::new().insert(Header { key: ID, value: Some(&alert.id) });
            let record = FutureRecord::to(&self.topic)
                .partition(self.partition)
                .key(&alert.id)
                .payload(&payload)
                .headers(headers);
            sent.push(self.producer.send_result(record).map_err(|(error, _)| error)?);
        }
        self.producer.commit_transaction(TRANSACTION)?;
        let mut end = 0;
        for record in sent {
            // A transaction is committed when each of its records is acknowledged.
            if let Ok(Ok(delivered)) = futures_executor::block_on(record) {
                end = end.max(delivered.offset.cast_unsigned() + 1);
            }
        }
        Ok(end)
    }
}

fn open(to: &Address, id: &str) -> Result<FutureProducer<Listener>, Error> {
    let mut settings = to.settings(Role::Writer)?;
    settings.set("transactional.id", id).set("transaction.timeout.ms", TRANSACTION_MS);
    to.open(&settings, Listener::default())
}

/// An alert as `run` writes it, with an id that is known in every run, and without its line's end.
pub(crate) fn line(writer: &jsonl::Writer<'_>, alert: &AlertRow, partition: u32) -> Vec<u8> {
    let mut line = Vec::new();
    writer.alert(&mut line, parts(alert, partition));
    line.pop();
    line
}

/// What an alert's line says.
pub(crate) fn parts(alert: &AlertRow, partition: u32) -> jsonl::Alert<'_> {
    jsonl::Alert {
        rule: alert.rule,
        key: alert.key.iter().map(String::as_str).collect(),
        state: alert.state,
        time: alert.time,
        id: alert.id.clone(),
        message: alert.message.clone(),
        cause: Some(Cause { partition, offset: alert.offset }),
        point: [alert.value, alert.score],
        values: alert.values.iter().map(Into::into).collect(),
    }
}

/// The ids of the alerts that are in the topic's partition from an offset on.
pub(crate) fn read_back(to: &Address, group: &str, partition: u32, from: u64) -> Result<Vec<String>, Wrong> {
    try_read_back(to, group, partition.cast_signed(), from.cast_signed())
}

fn try_read_back(to: &Address, group: &str, partition: i32, from: i64) -> Result<Vec<String>, Wrong> {
    let mut settings = to.settings(Role::Reader).map_err(|error| error.to_string())?;
    // What retention has taken away was read by whom it was for.
    settings.set("group.id", group).set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer<Listener> =
        to.open(&settings, Listener::default()).map_err(|error| error.to_string())?;
    let mut place = TopicPartitionList::new();
    let assigned = place
        .add_partition_offset(&to.topic, partition, Offset::Offset(from))
        .and_then(|()| consumer.assign(&place));
    assigned.map_err(|error| error.to_string())?;
    let mut ids = Vec::new();
    loop {
        match consumer.poll(ANSWER) {
            Some(Ok(message)) => ids.extend(id(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(ids),
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err(format!("topic `{}` does not answer", to.topic)),
        }
    }
}

/// The header's, since the key may be made another by who copies topics.
fn id(message: &impl Message) -> Option<String> {
    let header = message.headers()?.iter().find(|header| header.key == ID)?;
    Some(String::from_utf8_lossy(header.value?).into_owned())
}
