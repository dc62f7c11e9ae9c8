//! Checks of the `Origin` and `Host` headers.

use std::net::SocketAddr;

use http::{HeaderMap, StatusCode, header};

use super::authority::{Authority, Host};
use super::log_limit::LogLimit;
use super::origin::Origin;
use crate::reject::Reject;
use crate::wire::CloseCode;

const WRONG_HOST: &str = "this Host is not allowed";
const WRONG_ORIGIN: &str = "this Origin is not allowed";

/// The `Origin` and `Host` values that a router allows.
#[derive(Debug, Clone, Default)]
pub(super) struct OriginRules {
    pub(super) origins: Vec<Origin>,
    pub(super) any_origin: bool,
    pub(super) hosts: Vec<Authority>,
}

impl OriginRules {
    /// Rejects requests from pages of other sites, and requests for hosts that are not this
    /// server's. `host` is that of the request.
    pub(super) fn check(
        &self,
        host: &Authority,
        headers: &HeaderMap,
        local: Option<SocketAddr>,
        warnings: &LogLimit,
    ) -> Result<(), Reject> {
        self.check_host(host, local, warnings)?;
        match headers.get(header::ORIGIN) {
            // Not a browser: browsers send an `Origin` with each WebSocket handshake.
            None => Ok(()),
            Some(origin) => self.check_origin(origin.to_str().unwrap_or("?"), host, warnings),
        }
    }

    fn check_host(
        &self,
        host: &Authority,
        local: Option<SocketAddr>,
        warnings: &LogLimit,
    ) -> Result<(), Reject> {
        let allowed = if self.hosts.is_empty() {
            // Another name that resolves to a loopback address is a sign of DNS rebinding.
            !local.is_some_and(|local| local.ip().to_canonical().is_loopback())
                || is_loopback(&host.host)
        } else {
            self.hosts.iter().any(|allowed| is_match(allowed, host))
        };
        if allowed {
            return Ok(());
        }
        let name = &host.host;
        warnings.log(
            WRONG_HOST,
            format_args!("{name}: if it is yours, add `.allow_hosts([\"{name}\"])` to the router"),
        );
        Err(Reject::new(StatusCode::FORBIDDEN, CloseCode::ORIGIN, WRONG_HOST))
    }

    fn check_origin(
        &self,
        origin: &str,
        host: &Authority,
        warnings: &LogLimit,
    ) -> Result<(), Reject> {
        let parsed = Origin::parse(origin);
        let is_allowed =
            |origin: &Origin| self.origins.contains(origin) || is_same_host(origin, host);
        if self.any_origin || parsed.as_ref().is_ok_and(is_allowed) {
            return Ok(());
        }
        let hint = match parsed {
            Ok(Origin::Null) => "any page can send `null`, from a sandboxed frame".to_owned(),
            Ok(Origin::File) => "any local file sends it".to_owned(),
            Ok(Origin::Page { .. }) => {
                format!("if it is yours, add `.allow_origins([\"{origin}\"])` to the router")
            }
            Err(problem) => format!("it {problem}"),
        };
        warnings.log(WRONG_ORIGIN, format_args!("{origin} at the host {}: {hint}", host.host));
        Err(Reject::new(StatusCode::FORBIDDEN, CloseCode::ORIGIN, WRONG_ORIGIN))
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Address(address) => address.is_loopback(),
    }
}

/// Returns whether `host` is the allowed one, with any port if that has none. A missing port of `host` is
/// the default port of `http` or `https`: a proxy may have terminated TLS.
fn is_match(allowed: &Authority, host: &Authority) -> bool {
    let is_port = match (allowed.port, host.port) {
        (None, _) | (Some(80 | 443), None) => true,
        (allowed, port) => allowed == port,
    };
    is_port && allowed.host == host.host
}

/// Returns whether the page was served by this host, over `http` or `https`: a proxy may have
/// terminated TLS. A missing port is the default port of the origin's scheme.
fn is_same_host(origin: &Origin, host: &Authority) -> bool {
    let Origin::Page { scheme, authority } = origin else { return false };
    matches!(scheme.as_str(), "http" | "https")
        && authority.host == host.host
        && authority.port == host.port_with(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &OriginRules, host: &str, origin: Option<&str>, local: &str) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
        }
        let host = Authority::parse(host).expect("a host");
        let local = Some(local.parse().expect("an address"));
        rules.check(&host, &headers, local, &LogLimit::default()).is_ok()
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
            origins: vec![Origin::parse("https://app.example").expect("an origin")],
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
        let rules = OriginRules {
            hosts: Authority::parse("chat.example").into_iter().collect(),
            ..OriginRules::default()
        };
        assert!(check(&rules, "chat.example", None, "127.0.0.1:3000"));
        assert!(!check(&rules, "localhost:3000", None, "127.0.0.1:3000"));
    }
}
