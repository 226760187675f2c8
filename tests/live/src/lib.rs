//! What the tests against real servers share: the servers in folders of their own, the binary, and clients that are
//! not ours to see what it did.

pub mod days;
pub mod proxy;

use anyhow::{Context, Result, bail, ensure};
use clickhouse::Client;
use kappascope_infra::{Engine, Kafka, Server};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Enough for anything that comes at all, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// A broker, an engine and a folder.
pub struct Place {
    /// Apache Kafka.
    pub kafka: Server<Kafka>,
    /// The ClickHouse engine.
    pub engine: Server<Engine>,
    /// For files.
    pub folder: TempDir,
    /// What programs that are started here find in their environment, beside this process's.
    pub environment: Vec<(&'static str, String)>,
    runtime: Runtime,
}

impl Place {
    /// With servers that are started, and a file `pipeline.toml`.
    ///
    /// # Errors
    /// When a server does not start.
    pub fn new(pipeline: &str) -> Result<Self> {
        Self::with_profile(pipeline, &[])
    }

    /// The same, with settings that the engine's users have.
    ///
    /// # Errors
    /// When a server does not start.
    pub fn with_profile(pipeline: &str, settings: &[(&str, &str)]) -> Result<Self> {
        Self::of(pipeline, Kafka::find()?, Engine::find()?.with_profile(settings))
    }

    /// The same, with these servers.
    ///
    /// # Errors
    /// When a server does not start.
    pub fn of(pipeline: &str, broker: Kafka, tables: Engine) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let [kafka, engine] = ["kafka", "engine"].map(|name| folder.path().join(name));
        std::fs::create_dir(&kafka)?;
        std::fs::create_dir(&engine)?;
        std::fs::write(folder.path().join("pipeline.toml"), pipeline)?;
        Ok(Self {
            kafka: Server::start(broker, &kafka)?,
            engine: Server::start(tables, &engine)?,
            folder,
            environment: Vec::new(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// A topic's address.
    #[must_use]
    pub fn topic(&self, topic: &str) -> String {
        format!("kafka://{}/{topic}", self.kafka.address())
    }

    /// The address of the tables.
    #[must_use]
    pub fn tables(&self) -> String {
        format!("clickhouse://{}/live", self.engine.address())
    }

    /// The words of `kappascope run` from the topic `visits` to the tables.
    #[must_use]
    pub fn run(&self, more: &str) -> Vec<String> {
        words("run", &format!("{}{more}", self.topic("visits")), &self.tables())
    }

    /// Makes the tables of an epoch.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn make_tables(&self, pipeline: &str, epoch: u32) -> Result<()> {
        let (spec, address) = (kappascope_core::Spec::from_toml(pipeline)?, self.tables().parse()?);
        let tables = kappascope_clickhouse::Tables::new(&address, &spec, "visits", epoch)?;
        Ok(self.runtime.block_on(tables.create())?)
    }

    /// Starts a program in the folder; what it says goes into the file `log` and to nobody's standard output.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, program: &Path, words: &[String]) -> Result<Running> {
        let log = self.log();
        let out = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(program)
            .args(words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Running { child, log })
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What programs that were started here have said.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Runs the binary to its end: exit code, output and messages.
    ///
    /// # Errors
    /// When it does not start.
    pub fn kappascope(&self, words: &[&str]) -> Result<(i32, String, String)> {
        let output = Command::new(binary()?)
            .args(words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .context("cannot start the binary")?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok((output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr)))
    }

    /// The single number that a query gives.
    ///
    /// # Errors
    /// When it gives none.
    pub fn number(&self, sql: &str) -> Result<u64> {
        let client = Client::default().with_url(format!("http://{}", self.engine.address()));
        let number = self.runtime.block_on(async { client.query_raw(sql).fetch_one::<u64>().await });
        number.with_context(|| sql.to_owned())
    }

    /// Has a statement or a query executed in a database; a query has to give rows.
    ///
    /// # Errors
    /// When it is refused, or gives none.
    pub fn rows(&self, sql: &str, database: &str) -> Result<()> {
        let client =
            Client::default().with_url(format!("http://{}", self.engine.address())).with_database(database);
        self.runtime.block_on(async {
            let mut answer = client.query_raw(sql).fetch_bytes("TabSeparated")?;
            let bytes = answer.collect().await?;
            ensure!(!bytes.is_empty() || !sql.starts_with("SELECT"), "no row");
            Ok(())
        })
    }

    /// Has a statement executed.
    ///
    /// # Errors
    /// When it is refused.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let client = Client::default().with_url(format!("http://{}", self.engine.address()));
        self.runtime.block_on(client.query_raw(sql).execute()).with_context(|| sql.to_owned())
    }

    /// Waits until a query gives a number; it may fail meanwhile, as the engine or the table may not be there.
    ///
    /// # Errors
    /// When it never does.
    pub fn wait_for(&self, sql: &str, expected: u64) -> Result<()> {
        wait(&format!("{sql} to be {expected}"), || Ok(self.number(sql).ok().as_ref() == Some(&expected)))
            .with_context(|| {
                format!("it is {:?}; the log ends with\n{}", self.number(sql), last(&self.said()))
            })
    }

    /// Makes a topic by the broker's defaults.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_topic(&self, topic: &str, partitions: u32) -> Result<()> {
        let of: kappascope_kafka::Address = self.topic(topic).parse()?;
        let shape = kappascope_kafka::topic::Shape { partitions, settings: &[] };
        Ok(self.runtime.block_on(kappascope_kafka::topic::create(&of, topic, &shape))?)
    }

