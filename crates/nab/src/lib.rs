//! The detectors on the Numenta Anomaly Benchmark.

pub mod controls;
pub mod corpus;
pub mod score;
pub mod sweep;
