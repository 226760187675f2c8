//! `kappascope serve`: the page, and the results of a pipeline as they come.
//!
//! **Invariant:** the feed has the lines that `kappascope run` writes, in the same order, and between them the
//! pipeline's description and its totals. When the pipeline cannot go
//! on, the program ends and says why; when its source has ended, the page and the last results stay.

use crate::args;
use crate::failure::{Failure, told};
use crate::live::{self, Followed};
use crate::run::{end, follow, read_pipeline};
use crate::signal::asked_to_stop;
use crate::sink::Sinks;
use crate::source::{Feed as Events, Source};
use kappascope_core::{Pipeline, Spec};
use kappascope_driver::{Job, Lines, Meters, Standing};
use kappascope_serve::{Delivery, Feed, Guard, Partition, Reading, Secret, ServeError, Server, Site, Status};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Where the token is looked for when no file is named.
const TOKEN_VARIABLE: &str = "KAPPASCOPE_TOKEN";

/// How often the totals are told: a rate that is read from them moves smoothly, and they are few beside the results.
const COUNTERS_EVERY: Duration = Duration::from_millis(250);

/// A pipeline that was asked for, and can be opened.
enum Wanted {
    /// A source that ends.
    Source { source: Source, spec: Option<Box<Spec>> },
    /// A topic that is followed, and delivered.
    Topic { job: Box<Job>, create: bool },
}

/// Serves until it is told to stop.
pub(crate) fn serve(args: &args::Serve) -> Result<(), Failure> {
    let wanted = Wanted::of(args)?;
    live::log(args.log)?;
    let token = token(args.token_file.as_deref())?;
    let guard = Guard::new(args.listen, token, args.host.clone()).map_err(|error| refused(&error))?;
    let runtime = live::runtime("serve")?;
    let served = runtime.block_on(run(args, guard, wanted));
    // Who waits for standard input would wait on.
    runtime.shutdown_background();
    served
}

async fn run(args: &args::Serve, guard: Guard, wanted: Option<Wanted>) -> Result<(), Failure> {
    let server = Server::bind(args.listen, guard).await.map_err(|error| refused(&error))?;
    say(&format!("serving at http://{}", server.address()));
    let status = Status::default();
    let (failed, failure) = oneshot::channel();
    let (ended, end) = oneshot::channel();
    let is_stopping = Arc::new(AtomicBool::new(false));
    if let Some(wanted) = wanted {
        status.set_ready(false);
        status.offer_feed();
        let (status, is_stopping) = (status.clone(), is_stopping.clone());
        tokio::task::spawn_blocking(move || {
            let followed = wanted.follow(&status, || is_stopping.load(Ordering::Relaxed));
            // Nobody waits for either any more when the server has stopped.
            let _ = ended.send(());
            if let Err(error) = followed {
                let _ = failed.send(error);
            }
        });
    } else {
        // Nothing can fail.
        drop(failed);
        drop(ended);
    }
    let mut failure = failure;
    let mut wrong = None;
    let stop = async {
        tokio::select! {
            () = asked_to_stop() => {}
            Ok(error) = &mut failure => wrong = Some(error),
        }
        is_stopping.store(true, Ordering::Relaxed);
    };
    server.run(Site::embedded(), status, stop).await;
    if args.from.as_deref().is_some_and(live::is_live) {
        // Batches that were begun are finished, unless somebody asks a second time.
        tokio::select! {
            _ = end => {}
            () = asked_to_stop() => std::process::exit(1),
        }
    }
    // What went wrong while it stopped.
    let wrong = wrong.or(failure.try_recv().ok());
    wrong.map_or(Ok(()), Err)
}

impl Wanted {
    fn of(args: &args::Serve) -> Result<Option<Self>, Failure> {
        let Some(from) = &args.from else { return Ok(None) };
        if live::is_live(from) {
            let Followed { job, sinks } = Followed::open(from, args.pipeline.as_deref(), &args.to)?;
            if let Some(sink) = sinks.first() {
                return Err(Failure::usage(
                    sink,
                    "the feed has the lines; `kappascope run` writes them to files",
                ));
            }
            return Ok(Some(Self::Topic { job: Box::new(job), create: args.create }));
        }
        if let Some(sink) = args.to.first() {
            return Err(Failure::usage(
                sink,
                "it takes what comes out of a Kafka topic; `--from kafka://…` would fit",
            ));
        }
        let spec = args.pipeline.as_deref().map(read_pipeline).transpose()?;
        Ok(Some(Self::Source { source: Source::parse(from)?, spec: spec.map(Box::new) }))
    }

    /// Runs it to the end of its source, or until it is asked to stop.
    fn follow(self, status: &Status, is_stopping: impl Fn() -> bool) -> Result<(), Failure> {
        match self {
            Self::Source { source, spec } => Self::follow_source(&source, spec.map(|spec| *spec), status),
            Self::Topic { job, create } => Self::follow_topic(*job, create, status, is_stopping),
        }
    }

    /// Delivers a topic, and shows what is stored.
    fn follow_topic(
        mut job: Job,
        create: bool,
        status: &Status,
        is_stopping: impl Fn() -> bool,
    ) -> Result<(), Failure> {
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(live::prepare_in_time(&job, create)).map_err(|stop| live::failed(&stop))?;
        status.feed.greet(&greeting(&job.spec));
        let (feed, spec) = (status.feed.clone(), job.spec.clone());
        job.told = Some(Arc::new(move |partition, effects| {
            let mut lines = Vec::new();
            Lines::new(&spec).write(&mut lines, partition, effects);
            feed.publish(&lines);
        }));
        status.set_ready(true);
        let meters = Meters::default();
        let told: Mutex<Option<Instant>> = Mutex::default();
        let look = || {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.is_none_or(|told| told.elapsed() >= COUNTERS_EVERY) {
                *told = Some(now());
                status.feed.publish(&counters_of(&meters));
                status.metrics.read(&reading_of(&meters));
                status.metrics.read_delivery(&delivery_of(&meters));
            }
            is_stopping()
        };
        kappascope_driver::run(job, meters.clone(), &runtime, look).map_err(|stop| live::failed(&stop))
    }

