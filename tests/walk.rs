//! The page's controls and charts by pointer and keyboard, and what comes of them held against the binary.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Stats, kappascope, keys, run, with_page};
use serde_json::{Value, json};

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
        page.until_stats("windows close", |stats| stats.windows > 15.0).await?;
        ensure!(page.text("follow").await? == "Following", "it holds by itself");
        page.click("follow").await?;
        page.hover(CHART, (0.2, 0.5)).await?;
        let held = read_out(&page).await?;
        page.until("it says what is new", async || Ok(page.text("follow").await?.ends_with(" new"))).await?;
        let first = page.stats().await?.windows;
        page.until_stats("many more close", |stats| stats.windows > first + 20.0).await?;
        ensure!(read_out(&page).await? == held, "the view moves: {held} became {}", read_out(&page).await?);
        page.click("follow").await?;
        page.until("it follows", async || Ok(page.text("follow").await? == "Following")).await
    });
}

/// The value of a line as it is told to who cannot see it.
async fn told_of(page: &Page, line: &str) -> Result<String> {
    let told = "return document.querySelector(arguments[0]).ariaValueText";
    Ok(page.script(told, &[json!(line)]).await?.as_str().unwrap_or_default().replace('\u{a0}', " "))
}

#[test]
fn lines_in_the_disorder_chart_are_the_settings() {
    with_page(async |page| {
        let before = opened(&page).await?;
        let (bound, lateness) = ("[data-testid=bound-handle]", "[data-testid=lateness-handle]");
        // Down to the bound, below which no lateness is.
        let (told, by) = (told_of(&page, lateness).await?, (0.0, 200.0));
        ensure!(told == "30 s", "the lateness is {told}");
        page.drag(lateness, (0.68, 0.5), by).await?;
        let strict = settled_at(&page, lateness, "0 s").await?;
        ensure!(strict.late > before.late, "{} late before, {} after", before.late, strict.late);
        page.drag(bound, (0.25, 0.5), by).await?;
        let stricter = settled_at(&page, bound, "0 s").await?;
        ensure!(stricter.late > strict.late, "{} late before, {} after", strict.late, stricter.late);
        page.find("lateness-handle").await?.send_keys(keys::END).await?;
        let lax = settled_at(&page, lateness, "1 d").await?;
        ensure!(lax.late < before.late, "{} late before, {} after", before.late, lax.late);
        Ok(())
    });
}

/// Waits until a line is at a value and the log has been run with it, with the outcome that the binary has. On the way
/// there a drag sets other values.
async fn settled_at(page: &Page, line: &str, value: &str) -> Result<Stats> {
    page.until(&format!("{line} is at {value}"), async || Ok(told_of(page, line).await? == value)).await?;
    let pipeline = page.download("export").await?;
    let native = run(&["-p", &pipeline.to_string_lossy(), "--from", &source()])?;
    let same = |s: &Stats| s.state == "done" && s.events == EVENTS && s.digest == native.digest;
    page.until_stats(&format!("{line} at {value} gives {native:?}"), same).await
}

const READ_OUT: &str = "[data-testid=read-out]";

/// The values that the binary gives the windows that begin at a time of day such as `03:26`, by key, the last result of
/// each.
fn native_values(at: &str) -> Result<std::collections::BTreeMap<String, String>> {
    let text = kappascope(&["run", "--from", &source()])?;
    let mut values = std::collections::BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("{\"type\":\"window\"")) {
        let window: Value = serde_json::from_str(line)?;
        let minute = window["start"].as_i64().context("no start")? / 60_000;
        if format!("{:02}:{:02}", minute / 60 % 24, minute % 60) == at {
            let key = window["key"]["event_type"].as_str().context("no key")?;
            values.insert(key.to_owned(), window["values"]["count()"].to_string());
        }
    }
    Ok(values)
}

#[test]
fn the_crosshair_moves_by_keys_and_reads_the_values() {
    with_page(async |page| {
        opened(&page).await?;
        let chart = page.find("chart").await?;
        chart.send_keys(keys::LEFT).await?;
        let newest = page.until_words("it reads", READ_OUT, |words| words.contains(':')).await?;
        chart.send_keys(keys::LEFT).await?;
        let earlier = page.until_words("it reads the one before", READ_OUT, |words| words != newest).await?;
        chart.send_keys(keys::LEFT).await?;
        let third = page.until_words("and another", READ_OUT, |words| words != earlier).await?;
        let (time, values) = third.split_once(": ").context("no values")?;
        let native = native_values(&time[..5])?;
        let read: std::collections::BTreeMap<String, String> = values
            .split(", ")
            .filter_map(|part| part.rsplit_once(' '))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        ensure!(read == native, "at {time} the chart reads {read:?}, the binary gives {native:?}");
        ensure!(read_out(&page).await?.contains(&time[..5]), "{}", read_out(&page).await?);
        chart.send_keys(keys::DOWN).await?;
        let below = page.until_words("the line below", READ_OUT, |words| words != third).await?;
        let first_key = |words: &str| Some(words.split_once(": ")?.1.split(' ').next()?.to_owned());
        ensure!(below.starts_with(&third[..5]) && first_key(&below) != first_key(&third), "{third}; {below}");
        chart.send_keys(keys::RIGHT).await?;
        page.until_words("a later one", READ_OUT, |words| words.starts_with(&earlier[..5])).await?;
        chart.send_keys(keys::ENTER).await?;
        let window = "[data-testid=explain-window]";
        let window = page.until_words("its window is explained", window, |words| !words.is_empty()).await?;
        let key = first_key(&below).context("no key")?;
        ensure!(
            window.contains(&earlier[..5]) && window.contains(&key),
            "{key} at {earlier} is not {window}"
        );
        chart.send_keys(keys::ESCAPE).await?;
        page.until_words("it goes away", READ_OUT, str::is_empty).await.map(drop)
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
