//! What axe-core finds on the page: nothing that shuts people out, in both themes, on wide and narrow screens.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Theme, axe, repository, with_page};
use serde_json::{Value, json};

/// Much happens in it, and it stands still.
const SCENE: &str = "#scenario=website&seed=42&events=60000&speed=max";

/// What axe-core finds wrong, as `rule: selector`, and beside it how much it looked at.
async fn findings(page: &Page) -> Result<(Vec<String>, u64)> {
    let script = std::fs::read_to_string(axe()).context("reading axe-core")?;
    page.script(&format!("if (!globalThis.axe) {{ {script} }}"), &[]).await?;
    let code = "return axe.run(document, { resultTypes: ['violations'] }).then(({ violations, passes }) => [
                  violations.flatMap(({ id, nodes }) => nodes.map(node => {
                    const colours = node.any.map(check => check.data).find(data => data?.contrastRatio);
                    const why = colours ? ` ${colours.fgColor} on ${colours.bgColor}: ${colours.contrastRatio}` : '';
                    return `${id}: ${node.target.join(' ')}${why}`;
                  })), passes.length])";
    Ok(serde_json::from_value(page.script(code, &[]).await?)?)
}

/// Opens all menus that are there, and counts them.
const OPEN_MENUS: &str =
    "for (const menu of document.querySelectorAll('[aria-expanded=false]')) menu.click();
     return new Promise(done => requestAnimationFrame(() =>
       done(document.querySelectorAll('[aria-expanded=true]').length)))";

/// A state of the page, and how a person comes there.
async fn show(page: &Page, state: &str) -> Result<()> {
    match state {
        "running" => {
            page.open("#scenario=website&seed=42&speed=3600").await?;
            return page.until_stats("windows close", |stats| stats.windows > 20.0).await.map(drop);
        }
        "data" => {
            page.open("").await?;
            page.upload("upload", &repository("samples/nyc-flights.csv")).await?;
            page.until_stats("the file is done", |s| s.state == "done" && s.events > 6e3).await?;
            return page.find("data-facts").await.map(drop);
        }
        _ => {}
    }
    page.open(SCENE).await?;
    page.until_stats("the source is done", |stats| stats.state == "done").await?;
    match state {
        "window" => click(page, "[data-testid=windows-table] tbody button").await,
        "event" => {
            click(page, "[data-testid=windows-table] tbody button").await?;
            page.find("explain-window").await?;
            click(
                page,
                "[data-testid=explain-window] table button, [data-testid=explain-window] .events button",
            )
            .await?;
            page.find("explain-event").await.map(drop)
        }
        "alert" => {
            click(page, "[data-testid=alerts] button:not([aria-expanded])").await?;
            page.find("explain-alert").await.map(drop)
        }
        "menus" => {
            let opened = page.script(OPEN_MENUS, &[]).await?;
            ensure!(opened.as_u64() > Some(1), "{opened} menus open");
            Ok(())
        }
        "error" => page.drop_text("empty.csv", "").await,
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

const STATES: [&str; 9] =
    ["running", "data", "window", "event", "alert", "menus", "error", "tab-late", "tab-rejected"];

#[test]
fn nothing_shuts_people_out() {
    with_page(async |page| {
        let mut all = Vec::new();
        for (theme, width) in
            [(Theme::Light, 1440), (Theme::Dark, 1440), (Theme::Light, 390), (Theme::Dark, 390)]
        {
            page.prefer(theme).await?;
            page.resize(width, 900).await?;
            for state in STATES {
                show(&page, state).await.with_context(|| format!("showing {state}"))?;
                let (found, passed) = findings(&page).await?;
                ensure!(passed > 10, "axe-core looked at {passed} things only");
                all.extend(found.iter().map(|found| format!("{theme:?} {width} {state}: {found}")));
            }
        }
        ensure!(all.is_empty(), "{} findings:\n{}", all.len(), all.join("\n"));
        Ok(())
    });
}

/// The negative control.
#[test]
fn a_picture_without_words_is_found() {
    with_page(async |page| {
        show(&page, "running").await?;
        let picture = "document.querySelector('main').append(new Image(20, 20))";
        page.script(picture, &[]).await.map(drop::<Value>)?;
        let (found, _) = findings(&page).await?;
        ensure!(found.iter().any(|found| found.starts_with("image-alt")), "{found:?}");
        Ok(())
    });
}
