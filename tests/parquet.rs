//! Parquet in the page, held against the binary: the module that reads it comes when it is needed.

use anyhow::{Result, ensure};
use kappascope_e2e::{Page, Stats, repository, run, with_page};
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    repository("crates/parquet/tests/data").join(name)
}

async fn opened(page: &Page, file: &Path) -> Result<Stats> {
    page.open("").await?;
    page.upload("upload", file).await?;
    page.until_stats("the file is done", |s| s.state == "done" && s.events + s.rejected == 600.0).await
}

#[test]
fn a_dropped_file_gives_the_binary_s_digest() {
    with_page(async |page| {
        for name in ["events-zstd-v2.parquet", "events-snappy-v1.parquet", "events-us-zone.parquet"] {
            let file = data(name);
            let stats = opened(&page, &file).await?;
            let pipeline = page.download("export").await?;
            let native = run(&["-p", &pipeline.to_string_lossy(), "--from", &file.to_string_lossy()])?;
            let of_page = (stats.events, stats.windows, stats.rejected, &stats.digest);
            let of_binary =
                (native.events as f64, native.windows as f64, native.rejected as f64, &native.digest);
            ensure!(of_page == of_binary, "{name}: the page says {of_page:?}, the binary {of_binary:?}");
        }
        Ok(())
    });
}

#[test]
fn what_reads_files_is_not_part_of_the_first_load() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=max").await?;
        page.until_stats("the source is done", |stats| stats.state == "done").await?;
        let asked = [page.requests("parquet"), page.requests("worker_files")].concat();
        ensure!(asked.is_empty(), "the first load asks for {asked:?}");
        opened(&page, &data("events-gzip-v2.parquet")).await?;
        // The negative control: it is asked for by then.
        let asked = page.requests("parquet");
        ensure!(asked.len() == 2, "a Parquet file asks for {asked:?}");
        let asked = page.requests("worker_files");
        ensure!(asked.len() == 3, "a file asks for {asked:?}");
        Ok(())
    });
}

#[test]
fn a_damaged_file_leaves_what_runs_alone() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        page.until_stats("it runs", |stats| stats.state == "running").await?;
        let folder = tempfile::tempdir()?;
        let (file, mut bytes) =
            (folder.path().join("cut.parquet"), std::fs::read(data("events-ns.parquet"))?);
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&file, bytes)?;
        page.upload("upload", &file).await?;
        page.until("it is refused", async || Ok(page.text("error").await?.contains("cut short"))).await?;
        ensure!(page.stats().await?.state == "running");
        Ok(())
    });
}
