//! Where things are in this clone, and which versions its lock file pins.
//!
//! Invariant: a version that Cargo.lock already states is read from there and written nowhere else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::{Command, output};

/// This clone of the repository.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// The clone whose `cargo xtask` is running.
    pub(crate) fn find() -> Result<Self> {
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: start this program with `cargo xtask`")?;
        let root = Path::new(&xtask).parent().context("xtask/ has no parent folder")?;
        Ok(Self { root: root.to_owned() })
    }

    /// The static site that `cargo xtask dist` builds.
    pub(crate) fn site(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// Where cargo builds, whatever its settings.
    pub(crate) fn target_folder(&self) -> Result<PathBuf> {
        let metadata = output(self.cargo(&["metadata", "--no-deps", "--format-version=1", "--offline"]))?;
        let folder =
            json_text(&metadata, "target_directory").context("cargo metadata has no target_directory")?;
        Ok(PathBuf::from(folder))
    }

    /// The release binary `kappascope`.
    pub(crate) fn binary(&self) -> Result<PathBuf> {
        let name = format!("kappascope{}", std::env::consts::EXE_SUFFIX);
        Ok(self.target_folder()?.join("release").join(name))
    }

    /// The version of `package` that Cargo.lock pins.
    pub(crate) fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        locked_version(&lock, package).with_context(|| format!("{} has no package {package}", path.display()))
    }

    /// `cargo ARGS`, run at the root with the toolchain that runs xtask.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(args).current_dir(&self.root);
        cargo
    }
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

/// The text value of `field` in a JSON object that cargo printed. Only the escapes that occur in paths.
fn json_text(json: &str, field: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{field}\":\""))?;
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.76\"\n\n\
                        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.126\"\n";

    #[test]
    fn locked_version_is_that_of_the_very_package() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen").as_deref(), Some("0.2.126"));
        assert_eq!(locked_version(LOCK, "wasm-bind"), None);
    }

    #[test]
    fn json_text_undoes_the_escapes_of_paths() {
        let json = r#"{"target_directory":"C:\\a \"b\"\\target","version":1}"#;
        assert_eq!(json_text(json, "target_directory").as_deref(), Some(r#"C:\a "b"\target"#));
        assert_eq!(json_text(json, "build_directory"), None);
        assert_eq!(json_text(r#"{"target_directory":"cut o"#, "target_directory"), None);
    }
}
