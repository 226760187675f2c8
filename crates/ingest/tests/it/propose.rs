//! Pipelines proposed for files that look like what people have.

use expect_test::{Expect, expect};
use kappascope_core::Spec;
use kappascope_core::spec::WindowSpec;
use kappascope_ingest::{Reader, propose};
use std::fmt::Write;

/// The parts of a proposal that depend on the file. It must run, and read its own file without a loss.
fn check(name: &str, file: &str, expected: Expect) {
    let told = match propose(name, file.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(spec) => {
            let again = Spec::from_toml(&spec.to_toml()).map_err(|error| error.to_string());
            assert_eq!(again.as_ref(), Ok(&spec), "a proposal survives being written to a file");
            reads_all(&spec, file);
            summary(&spec)
        }
    };
    expected.assert_eq(&told);
}

fn reads_all(spec: &Spec, file: &str) {
    let mut log = kappascope_core::Log::new(&spec.schema);
    let mut rejected = Vec::new();
    let done = Reader::new(&spec.schema, file.as_bytes()).and_then(|mut reader| {
        reader.push(file.as_bytes(), &mut log, &mut rejected)?;
        reader.finish(&mut log, &mut rejected)
    });
    assert_eq!(done, Ok(()));
    assert_eq!(rejected, [], "a proposal reads the rows it was made from");
}

fn summary(spec: &Spec) -> String {
    let (schema, query, detector) = (&spec.schema, &spec.query[0], &spec.detector[0]);
    let aggregates: Vec<String> = query.aggregates.iter().map(ToString::to_string).collect();
    let mut text = format!("{}: time {}", spec.name, schema.time);
    let _ = schema.arrival.as_ref().map(|arrival| write!(text, ", arrival {arrival}"));
    let _ = schema.partition.as_ref().map(|column| write!(text, ", {} in {column}", schema.partitions));
    let _ = writeln!(text, "\nkeys {:?} measures {:?}", schema.keys, schema.measures);
    let WindowSpec::Tumbling { size, .. } = query.window else { panic!("{:?}", query.window) };
    let _ = writeln!(text, "bound {} {} of {} by {:?}", spec.watermark.bound, query.name, size, query.by);
    let _ = writeln!(
        text,
        "{} → {} on {} → {}",
        aggregates.join(" "),
        detector.name,
        detector.on,
        spec.alert[0].name
    );
    text
}

