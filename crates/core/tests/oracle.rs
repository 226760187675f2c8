//! The engine against a naive oracle that follows the definition, event by event, over generated
//! streams: disorder, duplicates, silent partitions, negative times, late events, any cut into blocks.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use kappascope_core::{
    Change, Changes, DropReason, Limits, Log, Millis, Pipeline, Spec, Timing, Value, spec::WindowSpec,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Event {
    time: i64,
    arrival: i64,
    partition: u32,
    key: u32,
    value: f64,
}

/// What both sides must give: window results and drops, in order, to the bit.
#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Window { query: u32, key: String, start: i64, end: i64, revision: u32, timing: Timing, values: Vec<u64> },
    Drop { query: u32, partition: u32, offset: u64, time: i64, watermark: i64, reason: DropReason },
}

fn spec(sizes: [i64; 2], offset: i64, lateness: i64, bound: i64, idle: Option<i64>, partitions: u32) -> Spec {
    let mut spec = Spec::from_toml(
        "name = 'oracle'\nversion = 1\n\
         schema = { time = 't', partition = 'p', keys = ['k', 'unused'], measures = ['v'] }\n\
         [[query]]\nname = 'a'\nby = ['k']\nwindow = { tumbling = '1s' }\n\
         aggregates = ['count()', 'sum(v)', 'min(v)', 'max(v)', 'avg(v)']\n\
         [[query]]\nname = 'b'\nwindow = { tumbling = '1s' }\naggregates = ['sum(v)', 'count()']\n\
         [[detector]]\nname = 'd'\non = 'a.avg(v)'\nkind = 'zscore'\nwindow = 5\nmin_points = 3\nthreshold = 2.0\n\
         [[alert]]\nname = 'r'\nwhen = 'd'\nfor = '2s'\n",
    )
    .unwrap();
    spec.schema.partitions = partitions;
    spec.watermark.bound = Millis(bound);
    spec.watermark.idle = idle.map(Millis);
    for (query, size) in spec.query.iter_mut().zip(sizes) {
        query.window = WindowSpec::Tumbling { size: Millis(size), offset: Millis(offset % size) };
        query.lateness = Millis(lateness);
    }
    spec
}

fn size_of(spec: &Spec, q: usize) -> i64 {
    let WindowSpec::Tumbling { size, .. } = spec.query[q].window else { unreachable!() };
    size.0
}

fn log_of(spec: &Spec, events: &[Event]) -> Log {
    let mut log = Log::new(&spec.schema);
    for event in events {
        let keys = [log.intern(0, &format!("k{}", event.key)), log.intern(1, "x")];
        log.append(event.time, event.arrival, event.partition, &keys, &[event.value]);
    }
    log
}

fn facts_of(pipeline_changes: &Changes, name: impl Fn(u32, u32) -> String, facts: &mut Vec<Fact>) {
    for change in pipeline_changes.iter() {
        match change {
            Change::Window(w) => facts.push(Fact::Window {
                query: w.query,
                key: name(w.query, w.key),
                start: w.start,
                end: w.end,
                revision: w.revision,
                timing: w.timing,
                values: pipeline_changes.values_of(w).map(bits).collect(),
            }),
            Change::Drop(d) => facts.push(Fact::Drop {
                query: d.query,
                partition: d.partition,
                offset: d.offset,
                time: d.time,
                watermark: d.watermark,
                reason: d.reason,
            }),
            Change::Score(_) | Change::Alert(_) => {}
        }
    }
}

fn bits(value: Value<'_>) -> u64 {
    match value {
        Value::Count(n) => n,
        Value::Real(x) => x.to_bits(),
        Value::Top(_) => unreachable!(),
    }
}

/// Runs the engine over the log in blocks of the given sizes, the last one repeated.
fn run(spec: &Spec, log: &Log, blocks: &[usize], limits: Limits) -> (Vec<Fact>, u64, String) {
    let mut pipeline = Pipeline::with_limits(spec, limits).unwrap();
    let (mut facts, mut row, mut i) = (Vec::new(), 0, 0);
    let mut scores = String::new();
    while row < log.end() {
        let block = log.read(row, blocks[i.min(blocks.len() - 1)]);
        row += block.len() as u64;
        i += 1;
        pipeline.push(block);
        let changes = pipeline.changes();
        facts_of(changes, |q, k| pipeline.key_names(q, k).collect::<Vec<_>>().join("/"), &mut facts);
        scores.push_str(&scores_of(changes));
    }
    pipeline.finish();
    let changes = pipeline.changes();
    facts_of(changes, |q, k| pipeline.key_names(q, k).collect::<Vec<_>>().join("/"), &mut facts);
    scores.push_str(&scores_of(changes));
    (facts, pipeline.digest(), scores)
}

