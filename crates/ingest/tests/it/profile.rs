//! What is found in files that look like what people have, and that it is what a naive count finds.

use expect_test::{Expect, expect};
use kappascope_ingest::profile::{ColumnKind, ColumnProfile, Profile, Profiler};
use std::fmt::Write;

pub(crate) fn profile_of(file: &[u8]) -> Profile {
    in_pieces(file, file.len().max(1))
}

fn in_pieces(file: &[u8], size: usize) -> Profile {
    let head = &file[..file.len().min(kappascope_ingest::HEAD_BYTES)];
    let mut profiler = Profiler::new(head).expect("a file that can be read");
    for piece in file.chunks(size) {
        profiler.push(piece).expect("records");
    }
    profiler.finish().expect("records");
    profiler.profile()
}

/// A column `c` beside a column of numbers.
fn column_of(cells: &[&str]) -> ColumnProfile {
    profile_of(file_of(cells).as_bytes()).columns.remove(0)
}

fn file_of(cells: &[&str]) -> String {
    cells.iter().fold("c;n\n".to_owned(), |file, cell| file + cell + ";7\n")
}

fn check(cells: &[&str], expected: Expect) {
    let column = column_of(cells);
    if matches!(column.kind, ColumnKind::Time { .. }) {
        a_run_reads_the_same(cells, &column);
    }
    let mut told = match &column.kind {
        ColumnKind::Time { format, zone } => format!("time {format}; {zone}"),
        kind => format!("{kind:?}").to_lowercase(),
    };
    let misfit =
        column.first_misfit.as_ref().map(|misfit| format!("line {}: {}", misfit.line, misfit.reason));
    let lines = [misfit, column.notice.clone()];
    lines.into_iter().flatten().for_each(|line| write!(told, "\n{line}").expect("text"));
    expected.assert_eq(&told);
}

/// What is proposed reads as many rows as the profile found times.
fn a_run_reads_the_same(cells: &[&str], column: &ColumnProfile) {
    let file = file_of(cells);
    let profile = profile_of(file.as_bytes());
    let spec = profile.proposal().and_then(|proposal| proposal.mapping.pipeline("c")).expect("a pipeline");
    let (mut log, mut rejected) = (kappascope_core::Log::new(&spec.schema), Vec::new());
    let mut reader = kappascope_ingest::Reader::new(&spec.schema, file.as_bytes()).expect("a reader");
    reader.push(file.as_bytes(), &mut log, &mut rejected).expect("rows");
    reader.finish(&mut log, &mut rejected).expect("rows");
    assert_eq!((reader.rows(), reader.rejected()), (cells.len() as u64 - column.misfits, column.misfits));
    let times = profile.time.expect("times");
    let read = log.read(0, cells.len()).time().to_vec();
    assert_eq!((read.iter().min(), read.iter().max()), (Some(&times.first), Some(&times.last)));
}

#[test]
fn times_that_are_found_by_themselves() {
    check(&["1714557600", "1714557601.25"], expect!["time s; UTC, as epoch times are"]);
    check(&["1714557600123"], expect!["time ms; UTC, as epoch times are"]);
    check(&["1714557600123456"], expect!["time us; UTC, as epoch times are"]);
    check(&["1714557600123456789"], expect!["time ns; UTC, as epoch times are"]);
    check(&["2024-05-01T10:00:00Z"], expect!["time rfc3339; UTC, from `Z`"]);
    check(
        &["2024-05-01T10:00:00+02:00", "2024-05-01 10:00:00.5+02:00"],
        expect!["time rfc3339; offset +02:00"],
    );
    check(
        &["2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00-0700"],
        expect!["time rfc3339; offsets +02:00 and -0700"],
    );
    check(&["2024-05-01 10:00:00,123"], expect!["time local; none written, taken as UTC"]);
    check(&["2024/05/01 10:00:00"], expect!["time local; none written, taken as UTC"]);
    check(&["2024-05-01"], expect!["time date; none written, taken as UTC"]);
    check(&["10/Oct/2000:13:55:36 -0700"], expect!["time %d/%b/%Y:%H:%M:%S %z; offset -0700"]);
    check(&["Wed, 01 May 2024 10:00:00 GMT"], expect!["time rfc2822; UTC, from `GMT`"]);
    check(&["Wed, 01 May 2024 10:00:00 +0200"], expect!["time rfc2822; offset +0200"]);
}

