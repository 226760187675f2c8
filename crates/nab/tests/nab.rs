//! The scorer against figures that can be worked out by hand, a naive scorer, and what NAB published.
//!
//! With `KAPPASCOPE_NAB` set to the folder of NAB's `data` and `labels`, on the real corpus as well.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use kappascope_nab::controls::{clock, windowed_gaussian};
use kappascope_nab::corpus::{Corpus, Series};
use kappascope_nab::flagship::halves;
use kappascope_nab::rows::{FLAGSHIP, ROWS, detector, scores};
use kappascope_nab::score::{Marks, PROFILES, Profile, Tally, probation};
use kappascope_nab::sweep::{Best, Rest, alerts, best, score_at, steps};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const RESTS: [Rest; 3] = [Rest::None, Rest::Share(0.04), Rest::Share(0.2)];

fn series(rows: usize, windows: &[RangeInclusive<usize>]) -> Series {
    Series {
        name: "made/up.csv".to_owned(),
        times: (0..rows as i64).map(|minute| 60_000 * minute).collect(),
        values: vec![0.0; rows],
        windows: windows.to_vec(),
    }
}

/// The score of alerts in one series, by profile.
fn score_of(series: &Series, alerts: &[usize]) -> [f64; 3] {
    let corpus = Corpus { series: vec![series.clone()] };
    let (windows, marks) = &Marks::of(&corpus).series[0];
    let tally = Tally::of(*windows, marks, alerts.iter().copied());
    PROFILES.map(|profile| tally.score(&profile, *windows))
}

/// σ as the paper writes it.
fn sigma(y: f64) -> f64 {
    2.0 / (1.0 + (5.0 * y).exp()) - 1.0
}

#[test]
fn alerts_are_worth_what_can_be_worked_out_by_hand() {
    // Rows 0 to 14 are on probation. Perfection is 1, silence −1, −1, −2: a raw score is 50, 50, 33.3 of 100.
    let one = series(100, &[40..=59]);
    let (middle, last) = (sigma(-0.5) / sigma(-1.0), sigma(-0.05) / sigma(-1.0));
    let just_behind = sigma(1.0 / 19.0);
    let of_raw = |standard: f64, low_fp: f64, low_fn: f64| {
        [50.0 * (standard + 1.0), 50.0 * (low_fp + 1.0), 100.0 / 3.0 * (low_fn + 2.0)]
    };
    let cases: [(&str, &[usize], [f64; 3]); 9] = [
        ("silence", &[], [0.0; 3]),
        ("perfection", &[40], [100.0; 3]),
        ("on probation", &[0, 7, 14], [0.0; 3]),
        ("before any window", &[15], of_raw(-1.11, -1.22, -2.11)),
        ("in the middle", &[50], of_raw(middle, middle, middle)),
        ("only the first counts", &[50, 51, 59], of_raw(middle, middle, middle)),
        ("at the last row", &[59], of_raw(last, last, last)),
        (
            "right behind",
            &[60],
            of_raw(0.11 * just_behind - 1.0, 0.22 * just_behind - 1.0, 0.11 * just_behind - 2.0),
        ),
        ("three lengths behind", &[59 + 57], of_raw(-1.11, -1.22, -2.11)),
    ];
    for (name, alerts, expected) in cases {
        let series = if alerts == [116] { series(117, &[40..=59]) } else { one.clone() };
        let found = score_of(&series, alerts);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{name}: {found} against {expected}");
        }
    }
}

#[test]
fn probation_is_a_share_and_at_most_750_rows() {
    for (rows, expected) in [(0, 0), (6, 0), (7, 1), (1_127, 169), (4_032, 604), (5_000, 750), (22_695, 750)]
    {
        assert_eq!(probation(rows), expected, "{rows} rows");
    }
}

#[test]
fn a_rest_is_a_share_of_the_rows_so_far_and_begins_behind_the_probation() {
    let corpus = Corpus { series: vec![series(200, &[])] };
    let marks = &Marks::of(&corpus).series[0].1;
    let found: Vec<usize> = alerts(&[1.0; 200], marks, 1.0, Rest::Share(0.25)).collect();
    // 30 is the first row behind the probation; 41 − 30 = 11 > 41/4, 40 − 30 is not.
    assert_eq!(found, [30, 41, 55, 74, 99, 133, 178]);
    assert_eq!(alerts(&[1.0; 200], marks, 1.0, Rest::None).count(), 170);
    assert_eq!(alerts(&[1.0; 200], marks, 1.1, Rest::None).count(), 0);
}

