//! The pages of the docs show what the binary does.
//!
//! A comment before a block or a table says what it shows, and the test writes that anew: a page that
//! differs fails, and `UPDATE_EXPECT=1 cargo test` puts it right. Names are those of `docs/examples`, or
//! of `samples`.
//!
//! ```text
//!   <!-- shows: file visits.csv -->                       the file
//!   <!-- shows: query tumbling.toml -->                   the pipeline from its first query on
//!   <!-- shows: profile visits.csv -->                    what the file holds, and the pipeline for it
//!   <!-- shows: lines tumbling.toml visits.csv -->        what the run writes
//!   <!-- shows: alerts logins.toml logins.csv -->         of them those about alerts
//!   <!-- shows: kinds lines.toml requests.csv -->         the first line of each kind
//!   <!-- shows: summary tumbling.toml visits.csv -->      the last line, in place of the one there
//!   <!-- shows: table emission.toml visits.csv early -->  the lines, perhaps of one query only; the header
//!                                                         names what of them
//!   <!-- shows: anomalies kinds.toml load.csv -->         the lines of scores that are anomalies, so
//!   <!-- shows: refused refused.toml -->                  what is said of the pipeline with the line of
//!                                                         each row in it
//!   <!-- shows: backtest -p a.toml --from b.csv -->       what came of a pipeline's alerts
//!   <!-- shows: told lines.toml -->                       what is said first of the file that each row is
//! ```

use crate::command::Folder;
use expect_test::expect_file;
use serde_json::Value;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Lines;

const EXAMPLES: &str = "docs/examples";

#[test]
fn pages_show_what_the_binary_does() {
    for page in pages() {
        expect_file![root().join(&page)].assert_eq(&renewed(&read(&page)));
    }
}

/// The check can fail: it sees a figure, a line that is missing, and a message that is another.
#[test]
fn a_page_that_shows_something_else_is_noticed() {
    let told = |page: &str| renewed(page) != page;
    let windows = renewed(&read("docs/windows.md"));
    assert!(!told(&windows));
    assert!(told(&windows.replacen("| on_time | 0 | 4 |", "| on_time | 0 | 5 |", 1)));
    let row = windows.lines().find(|line| line.starts_with("| [0, 10)")).expect("a row of a window");
    assert!(told(&windows.replacen(&format!("{row}\n"), "", 1)));
    let pipeline = renewed(&read("docs/pipeline.md"));
    assert!(!told(&pipeline));
    assert!(told(&pipeline.replacen("`` line ", "`` row ", 1)));
}

#[test]
fn every_example_is_shown() {
    let pages: String = pages().iter().map(|page| read(page)).collect();
    for name in names(EXAMPLES) {
        assert!(pages.contains(&format!(" {name} ")), "no page shows {name}");
    }
}

/// The pages, from the root of the repository.
fn pages() -> Vec<String> {
    let docs = names("docs").into_iter().filter(|name| name.ends_with(".md"));
    docs.map(|name| format!("docs/{name}")).chain(["README.md".to_owned()]).collect()
}

fn names(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(root().join(folder)).expect("a folder of the repository");
    let name = |file: std::io::Result<std::fs::DirEntry>| file.ok()?.file_name().into_string().ok();
    let mut names: Vec<String> = files.map(|file| name(file).expect("a file with a name")).collect();
    names.sort_unstable();
    names
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An example's text.
fn example(name: &str) -> String {
    let folder = [EXAMPLES, "samples"].into_iter().find(|folder| root().join(folder).join(name).exists());
    read(&format!("{}/{name}", folder.unwrap_or(EXAMPLES)))
}

/// The page with all that it shows written anew.
fn renewed(page: &str) -> String {
    let (mut lines, mut renewed) = (page.lines().peekable(), Vec::new());
    while let Some(line) = lines.next() {
        renewed.push(line.to_owned());
        if let Some(shows) = line.strip_prefix("<!-- shows: ").and_then(|rest| rest.strip_suffix(" -->")) {
            let (head, body) = block(&mut lines);
            renewed.extend(head.iter().map(|&line| line.to_owned()));
            renewed.extend(shown(shows, &head, &body));
        }
    }
    renewed.join("\n") + "\n"
}

/// The fence of a block or the header of a table, and what comes after it.
fn block<'a>(lines: &mut Peekable<Lines<'a>>) -> (Vec<&'a str>, Vec<&'a str>) {
    let fence = lines.peek().is_some_and(|line| line.starts_with("```"));
    let head = lines.by_ref().take(if fence { 1 } else { 2 }).collect();
    let mut body = Vec::new();
    while let Some(line) = lines.next_if(|line| if fence { *line != "```" } else { line.starts_with('|') }) {
        body.push(line);
    }
    (head, body)
}

