//! One record to one row, without a file around it: as a log of messages has them.
//!
//! **Invariant:** a row follows from its record and the schema alone, whatever came before: a record may be read again
//! after a crash, from any place. So where the schema does not say how times are written, each time shows it by
//! itself; in a file the first one shows it for all.

use crate::csv::Csv;
use crate::error::IngestError;
use crate::jsonl::Fields;
use crate::place::{MAX_RECORD_BYTES, Place, too_long};
use crate::records::{Columns, CsvRow};
use crate::row::{Misfit, Rows};
use kappascope_core::spec::Schema;

/// Of a record that is all there is.
const PLACE: Place = Place { line: 1, byte: 0 };

/// How a record is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SingleForm {
    /// A JSON object.
    Json,
    /// A line of CSV, with these columns in this order.
    Csv {
        /// Their names.
        columns: Vec<String>,
        /// What stands between two cells.
        separator: u8,
    },
}

/// What a record holds; reused from record to record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SingleRow {
    /// Event time, in epoch milliseconds.
    pub time: i64,
    /// When it arrived, if the schema has a column for that.
    pub arrival: Option<i64>,
    /// One string for each key column.
    pub keys: Vec<String>,
    /// One finite number for each measure.
    pub measures: Vec<f64>,
}

/// Why a record is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// What is wrong with it, and what would fit.
    pub reason: String,
}

/// Reads records one by one.
///
/// ```
/// use kappascope_core::Spec;
/// use kappascope_ingest::{Single, SingleForm, SingleRow};
///
/// let spec = Spec::from_toml(r#"
///     name = "shop"
///     version = 1
///     schema = { time = "at", keys = ["user.id"], measures = ["ms"] }
///     [[query]]
///     name = "per_minute"
///     window = { tumbling = "1m" }
///     aggregates = ["count()"]
/// "#).expect("a pipeline that runs");
/// let mut single = Single::new(&spec.schema, &SingleForm::Json)?;
/// let mut row = SingleRow::default();
/// single.read(br#"{"at": "2024-05-01T10:00:00Z", "user": {"id": "u7"}, "ms": 20.5}"#, &mut row).expect("a row");
/// assert_eq!((row.time, row.keys[0].as_str(), row.measures[0]), (1_714_557_600_000, "u7", 20.5));
///
/// let unfit = single.read(b"{}", &mut row).unwrap_err();
/// assert_eq!((unfit.column.as_deref(), unfit.reason.as_str()), (Some("at"), "the record has no such field"));
/// # Ok::<(), kappascope_ingest::IngestError>(())
/// ```
#[derive(Debug)]
pub struct Single {
    rows: Rows,
    cut: Cut,
}

#[derive(Debug)]
enum Cut {
    Json(Fields),
    Csv {
        csv: Box<Csv>,
        columns: Columns,
        separator: u8,
        /// The record with a line end.
        line: Vec<u8>,
    },
}

impl Single {
    /// A reader of records of this form.
    ///
    /// # Errors
    /// When the columns lack one that the schema names, or the schema's time format is none.
    pub fn new(schema: &Schema, form: &SingleForm) -> Result<Self, IngestError> {
        let mut schema = schema.clone();
        // The log knows which partition a record is of.
        schema.partition = None;
        let rows = Rows::new(&schema)?;
        let cut = match form {
            SingleForm::Json => Cut::Json(Fields::new(rows.wanted())),
            SingleForm::Csv { columns, separator } => Cut::Csv {
                columns: Columns::find(columns, rows.wanted())?,
                csv: Box::new(Csv::new(*separator, 0)),
                separator: *separator,
                line: Vec::new(),
            },
        };
        Ok(Self { rows, cut })
    }

    /// Sets `row` to what a record holds. Nothing is allocated for a row once strings as long as its own were met.
    ///
    /// # Errors
    /// When the record is no row; `row` holds anything then.
    pub fn read(&mut self, record: &[u8], row: &mut SingleRow) -> Result<(), Unfit> {
        let Self { rows, cut } = self;
        if record.len() > MAX_RECORD_BYTES {
            return Err(Unfit { column: None, reason: too_long(record.len() as u64) });
        }
        let read = match cut {
            Cut::Json(fields) => fields.read(record, PLACE).map(|fields| rows.read_alone(fields, row)),
            Cut::Csv { csv, columns, separator, line } => {
                line.clear();
                line.extend_from_slice(record);
                line.push(b'\n');
                let read = read_csv(csv, columns, line, |record| rows.read_alone(record, row));
                if read.is_err() {
                    // What is left of a broken record is not of the next one.
                    **csv = Csv::new(*separator, 0);
                }
                read
            }
        };
        match read {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Misfit { column, reason })) => {
                Err(Unfit { column: Some(rows.wanted()[column].clone()), reason })
            }
            Err(reason) => Err(Unfit { column: None, reason }),
        }
    }
}

