//! The watermark: the event time up to which the log is taken to be complete.
//!
//! ```text
//!   w(p) = max event time seen in partition p − bound − 1 ms
//!   w    = max over the past of  min over the partitions p that are not idle of  w(p)
//! ```
//!
//! **Invariant:** it never moves backwards, and it is a function of the events alone: it advances after
//! each event, not after each block, so the size of blocks cannot be seen in it.
//!
//! A partition that has brought nothing for `idle`, in arrival time, no longer holds it back. One that
//! has brought nothing at all counts its silence from the first arrival of the log. Definition: Flink's
//! `BoundedOutOfOrdernessWatermarks` and `WatermarksWithIdleness`.

use crate::log::Block;
use crate::spec::{Schema, WatermarkSpec};
use serde::{Deserialize, Serialize};

/// The watermark before any event: nothing is complete.
pub const NOTHING: i64 = i64::MIN;

/// The watermark after the last event of a bounded log: everything is complete.
pub const END_OF_TIME: i64 = i64::MAX;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PartitionClock {
    /// [`NOTHING`] before its first event.
    newest_time: i64,
    last_arrival: i64,
    next_offset: u64,
}

/// Where to stop while advancing over events.
pub struct Stop<'a> {
    /// Before an event at most so many milliseconds past the watermark, or behind it, for which this says
    /// so of its time and the watermark.
    pub before: &'a dyn Fn(i64, i64) -> bool,
    /// How near the watermark an event has to be for asking.
    pub near: i64,
    /// After an event that brings the watermark up to here.
    pub at: i64,
}

impl Stop<'_> {
    /// Nowhere.
    pub const NOWHERE: Self = Self { before: &|_, _| false, near: 0, at: i64::MAX };
}

/// The watermark of one log.
///
/// ```
/// use kappascope_core::{Log, Spec, watermark::{Stop, Watermark}};
/// # let spec = Spec::from_toml("name='w'\nversion=1\nschema={time='t'}\n[[query]]\nname='q'\nwindow={tumbling='1m'}\naggregates=['count()']").unwrap();
/// let mut log = Log::new(&spec.schema);
/// log.append(10_000, 10_000, 0, &[], &[]);
/// log.append(4_000, 10_500, 0, &[], &[]); // out of order: the watermark stays
/// let mut watermark = Watermark::new(&spec.schema, &spec.watermark);
/// watermark.advance(&log.read(0, 2), &Stop::NOWHERE);
/// assert_eq!(watermark.now(), 9_999); // no bound: one millisecond behind the newest event
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watermark {
    bound: i64,
    idle: Option<i64>,
    partitions: Vec<PartitionClock>,
    now: i64,
    first_arrival: Option<i64>,
    newest_arrival: i64,
    /// The partition that holds the watermark back. Only its progress, or the next partition falling
    /// idle, can raise the minimum; one that returns from idleness can only lower it.
    holder: usize,
    /// No partition that is active falls idle at an arrival before this.
    idle_check_at: i64,
}

impl Watermark {
    /// The watermark of an empty log.
    #[must_use]
    pub fn new(schema: &Schema, spec: &WatermarkSpec) -> Self {
        let clock = PartitionClock { newest_time: NOTHING, last_arrival: NOTHING, next_offset: 0 };
        Self {
            bound: spec.bound.0,
            idle: spec.idle.map(|idle| idle.0),
            partitions: vec![clock; schema.partitions as usize],
            now: NOTHING,
            first_arrival: None,
            newest_arrival: NOTHING,
            holder: 0,
            idle_check_at: i64::MAX,
        }
    }

    /// Epoch milliseconds, or [`NOTHING`], or [`END_OF_TIME`].
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The newest event time of any partition, or [`NOTHING`].
    #[must_use]
    pub fn newest_time(&self) -> i64 {
        self.partitions.iter().map(|clock| clock.newest_time).max().unwrap_or(NOTHING)
    }

    /// The newest event time of a partition, or [`NOTHING`].
    #[must_use]
    pub fn newest_time_of(&self, partition: u32) -> i64 {
        self.partitions[partition as usize].newest_time
    }

