//! How fast raw rows go into a table: printed, not judged.
//!
//! `cargo test --release -p kappascope-clickhouse --test speed -- --ignored --nocapture`, with what
//! `cargo xtask infra env` prints.

use anyhow::{Context, Result};
use kappascope_clickhouse::{Address, Tables};
use kappascope_core::Spec;
use kappascope_delivery::{
    Action, Cycle, Decode, Effects, Event, Identity, Record, Rejection, Row, Settings, Table, Work,
};
use kappascope_infra::{Engine, Server};
use std::sync::Arc;
use std::time::Instant;

const PIPELINE: &str = r#"
name = "website"
version = 1
[schema]
time = "event_time"
keys = ["event_type", "user_id"]
measures = ["value"]
[[query]]
name = "per_minute"
window = { tumbling = "1m" }
aggregates = ["count()"]
"#;
const ROUNDS: u64 = 8;

/// Two keys, one of ten and one of a hundred thousand values, and a measure, made of the offset.
struct Made;

impl Decode for Made {
    fn decode(&mut self, record: Record<'_>, row: &mut Row) -> Result<(), Rejection> {
        let offset = record.offset;
        row.time = 1_767_225_600_000 + offset as i64;
        row.arrival = None;
        row.keys = vec![format!("event_{}", offset % 10), format!("user_{}", offset * 7_919 % 100_000)];
        row.measures = vec![offset as f64 * 0.37];
        Ok(())
    }
}

fn effects(spec: &Spec, rows: usize) -> Result<Arc<Effects>> {
    let of = Identity { topic: "visits".to_owned(), partition: 0, epoch: 1, writer: 1 };
    let settings = Settings {
        batch_rows: rows,
        insert_rows: rows,
        batch_bytes: usize::MAX,
        waiting_bytes: usize::MAX,
        writes_alerts: false,
        ..Settings::default()
    };
    let (mut cycle, _) = Cycle::start(spec, of, settings, Made)?;
    let records = (0..rows as u64).map(|offset| Record { offset, timestamp: 0, payload: &[] }).collect();
    let mut events = vec![Event::Fetched(records), Event::StateEnd { start: 0, alerts_end: 0 }];
    while let Some(event) = events.pop() {
        for action in cycle.handle(event)? {
            match action {
                Action::Stored(effects) => return Ok(effects),
                Action::Do { work: Work::WriteState(records), .. } => {
                    events.extend(records.iter().rev().cloned().map(Event::StateRead));
                }
                Action::Do { id, work: Work::Count { .. }, .. } => events.push(Event::Counted(id, 0)),
                Action::Do { id, .. } => events.push(Event::Done(id)),
                _ => {}
            }
        }
    }
    anyhow::bail!("no batch was closed")
}

/// Seconds of the processor that this process has taken.
fn processor_s() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, rest) = stat.rsplit_once(')').context("no name in the process's state")?;
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / 100.0)
}

#[test]
#[ignore = "a measurement: it says nothing in a build for tests"]
#[expect(clippy::disallowed_methods, reason = "it is a measurement")]
fn speed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let engine = Server::start(Engine::find()?, folder.path())?;
    let spec = Spec::from_toml(PIPELINE)?;
    let address: Address = format!("clickhouse://{}/speed", engine.address()).parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for (epoch, rows) in [(1, 100_000), (2, 250_000), (3, 1_000_000)] {
        let effects = effects(&spec, rows)?;
        let tables = Tables::new(&address, &spec, "visits", epoch)?;
        runtime.block_on(tables.create())?;
        let mut fastest = f64::INFINITY;
        let (begun, used) = (Instant::now(), processor_s()?);
        for round in 0..ROUNDS {
            let one = Instant::now();
            runtime.block_on(tables.insert(Table::Raw, &format!("t{round}"), 0, &effects, 0..rows))?;
            fastest = fastest.min(one.elapsed().as_secs_f64());
        }
        let (all, used) = (ROUNDS as f64 * rows as f64, processor_s()? - used);
        println!(
            "{rows:>9} rows an insert: {:>9.0} rows/s, the fastest {:>9.0}; of this process alone {:>9.0} rows a second of \
             the processor",
            all / begun.elapsed().as_secs_f64(),
            rows as f64 / fastest,
            all / used
        );
    }
    Ok(())
}
