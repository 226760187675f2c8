//! Columns against text: the same cells give the same log and the same refusals.

use crate::common::{Outcome, read_batches, read_whole};
use expect_test::expect;
use kappascope_ingest::profile::BatchProfiler;
use kappascope_ingest::{Batch, BatchReader, Cells, Column, Names};
use proptest::prelude::*;

const SCHEMA: &str = "time = 'at', arrival = 'seen', partition = 'part', partitions = 3, \
                      keys = ['who', 'code'], measures = ['ms', 'bytes']";

const NAMES: [&str; 6] = ["at", "seen", "part", "who", "code", "ms"];

fn columns() -> Vec<String> {
    NAMES.into_iter().chain(["bytes"]).map(str::to_owned).collect()
}

/// A column, and its cells as a CSV file has them.
type Told = (Column, Vec<String>);

fn told<T: Clone>(
    cells: Vec<Option<T>>,
    nothing: T,
    kind: impl Fn(Vec<T>) -> Cells,
    text: impl Fn(&T) -> String,
) -> Told {
    let texts = cells.iter().map(|cell| cell.as_ref().map_or(String::new(), &text)).collect();
    let nulls: Vec<bool> = cells.iter().map(Option::is_none).collect();
    let values = cells.into_iter().map(|cell| cell.unwrap_or(nothing.clone())).collect();
    let nulls = if nulls.contains(&true) { nulls } else { Vec::new() };
    (Column { cells: kind(values), nulls }, texts)
}

/// One name twice in the dictionary now and then, as files have it.
fn text(values: Vec<String>) -> Cells {
    let mut names = Names::default();
    let mut known: Vec<(String, u32)> = Vec::new();
    let ids = values.into_iter().enumerate().map(|(row, value)| {
        let seen = known.iter().find(|(name, _)| *name == value && row % 5 != 0).map(|(_, id)| *id);
        seen.unwrap_or_else(|| {
            let id = names.push(&value).expect("short names");
            known.push((value, id));
            id
        })
    });
    Cells::Text { ids: ids.collect(), names }
}

fn texts(cell: impl Strategy<Value = String> + 'static, rows: usize) -> BoxedStrategy<Told> {
    let cell = prop_oneof![9 => cell.prop_map(Some), 1 => Just(None)];
    prop::collection::vec(cell, rows).prop_map(|cells| told(cells, String::new(), text, Clone::clone)).boxed()
}

fn integers(cell: impl Strategy<Value = i64> + 'static, nulls: u32, rows: usize) -> BoxedStrategy<Told> {
    let cell = prop_oneof![40 => cell.prop_map(Some), nulls => Just(None)];
    prop::collection::vec(cell, rows).prop_map(|cells| told(cells, 0, Cells::Integer, i64::to_string)).boxed()
}

fn numbers(rows: usize) -> BoxedStrategy<Told> {
    let cell = prop_oneof![
        20 => any::<f64>().prop_map(Some),
        20 => (0..1000_i32).prop_map(|n| Some(f64::from(n) / 8.0)),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(f64::INFINITY)),
        1 => Just(None),
    ];
    prop::collection::vec(cell, rows)
        .prop_map(|cells| told(cells, 0.0, Cells::Number, f64::to_string))
        .boxed()
}

fn times(rows: usize) -> BoxedStrategy<Told> {
    let cell = prop_oneof![20 => (0..4_000_000_000_000_i64).prop_map(Some), 1 => Just(None)];
    let text = |ms: &i64| jiff::Timestamp::from_millisecond(*ms).expect("a time in range").to_string();
    prop::collection::vec(cell, rows).prop_map(move |cells| told(cells, 0, Cells::Time, text)).boxed()
}

fn dates(rows: usize) -> BoxedStrategy<Told> {
    let cell = prop_oneof![20 => (0..20_000_i32).prop_map(Some), 1 => Just(None)];
    let text = |days: &i32| {
        let time = jiff::Timestamp::from_second(i64::from(*days) * 86_400).expect("a time in range");
        time.to_string()[..10].to_owned()
    };
    prop::collection::vec(cell, rows).prop_map(move |cells| told(cells, 0, Cells::Date, text)).boxed()
}

