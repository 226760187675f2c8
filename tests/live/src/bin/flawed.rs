//! Follows a topic as `kappascope run` does, with something broken: `flawed PIPELINE FROM TABLES intent|tokens`.

use anyhow::{Context, Result, bail};
use kappascope_core::Spec;
use kappascope_driver::{Flaw, Job, Meters};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [pipeline, from, to, flaw] = &words[..] else { bail!("flawed PIPELINE FROM TABLES intent|tokens") };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let spec = Spec::from_toml(&std::fs::read_to_string(pipeline)?)?;
    let input: kappascope_kafka::Address = from.parse()?;
    let to: kappascope_clickhouse::Address = to.parse()?;
    let tables = kappascope_clickhouse::Tables::new(&to, &spec, &input.topic, input.epoch)?;
    let mut job = Job::new(spec, input)?.with_tables(tables);
    job.flaw = Some(match flaw.as_str() {
        "intent" => Flaw::Intent,
        "tokens" => Flaw::Tokens,
        _ => bail!("no flaw `{flaw}`; intent or tokens would fit"),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(kappascope_driver::create(&job)).context("making topics and tables")?;
    Ok(kappascope_driver::run(job, Meters::default(), runtime.handle(), || false)?)
}
