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

/// The watermark before any event: nothing is complete.
pub const NOTHING: i64 = i64::MIN;

/// The watermark after the last event of a bounded log: everything is complete.
pub const END_OF_TIME: i64 = i64::MAX;

#[derive(Clone, Debug)]
struct PartitionClock {
    /// [`NOTHING`] before its first event.
    newest_time: i64,
    last_arrival: i64,
    next_offset: u64,
}

/// The watermark of one log.
///
/// ```
/// use kappascope_core::{Log, Spec, watermark::Watermark};
/// # let spec = Spec::from_toml("name='w'\nversion=1\nschema={time='t'}\n[[query]]\nname='q'\nwindow={tumbling='1m'}\naggregates=['count()']").unwrap();
/// let mut log = Log::new(&spec.schema);
/// log.append(10_000, 10_000, 0, &[], &[]);
/// log.append(4_000, 10_500, 0, &[], &[]); // out of order: the watermark stays
/// let mut watermark = Watermark::new(&spec.schema, &spec.watermark);
/// watermark.observe(&log.read(0, 2));
/// assert_eq!(watermark.now(), 9_999); // no bound: one millisecond behind the newest event
/// ```
#[derive(Clone, Debug)]
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

    /// The offset that the next event of a partition will have.
    #[must_use]
    pub fn next_offset(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].next_offset
    }

    /// Advances over the events of a block.
    pub fn observe(&mut self, block: &Block<'_>) {
        match block.partition() {
            None => self.observe_one_partition(block.time()),
            Some(partition) => self.observe_partitions(partition, block),
        }
    }

    /// Moves to the end of time: the log is complete.
    pub fn finish(&mut self) {
        self.now = END_OF_TIME;
    }

    /// With one partition nothing can be idle beside it, and the maximum is all that counts.
    fn observe_one_partition(&mut self, time: &[i64]) {
        let clock = &mut self.partitions[0];
        clock.next_offset += time.len() as u64;
        clock.newest_time = time.iter().copied().fold(clock.newest_time, i64::max);
        if clock.newest_time != NOTHING {
            self.now = self.now.max(clock.newest_time - self.bound - 1);
        }
    }

    fn observe_partitions(&mut self, partition: &[u32], block: &Block<'_>) {
        for ((&p, &time), &arrival) in partition.iter().zip(block.time()).zip(block.arrival()) {
            let p = p as usize;
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
