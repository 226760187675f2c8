//! The input of a partition, read ahead of its worker: taking a record from librdkafka costs more than what is done
//! with it afterwards, so a thread of its own does that.
//!
//! **Invariant:** records are given in order, from the offset on at which fetching began, and what is fetched ahead is
//! bounded: by librdkafka's queue and [`AHEAD`] portions.

use crate::failure::Stop;
use crate::mail::Mailbox;
use crate::reader::{PartitionReader, Then, record};
use kappascope_delivery::Records;
use kappascope_kafka::Address;
use rdkafka::Offset;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Portions that wait for the worker.
const AHEAD: usize = 4;
/// How long it waits for records before it looks whether it is wanted still.
const LOOK: Duration = Duration::from_millis(50);

/// Records that came one after the other.
pub(crate) struct Portion {
    pub(crate) records: Records,
    /// What came after them.
    pub(crate) then: Then,
    /// One past the partition's last offset, as it was heard last.
    pub(crate) end: Option<u64>,
}

/// A partition that is being fetched, until this is dropped.
pub(crate) struct Fetch {
    /// None while it is being dropped: that is what ends the thread.
    portions: Option<Receiver<Result<Portion, Stop>>>,
    thread: Option<JoinHandle<()>>,
    partition: u32,
}

impl Fetch {
    /// Fetches from an offset on, and wakes the worker when there is something.
    pub(crate) fn begin(
        of: &Address,
        group: &str,
        partition: u32,
        offset: u64,
        wakes: &Mailbox,
    ) -> Result<Self, Stop> {
        let reader = PartitionReader::open(of, group, partition)?;
        reader.seek(Offset::Offset(offset.cast_signed()))?;
        let (give, portions) = std::sync::mpsc::sync_channel(AHEAD);
        let wake = wakes.waker();
        let thread = std::thread::Builder::new()
            .name(format!("fetch {partition}"))
            .spawn(move || fetch(reader, &give, wake))
            .map_err(|error| Stop::System { what: "starting a thread", error })?;
        Ok(Self { portions: Some(portions), thread: Some(thread), partition })
    }

    /// The next portion, if it is there.
    pub(crate) fn take(&self) -> Result<Option<Portion>, Stop> {
        match self.portions.as_ref().map(Receiver::try_recv) {
            Some(Ok(portion)) => portion.map(Some),
            Some(Err(TryRecvError::Empty)) | None => Ok(None),
            Some(Err(TryRecvError::Disconnected)) => {
                let reason = "the thread that fetches ended".to_owned();
                Err(Stop::Broken { partition: self.partition, reason })
            }
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.portions = None;
        if let Some(thread) = self.thread.take() {
            // One that broke down has said so on its own.
            let _ = thread.join();
        }
    }
}

/// Fetches until nobody wants it any more, or it fails. A portion of nothing finds out whether somebody does.
fn fetch(mut reader: PartitionReader, give: &SyncSender<Result<Portion, Stop>>, wake: impl Fn()) {
    loop {
        let mut records = Records::default();
        let read = reader.read(LOOK, |message| records.push(record(message)));
        let has_failed = read.is_err();
        let portion = read.map(|then| Portion { records, then, end: reader.end() });
        if give.send(portion).is_err() || has_failed {
            return;
        }
        wake();
    }
}
