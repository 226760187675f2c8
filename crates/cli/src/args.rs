//! What a user types. Turned into what the program needs by each verb.

use crate::failure::Failure;
use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Streaming analytics over files and simulated streams: event-time windows, aggregates, anomaly
/// detectors and alerts, with the same results as the page, to the last bit.
#[derive(Debug, Parser)]
#[command(name = "kappascope", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a pipeline over a source and write what happens as JSON lines.
    Run(Run),
    /// Say what a pipeline's alerts would have caught, missed and cried wolf over, setting by setting.
    Backtest(Backtest),
    /// Write the events of a scenario, a simulated stream with known incidents.
    Generate(Generate),
    /// Serve the page, and the results of a pipeline as they come.
    Serve(Serve),
    /// Say whether a pipeline, its source and its sinks fit each other, can be reached and let us in.
    Check(Check),
    /// Say what a source holds, and propose a pipeline for it with a reason for each line.
    Profile(Profile),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done; 1 failed while running; 2 wrong use or configuration; 3 done with rejected records \
under --strict.
Secrets: KAPPASCOPE_KAFKA_PASSWORD, KAPPASCOPE_KAFKA_KEY_PASSWORD and KAPPASCOPE_CLICKHOUSE_PASSWORD, or the \
same with _FILE for the name of a file. KAPPASCOPE_LOG is the level of the log: error, warn, info or debug.")]
pub(crate) struct Run {
    /// The pipeline file (TOML). A scenario brings its own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) pipeline: Option<PathBuf>,
    /// A CSV or JSON Lines file, `-` for standard input, `scenario:NAME?seed=N&events=N`, with faults such as
    /// `&disorder=5s`, or `kafka://host:port/topic?group=…`, which is followed until the program is stopped.
    #[arg(long, value_name = "SRC", default_value = "-")]
    pub(crate) from: String,
    /// `-` for standard output, or a `.jsonl` file. Of a Kafka topic also `clickhouse://user@host:port/database` for
    /// everything, `kafka://host:port/topic` for alerts and `https://host/path`, a webhook for alerts. May be given
    /// several times.
    #[arg(long, value_name = "SINK", default_value = "-")]
    pub(crate) to: Vec<String>,
    /// Make the topics and tables that are missing.
    #[arg(long)]
    pub(crate) create: bool,
    /// How what happens is told on standard error.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = LogForm::Text)]
    pub(crate) log: LogForm,
    /// End with exit code 3 when records were rejected.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Leave the windows open that the watermark has not passed at the end of the source.
    #[arg(long)]
    pub(crate) no_flush: bool,
    /// Write the state at the end of the source to a file. Windows that are open stay open, for --resume.
    #[arg(long, value_name = "FILE")]
    pub(crate) snapshot: Option<PathBuf>,
    /// Go on from a snapshot of the same pipeline: the events that it has seen are read and passed over.
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogForm {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The pipeline file (TOML). A scenario brings its own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) pipeline: Option<PathBuf>,
    /// As of `run`.
    #[arg(long, value_name = "SRC")]
    pub(crate) from: Option<String>,
    /// As of `run`; may be given several times.
    #[arg(long, value_name = "SINK", requires = "from")]
    pub(crate) to: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Labels: a CSV or JSON Lines file with a column `start` (or `time`), perhaps `end` and `what`, and key columns \
by their names in the pipeline.")]
pub(crate) struct Backtest {
    /// The pipeline file (TOML). A scenario brings its own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) pipeline: Option<PathBuf>,
    /// A CSV or JSON Lines file, `-` for standard input, or `scenario:NAME?seed=N&events=N`, with faults such as
    /// `&disorder=5s`.
    #[arg(long, value_name = "SRC", default_value = "-")]
    pub(crate) from: String,
    /// What really happened: a file, or `column:NAME`, a column of the events that marks them. A scenario knows.
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<String>,
    /// A parameter and its values, such as `detector.threshold=2:6:0.25` or `watermark.bound=0s,5s`; at most two.
    #[arg(long, value_name = "PARAMETER=VALUES")]
    pub(crate) sweep: Vec<String>,
    /// What a miss costs, in false alarms: the cheapest setting is chosen.
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub(crate) miss_cost: f64,
    /// The share of the time, from its start, that the choice is made on; the rest tests it. 0.5 for a sweep,
    /// otherwise 1.
    #[arg(long, value_name = "SHARE")]
    pub(crate) train: Option<f64>,
    /// Write everything as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    /// The scenario: see --list.
    #[arg(required_unless_present = "list")]
    pub(crate) scenario: Option<String>,
    /// The same seed gives the same events.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events: Option<u64>,
    /// What goes wrong on the way, such as `disorder=5s,duplicates=1%`.
    #[arg(long, value_name = "FAULT=VALUE")]
    pub(crate) fault: Vec<String>,
    /// Events a second; as fast as it goes when absent.
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rate: Option<u64>,
    /// `-` for JSON lines on standard output, a `.csv` or `.jsonl` file, or `kafka://host:port/topic?key=COLUMN`.
    #[arg(long, value_name = "SINK", default_value = "-")]
    pub(crate) to: String,
    /// Make the topic if it is missing, with as many partitions as the address says (`?partitions=4`).
    #[arg(long)]
    pub(crate) create: bool,
    /// List the scenarios.
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Profile {
    /// A CSV or JSON Lines file, `-` for standard input, or `scenario:NAME`. It is read to its end.
    #[arg(long, value_name = "SRC", default_value = "-")]
    pub(crate) from: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Paths: / the page; /feed the results over WebSocket, as JSON lines; /metrics for Prometheus; /healthz; /readyz.
The token is read from KAPPASCOPE_TOKEN or --token-file; open /?token=… once in a browser, or send it as \
`Authorization: Bearer`.")]
pub(crate) struct Serve {
    /// Where to listen. What other machines can reach needs a token. Port 0 takes one that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// A file with the token.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Another name that clients know the server by, such as that of the proxy before it; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// The pipeline file (TOML) of the live feed. A scenario brings its own.
    #[arg(short, long, value_name = "FILE", requires = "from")]
    pub(crate) pipeline: Option<PathBuf>,
    /// What the live feed is of: a file, `-` for standard input, `scenario:NAME?seed=N&events=N`, or
    /// `kafka://host:port/topic?group=…`.
    #[arg(long, value_name = "SRC")]
    pub(crate) from: Option<String>,
    /// Of a Kafka topic: where results are delivered, as of `run`; may be given several times.
    #[arg(long, value_name = "SINK", requires = "from")]
    pub(crate) to: Vec<String>,
    /// Make the topics and tables that are missing.
    #[arg(long, requires = "to")]
    pub(crate) create: bool,
    /// How what happens is told on standard error.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = LogForm::Text)]
    pub(crate) log: LogForm,
}

impl Args {
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self::try_parse()?)
    }
}
