//! What is to be run, and what its topics are called.

use crate::decode::Decoder;
use crate::failure::Stop;
use kappascope_clickhouse::Tables;
use kappascope_core::Spec;
use kappascope_delivery::{Effects, Settings};
use kappascope_kafka::Address;
use std::sync::Arc;

/// Is told of each batch that is stored, with its partition.
pub type Told = Arc<dyn Fn(u32, &Effects) + Send + Sync>;

/// What is to be run.
#[derive(Clone)]
pub struct Job {
    /// The pipeline.
    pub spec: Spec,
    /// The topic that is read.
    pub input: Address,
    /// The tables that are written.
    pub tables: Option<Tables>,
    /// The topic that alerts are written to.
    pub alerts: Option<Address>,
    /// Who is told of alerts, at least once.
    pub webhook: Option<crate::Webhook>,
    /// Who is told of what is stored.
    pub told: Option<Told>,
    /// The bounds of each cycle.
    pub settings: Settings,
    /// What is broken on purpose.
    #[cfg(feature = "controls")]
    pub flaw: Option<crate::Flaw>,
}

impl Job {
    /// A job, whose names and records' form are checked.
    ///
    /// # Errors
    /// When a name does not fit, or the form of records not the pipeline.
    pub fn new(spec: Spec, input: Address) -> Result<Self, Stop> {
        Decoder::new(&spec.schema, &input)?;
        let settings = Settings { writes_alerts: false, tables: Some(Vec::new()), ..Settings::default() };
        let job = Self {
            spec,
            input,
            tables: None,
            alerts: None,
            webhook: None,
            told: None,
            settings,
            #[cfg(feature = "controls")]
            flaw: None,
        };
        let state = job.state_address();
        let named: Result<Address, _> = state.to_string().parse();
        named.map_err(|error| Stop::Usage(format!("the pipeline's name is that of topics too: {error}")))?;
        Ok(job)
    }

    /// Writes tables.
    #[must_use]
    pub fn with_tables(mut self, tables: Tables) -> Self {
        self.settings.tables = Some(tables.chosen());
        self.tables = Some(tables);
        self
    }

    /// Writes alerts to a topic, of which each epoch has its own.
    #[must_use]
    pub fn with_alerts(mut self, topic: Address) -> Self {
        self.settings.writes_alerts = true;
        self.alerts = Some(topic.of_epoch(self.input.epoch));
        self
    }

    /// Tells alerts to a webhook.
    #[must_use]
    pub fn with_webhook(mut self, webhook: crate::Webhook) -> Self {
        self.settings.notifies = true;
        self.webhook = Some(webhook);
        self
    }

    /// The topic of the state. Its keys have the input and the epoch in them, so it is the same for all.
    pub(crate) fn state_address(&self) -> Address {
        self.input.with_topic(&format!("{}-state", self.spec.name))
    }

    pub(crate) fn group(&self) -> String {
        self.input.group_of(&self.spec.name)
    }

    /// The name by which Kafka knows the one producer of a partition's alerts.
    pub(crate) fn transactional_id(&self, partition: u32) -> String {
        let Self { spec, input, .. } = self;
        format!("{}|{}|{}|{partition}", spec.name, input.epoch, input.topic)
    }
}
