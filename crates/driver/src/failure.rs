//! Why a run ends before it is asked to.

use kappascope_clickhouse as clickhouse;
use kappascope_delivery::Failure;
use kappascope_kafka as kafka;

/// Why a run ends before it is asked to. Nothing was skipped: the same command goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// A cycle cannot go on.
    #[error(transparent)]
    Delivery(#[from] Failure),
    /// Brokers or topics are not as they have to be.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Tables are not as they have to be.
    #[error(transparent)]
    Tables(#[from] clickhouse::Error),
    /// A pipeline or an address cannot be used.
    #[error("{0}")]
    Usage(String),
    /// A partition cannot be read any more.
    #[error("topic `{topic}`, partition {partition}: it cannot be read any more: {reason}")]
    Reading {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// As librdkafka says it.
        reason: String,
    },
    /// The group cannot be taken part in any more.
    #[error("group `{group}`: {reason}")]
    Group {
        /// The group.
        group: String,
        /// As librdkafka says it.
        reason: String,
    },
    /// A thread of the program broke down.
    #[error("partition {partition}: the program broke down; this is a defect of it: {reason}")]
    Broken {
        /// The partition.
        partition: u32,
        /// What it said.
        reason: String,
    },
    /// The operating system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// What is wrong.
        error: std::io::Error,
    },
}

impl Stop {
    /// Whether the same may go well later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Kafka(error) => error.is_transient(),
            Self::Tables(error) => error.is_transient(),
            _ => false,
        }
    }
}
