//! `kappascope run --from kafka://…`: a topic is followed until the program is stopped, and every result is delivered.
//!
//! **Invariant:** the program ends with 0 only when it was asked to; whatever else ends it is said in one line.

use crate::args::{self, LogForm};
use crate::failure::{Failure, told};
use crate::progress::Progress;
use crate::run::read_pipeline;
use crate::signal::asked_to_stop;
use crate::sink::Sinks;
use kappascope_clickhouse as clickhouse;
use kappascope_core::Spec;
use kappascope_driver::{Job, Lines, Meters, Stop, Told, Webhook};
use kappascope_kafka as kafka;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;

/// Threads that answers are waited on; what costs time has threads of its own.
const ANSWER_THREADS: usize = 2;
/// How long servers are waited for at the start: some two minutes, as each try may take a while by itself.
const START_TRIES: u32 = 60;
const START_PAUSE: Duration = Duration::from_secs(1);
/// The level of the log.
const LEVEL: &str = "KAPPASCOPE_LOG";

/// Whether a source is one to follow.
pub(crate) fn is_live(source: &str) -> bool {
    source.starts_with(kafka::Address::SCHEME)
}

/// Refuses what only a topic can be delivered to.
pub(crate) fn refuse_sinks(sinks: &[String]) -> Result<(), Failure> {
    match sinks.iter().find(|sink| sink.contains("://")) {
        Some(sink) => Err(Failure::usage(
            sink,
            "it takes what comes out of a Kafka topic, whose offsets say what was stored; `--from kafka://…` \
             would fit",
        )),
        None => Ok(()),
    }
}

/// Follows a topic; gives how many records were rejected.
pub(crate) fn run(args: &args::Run) -> Result<u64, Failure> {
    refuse_options(args)?;
    let Followed { mut job, sinks } = Followed::open(&args.from, args.pipeline.as_deref(), &args.to)?;
    log(args.log)?;
    let runtime = runtime("run")?;
    runtime.block_on(prepare_in_time(&job, args.create)).map_err(|stop| failed(&stop))?;
    let output = Output::open(&sinks)?;
    job.told = output.clone().map(|output| output.told(&job.spec));
    let meters = Meters::default();
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_when_asked(stop.clone()));
    let progress = Mutex::new(Progress::new());
    let is_asked = || {
        progress.lock().unwrap_or_else(PoisonError::into_inner).show_live(&meters);
        stop.load(Ordering::Relaxed) || output.as_ref().is_some_and(|output| output.is_over())
    };
    let ended = kappascope_driver::run(job, meters.clone(), runtime.handle(), is_asked);
    progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
    runtime.shutdown_background();
    let done = meters.done();
    tracing::info!(
        events = done.events,
        windows = done.windows,
        late = done.late,
        rejected = done.rejected,
        alerts = done.alerts,
        batches = done.batches,
        retries = meters.retries(),
        "stopped"
    );
    ended.map_err(|stop| failed(&stop))?;
    output.and_then(|output| output.take_failure()).map_or(Ok(done.rejected), Err)
}

fn refuse_options(args: &args::Run) -> Result<(), Failure> {
    let odd = [
        ("--snapshot", args.snapshot.is_some()),
        ("--resume", args.resume.is_some()),
        ("--no-flush", args.no_flush),
    ];
    match odd.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::usage(
            option,
            "of a topic the state is kept in a topic, and it has no end; leave the option out",
        )),
        None => Ok(()),
    }
}

/// Servers that start at the same time are waited for.
pub(crate) async fn prepare_in_time(job: &Job, create: bool) -> Result<(), Stop> {
    for _ in 0..START_TRIES {
        match prepare(job, create).await {
            Err(stop) if stop.is_transient() => tracing::warn!(reason = %stop, "waiting"),
            done => return done,
        }
        tokio::time::sleep(START_PAUSE).await;
    }
    prepare(job, create).await
}

/// Makes what is missing, if that is wished, and looks whether all is there.
pub(crate) async fn prepare(job: &Job, create: bool) -> Result<(), Stop> {
    if create {
        kappascope_driver::create(job).await?;
    }
    kappascope_driver::check(job).await
}

