//! What must hold of any file: splits do not show, nothing is lost, and a naive reader agrees.

use crate::common::{SCHEMA, read, read_whole};
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
        file in prop_oneof![csv(), jsonl()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let whole = read_whole(SCHEMA, &file);
        let split = read(SCHEMA, &file, pieces(&file, &cuts).into_iter());
        prop_assert_eq!(whole.text(), split.text());
        let bytes = read(SCHEMA, &file, file.chunks(1));
        prop_assert_eq!(whole.text(), bytes.text());
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
        let rejected: Vec<u64> = outcome.rejected.iter().map(|rejected| rejected.line).collect();
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
