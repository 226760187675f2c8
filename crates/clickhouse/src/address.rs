//! `clickhouse://user@host:port/database?option=value`: where tables are.
//!
//! | option | says | default |
//! |---|---|---|
//! | `tables` | which kinds are written, of `raw,windows,late,alerts,rejected` | all |
//!
//! `clickhouses://` is the same over TLS.

use kappascope_address::{AddressError, Secret, SecretError, no_option, server};
use kappascope_core::Spec;
use kappascope_delivery::Table;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::str::FromStr;

/// ClickHouse's own ports for HTTP, plain and over TLS.
const PORT: u16 = 8123;
const TLS_PORT: u16 = 8443;
const PASSWORD: Secret = Secret("KAPPASCOPE_CLICKHOUSE_PASSWORD");
const KINDS: [&str; 5] = ["raw", "windows", "late", "alerts", "rejected"];

/// Where tables are, and which of them are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    is_secure: bool,
    /// `host:port`.
    host: String,
    pub(crate) user: String,
    pub(crate) database: String,
    /// Kinds of tables; none for all.
    kinds: Option<Vec<String>>,
}

impl Address {
    /// What an address begins with, plain and over TLS.
    pub const SCHEMES: [&str; 2] = ["clickhouse://", "clickhouses://"];

    /// Which tables of a pipeline are written.
    pub(crate) fn chosen(&self, spec: &Spec) -> Vec<Table> {
        let has = |kinds: &Vec<String>, table| kinds.iter().any(|kind| kind == kind_of(table));
        let is_chosen = |table: &Table| self.kinds.as_ref().is_none_or(|kinds| has(kinds, *table));
        Table::of(spec).into_iter().filter(is_chosen).collect()
    }

    pub(crate) fn url(&self) -> String {
        format!("http{}://{}", if self.is_secure { "s" } else { "" }, self.host)
    }

    pub(crate) fn password() -> Result<Option<String>, SecretError> {
        PASSWORD.read()
    }
}

fn kind_of(table: Table) -> &'static str {
    match table {
        Table::Raw => KINDS[0],
        Table::Windows(_) => KINDS[1],
        Table::Late => KINDS[2],
        Table::Alerts => KINDS[3],
        Table::Rejected => KINDS[4],
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = Self::SCHEMES[usize::from(self.is_secure)];
        write!(f, "{scheme}{}@{}/{}", self.user, self.host, self.database)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).map_err(|what| AddressError::new(text, what))
    }
}

fn parse(text: &str) -> Result<Address, String> {
    let [plain, secure] = Address::SCHEMES.map(|scheme| text.strip_prefix(scheme));
    let rest =
        plain.or(secure).ok_or("no address of tables; clickhouse://user@host:port/database would fit")?;
    let is_secure = plain.is_none();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, database) = place.split_once('/').unwrap_or((place, ""));
    let (user, host) = host.rsplit_once('@').unwrap_or(("default", host));
    if user.contains(':') {
        return Err(format!(
            "a password does not belong into an address, which others see; {}",
            PASSWORD.how()
        ));
    }
    let mut kinds = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "tables" => kinds = Some(self::kinds(&value)?),
            "password" => {
                return Err(format!(
                    "`password` does not belong into an address, which others see; {}",
                    PASSWORD.how()
                ));
            }
            name => return Err(no_option(name, ["tables"].into_iter())),
        }
    }
    Ok(Address {
        is_secure,
        host: server(host, if is_secure { TLS_PORT } else { PORT })
            .ok_or_else(|| format!("`{host}` is no server; host:port would fit"))?,
        user: decoded(user, "default"),
        database: decoded(database, "default"),
        kinds,
    })
}

fn decoded(text: &str, or: &str) -> String {
    let text = percent_decode_str(text).decode_utf8_lossy();
    if text.is_empty() { or.to_owned() } else { text.into_owned() }
}

fn kinds(value: &str) -> Result<Vec<String>, String> {
    let kinds: Vec<String> = value.split(',').map(str::to_owned).collect();
    match kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        Some(odd) => Err(format!("`tables` has `{odd}`; some of {} would fit", KINDS.join(","))),
        None => Ok(kinds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let cases = [
            (
                "clickhouse://localhost",
                "clickhouse://default@localhost:8123/default",
                "http://localhost:8123",
            ),
            ("clickhouses://me@db.org/shop", "clickhouses://me@db.org:8443/shop", "https://db.org:8443"),
            ("clickhouse://a%40b@[::1]:99/x%20y", "clickhouse://a@b@[::1]:99/x y", "http://[::1]:99"),
        ];
        for (text, shown, url) in cases {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.url().as_str()), (shown, url));
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_repeated() {
        let cases = [
            ("kafka://a/b", "no address of tables"),
            ("clickhouse://", "`` is no server"),
            ("clickhouse://a:b/x", "`a:b` is no server"),
            ("clickhouse://me:hunter2@a/x", "KAPPASCOPE_CLICKHOUSE_PASSWORD_FILE"),
            ("clickhouse://a/x?password=hunter2", "KAPPASCOPE_CLICKHOUSE_PASSWORD"),
            ("clickhouse://a/x?table=raw", "`tables` would fit best"),
            ("clickhouse://a/x?tables=raw,scores", "has `scores`"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
