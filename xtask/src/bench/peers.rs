//! The programs that the engine is measured beside: in a folder of the user's cache each, at one version.
//!
//! Invariant: a folder is named after what is in it, so another version gets another folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{Command, on_path, run_logged};
use crate::setup::installed;

/// Packages of PyPI. The third is how the benchmark's columns come to the other two.
const PYTHON: [&str; 3] = ["duckdb==2.0.0", "polars==2.1.0", "numpy==2.4.6"];
/// The package of npm.
const DUCKDB_WASM: &str = "@duckdb/duckdb-wasm@1.32.0";

/// A Python that has DuckDB and Polars.
pub(super) fn python() -> Result<PathBuf> {
    let name = format!("peers-{}", PYTHON.join("-").replace("==", "-"));
    let place = installed(&name, &format!("{}, to measure them too", PYTHON.join(", ")), |folder, log| {
        let python = ["python3", "python"].iter().find_map(|name| on_path(name));
        let python = python.context(
            "python3 is not on PATH and is needed to measure DuckDB and Polars; \
             on Debian or Ubuntu: apt-get install python3-venv",
        )?;
        let mut environment = Command::new(python);
        environment.args(["-m", "venv"]).arg(folder);
        run_logged(environment, log)?;
        let mut pip = Command::new(interpreter(folder));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
        pip.args(PYTHON);
        run_logged(pip, log)
    })?;
    Ok(interpreter(&place))
}

fn interpreter(environment: &Path) -> PathBuf {
    let path = if cfg!(windows) { ["Scripts", "python.exe"] } else { ["bin", "python"] };
    environment.join(path[0]).join(path[1])
}

/// The `node_modules` that has DuckDB for browsers.
pub(super) fn node_modules() -> Result<PathBuf> {
    let name = DUCKDB_WASM.replace(['@', '/'], "-");
    let place = installed(
        name.trim_start_matches('-'),
        &format!("{DUCKDB_WASM}, to measure it too"),
        |folder, log| {
            if on_path("npm").is_none() {
                bail!(
                    "npm is not on PATH and is needed for {DUCKDB_WASM}; to install it: see https://nodejs.org"
                );
            }
            // On Windows npm is a script, which only a shell starts.
            let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
            npm.current_dir(folder).args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ]);
            npm.arg("--prefix").arg(folder).arg(DUCKDB_WASM);
            run_logged(npm, log)
        },
    )?;
    Ok(place.join("node_modules"))
}
