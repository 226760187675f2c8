//! Against a real engine: what a cycle gives is in the tables, value for value, and once.

use anyhow::{Context, Result, ensure};
use clickhouse::Client;
use kappascope_clickhouse::{Address, Error, Tables};
use kappascope_core::time::TIME_RANGE;
use kappascope_core::{Spec, Timing, TopEntry};
use kappascope_delivery::{
    Action, Cycle, Decode, Effects, Event, Figure, Identity, Record, Records, Rejection, Row, Settings,
    Table, WindowRow, Work,
};
use kappascope_infra::{Engine, Server, port};
use std::sync::Arc;
use tempfile::TempDir;

const PIPELINE: &str = r#"
name = "shop"
version = 1
[schema]
time = "at"
keys = ["user", "we`ird"]
measures = ["ms"]
[[query]]
name = "per_minute"
by = ["user"]
window = { tumbling = "1m" }
lateness = "1m"
aggregates = ["count()", "avg(ms)", "variance(ms)", "distinct(user)", "top2(we`ird)"]
[[query]]
name = "visits"
by = ["user"]
window = { session = "10s" }
lateness = "1m"
aggregates = ["count()"]
accumulation = "retracting"
[[query]]
name = "calls"
by = ["user"]
window = { rolling = "5s" }
aggregates = ["count()"]
[[query]]
name = "bursts"
by = ["user"]
window = { session = "10s" }
lateness = "1m"
aggregates = ["count()"]
[[alert]]
name = "busy"
when = "per_minute: count() >= 2"
message = "{user}: {count()}"
labels = { team = "web" }
"#;

/// `time,user,weird,ms`
struct Cells;

impl Decode for Cells {
    fn decode(&mut self, record: Record<'_>, row: &mut Row) -> Result<(), Rejection> {
        let text = String::from_utf8_lossy(record.payload);
        let cells: Vec<&str> = text.split(',').collect();
        let refuse = || Rejection { column: Some("at".to_owned()), reason: "not four cells".to_owned() };
        let [at, user, weird, ms] = cells[..] else { return Err(refuse()) };
        row.time = at.parse().map_err(|_| refuse())?;
        row.arrival = None;
        row.keys = vec![user.to_owned(), weird.to_owned()];
        row.measures = vec![ms.parse().map_err(|_| refuse())?];
        Ok(())
    }
}

const RECORDS: &[&str] = &[
    "1000,ann,a,1.5",
    "2000,ann,,2.5",
    "3000,Зоя 🦊,\u{0}'\\,-0",
    "no record",
    "5000,ann,a,1e300",
    // Two results of one span.
    "5000,ann,b,1",
    // The session of ann goes on to here, which takes its first result back.
    "40000,bob,b,1",
    "12000,ann,a,4",
    "70000,ann,a,1",
    "190000,bob,b,7",
    "200000,bob,b,7",
    // Too late for all windows.
    "100,ann,a,1",
];

fn spec() -> Result<Spec> {
    Ok(Spec::from_toml(PIPELINE)?)
}

/// What a cycle gives for records from offset 100 on.
fn effects(spec: &Spec) -> Result<Arc<Effects>> {
    let of = Identity { topic: "visits".to_owned(), partition: 3, epoch: 1, writer: 1 };
    let settings = Settings { batch_rows: RECORDS.len(), writes_alerts: false, ..Settings::default() };
    let (mut cycle, _) = Cycle::start(spec, of, settings, Cells)?;
    let mut records = Records::default();
    for (offset, text) in (100..).zip(RECORDS) {
        records.push(Record { offset, timestamp: 7, payload: text.as_bytes() });
    }
    let mut events = vec![Event::Fetched(records), Event::StateEnd { start: 100, alerts_end: 0 }];
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

struct Place {
    engine: Server<Engine>,
    _folder: TempDir,
}

impl Place {
    fn new() -> Result<Self> {
        Self::with_profile(&[])
    }

    /// With settings of the user's.
    fn with_profile(settings: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let engine = Engine::find()?.with_profile(settings);
        Ok(Self { engine: Server::start(engine, folder.path())?, _folder: folder })
    }

    fn tables(&self, spec: &Spec, epoch: u32) -> Result<Tables> {
        let address: Address = format!("clickhouse://{}/metrics", self.engine.address()).parse()?;
        Ok(Tables::new(&address, spec, "visits", epoch)?)
    }

    /// Rows as lines of tab-separated text.
    async fn select(&self, sql: &str) -> Result<Vec<String>> {
        let client = Client::default().with_url(format!("http://{}", self.engine.address()));
        let sql = format!("SELECT arrayStringConcat(arrayMap(x -> toString(x), [{sql}");
        let sql = sql.replacen(" FROM ", "]), ' | ') FROM ", 1);
        client.query_raw(&sql).fetch_all().await.with_context(|| sql.clone())
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let client = Client::default().with_url(format!("http://{}", self.engine.address()));
        client.query_raw(sql).execute().await.with_context(|| sql.to_owned())
    }
}

impl Place {
    /// Parts and rows after twelve rows came twice under one token, by a client that says nothing else.
    async fn plain(&self) -> Result<String> {
        self.execute(
            "CREATE TABLE metrics.plain (n UInt64) ENGINE = MergeTree ORDER BY n \
             SETTINGS non_replicated_deduplication_window = 9",
        )
        .await?;
        let client = Client::default().with_url(format!("http://{}", self.engine.address()));
        let rows: Vec<u8> = (0..12_u64).flat_map(u64::to_le_bytes).collect();
        for _ in 0..2 {
            let insert = client.insert_formatted_with("INSERT INTO metrics.plain FORMAT RowBinary");
            let mut insert = insert.with_setting("insert_deduplication_token", "t");
            insert.send(rows.clone().into()).await?;
            insert.end().await?;
        }
        let parts =
            "toString(count()), toString(sum(rows)) FROM system.parts WHERE level = 0 AND table = 'plain'";
        Ok(self.select(parts).await?.concat())
    }
}

fn run<F: Future<Output = Result<()>>>(test: F) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test)
}

