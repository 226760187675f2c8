//! What can be wrong with brokers and topics.

use kappascope_address::SecretError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What is wrong with brokers or a topic. Each names the place, what was found and what would fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is none, or does not go with another.
    #[error("{place}: {reason}")]
    Setting {
        /// The brokers.
        place: String,
        /// As librdkafka says it.
        reason: String,
    },
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No broker answers.
    #[error("{place}: no broker answers: {reason}")]
    Away {
        /// The brokers.
        place: String,
        /// What was heard last.
        reason: String,
    },
    /// The brokers do not let this user in.
    #[error(
        "{place}: not let in: {reason}; `sasl.username` in the address and KAPPASCOPE_KAFKA_PASSWORD are who asks"
    )]
    Credentials {
        /// The brokers.
        place: String,
        /// What was heard.
        reason: String,
    },
    /// The broker is not who it should be, or cannot show it.
    #[error(
        "{place}: not trusted: {reason}; `ssl.ca.location` names the file with its authority's certificate"
    )]
    Untrusted {
        /// The brokers.
        place: String,
        /// What was heard.
        reason: String,
    },
    /// The user may not do this.
    #[error("{place}: topic `{topic}` is not allowed to this user: {reason}")]
    Forbidden {
        /// The brokers.
        place: String,
        /// The topic.
        topic: String,
        /// What was heard.
        reason: String,
    },
    /// There is no such topic.
    #[error("{place}: there is no topic `{topic}`; {hint}")]
    NoTopic {
        /// The brokers.
        place: String,
        /// The topic.
        topic: String,
        /// What would fit.
        hint: String,
    },
    /// A topic has another number of partitions than it needs.
    #[error("{place}: topic `{topic}` has {found} partitions, and {expected} are needed: {reason}")]
    Partitions {
        /// The brokers.
        place: String,
        /// The topic.
        topic: String,
        /// How many it has.
        found: u32,
        /// How many it needs.
        expected: u32,
        /// Why.
        reason: String,
    },
    /// Something else.
    #[error("{place}: {what}: {error}")]
    Other {
        /// The brokers.
        place: String,
        /// What was to be done.
        what: String,
        /// What came of it.
        error: Box<KafkaError>,
    },
}

impl Error {
    /// Whether trying again may help: the brokers are away, or at odds for now.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Other { error, .. } => error.rdkafka_error_code().is_none_or(|code| !is_refusal(code)),
            _ => false,
        }
    }
}

/// Whether a broker says that the same request will never pass.
#[must_use]
pub(crate) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::InvalidConfig
            | Code::InvalidTopic
            | Code::UnsupportedVersion
            | Code::MessageSizeTooLarge
    )
}
