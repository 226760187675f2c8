//! How fast a cycle goes when tables and topics take no time: an upper bound of what a driver can reach.
//!
//! `cargo test --release -p kappascope-delivery -- --ignored --nocapture speed`

use crate::world::{Decoder, identity, spec};
use kappascope_delivery::{Action, Cycle, Event, Record, Records, Settings, Work};
use std::time::Instant;

const RECORDS: u64 = 2_000_000;

/// Records told at a time, as a consumer gives them.
const FETCHED: u64 = 1_000;

/// Records in order, of a hundred users, a thousand a second.
fn records(from: u64) -> Records {
    let mut records = Records::default();
    for offset in from..from + FETCHED {
        let payload = format!("{offset},u{},{}", offset % 97, offset % 1_000);
        records.push(Record { offset, timestamp: offset as i64, payload: payload.as_bytes() });
    }
    records
}

/// Acknowledges all that is asked for, at once.
fn settle(cycle: &mut Cycle<Decoder>, event: Event) {
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        for action in cycle.handle(event).expect("goes on") {
            let Action::Do { id, work, .. } = action else { continue };
            match work {
                Work::WriteState(records) => {
                    events.extend(records.iter().rev().cloned().map(Event::StateRead));
                }
                Work::Count { allowed, .. } => events.push(Event::Counted(id, allowed[0])),
                Work::Insert { .. } => events.push(Event::Done(id)),
                Work::ReadAlerts { .. } => events.push(Event::AlertsRead(id, Vec::new())),
                Work::Produce { .. } => events.push(Event::Produced(id, 0)),
                Work::Notify { .. } => events.push(Event::Done(id)),
            }
        }
    }
}

#[test]
#[ignore = "a measurement: it says nothing in a build for tests"]
#[expect(clippy::disallowed_methods, reason = "it is a bench: the clock does not reach the cycle")]
fn speed() {
    let (mut cycle, _) = Cycle::start(&spec(), identity(1), Settings::default(), Decoder).expect("runs");
    settle(&mut cycle, Event::StateEnd { start: 0, alerts_end: 0 });
    let mut seconds = 0.0;
    for from in (0..RECORDS).step_by(FETCHED as usize) {
        let records = records(from);
        let begun = Instant::now();
        settle(&mut cycle, Event::Fetched(records));
        seconds += begun.elapsed().as_secs_f64();
    }
    println!("{:.0} records a second", RECORDS as f64 / seconds);
    assert!(cycle.next() + 250_000 > RECORDS, "all but the last batch are stored");
}
