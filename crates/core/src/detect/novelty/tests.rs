//! Novelty by hand: each term, rests, late and absurd points, extremes, snapshots, the formula.

use super::super::net::MEMORY;
use super::*;
use crate::filter::Filter;
use crate::log::Log;
use crate::spec::Schema;

const MINUTE: i64 = 60_000;

fn novelty(rest: f64, warmup: u32) -> Novelty {
    Novelty::new(&NoveltySpec { rest, warmup, ..NoveltySpec::default() })
}

/// A day of minutes, again and again, with noise that is the same everywhere.
fn daily(minute: i64) -> f64 {
    let noise = (minute as f64 * 0.618_033_988_749_895).fract();
    let hour = (minute.rem_euclid(1_440)) as f64 / 60.0;
    100.0 + 10.0 * (hour - 12.0).abs() + 5.0 * noise
}

fn learn_days(detector: &mut Novelty, days: i64) -> i64 {
    (0..days * 1_440).for_each(|minute| {
        detector.judge(MINUTE * minute, daily(minute));
    });
    days * 1_440
}

fn score(detector: &Novelty, minute: i64, value: f64) -> f64 {
    detector.clone().judge(MINUTE * minute, value).unwrap().score
}

#[test]
fn each_term_sees_its_own_kind_of_novelty() {
    let mut detector = novelty(0.0, 100);
    let now = learn_days(&mut detector, 6);
    let usual = score(&detector, now, daily(now));
    assert!(usual < 0.5, "{usual}");
    // Midnight is high, noon is low.
    let parts = |value| {
        let look = detector.look(MINUTE * now, value);
        [look.value_term, look.change_term, look.season_term].map(|term| term.square())
    };
    let [value, ..] = parts(400.0);
    assert!(value > 1.0, "never was there such a value: {value}");
    let [value, change, season] = parts(105.0);
    assert!(value < 0.1 && season > 1.0, "such a value, but not at midnight: {value}, {season}");
    assert!(change > 1.0, "nor as a change: {change}");
    let before = detector.clone();
    for minute in now..now + 30 {
        detector.judge(MINUTE * minute, 300.0);
    }
    let level = |of: &Novelty| of.level.term(300.0, of.values.deviation()).square();
    assert!(level(&detector) > 2.0 * level(&before), "a level: {} and {}", level(&before), level(&detector));
}

#[test]
fn it_warms_up_and_then_rests_for_a_share_of_its_past() {
    let mut detector = novelty(0.04, 150);
    let judged = (0..150).filter(|i| detector.judge(MINUTE * i, (i % 7) as f64).is_some()).count();
    assert_eq!(judged, 0);
    (150..1_000).for_each(|i| assert!(detector.judge(MINUTE * i, (i % 7) as f64).is_some()));
    let anomalies: Vec<i64> = (0..100)
        .filter(|i| {
            let judgement = detector.judge(MINUTE * (1_000 + i), 100.0 * (i + 1) as f64).unwrap();
            assert!(judgement.score >= 1.0, "{i}: {judgement:?}");
            judgement.anomaly
        })
        .collect();
    // 0.04 of 1,000 is 40 points of rest; of 1,041 it is 41.
    assert_eq!(anomalies, [0, 41, 83]);
}

#[test]
fn a_rest_has_an_end_however_long_the_past() {
    let mut detector = Novelty::new(&NoveltySpec { max_rest: 10, ..NoveltySpec::default() });
    let now = learn_days(&mut detector, 3);
    let anomalies = (now..now + 22)
        .filter(|minute| detector.judge(MINUTE * minute, 1e4 * (minute - now + 1) as f64).unwrap().anomaly);
    assert_eq!(anomalies.collect::<Vec<_>>(), [now, now + 11]);
}

#[test]
fn degenerate_series_have_stated_answers() {
    type Past<'a> = &'a dyn Fn(i64) -> f64;
    let cases: [(&str, Past<'_>, f64, f64); 5] = [
        ("constant, the same", &|_| 7.5, 7.5, 0.0),
        ("constant, another", &|_| 7.5, 7.6, MAX_SCORE),
        ("constant, a step to 1e300", &|_| 7.5, 1e300, MAX_SCORE),
        ("two values, a step to the largest", &|i| (i % 2) as f64, f64::MAX, MAX_SCORE),
        ("huge values, one of them", &|i| if i % 2 == 0 { 1e300 } else { -1e300 }, 1e300, 0.0),
    ];
    for (name, past, value, expected) in cases {
        let mut detector = novelty(0.0, 100);
        (0..1_000).for_each(|i| {
            detector.judge(MINUTE * i, past(i));
        });
        let judgement = detector.judge(MINUTE * 1_000, value).unwrap();
        if expected == 0.0 {
            assert!(judgement.score < 0.1, "{name}: {judgement:?}");
        } else {
            assert_eq!(judgement.score, expected, "{name}");
        }
    }
    let mut two = novelty(0.0, 100);
    assert_eq!([two.judge(0, 1.0), two.judge(1, 1e300)], [None, None]);
}

#[test]
fn what_is_not_finite_is_not_learned() {
    let mut detector = novelty(0.04, 100);
    let now = learn_days(&mut detector, 1);
    let before = postcard::to_stdvec(&detector).unwrap();
    for point in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(detector.judge(MINUTE * now, point), None);
    }
    assert_eq!(postcard::to_stdvec(&detector).unwrap(), before);
}

