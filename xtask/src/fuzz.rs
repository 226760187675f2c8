//! `cargo xtask fuzz`: each target of `fuzz/` under libFuzzer, a fixed number of runs from its kept corpus.
//!
//! Invariant: the same runs each time, with the pinned toolchain. cargo-fuzz would want a nightly one, for the
//! sanitizers; what libFuzzer is steered by, the stable one can write as well.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::process::{Command, output, run as run_child, run_logged};
use crate::workspace::Workspace;

/// Runs of each target: ten seconds of the slowest.
const RUNS: u32 = 25_000;

/// Longest input: what is wrong shows in short ones, and these are fast. A small Parquet file fits.
const MAX_BYTES: u32 = 8_192;

/// Longest time that one input may take: some thousand times of what it does take.
const MAX_SECONDS: u32 = 10;

/// Most memory, for all that the decoders of packed files hold.
const MAX_MB: u32 = 1_024;

/// How cargo-fuzz has the targets compiled, but for the sanitizers.
const RUSTFLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let host = host()?;
    let built = workspace.target_folder()?.join("fuzz");
    run_child(build(workspace, &host, &built))?;
    for name in targets(&workspace.root.join("fuzz/fuzz_targets"))? {
        println!("    {name}, {RUNS} runs");
        let (program, found) =
            (built.join(&host).join("release").join(&name), built.join("found").join(&name));
        let corpus = workspace.root.join("fuzz/corpus").join(&name);
        run_logged(fuzz(&program, &corpus, &found)?, &found.join("log"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The platform that compiles. Named as the target, it keeps the flags away from what only builds.
fn host() -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.arg("-vV");
    let version = output(rustc)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV does not name its host")
}

fn build(workspace: &Workspace, host: &str, built: &Path) -> Command {
    let mut cargo =
        workspace.cargo(&["build", "--release", "--manifest-path=fuzz/Cargo.toml", "--target", host]);
    cargo.arg("--target-dir").arg(built).env("RUSTFLAGS", RUSTFLAGS.join(" "));
    cargo
}

/// The names of the targets.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let files = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let name =
        |file: std::io::Result<std::fs::DirEntry>| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = files.filter_map(name).collect();
    names.sort_unstable();
    Ok(names)
}

/// Starts from the kept corpus; what it finds goes to `found`, which is emptied before, so that each run is the
/// first. An input that fails is left there under the name that libFuzzer prints.
fn fuzz(program: &Path, corpus: &Path, found: &Path) -> Result<Command> {
    let interesting = found.join("corpus");
    if interesting.exists() {
        std::fs::remove_dir_all(&interesting)?;
    }
    std::fs::create_dir_all(&interesting)
        .with_context(|| format!("cannot make {}", interesting.display()))?;
    let mut fuzz = Command::new(program);
    fuzz.arg(format!("-runs={RUNS}")).args(["-seed=1", "-verbosity=0"]).env("RUST_BACKTRACE", "0");
    fuzz.arg(format!("-max_len={MAX_BYTES}")).arg(format!("-timeout={MAX_SECONDS}"));
    fuzz.arg(format!("-rss_limit_mb={MAX_MB}")).arg(format!("-artifact_prefix={}/", found.display()));
    fuzz.arg(interesting).arg(corpus);
    Ok(fuzz)
}
