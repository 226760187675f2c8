//! The crate from outside, on files good and bad.

mod common;
mod csv;
mod jsonl;
mod packed;
#[cfg(not(target_arch = "wasm32"))]
mod property;
mod propose;
