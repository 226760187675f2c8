//! Looking inside: from an alert to its window, to an event, and back; from a dropped event to the setting that would
//! have kept it. What is said there is held against what the binary writes.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Stats, kappascope, keys, run, with_page};
use serde_json::Value;

const WEBSITE: &str = "website&seed=7&events=60000";

async fn opened(page: &Page, more: &str) -> Result<Stats> {
    page.open(&format!("#scenario={WEBSITE}&speed=max{more}")).await?;
    let stats =
        page.until_stats("the log has been run", |s| s.state == "done" && s.events == 60_000.0).await?;
    // It stands above the list of alerts and moves it when it comes.
    let explained = |words: &str| words.contains("threshold") || stats.alerts == 0.0;
    page.until_words("the newest alert is explained", "[data-testid=explain]", explained).await?;
    Ok(stats)
}

fn source() -> String {
    format!("scenario:{}", WEBSITE.replacen('&', "?", 1))
}

/// What the binary writes of one kind.
fn lines(arguments: &[&str], kind: &str) -> Result<Vec<Value>> {
    let text = kappascope(&[&["run", "--from", &source()], arguments].concat())?;
    let mark = format!("{{\"type\":\"{kind}\"");
    text.lines().filter(|line| line.starts_with(&mark)).map(|line| Ok(serde_json::from_str(line)?)).collect()
}

const ALERT: &str = "[data-testid=explain-alert]";
const WINDOW: &str = "[data-testid=explain-window]";
const EVENT: &str = "[data-testid=explain-event]";
const SECOND: &str = "[data-testid=alerts] li:nth-child(2) button";
const WAY: &str = "[data-testid=explain] nav";

/// The button in an answer that leads on to what begins so.
fn onward(answer: &str, at: usize) -> String {
    format!("{answer} > .onwards > button:nth-of-type({at})")
}

/// The steps of the way to what is shown.
async fn way(page: &Page) -> Result<Vec<String>> {
    let way = page.words(WAY).await?;
    Ok(way.lines().map(str::trim).filter(|step| !step.is_empty()).map(str::to_owned).collect())
}

#[test]
fn an_alert_leads_to_its_window_its_event_and_back() {
    with_page(async |page| {
        opened(&page, "").await?;
        let fired: Vec<Value> = lines(&[], "alert")?.into_iter().filter(|a| a["state"] == "firing").collect();
        // The newest is brought about by the end of the log and has no event.
        let second = fired.iter().rev().nth(1).context("only one alert fires")?;
        // By keys, as a person without a mouse does: the focus follows the answer.
        page.press_on(SECOND, keys::ENTER).await?;
        let alert = page.until_words("the alert is explained", ALERT, |words| !words.is_empty()).await?;
        let count = second["values"]["per_minute.count()"].as_f64().context("no count")?;
        ensure!(alert.contains(&format!("{count} ")), "{count} is not in {alert}");
        ensure!(alert.contains(second["rule"].as_str().unwrap_or("?")), "{alert}");
        let score = second["values"]["score"].as_f64().context("no score")?;
        ensure!(alert.contains(&format!("{:.2}", score.abs())), "the score {score} is not in {alert}");
        let focused = "return document.activeElement.id";
        ensure!(page.script(focused, &[]).await? == "explain-heading", "the focus stays behind");

        page.tap(&onward(ALERT, 1)).await?;
        let window = page.until_words("the window is explained", WINDOW, |words| !words.is_empty()).await?;
        ensure!(window.contains(&format!("{count} ")), "{count} is not in {window}");
        let two = way(&page).await?;
        ensure!(two.len() == 2, "the way is {two:?}");

        page.tap(&format!("{WINDOW} [aria-label='Events of the window'] button")).await?;
        let event = page.until_words("the event is explained", EVENT, |words| !words.is_empty()).await?;
        ensure!(event.contains(&two[1]), "the event does not name its window {}: {event}", two[1]);
        ensure!(way(&page).await?.len() == 3, "the way is {:?}", way(&page).await?);

        // An event counts in its window: going on there is going back.
        page.tap(&format!("{EVENT} .fate .onwards > button")).await?;
        page.until_words("the window again", WINDOW, |words| words == window).await?;
        ensure!(way(&page).await? == two, "the way is {:?}", way(&page).await?);
        page.click("explain-back").await?;
        page.until_words("the alert again", ALERT, |words| words == alert).await?;
        page.press(keys::ESCAPE).await?;
        page.until("the inspector is closed", async || Ok(page.words(WAY).await?.is_empty())).await
    });
}

