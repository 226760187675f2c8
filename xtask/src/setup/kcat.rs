//! kcat, a client of Kafka that is not ours: the machine's, else that of Debian's package.
//!
//! Invariant: see [`debian`]. The libraries that the system has not stand beside the program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{debian, installed};
use crate::cache;
use crate::process::on_path;

const PACKAGE: &str = "kcat";
const REMEDY: &str = "see https://github.com/edenhill/kcat, or on Debian or Ubuntu: apt-get install kcat";
/// Starts the program with the libraries beside it.
const START: &str = r#"#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH="$here/lib" exec "$here/bin/kcat" "$@"
"#;

/// The one on PATH, or Debian's, fetched into the cache.
pub(super) fn find() -> Result<PathBuf> {
    if let Some(found) = on_path(PACKAGE) {
        return Ok(found);
    }
    let what = "kcat of Debian's package, which reads topics beside our own reader";
    let place = installed(PACKAGE, what, |folder, log| {
        debian::need_tools("fetching kcat", REMEDY)?;
        fetch(folder, log)
    })?;
    Ok(place.join(PACKAGE))
}

fn fetch(folder: &Path, log: &Path) -> Result<()> {
    let work = folder.join("work");
    let root = debian::unpack(PACKAGE, &debian::Fetch::WithMissing, &work, log)?;
    std::fs::rename(root.join("usr/bin"), folder.join("bin")).context("the package has no program")?;
    libraries(&root.join("usr/lib"), &folder.join("lib"))?;
    start(&folder.join(PACKAGE))?;
    cache::remove(&work)
}

/// Moves libraries out of the folders of an architecture.
fn libraries(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    // Without the folder nothing was missing.
    for architecture in std::fs::read_dir(from).into_iter().flatten() {
        for library in std::fs::read_dir(architecture?.path())? {
            let library = library?;
            std::fs::rename(library.path(), to.join(library.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn start(script: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(script, START)?;
    Ok(std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn start(script: &Path) -> Result<()> {
    anyhow::bail!("{} is for Debian; {REMEDY}", script.display())
}
