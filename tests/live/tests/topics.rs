//! Against a real broker.

use anyhow::{Result, ensure};
use kappascope_infra::{Kafka, Server, port};
use kappascope_kafka::topic::{Shape, Topics, create};
use kappascope_kafka::{Address, Error, TopicWriter};
use std::collections::BTreeMap;
use tempfile::TempDir;

fn broker() -> Result<(Server<Kafka>, TempDir)> {
    let folder = tempfile::tempdir()?;
    Ok((Server::start(Kafka::find()?, folder.path())?, folder))
}

fn make(of: &Address, topic: &str, partitions: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(create(
        of,
        topic,
        &Shape { partitions, settings: &[("cleanup.policy", "compact")] },
    ))?)
}

#[test]
fn topics_are_made_found_and_given_more_partitions() -> Result<()> {
    let (kafka, _folder) = broker()?;
    let of: Address = format!("kafka://{}/visits", kafka.address()).parse()?;
    let topics = Topics::open(&of)?;
    ensure!(topics.find("visits")?.is_none());
    let missing = topics.partitions("visits").unwrap_err();
    ensure!(matches!(missing, Error::NoTopic { .. }) && !missing.is_transient(), "{missing}");
    for (wanted, found) in [(2, 2), (2, 2), (4, 4), (3, 4)] {
        make(&of, "visits", wanted)?;
        ensure!(topics.partitions("visits")? == found, "{wanted}");
    }
    Ok(())
}

#[test]
fn what_is_written_is_there_and_a_key_keeps_to_its_partition() -> Result<()> {
    let (kafka, _folder) = broker()?;
    let of: Address = format!("kafka://{}/visits", kafka.address()).parse()?;
    make(&of, "visits", 4)?;
    let writer = TopicWriter::open(&of)?;
    for record in 0..10_000_u32 {
        writer.send(&record.to_le_bytes(), Some(format!("key {}", record % 2).as_bytes()))?;
    }
    writer.finish()?;
    let topics = Topics::open(&of)?;
    let filled: BTreeMap<u32, u64> =
        (0..4).map(|at| Ok((at, topics.offsets("visits", at)?.1))).collect::<Result<_>>()?;
    ensure!(filled.values().sum::<u64>() == 10_000, "{filled:?}");
    ensure!(filled.values().filter(|count| **count > 0).count() <= 2, "two keys are in {filled:?}");
    Ok(())
}

#[test]
fn a_broker_that_is_away_is_named() -> Result<()> {
    let address = format!("127.0.0.1:{}", port::free(1)?);
    let of: Address = format!("kafka://{address}/visits").parse()?;
    let error = Topics::open(&of)?.find("visits").unwrap_err();
    ensure!(matches!(error, Error::Away { .. }) && error.is_transient(), "{error:?}");
    ensure!(error.to_string().contains(&address), "{error}");
    Ok(())
}

#[test]
fn settings_that_do_not_go_together_are_named() -> Result<()> {
    let of: Address = "kafka://127.0.0.1:9092/visits?security.protocol=tls".parse()?;
    let error = Topics::open(&of).err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(error.contains("security.protocol=tls"), "{error}");
    Ok(())
}
