//! What an insert is to be like, whatever the server's defaults and the user's profile say.
//!
//! **Invariant:** with these an insert of at most [`MAX_INSERT_ROWS`](kappascope_delivery::MAX_INSERT_ROWS) rows is one
//! block, of which one token is remembered. Without them a profile may cut it into several, each stored by itself, or
//! switch the memory for tokens off.

/// As old as anything that can be expected of a server.
pub(crate) const ALWAYS: &[(&str, &str)] = &[
    // The answer comes when the rows are stored.
    ("async_insert", "0"),
    ("wait_end_of_query", "1"),
    // A token that is known is dropped, in views behind the table as well.
    ("insert_deduplicate", "1"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    // A block ends with the insert: this is the most that ClickHouse takes, and its default. The least is looked at as
    // well: from it on a block may end (engine 26.9).
    ("max_insert_block_size", "1048449"),
    ("min_insert_block_size_rows", "1048449"),
    ("min_insert_block_size_bytes", "0"),
    // A column that was renamed is an error, and not left out.
    ("input_format_skip_unknown_fields", "0"),
];

/// What came with later versions; to an older one they are errors.
pub(crate) const IF_KNOWN: &[(&str, &str)] = &[
    // Goes before `insert_deduplicate`.
    ("deduplicate_insert", "enable"),
    // Nor does a block end at so many bytes.
    ("max_insert_block_size_bytes", "0"),
    ("input_format_max_block_size_bytes", "0"),
    ("use_strict_insert_block_limits", "0"),
];
