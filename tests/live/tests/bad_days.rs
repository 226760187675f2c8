//! What the binary does on bad days: each is decided, and said in one line that names the place and what would fit.

use anyhow::{Result, ensure};
use kappascope_live::days::{PIPELINE, records};
use kappascope_live::{Place, Running, binary, wait};
use std::time::Duration;

const RAW: &str = "SELECT count() FROM live.days_raw_e1";

fn place() -> Result<Place> {
    let place = Place::new(PIPELINE)?;
    place.make_topic("visits", 1)?;
    Ok(place)
}

fn run(place: &Place, more: &str) -> Result<Running> {
    let mut words = place.run(more);
    words.push("--create".to_owned());
    place.start(&binary()?, &words)
}

/// Runs until so many rows are stored, and stops.
fn run_to(place: &Place, more: &str, rows: u64) -> Result<()> {
    let running = run(place, more)?;
    place.wait_for(RAW, rows)?;
    running.stop()
}

/// Runs until it ends by itself, which is with this exit code and a last line that has all of these.
fn ends(place: &Place, more: &str, code: i32, says: &[&str]) -> Result<()> {
    let found = run(place, more)?.wait()?;
    let said = place.said();
    let last = said.lines().last().unwrap_or_default();
    ensure!(
        found == code && says.iter().all(|part| last.contains(part)),
        "{found}, not {code} and {says:?}: {last}"
    );
    Ok(())
}

#[test]
fn a_topic_that_is_missing_is_said_at_once() -> Result<()> {
    let place = Place::new(PIPELINE)?;
    ends(&place, "", 2, &["there is no topic `visits`"])
}

#[test]
fn a_poison_record_is_rejected_with_its_place_and_the_rest_goes_on() -> Result<()> {
    let place = place()?;
    let poison = [vec!["{\"at\": \u{0}".to_owned(), String::new(), "[]".to_owned()], records(0..10)].concat();
    place.writer()?.write("visits", 0, &poison)?;
    run_to(&place, "", 10)?;
    let rejected = "SELECT count() FROM live.days_rejected WHERE _offset < 3 AND reason != ''";
    ensure!(place.number(rejected)? == 3);
    Ok(())
}

/// The broker and the engine are away for a while; what came meanwhile is stored after.
#[test]
fn servers_that_are_away_are_waited_for() -> Result<()> {
    let mut place = place()?;
    let writer = place.writer()?;
    let running = run(&place, "")?;
    writer.write("visits", 0, &records(0..10))?;
    place.wait_for(RAW, 10)?;
    place.engine.kill()?;
    writer.write("visits", 0, &records(10..20))?;
    std::thread::sleep(Duration::from_secs(3));
    place.engine.restart()?;
    place.wait_for(RAW, 20)?;
    place.kafka.kill()?;
    std::thread::sleep(Duration::from_secs(3));
    place.kafka.restart()?;
    writer.write("visits", 0, &records(20..30))?;
    place.wait_for(RAW, 30)?;
    running.stop()
}

#[test]
fn records_that_were_deleted_before_they_were_read_are_an_error() -> Result<()> {
    let place = place()?;
    let writer = place.writer()?;
    writer.write("visits", 0, &records(0..10))?;
    run_to(&place, "", 10)?;
    writer.write("visits", 0, &records(10..20))?;
    place.delete_records("visits", 0, 15)?;
    ends(&place, "", 1, &["offset 10 is to be read next", "holds 15 to 20", "new epoch"])?;
    // Which is what helps.
    let running = run(&place, "?epoch=2")?;
    place.wait_for("SELECT count() FROM live.days_raw_e2", 5)?;
    running.stop()
}

#[test]
fn a_topic_that_was_made_anew_is_an_error() -> Result<()> {
    let place = place()?;
    place.writer()?.write("visits", 0, &records(0..10))?;
    run_to(&place, "", 10)?;
    place.delete_topic("visits")?;
    place.make_topic("visits", 1)?;
    ends(&place, "", 1, &["offset 10 is to be read next", "holds 0 to 0"])
}

#[test]
fn a_topic_with_fewer_partitions_than_before_is_an_error() -> Result<()> {
    let place = Place::new(PIPELINE)?;
    place.make_topic("visits", 2)?;
    place.writer()?.write("visits", 0, &records(0..10))?;
    run_to(&place, "", 10)?;
    place.delete_topic("visits")?;
    place.make_topic("visits", 1)?;
    ends(&place, "", 2, &["topic `days-state` has 2 partitions, and 1 are needed", "made anew"])
}

#[test]
fn a_state_topic_that_is_lost_is_an_error() -> Result<()> {
    let place = place()?;
    place.writer()?.write("visits", 0, &records(0..10))?;
    run_to(&place, "", 10)?;
    place.delete_topic("days-state")?;
    ends(&place, "", 1, &["table `raw` has 10 rows", "should have 0", "is the state topic a new one?"])
}

