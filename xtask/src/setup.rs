//! Finds or installs what the other commands need.
//!
//! Invariant: what is in place is found without starting a slow program; what is missing is announced, installed
//! whole or not at all, and, where that cannot be, named in one line with the command that would install it.
//!
//! ```text
//! installing trunk 0.21.14, which builds the page, into /home/ada/.cache/kappascope/tools/trunk-0.21.14
//!     done in 1 min 52 s
//! ```

mod browser;
mod debian;
mod kcat;
mod promtool;
mod servers;
mod tool;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

pub(crate) use self::browser::Browser;
use self::tool::Tool;
use crate::cache::{self, Cache};
use crate::process::{Command, Stopwatch, human, on_path, output, path_with, run as run_child, run_logged};
use crate::workspace::Workspace;

/// What the page is compiled for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The environment variable that says where kcat is.
pub(crate) const KCAT: &str = "KAPPASCOPE_KCAT";

const NODE_REMEDY: &str = "see https://nodejs.org, or on Debian or Ubuntu: apt-get install nodejs npm";
const JAVA_REMEDY: &str = "version 17, see https://adoptium.net, or on Debian or Ubuntu: \
                           apt-get install openjdk-17-jdk-headless";

/// `cargo xtask setup`: everything that any command needs.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let toolbox = page_and_checks(workspace)?;
    let browser = browser()?;
    let files =
        [browser.chromium, browser.chromedriver, axe()?, kafka(workspace)?, engine(workspace)?, kcat()?];
    println!("everything is in place:");
    for place in toolbox.folders.iter().chain(&files) {
        println!("  {}", place.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// What building the page needs.
pub(crate) fn page(workspace: &Workspace) -> Result<Toolbox> {
    prepare(workspace, &tool::for_page(workspace)?)
}

/// What building the page and checking this repository need.
pub(crate) fn page_and_checks(workspace: &Workspace) -> Result<Toolbox> {
    let mut tools = tool::for_page(workspace)?;
    tools.push(tool::for_checks());
    prepare(workspace, &tools)
}

fn prepare(workspace: &Workspace, tools: &[Tool]) -> Result<Toolbox> {
    wasm_target(workspace)?;
    need("node", "running wasm-opt and the WebAssembly tests", NODE_REMEDY)?;
    let cache = Cache::find()?;
    if tools.iter().any(|tool| !tool.is_there(&cache)) {
        install_missing(tools, &cache)?;
    }
    // Trunk builds offline, so that it downloads no tools; then cargo too must have everything.
    run_child(workspace.cargo(&["fetch", "--quiet", "--target", WASM_TARGET]))?;
    Ok(Toolbox { folders: tools.iter().map(|tool| tool.programs(&cache)).collect() })
}

/// The compiler's part for WebAssembly.
pub(crate) fn wasm_target(workspace: &Workspace) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]).current_dir(&workspace.root);
    if Path::new(output(rustc)?.trim()).is_dir() {
        return Ok(());
    }
    need("rustup", &format!("adding the Rust target {WASM_TARGET}"), "see https://rustup.rs")?;
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", WASM_TARGET]).current_dir(&workspace.root);
    let log = Cache::find()?.log("rustup")?;
    let what = format!("{WASM_TARGET}, for which the page is compiled, into the Rust toolchain");
    announced(&what, || run_logged(rustup, &log))
}

/// The folders of the tools, to stand before all others on PATH.
pub(crate) struct Toolbox {
    folders: Vec<PathBuf>,
}

impl Toolbox {
    /// Lets `command` and its children find the tools.
    pub(crate) fn equip(&self, command: &mut Command) -> Result<()> {
        command.env("PATH", path_with(&self.folders)?);
        Ok(())
    }
}

fn install_missing(tools: &[Tool], cache: &Cache) -> Result<()> {
    let held = cache.lock()?;
    // Another clone may have installed some while this one waited.
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !tool.is_there(cache)).collect();
    for tool in &missing {
        tool.assure_installer()?;
    }
    for tool in &missing {
        announced(&tool.announcement(cache), || tool.install(cache, &held))?;
    }
    cache::remove(&cache.build_folder())
}

/// The folder of Apache Flink's jars, which this Java can run.
pub(crate) fn flink() -> Result<PathBuf> {
    need("javac", "compiling and running the program that asks Flink", JAVA_REMEDY)?;
    let (cache, flink) = (Cache::find()?, tool::for_conformance());
    let jars = flink.place(&cache).join("pyflink").join("lib");
    if !flink.is_there(&cache) {
        install_missing(&[flink], &cache)?;
    }
    Ok(jars)
}

/// The script of axe-core.
pub(crate) fn axe() -> Result<PathBuf> {
    Ok(node_modules(tool::for_accessibility())?.join("axe-core").join("axe.min.js"))
}

/// The script of uPlot.
pub(crate) fn uplot() -> Result<PathBuf> {
    Ok(node_modules(tool::for_drawing_beside())?.join("uplot").join("dist").join("uPlot.iife.min.js"))
}

/// Where a package of npm is, after installing it if it is not there.
fn node_modules(package: Tool) -> Result<PathBuf> {
    let cache = Cache::find()?;
    let place = package.place(&cache).join("node_modules");
    if !package.is_there(&cache) {
        install_missing(&[package], &cache)?;
    }
    Ok(place)
}

/// Chromium and the driver that fits it.
pub(crate) fn browser() -> Result<Browser> {
    let cache = Cache::find()?;
    match browser::find(&cache) {
        Some(found) => Ok(found),
        None => browser::install(&cache),
    }
}

/// Prometheus' promtool, new enough to know `keep_firing_for`.
pub(crate) fn promtool() -> Result<PathBuf> {
    let cache = Cache::find()?;
    match promtool::find(&cache) {
        Some(found) => Ok(found),
        None => promtool::install(&cache),
    }
}

/// The folder of Apache Kafka's jars, which this Java can run.
pub(crate) fn kafka(workspace: &Workspace) -> Result<PathBuf> {
    servers::kafka(workspace)
}

/// A Python that has the ClickHouse engine.
pub(crate) fn engine(workspace: &Workspace) -> Result<PathBuf> {
    servers::engine(workspace)
}

/// kcat, which reads topics.
pub(crate) fn kcat() -> Result<PathBuf> {
    kcat::find()
}

/// The folder `name` of the cache, filled if it is not there by what is given the folder and a log.
pub(crate) fn installed(
    name: &str,
    what: &str,
    fill: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<PathBuf> {
    let cache = Cache::find()?;
    let place = cache.tool(name);
    if place.is_dir() {
        return Ok(place);
    }
    let held = cache.lock()?;
    // Another clone may have installed it while this one waited.
    if !place.is_dir() {
        let log = cache.log(name)?;
        announced(&format!("{what}, into {}", place.display()), || {
            cache.install(&held, name, |folder| fill(folder, &log))
        })?;
    }
    Ok(place)
}

/// One line that says what is done, one that says how long it took.
fn announced(what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("installing {what}");
    let clock = Stopwatch::start();
    work()?;
    eprintln!("    done in {}", human(clock.elapsed()));
    Ok(())
}

/// An error in one line where a program that cannot be installed from here is missing.
fn need(program: &str, purpose: &str, remedy: &str) -> Result<()> {
    match on_path(program) {
        Some(_) => Ok(()),
        None => bail!("{program} is not on PATH and is needed for {purpose}; to install it: {remedy}"),
    }
}
