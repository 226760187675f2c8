//! What a table on the server must be like, so that an insert is stored whole and once.

use clickhouse::Row;

/// How many inserts a table remembers the tokens of: at one a second and partition some hours, and far more than a
/// cycle has under way.
pub(crate) const REMEMBERED: u32 = 10_000;

/// A table that was made by hand may remember fewer: a hundred partitions have one insert each under way, and one that
/// was repeated after its token was forgotten is in the table twice.
const FEWEST_REMEMBERED: u64 = 100;

/// What a table is like on the server.
#[derive(Debug, Row, serde::Deserialize)]
pub(crate) struct Found {
    pub(crate) engine: String,
    pub(crate) engine_full: String,
    pub(crate) partition_key: String,
}

impl Found {
    /// What is wrong with it, and what would fit. `table` is what statements call it.
    pub(crate) fn wrong(&self, table: &str) -> Option<String> {
        let Self { engine, partition_key, .. } = self;
        if !engine.ends_with("MergeTree") {
            return Some(format!("its engine is {engine}; one of the MergeTree family would fit"));
        }
        if !partition_key.is_empty() {
            return Some(format!(
                "it is partitioned by {partition_key}, which cuts an insert into parts that are stored one by one; \
                 a table without PARTITION BY would fit"
            ));
        }
        // Those of ClickHouse Cloud are called Shared, and remember as replicated ones do.
        let is_replicated = engine.starts_with("Replicated") || engine.starts_with("Shared");
        let (name, default) = if is_replicated {
            ("replicated_deduplication_window", u64::from(REMEMBERED))
        } else {
            ("non_replicated_deduplication_window", 0)
        };
        let remembered = setting(&self.engine_full, name).unwrap_or(default);
        (remembered < FEWEST_REMEMBERED).then(|| {
            format!(
                "it forgets the tokens of inserts after {remembered} others; \
                 `ALTER TABLE {table} MODIFY SETTING {name} = {REMEMBERED}` would fit"
            )
        })
    }
}

/// The number in `…, name = 10000, …`.
fn setting(engine_full: &str, name: &str) -> Option<u64> {
    let words = engine_full.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let mut after = words.skip_while(|word| *word != name).skip(1);
    after.next().filter(|word| *word == "=")?;
    after.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_would_lose_or_double_rows_are_told_apart() {
        let settings = "ORDER BY a SETTINGS index_granularity = 8192";
        let cases = [
            ("MergeTree", "non_replicated_deduplication_window = 10000", "", None),
            ("ReplacingMergeTree", "non_replicated_deduplication_window = 100, x = 1", "", None),
            ("MergeTree", "non_replicated_deduplication_window = 99", "", Some("after 99 others")),
            ("MergeTree", "x = 1", "", Some("after 0 others")),
            // The other kind's setting does not help.
            (
                "MergeTree",
                "replicated_deduplication_window = 10000",
                "",
                Some("MODIFY SETTING non_replicated"),
            ),
            ("ReplicatedMergeTree", "x = 1", "", None),
            ("ReplicatedMergeTree", "replicated_deduplication_window_seconds = 0", "", None),
            ("SharedReplacingMergeTree", "x = 1", "", None),
            (
                "ReplicatedMergeTree",
                "replicated_deduplication_window = 0",
                "",
                Some("MODIFY SETTING replicated"),
            ),
            ("MergeTree", "non_replicated_deduplication_window = 10000", "toDate(at)", Some("by toDate(at)")),
            ("Distributed", "", "", Some("its engine is Distributed")),
        ];
        for (engine, more, partition_key, expected) in cases {
            let engine_full = format!("{engine} {settings}, {more}");
            let found =
                Found { engine: engine.to_owned(), engine_full, partition_key: partition_key.to_owned() };
            match (found.wrong("`d`.`t`"), expected) {
                (None, None) => {}
                (Some(what), Some(expected)) => assert!(what.contains(expected), "{found:?}: {what}"),
                (what, _) => panic!("{found:?}: {what:?}"),
            }
        }
    }
}
