//! JSON arrays. The first byte is the length of a piece; good lines are the same rows as in JSON Lines.
#![no_main]

use kappascope_core::spec::Schema;
use kappascope_fuzz::{read, read_pieces, schema};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| schema("time = 'at', keys = ['who', 'user.id'], measures = ['ms']"));
const FIRST: &[u8] = b"{\"at\":1,\"who\":2,\"ms\":3,\"user\":{\"id\":4}}";

fuzz_target!(|data: &[u8]| {
    let Some((&piece, more)) = data.split_first() else { return };
    let array = [b"[", FIRST, b"\n", more].concat();
    let outcome = read(&SCHEMA, &array, piece.into());
    if outcome.error.is_none() {
        assert!(outcome.records() > 0);
    }
    let objects = [b"{\n", &FIRST[1..], b"\n", more].concat();
    read(&SCHEMA, &objects, piece.into());

    let lines = [FIRST, b"\n", more].concat();
    let lines = read_pieces(&SCHEMA, &lines, std::iter::once(&lines[..]));
    if lines.error.is_none() && lines.rejected.is_empty() {
        let array = [b"[", FIRST, b"\n", more, b"]"].concat();
        let array = read_pieces(&SCHEMA, &array, std::iter::once(&array[..]));
        assert_eq!(lines.rows, array.rows);
        assert_eq!(array.rejected, []);
    }
});
