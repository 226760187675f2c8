//! What a text is, by its first bytes: CSV and its separator, JSON and its layout, or an access log;
//! anything else is refused with its name.

use crate::access_log;
use crate::error::{IngestError, Kind};
use crate::jsonl::Layout;
use serde::de::IgnoredAny;

/// Separators of a CSV file, the most likely first.
const SEPARATORS: [u8; 4] = *b",;\t|";

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Forms that people pick by mistake, by their first bytes.
const FOREIGN: [(&[u8], &str, &str); 10] = [
    (b"\x1f\x8b", "gzip-compressed twice", "unpack it once: `gzip -d`"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed twice", "unpack it once: `zstd -d`"),
    (b"BZh", "bzip2-compressed", "unpack it first: `bzip2 -d`"),
    (b"\xfd7zXZ\0", "xz-compressed", "unpack it first: `xz -d`"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (
        b"PAR1",
        "Parquet",
        "give the file itself, not packed: its index is at its end, and it packs its own pages",
    ),
    (b"\xff\xfe", "UTF-16 text", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as UTF-8"),
    (b"<", "HTML or XML", "CSV, JSON or an access log would fit"),
    (b"%PDF", "PDF", "CSV, JSON or an access log would fit"),
];

/// Where in a tar archive it says that it is one.
const TAR_MAGIC_AT: usize = 257;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Csv { separator: u8 },
    Json(Layout),
    AccessLog,
}

/// The form of a file, and how many bytes of byte-order mark precede its text.
pub(crate) fn sniff(head: &[u8]) -> Result<(Form, usize), IngestError> {
    let mut bom = 0;
    while head[bom..].starts_with(BOM) {
        bom += BOM.len();
    }
    let text = &head[bom..];
    let Some(first) = text.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return Err(Kind::Empty.into());
    };
    refuse_foreign(text, bom)?;
    let text = &text[first..];
    let form = match text[0] {
        b'{' => Form::Json(layout(text)),
        b'[' if is_json_array(text) => Form::Json(Layout::Array),
        _ if access_log::is_one(text) => Form::AccessLog,
        _ => Form::Csv { separator: separator(text) },
    };
    Ok((form, bom))
}

/// Whether the objects are one a line: then the first line is whole, or broken for good.
fn layout(text: &[u8]) -> Layout {
    let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    let goes_on = |json: &[u8]| {
        let mut values = serde_json::Deserializer::from_slice(json).into_iter::<IgnoredAny>();
        matches!(values.next(), Some(Err(error)) if error.is_eof())
    };
    let whole = |json: &[u8]| {
        let mut values = serde_json::Deserializer::from_slice(json).into_iter::<IgnoredAny>();
        matches!(values.next(), Some(Ok(_)))
    };
    if line.len() < text.len() && goes_on(line) && (whole(text) || goes_on(text)) {
        Layout::Objects
    } else {
        Layout::Lines
    }
}

/// Refuses a text that is none and stands `from` bytes into the file.
fn refuse_foreign(text: &[u8], from: usize) -> Result<(), IngestError> {
    let known = FOREIGN.iter().find(|(magic, ..)| text.starts_with(magic));
    if let Some(&(_, found, fits)) = known {
        return Err(Kind::NotText { found, fits }.into());
    }
    if text.get(TAR_MAGIC_AT..).is_some_and(|text| text.starts_with(b"ustar")) {
        let fits = "unpack it first: `tar -xf`";
        return Err(Kind::NotText { found: "a tar archive", fits }.into());
    }
    let Some(nul) = memchr::memchr(0, text) else { return Ok(()) };
    // ASCII in UTF-16 has a NUL in every second byte.
    let every_second = |byte: (usize, &u8)| (*byte.1 == 0) == (byte.0 % 2 == nul);
    if text.len() >= 4 && nul < 2 && text.iter().enumerate().take(16).all(every_second) {
        return Err(Kind::NotText { found: "UTF-16 text", fits: "save it as UTF-8" }.into());
    }
    Err(Kind::Binary { nul: (from + nul) as u64 }.into())
}

/// Whether text that begins with `[` is JSON rather than a header whose first column does.
fn is_json_array(text: &[u8]) -> bool {
    let second = text[1..].iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(second, None | Some(b'{' | b'[' | b'"' | b']' | b'-' | b'0'..=b'9'))
}

/// The separator that the header line has most of, outside quotes.
fn separator(text: &[u8]) -> u8 {
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut quoted = false;
    for &byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                if let Some(i) = SEPARATORS.iter().position(|&separator| separator == byte) {
                    counts[i] += 1;
                }
            }
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    let i = counts.iter().position(|&count| count == most).unwrap_or(0);
    SEPARATORS[i]
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(head: &[u8], expected: Expect) {
        let found = match sniff(head) {
            Ok((Form::Csv { separator }, bom)) => format!("CSV {:?}, BOM {bom}", char::from(separator)),
            Ok((form, bom)) => format!("{form:?}, BOM {bom}"),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&found);
    }

    #[test]
    fn forms_are_found_by_content() {
        check(b"a,b\n1;2;3;4\n", expect!["CSV ',', BOM 0"]);
        check(b"a;b\n1,5;2,5\n", expect!["CSV ';', BOM 0"]);
        check(b"a\tb,c\td\n", expect!["CSV '\\t', BOM 0"]);
        check(b"\"a,b,c\"|d\n", expect!["CSV '|', BOM 0"]);
        check(b"\xef\xbb\xbfa,b\n", expect!["CSV ',', BOM 3"]);
        check(b"alone\n", expect!["CSV ',', BOM 0"]);
        check(b"[at],b\n", expect!["CSV ',', BOM 0"]);
        check(b"\n {\"a\":1}\n", expect!["Json(Lines), BOM 0"]);
        check(b"{\"a\":1}", expect!["Json(Lines), BOM 0"]);
        check(b"{\"a\":{\"b\":1},\n", expect!["Json(Objects), BOM 0"]);
        check(b"{\"a\":1,\n{\"a\":2}\n", expect!["Json(Lines), BOM 0"]);
        check(b"{\n \"a\": 1\n}\n", expect!["Json(Objects), BOM 0"]);
        check(b"[\n {\"a\":1}]", expect!["Json(Array), BOM 0"]);
        check(b"[]", expect!["Json(Array), BOM 0"]);
        check(
            b"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 -\n",
            expect!["AccessLog, BOM 0"],
        );
        check(b"cut off\n::1 - x y [now] \"\" 200 5 \"\" \"\"\n", expect!["AccessLog, BOM 0"]);
    }

    #[test]
    fn what_is_not_text_of_rows_is_refused_by_name() {
        check(b"", expect!["the file is empty: there is no header and no row"]);
        check(b"\xef\xbb\xbf \r\n", expect!["the file is empty: there is no header and no row"]);
        check(b"\x1f\x8b\x08\0", expect!["the file is gzip-compressed twice; unpack it once: `gzip -d`"]);
        check(
            b"\x28\xb5\x2f\xfd\x04",
            expect!["the file is zstd-compressed twice; unpack it once: `zstd -d`"],
        );
        check(
            b"PAR1\x15",
            expect![
                "the file is Parquet; give the file itself, not packed: its index is at its end, and it packs its own pages"
            ],
        );
        check(b"\xff\xfea\0,\0", expect!["the file is UTF-16 text; save it as UTF-8"]);
        check(b"a\0,\0b\0\n\0", expect!["the file is UTF-16 text; save it as UTF-8"]);
        check(
            b"\x7fELF\x02\x01\x01\0\0",
            expect!["the file is binary, with a NUL at byte 7; CSV, JSON or an access log would fit"],
        );
        check(
            &[0; 100],
            expect!["the file is binary, with a NUL at byte 0; CSV, JSON or an access log would fit"],
        );
        check(b"<!doctype html>", expect!["the file is HTML or XML; CSV, JSON or an access log would fit"]);
    }
}
