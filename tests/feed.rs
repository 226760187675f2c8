//! The page listening to a pipeline that runs in the server: what it shows, when the server goes and comes again, and
//! when results come faster than they are taken.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Line, Page, Served, each_look, repository, with_page};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

const CONNECTION: &str = "[data-testid=connection]";
const LOST: &str = "[data-testid=lost]";

/// The pipeline of the scenario, as a file.
fn website(folder: &tempfile::TempDir) -> Result<PathBuf> {
    write(folder, &std::fs::read_to_string(repository("crates/scenario/src/pipelines/website.toml"))?)
}

fn write(folder: &tempfile::TempDir, pipeline: &str) -> Result<PathBuf> {
    let path = folder.path().join("pipeline.toml");
    std::fs::write(&path, pipeline)?;
    Ok(path)
}

/// Serves the website's events as they come, so many a second.
fn serve(address: &str, pipeline: &std::path::Path, rate: &str) -> Result<Served> {
    let generate = ["website", "--seed", "7", "--events", "3000000", "--rate", rate];
    let pipeline = pipeline.to_str().context("a path of plain characters")?;
    Served::start_fed(address, &generate, &["--pipeline", pipeline])
}

/// The rows of the table of windows, and how many of them are there twice.
async fn rows(page: &Page) -> Result<(usize, usize)> {
    let code = "return [...document.querySelectorAll('[data-testid=windows-table] tbody tr')].map(row => row.innerText)";
    let rows: Vec<String> = serde_json::from_value(page.script(code, &[]).await?)?;
    let different: HashSet<&String> = rows.iter().collect();
    Ok((rows.len(), rows.len() - different.len()))
}

/// A counter of the server.
async fn metric(page: &Page, name: &str) -> Result<f64> {
    let code = "return fetch('metrics').then(answer => answer.text())";
    let text = page.script(code, &[]).await?.as_str().unwrap_or_default().to_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("{text} has no {name}"))
}

/// Complaints but for those about a server that is away, which the browser makes of itself.
async fn complaints(page: &Page) -> Result<Vec<String>> {
    let all = page.complaints().await?;
    Ok(all.into_iter().filter(|text| !text.contains("WebSocket connection to")).collect())
}

#[test]
fn a_feed_is_shown_and_outlives_its_server() {
    with_page(async |page| {
        let folder = tempfile::tempdir()?;
        let pipeline = website(&folder)?;
        let server = serve("127.0.0.1:0", &pipeline, "20000")?;
        page.open_at(&format!("{}/", server.url)).await?;
        page.until_words("it listens", CONNECTION, |words| words == "Live").await?;
        let shown = page.until_stats("results come", |s| s.windows > 100.0 && s.events > 0.0).await?;
        ensure!(shown.state == "running" && shown.events_per_second > 0.0, "{shown:?}");
        page.until_stats("alerts come", |s| s.alerts > 0.0).await?;
        ensure!(page.painted("section.card").await? > 1_000.0, "the chart is empty");
        page.until_words("an alert is listed", "[data-testid=alerts]", |words| !words.is_empty()).await?;
        ensure!(page.words(LOST).await?.is_empty(), "{}", page.words(LOST).await?);
        ensure!(rows(&page).await? == (20, 0), "{:?}", rows(&page).await?);
        let told = complaints(&page).await?;
        ensure!(told.is_empty(), "{told:?}");
        pictures(&page, "live").await?;

        // Another run, at the same address.
        let address = server.address().to_owned();
        let before = page.stats().await?.windows;
        drop(server);
        page.until_words("it says so", CONNECTION, |words| words.starts_with("No connection")).await?;
        pictures(&page, "away").await?;
        let _server = serve(&address, &pipeline, "1000")?;
        page.until_words("it is there again", CONNECTION, |words| words == "Live").await?;
        let after = page.until_stats("results come", |s| s.windows > 20.0 && s.windows < before).await?;
        ensure!(after.events < shown.events, "{after:?} is of the run before");
        ensure!(rows(&page).await?.1 == 0, "{:?}", rows(&page).await?);

        // What is not live is a choice away, and back.
        page.choose("source", "scenario:tutorial").await?;
        page.until_stats("the scenario is done", |s| s.digest.len() == 16 && s.events > 0.0).await?;
        page.find("speed").await?;
        page.choose("source", "live").await?;
        page.until_words("it listens", CONNECTION, |words| words == "Live").await?;
        let told = complaints(&page).await?;
        ensure!(told.is_empty(), "{told:?}");
        Ok(())
    });
}

