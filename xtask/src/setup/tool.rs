//! The tools that are installed into the cache: which, at what version, why and how.
//!
//! Invariant: a tool's folder carries its version, so that clones which pin different ones do not disturb each other.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{NODE_REMEDY, need};
use crate::cache::{Cache, CacheLock};
use crate::process::{Command, run_logged};
use crate::workspace::Workspace;

/// The newest that Rust 1.95 builds; 0.22 needs a newer one.
const TRUNK: &str = "0.21.14";
const CARGO_DENY: &str = "0.20.2";
/// Carries wasm-opt. Debian's (108) does not know the instructions that Rust emits.
const BINARYEN: &str = "132.0.0";
/// Flink's jars alone. The package `apache-flink` adds what runs Python functions, 500 MB that nothing here calls.
const FLINK_LIBRARIES: &str = "2.3.0";

const AXE_CORE: &str = "4.14.1";
/// Other libraries of charts: MIT, and the fastest of those for time series.
const UPLOT: &str = "1.6.32";

const PIP_REMEDY: &str = "see https://pip.pypa.io, or on Debian or Ubuntu: apt-get install python3-pip";

/// One package of a registry, and what it is for.
pub(super) struct Tool {
    package: &'static str,
    version: String,
    purpose: &'static str,
    source: Source,
}

enum Source {
    /// `cargo install`, with these arguments too.
    Crate(&'static [&'static str]),
    Npm,
    /// `pip install` of the package without its dependencies.
    Pypi,
}

/// The tools that build the page.
pub(super) fn for_page(workspace: &Workspace) -> Result<Vec<Tool>> {
    Ok(vec![
        Tool {
            package: "wasm-bindgen-cli",
            // The command and the library refuse to work together unless their versions are equal.
            version: workspace.locked_version("wasm-bindgen")?,
            purpose: "joins the compiled page with JavaScript and runs the WebAssembly tests",
            source: Source::Crate(&["--bin=wasm-bindgen", "--bin=wasm-bindgen-test-runner"]),
        },
        Tool {
            package: "binaryen",
            version: BINARYEN.to_owned(),
            purpose: "carries wasm-opt, which makes the page smaller and faster",
            source: Source::Npm,
        },
        Tool {
            package: "trunk",
            version: TRUNK.to_owned(),
            purpose: "builds the page",
            // Its default features are an update check and downloads, which nothing here uses.
            source: Source::Crate(&["--no-default-features"]),
        },
    ])
}

/// The tool that only `cargo xtask test` needs.
pub(super) fn for_checks() -> Tool {
    Tool {
        package: "cargo-deny",
        version: CARGO_DENY.to_owned(),
        purpose: "checks the licences and origins of all dependencies",
        source: Source::Crate(&[]),
    }
}

/// The tool that only the browser tests need.
pub(super) fn for_accessibility() -> Tool {
    Tool {
        package: "axe-core",
        version: AXE_CORE.to_owned(),
        purpose: "finds on the page what shuts people out",
        source: Source::Npm,
    }
}

/// What only `cargo xtask bench --page` needs.
pub(super) fn for_drawing_beside() -> Tool {
    Tool {
        package: "uplot",
        version: UPLOT.to_owned(),
        purpose: "draws the charts that ours are measured beside",
        source: Source::Npm,
    }
}

/// The tool that only `cargo xtask conformance` needs.
pub(super) fn for_conformance() -> Tool {
    Tool {
        package: "apache-flink-libraries",
        version: FLINK_LIBRARIES.to_owned(),
        purpose: "is Apache Flink, whose windows ours are compared with (330 MB)",
        source: Source::Pypi,
    }
}

impl Tool {
    fn name(&self) -> String {
        format!("{}-{}", self.package, self.version)
    }

    pub(super) fn is_there(&self, cache: &Cache) -> bool {
        self.place(cache).is_dir()
    }

    /// Its folder.
    pub(super) fn place(&self, cache: &Cache) -> PathBuf {
        cache.tool(&self.name())
    }

    /// The folder to put on PATH.
    pub(super) fn programs(&self, cache: &Cache) -> PathBuf {
        let place = self.place(cache);
        match self.source {
            Source::Crate(_) | Source::Pypi => place.join("bin"),
            Source::Npm => place.join("node_modules").join(".bin"),
        }
    }

    pub(super) fn announcement(&self, cache: &Cache) -> String {
        let place = self.place(cache);
        format!("{} {}, which {}, into {}", self.package, self.version, self.purpose, place.display())
    }

    /// An error when what installs it is missing.
    pub(super) fn assure_installer(&self) -> Result<()> {
        match self.source {
            Source::Crate(_) => Ok(()),
            Source::Npm => need("npm", &format!("installing {}", self.package), NODE_REMEDY),
            Source::Pypi => need_pip(self.package),
        }
    }

    pub(super) fn install(&self, cache: &Cache, held: &CacheLock) -> Result<()> {
        let log = cache.log(&self.name())?;
        cache.install(held, &self.name(), |folder| match self.source {
            Source::Crate(extra) => {
                run_logged(self.cargo_install(extra, folder, &cache.build_folder()), &log)
            }
            Source::Npm => run_logged(self.npm_install(folder), &log),
            Source::Pypi => run_logged(self.pip_install(folder), &log),
        })
    }

    /// A build that is cheap to make: each of these tools spends its time in other programs or runs for a second.
    fn cargo_install(&self, extra: &[&str], folder: &Path, build_folder: &Path) -> Command {
        let mut cargo = Command::new("cargo");
        // Outside the repository, whose cargo settings are not meant for the tools.
        cargo.current_dir(folder).args(["install", "--locked", self.package, "--version", &self.version]);
        cargo.args(extra).arg("--root").arg(folder).env("CARGO_TARGET_DIR", build_folder);
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        cargo.env("CARGO_PROFILE_RELEASE_STRIP", "true");
        cargo
    }

    fn npm_install(&self, folder: &Path) -> Command {
        // On Windows npm is a script, which only a shell starts.
        let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        npm.current_dir(folder).args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.arg("--prefix").arg(folder).arg(format!("{}@{}", self.package, self.version));
        npm
    }

    fn pip_install(&self, folder: &Path) -> Command {
        let mut pip = Command::new("python3");
        pip.current_dir(folder).args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
        // Its files are not Python, and are kept once.
        pip.args(["--no-deps", "--no-compile", "--no-cache-dir", "--target"]).arg(folder);
        pip.arg(format!("{}=={}", self.package, self.version));
        pip
    }
}

/// An error in one line where Python has no pip, as on a fresh Debian.
fn need_pip(package: &str) -> Result<()> {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|pip| pip.status.success()) {
        bail!(
            "`python3 -m pip` does not run and is needed for installing {package}; to install it: {PIP_REMEDY}"
        );
    }
    Ok(())
}
