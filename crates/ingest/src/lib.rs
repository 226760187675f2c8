//! Bytes to log rows: CSV, JSON and access logs, plain or packed, found by content, in pieces of any size.
//!
//! **Invariant:** however the bytes are cut into pieces, the same rows reach the log and the same records
//! are refused, and `records in = rows appended + records rejected`. A record that cannot be a row is
//! never dropped in silence: it is a [`Rejected`] with its place, its column and the reason.
//!
//! ```
//! use kappascope_core::{Log, Spec};
//! use kappascope_ingest::Reader;
//!
//! let file = "at,page,ms\n\
//!             2024-05-01T10:00:00Z,home,20\n\
//!             2024-05-01T10:00:01Z,home,fast\n\
//!             2024-05-01T10:00:02Z,cart,40.5\n";
//! let spec = Spec::from_toml(r#"
//!     name = "shop"
//!     version = 1
//!     schema = { time = "at", keys = ["page"], measures = ["ms"] }
//!     [[query]]
//!     name = "per_minute"
//!     window = { tumbling = "1m" }
//!     aggregates = ["count()"]
//! "#).expect("a pipeline that runs");
//! let mut log = Log::new(&spec.schema);
//! let mut rejected = Vec::new();
//!
//! let mut reader = Reader::new(&spec.schema, file.as_bytes())?;
//! for piece in file.as_bytes().chunks(7) {
//!     reader.push(piece, &mut log, &mut rejected)?;
//! }
//! reader.finish(&mut log, &mut rejected)?;
//!
//! assert_eq!((reader.rows(), reader.rejected()), (2, 1));
//! assert_eq!(log.read(0, 2).measure(0), [20.0, 40.5]);
//! assert_eq!((rejected[0].position.to_string(), rejected[0].column.as_deref()), ("line 3".into(), Some("ms")));
//! assert_eq!(rejected[0].reason, "`fast` is not a number; a finite number such as `12.5` would fit");
//! # Ok::<(), kappascope_ingest::IngestError>(())
//! ```

mod access_log;
mod batch;
mod beginning;
mod csv;
mod error;
mod format;
mod head;
mod held;
mod json_array;
mod jsonl;
mod lines;
mod place;
pub mod profile;
mod reader;
mod record;
mod records;
mod row;
mod sample;
mod single;
mod time;
mod unpack;

pub use batch::{Batch, BatchReader, Cells, Column, Names};
pub use beginning::HEAD_BYTES;
pub use error::IngestError;
pub use place::Position;
pub use profile::propose;
pub use reader::{Reader, Rejected};
pub use single::{Single, SingleForm, SingleRow, Unfit};