async fn insert(tables: &Tables, spec: &Spec, effects: &Effects, token: &str) -> Result<()> {
    for table in Table::of(spec) {
        let rows = effects.rows(table);
        ensure!(rows > 0, "{} has no rows to try", table.name(spec));
        tables.insert(table, &format!("{token}|{}", table.name(spec)), 3, effects, 0..rows).await?;
    }
    Ok(())
}

#[test]
fn what_a_cycle_gives_is_in_the_tables() -> Result<()> {
    let place = Place::new()?;
    let (spec, tables) = (spec()?, place.tables(&spec()?, 1)?);
    let effects = effects(&spec)?;
    run(async {
        tables.create().await?;
        tables.create().await?;
        tables.check().await?;
        insert(&tables, &spec, &effects, "a").await?;
        let raw = "toString(_offset), toString(toUnixTimestamp64Milli(at)), user, `we``ird`, toString(ms)";
        let raw = raw.replace("`we``ird`", "replaceAll(`we\\`ird`, '\\0', '0')");
        let rows = place.select(&format!("{raw} FROM metrics.shop_raw ORDER BY _offset LIMIT 4")).await?;
        let expected = [
            "100 | 1000 | ann | a | 1.5",
            "101 | 2000 | ann |  | 2.5",
            "102 | 3000 | Зоя 🦊 | 0'\\ | -0",
            "104 | 5000 | ann | a | 1e300",
        ];
        ensure!(rows == expected, "{rows:#?}");
        let windows = "user, toString(toUnixTimestamp64Milli(window_end)), toString(_revision), toString(_timing), \
                       toString(`count()`), toString(`avg(ms)`), toString(isNull(`variance(ms)`)), \
                       toString(`distinct(user)`), toString(`top2(we\\`ird)`.value), toString(`top2(we\\`ird)`.count)";
        let rows = place
            .select(&format!(
                "{windows} FROM metrics.shop_per_minute WHERE user = 'bob' ORDER BY window_start"
            ))
            .await?;
        ensure!(rows == ["bob | 60000 | 0 | on_time | 1 | 1 | 1 | 1 | ['b'] | [1]"], "{rows:#?}");
        let late = "query, toString(_offset), toString(toUnixTimestamp64Milli(watermark)), reason, toString(windows)";
        let rows = place.select(&format!("{late} FROM metrics.shop_late ORDER BY query, _offset")).await?;
        ensure!(rows.contains(&"per_minute | 111 | 199999 | late | 1".to_owned()), "{rows:#?}");
        let alerts = "rule, severity, toString(labels), toString(key), toString(state), message";
        let rows = place.select(&format!("{alerts} FROM metrics.shop_alerts WHERE state = 'firing'")).await?;
        ensure!(rows == ["busy | warning | {'team':'web'} | {'user':'ann'} | firing | ann: 5"], "{rows:#?}");
        let rejected =
            "toString(_offset), toString(toUnixTimestamp64Milli(timestamp)), column, reason, payload";
        let rows = place.select(&format!("{rejected} FROM metrics.shop_rejected")).await?;
        ensure!(rows == ["103 | 7 | at | not four cells | no record"], "{rows:#?}");
        Ok(())
    })
}

