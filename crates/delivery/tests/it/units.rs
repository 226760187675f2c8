//! Single steps: what is refused, and how.

use crate::world::{Decoder, Flaw, Logged, Rng, World, fetched, identity, input, spec};
use kappascope_core::{Limits, Log, Pipeline};
use kappascope_delivery::{
    Action, Cycle, Decode, Event, Failure, Identity, Record, Release, Row, Settings, StateRecord, Table, Work,
};
use rand::SeedableRng;

fn start(settings: Settings, of: Identity) -> Cycle<Decoder> {
    Cycle::start(&spec(), of, settings, Decoder).expect("a pipeline that runs").0
}

/// What it asks for, with all effects done at once until it waits for records.
fn settle(cycle: &mut Cycle<Decoder>, world: &mut World, event: Event) -> Result<Vec<Action>, Failure> {
    let (mut events, mut rest, mut producer) = (vec![event], Vec::new(), 0);
    while let Some(event) = events.pop() {
        for action in cycle.handle(event)? {
            let Action::Do { id, work, .. } = &action else {
                rest.push(action);
                continue;
            };
            world.perform(work, &mut producer, 0, None);
            match work {
                Work::WriteState(records) => {
                    events.extend(records.iter().rev().cloned().map(Event::StateRead));
                }
                Work::Count { allowed, .. } => {
                    events.push(Event::Counted(*id, *allowed.last().expect("one")));
                }
                Work::Insert { .. } | Work::Notify { .. } => events.push(Event::Done(*id)),
                Work::ReadAlerts { .. } => events.push(Event::AlertsRead(*id, Vec::new())),
                Work::Produce { .. } => events.push(Event::Produced(*id, world.alerts_end())),
            }
        }
    }
    Ok(rest)
}

/// The record that a cycle asks to write to the state topic, and nothing else.
fn written(asked: &[Action]) -> StateRecord {
    match asked {
        [Action::Do { work: Work::WriteState(records), .. }] if records.len() == 1 => records[0].clone(),
        _ => panic!("{asked:?}"),
    }
}

/// Reads on at an offset before which all is stored, and says so.
fn begins(at: u64) -> Vec<Action> {
    vec![Action::Seek(at), Action::Commit(at)]
}

/// A world whose first records are stored, and the offset after them.
fn begun(settings: &Settings) -> (World, Cycle<Decoder>) {
    let mut world = World::new(input(&mut Rng::seed_from_u64(1), 60), Flaw::None);
    let mut cycle = start(settings.clone(), identity(1));
    let first = world.input[0].offset;
    let opened = settle(&mut cycle, &mut world, Event::StateEnd { start: first, alerts_end: 0 });
    assert_eq!(opened, Ok(begins(first)));
    let records = fetched(&world.input[..20]);
    settle(&mut cycle, &mut world, records).expect("are stored");
    (world, cycle)
}

fn by_ten() -> Settings {
    Settings { batch_rows: 10, state_ms: 0, ..Settings::default() }
}

/// Reads a world's state into a new cycle, up to where it asks for something else than its claim.
fn read_into(cycle: &mut Cycle<Decoder>, world: &mut World) -> Result<Vec<Action>, Failure> {
    let records: Vec<StateRecord> = world.state.values().cloned().collect();
    for record in records {
        cycle.handle(Event::StateRead(record))?;
    }
    settle(cycle, world, Event::StateEnd { start: 0, alerts_end: 0 })
}

#[test]
fn a_cycle_goes_on_where_the_last_one_stood() {
    let (mut world, cycle) = begun(&by_ten());
    assert_eq!(cycle.next(), world.input[19].offset + 1);
    assert!(cycle.is_idle());
    let mut second = start(by_ten(), identity(2));
    assert_eq!(read_into(&mut second, &mut world), Ok(begins(cycle.next())));
}