    /// Deletes a topic, and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn delete_topic(&self, topic: &str) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        for deleted in self.runtime.block_on(admin.delete_topics(&[topic], &AdminOptions::new()))? {
            deleted.map_err(|(topic, code)| anyhow::anyhow!("cannot delete {topic}: {code}"))?;
        }
        let of: kappascope_kafka::Address = self.topic(topic).parse()?;
        let topics = kappascope_kafka::topic::Topics::open(&of)?;
        wait("a topic to be gone", || Ok(topics.find(topic)?.is_none()))
    }

    /// Has the broker forget what a group without members has committed.
    ///
    /// # Errors
    /// When it does not.
    pub fn forget_group(&self, group: &str) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        for forgotten in self.runtime.block_on(admin.delete_groups(&[group], &AdminOptions::new()))? {
            forgotten.map_err(|(group, code)| anyhow::anyhow!("cannot forget {group}: {code}"))?;
        }
        Ok(())
    }

    /// Deletes the records of a partition before an offset.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(before))?;
        self.runtime.block_on(admin.delete_records(&offsets, &AdminOptions::new()))?;
        Ok(())
    }

    /// Who writes records, also while the broker is killed and comes back.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn writer(&self) -> Result<Writer> {
        Ok(Writer(self.client().set("enable.idempotence", "true").create()?))
    }

    /// All that is in a topic for readers of what is committed, partition by partition.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, topic: &str, partitions: i32) -> Result<Vec<Vec<String>>> {
        let mut settings = self.client();
        settings.set("group.id", "looking").set("enable.partition.eof", "true");
        settings.set("isolation.level", "read_committed").set("auto.offset.reset", "earliest");
        let mut all = Vec::new();
        for partition in 0..partitions {
            let consumer: BaseConsumer = settings.create()?;
            let mut place = TopicPartitionList::new();
            place.add_partition_offset(topic, partition, Offset::Beginning)?;
            consumer.assign(&place)?;
            let mut records = Vec::new();
            loop {
                match consumer.poll(PATIENCE) {
                    Some(Ok(message)) => {
                        let payload = message.payload().context("a record without a value")?;
                        records.push(String::from_utf8(payload.to_vec())?);
                    }
                    Some(Err(KafkaError::PartitionEOF(_))) => break,
                    Some(Err(error)) => return Err(error.into()),
                    None => bail!("topic {topic} does not answer"),
                }
            }
            all.push(records);
        }
        Ok(all)
    }

    /// What a group has committed of a partition, and the partition's end.
    ///
    /// # Errors
    /// When the broker does not say.
    pub fn progress(&self, group: &str, topic: &str, partition: i32) -> Result<(i64, i64)> {
        let consumer: BaseConsumer = self.client().set("group.id", group).create()?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, partition);
        let found = consumer.committed_offsets(asked, PATIENCE)?;
        let committed = found.elements()[0].offset().to_raw().unwrap_or(0);
        Ok((committed, consumer.fetch_watermarks(topic, partition, PATIENCE)?.1))
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.kafka.address()).set("log_level", "3");
        client
    }
}

/// The words of a verb of `kappascope` with the file `pipeline.toml`.
#[must_use]
pub fn words(verb: &str, from: &str, to: &str) -> Vec<String> {
    [verb, "-p", "pipeline.toml", "--from", from, "--to", to].map(str::to_owned).into()
}

/// Writes records.
pub struct Writer(BaseProducer);

impl Writer {
    /// Writes records to a partition, and waits until they are acknowledged.
    ///
    /// # Errors
    /// When one is not.
    pub fn write(&self, topic: &str, partition: i32, records: &[String]) -> Result<()> {
        for record in records {
            let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(record);
            self.0.send(record).map_err(|(error, _)| error)?;
        }
        Ok(self.0.flush(PATIENCE)?)
    }
}

/// A program that runs; killed when it is forgotten.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// SIGKILL.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it had ended by itself, {status}; {}", self.said());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When no signal can be sent.
    pub fn ask_to_stop(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// A signal by its name.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status()?;
        ensure!(sent.success(), "no signal could be sent");
        Ok(())
    }

    /// Waits for its end; gives the exit code.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(mut self) -> Result<i32> {
        wait("the program to end", || Ok(self.child.try_wait()?.is_some())).with_context(|| self.said())?;
        Ok(self.child.wait()?.code().unwrap_or(-1))
    }

    /// Asks it to stop, and sees that it ends well.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(self) -> Result<()> {
        self.ask_to_stop()?;
        let log = self.log.clone();
        let code = self.wait()?;
        ensure!(code == 0, "it ended with {code}; {}", last(&std::fs::read_to_string(log)?));
        Ok(())
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn said(&self) -> String {
        format!("the log ends with\n{}", last(&std::fs::read_to_string(&self.log).unwrap_or_default()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nobody waits for it any more, and it may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
///
/// # Errors
/// When it never is, or cannot be found out.
#[expect(clippy::disallowed_methods, reason = "a test waits by the clock on the wall")]
pub fn wait(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if is_so()? {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    bail!("waited {} s for {what}", PATIENCE.as_secs())
}

/// The binary that was built.
///
/// # Errors
/// When nobody says where it is.
pub fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("KAPPASCOPE_BIN")
        .context("KAPPASCOPE_BIN is not set: `cargo xtask test` says where the binary is")?;
    Ok(path.into())
}

fn last(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