/// NAB's definition row by row, with nothing shared with the scorer.
fn naive(corpus: &Corpus, scores: &[Vec<f64>], threshold: f64, rest: Rest, profile: &Profile) -> f64 {
    let (hit, false_alarm, miss) = match profile.name {
        "standard" => (1.0, 0.11, 1.0),
        "reward_low_FP_rate" => (1.0, 0.22, 1.0),
        _ => (1.0, 0.11, 2.0),
    };
    let (mut raw, mut windows) = (0.0, 0.0);
    for (series, scores) in corpus.series.iter().zip(scores) {
        let mut first: Vec<Option<f64>> = vec![None; series.windows.len()];
        let mut last: Option<usize> = None;
        for row in 0..scores.len() {
            let learned = row as f64 >= (0.15 * scores.len() as f64).floor().min(750.0);
            let rested = match (rest, last) {
                (Rest::Share(share), Some(last)) => (row - last) as f64 > share * row as f64,
                _ => true,
            };
            if !learned || !rested || scores[row] < threshold {
                continue;
            }
            last = Some(row);
            if let Some(at) = series.windows.iter().position(|window| window.contains(&row)) {
                let (start, end) = (*series.windows[at].start() as f64, *series.windows[at].end() as f64);
                let place = (row as f64 - end - 1.0) / (end - start + 1.0);
                first[at].get_or_insert(hit * sigma(place) / sigma(-1.0));
            } else {
                let before = series.windows.iter().rfind(|window| *window.end() < row);
                let place = before.map_or(3.0, |window| {
                    (row - window.end()) as f64 / (window.end() - window.start()) as f64
                });
                raw += false_alarm * if place >= 3.0 { -1.0 } else { sigma(place) };
            }
        }
        raw += first.iter().map(|worth| worth.unwrap_or(-miss)).sum::<f64>();
        windows += first.len() as f64;
    }
    100.0 * (raw + miss * windows) / (windows * (hit + miss))
}

/// Two or three short series with windows that do not touch, and scores with many ties.
fn corpora() -> impl Strategy<Value = (Corpus, Vec<Vec<f64>>)> {
    let one = (20_usize..90, 0_usize..3).prop_flat_map(|(rows, windows)| {
        let width = (rows / 8).max(2);
        let windows: Vec<_> =
            (0..windows).map(|at| (at + 1) * rows / 4..=(at + 1) * rows / 4 + width - 1).collect();
        prop::collection::vec(0_u8..12, rows).prop_map(move |scores| {
            (series(rows, &windows), scores.into_iter().map(f64::from).collect::<Vec<_>>())
        })
    });
    // One of them has a window for certain: a corpus without any has no score.
    prop::collection::vec(one, 1..3).prop_map(|mut all| {
        all.push((series(40, &[20..=25]), (0..40).map(|row| f64::from(row % 7)).collect()));
        let (series, scores) = all.into_iter().unzip();
        (Corpus { series }, scores)
    })
}

