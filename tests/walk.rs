//! The page's controls and charts by pointer and keyboard, and what comes of them held against the binary.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Stats, run, with_page};
use serde_json::json;

const WEBSITE: &str = "scenario=website&seed=7&events=60000";

const CHART: &str = "[data-testid=chart]";
const MIDDLE: (f64, f64) = (0.5, 0.5);

async fn opened(page: &Page) -> Result<Stats> {
    page.open(&format!("#{WEBSITE}&speed=max")).await?;
    done(page, "").await
}

const EVENTS: f64 = 60_000.0;

/// Waits until all of the log has been run with another outcome than this digest.
async fn done(page: &Page, other_than: &str) -> Result<Stats> {
    // A run that begins anew may still say that the source is done.
    let all = |s: &Stats| s.state == "done" && s.digest != other_than && s.events >= EVENTS;
    page.until_stats("the log has been run", all).await
}

/// Holds what the page shows against what the binary makes of the page's pipeline.
async fn same_as_binary(page: &Page, stats: &Stats, source: &str) -> Result<()> {
    let pipeline = page.download("export").await?;
    let native = run(&["-p", &pipeline.to_string_lossy(), "--from", source])?;
    let native_counts = (native.events as f64, native.windows as f64, native.late as f64);
    ensure!((stats.events, stats.windows, stats.late) == native_counts, "{stats:?}, {native:?}");
    ensure!(stats.digest == native.digest, "{stats:?}, {native:?}");
    Ok(())
}

fn source() -> String {
    format!("scenario:{}", WEBSITE.trim_start_matches("scenario=").replacen('&', "?", 1))
}

async fn is_zoomed(page: &Page) -> Result<bool> {
    let hidden = "return document.querySelector('[data-testid=zoom-all]').hidden";
    Ok(page.script(hidden, &[]).await? == json!(false))
}

async fn until_zoomed(page: &Page, zoomed: bool, by: &str) -> Result<()> {
    page.until(&format!("{by}: zoomed is {zoomed}"), async || Ok(is_zoomed(page).await? == zoomed)).await
}

/// The words of the box at the crosshair, once it is there.
async fn read_out(page: &Page) -> Result<String> {
    let words = "return document.querySelector('[data-testid=chart] .tip:not([hidden])')?.innerText ?? ''";
    page.until("the values are read out", async || Ok(page.script(words, &[]).await? != json!(""))).await?;
    Ok(page.script(words, &[]).await?.as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_main_chart_zooms_by_pointer_wheel_and_keys() {
    with_page(async |page| {
        opened(&page).await?;
        page.hover(CHART, (0.2, 0.5)).await?;
        let before = read_out(&page).await?;
        page.drag(CHART, MIDDLE, (2.0, 0.0)).await?;
        ensure!(!is_zoomed(&page).await?, "a click zooms");
        page.drag(CHART, MIDDLE, (200.0, 0.0)).await?;
        until_zoomed(&page, true, "a drag").await?;
        page.hover(CHART, (0.2, 0.5)).await?;
        page.until("another time lies there", async || Ok(read_out(&page).await? != before)).await?;
        ensure!(page.text("follow").await? == "Held", "{}", page.text("follow").await?);
        page.click("zoom-all").await?;
        until_zoomed(&page, false, "all").await?;
        page.wheel(CHART, MIDDLE, -120.0).await?;
        until_zoomed(&page, true, "the wheel").await?;
        page.find("chart").await?.send_keys("0").await?;
        until_zoomed(&page, false, "0").await?;
        page.press("+").await?;
        until_zoomed(&page, true, "+").await
    });
}

#[test]
fn a_held_chart_counts_what_is_new_and_follows_again() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=600").await?;
        page.until_stats("windows close", |stats| stats.windows > 5.0).await?;
        ensure!(page.text("follow").await? == "Following", "it holds by itself");
        page.click("follow").await?;
        page.until("it says what is new", async || Ok(page.text("follow").await?.ends_with(" new"))).await?;
        page.click("follow").await?;
        page.until("it follows", async || Ok(page.text("follow").await? == "Following")).await
    });
}

#[test]
fn lines_in_the_disorder_chart_are_the_settings() {
    with_page(async |page| {
        let before = opened(&page).await?;
        page.find("bound-handle").await?;
        let bound = "[data-testid=bound-handle]";
        page.drag(bound, (0.25, 0.5), (0.0, 200.0)).await?;
        let strict = done(&page, &before.digest).await?;
        let told = "return document.querySelector(arguments[0]).ariaValueText";
        ensure!(page.script(told, &[json!(bound)]).await? != json!("5\u{a0}s"), "the bound is as it was");
        ensure!(strict.late > before.late, "{} late before, {} after", before.late, strict.late);
        page.find("lateness-handle").await?.send_keys("\u{e011}").await?;
        let stricter =
            page.until_stats("more is late", |s| s.state == "done" && s.late > strict.late).await?;
        same_as_binary(&page, &stricter, &source()).await
    });
}

