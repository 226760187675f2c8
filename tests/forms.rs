//! The same events in every form of file: one digest, in the page and in the binary.

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use kappascope_e2e::{Page, Run, Stats, kappascope, repository, run, with_page};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Map, Value};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// [`ROWS`] events.
const EVENTS: &str = "crates/parquet/tests/data/events.csv";
const PARQUET: &str = "crates/parquet/tests/data/events-zstd-v2.parquet";
const ROWS: u64 = 600;

/// What a run says of itself.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: u64,
    windows: u64,
    rejected: u64,
    digest: String,
}

#[test]
fn every_form_of_the_same_events_gives_one_digest() {
    with_page(async |page| {
        let folder = tempfile::tempdir()?;
        let files = write_forms(folder.path())?;
        let mut first: Option<(PathBuf, Outcome)> = None;
        for file in files {
            let (in_page, pipeline) = in_page(&page, &file, ROWS).await?;
            let native = in_binary(&pipeline, &file)?;
            ensure!(in_page == native, "{}: the page {in_page:?}, the binary {native:?}", file.display());
            ensure!(in_page.windows > 0, "{in_page:?}");
            let (first_file, expected) = first.get_or_insert_with(|| (file.clone(), native));
            ensure!(
                in_page == *expected,
                "{}: {in_page:?}, {}: {expected:?}",
                file.display(),
                first_file.display()
            );
        }
        other_events_give_another(&page, folder.path(), &first.context("a form at least")?.1).await
    });
}

/// The negative control: one of the events is an hour earlier.
async fn other_events_give_another(page: &Page, folder: &Path, same: &Outcome) -> Result<()> {
    let file = folder.join("events.csv");
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replacen("1714557599117", "1714553999117", 1))?;
    let (other, _) = in_page(page, &file, ROWS).await?;
    ensure!(other.digest != same.digest && other.events == same.events, "{other:?}");
    Ok(())
}

#[test]
fn an_access_log_is_known_by_its_lines() {
    with_page(async |page| {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("access.log");
        let line = |i: u32| {
            let (minute, second) = (i / 60 % 60, i % 60);
            let (status, bytes) = (if i.is_multiple_of(9) { 404 } else { 200 }, 100 + i);
            format!(
                "10.0.0.{} - - [10/Oct/2023:13:{minute:02}:{second:02} -0700] \"GET /p{} HTTP/1.1\" {status} {bytes} \"-\" \"t\"\n",
                i % 5,
                i % 3
            )
        };
        let text: String = (0..3_000).map(line).collect();
        std::fs::write(&file, text + "not a line of it\n")?;
        let (in_page, pipeline) = in_page(&page, &file, 3_001).await?;
        ensure!((in_page.events, in_page.rejected) == (3_000, 1), "{in_page:?}");
        ensure!(in_page == in_binary(&pipeline, &file)?, "{in_page:?}");
        Ok(())
    });
}

/// What the page makes of a file of so many records, and the pipeline that it proposed.
async fn in_page(page: &Page, file: &Path, records: u64) -> Result<(Outcome, PathBuf)> {
    page.open("").await?;
    page.upload("upload", file).await?;
    let all = |s: &Stats| s.state == "done" && s.events + s.rejected == records as f64;
    let stats =
        page.until_stats("the file is done", all).await.with_context(|| file.display().to_string())?;
    let outcome = Outcome {
        events: stats.events as u64,
        windows: stats.windows as u64,
        rejected: stats.rejected as u64,
        digest: stats.digest,
    };
    Ok((outcome, page.download("export").await?))
}

/// What the binary makes of it, by this pipeline. Its own proposal is one that runs too.
fn in_binary(pipeline: &Path, file: &Path) -> Result<Outcome> {
    let file = file.to_string_lossy();
    ensure!(kappascope(&["profile", "--from", &file])?.contains("[[query]]"), "{file}: no proposal");
    let Run { events, windows, rejected, digest, .. } =
        run(&["-p", &pipeline.to_string_lossy(), "--from", &file])?;
    Ok(Outcome { events, windows, rejected, digest })
}

/// Writes the events in every form; all files have one name, since a pipeline is named after its file.
fn write_forms(folder: &Path) -> Result<Vec<PathBuf>> {
    let csv = std::fs::read(repository(EVENTS))?;
    let (header, rows) = cells(&csv)?;
    let objects: Vec<Value> = rows.iter().map(|row| object(&header, row)).collect();
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let array = serde_json::to_vec_pretty(&objects)?;
    let tabs: String = std::iter::once(&header).chain(&rows).map(|row| row.join("\t") + "\r\n").collect();
    let forms = [
        ("events.csv", csv.clone()),
        ("events.tsv", [b"\xef\xbb\xbf", tabs.as_bytes()].concat()),
        ("events.jsonl", lines.clone().into_bytes()),
        ("events.json", array.clone()),
        ("events.csv.gz", gzip(&csv)?),
        ("events.jsonl.zst", zstd(lines.as_bytes())),
        ("events.json.gz", gzip(&array)?),
        ("events.csv.zst", zstd(&csv)),
        ("events.parquet", std::fs::read(repository(PARQUET))?),
    ];
    let write = |(name, bytes): (&str, Vec<u8>)| {
        let path = folder.join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    };
    forms.into_iter().map(write).collect()
}

/// The header, and the other rows.
fn cells(csv: &[u8]) -> Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers()?.iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| Ok(row?.iter().map(str::to_owned).collect()));
    Ok((header, rows.collect::<Result<_>>()?))
}

/// A row as an object: numbers as they are written, and nothing where there is nothing.
fn object(header: &[String], row: &[String]) -> Value {
    let value = |cell: &String| match serde_json::from_str(cell) {
        Ok(number @ Value::Number(_)) => number,
        _ if cell.is_empty() => Value::Null,
        _ => Value::String(cell.clone()),
    };
    Value::Object(header.iter().cloned().zip(row.iter().map(value)).collect::<Map<_, _>>())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes)?;
    Ok(packed.finish()?)
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}
