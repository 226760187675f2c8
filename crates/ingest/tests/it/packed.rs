//! Packed files: the same rows as unpacked, and what is told of a stream that is not whole.

use crate::common::{Outcome, SCHEMA, read, read_whole};
use expect_test::{Expect, expect};
use flate2::write::GzEncoder;
use kappascope_ingest::Position;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::fmt::Write as _;
use std::io::Write as _;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

/// A frame that holds no text, as parallel writers put before theirs.
fn skippable(length: u8) -> Vec<u8> {
    [&[0x53, 0x2a, 0x4d, 0x18, length, 0, 0, 0][..], &vec![7; length.into()]].concat()
}

fn rows(range: std::ops::Range<u32>) -> String {
    range.fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{row},k{},{}", row % 7, row.wrapping_mul(2_654_435_761));
        text
    })
}

fn csv(count: u32) -> String {
    format!("at,who,ms\n{}", rows(0..count))
}

fn check(file: &[u8], expected: Expect) {
    expected.assert_eq(&read_whole(SCHEMA, file).text());
}

#[test]
fn a_packed_file_gives_what_its_text_gives() {
    let json = "{\"at\":1,\"who\":\"a\",\"ms\":1}\nnone\n{\"at\":2,\"who\":\"b\",\"ms\":2}";
    let bom = "\u{feff}at;who;ms\r\n1;a;1\r\n2;b;x\r\n".to_owned();
    for text in [csv(3), csv(100_000), json.to_owned(), bom, csv(2).trim_end().to_owned()] {
        let plain = read_whole(SCHEMA, text.as_bytes()).text();
        for file in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
            assert_eq!(read_whole(SCHEMA, &file).text(), plain);
            assert_eq!(read(SCHEMA, &file, file.chunks(977)).text(), plain);
        }
    }
}

#[test]
fn many_members_and_frames_are_one_text() {
    let plain = read_whole(SCHEMA, csv(20).as_bytes()).text();
    let (first, second) = (csv(10), rows(10..20));
    let pad = [0; 300];
    let parts = |pack: fn(&[u8]) -> Vec<u8>| [pack(first.as_bytes()), pack(b""), pack(second.as_bytes())];
    let [a, b, c] = parts(gzip);
    let [x, y, z] = parts(zstd);
    let files = [
        [&a[..], &b, &c].concat(),
        [&a[..], &c, &pad].concat(),
        [&a[..], &pad, &c].concat(),
        [&x[..], &y, &z].concat(),
        [&skippable(9)[..], &x, &skippable(0), &z, &skippable(200)].concat(),
    ];
    for file in files {
        assert_eq!(read_whole(SCHEMA, &file).text(), plain);
        assert_eq!(read(SCHEMA, &file, file.chunks(1)).text(), plain);
    }
}

/// Written by the command `zstd -19`, with a checksum, which the encoder of the tests does not write.
#[test]
fn a_checksum_is_checked() {
    let mut file = include_bytes!("visits.csv.zst").to_vec();
    let schema = "time = 'at', keys = ['page'], measures = ['ms']";
    assert_eq!(read_whole(schema, &file).rows, 3);
    *file.last_mut().expect("a file") ^= 1;
    expect!["the zstd stream is damaged near byte 6, after 3 records; `zstd -t` checks a file"]
        .assert_eq(&read_whole(schema, &file).error.expect("a checksum that does not fit"));
}

#[test]
fn a_file_that_was_cut_off_is_read_as_far_as_it_goes() {
    for file in [gzip(csv(50_000).as_bytes()), zstd(csv(50_000).as_bytes())] {
        let cut = &file[..file.len() - 5];
        let outcome = read_whole(SCHEMA, cut);
        assert!(outcome.rows > 40_000, "{}", outcome.rows);
        assert_eq!(outcome.rejected, []);
        let error = outcome.error.expect("an error");
        let (end, rows) = (cut.len(), outcome.rows);
        let told = [
            format!("the file ends at byte {end}, in the middle of its "),
            format!(" stream, after {rows} records; it was cut off; fetch or write it again"),
        ];
        assert!(error.starts_with(&told[0]) && error.ends_with(&told[1]), "{error}");
    }
}