#[test]
fn extremes_and_jumps_in_time_never_give_what_is_not_finite() {
    let extremes = [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-320, 1e154, -1e200];
    let times = [0, i64::MAX, i64::MIN, 1, -1, 1 << 53, -(1 << 53)];
    let mut detector = novelty(0.04, 100);
    for i in 0..30_000_usize {
        let (time, value) = (times[i * 5 % times.len()], extremes[(i * i + i / 7) % extremes.len()]);
        let workings = if i % 50 == 0 { detector.workings(time, value) } else { None };
        let figures = workings.iter().flat_map(|workings| &workings.figures);
        assert!(figures.clone().all(|(_, x)| x.is_finite()), "{workings:?}");
        if let Some(Judgement { expected, low, high, score, .. }) = detector.judge(time, value) {
            assert!([expected, low, high, score].iter().all(|x| x.is_finite()), "{value} at {time}");
            assert!((0.0..=MAX_SCORE).contains(&score), "{score}");
        }
    }
}

/// One absurd point, and what a remarkable one is worth afterwards: less at first, as much as ever once
/// it is forgotten.
#[test]
fn an_absurd_point_does_not_hide_the_others_for_ever() {
    let mut clean = novelty(0.0, 100);
    let now = learn_days(&mut clean, 2);
    let mut hit = clean.clone();
    hit.judge(MINUTE * now, 1e12);
    assert!(score(&hit, now + 10, 1e6) >= 1.0, "the next absurd one is seen at once");
    for minute in now + 1..now + 1 + i64::from(2 * MEMORY) {
        clean.judge(MINUTE * minute, daily(minute));
        hit.judge(MINUTE * minute, daily(minute));
    }
    let later = now + 1 + i64::from(2 * MEMORY);
    let (clean, hit) = (score(&clean, later, 300.0), score(&hit, later, 300.0));
    assert!(hit >= 1.0 && hit > clean / 2.0, "{hit} after it, {clean} without it");
}

#[test]
fn late_points_are_judged_but_are_no_changes() {
    let mut detector = novelty(0.0, 100);
    let now = learn_days(&mut detector, 2);
    let (last, changes) = (detector.last.clone(), detector.changes.points());
    let judgement = detector.judge(MINUTE * (now - 700), 400.0).unwrap();
    assert!(judgement.score >= 1.0, "{judgement:?}");
    assert_eq!((&detector.last, detector.changes.points()), (&last, changes));
    // A time that repeats is not late.
    detector.judge(MINUTE * (now - 1), daily(now - 1));
    assert_ne!(detector.last, last);
}

#[test]
fn state_is_bounded_and_a_snapshot_goes_on_to_the_same_bits() {
    let mut detector = novelty(0.04, 100);
    let mut walk = 0.0;
    for minute in 0..60_000 {
        walk += daily(minute * 7_919) - 150.0;
        detector.judge(MINUTE * minute, walk);
    }
    let bytes = postcard::to_stdvec(&detector).unwrap();
    assert!(bytes.len() <= 64 << 10, "{} bytes", bytes.len());
    let mut resumed: Novelty = postcard::from_bytes(&bytes).unwrap();
    for minute in 60_000..62_000 {
        let value = daily(minute * 31) + walk;
        assert_eq!(resumed.judge(MINUTE * minute, value), detector.judge(MINUTE * minute, value));
    }
}

#[test]
fn the_formula_gives_the_score() {
    let mut detector = novelty(0.04, 100);
    for i in 0..3_000 {
        let (time, value) =
            (MINUTE * (if i % 50 == 49 { i - 9 } else { i }), daily(i) + (i % 97 / 96 * i) as f64);
        let workings = detector.workings(time, value);
        let judgement = detector.judge(time, value);
        assert_eq!(workings.is_some(), judgement.is_some());
        let (Some(workings), Some(judgement)) = (workings, judgement) else { continue };
        assert_formula(&workings, value, judgement.score);
    }
}

/// Without spread the formula divides by 0, and has no value.
#[test]
fn the_formula_of_a_constant_series() {
    let mut detector = novelty(0.04, 100);
    (0..500).for_each(|i| {
        detector.judge(MINUTE * i, 3.0);
    });
    assert_formula(&detector.workings(MINUTE * 500, 3.0).unwrap(), 3.0, 0.0);
    let another = detector.workings(MINUTE * 500, 4.0).unwrap();
    assert!(takes(&another, 4.0, &format!("({}) IS NULL", another.formula)), "{another:?}");
}

fn assert_formula(workings: &Workings, value: f64, score: f64) {
    let close = format!("abs(({}) - {score:?}) <= 1e-9 * (1 + {score:?})", workings.formula);
    assert!(takes(workings, value, &close), "{score} for {value}: {workings:?}");
    let parts: f64 = workings.figures[..4].iter().map(|(_, part)| part).sum();
    assert!((parts - score).abs() <= 1e-9 * (1.0 + score), "{score}: {workings:?}");
}

/// Whether a condition holds of a value and the figures, each as a column.
fn takes(workings: &Workings, value: f64, condition: &str) -> bool {
    let (names, values): (Vec<_>, Vec<_>) = std::iter::once(("value", value))
        .chain(workings.figures.iter().copied())
        .map(|(name, x)| (name.to_owned(), x))
        .unzip();
    let schema = Schema {
        time: "at".to_owned(),
        time_format: None,
        arrival: None,
        partition: None,
        partitions: 1,
        keys: Vec::new(),
        measures: names,
    };
    let mut log = Log::new(&schema);
    log.append(0, 0, 0, &[], &values);
    let mut rows = Vec::new();
    let filter = Filter::compile(condition, &schema);
    filter.unwrap_or_else(|error| panic!("{condition}: {error}")).select(&log.read(0, 1), &mut rows);
    !rows.is_empty()
}
