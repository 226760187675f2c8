//! A webhook for alerts: a POST for each that fires or is resolved, at least once.
//!
//! Every request has the header `Idempotency-Key` with the alert's id and state, which is the same when it comes again.
//! Answers of 408, 429 and from 500 on, and none at all, are tried again; the partition waits. What is refused otherwise is
//! logged and counted, as trying again would not help.

use crate::alerts::line;
use crate::job::Job;
use kappascope_core::AlertState;
use kappascope_delivery::AlertRow;
use kappascope_output::jsonl;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// For one request. An alert that waits longer is told again.
const ANSWER: Duration = Duration::from_secs(10);

/// Who is told of alerts.
#[derive(Clone)]
pub struct Webhook {
    to: String,
    agent: ureq::Agent,
    refused: Arc<AtomicU64>,
}

impl Webhook {
    /// A webhook at an address, `http://` or `https://`.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(to: &str) -> Result<Self, String> {
        let is_web = to.starts_with("http://") || to.starts_with("https://");
        if !is_web || to.parse::<ureq::http::Uri>().is_err() {
            return Err("no address of a webhook; https://host/path would fit".to_owned());
        }
        let settings = ureq::Agent::config_builder().timeout_global(Some(ANSWER)).http_status_as_error(false);
        Ok(Self { to: to.to_owned(), agent: settings.build().into(), refused: Arc::default() })
    }

    /// How many alerts were refused for good.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn tell(&self, job: &Job, alerts: &[AlertRow], partition: u32) -> Result<(), String> {
        let writer = jsonl::Writer::new(&job.spec);
        let is_news = |alert: &&AlertRow| alert.state != AlertState::Pending;
        for alert in alerts.iter().filter(is_news) {
            self.post(&alert.id, &line(&writer, alert, partition))?;
        }
        Ok(())
    }

    fn post(&self, id: &str, line: &[u8]) -> Result<(), String> {
        let request =
            self.agent.post(&self.to).content_type("application/json").header("Idempotency-Key", id);
        let status = request.send(line).map_err(|error| error.to_string())?.status();
        match status.as_u16() {
            200..300 => Ok(()),
            408 | 429 | 500.. => Err(format!("it answers {status}")),
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tracing::error!(id, %status, "the webhook refuses an alert");
                Ok(())
            }
        }
    }
}
