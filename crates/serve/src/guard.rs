//! Who may ask.
//!
//! A browser sends requests to this machine for any page that it shows. So a name that is not this server's is
//! refused, which stops pages that give themselves this machine's address (DNS rebinding), and so is the origin of
//! another page on a WebSocket, which browsers let through otherwise.
//!
//! **Invariant:** what can be reached from other machines has a [`Secret`].

use crate::ServeError;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use subtle::ConstantTimeEq as _;

/// 16 random bytes in hexadecimal are twice as long; what people make up is not much shorter.
pub(crate) const LEAST_TOKEN_BYTES: usize = 16;

/// The cookie in which a browser keeps the token.
pub(crate) const TOKEN_COOKIE: &str = "kappascope_token";

/// A token, which is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A token that is long enough, of letters, digits and `-_.~`, which pass through an address unchanged.
    pub fn new(token: impl Into<String>) -> Result<Self, ServeError> {
        let token = token.into();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        match token.len() {
            _ if !token.bytes().all(plain) => Err(ServeError::OddToken),
            length if length < LEAST_TOKEN_BYTES => Err(ServeError::ShortToken(length)),
            _ => Ok(Self(token)),
        }
    }

    /// Whether somebody knows it. How long that takes tells nothing.
    pub(crate) fn is(&self, said: &str) -> bool {
        self.0.as_bytes().ct_eq(said.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Lets requests in, or not.
#[derive(Clone, Debug)]
pub struct Guard {
    token: Option<Secret>,
    names: Vec<String>,
    listen: IpAddr,
}

impl Guard {
    /// A guard for what listens on this address. Beside the address itself, the server is known by these names,
    /// such as that of the proxy before it.
    pub fn new(listen: SocketAddr, token: Option<Secret>, names: Vec<String>) -> Result<Self, ServeError> {
        if token.is_none() && !listen.ip().is_loopback() {
            return Err(ServeError::Open(listen));
        }
        Ok(Self { token, names, listen: listen.ip() })
    }

    /// The token that has to be known, if any.
    pub(crate) fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Whether a request may be answered; with what it is refused otherwise.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let host = value(headers, HOST).unwrap_or_default();
        if !self.is_own(name_of(host)) {
            return Err((StatusCode::MISDIRECTED_REQUEST, "This server is not known by that name.\n"));
        }
        if let Some(origin) = value(headers, ORIGIN)
            && origin.split_once("://").map(|(_, origin)| origin) != Some(host)
        {
            return Err((StatusCode::FORBIDDEN, "Another site may not ask this server.\n"));
        }
        match &self.token {
            Some(token) if !said(headers).any(|said| token.is(said)) => {
                Err((StatusCode::UNAUTHORIZED, "A token is needed: open the address with ?token=… once.\n"))
            }
            _ => Ok(()),
        }
    }

    fn is_own(&self, name: &str) -> bool {
        if self.names.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return true;
        }
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            // Whoever listens on all addresses has any.
            Ok(address) => address == self.listen || address.is_loopback() || self.listen.is_unspecified(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// The name in `name:port`.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The tokens that a request brings: as a program does, or as a browser does.
fn said(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let bearer = value(headers, AUTHORIZATION).and_then(|said| said.strip_prefix("Bearer "));
    let cookies = value(headers, COOKIE).unwrap_or_default().split(';');
    let kept = cookies.filter_map(|cookie| cookie.trim().strip_prefix(TOKEN_COOKIE)?.strip_prefix('='));
    bearer.into_iter().chain(kept)
}

fn value(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn guard(listen: &str, token: Option<&str>, names: &[&str]) -> Guard {
        let token = token.map(|token| Secret::new(token).unwrap());
        Guard::new(listen.parse().unwrap(), token, names.iter().map(|name| (*name).to_owned()).collect())
            .unwrap()
    }

    fn answer(guard: &Guard, headers: &[(&'static str, &str)]) -> Option<u16> {
        let map =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        guard.check(&map).err().map(|(status, _)| status.as_u16())
    }

    #[test]
    fn names_that_are_not_its_own_are_refused() {
        let local = guard("127.0.0.1:8080", None, &[]);
        for host in ["127.0.0.1:8080", "localhost:8080", "LocalHost", "[::1]:8080", "127.0.0.1"] {
            assert_eq!(answer(&local, &[("host", host)]), None, "{host}");
        }
        for host in
            ["evil.example:8080", "192.168.1.5:8080", "", "127.0.0.1.evil.example", "localhost.evil.example"]
        {
            assert_eq!(answer(&local, &[("host", host)]), Some(421), "{host}");
        }
        assert_eq!(answer(&local, &[]), Some(421));
        let named = guard("0.0.0.0:80", Some(TOKEN), &["streams.example"]);
        let bearer = ("authorization", "Bearer 0123456789abcdef");
        assert_eq!(answer(&named, &[("host", "streams.example"), bearer]), None);
        assert_eq!(answer(&named, &[("host", "192.168.1.5:80"), bearer]), None);
        assert_eq!(answer(&named, &[("host", "other.example"), bearer]), Some(421));
    }

    #[test]
    fn other_origins_are_refused() {
        let local = guard("127.0.0.1:8080", None, &[]);
        let from = |origin| answer(&local, &[("host", "localhost:8080"), ("origin", origin)]);
        assert_eq!(from("http://localhost:8080"), None);
        for origin in
            ["http://evil.example", "http://localhost:9090", "null", "http://localhost:8080.evil.example"]
        {
            assert_eq!(from(origin), Some(403), "{origin}");
        }
    }

    #[test]
    fn a_token_is_asked_for_and_never_shown() {
        let open = "192.168.1.5:8080".parse().unwrap();
        assert!(matches!(Guard::new(open, None, Vec::new()), Err(ServeError::Open(_))));
        assert!(matches!(Secret::new("short"), Err(ServeError::ShortToken(5))));
        assert!(matches!(Secret::new("0123456789abcdef; Path=/"), Err(ServeError::OddToken)));
        let guard = guard("192.168.1.5:8080", Some(TOKEN), &[]);
        let host = ("host", "192.168.1.5:8080");
        assert_eq!(answer(&guard, &[host]), Some(401));
        assert_eq!(answer(&guard, &[host, ("authorization", "Bearer 0123456789abcdeF")]), Some(401));
        assert_eq!(answer(&guard, &[host, ("authorization", "Bearer 0123456789abcdef")]), None);
        assert_eq!(answer(&guard, &[host, ("cookie", "a=b; kappascope_token=0123456789abcdef")]), None);
        assert_eq!(answer(&guard, &[host, ("cookie", "kappascope_tokens=0123456789abcdef")]), Some(401));
        assert!(!format!("{guard:?}").contains(TOKEN));
    }
}
