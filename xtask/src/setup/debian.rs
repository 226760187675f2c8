//! Programs out of Debian's packages.
//!
//! Invariant: nothing is installed into the system. Packages are fetched by apt with lists and a cache of its own,
//! which needs no rights, and unpacked into a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::need;
use crate::process::{Command, run_logged};

/// What of a package is fetched.
pub(super) enum Fetch {
    /// It alone.
    Alone,
    /// It, and the packages that it needs and the system has not.
    WithMissing,
}

/// Looks whether packages can be fetched at all.
pub(super) fn need_tools(purpose: &str, remedy: &str) -> Result<()> {
    ["apt-get", "dpkg-deb"].into_iter().try_for_each(|program| need(program, purpose, remedy))
}

/// Fetches a package into the folder `work` and unpacks it; gives the folder that stands for `/`.
pub(super) fn unpack(package: &str, fetch: &Fetch, work: &Path, log: &Path) -> Result<PathBuf> {
    let root = work.join("root");
    for folder in [work.join("lists/partial"), work.join("archives/partial"), root.clone()] {
        std::fs::create_dir_all(folder).context("cannot make a folder for apt")?;
    }
    run_logged(apt(work, &["update"]), log)?;
    let words: &[&str] = match fetch {
        Fetch::Alone => &["download", package],
        Fetch::WithMissing => &["install", "--download-only", "--yes", "--no-install-recommends", package],
    };
    run_logged(apt(work, words), log)?;
    // `download` writes to the folder that it is started in, `install` to its cache.
    let fetched = [packages(work)?, packages(&work.join("archives"))?].concat();
    ensure!(!fetched.is_empty(), "apt-get left no package of {package}; see {}", log.display());
    for package in fetched {
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(package).arg(&root);
        run_logged(unpack, log)?;
    }
    Ok(root)
}

/// apt-get with lists and a cache in `work`, and without the lock of a system that it does not change.
fn apt(work: &Path, arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    let option = |name: &str, folder: &Path| format!("{name}={}", folder.display());
    apt.current_dir(work).args(["-o", &option("Dir::State::Lists", &work.join("lists"))]);
    apt.args(["-o", &option("Dir::Cache", work), "-o", "Debug::NoLocking=1"]).args(arguments);
    apt
}

/// The packages in a folder.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).context("cannot read what apt fetched")?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|name| name == "deb")).collect())
}
