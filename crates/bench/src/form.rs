//! The events as the text of a file: what is read before W1.

use kappascope_core::Log;
use std::io::Write;

use crate::stream::START;

/// How a file writes its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `2026-01-05T00:12:34.567Z,2,123.45`
    Csv,
    /// `{"at":"2026-01-05T00:12:34.567Z","key":"2","value":123.45}`
    JsonLines,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Csv, Self::JsonLines];

    /// A short name, for programs.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// What is measured, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV file, then W1",
            Self::JsonLines => "JSON lines, then W1",
        }
    }

    /// An hour of events as a file.
    ///
    /// # Panics
    /// Never: a vector takes what is written.
    #[must_use]
    pub fn write(self, log: &Log) -> Vec<u8> {
        let block = log.read(0, usize::MAX);
        let mut file = match self {
            Self::Csv => b"at,key,value\n".to_vec(),
            Self::JsonLines => Vec::new(),
        };
        for ((&time, &key), value) in block.time().iter().zip(block.key(0)).zip(block.measure(0)) {
            let (at, key) = (rfc3339(time), block.dictionary(0).name(key));
            let written = match self {
                Self::Csv => writeln!(file, "{at},{key},{value}"),
                Self::JsonLines => writeln!(file, r#"{{"at":"{at}","key":"{key}","value":{value}}}"#),
            };
            written.expect("a vector takes what is written");
        }
        file
    }
}

/// A time of the hour.
fn rfc3339(time: i64) -> String {
    let ms = time - START;
    let (minute, second) = (ms / 60_000, ms / 1_000 % 60);
    format!("2026-01-05T00:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}