/// Every kind that a column of times can have, good and bad.
fn at(rows: usize) -> BoxedStrategy<Told> {
    let slips = prop_oneof![20 => 1_714_557_600_000_i64..1_714_557_900_000, 1 => any::<i64>()];
    let written = prop_oneof![
        9 => (0..60_u32).prop_map(|second| format!("2024-05-01T10:00:{second:02}Z")),
        1 => Just("2024-05-01".to_owned()),
        1 => "[a-z]{0,3}",
    ];
    prop_oneof![
        3 => times(rows),
        1 => dates(rows),
        3 => integers(slips, 1, rows),
        1 => integers(1_714_557_600..1_714_557_900_i64, 0, rows),
        1 => numbers(rows),
        1 => texts(written, rows),
    ]
    .boxed()
}

fn key(rows: usize) -> BoxedStrategy<Told> {
    prop_oneof![
        3 => texts("[ab\" ,]{0,2}", rows),
        2 => integers(-3..500_i64, 1, rows),
        1 => dates(rows),
        1 => numbers(rows),
        1 => times(rows),
    ]
    .boxed()
}

fn measure(rows: usize) -> BoxedStrategy<Told> {
    let decimals = prop_oneof![9 => (0..999_u32).prop_map(|n| format!("{}.{:02}", n / 100, n % 100)), 1 => Just("1,5".to_owned())];
    prop_oneof![4 => numbers(rows), 2 => integers(any::<i64>(), 1, rows), 1 => texts(decimals, rows)].boxed()
}

fn partition(rows: usize) -> BoxedStrategy<Told> {
    let slips = prop_oneof![20 => 0..3_i64, 1 => -1..5_i64];
    let written = prop::sample::select(&["0", "1", " 2", "x"][..]).prop_map(str::to_owned);
    prop_oneof![3 => integers(slips, 1, rows), 1 => texts(written, rows)].boxed()
}

fn file() -> impl Strategy<Value = Vec<Told>> {
    (1..60_usize).prop_flat_map(|rows| {
        (at(rows), at(rows), partition(rows), key(rows), key(rows), measure(rows), measure(rows))
            .prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
    })
}

fn csv(file: &[Told]) -> String {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let row = |row: usize| file.iter().map(|(_, cells)| quoted(&cells[row])).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..file[0].1.len()).map(row).collect();
    format!("{}\n{}\n", columns().join(","), rows.join("\n"))
}

/// The rows `from..to` as a batch of their own.
fn cut(file: &[Told], from: usize, to: usize) -> Batch {
    let cut = |column: &Column| {
        let cells = match &column.cells {
            Cells::Text { ids, names } => Cells::Text { ids: ids[from..to].to_vec(), names: names.clone() },
            Cells::Integer(cells) => Cells::Integer(cells[from..to].to_vec()),
            Cells::Number(cells) => Cells::Number(cells[from..to].to_vec()),
            Cells::Time(cells) => Cells::Time(cells[from..to].to_vec()),
            Cells::Date(cells) => Cells::Date(cells[from..to].to_vec()),
        };
        Column { cells, nulls: column.nulls.get(from..to).unwrap_or_default().to_vec() }
    };
    Batch { rows: to - from, columns: file.iter().map(|(column, _)| cut(column)).collect() }
}

