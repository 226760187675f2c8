//! Kafka as the binary speaks it: addresses, settings, topics.
//!
//! An [`Address`] names brokers and a topic, with what is to be set for them; a [`Role`] makes a client's settings of
//! it; [`topic`] looks at topics and makes them.
//!
//! **Invariant:** secrets come from the environment or a file, and neither an address nor an error shows one.
//!
//! ```
//! use kappascope_kafka::{Address, Start};
//!
//! let address: Address = "kafka://127.0.0.1:9092/visits?group=shop&offset=latest&epoch=2".parse()?;
//! assert_eq!(address.topic, "visits");
//! assert_eq!((address.start, address.epoch), (Start::Latest, 2));
//! # Ok::<(), kappascope_address::AddressError>(())
//! ```

mod address;
mod client;
mod error;
mod options;
pub mod topic;
mod writer;

pub use address::{Address, Form, Start};
pub use client::{Listener, Role};
pub use error::Error;
pub use writer::TopicWriter;
