//! How many bytes of state a million open windows and keys take.
//!
//! A program of its own: its allocator counts, which the programs that are timed must not pay for.
//!
//! **Invariant:** what is counted is what the pipeline holds; the log was filled before.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kappascope_bench::engine;
use kappascope_core::{Log, Pipeline, Spec};

#[global_allocator]
static COUNTED: Counted = Counted { now: AtomicUsize::new(0), most: AtomicUsize::new(0) };

/// The system's allocator, and how many bytes were asked of it and not given back.
struct Counted {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Counted {
    fn add(&self, bytes: usize) {
        self.most.fetch_max(self.now.fetch_add(bytes, Relaxed) + bytes, Relaxed);
    }

    fn sub(&self, bytes: usize) {
        self.now.fetch_sub(bytes, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller's promises are those that it asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.sub(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old block and the new one may both be held while it is copied.
        self.add(size);
        // SAFETY: as above.
        let moved = unsafe { System.realloc(block, layout, size) };
        self.sub(layout.size());
        moved
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
}

/// Windows times keys of every shape.
const OPEN: usize = 1_000_000;

/// What they may take.
const LIMIT_BYTES: usize = 200_000_000;

/// Size of the windows: a hundred thousand of them are within the longest bound.
const WINDOW_MS: i64 = 100;

/// Many keys, many windows, and as many of both: numbers of keys and of windows.
const SHAPES: [(usize, usize); 3] = [(OPEN, 1), (1_000, OPEN / 1_000), (10, OPEN / 10)];

fn main() {
    let fits = format!("most, MB of {}", LIMIT_BYTES / 1_000_000);
    println!("| {:>9} | {:>9} | {:>14} | {fits:>15} |", "keys", "windows", "bytes a pair");
    println!("|{:->10}:|{:->10}:|{:->15}:|{:->16}:|", "", "", "", "");
    for (keys, windows) in SHAPES {
        let (held, most) = state(keys, windows);
        let each = held as f64 / OPEN as f64;
        println!("| {keys:>9} | {windows:>9} | {each:>14.1} | {:>15.1} |", most as f64 / 1e6);
    }
}

/// Bytes that a pipeline holds with so many open windows of so many keys each, and the most that it held on the way.
fn state(keys: usize, windows: usize) -> (usize, usize) {
    let spec = spec();
    let log = one_event_each(&spec, keys, windows);
    let before = COUNTED.now.load(Relaxed);
    COUNTED.most.store(before, Relaxed);
    let pipeline = filled(&spec, &log);
    let (held, most) = (COUNTED.now.load(Relaxed) - before, COUNTED.most.load(Relaxed) - before);
    assert_eq!(pipeline.counters().over_limit, 0);
    (held, most)
}

fn spec() -> Spec {
    let text = format!(
        r#"
        name = "open"
        version = 1
        schema = {{ time = "at", keys = ["key"], measures = ["value"] }}
        watermark = {{ bound = "1d" }}
        [[query]]
        name = "groups"
        by = ["key"]
        window = {{ tumbling = "{WINDOW_MS}ms" }}
        aggregates = ["count()", "sum(value)", "min(value)", "max(value)", "avg(value)"]
        "#
    );
    Spec::from_toml(&text).expect("a pipeline that runs")
}

fn one_event_each(spec: &Spec, keys: usize, windows: usize) -> Log {
    let mut log = Log::new(&spec.schema);
    let ids: Vec<u32> = (0..keys).map(|key| log.intern(0, &key.to_string())).collect();
    for window in 0..windows as i64 {
        let time = window * WINDOW_MS;
        ids.iter().for_each(|&key| log.append(time, time, 0, &[key], &[1.0]));
    }
    log
}

/// The pipeline with every window open: the bound holds the watermark back.
fn filled(spec: &Spec, log: &Log) -> Pipeline {
    let mut pipeline = Pipeline::new(spec).expect("a pipeline that runs");
    for from in (0..log.end()).step_by(engine::BLOCK_ROWS) {
        pipeline.push(log.read(from, engine::BLOCK_ROWS));
    }
    assert_eq!(pipeline.counters().windows, 0, "no window fires");
    pipeline
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, as the allocator counts for all threads.
    #[test]
    fn a_million_open_windows_and_keys_fit() {
        for (keys, windows) in SHAPES {
            let (held, most) = state(keys, windows);
            assert!(held <= most && most <= LIMIT_BYTES, "{keys} keys, {windows} windows: {most} bytes");
            assert!(held >= 24 * OPEN, "{held} bytes do not hold a sum and two extremes for each");
        }
    }
}
