//! What the end-to-end tests stand on: the built site on a loopback port, a real Chromium that opens it,
//! and the binary beside it.
//!
//! `cargo xtask test` builds site and binary and says where they are: `KAPPASCOPE_DIST`,
//! `KAPPASCOPE_BIN`, `KAPPASCOPE_CHROMIUM`, `KAPPASCOPE_CHROMEDRIVER`.
//!
//! Tests take turns: a browser that shares the machine with another shows neither's speed.

mod binary;
mod browser;
mod site;

pub use binary::{Run, kappascope, run};
pub use browser::{Page, Stats, Theme};
pub use site::Site;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Mutex;

static TURN: Mutex<()> = Mutex::new(());

/// Runs one test with a site and a browser of its own, when its turn comes.
///
/// # Panics
/// When the test fails.
pub fn with_page<F: Future<Output = anyhow::Result<()>>>(test: impl FnOnce(Page) -> F) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let result = runtime.block_on(async {
        let site = Site::serve(&setting("KAPPASCOPE_DIST")).await?;
        let page = Page::start(site).await?;
        let result = test(page.clone()).await;
        page.close(result).await
    });
    if let Err(error) = result {
        panic!("{error:?}");
    }
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