#[test]
fn another_version_of_the_pipeline_does_not_take_part() -> Result<()> {
    let place = place()?;
    place.writer()?.write("visits", 0, &records(0..10))?;
    run_to(&place, "", 10)?;
    std::fs::write(
        place.folder.path().join("pipeline.toml"),
        PIPELINE.replace("version = 1", "version = 2"),
    )?;
    ends(&place, "", 1, &["the state is of version 1 of the pipeline; this is version 2"])?;
    // Nor does one that was changed without saying so.
    std::fs::write(place.folder.path().join("pipeline.toml"), PIPELINE.replace("1s", "2s"))?;
    ends(&place, "", 1, &["the state is refused"])
}

#[test]
fn tables_of_another_shape_are_refused_at_the_start_and_later() -> Result<()> {
    let place = place()?;
    let writer = place.writer()?;
    writer.write("visits", 0, &records(0..10))?;
    let running = run(&place, "")?;
    place.wait_for(RAW, 10)?;
    place.execute("ALTER TABLE live.days_raw_e1 RENAME COLUMN ms TO milliseconds")?;
    writer.write("visits", 0, &records(10..20))?;
    let code = running.wait()?;
    let said = place.said();
    ensure!(
        code == 1 && said.lines().last().is_some_and(|line| line.contains("an insert was refused")),
        "{code} {said}"
    );
    ends(&place, "", 2, &["days_raw_e1", "ms"])?;
    // Nothing was skipped: what is mended goes on.
    place.execute("ALTER TABLE live.days_raw_e1 RENAME COLUMN milliseconds TO ms")?;
    run_to(&place, "", 20)
}

/// A view whose own table is gone breaks every insert, which is seen before anything is read.
#[test]
fn a_view_that_breaks_inserts_is_found_at_the_start() -> Result<()> {
    let place = place()?;
    let writer = place.writer()?;
    writer.write("visits", 0, &records(0..10))?;
    run_to(&place, "", 10)?;
    place.execute("CREATE TABLE live.seconds (s DateTime, n UInt64) ENGINE = SummingMergeTree ORDER BY s")?;
    place.execute(
        "CREATE MATERIALIZED VIEW live.breaks TO live.seconds AS \
         SELECT toDateTime(at) AS s, count() AS n FROM live.days_raw_e1 GROUP BY s",
    )?;
    place.execute("DROP TABLE live.seconds SYNC")?;
    writer.write("visits", 0, &records(10..20))?;
    ends(&place, "", 2, &["days_raw_e1", "Code: 60"])?;
    place.execute("DROP TABLE live.breaks")?;
    run_to(&place, "", 20)?;
    ensure!(place.number("SELECT uniqExact(_offset) FROM live.days_raw_e1")? == 20);
    Ok(())
}

#[test]
fn a_second_wish_to_stop_ends_it_at_once_and_loses_nothing() -> Result<()> {
    let mut place = place()?;
    let writer = place.writer()?;
    writer.write("visits", 0, &records(0..10))?;
    let running = run(&place, "?session.timeout.ms=6000")?;
    place.wait_for(RAW, 10)?;
    // Nothing can be finished while the engine is away.
    place.engine.kill()?;
    writer.write("visits", 0, &records(10..20))?;
    std::thread::sleep(Duration::from_secs(3));
    running.ask_to_stop()?;
    std::thread::sleep(Duration::from_secs(1));
    running.ask_to_stop()?;
    ensure!(running.wait()? == 1);
    place.engine.restart()?;
    run_to(&place, "", 20)
}

#[test]
fn two_processes_share_the_partitions_and_one_takes_over() -> Result<()> {
    let place = Place::new(PIPELINE)?;
    place.make_topic("visits", 4)?;
    let writer = place.writer()?;
    let first = run(&place, "")?;
    let second = run(&place, "")?;
    for partition in 0..4 {
        writer.write("visits", partition, &records(0..25))?;
    }
    place.wait_for(RAW, 100)?;
    first.stop()?;
    for partition in 0..4 {
        writer.write("visits", partition, &records(25..50))?;
    }
    place.wait_for(RAW, 200)?;
    for partition in 0..4 {
        wait("the group to know how far it is", || {
            Ok(place.progress("days", "visits", partition)? == (50, 50))
        })?;
    }
    second.stop()?;
    ensure!(place.number("SELECT uniqExact(_partition, _offset) FROM live.days_raw_e1")? == 200);
    Ok(())
}

#[test]
fn a_group_that_was_forgotten_is_told_how_far_it_is() -> Result<()> {
    let place = place()?;
    place.writer()?.write("visits", 0, &records(0..100))?;
    run_to(&place, "", 100)?;
    place.forget_group("days")?;
    ensure!(place.progress("days", "visits", 0)?.0 < 100);
    let running = run(&place, "")?;
    wait("the group to know how far it is", || Ok(place.progress("days", "visits", 0)? == (100, 100)))?;
    running.stop()?;
    ensure!(place.number(RAW)? == 100);
    Ok(())
}
