//! Going through a stream in a real Chromium: back and forth, to what matters, shared, taken away.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::keys::{HOME, LEFT, RIGHT, SHIFT_LEFT};
use kappascope_e2e::{Page, Stats, kappascope, run, with_page};
use serde_json::json;

const WEBSITE: &str = "scenario=website&seed=7&events=150000&speed=max";

async fn done(page: &Page, fragment: &str) -> Result<Stats> {
    page.open(fragment).await?;
    page.until_stats("the source is done", |stats| stats.state == "done").await
}

/// Presses keys and waits until the page stands behind so many events.
async fn press_to(page: &Page, keys: &str, events: f64) -> Result<Stats> {
    page.press(keys).await?;
    page.until_stats(&format!("it stands behind {events} events"), |stats| stats.events == events).await
}

#[test]
fn steps_back_give_what_was_there() {
    with_page(async |page| {
        let end = done(&page, &format!("#{WEBSITE}")).await?;
        let one = press_to(&page, LEFT, end.events - 1.0).await?;
        ensure!(one.state == "paused" && one.digest != end.digest, "{one:?}");
        let two = press_to(&page, LEFT, end.events - 2.0).await?;
        press_to(&page, LEFT, end.events - 3.0).await?;
        let again = press_to(&page, RIGHT, end.events - 2.0).await?;
        ensure!(
            (again.digest, again.windows) == (two.digest, two.windows),
            "a step back and forth changed it"
        );
        press_to(&page, RIGHT, end.events - 1.0).await?;
        page.press(RIGHT).await?;
        let at_end = page.until_stats("it is at the end", |stats| stats.state == "done").await?;
        ensure!(at_end.digest == end.digest, "the end differs");
        Ok(())
    });
}

#[test]
fn jumps_stop_right_behind_what_they_look_for() {
    with_page(async |page| {
        let end = done(&page, &format!("#{WEBSITE}")).await?;
        press_to(&page, HOME, 0.0).await?;
        for (key, name) in [("l", "late"), (".", "alerts")] {
            press_to(&page, HOME, 0.0).await?;
            let count = |stats: &Stats| if name == "late" { stats.late } else { stats.alerts };
            ensure!(count(&end) > 1.0, "nothing to find: {end:?}");
            page.press(key).await?;
            let first = page.until_stats(&format!("the first of {name}"), |s| count(s) == 1.0).await?;
            let before = press_to(&page, LEFT, first.events - 1.0).await?;
            ensure!(count(&before) == 0.0, "it stopped too far behind the first of {name}: {before:?}");
            page.press(key).await?;
            page.until_stats(&format!("it finds the first of {name} again"), |s| s.events == first.events)
                .await?;
            page.press(key).await?;
            let second = page.until_stats(&format!("the second of {name}"), |s| count(s) > 1.0).await?;
            ensure!(second.events > first.events, "{second:?}");
        }
        Ok(())
    });
}

#[test]
fn steps_by_window_go_from_result_to_result() {
    with_page(async |page| {
        done(&page, &format!("#{WEBSITE}")).await?;
        let mut at = page.stats().await?;
        for _ in 0..3 {
            page.press(SHIFT_LEFT).await?;
            let here = page.until_stats("it went back", |stats| stats.events < at.events).await?;
            let before = press_to(&page, LEFT, here.events - 1.0).await?;
            ensure!(before.windows < here.windows, "no window closed there: {here:?}");
            at = press_to(&page, RIGHT, here.events).await?;
            ensure!(at.digest == here.digest, "back and forth changed it");
        }
        Ok(())
    });
}

#[test]
fn a_shared_scene_says_whether_it_is_identical() {
    with_page(async |page| {
        done(&page, "#scenario=website&seed=7&events=60000&faults=disorder=3s&speed=max").await?;
        let digest = page.stats().await?.digest;
        page.slide("watermark-bound", 0).await?;
        let changed = page.until_stats("it ran again", |s| s.state == "done" && s.digest != digest).await?;
        page.click("permalink").await?;
        let fragment = page.script("return location.hash", &[]).await?;
        let fragment = fragment.as_str().unwrap_or_default().to_owned();
        for part in ["faults=disorder=3s", "watermark.bound=", &changed.digest] {
            ensure!(fragment.contains(part), "{part} is not in {fragment}");
        }
        let opened = done(&page, &fragment).await?;
        ensure!(opened.digest == changed.digest, "the scene is another one");
        page.until("it says identical", async || Ok(page.text("shared").await?.starts_with("Identical")))
            .await?;
        done(&page, &fragment.replace(&changed.digest, "0123456789abcdef")).await?;
        page.until("it says not identical", async || {
            Ok(page.text("shared").await?.starts_with("Not identical"))
        })
        .await
    });
}

