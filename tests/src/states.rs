//! The states of the page that are looked at one by one: by axe-core, by rulers, by people.

use crate::{Page, Theme, repository};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

/// Much happens in it, and it stands still.
const SCENE: &str = "#scenario=website&seed=42&events=60000&speed=max";

/// States of a scene that stands still, each reached from the one before.
const STILL: [&str; 11] = [
    "tab-windows",
    "tab-distribution",
    "tab-lag",
    "tab-late",
    "tab-rejected",
    "window",
    "event",
    "alert",
    "scene",
    "error",
    "menus",
];

/// Shows the page in both themes and in each of some sizes, and lets each be looked at by its name, such as `dark-390`.
///
/// # Errors
/// Those of the page and of the look; both say at which.
pub async fn each_look(
    page: &Page,
    sizes: &[(u32, u32)],
    look: impl AsyncFn(&str) -> Result<()>,
) -> Result<()> {
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        page.prefer(theme).await?;
        for &(width, height) in sizes {
            let name = format!("{name}-{width}");
            page.resize(width, height).await.with_context(|| name.clone())?;
            look(&name).await.context(name)?;
        }
    }
    Ok(())
}

/// Takes the page through its states and lets each be looked at.
///
/// # Errors
/// When a state is not reached, and those of the look; both say at which state.
pub async fn each_state(page: &Page, look: impl AsyncFn(&str) -> Result<()>) -> Result<()> {
    show_running(page).await?;
    look("running").await.context("running")?;
    show_data(page).await?;
    look("data").await.context("data")?;
    page.open(SCENE).await?;
    page.until_stats("the source is done", |stats| stats.state == "done").await?;
    for state in STILL {
        show(page, state).await.context(state)?;
        look(state).await.context(state)?;
    }
    Ok(())
}

/// Opens a scene that plays.
///
/// # Errors
/// When it does not play.
pub async fn show_running(page: &Page) -> Result<()> {
    page.open("#scenario=website&seed=42&speed=3600").await?;
    page.until_stats("windows close", |stats| stats.windows > 20.0).await.map(drop)
}

/// Opens a file and what is known of it.
async fn show_data(page: &Page) -> Result<()> {
    page.open("").await?;
    page.upload("upload", &repository("samples/nyc-flights.csv")).await?;
    page.until_stats("the file is done", |s| s.state == "done" && s.events > 6e3).await?;
    page.find("data-facts").await.map(drop)
}

/// Opens all menus that are there, and counts them.
const OPEN_MENUS: &str =
    "for (const menu of document.querySelectorAll('[aria-expanded=false]')) menu.click();
     return new Promise(done => requestAnimationFrame(() =>
       done(document.querySelectorAll('[aria-expanded=true]').length)))";

/// Opens all that is folded in the scene, and the scene where it is a sheet.
const OPEN_SCENE: &str =
    "for (const folded of document.querySelectorAll('#scene details')) folded.open = true;
     const sheet = document.querySelector('[aria-controls=scene]');
     if (sheet.getClientRects().length) sheet.click();
     return new Promise(done => setTimeout(() => done(true), 300))";

/// From one state to the next.
async fn show(page: &Page, state: &str) -> Result<()> {
    match state {
        "window" => {
            click(page, "[data-testid=tab-windows]").await?;
            click(page, "[data-testid=windows-table] tbody button").await?;
            page.find("explain-window").await.map(drop)
        }
        "event" => {
            click(page, "[data-testid=explain-window] table button").await?;
            page.find("explain-event").await.map(drop)
        }
        "alert" => {
            click(page, "[data-testid=alerts] button").await?;
            page.find("explain-alert").await.map(drop)
        }
        "scene" => {
            click(page, "[data-testid=inspector-close]").await?;
            page.script(OPEN_SCENE, &[]).await.map(drop)
        }
        "error" => {
            page.press(crate::keys::ESCAPE).await?;
            page.drop_text("empty.csv", "").await?;
            page.find("error").await.map(drop)
        }
        "menus" => {
            let opened = page.script(OPEN_MENUS, &[]).await?;
            ensure!(opened.as_u64() > Some(1), "{opened} menus open");
            Ok(())
        }
        tab => click(page, &format!("[data-testid={tab}]")).await,
    }
}

/// Clicks the first of a selector's elements, once it is there.
async fn click(page: &Page, selector: &str) -> Result<()> {
    page.until(&format!("{selector} is there"), async || {
        let code = "const found = document.querySelector(arguments[0]); found?.click(); return !!found";
        Ok(page.script(code, &[json!(selector)]).await? == json!(true))
    })
    .await
}