/// Wherever a file ends or breaks, that is told, and what was read before is what the whole file begins with.
#[test]
fn no_cut_and_no_damage_goes_unnoticed() {
    let whole = read_whole(SCHEMA, csv(40).as_bytes());
    let begins = |outcome: &Outcome| {
        let error = outcome.error.as_ref().map(|error| format!("error: {error}\n"));
        let text = outcome.text();
        let rows = text.strip_suffix(&error.unwrap_or_default()).expect("the error comes last");
        whole.text().starts_with(rows)
    };
    for file in [gzip(csv(40).as_bytes()), zstd(csv(40).as_bytes())] {
        for end in 5..file.len() {
            let outcome = read_whole(SCHEMA, &file[..end]);
            assert!(outcome.error.is_some() && begins(&outcome), "cut at {end}: {outcome:?}");
        }
    }
    let file = gzip(csv(40).as_bytes());
    for at in 10..file.len() {
        let mut file = file.clone();
        file[at] ^= 0x10;
        let outcome = read_whole(SCHEMA, &file);
        // A bit that pads the last byte of the stream means nothing.
        let harmless = outcome.text() == whole.text();
        assert!(outcome.error.is_some() || harmless, "damage at {at} was not noticed: {outcome:?}");
    }
}

#[test]
fn what_cannot_be_unpacked_is_told() {
    let (gz, zst) = (gzip(csv(2).as_bytes()), zstd(csv(2).as_bytes()));
    let with = |file: &[u8], more: &[u8]| [file, more].concat();
    check(
        &with(&gz, b"at,who,ms\n"),
        expect![[r#"
            0 0 "k0" 0.0
            1000 0 "k1" 2654435761.0
            error: what follows the gzip stream at byte 53 is no gzip, after 2 records; unpack the file, and look at its end
        "#]],
    );
    check(
        &with(&zst, b"at,who,ms\n"),
        expect![[r#"
        0 0 "k0" 0.0
        1000 0 "k1" 2654435761.0
        error: what follows the zstd stream at byte 46 is no zstd, after 2 records; unpack the file, and look at its end
    "#]],
    );
    check(
        &with(&gz, &zst),
        expect![[r#"
        0 0 "k0" 0.0
        1000 0 "k1" 2654435761.0
        error: what follows the gzip stream at byte 53 is no gzip, after 2 records; unpack the file, and look at its end
    "#]],
    );
    check(
        &gz[..4],
        expect![[r#"
        error: the file ends at byte 4, in the middle of its gzip stream, after 0 records; it was cut off; fetch or write it again
    "#]],
    );
    check(
        &zst[..4],
        expect![[r#"
        error: the file ends at byte 4, in the middle of its zstd stream, after 0 records; it was cut off; fetch or write it again
    "#]],
    );
    check(
        &gzip(b""),
        expect![[r#"
        error: the file is empty: there is no header and no row
    "#]],
    );
    check(
        &zstd(b""),
        expect![[r#"
        error: the file is empty: there is no header and no row
    "#]],
    );
    check(
        &gzip(&gz),
        expect![[r#"
        error: the file is gzip-compressed twice; unpack it once: `gzip -d`
    "#]],
    );
    check(
        &gzip(&zst),
        expect![[r#"
        error: the file is zstd-compressed twice; unpack it once: `zstd -d`
    "#]],
    );
    check(
        b"\x1f\x8b\x07\0\0\0\0\0\0\0\0\0\0\0",
        expect![[r#"
        error: the gzip stream is damaged near byte 4, after 0 records; `gzip -t` checks a file
    "#]],
    );
    // A window of 2 GB, as `zstd --long=31` writes it.
    check(
        b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00",
        expect![[r#"
        error: the zstd stream at byte 0 needs 2048 MB of memory, where at most 128 MB would fit, after 0 records; pack it again without `--long`
    "#]],
    );
    check(
        b"\x28\xb5\x2f\xfd\x03\x58\x07\x00\x00\x00\x01\x00\x00",
        expect![[r#"
        error: the zstd stream at byte 0 was packed with a dictionary, which the file does not hold, after 0 records; pack it again without one
    "#]],
    );
    check(
        b"\x28\xb5\x2f\xfd\x00\x58\x07\x00\x00",
        expect![[r#"
        error: the zstd stream is damaged near byte 6, after 0 records; `zstd -t` checks a file
    "#]],
    );
}

/// Rejected records stand at their place in the text.
#[test]
fn places_count_the_text() {
    let text = csv(50_000).replacen("40000,k", "soon,k", 1);
    let at = text.find("soon").expect("the row") as u64;
    for file in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let rejected = read_whole(SCHEMA, &file).rejected;
        assert_eq!((rejected.len(), rejected[0].position), (1, Position::Text { line: 40_002, byte: at }));
    }
}
