//! Why a Parquet file cannot be read, in a sentence that says what would help.

use parquet::errors::ParquetError as Cause;

/// Why a Parquet file cannot be read, in a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParquetError(Kind);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Kind {
    #[error("the file is no Parquet: it does not begin with `PAR1`")]
    NotParquet,
    #[error(
        "the Parquet file does not end with `PAR1`, which follows its index: it is cut short or still \
         being written; copy it again once it is complete"
    )]
    CutShort,
    #[error("the Parquet file is encrypted; write it out without encryption")]
    Encrypted,
    #[error("the Parquet file says that its index has {bytes} bytes, where {fits}; it is damaged")]
    FooterSize { bytes: u64, fits: String },
    #[error("the index of the Parquet file cannot be read: {0}; it is damaged, write it anew")]
    Index(String),
    #[error("the index of the Parquet file has {0}; it is damaged, write it anew")]
    Lie(String),
    #[error("column `{column}` {what}")]
    Column { column: String, what: String },
    #[error("row group {group} of the Parquet file: {cause}; the file is damaged, write it anew")]
    Group { group: usize, cause: String },
    #[error("{0}")]
    Source(String),
}

impl ParquetError {
    /// Whether a column is at fault that the schema names: another schema would read the file.
    #[must_use]
    pub fn is_schema(&self) -> bool {
        matches!(self.0, Kind::Column { .. })
    }
}

impl From<Kind> for ParquetError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

/// What the library says, without the name of its kind and on one line.
pub(crate) fn told(cause: &Cause) -> String {
    let text = match cause {
        Cause::General(text) | Cause::NYI(text) | Cause::EOF(text) | Cause::ArrowError(text) => text.clone(),
        other => other.to_string(),
    };
    plain(&text)
}

/// A message without the names of the layers that it came through, on one line.
pub(crate) fn plain(text: &str) -> String {
    let layers = ["Parquet argument error:", "Parquet error:", "External error:", "External:", "EOF:"];
    let mut text = text.trim();
    while let Some(rest) = layers.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = rest.trim();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
