//! What hands do beyond the sliders: events that are dragged or stepped to another time and put back, charts that
//! are saved, dials that are turned on a phone.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Stats, run, with_page};
use serde_json::json;

const SCENE: &str = "#scenario=website&seed=7&events=4000&speed=max";
const EVENTS: f64 = 4_000.0;

/// Keys as WebDriver names them.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

const DOTS: &str = "[data-testid=disorder] .plot .canvases";

/// Waits until the whole log has been run with an outcome for which a condition holds.
async fn done(page: &Page, what: &str, condition: impl Fn(&Stats) -> bool) -> Result<Stats> {
    let all = |s: &Stats| s.state == "done" && s.events >= EVENTS && condition(s);
    page.until_stats(what, all).await
}

/// A place in the chart at which a dot is under the pointer, as parts of its size.
async fn a_dot(page: &Page) -> Result<(f64, f64)> {
    let told = "return !document.querySelector('.tip.at-dot').hidden";
    for step in 0..40 {
        let at = (0.5, 0.06 + 0.02 * f64::from(step));
        page.hover(DOTS, at).await?;
        // The tip comes with the next animation frame.
        page.script(
            "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))",
            &[],
        )
        .await?;
        if page.script(told, &[]).await? == json!(true) {
            return Ok(at);
        }
    }
    anyhow::bail!("there is no dot in the middle of the chart")
}

/// The address of the scene as it is now.
async fn address(page: &Page) -> Result<String> {
    page.script("history.replaceState(null, '', '#')", &[]).await?;
    page.click("permalink").await?;
    let fragment =
        async || Ok(page.script("return location.hash", &[]).await?.as_str().unwrap_or_default().to_owned());
    page.until("the address is renewed", async || Ok(fragment().await?.len() > 1)).await?;
    fragment().await
}

async fn is_there(page: &Page, id: &str) -> Result<()> {
    let there = format!("return !!document.querySelector('[data-testid={id}]')");
    page.until(id, async || Ok(page.script(&there, &[]).await? == json!(true))).await
}

#[test]
fn a_dot_is_dragged_to_another_time_and_put_back() {
    with_page(async |page| {
        page.open(SCENE).await?;
        let before = done(&page, "the log has been run", |_| true).await?;
        page.script("document.querySelectorAll('[data-testid=disorder-view] button')[1].click()", &[])
            .await?;
        let at = a_dot(&page).await?;

        // Escape leaves it where it is, and a click only explains.
        page.drag_and(DOTS, at, (0.0, 60.0), async || page.press(ESCAPE).await).await?;
        let dot = a_dot(&page).await?;
        page.drag(DOTS, dot, (0.0, 0.0)).await?;
        page.until("the event is explained", async || Ok(page.text("explain").await?.contains("Event")))
            .await?;
        let still = page.stats().await?;
        ensure!(still.digest == before.digest && still.late == before.late, "{before:?}, {still:?}");
        ensure!(!address(&page).await?.contains("move="));

        // Far into the past: its windows are gone, and it is dropped.
        page.drag(DOTS, dot, (0.0, 70.0)).await?;
        let after = done(&page, "another outcome", |s| s.digest != before.digest).await?;
        is_there(&page, "event-own-time").await?;
        // Whoever opens the address sees the same.
        let shared = address(&page).await?;
        ensure!(shared.contains("move="), "{shared}");
        page.open(&shared).await?;
        done(&page, "the same outcome", |s| s.digest == after.digest).await?;

        page.click("event-reset").await?;
        done(&page, "what it was", |s| s.digest == before.digest).await?;
        ensure!(!address(&page).await?.contains("move="));
        Ok(())
    });
}

