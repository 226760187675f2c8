//! JSON Lines: a record a line. The first byte is the length of a piece.
#![no_main]

use kappascope_core::spec::Schema;
use kappascope_fuzz::{lines, read, schema};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| schema("time = 'at', keys = ['who', 'user.id'], measures = ['ms']"));
const FIRST: &[u8] = b"{\"at\":1,\"who\":2,\"ms\":3,\"user\":{\"id\":4}}\n";

fuzz_target!(|data: &[u8]| {
    let Some((&piece, more)) = data.split_first() else { return };
    let file = [FIRST, more].concat();
    let outcome = read(&SCHEMA, &file, piece.into());
    if outcome.error.is_none() {
        assert_eq!(outcome.records(), lines(&file));
    }
});
