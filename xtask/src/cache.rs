//! The folder in the user's cache that every clone on this machine shares.
//!
//! Invariant: a folder below `tools/` is complete from the moment it exists. It is made beside its place and
//! renamed when whole, by one process at a time.
//!
//! ```text
//! ~/.cache/kappascope/lock
//!                     logs/trunk-0.21.14.log
//!                     tools/trunk-0.21.14/bin/trunk
//! ```

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `$XDG_CACHE_HOME/kappascope`.
pub(crate) struct Cache {
    root: PathBuf,
}

/// Held while something is installed; released when dropped, also by a process that dies.
pub(crate) struct CacheLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Cache {
    pub(crate) fn find() -> Result<Self> {
        let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        // The XDG specification has relative paths ignored.
        let base = match named.filter(|path| path.is_absolute()) {
            Some(path) => path,
            None => std::env::home_dir().context("no home folder: set XDG_CACHE_HOME")?.join(".cache"),
        };
        Ok(Self { root: base.join("kappascope") })
    }

    /// The place of a tool: `name` carries its version.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.root.join("tools").join(name)
    }

    /// The log of the step `name`, in a folder that exists.
    pub(crate) fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join("logs");
        make(&folder)?;
        Ok(folder.join(format!("{name}.log")))
    }

    /// Where tools are compiled; shared, since they have many dependencies in common.
    pub(crate) fn build_folder(&self) -> PathBuf {
        self.root.join("tool-build")
    }

    /// Waits until no other process installs.
    pub(crate) fn lock(&self) -> Result<CacheLock> {
        make(&self.root)?;
        let path = self.root.join("lock");
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("waiting for another cargo xtask that is setting up {}", self.root.display());
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context(format!("cannot lock {}", path.display()));
            }
        }
        Ok(CacheLock(file))
    }

    /// Makes the tool `name` whole or not at all: `fill` gets an empty folder that becomes its place.
    pub(crate) fn install(
        &self,
        _held: &CacheLock,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let partial = self.tool(&format!(".partial-{name}"));
        remove(&partial)?;
        make(&partial)?;
        fill(&partial)?;
        let place = self.tool(name);
        std::fs::rename(&partial, &place).with_context(|| format!("cannot make {}", place.display()))
    }
}

/// Removes a folder that may not be there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}
