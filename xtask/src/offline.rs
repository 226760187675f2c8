//! `cargo xtask offline`: gives a built site the service worker that keeps it for when there is no network.
//!
//! Invariant: the worker knows every other file of the site with its checksum, and its bytes change whenever any of
//! them does, by which a browser knows that there is a new version. Only a site that went through here has one: the
//! page that `cargo xtask serve` shows is never an old one.
//!
//! ```text
//! const VERSION = "3hK2…";
//! const FILES = {"boot.js": "sha256-9fQ…", "index.html": "sha256-Xw…", …};
//! const LATER = {"parquet.js": "sha256-b1…", …};
//! … src/offline.js
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::workspace::Workspace;

/// The worker, here in `src/` and in the site.
const SCRIPT: &str = "offline.js";

/// What the server offers: never kept.
const FEED: &str = "feed.json";

/// Kept when they are used first: a visit without a Parquet file does not need these 4 MB.
const LATER: [&str; 2] = ["parquet.js", "parquet_bg.wasm"];

/// By which `src/boot.js` knows that there is a worker; relative, as everything in the site.
const MARK: &str = "<meta name=\"service-worker\" content=\"offline.js\" />";

/// Checksums by path in the site.
type Files = BTreeMap<String, [u8; 32]>;

pub(crate) fn run(workspace: &Workspace, folder: &str) -> Result<ExitCode> {
    complete(workspace, Path::new(folder))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the worker of the site in `folder`, and into its page that there is one.
pub(crate) fn complete(workspace: &Workspace, folder: &Path) -> Result<()> {
    let script = read(&workspace.root.join("src").join(SCRIPT))?;
    mark(&folder.join("index.html"))?;
    let mut files = Files::new();
    list(folder, "", &mut files)?;
    files.remove(SCRIPT);
    files.remove(FEED);
    write(&folder.join(SCRIPT), &(head(files) + &script))
}

/// Says in the page's head that there is a worker, once.
fn mark(index: &Path) -> Result<()> {
    let page = read(index)?;
    if page.contains(MARK) {
        return Ok(());
    }
    let (before, after) = page
        .split_once("</head>")
        .with_context(|| format!("{} has no </head>, so that Trunk did not build it", index.display()))?;
    write(index, &format!("{before}{MARK}</head>{after}"))
}

/// All files in `folder`, which the site knows as `place`.
fn list(folder: &Path, place: &str, files: &mut Files) -> Result<()> {
    let context = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).with_context(context)?;
        let place = format!("{place}{name}");
        if path.is_dir() {
            list(&path, &format!("{place}/"), files)?;
        } else {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(place, Sha256::digest(bytes).into());
        }
    }
    Ok(())
}

/// What stands before the script.
fn head(mut files: Files) -> String {
    let version = URL_SAFE_NO_PAD.encode(version(&files));
    let later: Files = LATER.iter().filter_map(|name| files.remove_entry(*name)).collect();
    format!(
        "const VERSION = {version:?};\nconst FILES = {};\nconst LATER = {};\n",
        object(&files),
        object(&later)
    )
}

/// Names and checksums in their order, so that the same site has the same version wherever it is built.
fn version(files: &Files) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (name, checksum) in files {
        hasher.update(name);
        hasher.update([0]);
        hasher.update(checksum);
    }
    hasher.finalize().into()
}

/// The files as JavaScript. Their names are our own and plain, as which Rust quotes them as JavaScript does.
fn object(files: &Files) -> String {
    let entries = files.iter().map(|(name, sum)| format!("{name:?}: \"sha256-{}\"", STANDARD.encode(sum)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A site with these files, and the worker that it gets.
    fn worker(files: &[(&str, &str)]) -> String {
        let site = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = site.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let workspace = Workspace::find().unwrap();
        complete(&workspace, site.path()).unwrap();
        let once = read(&site.path().join(SCRIPT)).unwrap();
        complete(&workspace, site.path()).unwrap();
        assert_eq!(once, read(&site.path().join(SCRIPT)).unwrap(), "doing it again changes it");
        once
    }

    const PAGE: (&str, &str) = ("index.html", "<head></head>");

    #[test]
    fn every_file_is_listed_with_its_checksum() {
        let script = worker(&[PAGE, ("samples/a.csv", "time\n"), ("parquet.js", ""), ("feed.json", "{}")]);
        let lines: Vec<&str> = script.lines().take(3).collect();
        // As `printf 'time\n' | openssl dgst -sha256 -binary | base64` has it.
        assert!(
            lines[1].contains(r#""samples/a.csv": "sha256-bgRHU3BQz4cfmraj/sVxX5xv/1IS9mZpk/H8RrH3F6M=""#),
            "{}",
            lines[1]
        );
        assert!(lines[1].contains("index.html") && !lines[1].contains("offline.js"), "{}", lines[1]);
        assert!(!script.contains("\"feed.json\": \"sha256"), "what a server offers is kept");
        assert!(lines[2].starts_with(r#"const LATER = {"parquet.js": "sha256-47DEQpj8HBSa"#), "{}", lines[2]);
        assert!(script.ends_with(&read(&Workspace::find().unwrap().root.join("src/offline.js")).unwrap()));
    }

    #[test]
    fn version_changes_with_any_file() {
        let version = |files: &[_]| worker(files).lines().next().unwrap().to_owned();
        let one = version(&[PAGE, ("worker.js", "1"), ("parquet.js", "1")]);
        assert_eq!(one, version(&[PAGE, ("worker.js", "1"), ("parquet.js", "1")]));
        assert_ne!(one, version(&[PAGE, ("worker.js", "2"), ("parquet.js", "1")]));
        assert_ne!(one, version(&[PAGE, ("worker.js", "1"), ("parquet.js", "2")]), "of a later file too");
        assert_ne!(one, version(&[PAGE, ("worker_.js", "1"), ("parquet.js", "1")]), "of a name too");
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let error = mark(&std::env::temp_dir().join("no/such/index.html")).unwrap_err();
        assert!(format!("{error:#}").contains("index.html"), "{error:#}");
    }
}