#[test]
fn times_that_need_a_name() {
    check(
        &["Wed May  1 10:00:00 2024", "Wed May 15 10:00:00 2024"],
        expect!["time %a %b %e %H:%M:%S %Y; none written, taken as UTC"],
    );
    check(&["01.05.2024 10:00"], expect!["time %d.%m.%Y %H:%M; none written, taken as UTC"]);
    check(&["1.5.2024 9:05:07"], expect!["time %d.%m.%Y %H:%M:%S; none written, taken as UTC"]);
    check(&["31/05/2024 10:00:00.250"], expect!["time %d/%m/%Y %H:%M:%S%.f; none written, taken as UTC"]);
    check(
        &["5/1/2024 10:00 AM", "5/13/2024 9:15 PM"],
        expect!["time %m/%d/%Y %I:%M %p; none written, taken as UTC"],
    );
    check(&["01-May-2024 10:00:00"], expect!["time %d-%b-%Y %H:%M:%S; none written, taken as UTC"]);
    check(&["May 1, 2024 10:00"], expect!["time %b %d, %Y %H:%M; none written, taken as UTC"]);
    check(&["20240501", "20240502"], expect!["time %Y%m%d; none written, taken as UTC"]);
    check(&["20240501100000"], expect!["time %Y%m%d%H%M%S; none written, taken as UTC"]);
}