fn scores_of(changes: &Changes) -> String {
    let told = changes.iter().filter(|change| matches!(change, Change::Score(_) | Change::Alert(_)));
    told.map(|change| format!("{change:?}\n")).collect()
}

/// The definition, event by event, with nothing kept that could be computed again.
fn oracle(spec: &Spec, events: &[Event], limits: Limits) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut states: Vec<OracleQuery> = spec.query.iter().map(|_| OracleQuery::default()).collect();
    let mut watermark = i64::MIN;
    for (i, event) in events.iter().enumerate() {
        for (q, state) in states.iter_mut().enumerate() {
            state.take(spec, q, &events[..i], event, watermark, limits, &mut facts);
        }
        watermark = watermark.max(watermark_after(spec, &events[..=i]));
        fire(spec, &mut states, watermark, &mut facts);
    }
    fire(spec, &mut states, i64::MAX, &mut facts);
    facts
}

/// The combined watermark at the last of these events, were it not monotone.
fn watermark_after(spec: &Spec, events: &[Event]) -> i64 {
    let now = events.iter().map(|event| event.arrival).max().unwrap();
    let active = (0..spec.schema.partitions).filter_map(|p| {
        let of_partition = || events.iter().filter(move |event| event.partition == p);
        let last = of_partition().map(|event| event.arrival).max().unwrap_or(i64::MIN).max(events[0].arrival);
        let idle = spec.schema.partitions > 1 && spec.watermark.idle.is_some_and(|idle| now - last >= idle.0);
        (!idle).then(|| of_partition().map(|event| event.time).max())
    });
    match active.min() {
        Some(Some(time)) => time - spec.watermark.bound.0 - 1,
        _ => i64::MIN,
    }
}

type Cell = (Vec<f64>, u32);

#[derive(Default)]
struct OracleQuery {
    keys: Vec<String>,
    windows: BTreeMap<i64, BTreeMap<usize, Cell>>,
    fired: Vec<i64>,
}

impl OracleQuery {
    #[expect(clippy::too_many_arguments, reason = "the whole definition at once")]
    fn take(
        &mut self,
        spec: &Spec,
        q: usize,
        before: &[Event],
        event: &Event,
        watermark: i64,
        limits: Limits,
        facts: &mut Vec<Fact>,
    ) {
        let query = &spec.query[q];
        let WindowSpec::Tumbling { size: Millis(size), offset: Millis(offset) } = query.window else {
            unreachable!()
        };
        let start = (event.time - offset).div_euclid(size) * size + offset;
        let last_ms = start + size - 1;
        let name = if query.by.is_empty() { String::new() } else { format!("k{}", event.key) };
        let unknown = !self.keys.contains(&name);
        let reason = if unknown && self.keys.len() >= limits.keys as usize {
            Some(DropReason::TooManyKeys)
        } else {
            if unknown {
                self.keys.push(name.clone());
            }
            let no_room = !self.windows.contains_key(&start) && self.windows.len() >= limits.open_windows;
            let late = watermark >= last_ms.saturating_add(query.lateness.0);
            late.then_some(DropReason::Late).or(no_room.then_some(DropReason::TooManyWindows))
        };
        if let Some(reason) = reason {
            facts.push(Fact::Drop {
                query: q as u32,
                partition: event.partition,
                offset: before.iter().filter(|other| other.partition == event.partition).count() as u64,
                time: event.time,
                watermark,
                reason,
            });
            return;
        }
        let key = self.keys.iter().position(|known| *known == name).unwrap();
        let cell = self.windows.entry(start).or_default().entry(key).or_default();
        cell.0.push(event.value);
        if watermark >= last_ms {
            if !self.fired.contains(&start) {
                self.fired.push(start);
            }
            self.emit(spec, q, start, key, Timing::Late, facts);
        }
    }

    fn emit(&mut self, spec: &Spec, q: usize, start: i64, key: usize, timing: Timing, facts: &mut Vec<Fact>) {
        let cell = self.windows.get_mut(&start).unwrap().get_mut(&key).unwrap();
        let sum = cell.0.iter().fold(0.0, |sum, x| sum + x);
        let n = cell.0.len() as u64;
        let min = cell.0.iter().copied().fold(f64::INFINITY, |a, b| if b < a { b } else { a });
        let max = cell.0.iter().copied().fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a });
        let values = match q {
            0 => vec![n, sum.to_bits(), min.to_bits(), max.to_bits(), (sum / n as f64).to_bits()],
            _ => vec![sum.to_bits(), n],
        };
        let end = start + size_of(spec, q);
        facts.push(Fact::Window {
            query: q as u32,
            key: self.keys[key].clone(),
            start,
            end,
            revision: cell.1,
            timing,
            values,
        });
        cell.1 += 1;
    }
}

