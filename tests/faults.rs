//! The dials of what goes wrong, turned by keys one after another, and what comes of each held against the binary.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Run, Stats, keys, run, with_page};

const WEBSITE: &str = "website&seed=7&events=60000";

/// What the dials are folded under.
const FOLD: &str = "[data-testid=faults] > summary";

async fn opened(page: &Page) -> Result<Stats> {
    page.open(&format!("#scenario={WEBSITE}&speed=max")).await?;
    page.until_stats("the log has been run", |s| s.state == "done").await?;
    page.tap(FOLD).await?;
    page.stats().await
}

/// The faults that the page's address carries once the scene is shared, as the binary takes them.
async fn shared_faults(page: &Page) -> Result<String> {
    page.click("permalink").await?;
    let fragment = page.script("return decodeURIComponent(location.hash)", &[]).await?;
    let fragment = fragment.as_str().context("no address")?;
    let faults = fragment.split('&').find_map(|part| part.strip_prefix("faults="));
    Ok(faults.with_context(|| format!("no faults in {fragment}"))?.replace(',', "&"))
}

fn native(faults: &str) -> Result<Run> {
    run(&["--from", &format!("scenario:{}&{faults}", WEBSITE.replacen('&', "?", 1))])
}

/// Waits until the page has run all that the binary has, with the same outcome.
async fn same(page: &Page, native: &Run, what: &str) -> Result<Stats> {
    let same = |s: &Stats| s.state == "done" && s.events == native.events as f64 && s.digest == native.digest;
    let stats = page.until_stats(&format!("{what} gives {native:?}"), same).await?;
    ensure!((stats.windows, stats.late) == (native.windows as f64, native.late as f64), "{what}: {stats:?}");
    Ok(stats)
}

/// Each dial, how its fault is called in an address, and what it is turned to by the key End.
const DIALS: [(&str, &str); 7] = [
    ("fault-disorder", "disorder=5m"),
    ("fault-stragglers", "stragglers=10%"),
    ("fault-idle", "idle="),
    ("fault-duplicates", "duplicates=10%"),
    ("fault-skew", "skew="),
    ("fault-hot-key", "hot_key=80%"),
    ("fault-burst", "burst="),
];

#[test]
fn each_dial_does_what_it_does_in_the_binary() {
    with_page(async |page| {
        let mut last = opened(&page).await?;
        for (dial, name) in DIALS {
            page.find(dial).await?.send_keys(keys::END).await?;
            let turned = |s: &Stats| s.state == "done" && s.digest != last.digest;
            page.until_stats(&format!("{dial} has run the log again"), turned).await?;
            let faults = shared_faults(&page).await?;
            ensure!(faults.contains(name), "{name} is not among {faults}");
            last = same(&page, &native(&faults)?, &faults).await?;
        }
        let summary = "return document.querySelector('[data-testid=faults] > summary').innerText";
        let told = page.script(summary, &[]).await?;
        ensure!(told.as_str().is_some_and(|told| told.contains("7 dials turned")), "{told}");
        Ok(())
    });
}

/// Keys come faster than worlds are opened.
#[test]
fn keys_in_a_row_are_a_step_each() {
    with_page(async |page| {
        opened(&page).await?;
        page.find("fault-disorder").await?.send_keys(&keys::RIGHT.repeat(4)).await?;
        page.find("fault-duplicates").await?.send_keys(&keys::RIGHT.repeat(3)).await?;
        let native = native("disorder=5s&duplicates=2%")?;
        same(&page, &native, "four steps of disorder and three of duplicates").await?;
        let faults = shared_faults(&page).await?;
        ensure!(faults == "disorder=5s&duplicates=2%", "{faults}");
        Ok(())
    });
}

/// Where somebody stands in the log stays, also while the log is being run up to there.
#[test]
fn a_dial_keeps_the_place() {
    with_page(async |page| {
        page.open(&format!("#scenario={WEBSITE}&row=45000")).await?;
        page.until_stats("it stands there", |s| s.events == 45_000.0 && s.state == "paused").await?;
        page.tap(FOLD).await?;
        page.find("fault-burst").await?.send_keys(&keys::RIGHT.repeat(3)).await?;
        page.until("it says so", async || Ok(shared_faults(&page).await?.contains(":10x"))).await?;
        let stats = page.until_stats("it stands there again", |s| s.events == 45_000.0).await?;
        ensure!(stats.state == "paused", "{stats:?}");
        Ok(())
    });
}

/// What the dial of the slow sink says that it does now.
const SINK: &str = ".control:has([data-testid=fault-sink]) .effect";

/// The first number of some words.
fn first_number(words: &str) -> Option<f64> {
    let end = words.find(|c: char| !c.is_ascii_digit() && c != ' ').unwrap_or(words.len());
    words[..end].replace(' ', "").parse().ok()
}

#[test]
fn a_slow_sink_keeps_all_and_says_how_old() {
    with_page(async |page| {
        let before = opened(&page).await?;
        page.until_words("nobody is slow", SINK, |words| words.contains("fast enough")).await?;
        // The traffic comes at some five events a second: 500 are never reached, and one is a fifth of them.
        page.find("fault-sink").await?.send_keys(keys::LEFT).await?;
        page.until_words("hardly any wait", SINK, |words| first_number(words) <= Some(3.0)).await?;
        page.find("fault-sink").await?.send_keys(keys::HOME).await?;
        let most = |words: &str| {
            first_number(words).is_some_and(|waiting| (0.75..0.85).contains(&(waiting / before.events)))
        };
        let told = page.until_words("most wait", SINK, most).await?;
        ensure!(told.contains(" h "), "{told}");
        ensure!(page.stats().await?.digest == before.digest, "a sink behind the engine changes its results");
        page.click("permalink").await?;
        let fragment = page.script("return decodeURIComponent(location.hash)", &[]).await?;
        let fragment = fragment.as_str().context("no address")?.to_owned();
        ensure!(fragment.contains("\"service_per_second\":1"), "{fragment}");
        page.open(&fragment).await?;
        page.tap(FOLD).await?;
        page.until_words("most wait there too", SINK, most).await.map(drop)
    });
}
