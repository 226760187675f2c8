//! The hour of events that is measured on, made by a seeded generator.
//!
//! ```text
//!   arrival   0 s ──────────────────────── 1 h   evenly spaced
//!   time      up to 5 s before arrival, which is the bound: out of order, and never late
//! ```

use kappascope_core::{Log, Spec};
use std::fmt::Write;

/// 2026-01-05 00:00 UTC: the first window of any size begins here.
pub(crate) const START: i64 = 1_767_571_200_000;
const HOUR_MS: i64 = 3_600_000;

/// The greatest disorder, and the watermark's bound.
pub(crate) const BOUND_MS: i64 = 5_000;

/// The pipeline: every aggregate by key, in windows of this size.
pub(crate) fn spec(window_ms: i64) -> Spec {
    let text = format!(
        r#"
        name = "bench"
        version = 1
        schema = {{ time = "at", keys = ["key"], measures = ["value"] }}
        watermark = {{ bound = "{BOUND_MS}ms" }}
        [[query]]
        name = "groups"
        by = ["key"]
        window = {{ tumbling = "{window_ms}ms" }}
        aggregates = ["count()", "sum(value)", "min(value)", "max(value)", "avg(value)"]
        "#
    );
    Spec::from_toml(&text).expect("a pipeline that runs")
}

/// So many events of one hour, with a key for each weight, as likely as its weight says. A key's name is its
/// number.
pub(crate) fn hour(weights: &[f64], events: usize) -> Log {
    let mut log = Log::new(&spec(HOUR_MS).schema);
    let keys: Vec<u32> = (0..weights.len()).map(|key| log.intern(0, &key.to_string())).collect();
    let up_to = cumulative(weights);
    let mut random = SplitMix(1);
    for event in 0..events as i64 {
        let arrival = START + BOUND_MS + event * (HOUR_MS - BOUND_MS) / events as i64;
        let time = arrival - (random.next() % (BOUND_MS as u64 + 1)) as i64;
        let at = random.unit();
        let key = up_to.partition_point(|&up_to| up_to <= at).min(keys.len() - 1);
        let value = (random.next() % 100_000) as f64 / 100.0;
        log.append(time, arrival, 0, &[keys[key]], &[value]);
    }
    log
}

/// Up to which share of all weights each one reaches.
fn cumulative(weights: &[f64]) -> Vec<f64> {
    let all: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let add = |weight: &f64| {
        sum += weight / all;
        sum
    };
    weights.iter().map(add).collect()
}

/// An hour of events as a file.
pub(crate) fn csv(log: &Log) -> String {
    let block = log.read(0, usize::MAX);
    let mut file = "at,key,value\n".to_owned();
    for ((&time, &key), value) in block.time().iter().zip(block.key(0)).zip(block.measure(0)) {
        let (ms, key) = (time - START, block.dictionary(0).name(key));
        let (minute, second) = (ms / 60_000, ms / 1_000 % 60);
        writeln!(file, "2026-01-05T00:{minute:02}:{second:02}.{:03}Z,{key},{value}", ms % 1_000)
            .expect("a string takes what is written");
    }
    file
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): good enough for a load, and ten lines.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // From the reference implementation, https://prng.di.unimi.it/splitmix64.c, with the seed 1234567.
        let mut random = SplitMix(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn an_hour_is_out_of_order_within_the_bound() {
        let log = hour(&[1.0, 2.0], 10_000);
        let block = log.read(0, usize::MAX);
        let delays = block.arrival().iter().zip(block.time()).map(|(arrival, time)| arrival - time);
        assert!(delays.clone().all(|ms| (0..=BOUND_MS).contains(&ms)) && delays.max() > Some(4_900));
        assert!(block.time().iter().all(|time| (START..START + HOUR_MS).contains(time)));
        let second = block.key(0).iter().filter(|&&key| key == 1).count();
        assert!((6_400..6_900).contains(&second), "two thirds of the weight, {second} of 10,000 events");
    }
}
