//! What must hold of any file: splits do not show, nothing is lost, and a naive reader agrees.

use crate::common::{LOG_SCHEMA, SCHEMA, read, read_whole};
use kappascope_ingest::Position;
use kappascope_ingest::profile::{PREVIEW_ROWS, Profiler};
use proptest::prelude::*;

/// Cells that hit the corners: quotes, line ends, numbers that are none, bytes that are no text.
fn cell() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0..100_000_i64).prop_map(|n| n.to_string().into_bytes()),
        2 => any::<f64>().prop_map(|x| x.to_string().into_bytes()),
        1 => Just(b"2024-05-01T10:00:00Z".to_vec()),
        1 => "[a-z\u{e9}]{0,4}".prop_map(String::into_bytes),
        1 => Just(b"\"q,\"\"\r\n\"".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

fn csv() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(&["\n", "\r\n", "\r", "\n\n"][..]);
    let row = (prop::collection::vec(cell(), 2..5), end);
    let bom = prop::sample::select(&["", "\u{feff}"][..]);
    (bom, prop::collection::vec(row, 0..30)).prop_map(|(bom, rows)| {
        let mut file = format!("{bom}at,who,ms\n").into_bytes();
        for (cells, end) in rows {
            file.extend(cells.join(&b','));
            file.extend(end.as_bytes());
        }
        file
    })
}

fn jsonl() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        4 => (0..100_000_i64).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<f64>().prop_map(|x| x.to_string().into_bytes()),
        1 => Just(br#""a\n\u00e9""#.to_vec()),
        1 => Just(b"null".to_vec()),
        1 => Just(b"{}".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    let line = (prop::collection::vec(value, 3), prop::sample::select(&["\n", "\r\n", "\n\n"][..]));
    prop::collection::vec(line, 0..30).prop_map(|lines| {
        let mut file = b"{\"at\":1,\"who\":2,\"ms\":3}\n".to_vec();
        for (values, end) in lines {
            for (lead, value) in ["{\"at\":", ",\"who\":", ",\"ms\":"].into_iter().zip(values) {
                file.extend(lead.as_bytes());
                file.extend(value);
            }
            file.extend(b"}");
            file.extend(end.as_bytes());
        }
        file
    })
}

/// The lines as elements of an array; some of them are broken, and so is it then.
fn array(lines: &[u8]) -> Vec<u8> {
    let elements = lines.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(&b",\n"[..]);
    [b"[", &elements[..], b"]"].concat()
}

const LOG_LINE: &str = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326"#;

/// The first line of a log is a good one, so that it is one.
fn access_log() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(
        &[
            "::1",
            " ",
            " - ",
            "[10/Oct/2000:13:55:36 -0700]",
            " [",
            "\"GET / HTTP/1.1\"",
            "\"",
            "\\\"",
            " 200 ",
            "5",
            "\n",
        ][..],
    );
    prop::collection::vec(part, 0..60)
        .prop_map(|parts| format!("{LOG_LINE}\n{}", parts.concat()).into_bytes())
}

/// An object with the fields of the schema, mostly.
fn object() -> impl Strategy<Value = serde_json::Value> {
    let value = prop_oneof![
        4 => (0..100_000_i64).prop_map(serde_json::Value::from),
        2 => any::<f64>().prop_map(serde_json::Value::from),
        1 => any::<String>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::json!({"at": ["}", {"x": "]"}]})),
    ];
    let name = prop::sample::select(&["at", "who", "ms", "other"][..]);
    let more = prop::collection::vec((name, value), 0..4);
    (0..100_000_i64, more).prop_map(|(at, more)| {
        let mut object = serde_json::json!({"at": at, "who": "x", "ms": 1});
        for (name, value) in more {
            object[name] = value;
        }
        object
    })
}

