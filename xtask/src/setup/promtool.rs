//! promtool, Prometheus' own test of rules: the machine's when it is new enough, else that of Debian's package.
//!
//! Invariant: see [`debian`]. Of the package only promtool is kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{announced, debian};
use crate::cache::{self, Cache};
use crate::process::{Command, on_path};

/// The first version that knows `keep_firing_for`.
const OLDEST: (u32, u32) = (2, 42);
const PACKAGE: &str = "prometheus";
const REMEDY: &str = "promtool of Prometheus 2.42 or newer on PATH, see https://prometheus.io/download";

/// The one on PATH, or the one in the cache.
pub(super) fn find(cache: &Cache) -> Option<PathBuf> {
    let in_cache = cache.tool(PACKAGE).join("promtool");
    on_path("promtool").into_iter().chain([in_cache]).find(|program| is_new_enough(program))
}

/// Fetches Debian's into the cache.
pub(super) fn install(cache: &Cache) -> Result<PathBuf> {
    debian::need_tools("fetching promtool", REMEDY)?;
    let held = cache.lock()?;
    // Another clone may have installed it while this one waited; one that is too old is in the way.
    if let Some(found) = find(cache) {
        return Ok(found);
    }
    cache::remove(&cache.tool(PACKAGE))?;
    let place = cache.tool(PACKAGE);
    let what = format!("promtool of Debian's {PACKAGE}, which judges alert rules, into {}", place.display());
    announced(&what, || cache.install(&held, PACKAGE, |folder| fetch(folder, cache)))?;
    find(cache).with_context(|| format!("Debian's is older than this needs: {REMEDY}"))
}

fn fetch(folder: &Path, cache: &Cache) -> Result<()> {
    let work = folder.join("work");
    let root = debian::unpack(PACKAGE, &debian::Fetch::Alone, &work, &cache.log(PACKAGE)?)?;
    let promtool = root.join("usr/bin/promtool");
    std::fs::rename(promtool, folder.join("promtool")).context("the package has no promtool")?;
    cache::remove(&work)
}

fn is_new_enough(program: &Path) -> bool {
    let said = Command::new(program).arg("--version").output();
    said.is_ok_and(|said| {
        // Up to 2.4x on standard error, later on standard output.
        let text = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
        version(&text).is_some_and(|version| version >= OLDEST)
    })
}

/// `(2, 42)` of "promtool, version 2.42.0+ds (branch: …".
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_once("version ")?.1.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_behind_the_word() {
        let cases = [
            ("promtool, version 2.42.0+ds (branch: debian/sid, revision: 2)\n", Some((2, 42))),
            ("promtool, version 3.5.0 (branch: HEAD)", Some((3, 5))),
            ("no such command", None),
        ];
        for (said, expected) in cases {
            assert_eq!(version(said), expected, "{said}");
        }
    }
}