/// What happened, without where in the file it was. A text column that has shown no time yet might hold
/// numbers or dates; a column of times tells which: their examples differ.
fn events(outcome: &Outcome) -> String {
    let mut text =
        outcome.text().replace(" or `1714557600`", "").replace("`2024-05-01T10:00:00Z`", "`2024-05-01`");
    for rejected in &outcome.rejected {
        let line = match rejected.position {
            kappascope_ingest::Position::Text { line, byte } => format!("line {line} byte {byte} after"),
            kappascope_ingest::Position::Row(row) => format!("row {row} after"),
        };
        text = text.replacen(&line, "after", 1);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn columns_and_text_give_the_same_log_and_refusals(file in file(), at in any::<prop::sample::Index>()) {
        let rows = file[0].1.len();
        let middle = at.index(rows + 1);
        let batches = [cut(&file, 0, middle), cut(&file, middle, rows)];
        let by_columns = read_batches(SCHEMA, &columns(), &batches);
        let by_text = read_whole(SCHEMA, csv(&file).as_bytes());
        prop_assert_eq!(events(&by_columns), events(&by_text), "{}", csv(&file));
    }
}

fn check(schema: &str, columns: Vec<(&str, Column)>, expected: expect_test::Expect) {
    let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let columns: Vec<Column> = columns.into_iter().map(|(_, column)| column).collect();
    let rows = match &columns[0].cells {
        Cells::Time(cells) => cells.len(),
        cells => panic!("{cells:?} come first"),
    };
    expected.assert_eq(&read_batches(schema, &names, &[Batch { rows, columns }]).text());
}

#[test]
fn a_refused_row_is_told_with_its_number() {
    let at = Column { cells: Cells::Time(vec![0, 1, 2, 3]), nulls: vec![false, true, false, false] };
    let ms = Column::full(Cells::Number(vec![0.5, 1.0, f64::NEG_INFINITY, 2.0]));
    check(
        "time = 'at', measures = ['ms']",
        vec![("at", at), ("ms", ms)],
        expect![[r#"
            0 0 0.5
            3 0 2.0
            row 2 after 1 [at] nothing where a time belongs, such as `2024-05-01T10:00:00Z`
            row 3 after 1 [ms] `-inf` is not finite; a number such as `12.5` would fit
        "#]],
    );
}

#[test]
fn a_column_of_times_needs_no_format() {
    let at = || Column::full(Cells::Time(vec![1_714_557_600_000]));
    let row = "1714557600000 0\n";
    for schema in ["time = 'at'", "time = 'at', time_format = 's'", "time = 'at', time_format = '%d/%m/%Y'"] {
        let outcome = read_batches(schema, &["at".to_owned()], &[Batch { rows: 1, columns: vec![at()] }]);
        assert_eq!(outcome.text(), row, "{schema}");
    }
}

#[test]
fn a_batch_of_another_shape_is_refused() {
    let mut log = kappascope_core::Log::new(&crate::common::spec("time = 'at'").schema);
    let mut reader =
        BatchReader::new(&crate::common::spec("time = 'at'").schema, &["at".to_owned()]).unwrap();
    let short = Column::full(Cells::Time(vec![1]));
    let foreign = Column::full(Cells::Text { ids: vec![0, 7], names: Names::default() });
    for columns in [vec![], vec![short], vec![foreign]] {
        let error = reader.push(&Batch { rows: 2, columns }, &mut log, &mut Vec::new()).unwrap_err();
        expect!["row 1: a batch whose columns are not those that were asked for, an entry a row"]
            .assert_eq(&error.to_string());
    }
}

#[test]
fn columns_that_are_missing_or_there_twice() {
    let error = |columns: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        BatchReader::new(&crate::common::spec("time = 'at'").schema, &columns).unwrap_err().to_string()
    };
    expect!["no column `at`; the columns are `ts`, `who`"].assert_eq(&error(&["who", "ts"]));
    expect!["the header has two columns `at`; each column that the schema uses needs a name of its own"]
        .assert_eq(&error(&["at", "at"]));
    expect!["the file has columns and no rows"]
        .assert_eq(&read_batches("time = 'at'", &["at".to_owned()], &[]).error.unwrap());
}

#[test]
fn names_from_elsewhere_are_checked() {
    let names = Names::from_parts("aé".to_owned(), vec![1, 3]).unwrap();
    assert_eq!((names.get(0), names.get(1), names.get(2), names.get(9)), (Some("a"), Some("é"), None, None));
    for ends in [vec![1, 2], vec![3, 1], vec![1], vec![2, 3], vec![4]] {
        assert_eq!(Names::from_parts("aé".to_owned(), ends), None);
    }
}

#[test]
fn a_pipeline_is_proposed_from_the_first_batch() {
    let at = Column::full(Cells::Time((0..100).map(|i| 1_714_557_600_000 + i * 700).collect()));
    let who = Column::full(text((0..100).map(|i| ["ann", "bob"][i % 2].to_owned()).collect()));
    let ms = Column::full(Cells::Number((0..100).map(f64::from).collect()));
    let names = ["ts", "who", "ms"].map(str::to_owned);
    let mut profiler = BatchProfiler::new("Parquet", &names);
    profiler.push(&Batch { rows: 100, columns: vec![at, who, ms] }).unwrap();
    let spec = profiler.profile().proposal().unwrap().mapping.pipeline("x/shop.parquet").unwrap();
    assert_eq!((spec.name.as_str(), spec.schema.time.as_str()), ("shop", "ts"));
    assert_eq!((spec.schema.keys, spec.schema.measures), (vec!["who".to_owned()], vec!["ms".to_owned()]));
}
