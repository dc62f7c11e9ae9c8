//! Checks of the `Origin` and `Host` headers.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::reject::Reject;
use crate::wire::CloseCode;

/// The `Origin` and `Host` values that a router allows.
#[derive(Debug, Clone, Default)]
pub(super) struct OriginRules {
    pub(super) origins: Vec<String>,
    pub(super) any_origin: bool,
    pub(super) hosts: Vec<String>,
}

impl OriginRules {
    /// Rejects requests from pages of other sites, and requests for hosts that are not this
    /// server's.
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        local: Option<SocketAddr>,
    ) -> Result<(), Reject> {
        let host = text(headers.get(header::HOST)).unwrap_or_default();
        self.check_host(host, local)?;
        match headers.get(header::ORIGIN) {
            // Not a browser: browsers send an `Origin` with each WebSocket handshake.
            None => Ok(()),
            Some(origin) => self.check_origin(text(Some(origin)).unwrap_or("?"), host),
        }
    }

    fn check_host(&self, host: &str, local: Option<SocketAddr>) -> Result<(), Reject> {
        let Some(name) =
            host.parse::<Authority>().ok().map(|authority| authority.host().to_owned())
        else {
            return Err(Reject::new(StatusCode::BAD_REQUEST, CloseCode::ORIGIN, "no valid Host"));
        };
        let allowed = if self.hosts.is_empty() {
            // Another name that resolves to a loopback address is a sign of DNS rebinding.
            !local.is_some_and(|local| local.ip().to_canonical().is_loopback())
                || is_loopback_name(&name)
        } else {
            self.hosts.iter().any(|allowed| {
                allowed.eq_ignore_ascii_case(&name) || allowed.eq_ignore_ascii_case(host)
            })
        };
        if allowed {
            return Ok(());
        }
        tracing::warn!(
            host,
            "rejected: this Host is not allowed; if it is yours, add `.allow_hosts([\"{name}\"])` to the router"
        );
        Err(Reject::new(StatusCode::FORBIDDEN, CloseCode::ORIGIN, "this Host is not allowed"))
    }

    fn check_origin(&self, origin: &str, host: &str) -> Result<(), Reject> {
        let allowed = self.any_origin
            || self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
            || is_same_host(origin, host);
        if allowed {
            return Ok(());
        }
        tracing::warn!(
            origin,
            host,
            "rejected: this Origin is not allowed; if it is yours, add `.allow_origins([\"{origin}\"])` to the router"
        );
        Err(Reject::new(StatusCode::FORBIDDEN, CloseCode::ORIGIN, "this Origin is not allowed"))
    }
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

fn is_loopback_name(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Returns whether the page was served by this host, over `http` or `https`: a proxy may have
/// terminated TLS. A missing port is the default port of the origin's scheme.
fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let split = |authority: &str| {
        let authority: Authority = authority.parse().ok()?;
        Some((authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(default_port)))
    };
    match (split(authority), split(host)) {
        (Some(origin), Some(host)) => origin == host,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &OriginRules, host: &str, origin: Option<&str>, local: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a host"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
        }
        rules.check(&headers, Some(local.parse().expect("an address"))).is_ok()
    }

    #[test]
    fn own_origin_and_missing_origin_are_allowed() {
        let rules = OriginRules::default();
        let local = "10.0.0.1:80";
        assert!(check(&rules, "chat.example", None, local));
        assert!(check(&rules, "chat.example", Some("https://chat.example"), local));
        assert!(check(&rules, "chat.example:8080", Some("http://chat.example:8080"), local));
        for origin in
            ["null", "https://evil.example", "http://chat.example:81", "file://", "chat.example"]
        {
            assert!(!check(&rules, "chat.example", Some(origin), local), "{origin}");
        }
    }

    #[test]
    fn only_listed_foreign_origins_are_allowed() {
        let rules = OriginRules {
            origins: vec!["https://app.example".to_owned()],
            ..OriginRules::default()
        };
        assert!(check(&rules, "api.example", Some("https://app.example"), "10.0.0.1:80"));
        assert!(!check(&rules, "api.example", Some("http://app.example"), "10.0.0.1:80"));
        assert!(!check(&rules, "api.example", Some("null"), "10.0.0.1:80"));
    }

    #[test]
    fn server_on_loopback_address_accepts_only_loopback_hosts() {
        let rules = OriginRules::default();
        // The last is an IPv4 address on a dual-stack socket.
        for local in ["127.0.0.1:3000", "[::1]:3000", "[::ffff:127.0.0.1]:3000"] {
            for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "app.localhost"] {
                assert!(check(&rules, host, None, local), "{host} at {local}");
            }
            assert!(!check(&rules, "rebound.example:3000", None, local), "{local}");
        }
        let rules =
            OriginRules { hosts: vec!["chat.example".to_owned()], ..OriginRules::default() };
        assert!(check(&rules, "chat.example", None, "127.0.0.1:3000"));
        assert!(!check(&rules, "localhost:3000", None, "127.0.0.1:3000"));
    }
}
