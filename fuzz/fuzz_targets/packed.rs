//! Packed files: damaged streams, and good ones, which give what their text gives. The first byte is the
//! length of a piece, the second picks what the rest is.
#![no_main]

use flate2::write::GzEncoder;
use kappascope_core::spec::Schema;
use kappascope_fuzz::{read, read_pieces, schema};
use libfuzzer_sys::fuzz_target;
use std::io::Write;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema("time = 'at', keys = ['who'], measures = ['ms']"));

fuzz_target!(|data: &[u8]| {
    let [piece, kind, rest @ ..] = data else { return };
    match kind % 3 {
        0 => stream(&[b"\x1f\x8b\x08", rest].concat(), *piece),
        1 => stream(&[b"\x28\xb5\x2f\xfd", rest].concat(), *piece),
        _ => good(&[b"at,who,ms\n", rest].concat(), *piece),
    }
});

/// Where a damaged stream is noticed may be a byte earlier or later; the rows before are the same.
fn stream(file: &[u8], piece: u8) {
    let whole = read_pieces(&SCHEMA, file, std::iter::once(file));
    let pieces = read_pieces(&SCHEMA, file, file.chunks(usize::from(piece).max(1)));
    assert_eq!((&whole.rows, &whole.rejected), (&pieces.rows, &pieces.rejected));
    assert_eq!(whole.error.is_some(), pieces.error.is_some());
}

fn good(text: &[u8], piece: u8) {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("a Vec takes all");
    let packed = packed.finish().expect("a Vec takes all");
    assert_eq!(read(&SCHEMA, &packed, piece.into()), read(&SCHEMA, text, piece.into()));
}