#[test]
fn flights() {
    let mut file = "scheduled,departed,origin,carrier,dest,delay_min\n".to_owned();
    for flight in 0..600 {
        let (day, minute) = (4 + flight / 200, 5 * 60 + flight % 200 * 5 + flight * flight % 11);
        let (origin, carrier) = (["EWR", "JFK", "LGA"][flight % 3], ["AA", "DL", "UA", "US"][flight % 4]);
        let delay = flight * 7919 % 90;
        let time = |minute: usize| format!("2013-02-{day:02} {:02}:{:02}", minute / 60 % 24, minute % 60);
        let dest = flight * 31 % 37;
        let _ =
            writeln!(file, "{},{},{origin},{carrier},D{dest},{delay}", time(minute), time(minute + delay),);
    }
    check(
        "/data/nyc-flights.csv",
        &file,
        expect![[r#"
            nyc-flights: time scheduled
            keys ["origin", "carrier", "dest"] measures ["delay_min"]
            bound 0s per_6h of 6h by ["origin"]
            count() avg(delay_min) → count on per_6h.count() → unusual_count
        "#]],
    );
}

#[test]
fn a_generated_stream_gets_its_arrival_and_partitions_back() {
    let mut file = "event_time,arrival_time,partition,event_type,user_id,value\n".to_owned();
    for i in 0..500_i64 {
        let (arrival, delay) = (1_767_600_000_000 + i * 50, i * 7919 % 3_000);
        let kind = ["click", "page_view", "purchase"][i as usize % 3];
        let _ = writeln!(file, "{},{arrival},{},{kind},u{},{}.5", arrival - delay, i % 3, i % 97, i % 11);
    }
    check(
        "stream.csv",
        &file,
        expect![[r#"
            stream: time event_time, arrival arrival_time, 3 in partition
            keys ["event_type", "user_id"] measures ["value"]
            bound 5s per_5s of 5s by ["event_type"]
            count() avg(value) → count on per_5s.count() → unusual_count
        "#]],
    );
    // The same with arrivals that step back: no arrival time then.
    check(
        "stream.csv",
        &file.replace(",1767600010000,", ",1767600000000,"),
        expect![[r#"
            stream: time event_time, 3 in partition
            keys ["event_type", "user_id"] measures ["value"]
            bound 5s per_5s of 5s by ["event_type"]
            count() avg(value) → count on per_5s.count() → unusual_count
        "#]],
    );
}

#[test]
fn a_regular_series_is_watched_by_its_mean() {
    let mut file = "timestamp,value\n".to_owned();
    for i in 0..300 {
        let _ = writeln!(
            file,
            "2014-07-{:02} {:02}:{:02}:00,{}",
            1 + i / 48,
            i / 2 % 24,
            i % 2 * 30,
            i * 13 % 50
        );
    }
    check(
        "nyc_taxi.csv",
        &file,
        expect![[r#"
        nyc_taxi: time timestamp
        keys [] measures ["value"]
        bound 0s per_30m of 30m by []
        count() avg(value) → value on per_30m.avg(value) → unusual_value
    "#]],
    );
}

#[test]
fn months_by_symbol_in_json() {
    let mut file = String::new();
    for symbol in ["AAPL", "MSFT"] {
        for month in 0..36 {
            let (year, month) = (2000 + month / 12, 1 + month % 12);
            let _ = writeln!(
                file,
                r#"{{"symbol":"{symbol}","date":"{year}-{month:02}-01","price":{year}.{month}}}"#
            );
        }
    }
    check(
        "stocks.jsonl",
        &file,
        expect![[r#"
        stocks: time date
        keys ["symbol"] measures ["price"]
        bound 1065d per_day of 1d by ["symbol"]
        count() avg(price) → price on per_day.avg(price) → unusual_price
    "#]],
    );
}

#[test]
fn numbers_that_name_things_are_keys_and_sparse_ones_are_left_out() {
    let mut file = "ts;status;order_id;latency;note;maybe\n".to_owned();
    for i in 0..200 {
        let note = if i % 9 == 0 { "slow" } else { "" };
        let maybe = if i % 2 == 0 { "1" } else { "" };
        let _ = writeln!(file, "{};{};{i};{i}.5;{note};{maybe}", 1_714_557_600 + i, 200 + i % 2 * 204);
    }
    check(
        "",
        &file,
        expect![[r#"
            data: time ts
            keys ["status", "note", "maybe"] measures ["latency"]
            bound 0s per_second of 1s by ["status"]
            count() avg(latency) → latency on per_second.avg(latency) → unusual_latency
        "#]],
    );
}

#[test]
fn what_has_no_time_or_no_rows_is_refused() {
    check(
        "x.csv",
        "a,b\n1,x\n2,y\n",
        expect!["no column of the file holds times; its columns begin with `a` = `1`, `b` = `x`"],
    );
    check("x.csv", "time,b\n", expect!["the file has a header and no rows"]);
    check("x.csv", "", expect!["the file is empty: there is no header and no row"]);
    check(
        "x.jsonl",
        "{\"a\":\"b\\nc\"}\n",
        expect![[r#"no column of the file holds times; its columns begin with `a` = `b\nc`"#]],
    );
}

#[test]
fn a_slip_among_numbers_is_rejected_and_many_are_text() {
    let file = |slips: usize| {
        let row = |i| format!("{},{}\n", 1_714_557_600 + i * i, if i < slips { "n/a" } else { "7" });
        "t,x\n".to_owned() + &(0..20).map(row).collect::<String>()
    };
    let measures = |slips| propose("x", file(slips).as_bytes()).map(|spec| spec.schema.measures);
    assert_eq!(measures(2), Ok(vec!["x".to_owned()]));
    assert_eq!(measures(3), Ok(vec![]));

    let file = "t,x\n".to_owned() + &"2024-05-01,1\n".repeat(9) + "May,1\n";
    assert!(propose("x", file.as_bytes()).is_ok());
    assert!(propose("x", file.replacen("2024-05-01", "soon", 1).as_bytes()).is_err());
}

#[test]
fn one_row_is_enough() {
    check(
        "x.csv",
        "when,n\n2024-05-01,1\n",
        expect![[r#"
        x: time when
        keys [] measures ["n"]
        bound 0s per_minute of 1m by []
        count() avg(n) → count on per_minute.count() → unusual_count
    "#]],
    );
}
