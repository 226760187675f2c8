//! The crate from outside, on files that others wrote, and on damaged ones.

mod bad_files;
mod common;
mod good_files;
