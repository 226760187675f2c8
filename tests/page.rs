//! The page in a real Chromium, as a person uses it, held against the binary.

use anyhow::{Result, ensure};
use kappascope_e2e::{Page, Run, Stats, each_look, kappascope, repository, run, with_page};
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    run(&["-p", &pipeline.to_string_lossy(), "--from", source])
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
            same(&stats, &run(&["--from", &source])?)?;
            same(&stats, &binary(&exported(&page).await?, &source)?)?;
            let other = run(&["--from", &format!("scenario:{name}?seed={}&events=200000", seed + 1)])?;
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

#[test]
fn sliders_run_the_log_again() {
    with_page(async |page| {
        let fragment = "#scenario=website&seed=3&events=100000&speed=max";
        let before = run_to_end(&page, fragment).await?;
        for (slider, step) in [
            ("window-size", 3),
            ("watermark-bound", 0),
            ("lateness", 0),
            ("detector-window", 1),
            ("threshold", 2),
        ] {
            let digest = page.stats().await?.digest;
            page.slide(slider, step).await?;
            let again = |s: &Stats| s.state == "done" && s.digest != digest && s.events == before.events;
            let after = page.until_stats(&format!("{slider} has run the log again"), again).await?;
            same(
                &settled(&page, after).await?,
                &binary(&exported(&page).await?, "scenario:website?seed=3&events=100000")?,
            )?;
        }
        let strict = page.stats().await?;
        ensure!(
            strict.late > before.late,
            "without bound and lateness more is late: {} and {}",
            strict.late,
            before.late
        );
        Ok(())
    });
}

/// Sliders move step by step: waits until the last step has been run.
async fn settled(page: &Page, mut stats: Stats) -> Result<Stats> {
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let next = page.stats().await?;
        if next.digest == stats.digest && next.state == "done" {
            return Ok(next);
        }
        stats = next;
    }
}

#[test]
fn transport_plays_pauses_steps_and_resets() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=60").await?;
        page.until_stats("it runs", |stats| stats.events > 10.0).await?;
        page.click("pause").await?;
        page.until_stats("it pauses", |stats| stats.state == "paused").await?;
        let held = settled_events(&page).await?;
        page.click("step").await?;
        page.until_stats("one event more", |stats| stats.events == held + 1.0).await?;
        page.click("reset").await?;
        page.until_stats("back at the start", |stats| stats.events == 0.0 && stats.state == "paused").await?;
        page.click("play").await?;
        page.until_stats("it runs again", |stats| stats.events > 10.0 && stats.state == "running").await?;
        Ok(())
    });
}

async fn settled_events(page: &Page) -> Result<f64> {
    let mut events = page.stats().await?.events;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let next = page.stats().await?.events;
        if next == events {
            return Ok(events);
        }
        events = next;
    }
}

/// Files that are not what they say, and what a person is told.
const BAD_FILES: [(&str, &[u8], &str); 6] = [
    ("empty.csv", b"", "empty"),
    ("header.csv", b"time,kind,value\n", "header"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0", "binary"),
    ("notime.csv", b"name,colour\nann,red\nbob,blue\n", "time"),
    ("packed.csv", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "gzip"),
    ("columns.parquet", b"PAR1\x15\x04\x15\x10\x15\x14", "Parquet"),
];

#[test]
fn files_that_are_not_what_they_say() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        page.until_stats("it runs", |stats| stats.state == "running").await?;
        let folder = tempfile::tempdir()?;
        for (name, bytes, told) in BAD_FILES {
            let file = folder.path().join(name);
            std::fs::write(&file, bytes)?;
            page.upload("upload", &file).await?;
            page.until(&format!("{name} is refused for `{told}`"), async || {
                let text = page.text("error").await?;
                Ok(text.contains(name) && text.contains(told))
            })
            .await?;
            let stats = page.stats().await?;
            ensure!(stats.state == "running", "after {name} what ran before goes on: {stats:?}");
        }
        let seen = "for (const e of document.querySelectorAll('html, .work, .center')) e.scrollTo(0, 1e6);
                    const box = document.querySelector('[data-testid=error]').getBoundingClientRect();
                    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
                    return !!top && !!top.closest('[data-testid=error]')";
        for width in [390, 1024, 1440] {
            page.resize(width, 844).await?;
            let seen = page.script(seen, &[]).await?;
            ensure!(seen == json!(true), "at {width} px, far down, the message is out of sight");
        }
        Ok(())
    });
}

