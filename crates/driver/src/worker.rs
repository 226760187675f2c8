//! One partition, on a thread of its own: its records and its state go into a cycle, and what the cycle asks for is
//! done.

use crate::clock::now_ms;
use crate::decode::Decoder;
use crate::failure::Stop;
use crate::fetch::{Fetch, Portion};
use crate::hands::Hands;
use crate::mail::{Letter, Mailbox};
use crate::reader::{PartitionReader, Then, state_record};
use crate::shared::Shared;
use kappascope_delivery::{Action, Cycle, EffectId, Event, Identity, Release, Work};
use kappascope_kafka::Start;
use kappascope_kafka::topic::Topics;
use rdkafka::Offset;
use rdkafka::message::Message;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the clock is told when nothing happens.
const TICK: Duration = Duration::from_millis(50);
/// Before a partition that another has claimed is claimed back: a group that is at odds settles meanwhile.
const AFTER_A_FENCE: Duration = Duration::from_secs(1);

/// A worker, as the group knows it.
pub(crate) struct Worker {
    mail: Mailbox,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Begins to work on a partition.
    pub(crate) fn start(shared: &Arc<Shared>, partition: u32) -> Result<Self, Stop> {
        let (shared, (tell, told)) = (shared.clone(), std::sync::mpsc::sync_channel(1));
        let work = move || {
            let (mail, letters) = Mailbox::of_this_thread();
            // The group waits for it.
            let _ = tell.send(mail.clone());
            if let Err(stop) = work(&shared, partition, &mail, &letters) {
                shared.fail(stop);
            }
            shared.meters.released(partition);
        };
        let thread = std::thread::Builder::new()
            .name(format!("partition {partition}"))
            .spawn(work)
            .map_err(|error| Stop::System { what: "starting a thread", error })?;
        let mail = told.recv().map_err(|_| broken(partition, "a thread ended at once"))?;
        Ok(Self { mail, thread })
    }

    pub(crate) fn post(&self, letter: Letter) {
        self.mail.post(letter);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end.
    pub(crate) fn join(self, partition: u32) -> Result<(), Stop> {
        self.thread.join().map_err(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            broken(partition, said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it says nothing"))
        })
    }
}

fn broken(partition: u32, reason: &str) -> Stop {
    Stop::Broken { partition, reason: reason.to_owned() }
}

/// Has one cycle after the other, until the partition is given back.
fn work(
    shared: &Arc<Shared>,
    partition: u32,
    mail: &Mailbox,
    letters: &Receiver<Letter>,
) -> Result<(), Stop> {
    for cycle in 0.. {
        let hands = Hands {
            shared: shared.clone(),
            partition,
            cycle,
            mail: mail.clone(),
            alerts: Arc::new(Mutex::new(None)),
        };
        let why = Turn::begin(hands, letters)?.run()?;
        tracing::info!(partition, ?why, "the partition is given up");
        if why != Release::Fenced {
            return Ok(());
        }
        if let Ok(Letter::Revoked | Letter::Lost) = letters.recv_timeout(AFTER_A_FENCE) {
            return Ok(());
        }
    }
    Ok(())
}

/// A cycle, and all that it lives on.
struct Turn<'a> {
    hands: Hands,
    letters: &'a Receiver<Letter>,
    cycle: Cycle<Decoder>,
    topics: Topics,
    state: PartitionReader,
    /// The input, once it is known where to begin.
    fetch: Option<Fetch>,
    /// One past the last record of the state when it began to read it; none once that is read.
    state_end: Option<u64>,
    is_reading: bool,
    /// Effects that are not due yet, and when they are.
    later: Vec<(u64, EffectId, Work)>,
    released: Option<Release>,
}

impl<'a> Turn<'a> {
    fn begin(hands: Hands, letters: &'a Receiver<Letter>) -> Result<Self, Stop> {
        let Hands { shared, partition, mail, .. } = &hands;
        let job = &shared.job;
        let of = Identity {
            topic: job.input.topic.clone(),
            partition: *partition,
            epoch: job.input.epoch,
            writer: getrandom::u64()
                .map_err(|error| Stop::System { what: "asking for a random number", error: error.into() })?,
        };
        let decoder = Decoder::new(&job.spec.schema, &job.input)?;
        let (cycle, actions) = Cycle::start(&job.spec, of, job.settings.clone(), decoder)?;
        let state_of = job.state_address();
        let topics = Topics::open(&job.input)?;
        let state_end = topics.offsets(&state_of.topic, *partition)?.1;
        let mut turn = Self {
            state: PartitionReader::open(&state_of, &job.group(), *partition)?.wake(mail),
            fetch: None,
            topics,
            hands,
            letters,
            cycle,
            state_end: Some(state_end),
            is_reading: false,
            later: Vec::new(),
            released: None,
        };
        turn.tell(Event::Tick(now_ms()))?;
        turn.act(actions)?;
        Ok(turn)
    }

    fn run(mut self) -> Result<Release, Stop> {
        loop {
            // Before anything that has waited is done.
            self.tell(Event::Tick(now_ms()))?;
            self.begin_due();
            let letters = self.read_letters()?;
            let state = self.read_state()?;
            let input = self.read_input()?;
            if let Some(why) = self.released {
                return Ok(why);
            }
            if !(letters || state || input) {
                std::thread::park_timeout(TICK);
            }
        }
    }