/// By the pointer where the kind has a button of its own; else from the menu of the others.
async fn choose_windows(page: &Page, kind: &str) -> Result<()> {
    if !["tumbling", "hopping", "session"].contains(&kind) {
        return page.choose("window-kind-more", kind).await;
    }
    let label = format!("label:has(> [data-testid=window-kind-{kind}])");
    let chosen = "return document.querySelector(arguments[0] + ' > input').checked";
    page.until(&format!("{kind} is chosen"), async || {
        page.drag(&label, MIDDLE, (0.0, 0.0)).await?;
        Ok(page.script(chosen, &[json!(label)]).await? == json!(true))
    })
    .await
}

#[test]
fn every_kind_of_window_gives_the_binary_s_results() {
    with_page(async |page| {
        let first = opened(&page).await?;
        let mut last = first.digest.clone();
        for kind in ["hopping", "session", "cumulate", "count", "rolling", "global", "tumbling"] {
            choose_windows(&page, kind).await?;
            let stats = done(&page, &last).await.with_context(|| kind)?;
            ensure!(stats.windows > 0.0, "{kind}: {stats:?}");
            same_as_binary(&page, &stats, &source()).await.with_context(|| kind)?;
            last = stats.digest;
        }
        ensure!(last == first.digest, "the first kind again gives something else");
        Ok(())
    });
}

#[test]
fn every_kind_of_detector_gives_the_binary_s_results() {
    with_page(async |page| {
        opened(&page).await?;
        let mut digests = std::collections::BTreeSet::new();
        let kinds = ["robust_zscore", "ewma", "seasonal", "cusum", "page_hinkley", "rate_of_change"];
        for kind in kinds.into_iter().chain(["absence", "threshold", "novelty", "zscore"]) {
            page.choose("detector-kind", kind).await?;
            let pipeline = page.download("export").await?;
            let text = std::fs::read_to_string(&pipeline)?;
            ensure!(text.contains(&format!("kind = \"{kind}\"")), "{kind} is not in {text}");
            let native = run(&["-p", &pipeline.to_string_lossy(), "--from", &source()])?;
            let same = |s: &Stats| s.state == "done" && s.events == EVENTS && s.digest == native.digest;
            page.until_stats(&format!("{kind} gives {}", native.digest), same).await?;
            digests.insert(native.digest);
        }
        ensure!(digests.len() > 5, "the kinds hardly differ: {digests:?}");
        Ok(())
    });
}

#[test]
fn a_pinned_run_is_compared() {
    with_page(async |page| {
        let before = opened(&page).await?;
        page.click("pin").await?;
        page.until("nothing differs", async || Ok(page.text("pinned").await?.contains("0 gone, 0 new")))
            .await?;
        page.slide("watermark-bound", 0).await?;
        let after = done(&page, &before.digest).await?;
        ensure!(after.late > before.late, "{after:?}");
        page.until("what differs is told", async || {
            let told = page.text("pinned").await?.replace('\u{a0}', "");
            Ok(told.contains(&format!("late events {} → {}", before.late, after.late)))
        })
        .await?;
        page.click("pin").await?;
        page.until("the line goes away", async || Ok(page.text("pinned").await?.is_empty())).await
    });
}

#[test]
fn a_worker_that_died_is_started_again() {
    with_page(async |page| {
        page.before_each(
            "const Real = Worker; globalThis.workers = [];
             globalThis.Worker = class extends Real {
               constructor(...all) { super(...all); workers.push(this) } };",
        )
        .await?;
        let before = opened(&page).await?;
        page.script(
            "for (const worker of workers) { worker.terminate();
               worker.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' })) }",
            &[],
        )
        .await?;
        page.until("the page says so", async || Ok(!page.text("error").await?.is_empty())).await?;
        page.click("restart").await?;
        let again =
            page.until_stats("it has run again", |s| s.events == before.events && s.state != "failed");
        ensure!(again.await?.digest == before.digest, "another outcome");
        Ok(())
    });
}

#[test]
fn one_event_is_a_run() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        page.drop_text("one.csv", "time,kind,value\n2026-01-05 10:00:00,a,1.5\n").await?;
        page.until_stats("the event is there", |s| s.state == "done" && s.events == 1.0).await?;
        page.find("chart").await?;
        Ok(())
    });
}

#[test]
fn no_width_makes_the_page_scroll_sideways() {
    with_page(async |page| {
        opened(&page).await?;
        for width in [360, 390, 768, 1024, 1440, 3840] {
            page.resize(width, 900).await?;
            let over = "return document.documentElement.scrollWidth - innerWidth";
            let over = page.script(over, &[]).await?;
            ensure!(over.as_f64() <= Some(0.0), "at {width} the page is {over} wider than the screen");
        }
        Ok(())
    });
}
