//! The generated streams hold the troubles that they are made for. A comparison of harmless streams would
//! prove nothing.

use kappascope_conformance::stream::{Event, FAMILIES};
use kappascope_conformance::{Stream, Window};

/// Whether the events of some key, by time, have two neighbours with such a distance.
fn any_step(stream: &Stream, wanted: impl Fn(i64) -> bool) -> bool {
    (0..4).any(|key| {
        let mut times = times_of(&stream.events, &format!("k{key}"));
        times.sort_unstable();
        times.windows(2).any(|pair| wanted(pair[1] - pair[0]))
    })
}

fn times_of(events: &[Event], key: &str) -> Vec<i64> {
    events.iter().filter(|event| event.key == key).map(|event| event.time).collect()
}

fn any_time(stream: &Stream, wanted: impl Fn(i64) -> bool) -> bool {
    stream.events.iter().any(|event| wanted(event.time))
}

/// Whether some time has this distance from a boundary at which windows begin.
fn any_boundary(stream: &Stream, distance: i64) -> bool {
    let (Window::Tumbling { offset, .. } | Window::Hopping { offset, .. } | Window::Cumulate { offset, .. }) =
        stream.window
    else {
        return false;
    };
    any_time(stream, |time| (time - offset - distance).rem_euclid(stream.window.grid()) == 0)
}

/// By how much some event comes after the newest event before it.
fn any_disorder(stream: &Stream, wanted: impl Fn(&Event, i64) -> bool) -> bool {
    let mut newest = i64::MIN;
    stream.events.iter().any(|event| {
        newest = newest.max(event.time);
        wanted(event, newest - event.time)
    })
}

fn beyond_the_bound(stream: &Stream) -> bool {
    any_disorder(stream, |_, behind| behind > stream.bound)
}

/// How far the watermark stands before the moment from which a window no longer takes an event: 0 is the first at
/// which the event is late.
fn any_margin(stream: &Stream, wanted: i64) -> bool {
    let Window::Tumbling { size, offset } = stream.window else { return false };
    any_disorder(stream, |event, behind| {
        let end = event.time - (event.time - offset).rem_euclid(size) + size;
        let watermark = event.time + behind - stream.bound - 1;
        end - 1 + stream.lateness - watermark == wanted
    })
}

/// Two sessions of a key that an event joins which comes after both.
fn bridged(stream: &Stream) -> bool {
    let Window::Session { gap } = stream.window else { return false };
    (0..4).any(|key| {
        let times = times_of(&stream.events, &format!("k{key}"));
        (0..times.len()).any(|at| {
            let (earlier, time) = (&times[..at], times[at]);
            let last = earlier.iter().filter(|t| **t <= time).max();
            let first = earlier.iter().filter(|t| **t > time).min();
            last.zip(first)
                .is_some_and(|(last, first)| first - last > gap && time - last <= gap && first - time <= gap)
        })
    })
}

fn offset(stream: &Stream) -> bool {
    matches!(
        stream.window,
        Window::Tumbling { offset: 1.., .. }
            | Window::Hopping { offset: 1.., .. }
            | Window::Cumulate { offset: 1.., .. }
    )
}

fn uneven_hop(stream: &Stream) -> bool {
    matches!(stream.window, Window::Hopping { size, slide, .. } if size % slide != 0)
}

fn late_key(stream: &Stream) -> bool {
    let half = stream.events.len() / 2;
    stream.events[half..].iter().any(|event| stream.events[..half].iter().all(|other| other.key != event.key))
}

/// What is looked for, and how many streams must have it.
type Trouble = (&'static str, usize, fn(&Stream) -> bool);

const TROUBLES: [Trouble; 18] = [
    ("all times before 1970", 100, |stream| !any_time(stream, |time| time >= 0)),
    ("times on both sides of 1970", 10, |s| any_time(s, |time| time < 0) && any_time(s, |time| time > 0)),
    ("the first time of a window", 30, |stream| any_boundary(stream, 0)),
    ("the last time of a window", 30, |stream| any_boundary(stream, -1)),
    ("an offset", 80, offset),
    ("a hop that is no part of the size", 8, uneven_hop),
    ("equal times", 40, |stream| any_step(stream, |step| step == 0)),
    ("a session step of the gap", 15, |s| is_session(s) && any_step(s, |step| step == s.window.grid())),
    ("a session step of 1 ms more", 15, |s| is_session(s) && any_step(s, |step| step == s.window.grid() + 1)),
    ("a session step of 1 ms less", 15, |s| is_session(s) && any_step(s, |step| step == s.window.grid() - 1)),
    ("two sessions joined by a later event", 40, bridged),
    ("a key of the second half only", 10, late_key),
    ("a silence of three windows", 30, |s| any_step(s, |step| step > 3 * s.window.grid())),
    ("disorder", 200, |stream| any_disorder(stream, |_, behind| behind > 0)),
    ("disorder as long as the bound", 15, |s| any_disorder(s, |_, behind| s.bound > 0 && behind == s.bound)),
    ("events beyond the bound", 100, beyond_the_bound),
    ("an event that is late from this watermark on", 3, |stream| any_margin(stream, 0)),
    ("an event that is late from the next watermark on", 5, |stream| any_margin(stream, 1)),
];

fn is_session(stream: &Stream) -> bool {
    matches!(stream.window, Window::Session { .. })
}

#[test]
fn every_trouble_is_there_often() {
    let streams = Stream::all(false);
    for (what, least, is_there) in TROUBLES {
        let found = streams.iter().filter(|stream| is_there(stream)).count();
        assert!(found >= least, "{what}: {found} streams, at least {least} are wanted");
    }
}

#[test]
fn only_the_stragglers_of_sql_come_after_the_bound() {
    for stream in Stream::all(false).iter().filter(|stream| stream.family.sql) {
        assert!(!beyond_the_bound(stream) || stream.id.ends_with("stragglers"), "{}", stream.id);
    }
}

#[test]
fn every_sum_is_exact() {
    for stream in Stream::all(false) {
        let eighths = stream.events.iter().map(|event| event.value * 8.0);
        assert!(
            eighths.into_iter().all(|value| value.fract() == 0.0 && value.abs() < 4096.0),
            "{}",
            stream.id
        );
    }
}

#[test]
fn the_quick_part_has_some_of_every_family() {
    let quick = Stream::all(true);
    assert!(quick.len() >= 20);
    for family in FAMILIES {
        assert!(quick.iter().any(|stream| stream.family == family), "{family}");
    }
}