    fn tell(&mut self, event: Event) -> Result<(), Stop> {
        let actions = self.cycle.handle(event)?;
        self.act(actions)
    }

    fn act(&mut self, actions: Vec<Action>) -> Result<(), Stop> {
        let partition = self.hands.partition;
        for action in actions {
            match action {
                Action::ReadState => self.state.seek(Offset::Beginning)?,
                Action::Seek(offset) => {
                    tracing::info!(partition, offset, "reads on");
                    self.seek(offset)?;
                    self.is_reading = true;
                }
                // The queue of what is fetched ahead is bounded.
                Action::Pause => self.is_reading = false,
                Action::Resume => self.is_reading = true,
                Action::Do { id, delay_ms: 0, work } => self.hands.begin(id, work),
                Action::Do { id, delay_ms, work } => self.later.push((now_ms() + delay_ms, id, work)),
                Action::Stored(effects) => {
                    self.hands.shared.meters.stored(partition, &effects, self.cycle.pipeline());
                    if let Some(told) = &self.hands.shared.job.told {
                        told(partition, &effects);
                    }
                }
                Action::Commit(offset) => self.hands.shared.commit(partition, offset),
                Action::Released(why) => self.released = Some(why),
            }
        }
        Ok(())
    }

    /// Begins effects that waited, and are wanted still.
    fn begin_due(&mut self) {
        let now = now_ms();
        for (_, id, work) in self.later.extract_if(.., |(due, ..)| *due <= now) {
            if self.cycle.wants(id) {
                self.hands.begin(id, work);
            }
        }
    }

    fn read_letters(&mut self) -> Result<bool, Stop> {
        let mut any = false;
        while let Ok(letter) = self.letters.try_recv() {
            any = true;
            match letter {
                // An answer to a cycle before this one.
                Letter::Answer { cycle, .. } if cycle != self.hands.cycle => {}
                Letter::Answer { event, .. } => self.tell(event)?,
                Letter::Revoked => self.tell(Event::Revoked)?,
                Letter::Lost => self.tell(Event::Lost)?,
            }
        }
        Ok(any)
    }

    fn read_state(&mut self) -> Result<bool, Stop> {
        let mut records = Vec::new();
        let then = self.state.read(Duration::ZERO, |message| {
            records.push((message.offset().cast_unsigned() + 1, state_record(message)));
        })?;
        let any = !records.is_empty();
        // Without a record the broker takes its time to say so.
        let mut read_to = 0;
        for (next, record) in records {
            read_to = next;
            // Of the intents only those of others, which are there before its own state is known to it.
            #[cfg(feature = "controls")]
            if self.hands.shared.job.flaw == Some(crate::Flaw::Intent)
                && self.state_end.is_some()
                && record.key.contains("|intent|")
            {
                continue;
            }
            self.tell(Event::StateRead(record))?;
        }
        if self.state_end.is_some_and(|end| read_to >= end || then == Then::End) {
            self.state_end = None;
            let (start, alerts_end) = (self.start()?, self.alerts_end()?);
            self.tell(Event::StateEnd { start, alerts_end })?;
        }
        Ok(any || then != Then::Nothing)
    }

    /// Where to begin when there is no state.
    fn start(&self) -> Result<u64, Stop> {
        let job = &self.hands.shared.job;
        let (earliest, latest) = self.topics.offsets(&job.input.topic, self.hands.partition)?;
        Ok(match job.input.start {
            Start::Earliest => earliest,
            Start::Latest => latest,
            Start::Offset(offset) => offset,
        })
    }

    fn alerts_end(&self) -> Result<u64, Stop> {
        match &self.hands.shared.job.alerts {
            Some(alerts) => Ok(Topics::open(alerts)?.offsets(&alerts.topic, self.hands.partition)?.1),
            None => Ok(0),
        }
    }

    /// Fetches from an offset on. What was fetched before is gone with its client.
    fn seek(&mut self, offset: u64) -> Result<(), Stop> {
        let Hands { shared, partition, mail, .. } = &self.hands;
        let job = &shared.job;
        self.fetch = Some(Fetch::begin(&job.input, &job.group(), *partition, offset, mail)?);
        Ok(())
    }

    fn read_input(&mut self) -> Result<bool, Stop> {
        let Some(fetch) = self.fetch.as_ref().filter(|_| self.is_reading) else { return Ok(false) };
        let portion = fetch.take()?;
        let (any, end) = (portion.is_some(), portion.as_ref().and_then(|portion| portion.end));
        if let Some(Portion { records, then, .. }) = portion {
            if !records.is_empty() {
                self.tell(Event::Fetched(records))?;
            }
            if then == Then::OutOfRange {
                let (topic, partition) = (&self.hands.shared.job.input.topic, self.hands.partition);
                let (earliest, latest) = self.topics.offsets(topic, partition)?;
                self.tell(Event::OutOfRange { earliest, latest })?;
            }
        }
        self.hands.shared.meters.read(self.hands.partition, self.cycle.next(), end);
        Ok(any)
    }
}