#[test]
fn refused_records_are_counted_and_shown() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        let mut text = "time,kind,value\n".to_owned();
        for minute in 0..50 {
            text.push_str(&format!("2026-01-05 10:{minute:02}:00,a,{minute}.5\n"));
        }
        text.push_str(
            "2026-01-05 11:00:00,a,NaN\n2026-01-05 11:01:00,a,many\nlater,a,1\n2026-01-05 11:02:00,a\n",
        );
        page.drop_text("mixed.csv", &text).await?;
        let stats = page.until_stats("the file is done", |s| s.state == "done" && s.rejected > 0.0).await?;
        ensure!(stats.events == 50.0 && stats.rejected == 4.0, "{stats:?}");
        page.click("data-close").await?;
        page.click("tab-rejected").await?;
        page.until("the refused records are listed", async || {
            let shown = page.text("rejected").await?;
            Ok(shown.contains("line 52") && shown.contains("NaN") && shown.contains("line 55"))
        })
        .await?;
        let all = std::fs::read_to_string(page.download("rejected-download").await?)?;
        let lines: Vec<&str> = all.lines().collect();
        ensure!(lines.len() == 5 && lines[0] == "line,byte,column,reason", "{all}");
        let fourth = format!("55,{},", text.rfind("2026").unwrap_or(0));
        ensure!(lines[1].starts_with("52,") && lines[4].starts_with(&fourth), "{all}");
        Ok(())
    });
}

#[test]
fn own_data_runs_as_a_person_maps_it() {
    with_page(async |page| {
        page.open("").await?;
        let file = repository(SAMPLE);
        page.upload("upload", &file).await?;
        page.find("data").await?;
        let proposed = page.until_stats("the proposal runs", |s| s.state == "done" && s.events > 6e3).await?;
        ensure!(page.text("data-state").await?.contains("already runs"), "it runs, and does not say so");
        ensure!(page.text("data-facts").await?.contains("whole file"), "{}", page.text("data-facts").await?);
        for (setting, value) in
            [("mapping-window", "1800000"), ("mapping-lateness", "60000"), ("mapping-by", "")]
        {
            page.choose(setting, value).await?;
        }
        ensure!(page.text("data-state").await?.contains("Changed"), "a change runs by itself");
        ensure!(page.stats().await?.digest == proposed.digest, "a change runs before it is asked for");
        page.click("data-run").await?;
        let changed =
            |s: &Stats| s.state == "done" && s.digest != proposed.digest && s.events == proposed.events;
        let stats = page.until_stats("the change has run", changed).await?;
        page.until("the panel says so", async || {
            Ok(page.text("data-state").await?.contains("Your settings run"))
        })
        .await?;
        let pipeline = exported(&page).await?;
        let text = std::fs::read_to_string(&pipeline)?;
        ensure!(text.contains("\"30m\"") && text.contains("\"1m\""), "{text}");
        same(&stats, &binary(&pipeline, &file.to_string_lossy())?)
    });
}

#[test]
fn whole_file_is_measured_and_changes_stay() {
    with_page(async |page| {
        page.open("").await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("traffic.csv");
        kappascope(&["generate", "website", "--events", "400000", "--to", &file.to_string_lossy()])?;
        page.upload("upload", &file).await?;
        let facts = page.text("data-facts").await?;
        ensure!(facts.contains("in the first 17"), "{facts}");
        page.choose("mapping-window", "900000").await?;
        page.click("data-measure").await?;
        page.until("all of it is measured", async || {
            Ok(page.text("data-facts").await?.contains("400 000 records in the whole file"))
        })
        .await?;
        let kept = "return document.querySelector('[data-testid=mapping-window]').value";
        ensure!(page.script(kept, &[]).await? == json!("900000"), "the change is gone");
        Ok(())
    });
}

#[test]
fn first_of_several_files_is_opened() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        page.drop_texts(&[("one.csv", &minutes(30)), ("two.csv", &minutes(50))]).await?;
        page.until_stats("the first is done", |s| s.state == "done" && s.events == 30.0).await?;
        let told = page.text("error").await?;
        ensure!(told.contains("one.csv is opened, the first of 2 files"), "{told}");
        Ok(())
    });
}

/// A file with an event a minute.
fn minutes(events: usize) -> String {
    let line = |at: usize| format!("2026-01-05 {:02}:{:02}:00,a,{at}.5\n", at / 60, at % 60);
    std::iter::once("time,kind,value\n".to_owned()).chain((0..events).map(line)).collect()
}

