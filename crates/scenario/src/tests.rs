//! One list of tests for both targets: `cargo test -p kappascope-scenario`, and the same with
//! `--target wasm32-unknown-unknown`.

mod faults;

use crate::attack::{self, ATTACKS, Scene};
use crate::disturbance::Extent;
use crate::noise::{Noise, round_to};
use crate::world::{Parts, World};
use crate::{
    AccountTakeover, CardTesting, Exfiltration, Faults, Label, LoginBruteForce, SCENARIOS, Scenario,
    ServiceLatency, open, order_tracking, sensor, tutorial, website,
};
use expect_test::{Expect, expect};
use kappascope_core::spec::Schema;
use kappascope_core::{Change, Changes, Log, Pipeline, Spec, Timing};
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// FNV-1a over every column of a scenario's log, so that one bit anywhere shows.
fn hash(name: &str, log: &Log) -> u64 {
    let schema = open(name, 0, Some(0)).unwrap().spec().schema.clone();
    let rows = log.read(log.start(), usize::MAX);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut word = |word: u64| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for row in 0..rows.len() {
        word(rows.time()[row] as u64);
        word(rows.arrival()[row] as u64);
        word(rows.partition().map_or(0, |partition| u64::from(partition[row])));
        (0..schema.keys.len()).for_each(|key| word(u64::from(rows.key(key)[row])));
        (0..schema.measures.len()).for_each(|measure| word(rows.measure(measure)[row].to_bits()));
    }
    hash
}

/// All of a world.
fn whole(mut world: World) -> Log {
    let mut log = Log::new(&world.spec().schema);
    assert_eq!(world.fill(&mut log, usize::MAX) as u64, world.total());
    log
}

