//! An address becomes a client's settings, and what a client hears is kept.

use crate::address::Address;
use crate::error::{Error, is_refusal};
use crate::options::{ALLOWED, For, PASSWORD, SECRETS, secret};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::statistics::Statistics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Looks at topics and makes them.
    Admin,
    /// Is a member of a group, and reads nothing.
    Member,
    /// Reads partitions that it is told, and commits nothing.
    Reader,
    /// Writes: idempotent, every replica in sync.
    Writer,
}

impl Role {
    fn takes(self, whom: For) -> bool {
        match whom {
            For::All => true,
            For::Consumers => self == Self::Reader,
            For::Members => self == Self::Member,
            For::Producers => self == Self::Writer,
        }
    }

    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Admin => &[],
            Self::Member => &[
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("partition.assignment.strategy", "cooperative-sticky"),
            ],
            Self::Reader => &[
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                // Where to begin is known; an offset that is not there is told, and not passed over.
                ("auto.offset.reset", "error"),
                ("enable.partition.eof", "true"),
                ("isolation.level", "read_committed"),
            ],
            Self::Writer => &[("enable.idempotence", "true"), ("acks", "all")],
        }
    }
}

impl Address {
    /// The settings of a client.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub fn settings(&self, role: Role) -> Result<ClientConfig, Error> {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", &self.brokers).set_log_level(RDKafkaLogLevel::Warning);
        for (name, secret) in SECRETS {
            if let Some(value) = secret.read()? {
                settings.set(name, value);
            }
        }
        for (name, value) in &self.options {
            let whom = ALLOWED.iter().find(|(allowed, _)| allowed == name).map(|(_, whom)| *whom);
            if whom.is_some_and(|whom| role.takes(whom)) {
                settings.set(name, value);
            }
        }
        for (name, value) in role.settings() {
            settings.set(*name, *value);
        }
        if settings.get("sasl.username").is_some() && settings.get("sasl.password").is_none() {
            let how = PASSWORD.how();
            return Err(self.misfit(format!("sasl.username is given, and no password: {how}")));
        }
        Ok(settings)
    }

    /// A client of these settings.
    ///
    /// # Errors
    /// When librdkafka refuses a setting.
    pub fn open<C: ClientContext, T: FromClientConfigAndContext<C>>(
        &self,
        settings: &ClientConfig,
        context: C,
    ) -> Result<T, Error> {
        settings.create_with_context(context).map_err(|error| {
            self.misfit(match error {
                KafkaError::ClientConfig(_, _, name, _) if secret(&name).is_some() => {
                    format!("`{name}` does not fit")
                }
                KafkaError::ClientConfig(_, what, name, value) => format!("`{name}={value}`: {what}"),
                error => error.to_string(),
            })
        })
    }

    fn misfit(&self, reason: String) -> Error {
        Error::Setting { place: self.to_string(), reason }
    }

    /// An error of a client, with what it heard before.
    pub(crate) fn error(&self, what: &str, error: KafkaError, heard: &Listener) -> Error {
        let place = format!("{}{}", Self::SCHEME, self.brokers);
        let said = heard.last();
        let reason = said.as_ref().map_or_else(|| error.to_string(), |(_, reason)| reason.clone());
        match said.map(|(code, _)| code).or(error.rdkafka_error_code()) {
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
                Error::Credentials { place, reason }
            }
            // A handshake that was cut short is one of a broker that is away.
            Some(Code::SSL) if reason.contains("certificate") => Error::Untrusted { place, reason },
            Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed) => {
                Error::Forbidden { place, topic: self.topic.clone(), reason }
            }
            Some(
                Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::SSL,
            ) => Error::Away { place, reason },
            _ => Error::Other { place, what: what.to_owned(), error: Box::new(error) },
        }
    }
}

/// What a client hears besides its answers: the last thing that says why nothing comes.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    last: Arc<Mutex<Option<(Code, String)>>>,
    ends: Arc<Mutex<BTreeMap<(String, u32), u64>>>,
}

impl Listener {
    /// What was heard last, refusals before all else.
    #[must_use]
    pub fn last(&self) -> Option<(Code, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listener {
    /// One past the last offset of a partition, as it was when a client with `statistics.interval.ms` told it last.
    #[must_use]
    pub fn end(&self, topic: &str, partition: u32) -> Option<u64> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(&(topic.to_owned(), partition)).copied()
    }
}

impl ClientContext for Listener {
    #[expect(clippy::iter_over_hash_type, reason = "each goes to a place of its own")]
    fn stats(&self, statistics: Statistics) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, topic) in &statistics.topics {
            for (partition, told) in &topic.partitions {
                // Negative ones are not known.
                if let (Ok(partition), Ok(end)) = (u32::try_from(*partition), u64::try_from(told.hi_offset)) {
                    ends.insert((name.clone(), partition), end);
                }
            }
        }
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What matters comes as an error too, and is told once, by who knows what it means.
        tracing::debug!(target: "librdkafka", ?level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
        let Some(code) = error.rdkafka_error_code() else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down says less than why the last one is.
        let says_more = match &*last {
            Some((known, _)) => !is_refusal(*known) && code != Code::AllBrokersDown,
            None => true,
        };
        if says_more {
            *last = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Listener {}