fn fire(spec: &Spec, states: &mut [OracleQuery], watermark: i64, facts: &mut Vec<Fact>) {
    let mut due: Vec<(i64, usize, i64)> = Vec::new();
    for (q, state) in states.iter().enumerate() {
        let size = size_of(spec, q);
        let open = state.windows.keys().filter(|start| !state.fired.contains(start));
        due.extend(
            open.filter(|start| *start + size - 1 <= watermark).map(|start| (start + size, q, *start)),
        );
    }
    due.sort_unstable();
    for (_, q, start) in due {
        let keys: Vec<usize> = states[q].windows[&start].keys().copied().collect();
        for key in keys {
            states[q].emit(spec, q, start, key, Timing::OnTime, facts);
        }
        states[q].fired.push(start);
    }
    for (q, state) in states.iter_mut().enumerate() {
        let (size, lateness) = (size_of(spec, q), spec.query[q].lateness.0);
        state.windows.retain(|start, _| watermark < start + size - 1 + lateness);
    }
}

/// Steps forward mostly, back sometimes, far rarely; arrivals never step back.
fn events(partitions: u32) -> impl Strategy<Value = Vec<Event>> {
    let step = prop_oneof![8 => 0_i64..400, 4 => -900_i64..0, 1 => -9_000_i64..9_000];
    let event = (
        step,
        0_i64..700,
        0..partitions,
        0_u32..4,
        prop_oneof![4 => -50.0..50.0_f64, 1 => Just(0.0), 1 => Just(-0.0)],
    );
    (-20_000_i64..20_000, prop::collection::vec(event, 1..160)).prop_map(|(origin, steps)| {
        let (mut time, mut arrival) = (origin, origin);
        let step = |(step, wait, partition, key, value)| {
            time += step;
            arrival += wait;
            Event { time, arrival, partition, key, value }
        };
        steps.into_iter().map(step).collect()
    })
}

fn pipelines(partitions: u32) -> impl Strategy<Value = Spec> {
    let lateness = prop_oneof![Just(0_i64), 1_i64..4_000];
    let idle = prop_oneof![Just(None), (1_i64..3_000).prop_map(Some)];
    (1_i64..3_000, 1_i64..5_000, 0_i64..3_000, lateness, 0_i64..2_000, idle).prop_map(
        move |(a, b, offset, lateness, bound, idle)| spec([a, b], offset, lateness, bound, idle, partitions),
    )
}

fn cases() -> impl Strategy<Value = (Spec, Vec<Event>, Vec<usize>)> {
    (1_u32..4).prop_flat_map(|partitions| {
        (pipelines(partitions), events(partitions), prop::collection::vec(1_usize..40, 1..20))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn engine_agrees_with_the_oracle_however_the_log_is_cut((spec, events, blocks) in cases()) {
        let log = log_of(&spec, &events);
        let expected = oracle(&spec, &events, Limits::default());
        let (whole, digest, scores) = run(&spec, &log, &[usize::MAX], Limits::default());
        prop_assert_eq!(&whole, &expected);
        for blocks in [&blocks[..], &[1]] {
            let (cut, cut_digest, cut_scores) = run(&spec, &log, blocks, Limits::default());
            prop_assert_eq!(&cut, &expected);
            prop_assert_eq!(cut_digest, digest);
            prop_assert_eq!(&cut_scores, &scores);
        }
    }

    #[test]
    fn engine_agrees_with_the_oracle_at_its_limits((spec, events, blocks) in cases(), keys in 1_u32..4, open_windows in 1_usize..5) {
        let limits = Limits { keys, open_windows, ..Limits::default() };
        let log = log_of(&spec, &events);
        let expected = oracle(&spec, &events, limits);
        let (whole, digest, _) = run(&spec, &log, &[usize::MAX], limits);
        prop_assert_eq!(&whole, &expected);
        let (cut, cut_digest, _) = run(&spec, &log, &blocks, limits);
        prop_assert_eq!(&cut, &expected);
        prop_assert_eq!(cut_digest, digest);
    }

    /// The negative control of the digest: one bit of one value, and it is another.
    #[test]
    fn digest_sees_one_bit((spec, mut events, _) in cases(), at in any::<prop::sample::Index>()) {
        let before = run(&spec, &log_of(&spec, &events), &[usize::MAX], Limits::default());
        let event = at.get_mut(&mut events);
        event.value = f64::from_bits(event.value.to_bits() ^ 1);
        let after = run(&spec, &log_of(&spec, &events), &[usize::MAX], Limits::default());
        prop_assert_eq!(before.0 == after.0, before.1 == after.1);
    }
}
