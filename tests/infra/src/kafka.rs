//! Apache Kafka: one node that is broker and controller, without replication.
//!
//! Invariant: what was acknowledged survives the end of the process. It has left it by then, though not the machine's
//! memory, which is what tests of crashes need.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Program, port, setting};

/// Every cluster needs a name of 16 bytes; base64 of "kappascope-infra".
const CLUSTER: &str = "a2FwcGFzY29wZS1pbmZyYQ";
/// What a broker answers to the question for versions, version 0: 4 bytes each for length and correlation, 2 for the
/// error.
const ANSWER_BYTES: usize = 10;

/// The installed jars, and who is let in where.
#[derive(Clone, Debug)]
pub struct Kafka {
    jars: PathBuf,
    guard: Option<Guard>,
}

/// A listener that wants TLS and a password, beside the one that lets everybody in.
#[derive(Clone, Debug)]
pub struct Guard {
    /// A file with the broker's key and its certificate, as PEM.
    pub certificate: PathBuf,
    /// Who is let in, by SASL's PLAIN or SCRAM-SHA-256.
    pub user: &'static str,
    /// With which password.
    pub password: &'static str,
}

impl Kafka {
    /// The environment variable that says where the jars are.
    pub const SETTING: &str = "KAPPASCOPE_KAFKA";

    /// The port of `cargo xtask infra up`. Kafka's own, 9092, is left to a broker of the user's.
    pub const PORT: u16 = 19_092;

    /// How far the port of the guarded listener is behind the broker's own.
    pub const GUARDED: u16 = 2;

    /// With the jars in that folder.
    #[must_use]
    pub fn at(jars: PathBuf) -> Self {
        Self { jars, guard: None }
    }

    /// With a guarded listener too, at `localhost` and [`Kafka::GUARDED`] ports behind the other.
    #[must_use]
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// Where `KAPPASCOPE_KAFKA` says.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn find() -> Result<Self> {
        Ok(Self::at(setting(Self::SETTING)?))
    }

    /// `java` with the jars. It finds them by the star itself.
    fn java(&self) -> Command {
        let mut java = Command::new("java");
        // Serial collection and half a gigabyte suit one node beside tests on two cores.
        java.args(["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.level=WARN", "-cp"]);
        java.arg(self.jars.join("*"));
        java
    }

    /// Writes what a new node's folder must have, by Kafka's own tool.
    fn format(&self, settings: &Path) -> Result<()> {
        let mut format = self.java();
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "--cluster-id",
            CLUSTER,
            "--config",
        ]);
        format.arg(settings);
        if let Some(Guard { user, password, .. }) = &self.guard {
            format.args(["--add-scram", &format!("SCRAM-SHA-256=[name={user},password={password}]")]);
        }
        let said = format.stdin(Stdio::null()).output().context("cannot start java")?;
        if !said.status.success() {
            bail!("kafka.tools.StorageTool cannot format: {}", String::from_utf8_lossy(&said.stderr).trim());
        }
        Ok(())
    }
}

impl Program for Kafka {
    const NAME: &'static str = "Apache Kafka";
    /// The broker's, the controller's, and that of the guarded listener.
    const PORTS: u16 = 3;

    fn command(&self, folder: &Path, port: u16) -> Result<Command> {
        let (settings, data) = (folder.join("server.properties"), folder.join("data"));
        let mut file =
            File::create(&settings).with_context(|| format!("cannot write {}", settings.display()))?;
        file.write_all(properties(&data, port, self.guard.as_ref()).as_bytes())?;
        if !data.join("meta.properties").exists() {
            self.format(&settings)?;
        }
        let mut serve = self.java();
        serve.arg("kafka.Kafka").arg(settings);
        Ok(serve)
    }

    fn answers(port: u16) -> bool {
        ask_for_versions(port).unwrap_or(false)
    }
}

/// One node, no replication, and little that waits: no other consumer will join, and a node that was killed may come
/// back before its last session ends, for which it then waits (9 seconds by default).
fn properties(data: &Path, port: u16, guard: Option<&Guard>) -> String {
    let controller = port + 1;
    let data = slashed(data);
    let (mut listens, mut advertised, mut protocol, mut guards) = Default::default();
    if let Some(guard) = guard {
        let port = port + Kafka::GUARDED;
        listens = format!(",GUARDED://127.0.0.1:{port}");
        advertised = format!(",GUARDED://localhost:{port}");
        protocol = ",GUARDED:SASL_SSL";
        guards = guarded(guard);
    }
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listens}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}{advertised}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocol}\n\
         log.dirs={data}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         broker.heartbeat.interval.ms=250\n\
         broker.session.timeout.ms=2000\n\
         group.initial.rebalance.delay.ms=0\n\
         auto.create.topics.enable=false\n\
         num.network.threads=2\n\
         num.io.threads=2\n\
         {guards}"
    )
}

/// The settings of the guarded listener.
fn guarded(Guard { certificate, user, password }: &Guard) -> String {
    const MODULES: &str = "org.apache.kafka.common.security";
    let certificate = slashed(certificate);
    format!(
        "ssl.keystore.type=PEM\n\
         ssl.keystore.location={certificate}\n\
         listener.name.guarded.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256\n\
         listener.name.guarded.plain.sasl.jaas.config={MODULES}.plain.PlainLoginModule required \
         user_{user}=\"{password}\";\n\
         listener.name.guarded.scram-sha-256.sasl.jaas.config={MODULES}.scram.ScramLoginModule required;\n"
    )
}

/// A path as such files have it: a backslash begins an escape there.
fn slashed(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// Asks which requests the broker knows. A port that is open is no sign yet.
fn ask_for_versions(port: u16) -> std::io::Result<bool> {
    let mut stream = port::connect(port)?;
    // Length, ApiVersions, its version 0, correlation 7, no name of the client.
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])?;
    let mut answer = [0; ANSWER_BYTES];
    stream.read_exact(&mut answer)?;
    Ok(answer[4..] == [0, 0, 0, 7, 0, 0])
}