#[test]
fn the_state_is_that_of_the_engine_over_the_whole_log() {
    let (mut world, mut cycle) =
        begun(&Settings { batch_rows: 7, dictionary_strings: 1, ..Settings::default() });
    let mut log = Log::new(&spec().schema);
    let (mut row, mut newest) =
        (Row { keys: vec![String::new()], measures: vec![0.0], ..Row::default() }, i64::MIN);
    let records = world.input.clone();
    for record in &records {
        if Decoder.decode(record.record(), &mut row).is_ok() && row.measures[0].is_finite() {
            newest = newest.max(row.time);
            let key = log.intern(0, &row.keys[0]);
            log.append(row.time, newest, 0, &[key], &row.measures);
        }
    }
    let mut pipeline = Pipeline::new(&spec()).expect("runs");
    pipeline.push(log.read(0, usize::MAX));

    settle(&mut cycle, &mut world, fetched(&records)).expect("are stored");
    settle(&mut cycle, &mut world, Event::Tick(1_000)).expect("closes the last batch");
    let last = world.state.values().rfind(|record| record.key.contains("|state|")).expect("was written");
    let value = last.value.as_ref().expect("is there");
    let snapshot = value.windows(8).position(|bytes| bytes == b"KAPPASNP").expect("has a snapshot");
    let stored = Pipeline::resume_from(&spec(), Limits::default(), &value[snapshot..]).expect("is whole");
    assert_eq!((stored.digest(), stored.counters()), (pipeline.digest(), pipeline.counters()));
}

#[test]
fn state_of_another_version_is_refused() {
    let (mut world, _) = begun(&by_ten());
    let mut newer = spec();
    newer.version += 1;
    let mut cycle = Cycle::start(&newer, identity(2), by_ten(), Decoder).expect("runs").0;
    let failure = read_into(&mut cycle, &mut world).expect_err("is another version");
    assert!(matches!(failure, Failure::OtherVersion { found: 3, expected: 4, .. }), "{failure}");
    assert_eq!(cycle.handle(Event::Tick(1)), Ok(Vec::new()), "it is over");
}

#[test]
fn state_of_a_pipeline_that_was_changed_is_refused() {
    let (mut world, _) = begun(&by_ten());
    let mut changed = spec();
    changed.query[0].aggregates.pop();
    let mut cycle = Cycle::start(&changed, identity(2), by_ten(), Decoder).expect("runs").0;
    let failure = read_into(&mut cycle, &mut world).expect_err("is another pipeline");
    assert!(failure.to_string().contains("under a new epoch"), "{failure}");
}

#[test]
fn another_epoch_begins_anew() {
    let (mut world, _) = begun(&by_ten());
    let mut cycle = start(by_ten(), Identity { epoch: 2, ..identity(2) });
    assert_eq!(read_into(&mut cycle, &mut world), Ok(begins(0)));
}

#[test]
fn damaged_records_and_missing_chunks_are_refused() {
    let settings = Settings { chunk_bytes: 100, ..by_ten() };
    let (mut world, _) = begun(&settings);
    let chunk = *world.state.iter().rfind(|(_, record)| record.key.contains("|chunk|")).expect("is large").0;
    let removed = world.state.remove(&chunk).expect("was there");
    world.state.retain(|_, record| record.key != removed.key);
    let failure =
        read_into(&mut start(settings.clone(), identity(2)), &mut world).expect_err("misses a part");
    assert!(failure.to_string().contains("is not there"), "{failure}");

    let (mut world, _) = begun(&settings);
    world.state.values_mut().for_each(|record| record.value = Some(vec![9]));
    let failure = read_into(&mut start(settings, identity(2)), &mut world).expect_err("is damaged");
    assert!(failure.to_string().contains("cannot be read"), "{failure}");
}