/// The first wish to stop ends it well, the second at once: what is begun is done again at the next start.
async fn stop_when_asked(stop: Arc<AtomicBool>) {
    asked_to_stop().await;
    tracing::info!("stopping: batches that were begun are finished; ask again to stop at once");
    stop.store(true, Ordering::Relaxed);
    asked_to_stop().await;
    std::process::exit(1);
}

/// A job, and where its lines go.
pub(crate) struct Followed {
    pub(crate) job: Job,
    pub(crate) sinks: Vec<String>,
}

impl Followed {
    pub(crate) fn open(from: &str, pipeline: Option<&Path>, to: &[String]) -> Result<Self, Failure> {
        let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
        let input: kafka::Address = from.parse().map_err(|error| usage(&error))?;
        let Some(pipeline) = pipeline else {
            return Err(Failure::usage(input, "it needs a pipeline, `-p FILE`"));
        };
        let spec = read_pipeline(pipeline)?;
        let (topic, epoch) = (input.topic.clone(), input.epoch);
        let mut job = Job::new(spec, input).map_err(|stop| failed(&stop))?;
        let mut sinks = Vec::new();
        for sink in to {
            job = if clickhouse::Address::SCHEMES.iter().any(|scheme| sink.starts_with(scheme)) {
                once(sink, job.tables.is_some())?;
                let address: clickhouse::Address = sink.parse().map_err(|error| usage(&error))?;
                let tables = clickhouse::Tables::new(&address, &job.spec, &topic, epoch);
                job.with_tables(tables.map_err(|error| usage(&error))?)
            } else if is_live(sink) {
                once(sink, job.alerts.is_some())?;
                job.with_alerts(sink.parse().map_err(|error| usage(&error))?)
            } else if sink.starts_with("http://") || sink.starts_with("https://") {
                once(sink, job.webhook.is_some())?;
                // The address of a webhook is often a secret by itself.
                job.with_webhook(Webhook::new(sink).map_err(|error| Failure::usage("--to", error))?)
            } else {
                sinks.push(sink.clone());
                job
            };
        }
        Ok(Self { job, sinks })
    }
}

fn once(sink: &str, is_there: bool) -> Result<(), Failure> {
    match is_there {
        true => Err(Failure::usage(sink, "the second of its kind; one would fit")),
        false => Ok(()),
    }
}

/// What a verb waits for answers on.
pub(crate) fn runtime(verb: &str) -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(ANSWER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::running(verb, told(&error)))
}

/// Usage is what another command or another setting of the servers would mend.
pub(crate) fn failed(stop: &Stop) -> Failure {
    match stop {
        Stop::Usage(_) => Failure::Usage(stop.to_string()),
        Stop::Kafka(_) | Stop::Tables(_) if !stop.is_transient() => Failure::Usage(stop.to_string()),
        _ => Failure::Running(stop.to_string()),
    }
}

pub(crate) fn log(form: LogForm) -> Result<(), Failure> {
    let level = match std::env::var(LEVEL) {
        Ok(level) => level.parse().map_err(|_| {
            Failure::usage(LEVEL, format!("`{level}` is no level; error, warn, info or debug would fit"))
        })?,
        Err(_) => LevelFilter::INFO,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    match form {
        LogForm::Text => log.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        LogForm::Json => log.json().init(),
    }
    Ok(())
}

/// Lines for files and standard output. They come at least once: a file is no part of what is delivered.
struct Output {
    sinks: Mutex<Sinks>,
    failure: Mutex<Option<Failure>>,
}

impl Output {
    /// None when there is nowhere to write to.
    fn open(names: &[String]) -> Result<Option<Arc<Self>>, Failure> {
        if names.is_empty() {
            return Ok(None);
        }
        let sinks = Mutex::new(Sinks::open(names, &[".jsonl"])?);
        Ok(Some(Arc::new(Self { sinks, failure: Mutex::default() })))
    }

    /// Who writes the lines of what is stored.
    fn told(self: Arc<Self>, spec: &Spec) -> Told {
        let spec = spec.clone();
        Arc::new(move |partition, effects| {
            let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
            Lines::new(&spec).write(sinks.pending(), partition, effects);
            if let Err(failure) = sinks.write() {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
            }
        })
    }

    fn is_over(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
