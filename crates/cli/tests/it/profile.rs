//! `kappascope profile`: a report that is a pipeline.

use crate::command::Folder;
use expect_test::expect_file;
use kappascope_core::Spec;
use std::fmt::Write;

/// Visits that come in order but for some, with slips of every kind.
fn visits() -> String {
    let mut file = "at,page,user,ms,price\n".to_owned();
    for i in 0..3_000_i64 {
        let late = if i % 1_500 == 700 { 40_000 } else { i * 7919 % 2_500 };
        let (page, user) = (["home", "cart", "search"][i as usize % 3], i * 31 % 200);
        let ms = if i == 1_234 { "fast".to_owned() } else { (i * 13 % 400).to_string() };
        let _ = writeln!(
            file,
            "{},{page},u{user},{ms},\"1,{:03}.50\"",
            1_714_557_600_000 + i * 400 - late,
            i % 1_000
        );
    }
    file + "1714557600000,home\n"
}

#[test]
fn a_report_says_what_a_file_holds() {
    let folder = Folder::new();
    folder.write("visits.csv", visits());
    let output = folder.run("profile --from visits.csv");
    assert_eq!(output.told(), "0: ");
    expect_file!["profile.txt"].assert_eq(&output.stdout);
    let longest = output.stdout.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(100), "{longest:?}");

    // It is the pipeline, and it runs.
    let spec = Spec::from_toml(&output.stdout).expect("a pipeline file");
    assert_eq!(Spec::from_toml(&spec.to_toml()).as_ref(), Ok(&spec));
    folder.write("proposed.toml", &output.stdout);
    let run = folder.run("run -p proposed.toml --from visits.csv");
    assert!(run.summary().contains("\"events\":2999,"), "{}", run.summary());
    assert!(run.summary().contains("\"rejected\":2,"), "{}", run.summary());

    let piped = folder.run_with("profile", visits().as_bytes()).stdout;
    let same =
        piped.replace("standard input:", "visits.csv:").replace("name = \"data\"  ", "name = \"visits\"");
    assert_eq!(same, output.stdout);
}

#[test]
fn a_file_without_times_is_told_all_the_same() {
    let folder = Folder::new();
    folder.write("f.csv", "a,b\n1,x\n2,y\n");
    let output = folder.run("profile --from f.csv");
    assert!(output.stdout.starts_with("# f.csv: CSV, `,` between cells; 2 records"), "{}", output.stdout);
    assert_eq!(
        output.told(),
        "1: kappascope: f.csv: no column of the file holds times; its columns begin with `a` = `1`, `b` = `x`\n"
    );
}

/// What a file holds cannot become part of the pipeline.
#[test]
fn a_cell_ends_no_comment() {
    let folder = Folder::new();
    folder.write("f.csv", "at,\"x\ny\"\n2024-05-01,\"a\nname = 'b'\"\n2024-05-01,\"a\nname = 'b'\"\n");
    let output = folder.run("profile --from f.csv");
    assert_eq!(
        Spec::from_toml(&output.stdout).map(|spec| spec.name),
        Ok("f".to_owned()),
        "{}",
        output.stdout
    );
}
