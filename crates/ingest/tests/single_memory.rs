//! Memory while single records are read: nothing is allocated for a good one.

use kappascope_core::Spec;
use kappascope_ingest::{Single, SingleForm, SingleRow};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work; it is only counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A field that is not wanted and has arrays in arrays would cost what serde_json keeps of how deep it is.
const JSON: [&str; 3] = [
    r#"{"at":"2024-05-01T10:00:00.5Z","who":"a user","ms":20.5,"other":[1,2]}"#,
    r#"{"other":"\"","ms":"-7","who":true,"at":1714557600250}"#,
    r#"{"at":"01/May/2024:10:00:00 +0000","who":null,"ms":1e3}"#,
];

const CSV: [&str; 3] =
    ["2024-05-01T10:00:00.5Z,a user,20.5", "1714557600250,\"a \"\"user\"\"\",-7\n", "2024-05-01,,1e3"];

/// One test, since all threads count together.
#[test]
fn nothing_is_allocated_for_a_good_record() {
    let csv = SingleForm::Csv { columns: ["at", "who", "ms"].map(str::to_owned).to_vec(), separator: b',' };
    assert_eq!(allocations(&SingleForm::Json, &JSON, true), 0);
    assert_eq!(allocations(&csv, &CSV, true), 0);
    // The check can fail: to say what is wrong takes memory.
    assert!(allocations(&SingleForm::Json, &["{}"], false) >= 1_000);
}

/// Of a thousand times these records, once each was met.
fn allocations(form: &SingleForm, records: &[&str], good: bool) -> usize {
    let spec = "name = 't'\nversion = 1\nschema = { time = 'at', keys = ['who'], measures = ['ms'] }\n\
                [[query]]\nname = 'q'\nwindow = { tumbling = '1m' }\naggregates = ['count()']";
    let schema = Spec::from_toml(spec).expect("a pipeline that runs").schema;
    let mut single = Single::new(&schema, form).expect("a schema that is sound");
    let mut row = SingleRow::default();
    let mut read = || {
        for record in records {
            assert_eq!(single.read(record.as_bytes(), &mut row).is_ok(), good, "{record}");
        }
    };
    read();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..1_000).for_each(|_| read());
    ALLOCATIONS.load(Ordering::Relaxed) - before
}
