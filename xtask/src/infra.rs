//! `cargo xtask infra`: Apache Kafka and a ClickHouse engine on this machine, for trying things by hand.
//!
//! Invariant: `down` ends what `up` started and nothing else. A server that KAFKA_BROKERS or CLICKHOUSE_URL names
//! is looked for, never started or ended.
//!
//! ```text
//! $ cargo xtask infra up
//! Apache Kafka            up at 127.0.0.1:19092, process 4711
//! the ClickHouse engine   up at 127.0.0.1:18123, process 4718
//! ```

use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use kappascope_infra::{Engine, Kafka, Program, Running, Server, stop};

use crate::setup;
use crate::workspace::Workspace;

/// A server that is given is on a network near by, or nothing to wait for.
const PATIENCE: Duration = Duration::from_secs(5);

/// One of the two servers: where it is, or where the environment says that one is.
struct Place {
    folder: PathBuf,
    port: u16,
    given: Option<Given>,
}

/// A server that is not ours.
struct Given {
    variable: &'static str,
    address: String,
}

/// How a server is.
enum State {
    Up(Running),
    /// The process is there and does not answer.
    Silent(Running),
    Down,
    GivenUp(Given),
    GivenDown(Given),
}

pub(crate) fn up(workspace: &Workspace) -> Result<ExitCode> {
    start(kafka(workspace), || Ok(Kafka::at(setup::kafka(workspace)?)))?;
    start(engine(workspace), || Ok(Engine::at(setup::engine(workspace)?)))?;
    status(workspace)
}

pub(crate) fn down(workspace: &Workspace) -> Result<ExitCode> {
    for (name, place) in [(Kafka::NAME, kafka(workspace)), (Engine::NAME, engine(workspace))] {
        match stop(&place.folder)? {
            Some(Running { pid, .. }) => println!("{name:<24}ended, it was process {pid}"),
            None => println!("{name:<24}not started from here"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Succeeds when both are up.
pub(crate) fn status(workspace: &Workspace) -> Result<ExitCode> {
    let states =
        [(Kafka::NAME, state::<Kafka>(kafka(workspace))), (Engine::NAME, state::<Engine>(engine(workspace)))];
    for (name, state) in &states {
        println!("{name:<24}{state}");
    }
    let all_up = states.iter().all(|(_, state)| matches!(state, State::Up(_) | State::GivenUp(_)));
    Ok(if all_up { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a shell needs to run by itself the tests that start servers.
pub(crate) fn env(workspace: &Workspace) -> Result<ExitCode> {
    println!("export {}='{}'", Kafka::SETTING, setup::kafka(workspace)?.display());
    println!("export {}='{}'", Engine::SETTING, setup::engine(workspace)?.display());
    println!("export {}='{}'", setup::KCAT, setup::kcat()?.display());
    Ok(ExitCode::SUCCESS)
}

fn kafka(workspace: &Workspace) -> Place {
    Place::new(workspace, "kafka", Kafka::PORT, "KAFKA_BROKERS")
}

fn engine(workspace: &Workspace) -> Place {
    Place::new(workspace, "engine", Engine::PORT, "CLICKHOUSE_URL")
}

impl Place {
    fn new(workspace: &Workspace, name: &str, port: u16, variable: &'static str) -> Self {
        let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
        let given = value.map(|value| Given { variable, address: address(&value) });
        Self { folder: workspace.root.join(".infra").join(name), port, given }
    }
}

/// Starts a server that is not up yet.
fn start<P: Program>(place: Place, program: impl FnOnce() -> Result<P>) -> Result<()> {
    let (folder, port) = (place.folder.clone(), place.port);
    match state::<P>(place) {
        State::Up(_) | State::GivenUp(_) => Ok(()),
        State::Down => Server::start_to_stay(program()?, &folder, port),
        silent => bail!("{} is {silent}", P::NAME),
    }
}

fn state<P: Program>(place: Place) -> State {
    match (place.given, Running::find(&place.folder)) {
        (Some(given), _) if given.answers() => State::GivenUp(given),
        (Some(given), _) => State::GivenDown(given),
        (None, Some(running)) if P::answers(running.port) => State::Up(running),
        (None, Some(running)) => State::Silent(running),
        (None, None) => State::Down,
    }
}

impl Given {
    /// Whether something listens there; what it is, its users will see.
    fn answers(&self) -> bool {
        let places = self.address.to_socket_addrs();
        places
            .is_ok_and(|mut places| places.any(|place| TcpStream::connect_timeout(&place, PATIENCE).is_ok()))
    }
}

/// `host:port` of the first broker of a list, or of an address for HTTP; without user and password.
fn address(value: &str) -> String {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    let authority = rest.split(['/', '?', ',']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let default_port = if scheme == "https" { 443 } else { 80 };
    let has_port = host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
    if has_port { host.to_owned() } else { format!("{host}:{default_port}") }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(Running { pid, port }) => write!(f, "up at 127.0.0.1:{port}, process {pid}"),
            Self::Silent(Running { pid, .. }) => {
                write!(f, "process {pid}, which does not answer; `cargo xtask infra down` ends it")
            }
            Self::Down => write!(f, "down; `cargo xtask infra up` starts it"),
            Self::GivenUp(Given { variable, address }) => write!(f, "up at {address}, as {variable} says"),
            Self::GivenDown(Given { variable, address }) => {
                write!(
                    f,
                    "not to be reached at {address}, where {variable} says it is; start it or unset {variable}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_given_server_has_no_password() {
        let cases = [
            ("127.0.0.1:9092", "127.0.0.1:9092"),
            ("a:9092,b:9092", "a:9092"),
            ("http://ada:secret@host:8123/?database=x", "host:8123"),
            ("https://host", "host:443"),
            ("http://[::1]:8123", "[::1]:8123"),
            ("http://host/", "host:80"),
        ];
        for (value, expected) in cases {
            assert_eq!(address(value), expected, "{value}");
        }
    }
}