#[test]
fn tables_that_are_ahead_of_the_state_are_refused() {
    let (mut world, cycle) = begun(&by_ten());
    let mut second = start(by_ten(), identity(2));
    let records: Vec<StateRecord> = world.state.values().cloned().collect();
    for record in records {
        second.handle(Event::StateRead(record)).expect("is read");
    }
    let asked = second.handle(Event::StateEnd { start: 0, alerts_end: 0 }).expect("claims");
    let [Action::Do { work: Work::WriteState(claim), .. }] = &asked[..] else { panic!("{asked:?}") };
    world.perform(&Work::WriteState(claim.clone()), &mut 0, 0, None);
    let asked = second.handle(Event::StateRead(claim[0].clone())).expect("owns it");
    let id = asked.iter().find_map(|action| match action {
        Action::Do { id, work: Work::Count { table: Table::Raw, from, .. }, .. } if *from == cycle.next() => {
            Some(*id)
        }
        _ => None,
    });
    let asked = second
        .handle(Event::Counted(id.expect("counts"), 7))
        .expect("makes sure that they are no successor's");
    assert_eq!(
        second.handle(Event::StateRead(claim[0].clone())),
        Ok(Vec::new()),
        "the claim that was before"
    );
    let failure = second.handle(Event::StateRead(written(&asked))).expect_err("they are ahead");
    assert!(failure.to_string().contains("`raw` has 7 rows"), "{failure}");
}

#[test]
fn records_that_are_gone_are_an_error() {
    let (_, mut cycle) = begun(&by_ten());
    let asked = cycle.handle(Event::OutOfRange { earliest: 900, latest: 950 }).expect("makes sure");
    let failure = cycle.handle(Event::StateRead(written(&asked))).expect_err("they are gone");
    assert!(failure.to_string().contains("the partition holds 900 to 950"), "{failure}");
}