/// Once however often they come under one token; the control: twice under two.
#[test]
fn rows_are_stored_once_for_each_token() -> Result<()> {
    let place = Place::new()?;
    let (spec, tables) = (spec()?, place.tables(&spec()?, 1)?);
    let effects = effects(&spec)?;
    run(async {
        tables.create().await?;
        for (token, times) in [("a", 1), ("a", 1), ("b", 2)] {
            insert(&tables, &spec, &effects, token).await?;
            for table in Table::of(&spec).into_iter().filter(|table| table.has_offsets()) {
                let found = tables.count(table, 3, 0, None).await?;
                ensure!(found == times * effects.rows(table) as u64, "{}: {found}", table.name(&spec));
            }
        }
        ensure!(tables.count(Table::Raw, 3, 101, Some(103)).await? == 4, "two rows, twice");
        ensure!(tables.count(Table::Raw, 4, 0, None).await? == 0, "another partition");
        Ok(())
    })
}

/// Although the table is sorted by offset.
#[test]
fn a_query_of_a_minute_does_not_read_all_rows() -> Result<()> {
    let place = Place::new()?;
    let tables = place.tables(&spec()?, 1)?;
    run(async {
        tables.create().await?;
        let columns = "_topic, _partition, _offset, at, _arrival, user, `we\\`ird`, ms";
        let times = "fromUnixTimestamp64Milli(toInt64(number * 1000), 'UTC')";
        place
            .execute(&format!(
                "INSERT INTO metrics.shop_raw_e1 ({columns}) SELECT 'visits', 0, number, {times}, {times}, '', '', 0 \
                 FROM numbers(100000)"
            ))
            .await?;
        let client = Client::default().with_url(format!("http://{}", place.engine.address()));
        let explain =
            "EXPLAIN ESTIMATE SELECT count() FROM metrics.shop_raw WHERE at < '1970-01-01 00:01:00'";
        let sql = format!("SELECT toUInt64(sum(rows)) FROM ({explain})");
        let read: u64 = client.query_raw(&sql).fetch_one().await?;
        ensure!((60..=20_000).contains(&read), "{read} rows of 100000");
        // The control.
        place.execute("ALTER TABLE metrics.shop_raw_e1 DROP INDEX event_times").await?;
        let read: u64 = client.query_raw(&sql).fetch_one().await?;
        ensure!(read == 100_000, "{read} rows without the index");
        Ok(())
    })
}

/// Beyond the years that ClickHouse shows, before 1970, and where there is no number.
#[test]
fn odd_values_are_stored_as_they_are() -> Result<()> {
    let place = Place::new()?;
    let spec = Spec::from_toml(&PIPELINE.replace("{ rolling = \"5s\" }", "\"global\""))?;
    let tables = place.tables(&spec, 1)?;
    let times = [i64::MIN, *TIME_RANGE.start(), -1, 0, 1 << 53, i64::MAX];
    let reals = [f64::NAN, -0.0, 5e-324, f64::MAX, 0.1, -1.0];
    let row = |(number, (time, real)): (u64, (i64, f64))| WindowRow {
        number,
        key: vec!["\u{0}\n".to_owned()],
        start: time,
        end: time,
        revision: number as u32,
        timing: Timing::Late,
        retraction: false,
        values: vec![
            Figure::Count(u64::MAX - number),
            Figure::Real(real),
            Figure::Real(real),
            Figure::Count(0),
            Figure::Top(vec![TopEntry { value: "é".to_owned(), count: 2, error: 1 }; number as usize]),
        ],
    };
    let rows: Vec<WindowRow> = (0..).zip(times.into_iter().zip(reals)).map(row).collect();
    let mut effects = effects(&spec)?.as_ref().clone();
    effects.windows[0] = rows;
    run(async {
        tables.create().await?;
        tables.insert(Table::Windows(0), "t", 3, &effects, 0..times.len()).await?;
        let sql = "toString(toUnixTimestamp64Milli(window_start)), toString(`count()`), ifNull(toString(`avg(ms)`), 'NULL'), \
                   toString(length(`top2(we\\`ird)`)), toString(user = '\\0\\n') FROM metrics.shop_per_minute_e1 ORDER BY _number";
        let found = place.select(sql).await?;
        let text = |real: f64| format!("{real:?}").replace("NaN", "NULL");
        let expected: Vec<String> = (0_u64..)
            .zip(times.into_iter().zip(reals))
            .map(|(n, (time, value))| {
                format!("{time} | {} | {} | {n} | 1", u64::MAX - n, text(value).trim_end_matches(".0"))
            })
            .collect();
        ensure!(found == expected, "{found:#?} and not {expected:#?}");
        Ok(())
    })
}