    fn follow_source(source: &Source, spec: Option<Spec>, status: &Status) -> Result<(), Failure> {
        let (mut events, spec) = Events::open(source, spec)?;
        let mut pipeline = Pipeline::new(&spec).map_err(|error| Failure::usage("pipeline", error))?;
        status.feed.greet(&greeting(&spec));
        let mut sinks = Sinks::one("the live feed", Box::new(Published(status.feed.clone())));
        let mut told: Option<Instant> = None;
        follow(&mut events, &mut pipeline, &spec, &mut sinks, |pipeline, events, _| {
            status.set_ready(true);
            status.metrics.read(&reading(pipeline, events.rejected()));
            if told.is_none_or(|told| told.elapsed() >= COUNTERS_EVERY) {
                told = Some(now());
                status.feed.publish(&counters(pipeline, events.rejected()));
            }
        })?;
        end(&mut pipeline, &spec, events.rejected(), true, &mut sinks)?;
        status.feed.publish(&counters(&pipeline, events.rejected()));
        status.metrics.read(&reading(&pipeline, events.rejected()));
        Ok(())
    }
}

/// What comes first: the pipeline, so that who listens knows what the results are of, and what tells this run from
/// another of the same pipeline.
fn greeting(spec: &Spec) -> Vec<u8> {
    let run = format!("{:x}-{:x}", jiff::Timestamp::now().as_nanosecond(), std::process::id());
    format!("{}\n", serde_json::json!({ "type": "pipeline", "run": run, "pipeline": spec })).into_bytes()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the totals are told by the clock; nothing of the results depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// The totals so far: who begins to listen late has not heard of everything.
fn counters(pipeline: &Pipeline, rejected: u64) -> Vec<u8> {
    let newest_time = told_time(pipeline.newest_time());
    counters_line(&reading(pipeline, rejected), pipeline.open_windows() as u64, newest_time)
}

fn counters_of(meters: &Meters) -> Vec<u8> {
    let partitions = meters.partitions();
    let open_windows = partitions.values().map(|at| at.open_windows).sum();
    let newest_time = partitions.values().filter_map(|at| at.newest_time).max();
    counters_line(&reading_of(meters), open_windows, newest_time)
}

/// What was stored since the start of the program; the watermark is that of the partition that is furthest behind.
fn reading_of(meters: &Meters) -> Reading {
    let (done, partitions) = (meters.done(), meters.partitions());
    Reading {
        events: done.events,
        windows: done.windows,
        late: done.late,
        rejected: done.rejected,
        anomalies: partitions.values().map(|at| at.anomalies).sum(),
        alerts: done.alerts,
        watermark: partitions.values().filter_map(|at| at.watermark).min(),
    }
}

fn delivery_of(meters: &Meters) -> Delivery {
    let partition = |(number, at): (u32, Standing)| {
        let lag = at.end.map(|end| end.saturating_sub(at.next));
        (number, Partition { lag, state_bytes: at.state_bytes, watermark: at.watermark })
    };
    Delivery {
        batches: meters.done().batches,
        retries: meters.retries(),
        partitions: meters.partitions().into_iter().map(partition).collect(),
    }
}

fn counters_line(reading: &Reading, open_windows: u64, newest_time: Option<i64>) -> Vec<u8> {
    let &Reading { events, windows, late, rejected, anomalies, alerts, watermark } = reading;
    let line = serde_json::json!({
        "type": "counters",
        "events": events,
        "windows": windows,
        "open_windows": open_windows,
        "late": late,
        "rejected": rejected,
        "anomalies": anomalies,
        "alerts": alerts,
        "newest_time": newest_time,
        "watermark": watermark,
    });
    format!("{line}\n").into_bytes()
}

/// A time, where there is one before the end of time.
fn told_time(time: i64) -> Option<i64> {
    (i64::MIN < time && time < i64::MAX).then_some(time)
}

fn reading(pipeline: &Pipeline, rejected: u64) -> Reading {
    let counters = pipeline.counters();
    Reading {
        events: counters.events,
        windows: counters.windows,
        late: counters.late,
        rejected,
        anomalies: counters.anomalies,
        alerts: counters.alerts,
        watermark: told_time(pipeline.watermark()),
    }
}

/// The feed as a sink.
struct Published(Feed);

impl Write for Published {
    fn write(&mut self, lines: &[u8]) -> std::io::Result<usize> {
        self.0.publish(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The token, from a file or the environment.
fn token(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let (place, token) = match file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            (file.display().to_string(), text.map_err(|error| Failure::usage(file.display(), told(&error)))?)
        }
        None => match std::env::var(TOKEN_VARIABLE) {
            Ok(token) => (TOKEN_VARIABLE.to_owned(), token),
            Err(_) => return Ok(None),
        },
    };
    Secret::new(token.trim()).map(Some).map_err(|error| Failure::usage(place, error))
}

fn refused(error: &ServeError) -> Failure {
    match error {
        ServeError::Open(_) => {
            Failure::usage("--listen", format!("{error}; {TOKEN_VARIABLE} or --token-file gives it"))
        }
        _ => Failure::usage("--listen", error),
    }
}

/// Tells whoever started it. With nowhere to say it, it serves all the same.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "kappascope: {line}");
}