/// The line breaks, and the server does not: nothing is shown twice.
#[test]
fn the_same_run_goes_on_where_it_was() {
    with_page(async |page| {
        let folder = tempfile::tempdir()?;
        let server = serve("127.0.0.1:0", &website(&folder)?, "2000")?;
        let line = Line::to(server.address()).await?;
        page.open_at(&format!("{}/", line.url)).await?;
        page.until_stats("results come", |s| s.windows > 30.0).await?;
        for _ in 0..3 {
            line.cut();
            page.until_words("it says so", CONNECTION, |words| words.starts_with("No connection")).await?;
            line.mend();
            page.until_words("it is there again", CONNECTION, |words| words == "Live").await?;
        }
        let before = page.stats().await?.windows;
        page.until_stats("more results come", |s| s.windows > before + 10.0).await?;
        let (there, twice) = rows(&page).await?;
        ensure!(there == 20 && twice == 0, "{twice} of {there} rows are there twice");
        ensure!(page.words(LOST).await?.is_empty(), "{}", page.words(LOST).await?);
        let told = complaints(&page).await?;
        ensure!(told.is_empty(), "{told:?}");
        Ok(())
    });
}

/// A result for nearly each event.
const BUSY: &str = "name = 'busy'\nversion = 1\n\
    schema = { time = 'event_time', keys = ['user_id'], measures = ['value'] }\n\
    watermark = { bound = '5s' }\n\
    [[query]]\nname = 'each'\nby = ['user_id']\nwindow = { tumbling = '1s' }\naggregates = ['count()', 'max(value)']\n";

/// Of a busy pipeline, how many messages were lost: as the page says and as the server counts.
async fn lost(page: &Page, bytes_per_second: Option<u64>) -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let server = serve("127.0.0.1:0", &write(&folder, BUSY)?, "20000")?;
    let line = Line::to(server.address()).await?;
    page.open_at(&format!("{}/", line.url)).await?;
    page.until_words("it listens", CONNECTION, |words| words.starts_with("Live")).await?;
    if let Some(speed) = bytes_per_second {
        line.slow_down_to(speed);
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    line.speed_up();
    if bytes_per_second.is_some() {
        page.until_words("it says that messages are lost", LOST, |words| words.contains("lost")).await?;
    }
    // What is under way arrives.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let words = page.words(LOST).await?;
    let said: String = words.chars().filter(char::is_ascii_digit).collect();
    let counted = metric(page, "kappascope_feed_dropped_messages_total").await?;
    if bytes_per_second.is_some() {
        pictures(page, "lost").await?;
    }
    Ok((said.parse().unwrap_or(0.0), counted))
}

#[test]
fn what_a_slow_line_loses_is_counted_and_shown() {
    with_page(async |page| {
        let (said, counted) = lost(&page, Some(50_000)).await?;
        ensure!(said > 0.0 && said == counted, "the page says {said}, the server {counted}");
        Ok(())
    });
}

/// The negative control: the same results over a line that is fast.
#[test]
fn a_fast_line_loses_nothing() {
    with_page(async |page| {
        ensure!(lost(&page, None).await? == (0.0, 0.0));
        Ok(())
    });
}

/// The negative control: a server without a pipeline offers none, and the page has its scenario.
#[test]
fn without_a_feed_there_is_none_to_choose() {
    with_page(async |page| {
        let server = Served::start(&[])?;
        page.open_at(&format!("{}/", server.url)).await?;
        page.until_stats("it runs", |s| s.events > 0.0).await?;
        let code = "return [...document.querySelectorAll('[data-testid=source] option')].map(option => option.value)";
        let options = page.script(code, &[]).await?;
        let live = options.as_array().is_some_and(|options| options.contains(&Value::from("live")));
        ensure!(!live, "{options}");
        ensure!(page.complaints().await?.is_empty(), "{:?}", page.complaints().await?);
        ensure!(
            page.script("return !!document.querySelector(arguments[0])", &[json!(CONNECTION)]).await?
                == json!(false)
        );
        Ok(())
    });
}

async fn pictures(page: &Page, state: &str) -> Result<()> {
    let folder = repository("target/shots/feed");
    each_look(page, &[(1440, 900), (360, 780)], async |name| {
        tokio::time::sleep(Duration::from_millis(300)).await;
        page.shoot(&folder.join(format!("{state}-{name}.png"))).await
    })
    .await?;
    page.resize(1440, 900).await
}
