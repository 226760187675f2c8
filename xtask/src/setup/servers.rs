//! The servers of the tests: Apache Kafka from Maven Central, the ClickHouse engine from PyPI.
//!
//! Invariant: Maven checks each jar against its checksum, pip each package against the ones in this repository.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{JAVA_REMEDY, installed, need};
use crate::process::{Command, run_logged};
use crate::workspace::Workspace;

const KAFKA: &str = "4.2.0";
const MAVEN_REMEDY: &str = "see https://maven.apache.org, or on Debian or Ubuntu: apt-get install maven";
const PYTHON_REMEDY: &str =
    "see https://www.python.org, or on Debian or Ubuntu: apt-get install python3-venv";

/// The folder of Kafka's jars, which this Java can run.
pub(super) fn kafka(workspace: &Workspace) -> Result<PathBuf> {
    need("java", "running Apache Kafka", JAVA_REMEDY)?;
    let pom = workspace.root.join("tests/infra/kafka/pom.xml");
    let what = format!("Apache Kafka {KAFKA}, the broker of the tests (43 MB)");
    installed(&format!("kafka-{KAFKA}"), &what, |folder, log| {
        need("mvn", "fetching Apache Kafka", MAVEN_REMEDY)?;
        run_logged(maven(&pom, folder), log)
    })
}

fn maven(pom: &Path, folder: &Path) -> Command {
    // On Windows mvn is a script, which only a shell starts.
    let mut maven = Command::new(if cfg!(windows) { "mvn.cmd" } else { "mvn" });
    maven.args(["--batch-mode", "--strict-checksums", "--file"]).arg(pom);
    maven.args(["dependency:copy-dependencies", &format!("-Dkafka.version={KAFKA}")]);
    maven.arg(format!("-DoutputDirectory={}", folder.display()));
    maven
}

/// A Python that has the ClickHouse engine.
pub(super) fn engine(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.root.join("tests/infra/engine/requirements.txt");
    let text = std::fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let packages = pinned(&text);
    let what = format!("{}, the ClickHouse engine of the tests (570 MB)", packages.join(", "));
    let name = format!("engine-{}", packages.join("-").replace("==", "-"));
    let place = installed(&name, &what, |folder, log| {
        need("python3", "running the ClickHouse engine", PYTHON_REMEDY)?;
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv"]).arg(folder);
        run_logged(environment, log).context(PYTHON_REMEDY)?;
        run_logged(pip(&requirements, folder), log)
    })?;
    Ok(interpreter(&place))
}

fn pip(requirements: &Path, environment: &Path) -> Command {
    let mut pip = Command::new(interpreter(environment));
    pip.args([
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--no-deps",
    ]);
    pip.args(["--only-binary=:all:", "--require-hashes", "--requirement"]).arg(requirements);
    pip
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin").join("python")
}

/// `name==version` of each package that a requirements file pins.
fn pinned(requirements: &str) -> Vec<&str> {
    let words = requirements.lines().filter_map(|line| line.split_whitespace().next());
    words.filter(|word| word.contains("==")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirements_file_pins_packages_and_each_has_checksums() {
        let root = Workspace::find().unwrap().root;
        let text = std::fs::read_to_string(root.join("tests/infra/engine/requirements.txt")).unwrap();
        let names: Vec<&str> = pinned(&text).iter().filter_map(|pin| pin.split("==").next()).collect();
        assert_eq!(names, ["chdb-core", "clickhouse-cityhash", "lz4"]);
        for package in text.split("==").skip(1) {
            assert!(package.contains("--hash=sha256:"), "no checksum in {package}");
        }
    }
}
