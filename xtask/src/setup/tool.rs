//! The tools that are installed into the cache: which, at what version, why and how.
//!
//! Invariant: a tool's folder carries its version, so that clones which pin different ones do not disturb each other.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{NODE_REMEDY, need};
use crate::cache::{Cache, CacheLock};
use crate::process::{Command, run_logged};
use crate::workspace::Workspace;

/// The newest that Rust 1.95 builds; 0.22 needs a newer one.
const TRUNK: &str = "0.21.14";
const CARGO_DENY: &str = "0.20.2";
/// Carries wasm-opt. Debian's (108) does not know the instructions that Rust emits.
const BINARYEN: &str = "132.0.0";

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

impl Tool {
    fn name(&self) -> String {
        format!("{}-{}", self.package, self.version)
    }

    pub(super) fn is_there(&self, cache: &Cache) -> bool {
        cache.tool(&self.name()).is_dir()
    }

    /// The folder to put on PATH.
    pub(super) fn programs(&self, cache: &Cache) -> PathBuf {
        let place = cache.tool(&self.name());
        match self.source {
            Source::Crate(_) => place.join("bin"),
            Source::Npm => place.join("node_modules").join(".bin"),
        }
    }

    pub(super) fn announcement(&self, cache: &Cache) -> String {
        let place = cache.tool(&self.name());
        format!("{} {}, which {}, into {}", self.package, self.version, self.purpose, place.display())
    }

    /// An error when what installs it is missing.
    pub(super) fn assure_installer(&self) -> Result<()> {
        match self.source {
            Source::Crate(_) => Ok(()),
            Source::Npm => need("npm", &format!("installing {}", self.package), NODE_REMEDY),
        }
    }

    pub(super) fn install(&self, cache: &Cache, held: &CacheLock) -> Result<()> {
        let log = cache.log(&self.name())?;
        cache.install(held, &self.name(), |folder| match self.source {
            Source::Crate(extra) => {
                run_logged(self.cargo_install(extra, folder, &cache.build_folder()), &log)
            }
            Source::Npm => run_logged(self.npm_install(folder), &log),
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
}