#[test]
fn an_event_is_stepped_to_another_time_by_keys() {
    with_page(async |page| {
        page.open(SCENE).await?;
        let before = done(&page, "the log has been run", |_| true).await?;
        let dot = a_dot(&page).await?;
        page.drag(DOTS, dot, (0.0, 0.0)).await?;
        page.until("the event is explained", async || Ok(page.text("explain").await?.contains("Event")))
            .await?;
        let focus = "document.querySelector('[data-testid=event-time] button').focus()";
        page.script(focus, &[]).await?;
        page.press(ENTER).await?;
        done(&page, "another outcome", |s| s.digest != before.digest).await?;
        is_there(&page, "event-own-time").await?;
        page.script("document.querySelector('[data-testid=event-own-time]').focus()", &[]).await?;
        page.press(ENTER).await?;
        done(&page, "what it was", |s| s.digest == before.digest).await?;
        Ok(())
    });
}

const WEBSITE: &str = "scenario=website&seed=7&events=60000";

/// A phone's screen, in CSS pixels.
const PHONE: (u32, u32) = (390, 844);

/// Opens the page and waits for the end of its source.
async fn opened(page: &Page, fragment: &str) -> Result<Stats> {
    page.open(fragment).await?;
    page.until_stats("the source is done", |stats| stats.state == "done").await
}

/// Waits until JavaScript says that something holds.
async fn holds(page: &Page, what: &str, code: &str) -> Result<()> {
    page.until(what, async || Ok(page.script(code, &[]).await? == json!(true))).await
}

#[test]
fn a_slow_sink_is_drawn_and_told() {
    with_page(async |page| {
        opened(&page, &format!("#{WEBSITE}&speed=max")).await?;
        ensure!(
            page.script("return document.querySelector('[data-testid=sink-chart]')", &[]).await?
                == json!(null)
        );
        page.script("document.querySelector('[data-testid=faults]').open = true", &[]).await?;
        page.slide("fault-sink", 0).await?;
        let told = "return document.querySelector('[data-testid=sink-chart]')?.ariaLabel?.includes('The queue was full') ?? false";
        holds(&page, "the queue is told", told).await?;
        page.until(
            "the chart is drawn",
            async || Ok(page.painted("[data-testid=sink-chart]").await? > 500.0),
        )
        .await?;
        // One that is fast enough has no chart.
        page.slide("fault-sink", 9).await?;
        holds(&page, "the chart is gone", "return !document.querySelector('[data-testid=sink-chart]')").await
    });
}

#[test]
fn saved_charts_say_what_they_show() {
    with_page(async |page| {
        opened(&page, &format!("#{WEBSITE}&speed=max")).await?;
        let chart = "[aria-label='Main chart'] [data-testid=save]";
        holds(&page, "the chart can be saved", &format!("return !!document.querySelector(\"{chart}\")"))
            .await?;
        page.script(&format!("document.querySelector(\"{chart}\").click()"), &[]).await?;
        let svg = std::fs::read_to_string(page.download("save-svg").await?)?;
        for part in ["<title>Events per minute</title>", ">website, ", " UTC, count()", ">anomaly</text>"] {
            ensure!(svg.contains(part), "{part} is not in {svg:.1200}");
        }
        page.script(&format!("document.querySelector(\"{chart}\").click()"), &[]).await?;
        let png = std::fs::read(page.download("save-png").await?)?;
        let side = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
        let canvas = page
            .script(
                "const c = document.querySelector('[data-testid=chart] canvas'); return [c.width, c.height]",
                &[],
            )
            .await?;
        ensure!(
            canvas[0] == json!(side(16)) && json!(side(20)).as_u64() > canvas[1].as_u64(),
            "{} × {} of {canvas}",
            side(16),
            side(20)
        );
        Ok(())
    });
}

