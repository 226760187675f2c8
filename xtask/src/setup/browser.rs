//! Chromium and chromedriver: the machine's when they fit each other, else Debian's, else Google's builds for tests.
//!
//! Invariant: the two are of one major version, or there is no browser.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::announced;
use crate::cache::{Cache, CacheLock};
use crate::process::{Command, on_path, output, run_logged};

/// A browser that tests drive, and its driver.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// The names under which distributions ship it.
const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Liberation, so that text in pictures of the page has letters and not boxes.
const DEBIAN_PACKAGES: [&str; 3] = ["chromium", "chromium-driver", "fonts-liberation"];
/// The package of npm that fetches Google's builds; 3 needs a newer Node.js than many machines have.
const FETCHER: &str = "@puppeteer/browsers@2";
/// The folder of those builds, and in it the file that says where the two programs are.
const FETCHED: &str = "chrome-for-testing";
const FETCHED_PATHS: &str = "paths";
const REMEDY: &str = "the browser tests need Chromium and the chromedriver of the same version; \
                      on Debian or Ubuntu: apt-get install chromium chromium-driver";

/// The browser on PATH, or the one in the cache.
pub(super) fn find(cache: &Cache) -> Option<Browser> {
    on_this_path().or_else(|| in_cache(cache))
}

/// Installs one by the first way that works on this machine.
pub(super) fn install(cache: &Cache) -> Result<Browser> {
    let held = cache.lock()?;
    // Another clone may have installed it while this one waited.
    if let Some(found) = find(cache) {
        return Ok(found);
    }
    if let Some(apt_get) = apt_get()
        && let Err(error) = from_debian(&apt_get, cache)
    {
        // Ubuntu's archive, for one, has no package of that name.
        eprintln!("    {error:#}");
    }
    if find(cache).is_none() && on_path("npx").is_some() {
        from_google(&held, cache).context(REMEDY)?;
    }
    find(cache).context(REMEDY)
}

fn on_this_path() -> Option<Browser> {
    let chromedriver = on_path("chromedriver")?;
    let wanted = major_version(&chromedriver)?;
    let mut chromiums = CHROMIUM_NAMES.iter().filter_map(|name| on_path(name));
    let chromium = chromiums.find(|chromium| major_version(chromium).as_ref() == Some(&wanted))?;
    Some(Browser { chromium, chromedriver })
}

fn in_cache(cache: &Cache) -> Option<Browser> {
    let folder = cache.tool(FETCHED);
    let paths = std::fs::read_to_string(folder.join(FETCHED_PATHS)).ok()?;
    let (chromium, chromedriver) = paths.trim().split_once('\n')?;
    Some(Browser { chromium: folder.join(chromium), chromedriver: folder.join(chromedriver) })
}

/// `156` of "Chromium 156.0.8078.79 built on Debian".
fn major_version(program: &Path) -> Option<String> {
    // Debian's start script writes warnings to standard error.
    let printed = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
    first_number(&String::from_utf8_lossy(&printed.stdout))
}

fn first_number(text: &str) -> Option<String> {
    let number: String =
        text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    Some(number).filter(|number| !number.is_empty())
}

/// The start of an apt-get command that may install: as root, or by a sudo that asks nothing.
fn apt_get() -> Option<Vec<&'static str>> {
    on_path("apt-get")?;
    if output(words(&["id", "-u"])).is_ok_and(|user| user.trim() == "0") {
        return Some(vec!["apt-get"]);
    }
    on_path("sudo")?;
    let may = words(&["sudo", "-n", "true"]).output().is_ok_and(|sudo| sudo.status.success());
    may.then(|| vec!["sudo", "-n", "apt-get"])
}

fn from_debian(apt_get: &[&str], cache: &Cache) -> Result<()> {
    let run = |arguments: &[&str], log: &str| -> Result<()> {
        let mut apt = words(&[apt_get, arguments].concat());
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        run_logged(apt, &cache.log(log)?)
    };
    let install = [&["install", "--yes", "--no-install-recommends"][..], &DEBIAN_PACKAGES].concat();
    let packages = DEBIAN_PACKAGES.join(" ");
    announced(&format!("the browser of the tests into the system, with apt-get install {packages}"), || {
        run(&["update"], "apt-get-update")?;
        run(&install, "apt-get-install")
    })
}

fn from_google(held: &CacheLock, cache: &Cache) -> Result<()> {
    let place = cache.tool(FETCHED);
    announced(&format!("the browser of the tests with npx {FETCHER}, into {}", place.display()), || {
        cache.install(held, FETCHED, |folder| fetch_both(folder, cache))
    })
}

/// Fetches both programs into `folder` and notes where in it they are.
fn fetch_both(folder: &Path, cache: &Cache) -> Result<()> {
    let chromium = fetch("chrome-headless-shell@stable", folder, cache)?;
    let chromedriver = fetch("chromedriver@stable", folder, cache)?;
    let version = major_version(&chromium);
    if version.is_none() || version != major_version(&chromedriver) {
        bail!("the fetched browser does not start on this machine, or its driver is of another version");
    }
    let chromium = chromium.strip_prefix(folder).context("npx put the browser elsewhere")?;
    let chromedriver = chromedriver.strip_prefix(folder).context("npx put the driver elsewhere")?;
    let paths = format!("{}\n{}\n", chromium.display(), chromedriver.display());
    std::fs::write(folder.join(FETCHED_PATHS), paths).context("cannot note where the browser is")
}

fn fetch(build: &str, folder: &Path, cache: &Cache) -> Result<PathBuf> {
    let log = cache.log("npx-browsers")?;
    let mut npx = words(&[if cfg!(windows) { "npx.cmd" } else { "npx" }, "--yes", FETCHER, "install", build]);
    npx.arg("--path").arg(folder);
    run_logged(npx, &log)?;
    fetched_place(&std::fs::read_to_string(&log)?)
        .with_context(|| format!("npx {FETCHER} did not say where {build} is; its log: {}", log.display()))
}

/// The path in the last line, `chromedriver@156.0.8078.79 /cache/chromedriver/linux-156/chromedriver`.
fn fetched_place(log: &str) -> Option<PathBuf> {
    let (_, place) = log.lines().rev().find(|line| line.contains('@'))?.split_once(' ')?;
    Some(PathBuf::from(place.trim()))
}

fn words(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        let cases = [
            ("Chromium 156.0.8078.79 built on Debian GNU/Linux 12\n", Some("156")),
            ("ChromeDriver 155.0.1 (abc-refs/branch@{#2})", Some("155")),
            ("Command '/usr/bin/chromium-browser' requires the snap", None),
        ];
        for (printed, version) in cases {
            assert_eq!(first_number(printed).as_deref(), version, "{printed}");
        }
    }

    #[test]
    fn the_place_of_a_fetched_browser_is_in_the_last_line() {
        let log = "npm warn x\nchromedriver@156.0.1 /a b/chromedriver\n";
        assert_eq!(fetched_place(log), Some(PathBuf::from("/a b/chromedriver")));
        assert_eq!(fetched_place("error: no such build"), None);
    }
}
