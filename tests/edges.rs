//! At the ends of what a person may have: no event, one, a thousand keys; a tab that nobody looks at, motion that
//! nobody wants.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Stats, run, with_page};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Opens a file by the button for it, and waits until so many of its events are read.
async fn uploaded(page: &Page, file: &Path, events: f64) -> Result<Stats> {
    page.open("#scenario=tutorial&seed=1&speed=1").await?;
    page.upload("upload", file).await?;
    page.until_stats("the file is done", |s| s.state == "done" && s.events == events).await
}

/// Holds the page's outcome against the binary's, by the page's pipeline.
async fn same_as_binary(page: &Page, stats: &Stats, file: &Path) -> Result<()> {
    let pipeline = page.download("export").await?;
    let native = run(&["-p", &pipeline.to_string_lossy(), "--from", &file.to_string_lossy()])?;
    ensure!(stats.digest == native.digest, "{stats:?}, {native:?}");
    ensure!((stats.events, stats.windows) == (native.events as f64, native.windows as f64), "{native:?}");
    Ok(())
}

#[test]
fn one_event_is_a_window_and_a_point() {
    with_page(async |page| {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("one.csv");
        std::fs::write(&file, "time,kind,value\n2026-01-05 10:00:00,a,1.5\n")?;
        let stats = uploaded(&page, &file, 1.0).await?;
        ensure!((stats.windows, stats.late, stats.rejected) == (1.0, 0.0, 0.0), "{stats:?}");
        same_as_binary(&page, &stats, &file).await?;
        page.click("data-close").await?;
        let row = "[data-testid=windows-table] tbody tr";
        let words = page.until_words("its window is listed", row, |words| !words.is_empty()).await?;
        ensure!(words.contains("10:00") && words.contains("on time"), "{words}");
        page.until("its point is drawn", async || Ok(page.painted("[data-testid=chart]").await? > 0.0))
            .await?;
        page.tap(&format!("{row} button")).await?;
        let window = "[data-testid=explain-window]";
        let words = page.until_words("it is explained", window, |words| words.contains("1.5")).await?;
        ensure!(words.contains("Events\n1") || words.contains("Events1"), "{words}");
        Ok(())
    });
}

/// A file of a header alone is told as what it is, and what ran before goes on.
#[test]
fn no_event_is_told() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=600").await?;
        page.until_stats("it runs", |stats| stats.windows > 0.0).await?;
        page.drop_text("header.csv", "time,kind,value\n").await?;
        let told = page.until_words("it is told", "[data-testid=error]", |words| !words.is_empty()).await?;
        ensure!(told.contains("header.csv") && told.contains("header"), "{told}");
        let before = page.stats().await?;
        page.until_stats("what ran goes on", |stats| stats.events > before.events).await?;
        Ok(())
    });
}

/// Nothing has come yet: each chart and table says what will fill it.
#[test]
fn before_the_first_event_each_place_says_what_it_is_for() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1&row=0").await?;
        page.until_stats("it stands at the start", |s| s.state == "paused" && s.events == 0.0).await?;
        for (place, told) in [
            ("[data-testid=chart]", "first window closes when the watermark passes"),
            ("[data-testid=disorder] .plot-empty", "becomes a dot when it comes"),
            ("#table", "No window has closed yet"),
            ("[data-testid=explain]", "Nothing unusual so far"),
        ] {
            let words = page.words(place).await?;
            ensure!(words.contains(told), "{place} says “{words}” and not “{told}”");
        }
        Ok(())
    });
}

const KEYS: usize = 1_000;

#[test]
fn a_thousand_keys_are_a_few_lines_and_the_page_says_so() {
    with_page(async |page| {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("keys.csv");
        // The later a key's number the more it has, so that the largest are known.
        let line = |at: usize| {
            let key = at % KEYS;
            format!("2026-01-05 10:{:02}:{:02},key-{key:04},{key}\n", at / 60_000, at / 1_000 % 60)
        };
        let text: String =
            std::iter::once("time,kind,value\n".to_owned()).chain((0..90 * KEYS).map(line)).collect();
        std::fs::write(&file, text)?;
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        page.upload("upload", &file).await?;
        page.choose("mapping-by", "kind").await?;
        page.choose("mapping-window", "60000").await?;
        page.click("data-run").await?;
        let all =
            |s: &Stats| s.state == "done" && s.events == 90.0 * KEYS as f64 && s.windows >= 2.0 * KEYS as f64;
        let stats = page.until_stats("every key has its windows", all).await?;
        same_as_binary(&page, &stats, &file).await?;
        page.click("data-close").await?;
        let about = "[aria-label='Main chart'] .about";
        page.until_words("it says so", about, |words| words.starts_with("the 8 largest of 1 000 keys"))
            .await?;
        let summary = "return document.querySelector('[data-testid=chart]').getAttribute('aria-label')";
        page.until("also who cannot see it is told", async || {
            let told = page.script(summary, &[]).await?;
            Ok(told.as_str().is_some_and(|told| told.contains("the 8 largest")))
        })
        .await
    });
}

/// How long a tab is hidden.
const HIDDEN: Duration = Duration::from_secs(5);

#[test]
fn a_tab_in_the_background_goes_on() {
    with_page(async |page| {
        let watch = "globalThis.seen = []; document.addEventListener('visibilitychange', () =>
                       seen.push(document.visibilityState))";
        page.before_each(watch).await?;
        page.open("#scenario=website&seed=7&speed=600").await?;
        let first = page.until_stats("it runs", |stats| stats.windows > 0.0).await?;
        tokio::time::sleep(HIDDEN / 2).await;
        let before = page.stats().await?;
        page.hide_for(HIDDEN).await?;
        let seen = page.script("return seen", &[]).await?;
        ensure!(seen == json!(["hidden", "visible"]), "the page was not hidden: {seen}");
        let start = tokio::time::Instant::now();
        // As many a second as before: twice as many in twice the time. Who waited would have a few of them.
        let missed = before.events + 1.6 * (before.events - first.events);
        let after = page.until_stats("the picture is that of now", |s| s.events > missed).await?;
        println!("{first:?}, {before:?}, {after:?} after {:?}", start.elapsed());
        ensure!(start.elapsed() < HIDDEN / 5, "it took {:?} to catch up", start.elapsed());
        ensure!(after.state == "running", "{after:?}");
        Ok(())
    });
}

/// Lets a sheet come, and gives how long that takes in milliseconds.
const MOTION: &str = "const sheet = document.querySelector('#scene');
     document.querySelector('[aria-controls=scene]').click();
     return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
       const all = document.getAnimations();
       const times = all.map(one => one.effect.getComputedTiming().duration);
       done([Math.max(0, ...times), sheet.classList.contains('open')]);
     })))";

#[test]
fn nothing_moves_where_no_motion_is_wanted() {
    with_page(async |page| {
        page.resize(390, 844).await?;
        for (wish, moves) in [("no-preference", true), ("reduce", false)] {
            page.medium("prefers-reduced-motion", wish).await?;
            page.open("#scenario=tutorial&seed=1&speed=1").await?;
            let told = page.script(MOTION, &[]).await?;
            let (ms, open) = told[0].as_f64().zip(told[1].as_bool()).context("no answer")?;
            ensure!(open && (ms > 0.0) == moves && ms <= 150.0, "{wish}: {told}");
        }
        Ok(())
    });
}
