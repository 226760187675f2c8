//! What of librdkafka's settings an address may set, and whom each is for.
//!
//! **Invariant:** nothing on which delivery rests is among them: acknowledgements, idempotence, isolation, offsets
//! and the kind of assignment are the program's own.

use kappascope_address::Secret;

/// Whom a setting is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    All,
    Consumers,
    /// Only the consumer that is a member of the group.
    Members,
    Producers,
}

/// The settings of librdkafka that an address may carry.
pub(crate) const ALLOWED: &[(&str, For)] = &[
    // How to reach the brokers, and as whom.
    ("security.protocol", For::All),
    ("sasl.mechanism", For::All),
    ("sasl.username", For::All),
    ("ssl.ca.location", For::All),
    ("ssl.certificate.location", For::All),
    ("ssl.key.location", For::All),
    ("ssl.endpoint.identification.algorithm", For::All),
    ("client.id", For::All),
    ("client.rack", For::All),
    ("broker.address.family", For::All),
    // How long to wait.
    ("socket.timeout.ms", For::All),
    ("socket.connection.setup.timeout.ms", For::All),
    ("topic.metadata.refresh.interval.ms", For::All),
    ("session.timeout.ms", For::Members),
    ("heartbeat.interval.ms", For::Members),
    ("group.instance.id", For::Members),
    // How much to fetch ahead.
    ("fetch.min.bytes", For::Consumers),
    ("fetch.wait.max.ms", For::Consumers),
    ("fetch.message.max.bytes", For::Consumers),
    ("queued.min.messages", For::Consumers),
    ("queued.max.messages.kbytes", For::Consumers),
    // How to write.
    ("linger.ms", For::Producers),
    ("compression.type", For::Producers),
    ("batch.size", For::Producers),
    ("message.max.bytes", For::Producers),
];

/// The password of `sasl.username`.
pub(crate) const PASSWORD: Secret = Secret("KAPPASCOPE_KAFKA_PASSWORD");

/// Settings that hold a secret, and how to give it instead.
pub(crate) const SECRETS: [(&str, Secret); 2] =
    [("sasl.password", PASSWORD), ("ssl.key.password", Secret("KAPPASCOPE_KAFKA_KEY_PASSWORD"))];

/// How to give what a setting holds, if that is a secret.
pub(crate) fn secret(setting: &str) -> Option<Secret> {
    SECRETS.iter().find(|(name, _)| *name == setting).map(|(_, secret)| *secret)
}
