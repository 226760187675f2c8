//! A log, a compacted state topic, tables that drop repeated tokens and an alerts topic, all in memory.
//!
//! A world keeps what a crash leaves. It can be told to be a worse one, for the negative controls.

use kappascope_core::Spec;
use kappascope_delivery::{
    Decode, Effects, Event, Identity, Record, Rejection, Row, Settings, StateRecord, Table, Work,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

pub(crate) type Rng = ChaCha8Rng;

pub(crate) const PIPELINE: &str = r#"
name = "visits"
version = 3
[schema]
time = "at"
keys = ["user"]
measures = ["ms"]
[watermark]
bound = "2s"
[[query]]
name = "busy"
by = ["user"]
window = { tumbling = "5s" }
lateness = "3s"
aggregates = ["count()", "sum(ms)"]
[[query]]
name = "visits"
by = ["user"]
window = { session = "2s" }
aggregates = ["count()", "distinct(user)", "top2(user)"]
[[alert]]
name = "too_busy"
when = "busy: count() >= 3"
for = "5s"
message = "{user}: {count()}"
"#;

pub(crate) fn spec() -> Spec {
    Spec::from_toml(PIPELINE).expect("a pipeline that runs")
}

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Intents are written, and nobody finds them again.
    Intent,
    /// Tables do not look at tokens.
    Tokens,
    /// The alerts topic seems empty.
    ReadBack,
    /// When a partition is revoked, inserts that were not done are taken for done.
    Finish,
    /// Nobody is shown the claims of others.
    Claims,
    /// Producers are never shut out.
    Fence,
    /// An intent is good for ever.
    Lease,
}

/// Records are `time,user,ms`.
pub(crate) struct Decoder;

impl Decode for Decoder {
    fn decode(&mut self, record: Record<'_>, row: &mut Row) -> Result<(), Rejection> {
        let text = String::from_utf8_lossy(record.payload);
        let refuse =
            |column: &str| Rejection { column: Some(column.to_owned()), reason: format!("`{text}`") };
        let mut cells = text.split(',');
        let mut cell = |column| cells.next().ok_or_else(|| refuse(column));
        row.time = cell("at")?.parse().map_err(|_| refuse("at"))?;
        row.arrival = None;
        row.keys[0].clear();
        row.keys[0].push_str(cell("user")?);
        row.measures[0] = cell("ms")?.parse().map_err(|_| refuse("ms"))?;
        Ok(())
    }
}

/// A record of the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) offset: u64,
    pub(crate) timestamp: i64,
    pub(crate) payload: Vec<u8>,
}

impl Logged {
    pub(crate) fn record(&self) -> Record<'_> {
        Record { offset: self.offset, timestamp: self.timestamp, payload: &self.payload }
    }
}

pub(crate) fn fetched(records: &[Logged]) -> Event {
    Event::Fetched(records.iter().map(Logged::record).collect())
}

/// A log of some records with late events, gaps between offsets, and records that are none.
pub(crate) fn input(rng: &mut Rng, records: usize) -> Vec<Logged> {
    let (mut offset, mut now) = (rng.random_range(0..5), 0_i64);
    let mut log = Vec::new();
    for _ in 0..records {
        offset += if rng.random_bool(0.05) { rng.random_range(2..4) } else { 1 };
        now += rng.random_range(0..600);
        let late = if rng.random_bool(0.1) { rng.random_range(0..12_000) } else { 0 };
        let (time, user) = (now - late, rng.random_range(0..4));
        let payload = match rng.random_range(0..20) {
            0 => "no record".to_owned(),
            1 => format!("{time},u{user},nan"),
            _ => format!("{time},u{user},{}", rng.random_range(1..100)),
        };
        log.push(Logged { offset, timestamp: now, payload: payload.into_bytes() });
    }
    log
}

/// A row in a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stored {
    pub(crate) offset: u64,
    pub(crate) text: String,
}

/// What became of an effect.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Done,
    Counted(u64),
    Alerts(Vec<String>),
    Produced(u64),
    Failed,
}

/// What happened in a world that makes faults dangerous.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Met {
    pub(crate) repeated_tokens: usize,
    /// Alerts found when the topic was read back.
    pub(crate) known_alerts: usize,
    pub(crate) fenced_producers: usize,
    /// Parts of snapshots.
    pub(crate) chunks: usize,
    /// Counts that found a batch, or a part of one, in its table.
    pub(crate) stored_before: usize,
    /// Inserts of another part than a batch's first.
    pub(crate) later_parts: usize,
    /// Tokens that were forgotten.
    pub(crate) forgotten_tokens: usize,
    /// Alerts that were told again.
    pub(crate) repeated_notices: usize,
}

