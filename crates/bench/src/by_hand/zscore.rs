//! The z-score of each event against the last 30 of its key.
//!
//! Sums of the values and of their squares slide along: an event adds its value and takes the oldest one away.
//! These sums drift by rounding, in ten million events by less than 1e-10 of a score, since values lie within 0 to 1000.
//! That is a bound this stream has; the engine, which must bear any values, may not rely on it.
//!
//! **Invariant:** `sum` and `squares` are over `past`, but for rounding.

use kappascope_core::Log;

use crate::result::Judged;

/// Past values that an event is compared with.
pub const WINDOW: usize = 30;
/// Past values without which nothing is said.
pub const MIN_POINTS: usize = 10;
/// From which score on an event is an anomaly.
pub const THRESHOLD: f64 = 3.0;

/// Scores that are given at a time: they stay in the nearest cache.
const BATCH: usize = 256;

/// One key's past.
#[derive(Clone)]
struct Past {
    values: [f64; WINDOW],
    oldest: usize,
    seen: usize,
    sum: f64,
    squares: f64,
}

impl Past {
    const EMPTY: Self = Self { values: [0.0; WINDOW], oldest: 0, seen: 0, sum: 0.0, squares: 0.0 };

    /// Puts a value in the place of the oldest.
    #[inline(always)]
    fn learn(&mut self, value: f64) {
        let old = std::mem::replace(&mut self.values[self.oldest], value);
        self.sum += value - old;
        self.squares += value * value - old * old;
        self.oldest = if self.oldest + 1 == WINDOW { 0 } else { self.oldest + 1 };
    }

    /// Compares a value with `n` past ones. With n a constant there is no division by it.
    #[inline(always)]
    fn compare(&self, time: i64, value: f64, n: usize) -> Judged {
        let mean = self.sum * (1.0 / n as f64);
        let deviation = ((self.squares - self.sum * mean) * (1.0 / (n - 1) as f64)).sqrt();
        let (score, reach) = ((value - mean) / deviation, THRESHOLD * deviation);
        let anomaly = score.abs() >= THRESHOLD;
        Judged { time, value, expected: mean, low: mean - reach, high: mean + reach, score, anomaly }
    }
}

/// Runs over a log's arrays; `judged` takes the scores, some at a time.
pub fn run(log: &Log, mut judged: impl FnMut(&[Judged])) {
    let all = log.read(0, usize::MAX);
    let mut pasts = vec![Past::EMPTY; log.dictionary(0).len()];
    let mut scores = [Judged::default(); BATCH];
    let batches = all.time().chunks(BATCH).zip(all.key(0).chunks(BATCH)).zip(all.measure(0).chunks(BATCH));
    for ((time, key), value) in batches {
        let judgements = judge(&mut pasts, time, key, value, &mut scores);
        judged(&scores[..judgements]);
    }
}

/// Judges and learns one batch; gives the number of scores. A loop of its own that calls nothing, so that all it needs
/// stays in registers.
fn judge(
    pasts: &mut [Past],
    time: &[i64],
    key: &[u32],
    value: &[f64],
    scores: &mut [Judged; BATCH],
) -> usize {
    let mut judgements = 0;
    for ((&time, &key), &value) in time.iter().zip(key).zip(value) {
        let past = &mut pasts[key as usize];
        if past.seen == WINDOW {
            scores[judgements] = past.compare(time, value, WINDOW);
            judgements += 1;
        } else {
            if past.seen >= MIN_POINTS {
                scores[judgements] = past.compare(time, value, past.seen);
                judgements += 1;
            }
            past.seen += 1;
        }
        past.learn(value);
    }
    judgements
}

#[cfg(test)]
mod tests {
    use super::super::{collect, naive};
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn scores_are_those_of_two_passes_over_the_past() {
        let log = Stream::ThreeKeys.hour(5_000);
        let mut given = collect(|give| run(&log, give));
        let mut expected = Vec::new();
        for events in naive::by_key(&log) {
            for at in MIN_POINTS..events.len() {
                let past = &events[at.saturating_sub(WINDOW)..at];
                let n = past.len() as f64;
                let mean = past.iter().map(|(_, x)| x).sum::<f64>() / n;
                let squares: f64 = past.iter().map(|(_, x)| (x - mean) * (x - mean)).sum();
                expected.push((events[at], mean, (squares / (n - 1.0)).sqrt()));
            }
        }
        let order = |time: i64, value: f64| (time, value.to_bits());
        given.sort_by_key(|point| order(point.time, point.value));
        expected.sort_by_key(|((time, value), ..)| order(*time, *value));
        assert_eq!(given.len(), expected.len());
        let mut anomalies = 0;
        for (point, ((time, value), mean, deviation)) in given.iter().zip(expected) {
            let score = (value - mean) / deviation;
            assert_eq!((point.time, point.value), (time, value));
            assert!((point.score - score).abs() < 1e-9 && (point.expected - mean).abs() < 1e-9, "{point:?}");
            assert!((point.high - point.low - 6.0 * deviation).abs() < 1e-6, "{point:?}");
            assert_eq!(point.anomaly, score.abs() >= THRESHOLD);
            anomalies += u32::from(point.anomaly);
        }
        assert!(anomalies > 0 || given.len() < 10_000, "no anomaly to tell");
    }
}