/// What a user's profile may say of inserts: each of these would cut one, or forget its token.
const PROFILES: &[&[(&str, &str)]] = &[
    &[MANY_BLOCKS[0], MANY_BLOCKS[1], ("max_insert_block_size", "2")],
    &[MANY_BLOCKS[0], MANY_BLOCKS[1], ("max_insert_block_size_bytes", "64")],
    &[MANY_BLOCKS[0], MANY_BLOCKS[1], ("input_format_max_block_size_bytes", "64")],
    &[("use_strict_insert_block_limits", "1"), ("max_insert_block_size", "2")],
    &[("min_insert_block_size_rows", "1"), ("min_insert_block_size_bytes", "1")],
    &[("deduplicate_insert", "disable")],
    &[("insert_deduplicate", "0"), ("deduplicate_insert", "backward_compatible_choice")],
];
const MANY_BLOCKS: [(&str, &str); 2] =
    [("min_insert_block_size_rows", "0"), ("min_insert_block_size_bytes", "0")];

#[test]
fn no_profile_cuts_an_insert_or_lets_it_in_twice() -> Result<()> {
    let spec = spec()?;
    let effects = effects(&spec)?;
    for profile in PROFILES {
        let place = Place::with_profile(profile)?;
        let tables = place.tables(&spec, 1)?;
        run(async {
            tables.create().await?;
            insert(&tables, &spec, &effects, "a").await?;
            insert(&tables, &spec, &effects, "a").await?;
            let parts = "toString(count()), toString(sum(rows)) FROM system.parts \
                         WHERE level = 0 AND table = 'shop_raw_e1'";
            let found = place.select(parts).await?;
            ensure!(found == [format!("1 | {}", effects.rows(Table::Raw))], "{profile:?}: {found:?}");
            ensure!(place.plain().await? != "1 | 12", "the control: {profile:?} harms nobody");
            Ok(())
        })?;
    }
    Ok(())
}

/// A result that was replaced or taken back is not seen, before the parts are merged and after.
#[test]
fn views_show_the_newest_results() -> Result<()> {
    let place = Place::new()?;
    let (spec, tables) = (spec()?, place.tables(&spec()?, 1)?);
    let effects = effects(&spec)?;
    ensure!(effects.windows[1].iter().any(|row| row.retraction), "{:?}", effects.windows[1]);
    run(async {
        tables.create().await?;
        insert(&tables, &spec, &effects, "a").await?;
        for merged in [false, true] {
            for (query, name, all) in
                [(0, "per_minute", false), (1, "visits", false), (2, "calls", true), (3, "bursts", false)]
            {
                if merged {
                    place.execute(&format!("OPTIMIZE TABLE metrics.shop_{name}_e1 FINAL")).await?;
                }
                let sql = format!(
                    "user, toString(toUnixTimestamp64Milli(window_start)), toString(toUnixTimestamp64Milli(window_end)), \
                     toString(`count()`) FROM metrics.shop_{name}"
                );
                let mut found = place.select(&sql).await?;
                found.sort();
                ensure!(found == newest(&effects, query, all), "{name}, merged: {merged}: {found:#?}");
            }
        }
        Ok(())
    })
}

/// What is left of a query's results: all, or of each window and key the last that was not taken back.
fn newest(effects: &Effects, query: usize, all: bool) -> Vec<String> {
    let mut rows: Vec<(i64, String, i64, String)> = Vec::new();
    for row in &effects.windows[query] {
        if !all {
            let end = |end: i64| query == 3 || end == row.end;
            rows.retain(|(start, user, at, _)| !((*start, user) == (row.start, &row.key[0]) && end(*at)));
        }
        if !row.retraction {
            let Figure::Count(count) = row.values[0] else { continue };
            rows.push((row.start, row.key[0].clone(), row.end, count.to_string()));
        }
    }
    let text =
        rows.into_iter().map(|(start, user, end, count)| format!("{user} | {start} | {end} | {count}"));
    let mut text: Vec<String> = text.collect();
    text.sort();
    text
}

#[test]
fn a_later_epoch_has_tables_of_its_own_and_the_views_are_switched() -> Result<()> {
    let place = Place::new()?;
    let spec = spec()?;
    let effects = effects(&spec)?;
    let [first, second] = [place.tables(&spec, 1)?, place.tables(&spec, 2)?];
    let rejected = "toString(count()) FROM metrics.shop_rejected";
    run(async {
        first.create().await?;
        insert(&first, &spec, &effects, "a").await?;
        second.create().await?;
        ensure!(place.select(rejected).await? == ["1"], "before the switch");
        second.switch().await?;
        ensure!(place.select(rejected).await? == ["0"], "after the switch");
        first.switch().await?;
        ensure!(place.select(rejected).await? == ["0"], "an earlier epoch does not switch back");
        Ok(())
    })
}

