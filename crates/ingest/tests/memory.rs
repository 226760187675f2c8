//! Memory while files are read that are made to use it up: what is held does not grow with the file.

use flate2::write::GzEncoder;
use kappascope_core::spec::Schema;
use kappascope_core::{Log, Spec};
use kappascope_ingest::{HEAD_BYTES, Reader};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What reading may hold beside the file's head: a record, the window and text of a decoder, the rows of one
/// piece. A hundredth of what the files are.
const MOST_HELD: usize = 8 << 20;

/// Length of the text of each file.
const TEXT_BYTES: usize = 100 << 20;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work; it is only counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, since all threads count together.
#[test]
fn what_is_held_does_not_grow_with_the_file() {
    let first_json = "{\"at\":1,\"who\":\"a\",\"ms\":1}\n";
    let rows = TEXT_BYTES / 6;
    // Name, how the file begins, what comes over and over, rows and rejected records.
    let cases = [
        ("a CSV line", "at,who,ms\n1,a,1\n", "x", 1, 1),
        ("an open quote", "at,who,ms\n1,a,1\n\"", "x", 1, 1),
        ("a JSON line", first_json, "x", 1, 1),
        ("a JSON element", &format!("[{first_json},{{\"who\":\""), "x", 1, 1),
        ("an open JSON array", &format!("[{first_json},"), "[", 1, 1),
        ("rows", "at,who,ms\n", "1,a,1\n", rows, 0),
    ];
    for (name, begin, again, rows, rejected) in cases {
        let text = || std::iter::once(begin.to_owned().into_bytes()).chain(pieces(again));
        check(name, text(), rows, rejected);
        check(&format!("{name}, gzip"), chunks(&gzip(text())), rows, rejected);
    }
    check("zstd, all blocks of one byte", chunks(&zstd_of_one_byte()), 0, 1);
    // The check can fail: what is held does count.
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    drop(vec![1_u8; MOST_HELD]);
    assert!(PEAK.load(Ordering::Relaxed) - before >= MOST_HELD);
}

fn check(name: &str, file: impl Iterator<Item = Vec<u8>>, rows: usize, rejected: usize) {
    let (peak, outcome) = read(file);
    assert_eq!(outcome, (rows, rejected), "{name}");
    assert!(peak < MOST_HELD, "{name}: {peak} bytes were held");
}

/// The most that was held at once, and how many rows and rejected records there were.
fn read(file: impl Iterator<Item = Vec<u8>>) -> (usize, (usize, usize)) {
    let mut file = file.peekable();
    let mut head = Vec::new();
    let mut pieces = Vec::new();
    while head.len() < HEAD_BYTES
        && let Some(piece) = file.next()
    {
        head.extend_from_slice(&piece);
        pieces.push(piece);
    }
    head.truncate(HEAD_BYTES);
    let schema = schema();
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let (mut log, mut rejected) = (Log::new(&schema), Vec::new());
    let mut reader = Reader::new(&schema, &head).expect("a file that fits");
    for piece in pieces.into_iter().chain(file) {
        reader.push(&piece, &mut log, &mut rejected).expect("few keys");
        log.forget(log.end());
    }
    reader.finish(&mut log, &mut rejected).expect("rows");
    let peak = PEAK.load(Ordering::Relaxed) - before;
    (peak, (reader.rows() as usize, rejected.len()))
}

fn schema() -> Schema {
    let spec = "name = 't'\nversion = 1\nschema = { time = 'at', keys = ['who'], measures = ['ms'] }\n\
                [[query]]\nname = 'q'\nwindow = { tumbling = '1m' }\naggregates = ['count()']";
    Spec::from_toml(spec).expect("a pipeline that runs").schema
}

/// The text of so many bytes that says the same over and over.
fn pieces(again: &str) -> impl Iterator<Item = Vec<u8>> + use<> {
    let piece = again.repeat(60_000 / again.len()).into_bytes();
    let times = TEXT_BYTES / piece.len();
    let rest = again.repeat((TEXT_BYTES - times * piece.len()) / again.len()).into_bytes();
    std::iter::repeat_n(piece, times).chain(std::iter::once(rest))
}

fn gzip(text: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    text.for_each(|piece| encoder.write_all(&piece).expect("a Vec takes all"));
    let packed = encoder.finish().expect("a Vec takes all");
    assert!(packed.len() < TEXT_BYTES / 100, "a bomb is small: {}", packed.len());
    packed
}

/// A frame of a header line, and blocks that are a byte and how often it comes (RFC 8878).
fn zstd_of_one_byte() -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    let header = |last: u32, kind: u32, size: usize| (last | kind << 1 | (size as u32) << 3).to_le_bytes();
    // No flags; a window of 128 KiB.
    let mut file = b"\x28\xb5\x2f\xfd\x00\x38".to_vec();
    file.extend_from_slice(&header(0, 0, 10)[..3]);
    file.extend_from_slice(b"at,who,ms\n");
    for block in 1..=TEXT_BYTES / BLOCK {
        file.extend_from_slice(&header(u32::from(block == TEXT_BYTES / BLOCK), 1, BLOCK)[..3]);
        file.push(b'x');
    }
    file
}

/// In pieces, so that a piece of rows is a few megabytes of the log, which is not the reader's.
fn chunks(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    file.chunks(1024).map(<[u8]>::to_vec)
}
