//! The engine against Flink's answers as `cargo xtask conformance` kept them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use kappascope_conformance::stream::FAMILIES;
use kappascope_conformance::{Answer, Family, Stream, compare, engine, flink};

fn streams(family: Family) -> impl Iterator<Item = Stream> {
    (0..family.streams).map(move |number| Stream::generate(family, number))
}

#[track_caller]
fn same_as_flink(family: Family) {
    let golden = flink::read(&flink::golden(family)).unwrap();
    assert_eq!(golden.len() as u64, family.streams);
    let mut different = String::new();
    for stream in streams(family) {
        let ours = engine::answers(&stream).unwrap();
        if let Some(differences) = compare(&stream, &golden[&stream.id], &ours) {
            different.push_str(&differences.to_string());
        }
    }
    assert!(different.is_empty(), "{different}");
}

#[test]
fn sql_tumbling() {
    same_as_flink(FAMILIES[0]);
}

#[test]
fn sql_hopping() {
    same_as_flink(FAMILIES[1]);
}

#[test]
fn sql_cumulate() {
    same_as_flink(FAMILIES[2]);
}

#[test]
fn sql_session() {
    same_as_flink(FAMILIES[3]);
}

#[test]
fn datastream_tumbling() {
    same_as_flink(FAMILIES[4]);
}

#[test]
fn datastream_hopping() {
    same_as_flink(FAMILIES[5]);
}

#[test]
fn datastream_session() {
    same_as_flink(FAMILIES[6]);
}

/// The comparison reads event by event, to know the watermark of each answer; a log is read in blocks.
#[test]
fn blocks_give_the_same() {
    for stream in FAMILIES.into_iter().flat_map(streams) {
        let singly = engine::digest(&stream, 1).unwrap();
        for rows in [2, 7, stream.events.len()] {
            assert_eq!(engine::digest(&stream, rows).unwrap(), singly, "{}, blocks of {rows}", stream.id);
        }
    }
}

/// Each way of altering one answer that the comparison has to notice.
type Alteration = fn(&mut Vec<Answer>);

fn alter_first_result(
    answers: &mut [Answer],
    alter: impl Fn(&mut i64, &mut i64, &mut [f64; 5], &mut Option<i64>),
) {
    let result = answers.iter_mut().find_map(|answer| match answer {
        Answer::Result { start, end, values, watermark, .. } => Some((start, end, values, watermark)),
        Answer::Late { .. } => None,
    });
    let (start, end, values, watermark) = result.unwrap();
    alter(start, end, values, watermark);
}

const ALTERATIONS: [(&str, Alteration); 8] = [
    ("start by 1 ms", |answers| alter_first_result(answers, |start, _, _, _| *start += 1)),
    ("end by 1 ms", |answers| alter_first_result(answers, |_, end, _, _| *end -= 1)),
    ("one event more", |answers| alter_first_result(answers, |_, _, values, _| values[0] += 1.0)),
    ("last bit of a sum", |answers| alter_first_result(answers, |_, _, v, _| v[1] = v[1].next_up())),
    ("last bit of a mean", |answers| alter_first_result(answers, |_, _, v, _| v[4] = v[4].next_down())),
    ("given 1 ms later", |answers| alter_first_result(answers, |_, _, _, w| *w = Some(w.unwrap_or(0) + 1))),
    ("a line lost", |answers| drop(answers.pop())),
    ("a line twice", |answers| answers.push(answers[0].clone())),
];

#[test]
fn any_alteration_is_noticed() {
    for family in FAMILIES {
        let golden = flink::read(&flink::golden(family)).unwrap();
        for stream in streams(family).take(8) {
            let flinks = &golden[&stream.id];
            assert!(compare(&stream, flinks, flinks).is_none(), "{}", stream.id);
            for (what, alter) in ALTERATIONS {
                let mut altered = flinks.clone();
                alter(&mut altered);
                assert!(compare(&stream, flinks, &altered).is_some(), "{}: {what}", stream.id);
            }
        }
    }
}

/// The pipeline with its window moved by 1 ms is another pipeline.
#[test]
fn a_shifted_window_is_noticed() {
    use kappascope_conformance::Window;
    let family = FAMILIES[0];
    let golden = flink::read(&flink::golden(family)).unwrap();
    for mut stream in streams(family) {
        let Window::Tumbling { size, offset } = stream.window else {
            unreachable!("a family of tumbling windows")
        };
        stream.window = Window::Tumbling { size, offset: (offset + 1) % size };
        let ours = engine::answers(&stream).unwrap();
        assert!(compare(&stream, &golden[&stream.id], &ours).is_some(), "{}", stream.id);
    }
}