impl std::ops::AddAssign for Met {
    fn add_assign(&mut self, other: Self) {
        self.repeated_tokens += other.repeated_tokens;
        self.known_alerts += other.known_alerts;
        self.fenced_producers += other.fenced_producers;
        self.chunks += other.chunks;
        self.stored_before += other.stored_before;
        self.later_parts += other.later_parts;
        self.forgotten_tokens += other.forgotten_tokens;
        self.repeated_notices += other.repeated_notices;
    }
}

#[derive(Default)]
struct Inserted {
    rows: Vec<Stored>,
    /// With the step in which each came.
    tokens: VecDeque<(String, usize)>,
}

pub(crate) struct World {
    pub(crate) input: Vec<Logged>,
    /// What is left of the state topic's partition, by position.
    pub(crate) state: BTreeMap<u64, StateRecord>,
    positions: u64,
    tables: BTreeMap<Table, Inserted>,
    pub(crate) alerts: Vec<String>,
    ids: Vec<String>,
    /// Ids of alerts that somebody was told.
    notices: BTreeSet<String>,
    /// The producer that may write alerts, and how many there were.
    pub(crate) producer: u64,
    pub(crate) flaw: Flaw,
    /// Whether counts are as wished, so that a flaw is not noticed by the guard.
    pub(crate) unguarded: bool,
    /// Until which step inserts fail.
    pub(crate) down_until: usize,
    /// How many steps tables remember a token.
    pub(crate) memory: usize,
    pub(crate) met: Met,
}

impl World {
    pub(crate) fn new(input: Vec<Logged>, flaw: Flaw) -> Self {
        Self {
            input,
            state: BTreeMap::new(),
            positions: 0,
            tables: BTreeMap::new(),
            alerts: Vec::new(),
            ids: Vec::new(),
            notices: BTreeSet::new(),
            producer: 0,
            flaw,
            unguarded: flaw != Flaw::None,
            down_until: 0,
            memory: usize::MAX,
            met: Met::default(),
        }
    }

    /// One past the last offset.
    pub(crate) fn end(&self) -> u64 {
        self.input.last().map_or(0, |record| record.offset + 1)
    }

    pub(crate) fn positions(&self) -> u64 {
        self.positions
    }

    pub(crate) fn alerts_end(&self) -> u64 {
        self.alerts.len() as u64
    }

    /// All tables and the alerts topic, as sorted rows.
    pub(crate) fn content(&self) -> BTreeMap<String, Vec<String>> {
        let spec = spec();
        let tables = self.tables.iter().map(|(table, inserted)| {
            let mut rows: Vec<String> = inserted.rows.iter().map(|row| row.text.clone()).collect();
            if !table.has_offsets() {
                // They are read by identity and revision.
                rows.sort_unstable();
                rows.dedup();
            }
            (table.name(&spec), rows)
        });
        let mut content: BTreeMap<String, Vec<String>> = tables.collect();
        content.insert("topic".to_owned(), self.alerts.clone());
        content.insert("notices".to_owned(), self.notices.iter().cloned().collect());
        content.values_mut().for_each(|rows| rows.sort_unstable());
        content
    }

    /// Does an effect, or the first part of it only, which then has failed.
    pub(crate) fn perform(
        &mut self,
        work: &Work,
        producer: &mut u64,
        step: usize,
        part: Option<usize>,
    ) -> Outcome {
        let outcome = match work {
            Work::WriteState(records) => {
                self.write(&records[..part.unwrap_or(records.len()).min(records.len())])
            }
            Work::Count { table, from, to, allowed } => {
                self.count(*table, *from..to.unwrap_or(u64::MAX), allowed)
            }
            Work::Insert { table, token, effects, rows } => {
                self.insert((*table, token), effects, rows.clone(), step)
            }
            Work::ReadAlerts { from } => {
                self.open_producer(producer);
                let known = if self.flaw == Flaw::ReadBack { self.ids.len() } else { *from as usize };
                self.met.known_alerts += self.ids.len() - known;
                Outcome::Alerts(self.ids[known..].to_vec())
            }
            Work::Produce { .. } => self.produce(work, producer, part.unwrap_or(usize::MAX)),
            Work::Notify { effects } => {
                let told = effects.alerts.iter().take(part.unwrap_or(usize::MAX));
                let again = told.filter(|alert| !self.notices.insert(alert.id.clone())).count();
                self.met.repeated_notices += again;
                Outcome::Done
            }
        };
        if part.is_some() { Outcome::Failed } else { outcome }
    }