proptest! {
    #[test]
    fn the_sweep_agrees_with_a_naive_scorer_at_every_threshold((corpus, scores) in corpora()) {
        let marks = Marks::of(&corpus);
        for rest in RESTS {
            let steps = steps(&scores, &marks, rest);
            let all = marks.with(&steps);
            for profile in &PROFILES {
                let mut most = 0.0_f64;
                for threshold in 0..14 {
                    let threshold = f64::from(threshold) - 0.5;
                    let expected = naive(&corpus, &scores, threshold, rest, profile);
                    let found = score_at(&all, threshold, profile);
                    prop_assert!((found - expected).abs() < 1e-9, "{found} against {expected} at {threshold}, {rest:?}");
                    most = most.max(expected);
                }
                let Best { threshold, score } = best(&all, profile);
                prop_assert!((score - most).abs() < 1e-9, "the best is {most}, not {score}, {rest:?}");
                prop_assert!((score_at(&all, threshold, profile) - score).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn every_row_of_the_table_is_a_detector() {
    for (name, row) in ROWS {
        let found = scores(detector(row).unwrap(), &series(50, &[]));
        assert_eq!(found.len(), 50, "{name}");
    }
    let error = detector("kind = 'zscore'\nwindow = 1\nthreshold = 3").unwrap_err();
    assert!(format!("{error:#}").contains("2 to 10000 would fit"), "{error:#}");
}

/// A folder as NAB's repository has it, of one series.
fn folder(rows: &[(&str, &str)], windows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data/made")).unwrap();
    std::fs::create_dir_all(folder.path().join("labels")).unwrap();
    let mut text = "timestamp,value\n".to_owned();
    rows.iter().for_each(|(time, value)| writeln!(text, "2014-04-01 {time},{value}").unwrap());
    std::fs::write(folder.path().join("data/made/up.csv"), text).unwrap();
    let labels = format!("{{\"made/up.csv\": [{windows}]}}");
    std::fs::write(folder.path().join("labels/combined_windows.json"), labels).unwrap();
    folder
}

const WINDOW: &str = "[\"2014-04-01 00:05:00.000000\", \"2014-04-01 00:10:00.000000\"]";

#[test]
fn a_window_begins_and_ends_at_the_first_row_of_its_times() {
    let rows =
        [("00:00:00", "1"), ("00:05:00", "2.5"), ("00:05:00", "3"), ("00:00:00", "-4"), ("00:10:00", "5")];
    let corpus = Corpus::read(folder(&rows, WINDOW).path()).unwrap();
    let Series { name, times, values, windows } = &corpus.series[0];
    assert_eq!((name.as_str(), windows.as_slice()), ("made/up.csv", [1..=4].as_slice()));
    assert_eq!(values, &[1.0, 2.5, 3.0, -4.0, 5.0]);
    let minutes: Vec<i64> = times.iter().map(|time| (time - 1_396_310_400_000) / 60_000).collect();
    assert_eq!(minutes, [0, 5, 5, 0, 10]);
    assert_eq!((corpus.rows(), corpus.windows()), (5, 1));
}

#[test]
fn a_corpus_that_cannot_be_read_says_where() {
    let good = [("00:05:00", "1"), ("00:10:00", "2")];
    let error = |folder: &Path| format!("{:#}", Corpus::read(folder).unwrap_err());
    let cases = [
        (error(&PathBuf::from("no such folder")), "no labels at no such folder"),
        (error(folder(&good[..1], WINDOW).path()), "made/up.csv: no row at 2014-04-01 00:10:00.000000"),
        (error(folder(&[("00:05:00", "x")], "").path()), "made/up.csv: CSV deserialize error"),
        (error(folder(&[("25:05:00", "1")], "").path()), "`2014-04-01 25:05:00` where a time belongs"),
        (error(folder(&good, "7").path()), "combined_windows.json has another form"),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected), "{found}\n  has no `{expected}`");
    }
    let gone = folder(&good, WINDOW);
    std::fs::remove_file(gone.path().join("data/made/up.csv")).unwrap();
    assert!(error(gone.path()).contains("no series at "));
}

/// The real corpus, where there is one.
fn corpus() -> Option<Corpus> {
    let Some(folder) = std::env::var_os("KAPPASCOPE_NAB") else {
        eprintln!("KAPPASCOPE_NAB does not say where NAB is: not run");
        return None;
    };
    Some(Corpus::read(Path::new(&folder)).unwrap())
}

fn bests(corpus: &Corpus, score: impl Fn(&Series) -> Vec<f64>, rest: Rest) -> [f64; 3] {
    let marks = Marks::of(corpus);
    let scores: Vec<_> = corpus.series.iter().map(score).collect();
    let steps = steps(&scores, &marks, rest);
    PROFILES.map(|profile| best(&marks.with(&steps), &profile).score)
}

#[test]
fn the_scorer_gives_the_figures_that_nab_published() {
    let Some(corpus) = corpus() else { return };
    assert_eq!((corpus.series.len(), corpus.rows(), corpus.windows()), (58, 365_558, 116));
    // results/final_results.json of NAB v1.1, for `windowedGaussian`.
    let published = [39.649523496077585, 20.86798582474138, 47.4100271583046];
    let found = bests(&corpus, windowed_gaussian, Rest::None);
    for (found, published) in found.iter().zip(published) {
        assert!((found - published).abs() < 1e-6, "{found} against {published}");
    }
    // Silence and perfection; and what alerts at the right rate are worth that look at no data.
    assert_eq!(bests(&corpus, |series| vec![0.0; series.values.len()], Rest::None), [0.0; 3]);
    let first_rows = |series: &Series| {
        let starts: Vec<usize> = series.windows.iter().map(|window| *window.start()).collect();
        (0..series.values.len()).map(|row| f64::from(u8::from(starts.contains(&row)))).collect()
    };
    bests(&corpus, first_rows, Rest::None).iter().for_each(|score| assert!((score - 100.0).abs() < 1e-9));
    assert!(bests(&corpus, |series| clock(series, 400), Rest::None)[0] < 22.0);
}

#[test]
fn the_flagship_holds_what_is_said_of_it() {
    let Some(corpus) = corpus() else { return };
    let score = |series: &Series| scores(detector(FLAGSHIP.1).unwrap(), series);
    let in_sample = bests(&corpus, score, Rest::Share(0.04));
    assert!(in_sample[0] >= 76.0, "{in_sample:?}");
    let halves = halves(&corpus, &Marks::of(&corpus), Rest::Share(0.04)).unwrap();
    let mean = halves.weights.iter().sum::<f64>() / halves.weights.len() as f64;
    assert!(mean >= 73.0, "{halves:?}");
}
