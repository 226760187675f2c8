//! The page with no network, behind its service worker.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Stats, built_site, repository, run, with_page, with_page_at};
use serde_json::json;
use std::path::Path;

const FRAGMENT: &str = "#scenario=website&seed=7&events=50000&speed=max";

async fn done(page: &Page) -> Result<Stats> {
    page.open(FRAGMENT).await?;
    page.until_stats("the source is done", |stats| stats.state == "done").await
}

/// Waits until the site's files are put by.
async fn kept(page: &Page) -> Result<()> {
    let ready = "return navigator.serviceWorker.ready.then(() => true)";
    page.script(ready, &[]).await.map(drop).context("the site's files are not put by")
}

/// A visit, then one with the site gone.
async fn visit_twice(page: &Page) -> Result<()> {
    let first = done(page).await?;
    kept(page).await?;
    page.unplug();
    let second = done(page).await?;
    let native = run(&["--from", "scenario:website?seed=7&events=50000"])?;
    ensure!(second.digest == first.digest && second.digest == native.digest, "{first:?}, {second:?}");
    Ok(())
}

#[test]
fn second_visit_needs_no_network() {
    for path in ["/", "/a/b/"] {
        with_page_at(&built_site(), path, async |page| visit_twice(&page).await);
    }
}

/// The negative control.
#[test]
fn first_visit_needs_the_network() {
    with_page(async |page| {
        page.unplug();
        let answer = page.load(FRAGMENT).await;
        ensure!(answer.is_err(), "the page loads from a site that is gone");
        // The browser's own page about it says so in the console.
        page.complaints().await.map(drop)
    });
}

#[test]
fn own_files_and_the_sample_open_without_the_network() {
    with_page(async |page| {
        done(&page).await?;
        kept(&page).await?;
        page.unplug();
        page.open("").await?;
        page.choose("source", "sample:nyc-flights").await?;
        let sample = page.until_stats("the sample is done", |s| s.state == "done" && s.events > 6e3).await?;
        page.upload("upload", &repository("docs/examples/visits.csv")).await?;
        page.until_stats("the file is done", |s| s.state == "done" && s.events < sample.events).await?;
        Ok(())
    });
}

/// 4 MB that most visits do not need.
#[test]
fn what_reads_parquet_is_kept_once_it_was_used() {
    if !built_site().join("parquet_bg.wasm").is_file() {
        eprintln!("this site was built without it");
        return;
    }
    with_page(async |page| {
        let file = repository("crates/parquet/tests/data/events-plain-text.parquet");
        done(&page).await?;
        kept(&page).await?;
        ensure!(page.requests("parquet").is_empty(), "{:?}", page.requests("parquet"));
        let open = async || {
            page.open("").await?;
            page.upload("upload", &file).await?;
            page.until_stats("the file is done", |stats| stats.state == "done").await
        };
        let first = open().await?;
        page.unplug();
        ensure!(open().await?.digest == first.digest);
        Ok(())
    });
}

/// It comes from the network, and so must its workers: the versions may differ.
#[test]
fn a_page_loaded_past_the_worker_is_of_one_version_too() {
    with_page(async |page| {
        let first = done(&page).await?;
        kept(&page).await?;
        let before = page.requests("/worker_loader.js").len();
        done(&page).await?;
        ensure!(page.requests("/worker_loader.js").len() == before, "the second visit asks the network");
        page.reload_anew().await?;
        page.until("its worker comes from the network", async || {
            Ok(page.requests("/worker_loader.js").len() > before)
        })
        .await?;
        page.until_stats("it runs", |stats| stats.state == "done" && stats.digest == first.digest).await?;
        kept(&page).await?;
        page.unplug();
        ensure!(done(&page).await?.digest == first.digest, "the site was not put by again");
        Ok(())
    });
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let place = to.join(path.file_name().context("a file has a name")?);
        match path.is_dir() {
            true => copy(&path, &place)?,
            false => std::fs::copy(&path, &place).map(drop)?,
        }
    }
    Ok(())
}

/// Calls the site in a folder by another version, as the next build would.
fn change_version(site: &Path, version: &str) -> Result<()> {
    let path = site.join("offline.js");
    let script = std::fs::read_to_string(&path)?;
    let (_, rest) = script.split_once('\n').context("offline.js is empty")?;
    Ok(std::fs::write(path, format!("const VERSION = {version:?};\n{rest}"))?)
}

/// The last words of the names of the origin's stores, which say the version.
async fn versions(page: &Page) -> Result<Vec<String>> {
    let names: Vec<String> = serde_json::from_value(page.script("return caches.keys()", &[]).await?)?;
    Ok(names.iter().filter_map(|name| name.split(' ').next_back()).map(str::to_owned).collect())
}

/// Looks for another version and waits until it is put by, or refused.
async fn look_for_another(page: &Page) -> Result<()> {
    let look = "const found = await navigator.serviceWorker.getRegistration();
                await found.update().catch(() => {});
                while (found.installing) await new Promise(done => setTimeout(done, 20));";
    page.script(&format!("return (async () => {{ {look} return true }})()"), &[]).await.map(drop)
}

#[test]
fn a_page_keeps_its_version_and_the_next_has_the_new_one() {
    let site = tempfile::tempdir().expect("a folder can be made");
    copy(&built_site(), site.path()).expect("the site can be copied");
    change_version(site.path(), "one").expect("a version can be changed");
    with_page_at(site.path(), "/a/b/", async |page| {
        let first = done(&page).await?;
        kept(&page).await?;
        page.script("return caches.open('somebody else').then(() => true)", &[]).await?;
        ensure!(versions(&page).await? == ["one", "else"], "{:?}", versions(&page).await?);

        // Half of the next version is there: a file is not what its checksum says.
        let worker = site.path().join("worker.js");
        let whole = std::fs::read(&worker)?;
        std::fs::write(&worker, "of another version")?;
        change_version(site.path(), "two")?;
        ensure!(done(&page).await?.digest == first.digest);
        look_for_another(&page).await?;
        let refused = "return navigator.serviceWorker.getRegistration().then(found => !found.waiting)";
        ensure!(page.script(refused, &[]).await? == json!(true), "half a version waits");

        std::fs::write(&worker, whole)?;
        look_for_another(&page).await?;
        let both = versions(&page).await?;
        ensure!(both == ["one", "else", "two"], "an open page lost its version: {both:?}");
        // The browser lets it take over some time after the old page has gone: a visit right behind may still be of the
        // old one.
        page.until("the new version takes over", async || {
            done(&page).await?;
            Ok(versions(&page).await? == ["else", "two"])
        })
        .await
    });
}