#[test]
fn reading_is_cancelled_and_goes_on() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("large.csv");
        kappascope(&["generate", "website", "--events", "1600000", "--to", &file.to_string_lossy()])?;
        page.upload("upload", &file).await?;
        let cancel = "document.querySelector('[data-testid=cancel]')";
        page.script_when(
            &format!("{cancel} && kappascope.stats().events > 1000"),
            &format!("{cancel}.click()"),
            &[],
        )
        .await?;
        let stopped = page.until_stats("it pauses", |s| s.state == "paused").await?;
        ensure!(stopped.events > 1000.0 && stopped.events < 1_600_000.0, "{stopped:?}");
        page.until("the page says what to do", async || {
            Ok(page.text("progress").await?.contains("Play reads on"))
        })
        .await?;
        page.click("play").await?;
        let stats =
            page.until_stats("the file is done", |s| s.state == "done" && s.events == 1_600_000.0).await?;
        same(&stats, &binary(&exported(&page).await?, &file.to_string_lossy())?)
    });
}

/// The page's budget of memory: see `docs/own-data.md`.
const MEMORY_BYTES: f64 = 1_073_741_824.0;

/// A file whose rows take more than the log may hold: eight measures of two digits are 80 bytes a row there, and 34
/// in the file.
#[test]
fn log_beyond_its_budget_is_let_go_of_and_read_again() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        let folder = tempfile::tempdir()?;
        let (file, rows) = (folder.path().join("wide.csv"), 4_000_000);
        write_lines(&file, "time,a,b,c,d,e,f,g,h", rows, |row| {
            let value = |column: u64| 10 + row.wrapping_mul(2 * column + 7) / 3 % 89;
            let values: Vec<String> = (0..8).map(|column| value(column).to_string()).collect();
            format!("{},{}", time_of(row), values.join(","))
        })?;
        page.upload("upload", &file).await?;
        let done = |s: &Stats| s.state == "done" && s.events == rows as f64;
        let first = page.until_stats("the file is done", done).await?;
        same(&first, &binary(&exported(&page).await?, &file.to_string_lossy())?)?;
        let held = page.text("held").await?;
        ensure!(held.contains("no longer held in memory") && held.contains("reads the file again"), "{held}");
        page.slide("watermark-bound", 0).await?;
        let again = |s: &Stats| done(s) && s.digest != first.digest;
        let again = page.until_stats("it was read again", again).await?;
        ensure!(again.memory_bytes < MEMORY_BYTES, "{again:?}");
        same(&settled(&page, again).await?, &binary(&exported(&page).await?, &file.to_string_lossy())?)
    });
}

#[test]
fn simulated_log_beyond_its_budget_is_made_again() {
    with_page(async |page| {
        // At 36 bytes an event the log is full after 7.5 million.
        let first = run_to_end(&page, "#scenario=website&seed=42&events=8000000&speed=max").await?;
        let held = page.text("held").await?;
        ensure!(held.contains("no longer held in memory") && held.contains("makes them again"), "{held}");
        page.slide("lateness", 0).await?;
        let again = |s: &Stats| s.state == "done" && s.events == first.events && s.digest != first.digest;
        let again = page.until_stats("it was made again", again).await?;
        let again = settled(&page, again).await?;
        same(&again, &binary(&exported(&page).await?, "scenario:website?seed=42&events=8000000")?)
    });
}

/// Epoch seconds of a row of a file: about a thousand rows a minute, some of them late.
fn time_of(row: u64) -> u64 {
    let late = if row.is_multiple_of(50) { row / 50 % 90 } else { 0 };
    1_700_000_000 + row / 16 - late
}

fn write_lines(file: &Path, header: &str, rows: u64, line: impl Fn(u64) -> String) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    writeln!(out, "{header}")?;
    for row in 0..rows {
        writeln!(out, "{}", line(row))?;
    }
    Ok(out.flush()?)
}

/// How long a gigabyte may take on a slow machine.
const GIGABYTE_PATIENCE: Duration = Duration::from_secs(900);

/// Takes minutes and a gigabyte of disk, so only when asked for:
/// `cargo xtask dist`, then with the variables of `cargo xtask test`
/// `cargo test -p kappascope-e2e --test page -- --ignored --nocapture gigabyte`.
#[test]
#[ignore = "a gigabyte, for minutes"]
fn gigabyte_of_csv_stays_within_the_budget() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        let folder = tempfile::tempdir()?;
        let (file, rows) = (folder.path().join("gigabyte.csv"), 28_000_000);
        write_lines(&file, "time,page,server,ms,bytes", rows, |row| {
            let (page, server) = (["home", "search", "cart", "checkout"][(row % 7 % 4) as usize], row % 40);
            format!(
                "{},{page},server-{server:02},{}.{},{}",
                time_of(row),
                10 + row % 89,
                row % 10,
                1_000 + row % 8_999
            )
        })?;
        let size = std::fs::metadata(&file)?.len();
        ensure!(size > 1_000_000_000, "the file has {size} bytes only");
        let start = tokio::time::Instant::now();
        page.upload("upload", &file).await?;
        let most = std::cell::Cell::new(0f64);
        let stats = page
            .until_stats_within(GIGABYTE_PATIENCE, "the file is done", |s| {
                most.set(most.get().max(s.memory_bytes));
                s.state == "done" && s.events == rows as f64
            })
            .await?;
        println!(
            "{size} bytes, {rows} rows in {:?}; memory at most {:.0} MiB",
            start.elapsed(),
            most.get() / f64::from(1 << 20)
        );
        ensure!(most.get() < MEMORY_BYTES, "memory held was {} bytes", most.get());
        same(&stats, &binary(&exported(&page).await?, &file.to_string_lossy())?)
    });
}

