//! The crate from outside, on files good and bad.

mod access_log;
mod bad_input;
#[cfg(not(target_arch = "wasm32"))]
mod batch;
mod common;
mod csv;
mod json_array;
mod jsonl;
mod nested;
mod packed;
#[cfg(not(target_arch = "wasm32"))]
mod profile;
mod property;
mod propose;