fn log_of(name: &str, seed: u64, events: u64) -> Log {
    whole(open(name, seed, Some(events)).unwrap())
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
#[allow(clippy::disallowed_methods, reason = "the files are what it is about; a world reads none")]
fn the_pipelines_are_those_of_the_files() {
    for scenario in SCENARIOS {
        let file = format!("{}/src/pipelines/{}.toml", env!("CARGO_MANIFEST_DIR"), scenario.name);
        let spec = Spec::from_toml(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(open(scenario.name, 1, Some(1)).unwrap().spec(), &spec, "{file}");
    }
}

/// Runs all of a log and gives the pipeline and everything that changed.
fn run(spec: &Spec, log: &Log) -> (Pipeline, [Changes; 2]) {
    let mut pipeline = Pipeline::new(spec).unwrap();
    pipeline.push(log.read(0, usize::MAX));
    let changes = pipeline.changes().clone();
    pipeline.finish();
    let last = pipeline.changes().clone();
    (pipeline, [changes, last])
}

/// A world without faults.
fn calm(events: u64, seed: u64, parts: impl FnOnce(Extent<'_>) -> Parts) -> World {
    let extent = Extent { events, faults: &Faults::default() };
    World::new(parts(extent), seed, extent)
}

fn website_without_incidents(seed: u64, events: u64) -> World {
    calm(events, seed, |extent| website::parts(seed, extent, 0))
}

fn tutorial_without_spikes(seed: u64, events: u64) -> World {
    calm(events, seed, |extent| tutorial::parts(seed, extent, 0))
}

/// Long enough for the rare tails of every distribution to be in it many times.
const GOLDEN_EVENTS: u64 = 300_000;

#[test]
fn same_bytes_on_every_target() {
    fn check(name: &str, expected: &Expect) {
        expected.assert_eq(&format!("{:016x}", hash(name, &log_of(name, 7, GOLDEN_EVENTS))));
    }
    check("tutorial", &expect!["cd6a6684d2bfb218"]);
    check("website", &expect!["8a4dd04b4f1465fa"]);
    check("login_brute_force", &expect!["5abbc080cce5dc4a"]);
    check("exfiltration", &expect!["08054e634aee69dd"]);
    check("account_takeover", &expect!["fd4209d4a02f179c"]);
    check("card_testing", &expect!["287c1194c6a037f5"]);
    check("order_tracking", &expect!["937d395a3ab2770c"]);
    check("service_latency", &expect!["2ebfff2ab217f786"]);
    check("sensor", &expect!["7a74baa10e56e70b"]);
}

#[test]
fn another_seed_is_another_world() {
    for scenario in SCENARIOS {
        assert_ne!(
            hash(scenario.name, &log_of(scenario.name, 1, 1_000)),
            hash(scenario.name, &log_of(scenario.name, 2, 1_000))
        );
    }
}

#[test]
fn portions_never_change_the_bytes() {
    const EVENTS: u64 = 30_000;
    for scenario in SCENARIOS {
        let at_once = hash(scenario.name, &log_of(scenario.name, 3, EVENTS));
        for seed in 0..10 {
            let mut chance = Noise::new(seed, 0);
            let mut world = open(scenario.name, 3, Some(EVENTS)).unwrap();
            let mut log = Log::new(&world.spec().schema);
            let mut now = i64::MIN;
            while log.end() < EVENTS {
                if chance.below(2) == 0 {
                    world.fill(&mut log, chance.below(500) as usize);
                } else {
                    world.fill_until(&mut log, now, chance.below(500) as usize);
                }
                now = log
                    .read(log.end().saturating_sub(1), 1)
                    .arrival()
                    .first()
                    .map_or(now, |last| last + i64::from(chance.below(20_000)));
            }
            assert_eq!(hash(scenario.name, &log), at_once, "{} in portions of seed {seed}", scenario.name);
        }
    }
}

#[test]
fn fill_until_stops_at_its_time() {
    for scenario in SCENARIOS {
        let mut world = open(scenario.name, 3, Some(20_000)).unwrap();
        let mut log = Log::new(&world.spec().schema);
        let all = log_of(scenario.name, 3, 20_000);
        let until = all.read(5_000, 1).arrival()[0];
        world.fill_until(&mut log, until, usize::MAX);
        let next = log.end();
        assert!(log.read(next - 1, 1).arrival()[0] <= until);
        assert!(all.read(next, 1).arrival()[0] > until);
        assert_eq!(world.fill_until(&mut log, until, usize::MAX), 0);
    }
}

#[test]
fn fewer_events_are_the_same_world_cut() {
    for scenario in SCENARIOS {
        let short = log_of(scenario.name, 5, 10_000);
        let mut long = Log::new(&open(scenario.name, 5, None).unwrap().spec().schema);
        open(scenario.name, 5, Some(4_000_000)).unwrap().fill(&mut long, 10_000);
        assert_eq!(hash(scenario.name, &short), hash(scenario.name, &long), "{}", scenario.name);
    }
}

#[test]
fn rows_come_in_the_order_of_the_log() {
    for scenario in SCENARIOS {
        let log = log_of(scenario.name, 4, 100_000);
        let rows = log.read(0, usize::MAX);
        let place = |row: usize| (rows.arrival()[row], rows.partition().map_or(0, |p| p[row]));
        assert!((1..rows.len()).all(|row| place(row - 1) <= place(row)), "{}", scenario.name);
        assert!(rows.time().iter().zip(rows.arrival()).all(|(time, arrival)| time <= arrival));
        let disordered = rows.time().windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!(disordered > rows.len() / 5, "{disordered} steps back make no disorder worth the name");
    }
}

#[test]
fn what_waits_is_bounded() {
    // At most 30 events a second: 10 of the day's mean, its rhythm, wander and an incident. All wait for
    // their piece and up to 5 seconds, 0.4% of them for two minutes.
    const MOST_WAITING: usize = 30 * (10 + 5) + 30 * 120 * 4 / 1_000;
    let mut world = open("website", 2, None).unwrap();
    let mut log = Log::new(&world.spec().schema);
    let mut most = 0;
    while world.fill(&mut log, 50) > 0 {
        most = most.max(world.waiting());
        log.forget(log.end());
    }
    assert!((50..MOST_WAITING).contains(&most), "{most} waiting");
}

#[test]
fn nothing_in_the_tutorial_is_late_until_the_bound_is_shorter() {
    let world = open("tutorial", 1, None).unwrap();
    let mut spec = world.spec().clone();
    let log = whole(world);
    assert_eq!(run(&spec, &log).0.counters().late, 0);
    spec.watermark.bound = "1s".parse().unwrap();
    assert!(run(&spec, &log).0.counters().late > 0);
}

#[test]
fn only_stragglers_of_the_website_are_late() {
    let world = open("website", 1, Some(200_000)).unwrap();
    let spec = world.spec().clone();
    let log = whole(world);
    let rows = log.read(0, usize::MAX);
    let partition = rows.partition().unwrap();
    let delays: Vec<i64> = rows.arrival().iter().zip(rows.time()).map(|(a, t)| a - t).collect();
    let straggles = |delay: i64| delay >= i64::from(website::OFFLINE_MS.start);
    let stragglers = delays.iter().filter(|delay| straggles(**delay)).count();
    assert!((600..1_000).contains(&stragglers), "{stragglers} stragglers in 200,000");

    let (pipeline, changes) = run(&spec, &log);
    let mut late = 0;
    for change in changes.iter().flat_map(Changes::iter) {
        let Change::Drop(dropped) = change else { continue };
        let mut mine = (0..rows.len()).filter(|&row| partition[row] == dropped.partition);
        let row = mine.nth(dropped.offset as usize).unwrap();
        assert!(straggles(delays[row]), "an event {} ms late was dropped", delays[row]);
        late += 1;
    }
    let corrections = changes
        .iter()
        .flat_map(Changes::iter)
        .filter(|change| matches!(change, Change::Window(window) if window.timing == Timing::Late))
        .count();
    assert!(late > stragglers / 3 && late == pipeline.counters().late as usize, "{late} late");
    assert!(corrections > stragglers / 8, "{corrections} corrections");
}

/// Events a minute of a type, and their mean value, over the minutes in a span of time.
fn measure(log: &Log, key: &str, span: std::ops::Range<i64>) -> (f64, f64) {
    let rows = log.read(0, usize::MAX);
    let names = rows.dictionary(0);
    let of_key = |row: &usize| span.contains(&rows.time()[*row]) && names.name(rows.key(0)[*row]) == key;
    let values: Vec<f64> = (0..rows.len()).filter(of_key).map(|row| rows.measure(0)[row]).collect();
    let minutes = (span.end - span.start) as f64 / 6e4;
    (values.len() as f64 / minutes, values.iter().sum::<f64>() / values.len() as f64)
}

#[test]
fn labels_of_the_website_stand_out() {
    const EVENTS: u64 = 1_000_000;
    const HALF_AN_HOUR: i64 = 30 * 60_000;
    for seed in 1..=2 {
        let world = open("website", seed, Some(EVENTS)).unwrap();
        let labels = world.labels().to_vec();
        assert_eq!(labels.len(), 8);
        let (with, without) = (whole(world), whole(website_without_incidents(seed, EVENTS)));
        for label in &labels {
            let key = label.key[0].1.as_str();
            let rate = |log: &Log, span| measure(log, key, span).0;
            let ratio = |log: &Log| {
                rate(log, label.start..label.end) / rate(log, label.start - HALF_AN_HOUR..label.start)
            };
            let calm = ratio(&without);
            assert!((0.7..1.35).contains(&calm), "{label:?} without its cause: {calm}");
            let stands_out = if key == "page_view" { ratio(&with) < 0.5 } else { ratio(&with) > 1.6 };
            assert!(stands_out, "{label:?}: {}", ratio(&with));
        }
    }
}

#[test]
fn the_spike_of_the_tutorial_stands_out() {
    let world = open("tutorial", 1, None).unwrap();
    let [label] = world.labels() else { panic!("{:?}", world.labels()) };
    let label = label.clone();
    let (with, without) = (whole(world), whole(tutorial_without_spikes(1, 72_000)));
    let value = |log, key, span| measure(log, key, span).1;
    let span = label.start..label.end;
    assert!((190.0..210.0).contains(&value(&with, "purchase", span.clone())));
    assert!((45.0..55.0).contains(&value(&with, "click", span.clone())));
    assert!((45.0..55.0).contains(&value(&with, "purchase", span.start - 120_000..span.start)));
    assert!((45.0..55.0).contains(&value(&without, "purchase", span)));
}

/// A row as its time, arrival, key names and measures, so that rows of two logs can be compared.
type Row = (i64, i64, Vec<String>, Vec<u64>);

/// All rows of a log, counted, up to an arrival.
fn counted(log: &Log, schema: &Schema, until: i64) -> BTreeMap<Row, i64> {
    let rows = log.read(0, usize::MAX);
    let mut counted = BTreeMap::new();
    for row in (0..rows.len()).filter(|&row| rows.arrival()[row] < until) {
        let name = |key: usize| rows.dictionary(key).name(rows.key(key)[row]).to_owned();
        let keys = (0..schema.keys.len()).map(name).collect();
        let measures =
            (0..schema.measures.len()).map(|measure| rows.measure(measure)[row].to_bits()).collect();
        *counted.entry((rows.time()[row], rows.arrival()[row], keys, measures)).or_default() += 1;
    }
    counted
}

/// What attacks add to a world are the events of their labels, and they take nothing honest away.
fn check_attacks<S: Scene + 'static>(seed: u64) {
    const EVENTS: u64 = 150_000;
    let world = |attacks| calm(EVENTS, seed, |extent| attack::parts::<S>(seed, extent, attacks));
    let (labels, schema) = (world(ATTACKS).labels().to_vec(), world(0).spec().schema.clone());
    assert!(world(0).labels().is_empty());
    let end = *whole(world(ATTACKS)).read(EVENTS - 1, 1).arrival().first().unwrap();
    let honest = counted(&whole(world(0)), &schema, end);
    let mut added = vec![0; labels.len()];
    let mut all = counted(&whole(world(ATTACKS)), &schema, end);
    for (row, n) in honest {
        let left = all.get_mut(&row).unwrap_or_else(|| panic!("{row:?} is missing"));
        *left -= n;
    }
    for (row, n) in all {
        assert!(n >= 0, "{row:?}");
        let of = |label: &&Label| {
            let is = |(column, value): &(String, String)| {
                let at = schema.keys.iter().position(|key| key == column).unwrap();
                row.2[at] == *value
            };
            (label.start..label.end).contains(&row.0) && label.key.iter().all(is)
        };
        let of_labels = labels.iter().enumerate().filter(|(_, label)| of(label));
        let places: Vec<usize> = of_labels.map(|(place, _)| place).collect();
        assert!(n == 0 || !places.is_empty(), "{row:?} is of no label");
        places.into_iter().for_each(|place| added[place] += n);
    }
    let over = labels.iter().zip(&added).filter(|(label, _)| label.end + 120_000 < end);
    let events: Vec<i64> = over.map(|(_, events)| *events).collect();
    assert!(events.len() >= 5 && events.iter().all(|&events| events > 0), "{events:?}");
}

#[test]
fn attacks_are_what_their_labels_say() {
    for seed in 1..=3 {
        check_attacks::<LoginBruteForce>(seed);
        check_attacks::<Exfiltration>(seed);
        check_attacks::<AccountTakeover>(seed);
        check_attacks::<CardTesting>(seed);
        check_attacks::<ServiceLatency>(seed);
    }
}

/// What differs between a world and the same without its troubles is of its labels, and nearly each label
/// is about something that differs. `whole_life` says that it may differ after the label is over, too.
fn check_troubles(with: World, without: World, whole_life: bool) {
    let (labels, schema) = (with.labels().to_vec(), with.spec().schema.clone());
    assert!(without.labels().is_empty());
    let column = schema.keys.iter().position(|key| *key == labels[0].key[0].0).unwrap();
    let logs = [whole(with), whole(without)];
    let end = logs.iter().map(|log| log.read(log.end() - 1, 1).arrival()[0]).min().unwrap();
    let [mut rows, calm] = logs.map(|log| counted(&log, &schema, end));
    calm.into_iter().for_each(|(row, n)| *rows.entry(row).or_default() -= n);
    let mut differ = vec![false; labels.len()];
    for (row, _) in rows.into_iter().filter(|(_, n)| *n != 0) {
        let until = |label: &Label| if whole_life { i64::MAX } else { label.end };
        let of =
            |label: &Label| label.key[0].1 == row.2[column] && (label.start..until(label)).contains(&row.0);
        let places: Vec<usize> = (0..labels.len()).filter(|&place| of(&labels[place])).collect();
        assert!(!places.is_empty(), "{row:?} is of no label");
        places.into_iter().for_each(|place| differ[place] = true);
    }
    let over = labels.iter().zip(differ).filter(|(label, _)| label.end < end);
    let same: Vec<&Label> = over.filter(|(_, differs)| !differs).map(|(label, _)| label).collect();
    assert!(same.len() * 20 <= labels.len(), "nothing differs: {same:?}");
}

#[test]
fn troubles_are_what_their_labels_say() {
    for seed in 1..=2 {
        let orders = |troubled| calm(150_000, seed, |extent| order_tracking::parts(seed, extent, troubled));
        check_troubles(orders(order_tracking::ORDERS), orders(0), true);
        let sensors = |lies| calm(150_000, seed, |extent| sensor::parts(seed, extent, lies));
        check_troubles(sensors(sensor::LIES), sensors(0), false);
    }
}

/// The times of an endpoint of `service_latency` in spans of time, ascending.
fn times_of(log: &Log, endpoint: &str, spans: &[Label]) -> Vec<f64> {
    let rows = log.read(0, usize::MAX);
    let within = |time| spans.iter().any(|span| (span.start..span.end).contains(&time));
    let of =
        |row: &usize| rows.dictionary(0).name(rows.key(0)[*row]) == endpoint && within(rows.time()[*row]);
    let mut times: Vec<f64> = (0..rows.len()).filter(of).map(|row| rows.measure(0)[row]).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

#[test]
fn who_cannot_pay_is_in_no_sample_and_moves_no_median() {
    let world = open("service_latency", 3, None).unwrap();
    let (total, labels) = (world.total(), world.labels().iter());
    let broken: Vec<Label> = labels.filter(|label| label.what.starts_with("checkout")).cloned().collect();
    let log = whole(world);
    let rows = log.read(0, usize::MAX);
    let name = |column: usize, row: usize| rows.dictionary(column).name(rows.key(column)[row]);
    let in_sample = |label: &&Label| {
        (0..rows.len()).step_by(100).any(|row| {
            let of = label.is_of("endpoint", name(0, row)) && label.is_of("user", name(1, row));
            of && (label.start..label.end).contains(&rows.time()[row])
        })
    };
    let seen = broken.iter().filter(in_sample).count();
    assert!(broken.len() > 50 && seen * 10 < broken.len(), "{seen} of {} are in a sample", broken.len());

    let calm = whole(calm(total, 3, |extent| attack::parts::<ServiceLatency>(3, extent, 0)));
    let ratio = |share: f64| {
        let [with, without] = [&log, &calm].map(|log| times_of(log, "checkout", &broken));
        let rank = |times: &[f64]| times[(times.len() as f64 * share) as usize];
        rank(&with) / rank(&without)
    };
    assert!((0.98..1.08).contains(&ratio(0.5)), "the median is {} times as large", ratio(0.5));
    assert!(ratio(0.99) > 2.0, "p99 is {} times as large", ratio(0.99));
}

#[test]
fn every_scenario_has_a_story() {
    for Scenario { name, story, .. } in SCENARIOS {
        let sentences = story.split_inclusive(". ").count();
        assert!((2..=4).contains(&sentences) && story.ends_with('.'), "{name}: {sentences} sentences");
    }
}

/// Labels found by the shipped pipeline, and anomalies outside of them; without the last minute, which
/// the end of the world cuts.
fn found_and_false(world: World) -> (usize, usize) {
    let (spec, labels) = (world.spec().clone(), world.labels().to_vec());
    let (pipeline, changes) = run(&spec, &whole(world));
    let mut found = vec![false; labels.len()];
    let mut wrong = 0;
    for change in changes.iter().flat_map(Changes::iter) {
        let Change::Score(score) = change else { continue };
        if !score.anomaly || score.time + 60_000 > pipeline.newest_time() {
            continue;
        }
        let key = pipeline.key_names(0, score.key).next().unwrap();
        let of_label = labels.iter().position(|label| {
            label.is_of("event_type", key) && (label.start..label.end).contains(&score.time)
        });
        match of_label {
            Some(label) => found[label] = true,
            None => wrong += 1,
        }
    }
    (found.into_iter().filter(|found| *found).count(), wrong)
}

#[test]
fn the_shipped_pipelines_find_the_labels() {
    for seed in 1..=3 {
        let (found, wrong) = found_and_false(open("website", seed, None).unwrap());
        assert!(found >= 7 && wrong <= 3, "website, seed {seed}: {found} of 8 found, {wrong} false");
        let (found, wrong) = found_and_false(website_without_incidents(seed, 1_000_000));
        assert!(found == 0 && wrong <= 3, "website without incidents, seed {seed}: {wrong} false");

        let (found, wrong) = found_and_false(open("tutorial", seed, None).unwrap());
        assert!(found == 1 && wrong <= 6, "tutorial, seed {seed}: {found} of 1 found, {wrong} false");
        let (found, wrong) = found_and_false(tutorial_without_spikes(seed, 72_000));
        assert!(found == 0 && wrong <= 6, "tutorial without spikes, seed {seed}: {wrong} false");
    }
}

#[test]
fn a_world_goes_on_for_as_long_as_asked() {
    for (name, labels) in [("tutorial", 14), ("website", 15)] {
        let events = if name == "tutorial" { 1_000_000 } else { 2_000_000 };
        let mut world = open(name, 9, Some(events)).unwrap();
        let mut log = Log::new(&world.spec().schema);
        let mut newest = i64::MIN;
        while world.fill(&mut log, 100_000) > 0 {
            newest = newest.max(*log.read(log.start(), usize::MAX).time().iter().max().unwrap());
            log.forget(log.end());
        }
        assert_eq!(log.end(), events);
        assert_eq!(world.labels().len(), labels, "{name}");
        assert!(world.labels().last().unwrap().start <= newest);
        assert!(world.labels().windows(2).all(|pair| pair[0].end < pair[1].start));
    }
}

#[test]
fn an_empty_world_is_empty() {
    for scenario in SCENARIOS {
        let mut world = open(scenario.name, 1, Some(0)).unwrap();
        let mut log = Log::new(&world.spec().schema);
        assert_eq!((world.fill(&mut log, 10), world.labels().len()), (0, 0));
    }
}

#[test]
fn opening_an_endless_world_takes_a_moment_only() {
    for scenario in SCENARIOS {
        let world = open(scenario.name, 1, Some(u64::MAX)).unwrap();
        assert_eq!(world.total(), u64::MAX);
        assert!(world.labels().len() >= 1_000);
    }
}

#[test]
fn an_unknown_scenario_is_refused_by_name() {
    let error = open("web site", 1, None).unwrap_err();
    expect!["no scenario `web site`; there are `tutorial`, `website`, `login_brute_force`, `exfiltration`, `account_takeover`, `card_testing`, `order_tracking`, `service_latency`, `sensor`"].assert_eq(&error.to_string());
}

#[test]
fn rounding() {
    for (value, steps, expected) in
        [(12.345_678, 100.0, 12.35), (-0.004, 100.0, 0.0), (-0.006, 100.0, -0.01), (179.96, 10.0, 180.0)]
    {
        assert_eq!(round_to(value, steps).to_bits(), f64::to_bits(expected), "{value} in steps of 1/{steps}");
    }
}
