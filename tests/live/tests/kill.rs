//! The binary, the engine and the broker are killed again and again while records come; in the end every row is there,
//! once, and the same as in a pass that nothing disturbed. With something broken the same finds rows twice.
//!
//! `KAPPASCOPE_KILLS=500` for more of them; `KAPPASCOPE_SEED` for other moments.

use anyhow::{Context, Result, ensure};
use kappascope_live::{Place, Running, Writer, binary};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const KILLS: u32 = 50;
const PARTITIONS: i32 = 2;
/// Records written to each partition at a time, every [`PAUSE`].
const PORTION: u64 = 400;
const PAUSE: Duration = Duration::from_millis(100);

const PIPELINE: &str = r#"
name = "kills"
version = 1
[schema]
time = "at"
keys = ["user"]
measures = ["ms"]
[watermark]
bound = "2s"
[[query]]
name = "per_second"
by = ["user"]
window = { tumbling = "1s" }
lateness = "2s"
aggregates = ["count()", "sum(ms)", "p99(ms)"]
[[query]]
name = "visits"
by = ["user"]
window = { session = "3s" }
lateness = "2s"
accumulation = "retracting"
aggregates = ["count()", "top2(user)"]
[[alert]]
name = "busy"
when = "per_second: sum(ms) > 900"
"#;