    fn write(&mut self, records: &[StateRecord]) -> Outcome {
        for record in records {
            self.met.chunks += usize::from(record.key.contains("|chunk|"));
            self.state.insert(self.positions, record.clone());
            self.positions += 1;
        }
        Outcome::Done
    }

    fn count(&mut self, table: Table, offsets: Range<u64>, allowed: &[u64]) -> Outcome {
        let rows = self.tables.get(&table).map_or(&[][..], |inserted| &inserted.rows);
        let found = rows.iter().filter(|row| offsets.contains(&row.offset)).count() as u64;
        self.met.stored_before += usize::from(found > 0 && allowed.len() > 1);
        Outcome::Counted(if self.unguarded { allowed[0] } else { found })
    }

    fn insert(
        &mut self,
        (table, token): (Table, &String),
        effects: &Effects,
        rows: Range<usize>,
        step: usize,
    ) -> Outcome {
        if step < self.down_until {
            return Outcome::Failed;
        }
        self.met.later_parts += usize::from(rows.start > 0);
        let inserted = self.tables.entry(table).or_default();
        while inserted.tokens.front().is_some_and(|(_, at)| step - at > self.memory) {
            inserted.tokens.pop_front();
            self.met.forgotten_tokens += 1;
        }
        if self.flaw == Flaw::Tokens || inserted.tokens.iter().all(|(known, _)| known != token) {
            inserted.rows.extend(rows.map(|row| stored(effects, table, row)));
            inserted.tokens.push_back((token.clone(), step));
        } else {
            self.met.repeated_tokens += 1;
        }
        Outcome::Done
    }

    /// A new producer of alerts fences the one before it.
    fn open_producer(&mut self, producer: &mut u64) {
        self.producer += 1;
        *producer = self.producer;
    }

    fn produce(&mut self, work: &Work, producer: &mut u64, part: usize) -> Outcome {
        assert_ne!(*producer, 0, "it was opened");
        if *producer != self.producer && self.flaw != Flaw::Fence {
            self.met.fenced_producers += 1;
            return Outcome::Failed;
        }
        for alert in work.alerts().take(part) {
            self.alerts.push(format!("{alert:?}"));
            self.ids.push(alert.id.clone());
        }
        Outcome::Produced(self.alerts.len() as u64)
    }

    /// Leaves the last record of each key, among those that lie before a position. The topic's
    /// `min.compaction.lag.ms` sees to it that this is before where any reader began to look.
    pub(crate) fn compact(&mut self, before: u64) {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for (position, record) in self.state.range(..before) {
            last.insert(record.key.clone(), *position);
        }
        self.state.retain(|position, record| {
            *position >= before || last[&record.key] == *position && record.value.is_some()
        });
    }
}

fn stored(effects: &Effects, table: Table, row: usize) -> Stored {
    let (offset, text) = match table {
        Table::Raw => {
            let raw = &effects.raw;
            let text = format!(
                "{} {} {} {} {}",
                raw.offset[row],
                raw.time[row],
                raw.arrival[row],
                raw.keys[0].get(row),
                raw.measures[0][row]
            );
            (raw.offset[row], text)
        }
        Table::Windows(query) => (0, format!("{:?}", effects.windows[query as usize][row])),
        Table::Late => (effects.late[row].offset, format!("{:?}", effects.late[row])),
        Table::Alerts => (effects.alerts[row].offset, format!("{:?}", effects.alerts[row])),
        Table::Rejected => (effects.rejected[row].offset, format!("{:?}", effects.rejected[row])),
    };
    Stored { offset, text }
}

pub(crate) fn identity(writer: u64) -> Identity {
    Identity { topic: "visits".to_owned(), partition: 4, epoch: 1, writer }
}

/// Small bounds, so that each is met.
pub(crate) fn settings(rng: &mut Rng) -> Settings {
    Settings {
        batch_rows: rng.random_range(1..40),
        batch_bytes: rng.random_range(50..600),
        batch_ms: rng.random_range(1..300),
        first_batch_ms: rng.random_range(1..100),
        insert_rows: rng.random_range(1..30),
        state_ms: rng.random_range(0..1_000),
        lease_ms: rng.random_range(400..1_500),
        waiting_bytes: rng.random_range(50..800),
        chunk_bytes: rng.random_range(200..3_000),
        dictionary_strings: rng.random_range(1..8),
        notifies: true,
        ..Settings::default()
    }
}
