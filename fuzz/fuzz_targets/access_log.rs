//! Access logs: a record a line. The first byte is the length of a piece.
#![no_main]

use kappascope_core::spec::Schema;
use kappascope_fuzz::{lines, read, schema};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    schema(
        "time = 'time', time_format = '%d/%b/%Y:%H:%M:%S %z', \
                      keys = ['user', 'path', 'agent'], measures = ['bytes']",
    )
});
const FIRST: &[u8] = b"::1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 5 \"-\" \"-\"\n";

fuzz_target!(|data: &[u8]| {
    let Some((&piece, more)) = data.split_first() else { return };
    let file = [FIRST, more].concat();
    let outcome = read(&SCHEMA, &file, piece.into());
    if outcome.error.is_none() {
        assert_eq!(outcome.records(), lines(&file));
    }
});
