//! What the two servers hold is there after SIGKILL, and the engine's deduplication with it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clickhouse::{Client, Compression, Row};
use kappascope_infra::{Engine, Kafka, Program, Server};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const TOPIC: &str = "events";
/// Enough for a broker that has just started on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// A server in a folder of its own, which is removed after it.
fn started<P: Program>(program: P) -> Result<(Server<P>, TempDir)> {
    let folder = tempfile::tempdir()?;
    Ok((Server::start(program, folder.path())?, folder))
}

#[test]
fn a_record_that_was_acknowledged_survives_sigkill_of_the_broker() -> Result<()> {
    let (mut kafka, _folder) = started(Kafka::find()?)?;
    let client = settings(&kafka);
    runtime()?.block_on(async {
        make_topic(&client).await?;
        for round in 0_u8..2 {
            let values: Vec<Vec<u8>> = (0..100).map(|record| vec![round, record]).collect();
            produce(&client, &values).await?;
            kafka.kill()?;
            kafka.restart()?;
        }
        anyhow::Ok(())
    })?;
    let expected: Vec<Vec<u8>> =
        (0..2).flat_map(|round| (0..100).map(move |record| vec![round, record])).collect();
    ensure!(read(&client, expected.len())? == expected);
    Ok(())
}

fn settings(kafka: &Server<Kafka>) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", kafka.address()).set("acks", "all").set("enable.idempotence", "true");
    client.set("group.id", "test").set("enable.auto.commit", "false").set("log_level", "3");
    client
}

async fn make_topic(client: &ClientConfig) -> Result<()> {
    let admin: AdminClient<_> = client.create()?;
    let topic = NewTopic::new(TOPIC, 1, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    for made in admin.create_topics([&topic], &options).await? {
        made.map_err(|(topic, code)| anyhow::anyhow!("cannot make {topic}: {code}"))?;
    }
    Ok(())
}

async fn produce(client: &ClientConfig, values: &[Vec<u8>]) -> Result<()> {
    let producer: FutureProducer = client.create()?;
    for value in values {
        let record = FutureRecord::<(), _>::to(TOPIC).partition(0).payload(value);
        producer.send(record, PATIENCE).await.map_err(|(error, _)| error)?;
    }
    Ok(())
}

fn read(client: &ClientConfig, count: usize) -> Result<Vec<Vec<u8>>> {
    let consumer: BaseConsumer = client.create()?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(TOPIC, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    let mut values = Vec::new();
    while values.len() < count {
        let message =
            consumer.poll(PATIENCE).with_context(|| format!("only {} records came", values.len()))??;
        values.push(message.payload().context("a record without a value")?.to_vec());
    }
    Ok(values)
}

#[derive(Row, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Event {
    offset: u64,
    name: String,
}

fn events() -> Vec<Event> {
    (0..1_000).map(|offset| Event { offset, name: format!("event\0{offset}") }).collect()
}

#[test]
fn an_insert_repeated_with_its_token_after_sigkill_of_the_engine_is_stored_once() -> Result<()> {
    assert_eq!(rows_after_a_repeated_insert("non_replicated_deduplication_window = 100")?, 1_000);
    Ok(())
}

/// The control: the test above would see a row that is stored twice.
#[test]
fn without_a_window_of_tokens_it_is_stored_twice() -> Result<()> {
    assert_eq!(rows_after_a_repeated_insert("non_replicated_deduplication_window = 0")?, 2_000);
    Ok(())
}

/// Inserts, kills, inserts the same again, kills, and counts.
fn rows_after_a_repeated_insert(setting: &str) -> Result<u64> {
    let (mut engine, _folder) = started(Engine::find()?)?;
    runtime()?.block_on(async {
        make_table(&sql(&engine), setting).await?;
        for _ in 0..2 {
            insert(&sql(&engine), "v1|events|0|0|1000").await?;
            engine.kill()?;
            engine.restart()?;
        }
        Ok(sql(&engine).query("SELECT count() FROM events").fetch_one().await?)
    })
}

/// A client without connections from before a crash.
fn sql(engine: &Server<Engine>) -> Client {
    Client::default().with_url(format!("http://{}", engine.address()))
}

async fn make_table(client: &Client, setting: &str) -> Result<()> {
    let table = format!(
        "CREATE TABLE events (offset UInt64, name String) ENGINE = MergeTree ORDER BY offset SETTINGS {setting}"
    );
    Ok(client.query(&table).execute().await?)
}

/// In blocks of LZ4, which is the client's default.
async fn insert(client: &Client, token: &str) -> Result<()> {
    let client = client.clone().with_compression(Compression::Lz4);
    let mut insert = client.insert::<Event>("events").await?;
    insert = insert.with_setting("insert_deduplication_token", token).with_setting("async_insert", "0");
    for event in events() {
        insert.write(&event).await?;
    }
    Ok(insert.end().await?)
}

#[test]
fn rows_come_back_as_they_were_written() -> Result<()> {
    let (engine, _folder) = started(Engine::find()?)?;
    let client = sql(&engine);
    let rows = runtime()?.block_on(async {
        make_table(&client, "index_granularity = 100").await?;
        insert(&client, "a").await?;
        let query = client.query("SELECT ?fields FROM events ORDER BY offset");
        anyhow::Ok(query.fetch_all::<Event>().await?)
    })?;
    ensure!(rows == events());
    Ok(())
}