#[test]
fn what_does_not_fit_is_found_before_anything_is_written() -> Result<()> {
    let place = Place::new()?;
    let tables = place.tables(&spec()?, 1)?;
    let cases = [
        ("DROP TABLE metrics.shop_late_e1", "`--create` makes it"),
        ("ALTER TABLE metrics.shop_raw_e1 RENAME COLUMN ms TO milliseconds", "ms"),
        ("ALTER TABLE metrics.shop_raw_e1 MODIFY COLUMN ms String", "ms"),
        ("ALTER TABLE metrics.shop_raw_e1 ADD COLUMN more String, ADD CONSTRAINT c CHECK 1", ""),
        (
            "ALTER TABLE metrics.shop_raw_e1 MODIFY SETTING non_replicated_deduplication_window = 0",
            "after 0 others",
        ),
        (
            "ALTER TABLE metrics.shop_late_e1 MODIFY SETTING non_replicated_deduplication_window = 2",
            "after 2 others",
        ),
        ("RENAME TABLE metrics.shop_raw_e1 TO metrics.other", "`shop_raw_e1`: there is no such table"),
        (
            "CREATE OR REPLACE TABLE metrics.shop_raw_e1 (n UInt8) ENGINE = MergeTree PARTITION BY n ORDER BY n",
            "partitioned by n",
        ),
        ("ALTER TABLE metrics.shop_alerts_e1 MODIFY SETTING table_readonly = 1", "Code: 774"),
        ("CREATE OR REPLACE TABLE metrics.shop_raw_e1 (n UInt8) ENGINE = Memory", "its engine is Memory"),
    ];
    run(async {
        for (change, expected) in cases {
            place.execute("DROP DATABASE IF EXISTS metrics SYNC").await?;
            tables.create().await?;
            tables.check().await?;
            place.execute(change).await?;
            let checked = tables.check().await;
            match (&checked, expected) {
                // A column more, with a default, does no harm.
                (Ok(()), "") => {}
                (Err(error), expected) if !expected.is_empty() => {
                    ensure!(
                        error.to_string().contains(expected) && !error.is_transient(),
                        "{change}: {error}"
                    );
                }
                _ => anyhow::bail!("{change}: {checked:?}"),
            }
        }
        Ok(())
    })
}

/// Each would be the same the next time.
#[test]
fn what_will_never_pass_is_refused() -> Result<()> {
    let place = Place::with_profile(&[("readonly", "1")])?;
    run(async {
        let error = place.tables(&spec()?, 1)?.create().await.unwrap_err();
        ensure!(!error.is_transient() && error.to_string().contains("Code: 164"), "{error}");
        Ok(())
    })?;
    let place = Place::new()?;
    let long = Spec::from_toml(&PIPELINE.replace("\"shop\"", &format!("\"{}\"", "x".repeat(300))))?;
    run(async {
        let error = place.tables(&long, 1)?.create().await.unwrap_err();
        ensure!(!error.is_transient() && error.to_string().contains("Code: 69"), "{error}");
        Ok(())
    })
}

#[test]
fn a_server_that_is_away_is_no_refusal() -> Result<()> {
    let address: Address = format!("clickhouse://127.0.0.1:{}", port::free(1)?).parse()?;
    let tables = Tables::new(&address, &spec()?, "visits", 1)?;
    run(async {
        let error = tables.check().await.unwrap_err();
        ensure!(error.is_transient() && matches!(error, Error::Away { .. }), "{error:?}");
        Ok(())
    })
}

#[test]
fn names_that_would_meet_are_refused() -> Result<()> {
    let address: Address = "clickhouse://localhost".parse()?;
    for (from, to) in [("per_minute", "raw"), ("\"visits\"", "\"per_minute_e2\""), ("\"ms\"", "\"_offset\"")]
    {
        let changed = PIPELINE.replace("(ms)", "(_offset)").replace(from, to);
        let changed = if from == "\"ms\"" { changed } else { PIPELINE.replace(from, to) };
        let spec = Spec::from_toml(&changed)?;
        let error = Tables::new(&address, &spec, "visits", 1).err().map(|error| error.to_string());
        ensure!(error.as_ref().is_some_and(|error| error.contains("would fit")), "{from}: {error:?}");
    }
    Ok(())
}