#[test]
fn a_phone_reaches_what_has_no_room() {
    with_page(async |page| {
        page.resize(PHONE.0, PHONE.1).await?;
        let stats = opened(&page, &format!("#{WEBSITE}&speed=max")).await?;
        page.click("export-more").await?;
        let pipeline = page.download("export-pipeline").await?;
        let native =
            run(&["-p", &pipeline.to_string_lossy(), "--from", "scenario:website?seed=7&events=60000"])?;
        ensure!(native.digest == stats.digest, "{native:?}, {stats:?}");
        for (item, dialog) in [("more-keys", "keys"), ("more-jump", "jump")] {
            page.click("export-more").await?;
            page.click(item).await?;
            let open = format!("return document.querySelector('[data-testid={dialog}]').open");
            holds(&page, dialog, &open).await?;
            page.press("\u{e00c}").await?;
        }
        Ok(())
    });
}

#[test]
fn a_fault_is_set_when_its_dial_is_let_go_and_the_sheet_stays() {
    with_page(async |page| {
        page.resize(PHONE.0, PHONE.1).await?;
        let before = opened(&page, &format!("#{WEBSITE}&speed=max")).await?;
        page.script("document.querySelector('[aria-controls=scene]').click()", &[]).await?;
        page.script("document.querySelector('[data-testid=faults]').open = true", &[]).await?;
        let turn = "const dial = document.querySelector('[data-testid=fault-disorder]');
             dial.value = arguments[0];
             dial.dispatchEvent(new Event(arguments[1], { bubbles: true }));
             return dial.ariaValueText ?? dial.getAttribute('aria-valuetext')";
        for step in ["3", "5", "7"] {
            page.script(turn, &[json!(step), json!("input")]).await?;
        }
        let told =
            "return document.querySelector('[data-testid=fault-disorder]').getAttribute('aria-valuetext')";
        page.until("it says where it will be", async || {
            Ok(page.script(told, &[]).await? == json!("1\u{a0}min"))
        })
        .await?;
        ensure!(page.stats().await?.digest == before.digest, "it was opened again while it was turned");
        page.script(turn, &[json!("7"), json!("change")]).await?;
        let after = page
            .until_stats("it was opened again", |s| s.state == "done" && s.digest != before.digest)
            .await?;
        let native = run(&["--from", "scenario:website?seed=7&events=60000&disorder=1m"])?;
        ensure!(native.digest == after.digest, "{native:?}, {after:?}");
        let open = "return document.querySelector('#scene').classList.contains('open')";
        ensure!(page.script(open, &[]).await? == json!(true), "the sheet was closed");
        ensure!(page.script(told, &[]).await? == json!("1\u{a0}min"), "the dial turned back");
        Ok(())
    });
}

#[test]
fn an_address_without_a_seed_is_the_scenario_s_own() {
    with_page(async |page| {
        let ours = opened(&page, "#scenario=tutorial&speed=max").await.context("without")?;
        let own = opened(&page, "#scenario=tutorial&seed=1&speed=max").await.context("with")?;
        let other = opened(&page, "#scenario=tutorial&seed=42&speed=max").await.context("another")?;
        ensure!(ours.digest == own.digest && ours.digest != other.digest, "{ours:?}, {own:?}");
        Ok(())
    });
}

#[test]
fn a_point_of_a_detector_on_a_measure_is_explained_from_chart_and_table() {
    with_page(async |page| {
        opened(&page, "#scenario=tutorial&seed=1&speed=max&detector.0.on=value&watch=0").await?;
        page.drag("[data-testid=chart]", (0.5, 0.5), (0.0, 0.0)).await?;
        let by_chart = page.text("explain-point").await?;
        for part in ["Point", "value of", "Its event", "threshold"] {
            ensure!(by_chart.contains(part), "{part} is not in {by_chart}");
        }
        page.click("inspector-close").await?;
        page.script("document.querySelector('[data-testid=windows-table] tbody button').click()", &[])
            .await?;
        let by_table = page.text("explain-point").await?;
        ensure!(by_table.contains("Its event") && by_table != by_chart, "{by_table}");
        page.script("document.querySelector('[data-testid=explain-point] .onward').click()", &[]).await?;
        page.find("explain-event").await.map(drop)
    });
}
