//! Parquet files, batch by batch: only the columns that are wanted, from any place that bytes come from.
//!
//! ```text
//!   Source ─► index, columns
//!      └────► row group ─► pages (unpacked, checked) ─► arrow ─► cells ─► Batch
//! ```
//!
//! **Invariant:** every row that the index declares is given once, in order, or reading ends in an error.
//! What is held at once is bounded: the index, a page and a batch a column.
//!
//! ```no_run
//! use kappascope_parquet::Parquet;
//!
//! let file = Parquet::open(std::fs::read("events.parquet").expect("a file"))?;
//! let mut batches = file.batches(&file.readable())?;
//! while let Some(batch) = batches.next_batch()? {
//!     println!("{} rows of {:?}", batch.rows, file.columns());
//! }
//! # Ok::<(), kappascope_parquet::ParquetError>(())
//! ```

mod cells;
mod error;
mod file;
mod guard;
mod pages;
mod source;

pub use error::ParquetError;
pub use file::{Batches, MAGIC, Parquet};
pub use source::Source;