#[test]
fn faults_do_the_same_here_and_there() {
    with_page(async |page| {
        let whole = done(&page, "#scenario=website&seed=5&events=50000&speed=max").await?;
        let fragment = "#scenario=website&seed=5&events=50000&speed=max&faults=disorder=20s,duplicates=2%25";
        let stats = done(&page, fragment).await?;
        let native = run(&["--from", "scenario:website?seed=5&events=50000&disorder=20s&duplicates=2%"])?;
        ensure!(stats.digest == native.digest, "the page {stats:?}, the binary {native:?}");
        ensure!(stats.digest != whole.digest && stats.late > whole.late, "the faults do nothing");
        Ok(())
    });
}

#[test]
fn results_are_saved_as_the_binary_writes_them() {
    with_page(async |page| {
        let stats = done(&page, "#scenario=website&seed=5&events=50000&speed=max").await?;
        page.click("export-more").await?;
        let jsonl = std::fs::read_to_string(page.download("export-jsonl").await?)?;
        let native = kappascope(&["run", "--from", "scenario:website?seed=5&events=50000"])?;
        ensure!(jsonl == native, "{} bytes here, {} there", jsonl.len(), native.len());
        page.click("export-more").await?;
        let csv = std::fs::read_to_string(page.download("export-csv").await?)?;
        ensure!(csv.lines().count() as f64 == stats.windows + 1.0, "{stats:?}");
        let lines = native.lines().filter(|line| line.starts_with("{\"type\":\"window\""));
        let lines: Result<Vec<String>> = lines.map(csv_line).collect();
        let head = "start,end,event_type,revision,timing,retraction,count(),avg(value)";
        for (here, there) in csv.lines().zip(std::iter::once(head.to_owned()).chain(lines?)) {
            ensure!(here == there, "the page writes {here}, the binary {there}");
        }
        Ok(())
    });
}

/// The line of the page's CSV that says the same as one of the binary's.
fn csv_line(line: &str) -> Result<String> {
    let raw = |name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
        rest.split([',', '}']).next().map(|value| value.trim_matches('"'))
    };
    let fields: Option<Vec<&str>> =
        ["start", "end", "event_type", "revision", "timing"].into_iter().map(raw).collect();
    let fields = fields.with_context(|| format!("a field is missing in {line}"))?.join(",");
    let count = raw("count()").context("no count")?;
    let average: f64 = raw("avg(value)").context("no average")?.parse()?;
    Ok(format!("{fields},{},{count},{average}", raw("retraction").unwrap_or("false")))
}

#[test]
fn a_scene_is_saved_and_opened_again() {
    with_page(async |page| {
        done(&page, "#scenario=website&seed=7&events=60000&faults=hot_key=30%25&speed=max").await?;
        let digest = page.stats().await?.digest;
        page.slide("watermark-bound", 0).await?;
        let changed = page.until_stats("it ran again", |s| s.state == "done" && s.digest != digest).await?;
        page.click("export-more").await?;
        let scene = std::fs::read_to_string(page.download("export-scene").await?)?;
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        page.drop_text("mine.scene", &scene).await?;
        let again = page.until_stats("the scene is there", |s| s.digest == changed.digest).await?;
        ensure!((again.events, again.late) == (changed.events, changed.late), "{changed:?}, {again:?}");
        page.until("it says identical", async || Ok(page.text("shared").await?.starts_with("Identical")))
            .await?;
        // The negative control: a scene that lost its end is none, and what is open goes on.
        page.drop_text("cut.scene", &scene[..scene.len() / 2]).await?;
        page.until("it says why", async || {
            let told = page.text("error").await?;
            Ok(told.contains("cut.scene") && told.contains("its end is missing"))
        })
        .await?;
        ensure!(page.stats().await?.digest == changed.digest, "a scene that is none changes what is open");
        Ok(())
    });
}

#[test]
fn the_binary_goes_on_from_the_page_s_snapshot() {
    with_page(async |page| {
        let source = "scenario:website?seed=5&events=50000";
        let end = done(&page, "#scenario=website&seed=5&events=50000&speed=max").await?;
        page.open("#scenario=website&seed=5&events=50000&row=30000").await?;
        page.until_stats("it stands in the middle", |s| s.events == 30_000.0 && s.state == "paused").await?;
        page.click("export-more").await?;
        let snapshot = page.download("export-snapshot").await?;
        let native = run(&["--from", source, "--resume", &snapshot.to_string_lossy()])?;
        ensure!(native.digest == end.digest && native.events as f64 == end.events, "{native:?}, {end:?}");
        Ok(())
    });
}

#[test]
fn a_search_goes_to_a_row() {
    with_page(async |page| {
        done(&page, "#scenario=tutorial&seed=1&speed=max").await?;
        page.press("/").await?;
        page.press("#1204\n").await?;
        let stats = page.until_stats("it stands there", |stats| stats.events == 1_204.0).await?;
        ensure!(stats.state == "paused", "{stats:?}");
        let pressed = page.script("return document.activeElement.tagName", &[]).await?;
        ensure!(pressed != json!("INPUT"), "the search keeps the keys");
        Ok(())
    });
}
