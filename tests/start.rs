//! The page opened where something is wrong: an address that is none, a browser that refuses or lacks something.

use anyhow::{Result, ensure};
use kappascope_e2e::{Page, Served, run, with_page};
use serde_json::{Value, json};

/// The text that says why the page does not run; empty while it is hidden.
async fn fatal(page: &Page) -> Result<String> {
    let code = "const place = document.querySelector('#fatal'); return place.hidden ? '' : place.innerText";
    Ok(page.script(code, &[]).await?.as_str().unwrap_or_default().to_owned())
}

async fn source(page: &Page) -> Result<Value> {
    page.script("return document.querySelector('[data-testid=source]').value", &[]).await
}

/// Just below what Chromium takes as an address.
const LONG: usize = 2_000_000;

#[test]
fn an_address_that_is_none_opens_the_first_scenario_and_says_why() {
    with_page(async |page| {
        page.open("").await?;
        page.until_stats("it runs", |stats| stats.events > 0.0).await?;
        let first = source(&page).await?;
        let cases = [
            ("#v=1&scenario=tutorial&seed=7&water".to_owned(), "its end is missing"),
            ("#v=2&scenario=tutorial&seed=7&end".to_owned(), "newer page"),
            (format!("#scenario=tutorial&query.0.where={}", "x".repeat(LONG)), "bytes long"),
        ];
        for (fragment, why) in cases {
            page.open(&fragment).await?;
            let told = page.text("error").await?;
            ensure!(told.contains(why) && told.len() < 400, "{fragment:.60} is told as: {told:.600}");
            ensure!(source(&page).await? == first, "{fragment:.60} opens {}", source(&page).await?);
            page.until_stats("it runs", |stats| stats.state == "running" && stats.events > 0.0).await?;
        }
        Ok(())
    });
}

/// The negative control: what is asked for there is opened when the address is whole.
#[test]
fn a_whole_address_is_taken_without_a_word() {
    with_page(async |page| {
        page.open("#v=1&scenario=tutorial&seed=7&end").await?;
        page.until_stats("it runs", |stats| stats.events > 0.0).await?;
        ensure!(source(&page).await? == json!("scenario:tutorial"), "it opens {}", source(&page).await?);
        let told = "return document.querySelector('[data-testid=error]')?.innerText ?? ''";
        ensure!(page.script(told, &[]).await? == json!(""), "{}", page.script(told, &[]).await?);
        Ok(())
    });
}

/// What a browser may refuse, and the page goes on without.
const REFUSALS: [&str; 4] = [
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })",
    "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
    "if (isSecureContext) ServiceWorkerContainer.prototype.register = () => Promise.reject(new TypeError('refused'))",
    // As on a page that did not come by HTTPS.
    "delete Navigator.prototype.serviceWorker",
];

#[test]
fn what_a_browser_refuses_does_not_stop_the_page() {
    for refusal in REFUSALS {
        with_page(async |page| {
            page.before_each(refusal).await?;
            page.open("#scenario=tutorial&seed=1&speed=max").await?;
            page.click("theme").await?;
            page.until_stats("the source is done", |stats| stats.state == "done").await?;
            // By then it has tried to put its files by.
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            ensure!(fatal(&page).await?.is_empty(), "{refusal}: {}", fatal(&page).await?);
            Ok(())
        });
    }
}

/// What a browser may lack, and the word that says so.
const LACKS: [(&str, &str); 3] = [
    ("delete globalThis.WebAssembly", "has no WebAssembly."),
    // A browser without modules there does not ask for the worker's type.
    ("globalThis.Worker = function () {}", "has no modules in workers."),
    (
        "delete globalThis.Worker; delete globalThis.WebAssembly",
        "has no WebAssembly and no modules in workers.",
    ),
];

#[test]
fn a_browser_that_lacks_something_is_told_what() {
    for (lack, told) in LACKS {
        with_page(async |page| {
            page.before_each(lack).await?;
            page.load("").await?;
            page.until(told, async || Ok(fatal(&page).await?.contains(told))).await?;
            // That what was loaded ahead is not used.
            page.complaints().await.map(drop)
        });
    }
}

#[test]
fn the_page_comes_from_the_binary() {
    with_page(async |page| {
        let served = Served::start(&[])?;
        let scene = "scenario=website&seed=7&events=20000";
        page.open_at(&format!("{}/#{scene}&speed=max", served.url)).await?;
        let shown = page.until_stats("it is done", |stats| stats.state == "done").await?;
        let native =
            run(&["--from", &format!("scenario:{}", scene["scenario=".len()..].replacen('&', "?", 1))])?;
        ensure!(shown.digest == native.digest, "{shown:?}, {native:?}");
        let complaints = page.complaints().await?;
        ensure!(complaints.is_empty(), "{complaints:?}");
        Ok(())
    });
}