/// A record of a partition: in order but for some that are late, and some that are none.
fn record(rng: &mut ChaCha8Rng, number: u64) -> String {
    let late = if rng.random_bool(0.05) { rng.random_range(0..8_000) } else { 0 };
    let (at, user, ms) =
        (1_767_225_600_000 + number * 10 - late, rng.random_range(0..5), rng.random_range(0..100));
    match rng.random_range(0..200) {
        0 => "no record".to_owned(),
        _ => format!(r#"{{"at":{at},"user":"u{user}","ms":{ms}}}"#),
    }
}

fn seed() -> u64 {
    std::env::var("KAPPASCOPE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn kills() -> u32 {
    std::env::var("KAPPASCOPE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

/// Records that come while others are killed; a broker that is away is waited for.
struct Stream {
    written: AtomicU64,
    is_over: AtomicBool,
}

impl Stream {
    fn write(&self, writer: &Writer) -> Result<()> {
        let mut rngs: Vec<ChaCha8Rng> = (0..PARTITIONS as u64).map(ChaCha8Rng::seed_from_u64).collect();
        while !self.is_over.load(Ordering::Relaxed) {
            let written = self.written.load(Ordering::Relaxed);
            for (partition, rng) in (0..).zip(&mut rngs) {
                let records: Vec<String> =
                    (written..written + PORTION).map(|number| record(rng, number)).collect();
                writer.write("visits", partition, &records)?;
            }
            self.written.fetch_add(PORTION, Ordering::Relaxed);
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

/// How it is with a table after all: rows, and how many of them there are once.
fn rows(place: &Place, table: &str, id: &str) -> Result<(u64, u64)> {
    let all = place.number(&format!("SELECT count() FROM live.`{table}`"))?;
    Ok((all, place.number(&format!("SELECT uniqExact({id}) FROM live.`{table}`"))?))
}

const TABLES: [(&str, &str); 6] = [
    ("kills_raw", "_partition, _offset"),
    ("kills_per_second", "_partition, _number"),
    ("kills_visits", "_partition, _number"),
    ("kills_late", "_partition, _offset, query"),
    ("kills_alerts", "id"),
    ("kills_rejected", "_partition, _offset"),
];

/// A place with the topic.
fn place() -> Result<Place> {
    // Not even within an insert is a result dropped that another replaces.
    let place = Place::with_profile(PIPELINE, &[("optimize_on_insert", "0")])?;
    place.make_topic("visits", PARTITIONS as u32)?;
    Ok(place)
}

/// Makes the tables of an epoch, and lets them keep every row: merges would drop results that others replace, and
/// rows that came twice.
fn make_tables(place: &Place, epoch: u32) -> Result<()> {
    place.make_tables(PIPELINE, epoch)?;
    for (table, _) in TABLES {
        place.execute(&format!(
            "ALTER TABLE live.`{table}_e{epoch}` MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, \
             max_bytes_to_merge_at_min_space_in_pool = 1"
        ))?;
    }
    Ok(())
}

/// Starts what follows the topic.
fn follow(place: &Place, program: &(PathBuf, Vec<String>)) -> Result<Running> {
    place.start(&program.0, &program.1)
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_when_anything_is_killed() -> Result<()> {
    let mut place = place()?;
    let words = |place: &Place, more: &str| {
        // A member that comes back under the name of the one that was killed has its partitions at once.
        let mut words = place.run(&format!("?group.instance.id=one{more}"));
        words.extend(["--to".to_owned(), place.topic("alerts"), "--create".to_owned()]);
        words
    };
    let program = (binary()?, words(&place, ""));
    let total = killed(&mut place, &program, kills(), &["binary", "engine", "binary", "sleeper", "broker"])?;
    // The same again by one that nothing disturbs.
    make_tables(&place, 2)?;
    let again = (binary()?, words(&place, "&epoch=2"));
    let undisturbed = follow(&place, &again)?;
    wait_for_all(&place, 2, total)?;
    // What caught up is shown.
    let shown =
        "SELECT countIf(comment != '2') FROM system.tables WHERE engine = 'View' AND database = 'live'";
    place.wait_for(shown, 0)?;
    undisturbed.stop()?;
    for epoch in [1, 2] {
        let all = format!(
            "(SELECT _partition, _number FROM live.kills_per_second_e{epoch} \
             UNION ALL SELECT _partition, _number FROM live.kills_visits_e{epoch})"
        );
        let given = place.number(&format!("SELECT count() FROM {all}"))?;
        let last = format!("SELECT max(_number) + 1 AS given FROM {all} GROUP BY _partition");
        let numbered = place.number(&format!("SELECT sum(given) FROM ({last})"))?;
        ensure!(given == numbered, "epoch {epoch}: {given} of {numbered} results are there");
    }
    for (table, id) in TABLES {
        let [first, second] = [1, 2].map(|epoch| format!("{table}_e{epoch}"));
        let (all, once) = rows(&place, &first, id)?;
        ensure!(all > 0 && all == once, "{first}: {all} rows, {once} of them once");
        let columns = "* EXCEPT (_topic)";
        let difference = |one: &str, other: &str| {
            place.number(&format!(
                "SELECT count() FROM (SELECT {columns} FROM live.`{one}` EXCEPT SELECT {columns} FROM live.`{other}`)"
            ))
        };
        let (more, less) = (difference(&first, &second)?, difference(&second, &first)?);
        ensure!((more, less) == (0, 0), "{table}: {more} rows more and {less} less than undisturbed");
    }
    let [first, second] = ["alerts", "alerts-e2"].map(|topic| place.read(topic, PARTITIONS));
    let (first, second) = (first?, second?);
    ensure!(first == second, "the alerts topics differ");
    let ids: BTreeSet<&String> = first.iter().flatten().collect();
    ensure!(!ids.is_empty() && ids.len() == first.iter().map(Vec::len).sum::<usize>(), "alerts come twice");
    println!("{} kills, {total} records, {} alerts", kills(), ids.len());
    Ok(())
}

/// Kills one after the other while records come, and waits until all are stored; gives how many records there are.
fn killed(place: &mut Place, program: &(PathBuf, Vec<String>), kills: u32, whom: &[&str]) -> Result<u64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let stream = Stream { written: AtomicU64::new(0), is_over: AtomicBool::new(false) };
    make_tables(place, 1)?;
    let writer = place.writer()?;
    let mut running = follow(place, program)?;
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| stream.write(&writer));
        let mut kill_all = || -> Result<()> {
            for number in 0..kills {
                std::thread::sleep(Duration::from_millis(rng.random_range(200..2_000)));
                match whom[number as usize % whom.len()] {
                    "engine" => {
                        place.engine.kill()?;
                        std::thread::sleep(Duration::from_millis(rng.random_range(0..500)));
                        place.engine.restart()?;
                    }
                    "broker" => {
                        place.kafka.kill()?;
                        place.kafka.restart()?;
                    }
                    // It sleeps while another takes its place, and writes on when it wakes.
                    "sleeper" => {
                        running.signal("STOP")?;
                        let sleeper = std::mem::replace(&mut running, follow(place, program)?);
                        std::thread::sleep(Duration::from_millis(rng.random_range(0..2_000)));
                        sleeper.signal("CONT")?;
                        std::thread::sleep(Duration::from_millis(rng.random_range(0..1_000)));
                        // It may have ended by itself: another member has its name.
                        drop(sleeper);
                    }
                    _ => {
                        running.kill()?;
                        running = follow(place, program)?;
                    }
                }
            }
            Ok(())
        };
        let ended = kill_all();
        stream.is_over.store(true, Ordering::Relaxed);
        let written = writing.join().map_err(|_| anyhow::anyhow!("the stream broke down"))?;
        ended.and(written)
    })?;
    let total = stream.written.load(Ordering::Relaxed) * PARTITIONS as u64;
    wait_for_all(place, 1, total)?;
    // An effect that came twice would come now.
    std::thread::sleep(Duration::from_secs(2));
    drop(running);
    Ok(total)
}

fn wait_for_all(place: &Place, epoch: u32, total: u64) -> Result<()> {
    let stored =
        |table: &str| format!("(SELECT uniqExact(_partition, _offset) FROM live.kills_{table}_e{epoch})");
    let all = format!("SELECT assumeNotNull({} + {})", stored("raw"), stored("rejected"));
    place.wait_for(&all, total)
}

/// With something broken the same kills bring rows in twice, and the same look at the tables finds them.
fn harm(flaw: &str) -> Result<u64> {
    let mut place = place()?;
    let from = format!("{}?group.instance.id=one", place.topic("visits"));
    let words = ["pipeline.toml".to_owned(), from, place.tables(), flaw.to_owned()];
    let program = (PathBuf::from(env!("CARGO_BIN_EXE_flawed")), words.to_vec());
    killed(&mut place, &program, 15, &["binary", "binary", "binary", "engine"])?;
    let mut twice = 0;
    for (table, id) in TABLES {
        let (all, once) = rows(&place, &format!("{table}_e1"), id).context("the control")?;
        twice += all - once;
    }
    Ok(twice)
}

#[test]
fn without_the_intent_rows_come_twice() -> Result<()> {
    ensure!(harm("intent")? > 0, "nothing came twice");
    Ok(())
}

#[test]
fn without_tokens_rows_come_twice() -> Result<()> {
    ensure!(harm("tokens")? > 0, "nothing came twice");
    Ok(())
}
