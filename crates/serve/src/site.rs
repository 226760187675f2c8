//! The page, as it was in `dist/` when this program was built.

use std::borrow::Cow;

/// A file of the site.
#[derive(Clone, Debug)]
pub struct File {
    /// What is in it.
    pub content: Cow<'static, [u8]>,
    /// Another one for another content.
    pub tag: String,
}

/// Finds the files of a site by their paths.
#[derive(Clone, Copy, Debug)]
pub struct Site(fn(&str) -> Option<File>);

#[derive(rust_embed::RustEmbed)]
#[folder = "../../dist"]
// A binary can be built before the page is; it says so when it is asked for the page.
#[allow_missing = true]
struct Embedded;

impl Site {
    /// A site whose files this gives.
    #[must_use]
    pub fn new(find: fn(&str) -> Option<File>) -> Self {
        Self(find)
    }

    /// The page that this program was built with.
    #[must_use]
    pub fn embedded() -> Self {
        Self(|path| {
            let rust_embed::EmbeddedFile { data, metadata } = Embedded::get(path)?;
            let tag = metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            Some(File { content: data, tag })
        })
    }

    pub(crate) fn find(self, path: &str) -> Option<File> {
        (self.0)(path)
    }
}
