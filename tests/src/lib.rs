//! What the end-to-end tests stand on: the built site on a loopback port, a real Chromium that opens it,
//! and the binary beside it.
//!
//! `cargo xtask test` builds site and binary and says where they are: `KAPPASCOPE_DIST`,
//! `KAPPASCOPE_BIN`, `KAPPASCOPE_CHROMIUM`, `KAPPASCOPE_CHROMEDRIVER`, `KAPPASCOPE_AXE`.
//!
//! Tests take turns: a browser that shares the machine with another shows neither's speed.

mod binary;
mod browser;
pub mod keys;
mod line;
mod site;
mod states;

pub use binary::{Run, Served, kappascope, run};
pub use browser::{Page, Stats, Theme};
pub use line::Line;
pub use site::Site;
pub use states::{each_look, each_state, show_running};

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

static TURN: Mutex<()> = Mutex::new(());

/// Runs one test with a site and a browser of its own, when its turn comes.
///
/// # Panics
/// When the test fails.
pub fn with_page<F: Future<Output = anyhow::Result<()>>>(test: impl FnOnce(Page) -> F) {
    with_page_at(&built_site(), "/some/where/", test);
}

/// The same with the site of a folder, served at a path that begins and ends with `/`.
///
/// # Panics
/// When the test fails.
pub fn with_page_at<F: Future<Output = anyhow::Result<()>>>(
    site: &Path,
    path: &str,
    test: impl FnOnce(Page) -> F,
) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let result = runtime.block_on(async {
        let page = Page::start(Site::serve(site, path)?).await?;
        let result = test(page.clone()).await;
        page.close(result).await
    });
    if let Err(error) = result {
        panic!("{error:?}");
    }
}

/// The folder of the built site.
#[must_use]
pub fn built_site() -> PathBuf {
    setting("KAPPASCOPE_DIST")
}

/// The script of axe-core, which finds what shuts people out.
#[must_use]
pub fn axe() -> PathBuf {
    setting("KAPPASCOPE_AXE")
}

/// The script of uPlot, which the charts are measured beside.
#[must_use]
pub fn uplot() -> PathBuf {
    setting("KAPPASCOPE_UPLOT")
}

/// A path that `cargo xtask test` says.
pub(crate) fn setting(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(path) => path.into(),
        None => {
            panic!("{name} is not set; `cargo xtask test` builds what these tests need and says where it is")
        }
    }
}

/// A file of the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
