use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host with an optional port, such as the value of `Host`. Two that name the same host by RFC 3986
/// §6.2.2 are equal: letters are lower case, a name has no final dot, an address has one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Authority {
    /// Parses `host` or `host:port`. Returns `None` for anything else, user information included.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // Else the colon is part of an IPv6 address.
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (text, ""),
        };
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        let port =
            if port.is_empty() { None } else { Some(port.parse().ok().filter(|_| is_port)?) };
        Some(Self { host: Host::parse(host)?, port })
    }

    /// The port, or the default port of `scheme`.
    pub(super) fn port_with(&self, scheme: &str) -> Option<u16> {
        self.port.or(match scheme {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        })
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[') {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let is_label = |label: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
            !label.is_empty() && label.bytes().all(is_allowed)
        };
        name.split('.').all(is_label).then_some(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_authorities_are_equal() {
        for [one, other] in [
            ["chat.example", "CHAT.Example."],
            ["chat.example:80", "chat.example.:0080"],
            ["chat.example", "chat.example:"],
            ["[::1]:80", "[0:0:0:0:0:0:0:1]:80"],
            ["127.0.0.1", "[::ffff:127.0.0.1]"],
            ["127.0.0.1", "127.0.0.1."],
        ] {
            let authority = Authority::parse(one);
            assert!(authority.is_some(), "{one}");
            assert_eq!(authority, Authority::parse(other), "{one} {other}");
        }
    }

    #[test]
    fn other_text_is_no_authority() {
        for text in [
            "",
            ".",
            ":80",
            "a..b",
            "a.example..",
            ".a",
            "a b",
            "a,b",
            "a/b",
            "user@a",
            "a:+1",
            "a:65536",
            "a:1:2",
            "::1",
            "[::1",
            "::1]",
            "[a]",
            "[::1]a",
            "[127.0.0.1]",
            "http://a",
            "*",
            "%61",
            "ä",
        ] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
    }
}
