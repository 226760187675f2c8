//! What the binary does when ClickHouse has a bad day: what may pass is waited out, what will not ends it, and rows are
//! there once.

use anyhow::{Result, ensure};
use kappascope_live::days::{PIPELINE, records};
use kappascope_live::proxy::{Proxy, Trouble};
use kappascope_live::{Place, Running, binary, wait, words};
use std::path::Path;
use std::time::Duration;

const ROWS: &str = "SELECT count() FROM live.days_raw_e1";
const ONCE: &str = "SELECT uniqExact(_offset) FROM live.days_raw_e1";
const BATCH: u64 = 10;

/// A place with a proxy before its tables, and how many records there are.
struct Scene {
    place: Place,
    proxy: Proxy,
    records: u64,
}

impl Scene {
    fn new() -> Result<Self> {
        let place = Place::new(PIPELINE)?;
        place.make_topic("visits", 1)?;
        let proxy = Proxy::start(&place.engine.address())?;
        Ok(Self { place, proxy, records: 0 })
    }

    fn from(&self) -> String {
        format!("{}?session.timeout.ms=6000", self.place.topic("visits"))
    }

    fn to(&self) -> String {
        format!("clickhouse://{}/live", self.proxy.address())
    }

    fn run(&self) -> Result<Running> {
        let mut words = words("run", &self.from(), &self.to());
        words.push("--create".to_owned());
        self.place.start(&binary()?, &words)
    }

    fn write(&mut self) -> Result<()> {
        let more = self.records..self.records + BATCH;
        self.records = more.end;
        self.place.writer()?.write("visits", 0, &records(more))
    }

    /// Waits until all records are rows, each once.
    fn all_once(&self) -> Result<()> {
        self.place.wait_for(ONCE, self.records)?;
        let rows = self.place.number(ROWS)?;
        ensure!(rows == self.records, "{} records gave {rows} rows", self.records);
        Ok(())
    }
}

#[test]
fn what_may_pass_is_waited_out_and_rows_come_once() -> Result<()> {
    let mut scene = Scene::new()?;
    let running = scene.run()?;
    scene.write()?;
    scene.all_once()?;
    let troubles = [
        Trouble::Code(241), // no memory
        Trouble::Code(243), // no space on the disk
        Trouble::Code(252), // too many parts
        Trouble::Code(242), // read-only for now, without its keeper
        Trouble::Cut,
        Trouble::Slow(Duration::from_secs(2)),
    ];
    for trouble in troubles {
        scene.proxy.trouble(trouble, 3);
        scene.write()?;
        scene.all_once()?;
        wait("inserts to be in trouble", || {
            if matches!(trouble, Trouble::Slow(_)) {
                scene.write()?;
            }
            Ok(scene.proxy.done() == 3)
        })?;
        scene.all_once()?;
        ensure!(scene.proxy.relieve() == 3, "{trouble:?} met no insert");
    }
    running.stop()
}

/// Without tokens an insert whose answer is lost is stored again.
#[test]
fn without_tokens_a_lost_answer_brings_rows_twice() -> Result<()> {
    let mut scene = Scene::new()?;
    let words = ["pipeline.toml".to_owned(), scene.from(), scene.to(), "tokens".to_owned()];
    let mut running = scene.place.start(Path::new(env!("CARGO_BIN_EXE_flawed")), &words)?;
    scene.write()?;
    scene.all_once()?;
    scene.proxy.trouble(Trouble::Cut, 3);
    scene.write()?;
    wait("rows that are there twice", || Ok(scene.place.number(ROWS)? > scene.records))?;
    running.kill()
}

#[test]
fn what_will_not_pass_ends_the_program_and_loses_nothing() -> Result<()> {
    let mut scene = Scene::new()?;
    for code in [164, 497, 516] {
        let running = scene.run()?;
        scene.write()?;
        scene.all_once()?;
        scene.proxy.trouble(Trouble::Code(code), u32::MAX);
        scene.write()?;
        let ended = running.wait()?;
        let said = scene.place.said();
        let last = said.lines().last().unwrap_or_default();
        ensure!(
            ended == 1 && last.contains("was refused") && last.contains(&format!("Code: {code}")),
            "{ended}: {last}"
        );
        scene.proxy.relieve();
        // What is mended goes on.
        let running = scene.run()?;
        scene.all_once()?;
        running.stop()?;
    }
    Ok(())
}