/// Gives the one record of a line to `take`, or says why there is none.
fn read_csv<T>(
    csv: &mut Csv,
    columns: &Columns,
    mut line: &[u8],
    take: impl FnOnce(&CsvRow<'_>) -> T,
) -> Result<T, String> {
    let record = match csv.next(&mut line) {
        Some(record) => record,
        None => return Err(csv.finish().and_then(|record| record.cells.err()).unwrap_or_else(nothing)),
    };
    let taken = take(&CsvRow::new(record.cells?, columns)?);
    match line.trim_ascii() {
        b"" => Ok(taken),
        _ => Err("more than one line; a record is one".to_owned()),
    }
}

fn nothing() -> String {
    "nothing where a line of CSV belongs".to_owned()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::Reader;
    use kappascope_core::{Log, Spec};
    use proptest::prelude::*;

    fn schema(more: &str) -> Schema {
        let spec = format!(
            "name='t'\nversion=1\nschema={{time='at',keys=['who','in.city'],measures=['ms']{more}}}\n\
             [[query]]\nname='q'\nwindow={{tumbling='1m'}}\naggregates=['count()']"
        );
        Spec::from_toml(&spec).expect("it is sound").schema
    }

    /// A row or why there is none, of each record by itself.
    fn alone(schema: &Schema, form: &SingleForm, records: &[String]) -> Vec<Result<SingleRow, Unfit>> {
        let mut single = Single::new(schema, form).expect("it is sound");
        let mut row = SingleRow::default();
        records.iter().map(|record| single.read(record.as_bytes(), &mut row).map(|()| row.clone())).collect()
    }

    /// The same of a file of them.
    fn in_a_file(schema: &Schema, file: &str) -> Vec<Result<SingleRow, Unfit>> {
        let (mut log, mut rejected) = (Log::new(schema), Vec::new());
        let mut reader = Reader::new(schema, file.as_bytes()).expect("it is sound");
        reader.push(file.as_bytes(), &mut log, &mut rejected).expect("it is sound");
        reader.finish(&mut log, &mut rejected).expect("it is sound");
        let block = log.read(0, usize::MAX);
        let mut rows = (0..block.len()).map(|row| SingleRow {
            time: block.time()[row],
            arrival: None,
            keys: (0..2).map(|key| block.dictionary(key).name(block.key(key)[row]).to_owned()).collect(),
            measures: vec![block.measure(0)[row]],
        });
        let (mut all, mut taken) = (Vec::new(), 0);
        for refused in rejected {
            all.extend(rows.by_ref().take((refused.rows_before - taken) as usize).map(Ok));
            taken = refused.rows_before;
            all.push(Err(Unfit { column: refused.column, reason: refused.reason }));
        }
        all.extend(rows.map(Ok));
        all
    }

    fn time() -> impl Strategy<Value = String> {
        const TIMES: [&str; 5] =
            ["2024-05-01T10:00:00Z", "2024-05-01T10:00:01.5+02:00", "2024-05-02T00:00:00Z", "soon", ""];
        prop::sample::select(&TIMES[..]).prop_map(str::to_owned)
    }

    fn number() -> impl Strategy<Value = String> {
        let odd = ["fast", "", "1e400", "1,5", "-0", "+1", "0x1"].map(str::to_owned);
        prop_oneof![any::<f64>().prop_map(|x| x.to_string()), prop::sample::select(odd.to_vec())]
    }

    fn event() -> impl Strategy<Value = (String, String, String, String)> {
        (time(), "[a-z\"é]{0,3}", "[a-z]{0,2}", number())
    }

    proptest! {
        #[test]
        fn a_json_record_is_read_as_a_file_of_it_is(events in prop::collection::vec(event(), 1..20)) {
            let json = |(at, who, city, ms): &(String, String, String, String)| {
                let ms = ms.parse::<f64>().ok().filter(|x| x.is_finite()).map_or_else(
                    || serde_json::json!(ms), |ms| serde_json::json!(ms));
                serde_json::json!({ "at": at, "who": who, "in": { "city": city }, "ms": ms }).to_string()
            };
            let mut records = vec![json(&("2024-05-01T09:00:00Z".into(), "u".into(), "c".into(), "1".into()))];
            records.extend(events.iter().map(json));
            records.push("{\"at\":".to_owned());
            records.push("[1]".to_owned());
            records.push("{\"at\":1,\"who\":{},\"in\":null,\"ms\":true}".to_owned());
            let schema = schema(",time_format='rfc3339'");
            prop_assert_eq!(alone(&schema, &SingleForm::Json, &records), in_a_file(&schema, &records.join("\n")));
        }

        #[test]
        fn a_csv_record_is_read_as_a_file_of_it_is(events in prop::collection::vec(event(), 1..20)) {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let mut records: Vec<String> = vec!["2024-05-01T09:00:00Z,u,c,1".to_owned(), "1,2".to_owned()];
            records.extend(events.iter().map(|(at, who, city, ms)| {
                format!("{at},{},{city},{}", quoted(who), quoted(ms))
            }));
            let schema = schema(",time_format='rfc3339'");
            let columns = ["at", "who", "in.city", "ms"].map(str::to_owned).to_vec();
            let file = format!("at,who,in.city,ms\n{}", records.join("\n"));
            prop_assert_eq!(
                alone(&schema, &SingleForm::Csv { columns, separator: b',' }, &records), in_a_file(&schema, &file));
        }

        /// Whatever came before, also times in other formats.
        #[test]
        fn what_came_before_does_not_show(order in prop::collection::vec(0..9_usize, 1..30)) {
            let times = ["1714557600", "1714557600000", "\"2024-05-01T10:00:00Z\"", "\"2024-05-01 10:00:00\"",
                "\"2024-05-01\"", "\"01/May/2024:10:00:00 +0000\"", "\"x\"", "null", "99999999999999999999"];
            let record = |at: &&str| format!("{{\"at\":{at},\"who\":\"u\",\"in\":{{\"city\":\"c\"}},\"ms\":1}}");
            let records: Vec<String> = times.iter().map(record).collect();
            let schema = schema("");
            let fresh: Vec<_> =
                records.iter().flat_map(|one| alone(&schema, &SingleForm::Json, std::slice::from_ref(one))).collect();
            let chosen: Vec<String> = order.iter().map(|&at| records[at].clone()).collect();
            let expected: Vec<_> = order.iter().map(|&at| fresh[at].clone()).collect();
            prop_assert_eq!(alone(&schema, &SingleForm::Json, &chosen), expected);
        }
    }

    #[test]
    fn a_csv_record_is_one_line() {
        let schema = schema("");
        let columns = ["at", "who", "in.city", "ms"].map(str::to_owned).to_vec();
        let form = SingleForm::Csv { columns, separator: b',' };
        let cases = [
            ("1714557600,u,c,1", None),
            ("1714557600,u,c,1\n", None),
            ("1714557600,u,c,1\r\n", None),
            ("1714557600,\"u\nv\",c,1", None),
            ("1714557600,u,c,1\n1714557600,u,c,1", Some("more than one line")),
            ("1714557600,u", Some("2 cells where the header has 4")),
            ("", Some("nothing where a line")),
            ("\n", Some("nothing where a line")),
            ("1714557600,\"u,c,1", Some("a quote that is not closed")),
        ];
        let records: Vec<String> = cases.iter().map(|(record, _)| (*record).to_owned()).collect();
        for (read, (record, reason)) in alone(&schema, &form, &records).iter().zip(cases) {
            match (read, reason) {
                (Ok(row), None) => assert_eq!(row.time, 1_714_557_600_000, "{record:?}"),
                (Err(unfit), Some(reason)) => assert!(unfit.reason.contains(reason), "{record:?}: {unfit:?}"),
                _ => panic!("{record:?}: {read:?}"),
            }
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_refused() {
        let record = format!("{{\"at\":1,\"who\":\"{}\"}}", "x".repeat(MAX_RECORD_BYTES));
        let read = alone(&schema(""), &SingleForm::Json, &[record]);
        assert!(read[0].as_ref().is_err_and(|unfit| unfit.reason.contains("at most")), "{read:?}");
    }
}
