//! `docs/challenge.md`, command by command and query by query, and the queries of the dashboard.

use anyhow::{Context, Result, ensure};
use kappascope_live::{Place, binary};

const PAGE: &str = include_str!("../../../docs/challenge.md");
const DASHBOARD: &str = include_str!("../../../compose/grafana/dashboards/tutorial.json");
const EVENTS: u64 = 72_000;

/// The blocks of the page in a language.
fn blocks(language: &str) -> Vec<String> {
    let blocks = PAGE.split("\n```").collect::<Vec<_>>();
    let of = |block: &&str| block.strip_prefix(language).is_some_and(|rest| rest.starts_with('\n'));
    blocks.iter().filter(|block| of(block)).map(|block| block[language.len()..].trim().to_owned()).collect()
}

/// A command of the page as words, with the addresses of this place.
fn words(place: &Place, command: &str) -> Vec<String> {
    let command = command
        .replace("kafka://127.0.0.1:9092", &format!("kafka://{}", place.kafka.address()))
        .replace("clickhouse://127.0.0.1:8123", &format!("clickhouse://{}", place.engine.address()));
    command.split_whitespace().skip(1).map(|word| word.trim_matches('\'').to_owned()).collect()
}

#[test]
fn the_challenge_goes_as_its_page_says() -> Result<()> {
    let place = Place::new("")?;
    let commands = blocks("sh");
    let [generate, profile, check, run] = &commands[..] else { anyhow::bail!("{commands:?}") };
    let done = |command: &str| -> Result<String> {
        let words = words(&place, command.split('>').next().unwrap_or_default());
        let (code, said, wrong) = place.kappascope(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
        ensure!(code == 0, "{command}: {code}, {wrong}");
        Ok(said)
    };
    done(generate)?;
    std::fs::write(place.folder.path().join("tutorial.toml"), done(profile)?)?;
    ensure!(done(check)?.contains("pipeline `tutorial`"));
    let running = place.start(&binary()?, &words(&place, run))?;
    let stored = "SELECT count() FROM kappascope.tutorial_raw";
    place.wait_for(stored, EVENTS)?;
    // The last minute of either partition is open.
    place.wait_for("SELECT uniqExact(window_start) FROM kappascope.tutorial_per_minute", 119)?;
    running.stop()?;
    let open = "SELECT count() FROM kappascope.tutorial_raw WHERE event_time >= (SELECT max(window_end) FROM kappascope.tutorial_per_minute)";
    let sum = "SELECT assumeNotNull(toUInt64(sum(`count()`))) FROM kappascope.tutorial_per_minute";
    ensure!(place.number(sum)? + place.number(open)? == EVENTS, "windows have other events than the table");
    for sql in queries()? {
        // The tables are named without their database.
        place.rows(&sql, "kappascope").with_context(|| sql.clone())?;
    }
    let seconds = "SELECT assumeNotNull(toUInt64(sum(events))) FROM kappascope.per_second";
    ensure!(place.number(seconds)? == EVENTS, "the view's table has other events");
    let spikes = "SELECT uniqExact(time) FROM kappascope.tutorial_alerts WHERE state = 'firing' AND key['event_type'] = 'purchase'";
    ensure!(place.number(spikes)? > 0, "the spike of the scenario raises no alert");
    Ok(())
}

/// The page's statements and queries, and the dashboard's.
fn queries() -> Result<Vec<String>> {
    let mut queries = blocks("sql");
    ensure!(queries.len() == 7, "{queries:?}");
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD)?;
    for panel in dashboard["panels"].as_array().context("no panels")? {
        let sql = panel["targets"][0]["rawSql"].as_str().context("a panel without a query")?;
        let [from, to] = ["from", "to"].map(|end| dashboard["time"][end].as_str().unwrap_or_default());
        let time = |time: &str| format!("parseDateTime64BestEffort('{time}', 3)");
        queries.push(sql.replace("$__fromTime", &time(from)).replace("$__toTime", &time(to)));
    }
    Ok(queries)
}

/// What the page says is broken is: the view is made, and then every insert fails with code 43.
#[test]
fn the_broken_view_breaks_every_insert() -> Result<()> {
    let place = Place::new("")?;
    place.execute("CREATE DATABASE broken")?;
    let blocks = blocks("sql broken");
    for statement in blocks[0].split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        place.execute(
            &statement.replace(" events ", " broken.events ").replace(" per_second ", " broken.per_second "),
        )?;
    }
    let insert = place.execute("INSERT INTO broken.events VALUES ('2026-01-05 00:00:00', 'click', 1)");
    ensure!(insert.is_err_and(|error| format!("{error:#}").contains("Code: 43")), "it was taken");
    ensure!(place.number("SELECT count() FROM broken.events")? == 1, "its row stays stored");
    Ok(())
}
