//! What is measured: works, each the engine beside a hand-written loop over the same arrays.
//!
//! Nothing here looks at a clock, so the native program and a Web Worker run the same code, each with the clock
//! that it has.
//!
//! **Invariant:** nothing is compared before it is seen to do the same work: [`Work::check`] panics where the
//! loop's results differ from the engine's.
//!
//! ```
//! use kappascope_bench::{Work, stream::Stream};
//!
//! let work = Work::ALL[0];
//! let log = work.stream.hour(10_000);
//! assert_eq!(work.check(&log).rows, 180); // 60 minutes, 3 keys
//! work.run_engine(&log); // what the clock is around
//! work.run_by_hand(&log);
//! # assert_eq!(work.stream, Stream::ThreeKeys);
//! ```

#[cfg(target_arch = "wasm32")]
mod browser;
pub mod by_hand;
pub mod detector;
pub mod engine;
pub mod form;
pub mod rates;
pub mod result;
pub mod stream;
pub mod table;
mod work;

pub use work::Work;
