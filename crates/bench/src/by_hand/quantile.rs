//! Tumbling windows of a minute with the median and the 99th percentile.
//!
//! Values are counted in log-linear buckets, the exponent and the first six bits of the mantissa: 64 buckets an
//! octave, so the middle of one is within 0.8% of everything in it. Such are the buckets of HdrHistogram.
//!
//! **Invariant:** the buckets of a window and key count as many events as its cell.

use kappascope_core::Log;

use super::Cell;
use crate::result::Group;
use crate::stream::{BOUND_MS, LEAST_VALUE, START, VALUES_BELOW};

const WINDOW_MS: i64 = 60_000;

/// The quantiles that are asked for, in hundredths.
const PERCENTILES: [u64; 2] = [50, 99];

/// Bits of a number that do not decide its bucket.
const SHIFT: u32 = 46;
/// The bucket of the least value but zero. Zero has the one before.
const LEAST: u64 = LEAST_VALUE.to_bits() >> SHIFT;
const BUCKETS: usize = ((VALUES_BELOW.to_bits() >> SHIFT) - LEAST + 2) as usize;

/// Windows that hold counts at a time: the newest, and the one that the bound keeps open.
const RING: usize = 2;

/// One key in one window.
#[derive(Clone)]
struct Counts {
    cell: Cell,
    buckets: [u32; BUCKETS],
}

impl Counts {
    const EMPTY: Self = Self { cell: Cell::EMPTY, buckets: [0; BUCKETS] };

    #[inline(always)]
    fn add(&mut self, value: f64) {
        self.cell.add(value);
        self.buckets[bucket(value)] += 1;
    }

    /// The middle of the bucket in which the value at the nearest rank lies, rounded up, from 1.
    fn percentile(&self, percent: u64) -> f64 {
        let rank = rank(percent, self.cell.count());
        let mut passed = 0;
        let holds = |&count: &u32| {
            passed += u64::from(count);
            passed >= rank
        };
        middle(self.buckets.iter().position(holds).expect("the buckets count every event"))
    }

    fn group(&self, start: i64, key: usize) -> Group<2> {
        let Group { end, key, count, sum, min, max, avg, .. } =
            self.cell.group(start, start + WINDOW_MS, key);
        Group {
            start,
            end,
            key,
            count,
            sum,
            min,
            max,
            avg,
            quantiles: PERCENTILES.map(|p| self.percentile(p)),
        }
    }
}

fn rank(percent: u64, count: u64) -> u64 {
    (percent * count).div_ceil(100)
}

#[inline(always)]
fn bucket(value: f64) -> usize {
    (value.to_bits() >> SHIFT).saturating_sub(LEAST - 1) as usize
}

fn middle(bucket: usize) -> f64 {
    match bucket as u64 {
        0 => 0.0,
        bucket => f64::from_bits(((bucket + LEAST - 1) << SHIFT) | (1 << (SHIFT - 1))),
    }
}

/// The counts of the windows that are open.
struct Open {
    counts: Vec<Counts>,
    keys: usize,
    oldest: i64,
    /// Scratch: the groups of a window.
    groups: Vec<Group<2>>,
}

impl Open {
    fn new(keys: usize) -> Self {
        let counts = vec![Counts::EMPTY; RING * keys];
        Self { counts, keys, oldest: START / WINDOW_MS, groups: Vec::new() }
    }

    /// Takes events up to the first one with which the oldest window is complete; gives how many. A loop of its own
    /// that calls nothing, so that all it needs stays in registers.
    fn take(&mut self, time: &[i64], key: &[u32], value: &[f64]) -> usize {
        let (oldest, keys, next) = (self.oldest, self.keys, (self.oldest + 1) * WINDOW_MS);
        let counts = &mut self.counts[..];
        for (taken, ((&time, &key), &value)) in time.iter().zip(key).zip(value).enumerate() {
            if time >= next + BOUND_MS {
                return taken;
            }
            // Of two open windows; a comparison costs less than a division.
            let window = oldest + i64::from(time >= next);
            counts[window as usize % RING * keys + key as usize].add(value);
        }
        time.len()
    }

    /// Gives the oldest window's groups and empties its counts.
    fn fire(&mut self) -> &[Group<2>] {
        let (first, start) = (self.oldest as usize % RING * self.keys, self.oldest * WINDOW_MS);
        let counts = &mut self.counts[first..first + self.keys];
        let found = counts.iter().enumerate().filter(|(_, counts)| !counts.cell.is_empty());
        self.groups.clear();
        self.groups.extend(found.map(|(key, counts)| counts.group(start, key)));
        counts.fill(Counts::EMPTY);
        self.oldest += 1;
        &self.groups
    }
}

/// Runs over a log's arrays; `fired` takes the groups of each window.
pub fn run(log: &Log, mut fired: impl FnMut(&[Group<2>])) {
    let all = log.read(0, usize::MAX);
    let mut open = Open::new(log.dictionary(0).len());
    let (time, key, value) = (all.time(), all.key(0), all.measure(0));
    let mut from = open.take(time, key, value);
    while from < time.len() {
        fired(open.fire());
        from += open.take(&time[from..], &key[from..], &value[from..]);
    }
    for _ in 0..RING {
        fired(open.fire());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{collect, naive, tumbling};
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn every_value_of_the_stream_is_within_a_hundredth_of_the_middle_of_its_bucket() {
        for cents in 0..100_000 {
            let value = f64::from(cents) / 100.0;
            let middle = middle(bucket(value));
            assert!((middle - value).abs() <= value / 100.0, "{value} counts as {middle}");
        }
    }

    #[test]
    fn quantiles_are_near_those_of_the_sorted_values_and_the_rest_is_a_tumbling_window() {
        let log = Stream::ThreeKeys.hour(5_000);
        let groups = collect(|give| run(&log, give));
        let events = naive::by_key(&log);
        for group in &groups {
            let inside = |&&(time, _): &&(i64, f64)| (group.start..group.end).contains(&time);
            let mut values: Vec<f64> =
                events[group.key as usize].iter().filter(inside).map(|&(_, value)| value).collect();
            values.sort_by(f64::total_cmp);
            for (percent, given) in PERCENTILES.into_iter().zip(group.quantiles) {
                let exact = values[rank(percent, values.len() as u64) as usize - 1];
                assert!((given - exact).abs() <= exact / 100.0, "{given}, sorted {exact}");
            }
        }
        let plain: Vec<Group> = groups.iter().map(Group::without_quantiles).collect();
        assert_eq!(plain, collect(|give| tumbling::run::<WINDOW_MS>(&log, give)));
    }
}
