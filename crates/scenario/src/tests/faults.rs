//! Faults do what they say, in the share that they say, and nothing else.

use super::{hash, whole};
use crate::faults::{FORMS, Faults, Idle, Skew, Skewed, Stragglers};
use crate::noise::Noise;
use crate::{SCENARIOS, open, open_with};
use expect_test::{Expect, expect};
use kappascope_core::{Block, Log};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// All at once; partition 0 is there everywhere.
const ALL: &str =
    "disorder=5s,stragglers=1%:2m,idle=10m:5m:p0,duplicates=1%,skew=5%:-30s,hot_key=10%,burst=20m:10m:3x";

fn faults(text: &str) -> Faults {
    text.parse().unwrap()
}

fn log_with(name: &str, seed: u64, events: u64, text: &str) -> Log {
    whole(open_with(name, seed, Some(events), &faults(text)).unwrap())
}

/// How many rows in a hundred are so.
fn percent(log: &Log, is: impl Fn(&Block<'_>, usize) -> bool) -> f64 {
    let rows = log.read(0, usize::MAX);
    100.0 * (0..rows.len()).filter(|&row| is(&rows, row)).count() as f64 / rows.len() as f64
}

fn delay(rows: &Block<'_>, row: usize) -> i64 {
    rows.arrival()[row] - rows.time()[row]
}

fn delays(log: &Log) -> Vec<i64> {
    let rows = log.read(0, usize::MAX);
    (0..rows.len()).map(|row| delay(&rows, row)).collect()
}

fn check_percent(found: f64, said: f64, what: &str) {
    assert!((found - said).abs() < 0.1 * said, "{what}: {found}% where {said}% is said");
}

#[test]
fn dials_at_zero_change_no_bit() {
    let zero =
        "disorder=0s,stragglers=0%:2m,idle=10m:0s:p0,duplicates=0%,skew=0%:30s,hot_key=0%,burst=1m:1h:1x";
    let (zero, none) = (faults(zero), Faults::default());
    assert_ne!(zero, none);
    for scenario in SCENARIOS {
        let name = scenario.name;
        let plain = hash(name, &whole(open(name, 7, Some(30_000)).unwrap()));
        let labels = open(name, 7, Some(30_000)).unwrap().labels().to_vec();
        for faults in [&zero, &none] {
            let world = open_with(name, 7, Some(30_000), faults).unwrap();
            assert_eq!(world.labels(), labels, "{name} with {faults:?}");
            let log = whole(world);
            assert_eq!(hash(name, &log), plain, "{name} with {faults:?}");
        }
        assert_ne!(
            hash(name, &log_with(name, 7, 30_000, "disorder=1ms")),
            plain,
            "{name}: the check can fail"
        );
    }
}

#[test]
fn same_bytes_with_faults_on_every_target() {
    fn check(name: &str, expected: &Expect) {
        expected.assert_eq(&format!("{:016x}", hash(name, &log_with(name, 7, 100_000, ALL))));
    }
    check("tutorial", &expect!["54e9fd1a32ab0e3d"]);
    check("website", &expect!["ea616c40648d68d8"]);
    check("card_testing", &expect!["42c08b897b3621ca"]);
}

#[test]
fn portions_and_the_number_of_events_never_change_the_bytes() {
    const EVENTS: u64 = 30_000;
    for scenario in SCENARIOS {
        let name = scenario.name;
        let at_once = hash(name, &log_with(name, 3, EVENTS, ALL));
        let mut world = open_with(name, 3, Some(4_000_000), &faults(ALL)).unwrap();
        let (mut log, mut chance) = (Log::new(&world.spec().schema), Noise::new(1, 0));
        while log.end() < EVENTS {
            let rows = chance.below(500).min((EVENTS - log.end()) as u32);
            world.fill(&mut log, rows as usize);
        }
        assert_eq!(hash(name, &log), at_once, "{name}");
    }
}

#[test]
fn rows_with_faults_come_in_the_order_of_the_log() {
    for scenario in SCENARIOS {
        let log = log_with(scenario.name, 4, 60_000, ALL);
        let rows = log.read(0, usize::MAX);
        let place = |row: usize| (rows.arrival()[row], rows.partition().map_or(0, |p| p[row]));
        assert!((1..rows.len()).all(|row| place(row - 1) <= place(row)), "{}", scenario.name);
    }
}

#[test]
fn disorder_spreads_delays_evenly() {
    let mean = |delays: &[i64]| delays.iter().sum::<i64>() as f64 / delays.len() as f64;
    let plain = delays(&log_with("tutorial", 1, 50_000, ""));
    let spread = delays(&log_with("tutorial", 1, 50_000, "disorder=5s"));
    let longer = mean(&spread) - mean(&plain);
    assert!((2_450.0..2_550.0).contains(&longer), "{longer} ms longer on average");
    let longest = |delays: &[i64]| *delays.iter().max().unwrap();
    assert!((4_000..=5_000).contains(&(longest(&spread) - longest(&plain))));
}

#[test]
fn stragglers_are_as_many_and_as_late_as_said() {
    let log = log_with("tutorial", 1, 70_000, "stragglers=2%:2m");
    // Without faults, nothing in the tutorial takes longer than three seconds.
    check_percent(percent(&log, |rows, row| delay(rows, row) > 3_000), 2.0, "stragglers");
    let late: Vec<i64> = delays(&log).into_iter().filter(|delay| *delay > 3_000).collect();
    assert!(late.iter().all(|delay| (60_000..=123_000).contains(delay)));
    // Who straggles at 1% also does at 2%.
    let times = |text| {
        let log = log_with("tutorial", 1, 70_000, text);
        let rows = log.read(0, 60_000);
        let late = (0..rows.len()).filter(|&row| delay(&rows, row) > 3_000);
        late.map(|row| (rows.time()[row], rows.key(1)[row])).collect::<BTreeSet<_>>()
    };
    assert!(times("stragglers=1%:2m").is_subset(&times("stragglers=2%:2m")));
}

#[test]
fn an_idle_partition_sends_nothing_and_then_all_of_it() {
    const HOUR: i64 = 3_600_000;
    let log = log_with("website", 1, 100_000, "idle=1h:10m:p1");
    let start = log.read(0, 1).time()[0] / HOUR * HOUR;
    let (from, until) = (start + HOUR, start + HOUR + 600_000);
    let count = |log: &Log, is: &dyn Fn(u32, i64) -> bool| {
        let rows = log.read(0, usize::MAX);
        let partition = rows.partition().unwrap();
        (0..rows.len()).filter(|&row| is(partition[row], rows.arrival()[row])).count()
    };
    let meanwhile = |of: u32| move |p: u32, arrival: i64| p == of && (from..until).contains(&arrival);
    let plain = log_with("website", 1, 100_000, "");
    assert_eq!(count(&log, &meanwhile(1)), 0);
    assert!(count(&plain, &meanwhile(1)) > 500);
    assert_eq!(count(&log, &meanwhile(0)), count(&plain, &meanwhile(0)));
    let at_the_end = |log: &Log| count(log, &|p, arrival| p == 1 && arrival == until);
    assert_eq!(at_the_end(&log), at_the_end(&plain) + count(&plain, &meanwhile(1)));
}

#[test]
fn duplicates_are_as_many_as_said() {
    let twice = |text| {
        let log = log_with("website", 1, 100_000, text);
        let mut seen = BTreeSet::new();
        // Rows are read one after the other, so a duplicate is the second of two.
        let rows = log.read(0, usize::MAX);
        let again = |row: &usize| {
            let row = *row;
            let partition = rows.partition().unwrap()[row];
            let value = rows.measure(0)[row].to_bits();
            !seen.insert((rows.time()[row], partition, rows.key(0)[row], rows.key(1)[row], value))
        };
        (0..rows.len()).filter(again).count() as f64
    };
    assert_eq!(twice(""), 0.0);
    // Of 105 that arrive, 5 are the second of two.
    check_percent(100.0 * twice("duplicates=5%") / 100_000.0, 100.0 * 5.0 / 105.0, "duplicates");
}

#[test]
fn clocks_are_off_for_as_many_senders_as_said_and_always() {
    for (text, is_off) in [
        ("skew=20%:-30s", (|delay| delay >= 30_000) as fn(i64) -> bool),
        ("skew=20%:30s", |delay| delay <= -27_000),
    ] {
        let log = log_with("tutorial", 1, 50_000, text);
        let rows = log.read(0, usize::MAX);
        let mut users = [BTreeSet::new(), BTreeSet::new()];
        for row in 0..rows.len() {
            users[usize::from(is_off(delay(&rows, row)))].insert(rows.key(1)[row]);
        }
        let [right, off] = users;
        assert!(right.is_disjoint(&off), "{text}: a clock is off or it is not");
        assert!((45..=75).contains(&off.len()), "{text}: {} of 300 clocks are off", off.len());
    }
    let log = log_with("website", 1, 50_000, "skew=p2:-1h");
    let rows = log.read(0, usize::MAX);
    let partition = rows.partition().unwrap();
    assert!((0..rows.len()).all(|row| (partition[row] == 2) == (delay(&rows, row) >= 3_600_000)));
}

#[test]
fn a_hot_key_has_the_share_that_is_said() {
    let hot = |rows: &Block<'_>, row: usize| rows.dictionary(1).name(rows.key(1)[row]) == "user_0001";
    let before = percent(&log_with("website", 1, 100_000, ""), hot);
    assert!(before < 3.0, "{before}%");
    let log = log_with("website", 1, 100_000, "hot_key=30%");
    check_percent(percent(&log, hot), 30.0 + 0.7 * before, "the hot key");
    assert_eq!(percent(&log, |rows, row| hot(rows, row) && rows.partition().unwrap()[row] != 0), 0.0);
}

#[test]
fn a_burst_has_the_factor_that_is_said_and_is_a_label() {
    let world = |text| open_with("website", 1, Some(100_000), &faults(text)).unwrap();
    let (plain, burst) = (world(""), world("burst=30m:15m:4.5x"));
    let added: Vec<_> =
        burst.labels().iter().filter(|label| !plain.labels().contains(label)).cloned().collect();
    let [label] = added.as_slice() else { panic!("{added:?}") };
    assert_eq!((label.what.as_str(), label.end - label.start), ("a burst of 4.5 times the traffic", 900_000));
    let (plain, burst) = (whole(plain), whole(burst));
    let count = |log: &Log, from: i64, until: i64| {
        log.read(0, usize::MAX).time().iter().filter(|time| (from..until).contains(*time)).count() as f64
    };
    let ratio = |from, until| count(&burst, from, until) / count(&plain, from, until);
    let within = ratio(label.start, label.end);
    assert!((4.45..4.55).contains(&within), "{within} times the traffic");
    assert_eq!(ratio(label.end - 1_800_000, label.start), 1.0);
    assert_eq!(ratio(label.end, label.end + 600_000), 1.0);
}

/// With more events in the same time, a world of as many ends earlier.
#[test]
fn labels_begin_before_the_end() {
    for (name, events, text) in [
        ("website", 1_000_000, "burst=1h:1h:20x,duplicates=50%"),
        ("tutorial", 72_000, "burst=10m:1h:5x"),
        ("card_testing", 100_000, "duplicates=80%"),
        ("sensor", 240_000, "duplicates=40%"),
    ] {
        let mut world = open_with(name, 2, Some(events), &faults(text)).unwrap();
        let mut log = Log::new(&world.spec().schema);
        world.fill(&mut log, usize::MAX);
        let newest = *log.read(0, usize::MAX).time().iter().max().unwrap();
        assert!(world.labels().iter().all(|label| label.start <= newest), "{name}");
        let own = world.labels().iter().filter(|label| !label.what.starts_with("a burst")).count();
        let all = open(name, 2, Some(events)).unwrap().labels().len();
        assert!(own < all, "{name}: all {all} labels, in less time");
    }
    let late = open_with("tutorial", 1, Some(1_000), &faults("burst=10h:1m:2x")).unwrap();
    assert!(late.labels().is_empty());
}

#[test]
fn what_waits_with_faults_is_bounded() {
    // 30 events a second at most, twenty times as many in the burst; 10% wait for up to 2 minutes, a third
    // of them for up to 5 minutes of silence, and each for its piece.
    const MOST_WAITING: usize = 600 * (10 + 5) + 600 * 120 / 10 + 600 * 300 * 2 / 3;
    let faults = faults("stragglers=10%:2m,idle=20m:5m:p0,burst=15m:20m:20x");
    let mut world = open_with("website", 2, Some(200_000), &faults).unwrap();
    let mut log = Log::new(&world.spec().schema);
    let mut most = 0;
    while world.fill(&mut log, 50) > 0 {
        most = most.max(world.waiting());
        log.forget(log.end());
    }
    assert!((5_000..MOST_WAITING).contains(&most), "{most} waiting");
}

#[test]
fn text_and_back() {
    for text in ["", "disorder=5s", "skew=p1:30s", "skew=0.07%:-90s", ALL] {
        assert_eq!(faults(text).to_string(), text);
    }
    let all = Faults {
        stragglers: Some(Stragglers { percent: 1.0, late_ms: 120_000 }),
        skew: Some(Skew { of: Skewed::Percent(5.0), by_ms: -30_000 }),
        idle: Some(Idle { from_ms: 600_000, length_ms: 300_000, partition: 0 }),
        ..faults("disorder=5s,duplicates=1%,hot_key=10%,burst=20m:10m:3x")
    };
    assert_eq!(all, faults(ALL));
    for (name, forms) in FORMS {
        for form in forms {
            let text = format!("{name}={form}");
            assert_eq!(faults(&text).to_string(), text);
        }
    }
}

#[test]
fn numbers_and_back() {
    assert_eq!(serde_json::from_str::<Faults>("{}").unwrap(), Faults::default());
    for faults in [Faults::default(), faults(ALL), faults("skew=p1:30s")] {
        let json = serde_json::to_string(&faults).unwrap();
        assert_eq!(serde_json::from_str::<Faults>(&json).unwrap(), faults, "{json}");
    }
    expect![[r#"{"disorder_ms":0,"stragglers":{"percent":1.0,"late_ms":120000},"idle":null,"duplicates_percent":0.0,"skew":{"of":{"partition":1},"by_ms":-30000},"hot_key_percent":0.0,"burst":null}"#]]
        .assert_eq(&serde_json::to_string(&faults("stragglers=1%:2m,skew=p1:-30s")).unwrap());
    assert!(serde_json::from_str::<Faults>(r#"{"disorder":5}"#).is_err());
}

#[test]
fn what_cannot_be_is_refused() {
    fn check(text: &str, expected: &Expect) {
        let opened = text
            .parse()
            .map_err(crate::OpenError::from)
            .and_then(|faults: Faults| open_with("website", 1, Some(1), &faults));
        expected.assert_eq(&opened.unwrap_err().to_string());
    }
    check(
        "speed=3",
        &expect![
            "fault `speed`: there is no such fault; there are `disorder`, `stragglers`, `idle`, `duplicates`, `skew`, `hot_key`, `burst`"
        ],
    );
    check("disorder=5", &expect!["fault `disorder`: `5` is not in its form; such as `5s` would fit"]);
    check("disorder=2h", &expect!["fault `disorder`: 2h is too long; at most 10m would fit"]);
    check(
        "stragglers=1%",
        &expect!["fault `stragglers`: `1%` is not in its form; such as `1%:2m` would fit"],
    );
    check("stragglers=101%:1m", &expect!["fault `stragglers`: 101% is out of bounds; 0% to 100% would fit"]);
    check(
        "stragglers=1%:900d",
        &expect!["fault `stragglers`: `1%:900d` is not in its form; such as `1%:2m` would fit"],
    );
    check("idle=1h:10m:p3", &expect!["fault `idle`: no partition `p3`; this scenario has `p0` to `p2`"]);
    check("idle=1h:2h:p1", &expect!["fault `idle`: 2h is too long; at most 1h would fit"]);
    check("duplicates=-1%", &expect!["fault `duplicates`: -1% is out of bounds; 0% to 100% would fit"]);
    check(
        "duplicates=NaN%",
        &expect!["fault `duplicates`: `NaN%` is not in its form; such as `1%` would fit"],
    );
    check("skew=p7:1s", &expect!["fault `skew`: no partition `p7`; this scenario has `p0` to `p2`"]);
    check("skew=5%:2d", &expect!["fault `skew`: 2d is too long; at most 1d would fit"]);
    check("hot_key=user", &expect!["fault `hot_key`: `user` is not in its form; such as `30%` would fit"]);
    check("burst=1h:10m:0.5x", &expect!["fault `burst`: 0.5x is out of bounds; 1x to 20x would fit"]);
    let nan = Faults { duplicates_percent: f64::NAN, ..Faults::default() };
    expect!["fault `duplicates`: NaN% is out of bounds; 0% to 100% would fit"]
        .assert_eq(&nan.check().unwrap_err().to_string());
    let one = open_with("tutorial", 1, Some(1), &faults("idle=1h:10m:p1")).unwrap_err();
    expect!["fault `idle`: no partition `p1`; this scenario has only `p0`"].assert_eq(&one.to_string());
}
