//! `kappascope serve`: the page, and the results of a pipeline as they come.
//!
//! **Invariant:** the feed has the lines that `kappascope run` writes, in the same order, and between them the
//! pipeline's description and its totals. When the pipeline cannot go
//! on, the program ends and says why; when its source has ended, the page and the last results stay.

use crate::args;
use crate::failure::{Failure, told};
use crate::run::{end, follow, read_pipeline};
use crate::signal::asked_to_stop;
use crate::sink::Sinks;
use crate::source::{Feed as Events, Source};
use kappascope_core::{Pipeline, Spec};
use kappascope_serve::{Feed, Guard, Reading, Secret, ServeError, Server, Site, Status};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Where the token is looked for when no file is named.
const TOKEN_VARIABLE: &str = "KAPPASCOPE_TOKEN";

/// Answering takes little: most of it is copying.
const SERVER_THREADS: usize = 2;

/// How often the totals are told: a rate that is read from them moves smoothly, and they are few beside the results.
const COUNTERS_EVERY: Duration = Duration::from_millis(250);

/// A pipeline that was asked for, and can be opened.
struct Wanted {
    source: Source,
    spec: Option<Spec>,
}

/// Serves until it is told to stop.
pub(crate) fn serve(args: &args::Serve) -> Result<(), Failure> {
    let wanted = Wanted::of(args)?;
    let token = token(args.token_file.as_deref())?;
    let guard = Guard::new(args.listen, token, args.host.clone()).map_err(|error| refused(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SERVER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::running("serve", told(&error)))?;
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
    if let Some(wanted) = wanted {
        status.set_ready(false);
        status.offer_feed();
        let status = status.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = wanted.follow(&status) {
                // Nobody waits for it any more when the server is stopping.
                let _ = failed.send(error);
            }
        });
    } else {
        // Nothing can fail.
        drop(failed);
    }
    let mut ended = None;
    let stop = async {
        tokio::select! {
            () = asked_to_stop() => {}
            Ok(error) = failure => ended = Some(error),
        }
    };
    server.run(Site::embedded(), status, stop).await;
    ended.map_or(Ok(()), Err)
}

impl Wanted {
    fn of(args: &args::Serve) -> Result<Option<Self>, Failure> {
        let Some(from) = &args.from else { return Ok(None) };
        let spec = args.pipeline.as_deref().map(read_pipeline).transpose()?;
        Ok(Some(Self { source: Source::parse(from)?, spec }))
    }

    /// Runs it to the end of its source.
    fn follow(self, status: &Status) -> Result<(), Failure> {
        let (mut events, spec) = Events::open(&self.source, self.spec)?;
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
    let Reading { events, windows, late, rejected, anomalies, alerts, watermark } =
        reading(pipeline, rejected);
    let line = serde_json::json!({
        "type": "counters",
        "events": events,
        "windows": windows,
        "open_windows": pipeline.open_windows(),
        "late": late,
        "rejected": rejected,
        "anomalies": anomalies,
        "alerts": alerts,
        "newest_time": told_time(pipeline.newest_time()),
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
