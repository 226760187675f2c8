//! The definition by the book: every point looks at all points before it.

use super::*;
use proptest::prelude::*;

/// The points of a net that were new when they came, with how lonely they were; and all points.
#[derive(Default)]
struct NaiveNet {
    new: Vec<(f64, f64)>,
    all: Vec<f64>,
}

impl NaiveNet {
    fn range(&self) -> f64 {
        let low = self.all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if self.all.is_empty() { 0.0 } else { high - low }
    }

    /// Distance and loneliness of the nearest; of two as near, the lower.
    fn nearest(&self, point: f64) -> (f64, f64) {
        let near = self.new.iter().map(|(value, lonely)| ((point - value).abs(), *value, *lonely));
        let nearest = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        nearest.map_or((0.0, 0.0), |(distance, _, lonely)| (distance, lonely))
    }

    fn bounded(&self, point: f64) -> f64 {
        let (range, low) = (self.range(), self.all.iter().copied().fold(f64::INFINITY, f64::min));
        let free = self.all.len() < 100 || range == 0.0;
        if free { point } else { point.clamp(low - 16.0 * range, low + 17.0 * range) }
    }

    fn learn(&mut self, point: f64) {
        let point = self.bounded(point);
        let distance = self.nearest(point).0;
        if self.all.is_empty() || distance > 0.002 * self.range() {
            self.new.push((point, if self.all.len() < 100 { 0.0 } else { distance }));
        }
        self.all.push(point);
    }

    /// The running mean distance from the running mean.
    fn deviation(&self) -> f64 {
        let (mut mean, mut deviation) = (0.0, 0.0);
        for (n, point) in self.all.iter().enumerate() {
            let error = point - mean;
            mean = self.all[..=n].iter().sum::<f64>() / (n + 1) as f64;
            deviation += (error.abs() - deviation) / (n + 1) as f64;
        }
        deviation
    }
}

/// What each past point of a slot weighs now: the mean of all, then exponential.
fn weighted(points: &[f64], gain: f64) -> Option<f64> {
    let mut mean = *points.first()?;
    for (n, point) in points.iter().enumerate().skip(1) {
        mean += gain.max(1.0 / (n + 1) as f64) * (point - mean);
    }
    Some(mean)
}

fn forecast(past: &[(i64, f64)], time: i64) -> Option<f64> {
    let alike = |slot: &dyn Fn(i64) -> i64| -> Vec<f64> {
        past.iter().filter(|(at, _)| slot(*at) == slot(time)).map(|(_, value)| *value).collect()
    };
    let half_hour_of_week = alike(&|at| at.div_euclid(1_800_000).rem_euclid(336));
    let quarter_of_day = alike(&|at| at.div_euclid(900_000).rem_euclid(96));
    weighted(&half_hour_of_week, 0.1)
        .or_else(|| weighted(&quarter_of_day, 0.15))
        .or_else(|| weighted(&alike(&|_| 0), 0.002))
}

fn square(distance: f64, scale: f64) -> f64 {
    if distance == 0.0 { 0.0 } else { (distance / scale * (distance / scale)).min(1e6) }
}

/// The scores of a series from its 100th point on.
fn naive(points: &[(i64, f64)]) -> Vec<f64> {
    let (mut values, mut changes, mut residuals) = <(NaiveNet, NaiveNet, NaiveNet)>::default();
    let (mut bounded, mut in_time) = (Vec::new(), Vec::<f64>::new());
    let (mut newest, mut scores) = (i64::MIN, Vec::new());
    for (n, &(time, value)) in points.iter().enumerate() {
        let before = (time >= newest && in_time.len() >= 5).then(|| in_time[in_time.len() - 5]);
        let residual = value - forecast(&bounded, time).unwrap_or(value);
        if n >= 100 {
            let (distance, lonely) = values.nearest(value);
            let scale = 0.0275 * (values.range() + 10.0 * lonely) / (n as f64 / 1e3).sqrt();
            let mut score = square(distance, scale);
            if let Some(before) = before {
                let (distance, lonely) = changes.nearest(value - before);
                let range = (changes.range() * changes.deviation()).sqrt();
                score += square(distance, 0.15 * (range + 4.0 * lonely));
            }
            let (distance, lonely) = residuals.nearest(residual);
            score += square(distance, 0.07 * (residuals.range() + 10.0 * lonely));
            let past: Vec<f64> = bounded.iter().map(|(_, value)| *value).collect();
            let mean = past.iter().sum::<f64>() / n as f64;
            let variance = past.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
            // The fast mean begins as the mean of the first ten.
            let fast = past
                .iter()
                .enumerate()
                .fold(0.0, |fast, (n, x)| fast + (1.0 / (n + 1) as f64).max(0.1) * (x - fast));
            score += square((0.9 * fast + 0.1 * value - mean).abs(), 3.0 * variance.sqrt());
            scores.push(score.min(1e6));
        }
        before.iter().for_each(|before| changes.learn(value - before));
        residuals.learn(residual);
        bounded.push((time, values.bounded(value)));
        values.learn(value);
        if time >= newest {
            newest = time;
            in_time.push(value);
        }
    }
    scores
}

/// A level with noise, spikes, a slope, a rare absurd point, gaps and late points. Values are multiples of 1/8,
/// so that sums are exact and no distance hangs on a rounding.
fn series() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let value = prop_oneof![
        200 => 0..64_i32,
        10 => 60..400_i32,
        1 => Just(1_000_000),
    ];
    let step = prop_oneof![10 => Just(7_i64), 2 => Just(0), 1 => Just(-50), 1 => Just(700)];
    (prop::collection::vec((value, step), 101..320), 0..4_i32).prop_map(|(points, slope)| {
        let mut minute = 0;
        let at = |(i, (value, step)): (usize, (i32, i64))| {
            minute += step;
            (60_000 * minute, f64::from(value + slope * i as i32) / 8.0)
        };
        points.into_iter().enumerate().map(at).collect()
    })
}

proptest! {
    #[test]
    fn novelty_agrees_with_the_definition(points in series()) {
        let mut detector = Novelty::new(&NoveltySpec { warmup: 100, ..NoveltySpec::default() });
        let judged = points.iter().filter_map(|&(time, value)| detector.judge(time, value));
        let scores: Vec<f64> = judged.map(|judgement| judgement.score).collect();
        let expected = naive(&points);
        prop_assert_eq!(scores.len(), expected.len());
        for (i, (score, expected)) in scores.iter().zip(&expected).enumerate() {
            prop_assert!(
                (score - expected).abs() <= 1e-6 * (1.0 + expected),
                "{} instead of {} at {} in {:?}", score, expected, i + 100, points
            );
        }
    }
}
