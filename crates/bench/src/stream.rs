//! The hour of events that is measured on, made by a seeded generator.
//!
//! ```text
//!   arrival   0 s ──────────────────────── 1 h   evenly spaced
//!   time      up to 5 s before arrival, which is the bound: out of order, and never late
//! ```

use kappascope_core::{Log, Spec};

/// 2026-01-05 00:00 UTC: the first window of any size begins here.
pub const START: i64 = 1_767_571_200_000;
const HOUR_MS: i64 = 3_600_000;

/// The greatest disorder, and the watermark's bound.
pub const BOUND_MS: i64 = 5_000;

/// What the values lie below.
pub const VALUES_BELOW: f64 = 1_000.0;

/// The least value but zero.
pub const LEAST_VALUE: f64 = 0.01;

/// How fast the keys' shares fall with their rank. With this one, ten million events of an hour make 3.2
/// million groups of a second and key.
const ZIPF_EXPONENT: f64 = 1.1;

/// Which keys an hour has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// 3, equally likely.
    ThreeKeys,
    /// 10,000 with Zipf's shares.
    ManyKeys,
}

impl Stream {
    /// So many events of one hour. A key's name is its number.
    #[must_use]
    pub fn hour(self, events: usize) -> Log {
        match self {
            Self::ThreeKeys => hour(&[1.0; 3], events),
            Self::ManyKeys => {
                let shares = (1..=10_000).map(|rank| libm::pow(f64::from(rank), -ZIPF_EXPONENT));
                hour(&shares.collect::<Vec<f64>>(), events)
            }
        }
    }
}

/// A pipeline over the stream: `stages` are its queries and detectors.
///
/// # Panics
/// When the engine refuses them.
pub(crate) fn spec(stages: &str) -> Spec {
    let head = format!(
        r#"
        name = "bench"
        version = 1
        schema = {{ time = "at", keys = ["key"], measures = ["value"] }}
        watermark = {{ bound = "{BOUND_MS}ms" }}
        "#
    );
    Spec::from_toml(&(head + stages)).expect("a pipeline that runs")
}

/// An empty log of the stream's columns.
fn empty() -> Log {
    let shortest = r#"
        query = [{ name = "all", window = { tumbling = "1h" }, aggregates = ["count()"] }]
        "#;
    Log::new(&spec(shortest).schema)
}

/// So many events of one hour, with a key for each weight, as likely as its weight says.
fn hour(weights: &[f64], events: usize) -> Log {
    let mut log = empty();
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

/// Events of one key at these times, which arrive at the newest time so far.
#[cfg(test)]
pub(crate) fn log_of(events: &[(i64, f64)]) -> Log {
    let mut log = empty();
    let key = log.intern(0, "0");
    let mut newest = i64::MIN;
    for &(time, value) in events {
        newest = newest.max(time);
        log.append(time, newest, 0, &[key], &[value]);
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