    /// The offset that the next event of a partition will have.
    #[must_use]
    pub fn next_offset(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].next_offset
    }

    /// Advances over the events of a block, up to where someone has to look. Gives how many events it
    /// has passed.
    pub fn advance(&mut self, block: &Block<'_>, stop: &Stop<'_>) -> usize {
        match block.partition() {
            None => self.advance_one_partition(block, stop),
            Some(partition) => self.advance_partitions(partition, block, stop),
        }
    }

    /// Moves to the end of time: the log is complete.
    pub fn finish(&mut self) {
        self.now = END_OF_TIME;
    }

    /// With one partition nothing can be idle beside it, and the maximum is all that counts. A zone of the
    /// log whose oldest event would not stop at the watermark that the zone ends with has none that stops.
    fn advance_one_partition(&mut self, block: &Block<'_>, stop: &Stop<'_>) -> usize {
        let mut passed = 0;
        while passed < block.len() {
            let rows = block.rows_to_zone(passed);
            let newest = block.zone(passed).and_then(|(_, oldest, newest)| {
                let newest = newest.max(self.partitions[0].newest_time);
                let watermark = self.below(newest);
                (watermark < stop.at && !(stop.before)(oldest, watermark)).then_some(newest)
            });
            if let Some(newest) = newest {
                self.partitions[0].newest_time = newest;
                passed += rows;
                continue;
            }
            let (walked, stopped) = self.walk(&block.time()[passed..passed + rows], stop);
            passed += walked;
            if stopped {
                break;
            }
        }
        self.partitions[0].next_offset += passed as u64;
        self.now = self.now.max(self.below(self.partitions[0].newest_time));
        passed
    }

    /// Advances the one partition over events one by one. Gives how many it passed, and whether it stopped.
    fn walk(&mut self, times: &[i64], stop: &Stop<'_>) -> (usize, bool) {
        let mut newest = self.partitions[0].newest_time;
        let mut near = self.below(newest).saturating_add(stop.near);
        for (i, &time) in times.iter().enumerate() {
            if time <= near && (stop.before)(time, self.below(newest)) {
                self.partitions[0].newest_time = newest;
                return (i, true);
            }
            if time > newest {
                newest = time;
                near = self.below(newest).saturating_add(stop.near);
                if self.below(newest) >= stop.at {
                    self.partitions[0].newest_time = newest;
                    return (i + 1, true);
                }
            }
        }
        self.partitions[0].newest_time = newest;
        (times.len(), false)
    }

    /// The watermark of a partition with this newest event.
    fn below(&self, newest: i64) -> i64 {
        newest.saturating_sub(self.bound + 1)
    }

    fn advance_partitions(&mut self, partition: &[u32], block: &Block<'_>, stop: &Stop<'_>) -> usize {
        let events = partition.iter().zip(block.time()).zip(block.arrival());
        for (i, ((&p, &time), &arrival)) in events.enumerate() {
            if time <= self.now.saturating_add(stop.near) && (stop.before)(time, self.now) {
                return i;
            }
            self.observe(p as usize, time, arrival);
            if self.now >= stop.at {
                return i + 1;
            }
        }
        partition.len()
    }

    fn observe(&mut self, p: usize, time: i64, arrival: i64) {
        if self.first_arrival.is_none() {
            self.first_arrival = Some(arrival);
            self.idle_check_at = self.idle.map_or(i64::MAX, |idle| arrival + idle);
        }
        self.newest_arrival = self.newest_arrival.max(arrival);
        let clock = &mut self.partitions[p];
        let held = p == self.holder && time > clock.newest_time;
        clock.newest_time = clock.newest_time.max(time);
        clock.last_arrival = clock.last_arrival.max(arrival);
        clock.next_offset += 1;
        if held || self.newest_arrival >= self.idle_check_at {
            self.combine();
        }
    }

    /// Finds who is idle, who holds the watermark back, and advances it.
    fn combine(&mut self) {
        let start = self.first_arrival.unwrap_or(NOTHING);
        let mut slowest: Option<(i64, usize)> = None;
        let mut idle_check_at = i64::MAX;
        for (p, clock) in self.partitions.iter().enumerate() {
            if let Some(idle) = self.idle {
                let falls_idle_at = clock.last_arrival.max(start) + idle;
                if self.newest_arrival >= falls_idle_at {
                    continue;
                }
                idle_check_at = idle_check_at.min(falls_idle_at);
            }
            if slowest.is_none_or(|(time, _)| clock.newest_time < time) {
                slowest = Some((clock.newest_time, p));
            }
        }
        self.idle_check_at = idle_check_at;
        let Some((time, holder)) = slowest else { return };
        self.holder = holder;
        if time != NOTHING {
            self.now = self.now.max(time - self.bound - 1);
        }
    }
}
