//! What addresses of brokers and databases share: secrets outside of them, options by name, errors.
//!
//! **Invariant:** an address is seen by others, in lists of processes and in logs, so it holds no secret, and an error
//! about one that does repeats neither what stands before an `@` nor what comes after a `?`.

/// Why something is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct AddressError {
    place: String,
    what: String,
}

impl AddressError {
    /// What is wrong with an address, and what would fit.
    #[must_use]
    pub fn new(address: &str, what: String) -> Self {
        let shown = address.split('?').next().unwrap_or(address);
        let place = match shown.rsplit_once('@') {
            Some((_, rest)) => format!("…@{rest}"),
            None => shown.to_owned(),
        };
        Self { place, what }
    }
}

/// Where a secret is read from: an environment variable, or the file that another of this name with `_FILE` names.
#[derive(Clone, Copy, Debug)]
pub struct Secret(pub &'static str);

/// A file that should hold a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}; {variable} names it")]
pub struct SecretError {
    path: String,
    variable: String,
    error: std::io::Error,
}

impl Secret {
    /// Reads it; none when neither is set.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(self) -> Result<Option<String>, SecretError> {
        if let Ok(secret) = std::env::var(self.0) {
            return Ok(Some(secret));
        }
        let variable = self.file();
        let Ok(path) = std::env::var(&variable) else { return Ok(None) };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Err(SecretError { path, variable, error }),
        }
    }

    /// How to give it, for messages.
    #[must_use]
    pub fn how(self) -> String {
        format!("set {}, or {} to a file that holds it", self.0, self.file())
    }

    fn file(self) -> String {
        format!("{}_FILE", self.0)
    }
}

/// A server with its port, or with the one that it has when none is said; none if the text is no server.
#[must_use]
pub fn server(text: &str, port: u16) -> Option<String> {
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address has colons of its own.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (text, port),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
    let is_host =
        !host.is_empty() && host.chars().all(is_plain) && (!host.contains(':') || host.starts_with('['));
    (is_host && port > 0).then(|| format!("{host}:{port}"))
}

/// That there is no such option, and which is most like it.
#[must_use]
pub fn no_option<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let likeness = |known: &&str| strsim::jaro_winkler(known, name);
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    format!("no option `{name}`; `{}` would fit best", nearest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_what_may_be_secret() {
        let error = AddressError::new("db://me:hunter2@host/x?password=hunter3", "it is wrong".to_owned());
        assert_eq!(error.to_string(), "…@host/x: it is wrong");
    }

    #[test]
    fn the_option_most_like_it_is_named() {
        let known = ["group", "offset", "epoch"];
        assert_eq!(no_option("ofset", known.into_iter()), "no option `ofset`; `offset` would fit best");
    }
}