/// What belongs after the head of a block.
fn shown(shows: &str, head: &[&str], body: &[&str]) -> Vec<String> {
    match shows.split(' ').collect::<Vec<_>>()[..] {
        ["file", name] => lines(&example(name)),
        ["query", name] => {
            let text = example(name);
            lines(&text[text.find("[[query]]").expect("a query")..])
        }
        ["profile", input] => lines(&profile(input)),
        ["backtest", ..] => lines(&command(shows)),
        ["lines", pipeline, input] => lines(&run(pipeline, input)),
        ["alerts", pipeline, input] => parsed(&run(pipeline, input))
            .filter(|(_, line)| line["type"] == "alert")
            .map(|(text, _)| text.to_owned())
            .collect(),
        ["kinds", pipeline, input] => first_of_each_kind(&run(pipeline, input)),
        ["summary", pipeline, input] => with_summary(body, &run(pipeline, input)),
        ["table", pipeline, input] => table(head[0], &run(pipeline, input), None),
        ["table", pipeline, input, query] => table(head[0], &run(pipeline, input), Some(query)),
        ["anomalies", pipeline, input] => table(head[0], &anomalies(&run(pipeline, input)), None),
        ["told", pipeline] => body.iter().map(|row| told(row, pipeline)).collect(),
        ["refused", pipeline] => body.iter().map(|row| refusal(row, &example(pipeline))).collect(),
        _ => panic!("`{shows}` is nothing that a page can show"),
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// What the binary writes.
fn run(pipeline: &str, input: &str) -> String {
    let folder = Folder::new();
    folder.write(pipeline, example(pipeline));
    if !input.starts_with("scenario:") {
        folder.write(input, example(input));
    }
    let output = folder.run(&format!("run -p {pipeline} --from {input}"));
    assert_eq!(output.told(), "0: ", "{pipeline} over {input}");
    output.stdout
}

fn profile(input: &str) -> String {
    let folder = Folder::new();
    folder.write(input, example(input));
    let output = folder.run(&format!("profile --from {input}"));
    assert_eq!(output.told(), "0: ", "{input}");
    output.stdout
}

/// What a command line writes, in a folder with the examples that it names.
fn command(line: &str) -> String {
    let folder = Folder::new();
    for name in line.split(' ').filter(|word| names(EXAMPLES).contains(&(*word).to_owned())) {
        folder.write(name, example(name));
    }
    let output = folder.run(line);
    assert_eq!(output.told(), "0: ", "{line}");
    output.stdout
}

fn anomalies(output: &str) -> String {
    let of_anomalies = parsed(output).filter(|(_, line)| line["anomaly"] == true);
    of_anomalies.map(|(text, _)| format!("{text}\n")).collect()
}

fn parsed(output: &str) -> impl Iterator<Item = (&str, Value)> {
    output.lines().map(|line| (line, serde_json::from_str(line).expect("a line is JSON")))
}

fn first_of_each_kind(output: &str) -> Vec<String> {
    let mut met = Vec::new();
    let first = parsed(output).filter(|(_, line)| {
        let is_new = !met.contains(&line["type"]);
        met.push(line["type"].clone());
        is_new
    });
    first.map(|(text, _)| text.to_owned()).collect()
}

fn with_summary(body: &[&str], output: &str) -> Vec<String> {
    let summary = output.lines().last().expect("a summary");
    let is_summary = |line: &str| line.starts_with("{\"type\":\"summary\"");
    assert!(body.iter().any(|line| is_summary(line)), "the block has a summary to put right");
    body.iter().map(|line| if is_summary(line) { summary } else { line }.to_owned()).collect()
}

/// A row for each line but the summary.
fn table(header: &str, output: &str, query: Option<&str>) -> Vec<String> {
    let columns: Vec<&str> = header.trim_matches('|').split('|').map(str::trim).collect();
    let wanted = |line: &Value| line["type"] != "summary" && query.is_none_or(|query| line["query"] == query);
    let row = |line: &Value| {
        let cells: Vec<String> = columns.iter().map(|column| cell(line, column)).collect();
        format!("| {} |", cells.join(" | "))
    };
    parsed(output).filter(|(_, line)| wanted(line)).map(|(_, line)| row(&line)).collect()
}

/// What a line says of a column; times in seconds.
fn cell(line: &Value, column: &str) -> String {
    match column {
        "line" => text(&line["type"]),
        "window" if line["start"].is_null() => String::new(),
        "window" => format!("[{}, {})", seconds(&line["start"]), seconds(&line["end"])),
        "time" | "watermark" => seconds(&line[column]),
        "key" => line["key"].as_object().into_iter().flatten().map(|(_, name)| text(name)).collect(),
        _ => text(line.get(column).unwrap_or(&line["values"][column])),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn seconds(value: &Value) -> String {
    value.as_i64().map_or(String::new(), |ms| (ms as f64 / 1_000.0).to_string())
}

/// The row with what is said when its line stands in the pipeline: in place of the one with the same
/// field, or among those of the query.
fn refusal(row: &str, pipeline: &str) -> String {
    let written = row.trim_start_matches("| `").split("` |").next().expect("a cell");
    let field = |line: &str| line.split(" =").next().unwrap_or_default().trim().to_owned();
    let same = pipeline.lines().find(|line| field(line) == field(written));
    let before = pipeline.lines().find(|line| line.starts_with("aggregates")).expect("a query");
    let pipeline = match same {
        Some(line) => pipeline.replacen(line, written, 1),
        None => pipeline.replacen(before, &format!("{written}\n{before}"), 1),
    };
    let folder = Folder::new();
    folder.write("refused.toml", pipeline);
    let told = folder.run("run -p refused.toml").told();
    let said =
        told.strip_prefix("2: kappascope: refused.toml: ").unwrap_or_else(|| panic!("{written}: {told}"));
    format!("| `{written}` | `` {} `` |", said.trim_end())
}

/// The row with what is said of the file that it spells: that it is refused, or why its first record is.
fn told(row: &str, pipeline: &str) -> String {
    let written = row.trim_start_matches("| `").split("` |").next().expect("a cell");
    let folder = Folder::new();
    folder.write(pipeline, example(pipeline));
    folder.write("file", bytes(written));
    let output = folder.run(&format!("run -p {pipeline} --from file"));
    let rejected = parsed(&output.stdout).find(|(_, line)| line["type"] == "rejected");
    let said = match rejected {
        Some((_, line)) => text(&line["reason"]),
        None => output.stderr.trim_start_matches("kappascope: file: ").trim_end().to_owned(),
    };
    assert!(!said.is_empty(), "nothing is said of {written}");
    format!("| `{written}` | `` {said} `` |")
}

/// What `\n` and `\xff` in a cell stand for.
fn bytes(written: &str) -> Vec<u8> {
    let mut parts = written.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (byte, rest) = match part.strip_prefix('n') {
            Some(rest) => (b'\n', rest),
            None => (u8::from_str_radix(&part[1..3], 16).expect("two hexadecimal digits"), &part[3..]),
        };
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}
