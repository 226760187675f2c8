//! Does what a cycle asks for, beside the worker, and tells it what became of it.

use crate::alerts::{AlertsWriter, read_back};
use crate::mail::{Letter, Mailbox};
use crate::shared::Shared;
use kappascope_delivery::{EffectId, Event, Work};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An insert or a count that is not answered by then is asked for again. Less than half of the lease of an intent.
const TABLES: Duration = Duration::from_secs(25);

/// The hands of one cycle.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) shared: Arc<Shared>,
    pub(crate) partition: u32,
    /// The number of the cycle, for answers.
    pub(crate) cycle: u64,
    pub(crate) mail: Mailbox,
    pub(crate) alerts: Arc<Mutex<Option<AlertsWriter>>>,
}

/// Why an effect was not done.
enum Undone {
    /// It may be done later.
    Failed(String),
    /// It would fail again.
    Refused(String),
}

impl Hands {
    /// Begins an effect.
    pub(crate) fn begin(&self, id: EffectId, work: Work) {
        let (hands, what) = (self.clone(), work.name());
        match work {
            Work::WriteState(records) => {
                self.shared.meters.wrote_state(self.partition, &records);
                match self.shared.state.send(self.partition, &records) {
                    Ok(sent) => drop(self.shared.runtime.spawn(async move {
                        for record in sent {
                            let told = record.await;
                            let wrong = match told {
                                Ok(Ok(_)) => continue,
                                Ok(Err((error, _))) => error.to_string(),
                                Err(_) => "it was given up".to_owned(),
                            };
                            return hands.failed(id, what, &wrong);
                        }
                    })),
                    Err(wrong) => self.failed(id, what, &wrong),
                }
            }
            Work::Insert { .. } | Work::Count { .. } => drop(self.shared.runtime.spawn(async move {
                let done = match tokio::time::timeout(TABLES, hands.work_on_tables(id, work)).await {
                    Ok(done) => done,
                    Err(_) => Err(Undone::Failed(format!("no answer in {} s", TABLES.as_secs()))),
                };
                hands.answer(id, what, done);
            })),
            Work::ReadAlerts { .. } | Work::Produce { .. } | Work::Notify { .. } => {
                drop(self.shared.runtime.spawn_blocking(move || {
                    let done = hands.work_on_alerts(id, &work);
                    hands.answer(id, what, done);
                }));
            }
        }
    }

    async fn work_on_tables(&self, id: EffectId, work: Work) -> Result<Event, Undone> {
        let Some(tables) = &self.shared.job.tables else { return Err(Undone::Refused(NO_TABLES.to_owned())) };
        #[cfg(feature = "controls")]
        let work = match flawed(self.shared.job.flaw, work) {
            Work::Count { allowed, .. } if self.shared.job.flaw.is_some() => {
                return Ok(Event::Counted(id, allowed[0]));
            }
            work => work,
        };
        let told = match work {
            Work::Insert { table, token, effects, rows } => {
                tables.insert(table, &token, self.partition, &effects, rows).await.map(|()| Event::Done(id))
            }
            Work::Count { table, from, to, .. } => {
                tables.count(table, self.partition, from, to).await.map(|rows| Event::Counted(id, rows))
            }
            _ => return Err(Undone::Refused("no work on a table".to_owned())),
        };
        told.map_err(|error| {
            let said = error.to_string();
            if error.is_transient() { Undone::Failed(said) } else { Undone::Refused(said) }
        })
    }

    fn work_on_alerts(&self, id: EffectId, work: &Work) -> Result<Event, Undone> {
        let job = &self.shared.job;
        let mut writer = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        match (work, &job.alerts, &job.webhook) {
            (Work::ReadAlerts { from }, Some(to), _) => {
                // The old one first: it would fence itself.
                *writer = None;
                let opened = AlertsWriter::open(job, to, self.partition);
                *writer = Some(opened.map_err(Undone::Failed)?);
                let ids = read_back(to, &job.group(), self.partition, *from).map_err(Undone::Failed)?;
                Ok(Event::AlertsRead(id, ids))
            }
            (Work::Produce { .. }, Some(_), _) => match &*writer {
                Some(writer) => {
                    let end = writer.write(job, work).map_err(Undone::Failed)?;
                    Ok(Event::Produced(id, end))
                }
                None => Err(Undone::Failed("its producer is not open".to_owned())),
            },
            (Work::Notify { effects }, _, Some(webhook)) => {
                webhook.tell(job, &effects.alerts, self.partition).map_err(Undone::Failed)?;
                Ok(Event::Done(id))
            }
            _ => Err(Undone::Refused("nobody is there for alerts".to_owned())),
        }
    }

    fn answer(&self, id: EffectId, what: &str, done: Result<Event, Undone>) {
        match done {
            Ok(event) => self.post(event),
            Err(Undone::Failed(wrong)) => self.failed(id, what, &wrong),
            Err(Undone::Refused(wrong)) => self.post(Event::Refused(id, wrong)),
        }
    }

    fn failed(&self, id: EffectId, what: &str, wrong: &str) {
        self.shared.meters.retried();
        tracing::warn!(partition = self.partition, what, reason = wrong, "will be tried again");
        self.post(Event::Failed(id));
    }

    fn post(&self, event: Event) {
        self.mail.post(Letter::Answer { cycle: self.cycle, event });
    }
}

const NO_TABLES: &str = "there are no tables in this run";

/// An insert under a token that no other has, if that is to be broken.
#[cfg(feature = "controls")]
fn flawed(flaw: Option<crate::Flaw>, work: Work) -> Work {
    use std::sync::atomic::{AtomicU64, Ordering};
    static INSERTS: AtomicU64 = AtomicU64::new(0);
    match work {
        Work::Insert { table, token, effects, rows } if flaw == Some(crate::Flaw::Tokens) => {
            let number = INSERTS.fetch_add(1, Ordering::Relaxed);
            let token = format!("{token}|{}|{number}", std::process::id());
            Work::Insert { table, token, effects, rows }
        }
        work => work,
    }
}
