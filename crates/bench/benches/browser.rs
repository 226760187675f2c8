//! The works inside a Web Worker in a real Chromium, through the harness of the end-to-end tests.
//!
//! `cargo xtask bench --browser` builds the folder that is opened and says where it is, as it does for the tests.
//! The pages' scripts hold the contestants and the clock (`browser/`); whose turn it is, is decided here.
//!
//! **Invariant:** a run that fails, or a warning in the console, ends in an error: no table has a row less.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kappascope_bench::Work;
use kappascope_bench::detector::Detector;
use kappascope_bench::form::Form;
use kappascope_bench::table::{self, Rows};
use kappascope_e2e::Page;

/// How many events each work takes, how often it is measured, and whether beside DuckDB-WASM.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    quick: bool,
    peers: bool,
}

fn main() {
    let mut plan = Plan::default();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => plan.quick = true,
            "--peers" => plan.peers = true,
            // What cargo itself passes to a benchmark.
            _ => {}
        }
    }
    kappascope_e2e::with_page(|page| measure(page, plan));
}

async fn measure(page: Page, plan: Plan) -> Result<()> {
    let (events, rows, rounds) =
        if plan.quick { (1_000_000, 100_000, 3) } else { (10_000_000, 1_000_000, 9) };
    page.open("").await?;
    call(&page, &format!("start({events}, {})", plan.peers)).await?;
    println!("{}, in a Web Worker\n\n{}", browser(&page).await?, table::header());
    for work in &Work::ALL {
        let prepare = format!("choose('{}')", work.id);
        println!("{}", beside(&page, &prepare, work.name, events, rounds).await.context(work.id)?);
    }
    for detector in &Detector::ALL {
        let prepare = format!("detect('{}')", detector.id);
        println!("{}", beside(&page, &prepare, detector.name, events, rounds).await.context(detector.id)?);
    }
    for form in Form::ALL {
        let prepare = format!("write('{}', {rows})", form.id());
        println!("{}", beside(&page, &prepare, form.title(), rows, rounds).await.context(form.id())?);
    }
    Ok(())
}

/// One work: every contestant in turn, so many rounds.
async fn beside(page: &Page, prepare: &str, title: &str, events: u64, rounds: usize) -> Result<Rows> {
    let names: Vec<String> = serde_json::from_value(call(page, prepare).await?)?;
    let mut times: Vec<(String, Vec<Duration>)> = names.into_iter().map(|name| (name, Vec::new())).collect();
    for _ in 0..rounds {
        for (name, times) in &mut times {
            let answer = call(page, &format!("run('{name}')")).await?;
            let ms = answer.as_f64().with_context(|| format!("{name} took {answer}"))?;
            times.push(Duration::from_secs_f64(ms / 1_000.0));
        }
    }
    Ok(Rows::of(title, events, &times))
}

/// The browser's name and version.
async fn browser(page: &Page) -> Result<String> {
    let agent = page.script("return navigator.userAgent", &[]).await?;
    let product = agent.as_str().unwrap_or_default().split(' ').find(|product| product.contains("Chrome/"));
    Ok(product.unwrap_or("a browser that does not say its name").to_owned())
}

/// Calls one of the page's functions. Its failure comes as a value: WebDriver would hide the message in a trace.
async fn call(page: &Page, code: &str) -> Result<serde_json::Value> {
    let code = format!(
        "return Promise.resolve(kappascope.{code}).then(result => ({{ result }}), error => ({{ error: String(error) }}))"
    );
    let mut answer = page.script(&code, &[]).await?;
    match answer.get("error") {
        Some(error) => anyhow::bail!("{error}; the console says {:?}", page.complaints().await?),
        None => Ok(answer["result"].take()),
    }
}
