//! The page in a real Chromium, as a person uses it, held against the binary.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use anyhow::{Result, ensure};
use kappascope_e2e::{Page, Run, Stats, Theme, kappascope, repository, with_page};
use serde_json::json;
use std::path::{Path, PathBuf};

const SAMPLE: &str = "samples/nyc-flights.csv";

/// Opens a source at full speed and waits for its end.
async fn run_to_end(page: &Page, fragment: &str) -> Result<Stats> {
    page.open(fragment).await?;
    page.until_stats("the source is done", |stats| stats.state == "done").await
}

/// The pipeline that the page runs now, as the file it exports.
async fn exported(page: &Page) -> Result<PathBuf> {
    page.download("export").await
}

fn binary(pipeline: &Path, source: &str) -> Result<Run> {
    kappascope(&["run", "-p", &pipeline.to_string_lossy(), "--from", source])
}

fn same(stats: &Stats, run: &Run) -> Result<()> {
    let page = (stats.events, stats.windows, stats.late, stats.rejected, stats.alerts, &stats.digest);
    let native = (
        run.events as f64,
        run.windows as f64,
        run.late as f64,
        run.rejected as f64,
        run.alerts as f64,
        &run.digest,
    );
    ensure!(page == native, "the page says {page:?}, the binary {native:?}");
    Ok(())
}

#[test]
fn opens_on_a_running_scene() {
    with_page(async |page| {
        page.open("").await?;
        let first = page.until_stats("events come", |stats| stats.events > 0.0).await?;
        let later = page
            .until_stats("it goes on", |stats| stats.events > first.events && stats.windows > 0.0)
            .await?;
        ensure!(later.state == "running", "{later:?}");
        page.until("the page shows the digest", async || Ok(page.text("digest").await?.len() >= 16)).await
    });
}

#[test]
fn scenarios_give_the_binary_s_digest() {
    with_page(async |page| {
        for (name, seed) in [("tutorial", 7), ("website", 42)] {
            let stats =
                run_to_end(&page, &format!("#scenario={name}&seed={seed}&events=200000&speed=max")).await?;
            let source = format!("scenario:{name}?seed={seed}&events=200000");
            same(&stats, &kappascope(&["run", "--from", &source])?)?;
            same(&stats, &binary(&exported(&page).await?, &source)?)?;
            let other =
                kappascope(&["run", "--from", &format!("scenario:{name}?seed={}&events=200000", seed + 1)])?;
            ensure!(other.digest != stats.digest, "another seed gives the same digest");
        }
        Ok(())
    });
}

#[test]
fn real_file_by_one_click_gives_the_binary_s_digest() {
    with_page(async |page| {
        page.open("").await?;
        page.choose("source", "sample:nyc-flights").await?;
        let stats = page.until_stats("the sample is done", |stats| stats.state == "done").await?;
        let file = repository(SAMPLE);
        same(&stats, &binary(&repository("samples/nyc-flights.toml"), &file.to_string_lossy())?)
    });
}

#[test]
fn uploaded_file_gives_the_binary_s_digest() {
    with_page(async |page| {
        page.open("").await?;
        let file = repository(SAMPLE);
        page.upload("upload", &file).await?;
        let rows = std::fs::read_to_string(&file)?.lines().count() - 1;
        let stats =
            page.until_stats("the file is done", |s| s.state == "done" && s.events == rows as f64).await?;
        same(&stats, &binary(&exported(&page).await?, &file.to_string_lossy())?)
    });
}
