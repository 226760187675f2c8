//! A pipeline of one query, and records for it.

use std::ops::Range;

/// Counts by user and second.
pub const PIPELINE: &str = r#"
name = "days"
version = 1
[schema]
time = "at"
keys = ["user"]
measures = ["ms"]
[[query]]
name = "per_second"
by = ["user"]
window = { tumbling = "1s" }
aggregates = ["count()"]
"#;

/// The records of these numbers: ten a second, of three users.
#[must_use]
pub fn records(numbers: Range<u64>) -> Vec<String> {
    numbers
        .map(|n| format!(r#"{{"at":{},"user":"u{}","ms":1}}"#, 1_767_225_600_000 + n * 100, n % 3))
        .collect()
}