#[test]
fn file_of_200_megabytes() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1").await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("large.csv");
        kappascope(&["generate", "website", "--events", "3200000", "--to", &file.to_string_lossy()])?;
        ensure!(std::fs::metadata(&file)?.len() > 200_000_000, "the file is smaller than 200 MB");
        page.upload("upload", &file).await?;
        // A file that cannot be opened takes nothing from the one that is being read.
        page.drop_text_when("kappascope.stats().events > 1000", "empty.csv", "").await?;
        page.until("it is refused", async || Ok(page.text("error").await?.contains("empty.csv"))).await?;
        let stats =
            page.until_stats("the file is done", |s| s.state == "done" && s.events == 3_200_000.0).await?;
        same(&stats, &binary(&exported(&page).await?, &file.to_string_lossy())?)
    });
}

#[test]
fn nothing_is_asked_of_another_host() {
    with_page(async |page| {
        run_to_end(&page, "#scenario=tutorial&seed=1&speed=max").await?;
        let code = "return performance.getEntriesByType('resource').map(entry => entry.name)
                          .filter(name => !name.startsWith(location.origin) && !name.startsWith('blob:' + location.origin))";
        ensure!(page.script(code, &[]).await? == json!([]), "the page loads from elsewhere");
        // The negative control: the policy stops what would be sent.
        let code = "return fetch('http://127.0.0.1:9/').then(() => 'sent', error => String(error))";
        let answer = page.script(code, &[]).await?;
        ensure!(answer.as_str().is_some_and(|text| text.contains("Failed to fetch")), "{answer}");
        let complaints = page.complaints().await?;
        ensure!(
            complaints.iter().any(|text| text.contains("Content Security Policy")),
            "the policy was silent: {complaints:?}"
        );
        Ok(())
    });
}

/// Pictures of the panel for a person to look at.
#[test]
fn pictures_of_own_data() {
    with_page(async |page| {
        let folder = repository("target/shots");
        each_look(&page, &[(1440, 900), (1024, 768), (390, 844)], async |name| {
                page.open("").await?;
                page.upload("upload", &repository(SAMPLE)).await?;
                page.until_stats("the file is done", |s| s.state == "done" && s.events > 6e3).await?;
                tokio::time::sleep(Duration::from_millis(400)).await;
                page.shoot(&folder.join(format!("data-{name}.png"))).await?;
                let overflow =
                    page.script("return document.documentElement.scrollWidth - innerWidth", &[]).await?;
                ensure!(overflow.as_i64().unwrap() <= 0, "{name}: {overflow} px more to scroll");
                for (part, id) in [("middle", "data-losses"), ("end", "data-preview")] {
                    let down = "document.querySelector(`[data-testid=${arguments[0]}]`).scrollIntoView({ block: 'end' })";
                    page.script(down, &[json!(id)]).await?;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    page.shoot(&folder.join(format!("data-{part}-{name}.png"))).await?;
                }
            Ok(())
        })
        .await
    });
}

/// Pictures of the page for a person to look at, and the one in the README.
#[test]
fn pictures() {
    with_page(async |page| {
        let folder = repository("target/shots");
        each_look(&page, &[(1440, 900), (1024, 768), (760, 1000), (390, 844), (360, 740)], async |name| {
            page.open("#scenario=website&seed=42&speed=7200").await?;
            page.until_stats("an incident is over", |stats| stats.events > 47_000.0).await?;
            page.click("pause").await?;
            page.until_stats("it pauses", |stats| stats.state == "paused").await?;
            tokio::time::sleep(Duration::from_millis(400)).await;
            page.shoot(&folder.join(format!("page-{name}.png"))).await?;
            let overflow =
                page.script("return document.documentElement.scrollWidth - innerWidth", &[]).await?;
            ensure!(overflow.as_i64().unwrap() <= 0, "{name}: {overflow} px more to scroll");
            Ok(())
        })
        .await
    });
}