/// Opens the scene and asks for the second of its alerts; gives what is said of it.
async fn second_alert(page: &Page) -> Result<String> {
    opened(page, "").await?;
    page.tap(SECOND).await?;
    page.until_words("the alert is explained", ALERT, |words| !words.is_empty()).await
}

#[test]
fn a_window_leads_to_the_alert_that_it_brought_about() {
    with_page(async |page| {
        let alert = second_alert(&page).await?;
        page.tap(&onward(ALERT, 1)).await?;
        page.until_words("the window is explained", WINDOW, |words| !words.is_empty()).await?;
        page.tap(&format!("{WINDOW} .onwards > button")).await?;
        page.until_words("its alert is explained", ALERT, |words| words == alert).await.map(drop)
    });
}

#[test]
fn the_crumbs_lead_back() {
    with_page(async |page| {
        let alert = second_alert(&page).await?;
        page.tap(&onward(ALERT, 2)).await?;
        page.until_words("the event that brought it", EVENT, |words| !words.is_empty()).await?;
        page.press_on(&format!("{WAY} button"), keys::ENTER).await?;
        page.until_words("the alert again", ALERT, |words| words == alert).await?;
        ensure!(way(&page).await?.len() == 1, "the way is {:?}", way(&page).await?);
        Ok(())
    });
}

#[test]
fn a_dropped_event_says_what_would_have_kept_it() {
    with_page(async |page| {
        let strict = opened(&page, "&watermark.bound=0s&query.0.lateness=0s").await?;
        let pipeline = page.download("export").await?;
        let late = lines(&["-p", &pipeline.to_string_lossy()], "late")?;
        ensure!(late.len() as f64 == strict.late, "{} here, {} there", strict.late, late.len());
        // The newest first.
        let newest = late.last().context("nothing is late")?;
        page.click("tab-late").await?;
        page.press_on("[data-testid=late-events] tbody button", keys::ENTER).await?;
        let event =
            page.until_words("it is explained", EVENT, |words| words.contains("too short by")).await?;
        let partition = newest["partition"].to_string();
        ensure!(
            event.contains(&format!("Partition\n{partition}")),
            "partition {partition} is not in {event}"
        );
        let behind = newest["watermark"].as_f64().zip(newest["time"].as_f64()).context("no times")?;
        let (behind, told) = (behind.0 - behind.1, event.split("Behind it by\n").nth(1).context("no word")?);
        let told = seconds(told.lines().next().unwrap_or_default()).with_context(|| told.to_owned())?;
        ensure!((told * 1e3 - behind).abs() < 1.0, "{behind} ms behind, and {told} s are told");
        page.click("enough-lateness").await?;
        let kept = |s: &Stats| s.state == "done" && s.late < strict.late && s.events == strict.events;
        let kept = page.until_stats("fewer are late", kept).await?;
        page.until_words("the event counts", EVENT, |words| words.contains("It counts in")).await?;
        let pipeline = page.download("export").await?;
        let native = run(&["-p", &pipeline.to_string_lossy(), "--from", &source()])?;
        ensure!(kept.digest == native.digest && kept.late == native.late as f64, "{kept:?}, {native:?}");
        Ok(())
    });
}

/// Seconds of a duration such as `1 min 2.5 s` or `320 ms`.
fn seconds(words: &str) -> Option<f64> {
    let words: Vec<&str> = words.split(' ').collect();
    words.chunks(2).try_fold(0.0, |sum, part| {
        let [number, unit] = part else { return None };
        let unit = match *unit {
            "ms" => 0.001,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        Some(sum + number.parse::<f64>().ok()? * unit)
    })
}
