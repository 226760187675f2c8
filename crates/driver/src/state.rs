//! Writes records of the state topic.

use crate::failure::Stop;
use kappascope_delivery::StateRecord;
use kappascope_kafka::{Address, Listener, Role};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use std::sync::{Mutex, PoisonError};

/// A record that is not acknowledged by then is written again by the cycle: in less than the lease of an intent.
const TIMEOUT_MS: &str = "20000";
/// Intents wait for nothing to join them.
const LINGER_MS: &str = "0";

/// Writes records of the state topic, for all partitions.
pub(crate) struct StateWriter {
    to: Address,
    producer: Mutex<FutureProducer<Listener>>,
}

impl StateWriter {
    pub(crate) fn open(to: Address) -> Result<Self, Stop> {
        let producer = Mutex::new(open(&to)?);
        Ok(Self { to, producer })
    }

    /// Sends records in order; each gives what became of it.
    pub(crate) fn send(
        &self,
        partition: u32,
        records: &[StateRecord],
    ) -> Result<Vec<DeliveryFuture>, String> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reason)) = producer.client().fatal_error() {
            // Of an idempotent producer nothing more can be had then.
            tracing::warn!(topic = self.to.topic, reason, "the state is written by a new producer");
            *producer = open(&self.to).map_err(|error| error.to_string())?;
        }
        let send = |record: &StateRecord| {
            let mut sent = FutureRecord::<str, [u8]>::to(&self.to.topic)
                .partition(partition.cast_signed())
                .key(record.key.as_str());
            sent.payload = record.value.as_deref();
            producer.send_result(sent).map_err(|(error, _)| error.to_string())
        };
        records.iter().map(send).collect()
    }
}

fn open(to: &Address) -> Result<FutureProducer<Listener>, Stop> {
    let mut settings = to.settings(Role::Writer)?;
    settings.set("message.timeout.ms", TIMEOUT_MS).set("linger.ms", LINGER_MS);
    Ok(to.open(&settings, Listener::default())?)
}