#[test]
fn what_is_refused_for_good_ends_the_cycle() {
    let (world, mut cycle) = begun(&by_ten());
    let asked = cycle.handle(fetched(&world.input[20..30])).expect("is a batch");
    let [Action::Do { id, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert!(cycle.wants(*id));
    let failure = cycle.handle(Event::Refused(*id, "no such topic".to_owned())).expect_err("is refused");
    assert!(failure.to_string().contains("no such topic. Nothing was skipped"), "{failure}");
    assert!(!cycle.wants(*id));
}

#[test]
fn a_full_queue_pauses_and_half_a_queue_resumes() {
    let settings = Settings { waiting_bytes: 100, batch_rows: 1, ..Settings::default() };
    let (mut world, mut cycle) = begun(&settings);
    let record = |offset| Record { offset, timestamp: 0, payload: &[b'x'; 60] };
    let next = cycle.next();
    let records = (next..next + 3).map(record).collect();
    let asked = cycle.handle(Event::Fetched(records)).expect("takes them");
    assert!(matches!(asked[..], [Action::Do { .. }, Action::Pause]), "{asked:?}");
    let Action::Do { work: Work::WriteState(records), .. } = &asked[0] else { panic!("{asked:?}") };
    let rest = settle(&mut cycle, &mut world, Event::StateRead(records[0].clone())).expect("goes on");
    assert!(rest.contains(&Action::Resume) && cycle.is_idle(), "{rest:?}");
}

#[test]
fn time_closes_a_batch() {
    let (world, mut cycle) = begun(&by_ten());
    assert_eq!(cycle.handle(Event::Tick(5_000)), Ok(Vec::new()));
    assert_eq!(cycle.handle(fetched(&world.input[20..23])), Ok(Vec::new()));
    assert_eq!(cycle.handle(Event::Tick(5_999)), Ok(Vec::new()));
    let asked = cycle.handle(Event::Tick(6_000)).expect("is closed");
    assert!(matches!(asked[..], [Action::Do { .. }]), "{asked:?}");
}

#[test]
fn the_first_batch_of_a_cycle_is_closed_sooner() {
    let (mut world, mut cycle) = begun(&Settings::default());
    assert_eq!(cycle.next(), world.input[0].offset, "the first batch is being filled");
    assert_eq!(cycle.handle(Event::Tick(99)), Ok(Vec::new()));
    settle(&mut cycle, &mut world, Event::Tick(100)).expect("is stored");
    assert_eq!(cycle.next(), world.input[19].offset + 1);
    assert_eq!(cycle.handle(fetched(&world.input[20..23])), Ok(Vec::new()));
    assert_eq!(cycle.handle(Event::Tick(200)), Ok(Vec::new()), "the second waits for more");
}

#[test]
fn revoked_finishes_what_was_begun_and_lost_does_not() {
    for (event, writes) in [(Event::Revoked, true), (Event::Lost, false)] {
        let (mut world, mut cycle) = begun(&by_ten());
        let asked = cycle.handle(fetched(&world.input[20..30])).expect("is a batch");
        let Action::Do { work: Work::WriteState(intent), .. } = &asked[0] else { panic!("{asked:?}") };
        let before = cycle.next();
        let told = cycle.handle(event).expect("is no failure");
        assert_eq!(told, if writes { Vec::new() } else { vec![Action::Released(Release::Lost)] });
        let rest = settle(&mut cycle, &mut world, Event::StateRead(intent[0].clone())).expect("is over");
        assert_eq!(rest.last(), writes.then_some(&Action::Released(Release::Revoked)));
        assert_eq!(cycle.next() > before, writes);
    }
}

#[test]
fn a_batch_that_is_being_filled_is_dropped() {
    let (world, mut cycle) = begun(&by_ten());
    cycle.handle(fetched(&world.input[20..23])).expect("waits for more");
    assert_eq!(cycle.handle(Event::Revoked), Ok(vec![Action::Released(Release::Revoked)]));
}

/// Without its state, a partition that has rows is not a new one, wherever it is to begin.
#[test]
fn rows_without_a_state_are_refused() {
    let mut cycle = start(by_ten(), identity(2));
    let asked = cycle.handle(Event::StateEnd { start: 500, alerts_end: 0 }).expect("claims");
    let asked = cycle.handle(Event::StateRead(written(&asked))).expect("owns it");
    let [Action::Do { id, work: Work::Count { from: 0, to: None, .. }, .. }, ..] = &asked[..] else {
        panic!("{asked:?}")
    };
    let asked = cycle.handle(Event::Counted(*id, 7)).expect("makes sure");
    let failure = cycle.handle(Event::StateRead(written(&asked))).expect_err("has rows");
    assert!(failure.to_string().contains("7 rows of offsets from 0 on, and should have 0"), "{failure}");
}

#[test]
fn another_version_does_not_claim() {
    let (world, _) = begun(&by_ten());
    let mut newer = spec();
    newer.version += 1;
    let mut cycle = Cycle::start(&newer, identity(2), by_ten(), Decoder).expect("runs").0;
    for record in world.state.values() {
        cycle.handle(Event::StateRead(record.clone())).expect("is read");
    }
    let failure = cycle.handle(Event::StateEnd { start: 0, alerts_end: 0 }).expect_err("is another version");
    assert!(matches!(failure, Failure::OtherVersion { found: 3, expected: 4, .. }), "{failure}");
}

/// A batch whose intent is written is read again after a crash; `changed` is done to its records before.
fn read_again(changed: impl Fn(&mut Logged)) -> Result<Vec<Action>, Failure> {
    let (mut world, mut cycle) = begun(&by_ten());
    let asked = cycle.handle(fetched(&world.input[20..30])).expect("is a batch");
    world.perform(&Work::WriteState([written(&asked)].into()), &mut 0, 0, None);
    let mut second = start(by_ten(), identity(2));
    read_into(&mut second, &mut world).expect("goes on");
    let mut records = world.input[20..30].to_vec();
    changed(&mut records[4]);
    second.handle(fetched(&records))
}

#[test]
fn a_recorded_batch_of_other_records_is_refused() {
    assert!(read_again(|_| {}).is_ok());
    let failure = read_again(|record| record.payload.push(b' ')).expect_err("is another batch");
    assert!(matches!(failure, Failure::OtherBatch { .. }), "{failure}");
}