#[test]
fn a_day_above_12_tells_day_and_month_apart() {
    check(
        &["1/2/2024", "1/3/2024"],
        expect![[r#"
        time %d/%m/%Y; none written, taken as UTC
        day and month may be the other way round, `%m/%d/%Y`: both fit, for no time has a day above 12"#]],
    );
    check(&["1/2/2024", "13/1/2024"], expect!["time %d/%m/%Y; none written, taken as UTC"]);
    check(&["1/2/2024", "1/13/2024"], expect!["time %m/%d/%Y; none written, taken as UTC"]);
    // Not among the first records, but among all.
    let mut cells = vec!["1/2/2024"; 5_000];
    cells.push("1/13/2024");
    check(&cells, expect!["time %m/%d/%Y; none written, taken as UTC"]);
}

#[test]
fn times_in_two_formats() {
    let mut cells = vec!["2024-05-01 10:00:00"; 7];
    cells.insert(0, "1714557600");
    cells.insert(3, "1714557660");
    check(
        &cells,
        expect![[r#"
            time local; none written, taken as UTC
            line 2: `1714557600` is not in the column's format; a time such as `2024-05-01 10:00:00` would fit
            times in two formats: 2 cells as `s` and not as `local`"#]],
    );
    let file = |cells: &[&str]| cells.iter().fold("t\n".to_owned(), |file, cell| file + cell + "\n");
    let named = |cells: &[&str]| {
        let proposal = profile_of(file(cells).as_bytes()).proposal().expect("a proposal");
        (proposal.mapping.time_format.clone(), proposal.reason("schema.time").map(str::to_owned))
    };
    // A reader would take the first for the format of all.
    assert_eq!(named(&cells).0.as_deref(), Some("local"));
    assert_eq!(named(&cells[1..]).0, None);
    expect!["Date and time; zone: none written, taken as UTC. The only column of times. 2 records will be rejected: the cell is no such time"].assert_eq(&named(&cells).1.unwrap_or_default());
}

#[test]
fn what_is_no_time() {
    check(
        &["May  1 10:00:00", "May 12 10:00:01"],
        expect![[r#"
        text
        times without a year, as syslog writes them; put the year in front of each and name the format: `%Y %b %e %H:%M:%S`"#]],
    );
    check(&["soon", "later"], expect!["text"]);
    check(&["12.5", "300"], expect!["number"]);
    check(&["99/99/2024", "1/1/1"], expect!["text"]);
    check(&["123456789012345678901234567890"], expect!["number"]);
}

#[test]
fn numbers_as_people_write_them() {
    check(&["1", "-2.5", "1e3"], expect!["number"]);
    check(
        &["1,234.5", "12"],
        expect![[r#"
            number
            line 2: `1,234.5` has thousands separators; `1234.5` would fit
            numbers as people write them, 1 cell from line 2: `1,234.5` has thousands separators; `1234.5` would fit"#]],
    );
    check(
        &["1.234,5", "1,5"],
        expect![[r#"
            number
            line 2: `1.234,5` has thousands separators; `1234.5` would fit
            numbers as people write them, 2 cells from line 2: `1.234,5` has thousands separators; `1234.5` would fit"#]],
    );
    check(
        &["1,234", "2,345"],
        expect![[r#"
            number
            line 2: `1,234` has a comma; `1234` or, if it sets decimals apart, `1.234` would fit
            numbers as people write them, 2 cells from line 2: `1,234` has a comma; `1234` or, if it sets decimals apart, `1.234` would fit"#]],
    );
    check(
        &["1 234.5", "1'234"],
        expect![[r#"
            number
            line 2: `1 234.5` has thousands separators; `1234.5` would fit
            numbers as people write them, 2 cells from line 2: `1 234.5` has thousands separators; `1234.5` would fit"#]],
    );
    check(
        &["1", "2", "3", "4", "5", "6", "7", "8", "9", "n/a"],
        expect![[r#"
        number
        line 11: `n/a` is not a number; a finite number such as `12.5` would fit"#]],
    );
    check(&["true", "false"], expect!["text"]);
    check(&["", " "], expect!["empty"]);
    check(&["10.0.0.1", "10.0.0.2"], expect!["text"]);
}

#[test]
fn numbers_of_any_size_have_a_histogram() {
    for cells in
        [&["1e308", "-1e308", "5e-324", "0"][..], &["1e-300", "2e-300"], &["9007199254740993", "1"], &["-7"]]
    {
        let numbers = column_of(cells).numbers.expect("numbers");
        assert_eq!(
            numbers.histogram.iter().map(|bar| bar.count).sum::<u64>(),
            cells.len() as u64,
            "{cells:?}"
        );
        assert!(numbers.histogram.len() <= 24 && numbers.mean.is_finite(), "{numbers:?}");
        assert!(
            numbers.histogram.iter().all(|bar| bar.low.is_finite() && bar.high.is_finite()),
            "{numbers:?}"
        );
    }
}

#[test]
fn small_numbers_are_times_only_where_nothing_else_is() {
    let time = |file: &str| profile_of(file.as_bytes()).time.map(|time| time.column);
    assert_eq!(time("ts,v\n0,1\n1,2\n2,3\n").as_deref(), Some("ts"));
    assert_eq!(time("n,v\n0,1\n1,2\n2,3\n"), None);
    assert_eq!(time("time,timestamp\n0,2024-05-01\n1,2024-05-01\n").as_deref(), Some("timestamp"));
}

#[test]
fn latin_1_is_told_with_its_line() {
    let profile = profile_of(b"t,c\n2024-05-01,cafe\n2024-05-01,caf\xe9\n");
    let misfit = profile.columns[1].first_misfit.as_ref().expect("a misfit");
    assert_eq!((misfit.line, profile.columns[1].misfits), (3, 1));
    expect!["`caf�` is not UTF-8; save the file as UTF-8"].assert_eq(&misfit.reason);
    expect!["`caf�` is not UTF-8; save the file as UTF-8"]
        .assert_eq(profile.preview.rows[1].cells[1].bad.as_deref().unwrap_or_default());
}

#[test]
fn columns_that_no_schema_could_name_are_left_out_and_told() {
    let profile = profile_of(b"t,a,a,b,,a\n2024-05-01,1,2,3,4,5\n2024-05-01,1,2,3,4\n");
    let names: Vec<&str> = profile.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((names, profile.records, profile.broken), (vec!["t", "b"], 1, 1));
    expect![[r#"
        3 columns are called `a`: none of them is looked at; give each a name of its own
        1 column without a name in the header: not looked at"#]]
    .assert_eq(&profile.notices.join("\n"));
    assert_eq!(profile.proposal().map(|proposal| proposal.mapping.measures), Ok(vec!["b".to_owned()]));
}

#[test]
fn ten_thousand_columns() {
    let names: String = (0..10_000).map(|i| format!("c{i},")).collect();
    let file = format!("at,{names}z\n2024-05-01,{}0\n", "1,".repeat(10_000));
    let profile = profile_of(file.as_bytes());
    assert_eq!((profile.columns.len(), profile.records), (256, 1));
    expect!["10,002 columns: the first 256 are looked at"].assert_eq(&profile.notices.join("\n"));
    assert!(profile.proposal().is_ok());
}

#[test]
fn the_preview_marks_what_does_not_fit() {
    let mut file = "at,ms\n".to_owned();
    (0..30)
        .for_each(|i| writeln!(file, "2024-05-01,{}", if i == 2 { "\"1,5\"" } else { "7" }).expect("text"));
    let preview = profile_of(file.as_bytes()).preview;
    assert_eq!((preview.rows.len(), preview.rows[2].line), (20, 4));
    expect![[r#"
        [
            PreviewCell {
                text: "2024-05-01",
                bad: None,
            },
            PreviewCell {
                text: "1,5",
                bad: Some(
                    "`1,5` has a decimal comma; `1.5` would fit",
                ),
            },
        ]
    "#]]
    .assert_debug_eq(&preview.rows[2].cells);
    let marked = preview.rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.bad.is_some());
    assert_eq!(marked.count(), 1);
}

#[test]
fn an_access_log_needs_no_format() {
    let line = |i: usize| {
        let (path, status) = (["/", "/cart"][i % 2], [200, 404][usize::from(i.is_multiple_of(7))]);
        format!(
            "10.0.0.{} - - [10/Oct/2000:13:55:{i:02} -0700] \"GET {path} HTTP/1.1\" {status} {i}\n",
            i % 9
        )
    };
    let file: String = (0..60).map(line).collect();
    let profile = profile_of(file.as_bytes());
    let mapping = profile.proposal().expect("a proposal").mapping;
    assert_eq!((profile.form.as_str(), profile.records), ("an access log", 60));
    expect![[r#"time None ["address", "method", "path", "protocol", "status"] ["bytes"] Some("path")"#]]
        .assert_eq(&format!(
            "{} {:?} {:?} {:?} {:?}",
            mapping.time, mapping.time_format, mapping.keys, mapping.measures, mapping.by
        ));
}

/// The reasons of a proposal, one a line.
fn check_reasons(file: &str, expected: Expect) {
    let proposal = profile_of(file.as_bytes()).proposal().expect("a proposal");
    let own = ["schema", "watermark", "query.by", "query.window", "query.lateness", "detector.on"];
    let own = proposal.reasons.iter().filter(|reason| own.iter().any(|own| reason.at.starts_with(own)));
    let lines: Vec<String> = own.map(|reason| format!("{}: {}", reason.at, reason.why)).collect();
    let spec = proposal.mapping.pipeline("x").expect("a pipeline");
    let again = kappascope_core::Spec::from_toml(&spec.to_toml());
    assert_eq!(again.as_ref(), Ok(&spec));
    expected.assert_eq(&lines.join("\n"));
}

/// Events a second apart, of which every `every`th comes `late_ms` late.
fn disordered(every: i64, late_ms: i64) -> String {
    let mut file = "at,page,user,ms\n".to_owned();
    for i in 0..5_000_i64 {
        let late = if i % every == every - 1 { late_ms } else { 0 };
        let (time, page) = (1_714_557_600_000 + i * 1_000 - late, ["home", "cart"][i as usize % 2]);
        let _ = writeln!(file, "{time},{page},u{i},{}", i % 97);
    }
    file
}

#[test]
fn a_reason_for_each_choice() {
    check_reasons(
        &disordered(6_000, 0),
        expect![[r#"
            schema.time: Epoch milliseconds; zone: UTC, as epoch times are. The only column of times
            schema.keys: `page` has 2 values. Left out: `user`, which has another value in most records, as identifiers do
            schema.measures: `ms` from 0 to 96
            watermark.bound: Every event comes in order
            query.by: 2 values: few enough to tell apart, the fewest of all keys
            query.window: An event of each group comes every 2s: a window holds one at most
            detector.on: The events are regular, so their number says little: the mean of the first measure"#]],
    );
    check_reasons(
        &disordered(100, 20_000),
        expect![[r#"
            schema.time: Epoch milliseconds; zone: UTC, as epoch times are. The only column of times
            schema.keys: `page` has 2 values. Left out: `user`, which has another value in most records, as identifiers do
            schema.measures: `ms` from 0 to 96
            watermark.bound: No event comes later than that: 50 of 5,000 come after a newer one, by up to 19s
            query.by: 2 values: few enough to tell apart, the fewest of all keys
            query.window: An event of each group comes every 2s: a window holds one at most
            detector.on: The events are regular, so their number says little: the mean of the first measure"#]],
    );
    check_reasons(
        &disordered(2_500, 20_000),
        expect![[r#"
            schema.time: Epoch milliseconds; zone: UTC, as epoch times are. The only column of times
            schema.keys: `page` has 2 values. Left out: `user`, which has another value in most records, as identifiers do
            schema.measures: `ms` from 0 to 96
            watermark.bound: 0.04 % of 5,000 events come later than that, the latest of them 19s behind
            query.by: 2 values: few enough to tell apart, the fewest of all keys
            query.window: An event of each group comes every 2s: a window holds one at most
            query.lateness: So long a window takes the few events that come later than the bound, as corrections
            detector.on: The events are regular, so their number says little: the mean of the first measure"#]],
    );
    check_reasons(
        &disordered(2_500, 90_000_000),
        expect![[r#"
            schema.time: Epoch milliseconds; zone: UTC, as epoch times are. The only column of times
            schema.keys: `page` has 2 values. Left out: `user`, which has another value in most records, as identifiers do
            schema.measures: `ms` from 0 to 96
            watermark.bound: 0.04 % of 5,000 events come later than that, the latest of them 25h behind
            query.by: 2 values: few enough to tell apart, the fewest of all keys
            query.window: An event of each group comes every 2s: a window holds one at most
            detector.on: The events are regular, so their number says little: the mean of the first measure"#]],
    );
    check_reasons(
        "when;amount;who\n1/2/2024;1,5;a\n1/3/2024;2,5;b\n",
        expect![[r#"
            schema.time: As `%d/%m/%Y`; zone: none written, taken as UTC. The only column of times
            schema.time_format: Day and month may be the other way round, `%m/%d/%Y`: both fit, for no time has a day above 12
            schema.keys: `who` has 2 values
            schema.measures: No column of numbers that measure something. Left out: `amount`: `1,5` has a decimal comma; `1.5` would fit
            watermark.bound: Every event comes in order
            query.by: 2 values: few enough to tell apart, the fewest of all keys
            query.window: Holds about 1 event of each group
            detector.on: How many events come, for there is nothing else to measure"#]],
    );
    check_reasons(
        &(0..20).fold(String::new(), |file, i| {
            let maybe = if i < 15 { r#","maybe":"x""# } else { "" };
            file + &format!("{{\"t\":\"2024-05-01T10:00:{i:02}Z\",\"sure\":\"y\"{maybe}}}\n")
        }),
        expect![[r#"
            schema.time: Date, time and zone; zone: UTC, from `Z`. The only column of times
            schema.keys: `sure` has 1 value. Left out: `maybe`, for which 25 % of the records would be rejected: the record has no such field
            schema.measures: No column of numbers that measure something
            watermark.bound: Every event comes in order
            query.by: No key has 2 to 12 values: one group of all events
            query.window: An event comes every 1s: a window holds one at most
            detector.on: How many events come, for there is nothing else to measure"#]],
    );
}

#[test]
fn every_line_of_the_pipeline_has_its_reason() {
    for file in [disordered(6_000, 0), disordered(2_500, 20_000)] {
        let proposal = profile_of(file.as_bytes()).proposal().expect("a proposal");
        let toml = proposal.mapping.pipeline("x").expect("a pipeline").to_toml();
        let mut table = String::new();
        for line in toml.lines().filter(|line| !line.is_empty()) {
            match line.split_once(" = ") {
                None => table = line.trim_matches(['[', ']']).to_owned(),
                Some((field, _)) => {
                    let at = format!("{table}.{field}");
                    let at = at.trim_start_matches('.');
                    assert!(proposal.reason(at).or(proposal.reason(&table)).is_some(), "{at}");
                }
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod oracle {
    use super::*;
    use kappascope_ingest::profile::{Duplicates, MOST_STEPS, Rate};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const START: i64 = 1_714_557_600_000;

    fn csv(rows: &[(i64, u32, f64)]) -> String {
        let mut file = "at,who,n\n".to_owned();
        rows.iter().for_each(|(at, who, n)| writeln!(file, "{},w{who},{n}", START + at).expect("text"));
        file
    }

    fn rows() -> impl Strategy<Value = Vec<(i64, u32, f64)>> {
        let span = prop::sample::select(&[1_i64, 1_000, 60_000, 86_400_000, 400 * 86_400_000][..]);
        span.prop_flat_map(|span| {
            prop::collection::vec(
                (0..=span, 0..20_u32, (-500_i32..500).prop_map(|n| f64::from(n) / 4.0)),
                1..300,
            )
        })
    }

    proptest! {
        #[test]
        fn a_naive_count_finds_the_same(rows in rows()) {
            let profile = profile_of(csv(&rows).as_bytes());
            let time = profile.time.as_ref().unwrap();
            let times: Vec<i64> = rows.iter().map(|(at, ..)| START + at).collect();

            // How far each lies behind all before it.
            let behind = |i: usize| times[..i].iter().map(|before| before - times[i]).max().unwrap_or(0).max(0);
            let behind: Vec<i64> = (0..times.len()).map(behind).collect();
            prop_assert_eq!(time.disorder.behind, behind.iter().filter(|behind| **behind > 0).count() as u64);
            prop_assert_eq!(time.disorder.worst_ms, *behind.iter().max().unwrap());
            for loss in &time.disorder.loses {
                let lost = behind.iter().filter(|behind| **behind > loss.bound_ms).count();
                prop_assert_eq!(loss.events, lost as u64);
            }
            let mut from = -1;
            for delay in &time.disorder.delays {
                let held = behind.iter().filter(|behind| **behind > from && **behind <= delay.up_to_ms).count();
                prop_assert_eq!(delay.events, held as u64);
                from = delay.up_to_ms;
            }
            prop_assert!(from >= time.disorder.worst_ms);

            // The rate, recounted with its own step.
            let Rate { start, step_ms, counts } = &time.rate;
            prop_assert!(counts.len() as i64 <= MOST_STEPS && start % step_ms == 0);
            for (i, count) in counts.iter().enumerate() {
                let from = start + i as i64 * step_ms;
                let held = times.iter().filter(|time| (from..from + step_ms).contains(time)).count();
                prop_assert_eq!(*count, held as u64);
            }
            prop_assert_eq!(counts.iter().sum::<u64>(), times.len() as u64);
            prop_assert!(counts[0] > 0 && counts[counts.len() - 1] > 0);

            // Values and numbers.
            let who: BTreeSet<u32> = rows.iter().map(|(_, who, _)| *who).collect();
            let column = profile.column("who").unwrap();
            prop_assert_eq!((column.distinct.count, column.distinct.exact), (who.len() as u64, true));
            for (value, count) in &column.top {
                let same = rows.iter().filter(|(_, who, _)| format!("w{who}") == *value).count();
                prop_assert_eq!(*count, same as u64);
            }
            let numbers = profile.column("n").unwrap().numbers.clone().unwrap();
            let sum: f64 = rows.iter().map(|(.., n)| n).sum();
            prop_assert!((numbers.mean - sum / rows.len() as f64).abs() < 1e-9);
            for bar in &numbers.histogram {
                let held = rows.iter().filter(|(.., n)| (bar.low..bar.high).contains(n)).count();
                prop_assert_eq!(bar.count, held as u64);
            }
            prop_assert_eq!(numbers.histogram.iter().map(|bar| bar.count).sum::<u64>(), rows.len() as u64);

            // Records that came before.
            let text: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
            let different: BTreeSet<&String> = text.iter().collect();
            let expected = Duplicates { same: (text.len() - different.len()) as u64, among: text.len() as u64 };
            prop_assert_eq!(profile.duplicates, expected);
        }

        #[test]
        fn pieces_do_not_matter(rows in rows(), size in 1..200_usize) {
            let file = csv(&rows);
            let (whole, cut) = (profile_of(file.as_bytes()), in_pieces(file.as_bytes(), size));
            prop_assert_eq!(whole.proposal(), cut.proposal());
            prop_assert_eq!(whole, cut);
        }

        /// What is not a function of the order does not change with it.
        #[test]
        fn order_does_not_matter_to_counts(rows in rows()) {
            let turned: Vec<_> = rows.iter().rev().copied().collect();
            let (one, other) = (profile_of(csv(&rows).as_bytes()), profile_of(csv(&turned).as_bytes()));
            let bars = |profile: &Profile| profile.column("n").unwrap().numbers.as_ref().unwrap().histogram.clone();
            prop_assert_eq!(bars(&one), bars(&other));
            prop_assert_eq!(one.time.unwrap().rate, other.time.unwrap().rate);
        }
    }

    /// The stated standard error is 1.9 %; five of them.
    #[test]
    fn many_values_are_estimated_and_said_to_be() {
        for values in [4_096_u64, 4_097, 50_000, 300_000] {
            let rows = (0..values).fold("at,v\n".to_owned(), |mut file, i| {
                let _ = writeln!(file, "{START},v{i}");
                file
            });
            let distinct = profile_of(rows.as_bytes()).columns[1].distinct;
            assert_eq!(distinct.exact, values <= 4_096);
            let error = distinct.count as f64 / values as f64 - 1.0;
            assert!(if distinct.exact { error == 0.0 } else { error.abs() < 0.095 }, "{error} of {values}");
        }
    }

    #[test]
    fn a_frequent_value_is_found_among_many() {
        let file = (0..200_000_u64).fold("at,v\n".to_owned(), |mut file, i| {
            let _ =
                if i % 50 == 0 { writeln!(file, "{START},often") } else { writeln!(file, "{START},v{i}") };
            file
        });
        let top = &profile_of(file.as_bytes()).columns[1].top;
        let (value, count) = &top[0];
        assert_eq!(value, "often");
        assert!((4_000 - 200_000 / 257..=4_000).contains(count), "{count}");
    }
}
