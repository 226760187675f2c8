//! The binary from outside: what it writes, says and returns.

mod backtest;
mod bad_input;
mod command;
mod docs;
mod generate;
mod parquet;
mod profile;
mod resume;
mod run;
mod serve;