/// The outcome but for the places.
fn rows_and_reasons(outcome: &crate::common::Outcome) -> String {
    let text = outcome.text();
    let line = |line: &str| line.split_once(" after ").map_or(line, |(_, reason)| reason).to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The file in pieces that end at the given shares of it.
fn pieces<'a>(file: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(file.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(file.len());
    let mut start = 0;
    ends.into_iter().map(|end| &file[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #[test]
    fn any_split_gives_the_same_log_and_the_same_rejects(
        file in prop_oneof![csv(), jsonl(), jsonl().prop_map(|file| array(&file)), access_log()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let schema = if file.starts_with(LOG_LINE.as_bytes()) { LOG_SCHEMA } else { SCHEMA };
        let whole = read_whole(schema, &file);
        let split = read(schema, &file, pieces(&file, &cuts).into_iter());
        prop_assert_eq!(whole.text(), split.text());
        let bytes = read(schema, &file, file.chunks(1));
        prop_assert_eq!(whole.text(), bytes.text());
    }

    /// What is one a line gives the same as an array, and as objects one after the other.
    #[test]
    fn the_layout_of_objects_does_not_show(
        values in prop::collection::vec(object(), 1..20), pretty in any::<bool>(), commas in any::<bool>(),
    ) {
        let written = |value: &serde_json::Value| if pretty { format!("{value:#}") } else { value.to_string() };
        let each: Vec<String> = values.iter().map(written).collect();
        let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
        let lines = rows_and_reasons(&read_whole(SCHEMA, lines.join("\n").as_bytes()));
        let array = format!("[{}]", each.join(if commas { " ,\n " } else { "\n" }));
        prop_assert_eq!(&lines, &rows_and_reasons(&read_whole(SCHEMA, array.as_bytes())), "{}", array);
        // A first object on one line is taken for JSON Lines.
        let objects = format!("{:#}\n{}", values[0], each[1..].join("\n"));
        if pretty {
            prop_assert_eq!(&lines, &rows_and_reasons(&read_whole(SCHEMA, objects.as_bytes())), "{}", objects);
        }
    }

    #[test]
    fn lines_in_are_rows_and_rejected_out(lines in prop::collection::vec("[^\n\r\0]{0,20}", 0..20)) {
        let log = format!("{LOG_LINE}\n{}\n", lines.join("\n"));
        let outcome = read_whole(LOG_SCHEMA, log.as_bytes());
        let there = lines.iter().filter(|line| !line.as_bytes().trim_ascii().is_empty()).count() as u64;
        prop_assert_eq!((outcome.rows, outcome.rejected.len() as u64), (1, there));
    }

    #[test]
    fn records_in_are_rows_and_rejected_out(
        rows in prop::collection::vec(prop::collection::vec("[a-z0-9.\"]{1,3}", 2..5), 1..40),
    ) {
        // A quote inside a cell is text; one at its start opens a quoted cell, so none starts a cell here.
        let rows: Vec<String> = rows.iter().map(|cells| format!("x{}", cells.join(",x"))).collect();
        let file = format!("at,who,ms\n{}", rows.join("\n"));
        let outcome = read_whole(SCHEMA, file.as_bytes());
        prop_assert_eq!(outcome.rows + outcome.rejected.len() as u64, rows.len() as u64);
    }

    /// Of any bytes: a reader and a profiler meet the same records, and no cut of the file shows.
    #[test]
    fn a_profile_has_the_records_of_a_reader(
        file in prop_oneof![csv(), jsonl()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let read = read_whole(SCHEMA, &file);
        if Profiler::new(&file).is_err() {
            prop_assert!(read.error.is_some());
            return Ok(());
        }
        let profiled = |pieces: Vec<&[u8]>| {
            let mut profiler = Profiler::new(&file).unwrap();
            let done = pieces.into_iter().try_for_each(|piece| profiler.push(piece));
            (done.and_then(|()| profiler.finish()), profiler.profile())
        };
        let (done, profile) = profiled(vec![&file]);
        prop_assert_eq!(profile.records + profile.broken, read.rows + read.rejected.len() as u64);
        for column in &profile.columns {
            let shown = profile.records.min(PREVIEW_ROWS as u64);
            prop_assert_eq!(profile.preview.rows.len() as u64, shown);
            prop_assert!(column.empty + column.misfits <= profile.records, "{:?}", column);
        }
        prop_assert_eq!(profiled(pieces(&file, &cuts)), (done, profile));
    }

    #[test]
    fn a_naive_reader_agrees_on_files_without_quotes(
        rows in prop::collection::vec(
            (prop_oneof![4 => (0..2_000_000_000_i64).prop_map(|n| n.to_string()), 1 => "[a-z]{0,3}"],
             "[a-z \u{e9}]{0,4}",
             prop_oneof![4 => any::<f64>().prop_map(|x| x.to_string()), 1 => "[0-9a-z]{0,3}"],
             prop_oneof![9 => Just(""), 1 => Just(",more")]),
            1..40,
        ),
    ) {
        let lines: Vec<String> = rows.iter().map(|(at, who, ms, more)| format!("{at},{who},{ms}{more}")).collect();
        let outcome = read_whole(SCHEMA, format!("at,who,ms\n{}\n", lines.join("\n")).as_bytes());
        let naive = naive(&lines);
        let block = outcome.log.read(0, usize::MAX);
        let rows: Vec<(i64, String, u64)> = (0..block.len())
            .map(|row| {
                let who = block.dictionary(0).name(block.key(0)[row]).to_owned();
                (block.time()[row], who, block.measure(0)[row].to_bits())
            })
            .collect();
        let rejected: Vec<u64> = outcome.rejected.iter().map(|rejected| line(rejected.position)).collect();
        prop_assert_eq!((rows, rejected), naive);
    }
}

type Naive = (Vec<(i64, String, u64)>, Vec<u64>);

/// Rows (milliseconds, who, bits of ms) and the numbers of the lines that are none.
fn naive(lines: &[String]) -> Naive {
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    for (i, line) in lines.iter().enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let row = match cells[..] {
            [at, who, ms] => at.parse::<i64>().ok().zip(ms.parse::<f64>().ok()).map(|(at, ms)| (at, who, ms)),
            _ => None,
        };
        match row.filter(|(.., ms)| ms.is_finite()) {
            Some((at, who, ms)) => rows.push((at * 1000, who.to_owned(), ms.to_bits())),
            None => rejected.push(i as u64 + 2),
        }
    }
    (rows, rejected)
}

fn line(position: Position) -> u64 {
    match position {
        Position::Text { line, .. } => line,
        Position::Row(row) => panic!("row {row} of a text"),
    }
}
