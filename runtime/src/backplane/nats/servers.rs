//! The URLs of servers.

use async_nats::ServerAddr;

use crate::backplane::ConnectError;
use crate::percent::decode_escape;

const EXAMPLE: &str = "nats://127.0.0.1:4222";

/// One server of a URL.
#[derive(Clone)]
pub(super) struct Server {
    /// Without credentials, because the crate logs it.
    pub(super) addr: ServerAddr,
    /// The host and port.
    pub(super) name: String,
    pub(super) credentials: Option<Credentials>,
}

/// What the URL of a server says before the `@`.
#[derive(Clone)]
pub(super) enum Credentials {
    User(String, String),
    Token(String),
}

/// Parses URLs that are separated by commas.
pub(super) fn parse(urls: &str) -> Result<Vec<Server>, ConnectError> {
    let error = |reason| ConnectError::Url { url: redact(urls), example: EXAMPLE, reason };
    urls.split(',').map(|url| server(url.trim()).map_err(error)).collect()
}

fn server(url: &str) -> Result<Server, String> {
    let scheme = url.split_once("://").map_or("nats", |(scheme, _)| scheme);
    if !["nats", "tls"].contains(&scheme) {
        // Not quoted: it may be a part of a password.
        return Err("it begins with neither `nats://` nor `tls://`".to_owned());
    }
    let addr: ServerAddr = url.parse().map_err(|error: std::io::Error| {
        let text = error.to_string();
        text.trim_start_matches("NATS server URL is invalid: ").to_owned()
    })?;
    if addr.host().is_empty() {
        return Err("it has no host".to_owned());
    }
    let credentials = match (addr.username(), addr.password()) {
        (None, None) => None,
        (Some(token), None) => Some(Credentials::Token(decode(token)?)),
        (user, password) => {
            let [user, password] = [user, password].map(|text| decode(text.unwrap_or_default()));
            Some(Credentials::User(user?, password?))
        }
    };
    let is_v6 = addr.host().contains(':');
    let host = if is_v6 { format!("[{}]", addr.host()) } else { addr.host().to_owned() };
    let name = format!("{host}:{}", addr.port());
    let addr = format!("{scheme}://{name}").parse().map_err(|error| format!("{error}"))?;
    Ok(Server { addr, name, credentials })
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match byte {
            b'%' => decode_escape(after).ok_or("a `%` is not followed by two hex digits")?,
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| "the credentials are not UTF-8".to_owned())
}

/// Replaces everything that may be a password, also in what is not a URL.
fn redact(urls: &str) -> String {
    let start = match urls.split_once("://") {
        // Otherwise it is behind credentials, or within them.
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            scheme.len() + 3
        }
        _ => 0,
    };
    let (scheme, rest) = urls.split_at(start);
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}***@{host}"),
        None => urls.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, parse};

    #[test]
    fn a_url_has_servers_and_credentials() {
        let servers = parse("nats://a%20b:p%40ss@one:1, two, tls://t0ken@[::1]:3").ok().unwrap();
        let names: Vec<_> = servers.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["one:1", "two:4222", "[::1]:3"]);
        let Some(Credentials::User(user, password)) = &servers[0].credentials else { panic!() };
        assert_eq!((user.as_str(), password.as_str()), ("a b", "p@ss"));
        assert!(servers[1].credentials.is_none());
        assert!(
            matches!(&servers[2].credentials, Some(Credentials::Token(token)) if token == "t0ken")
        );
        for server in &servers {
            assert!(!server.addr.as_url_str().contains('@'));
        }
        assert!(servers[2].addr.tls_required());
    }

    #[test]
    fn an_error_names_what_is_wrong_without_the_password() {
        for (url, reason) in [
            ("nats://me:secret@host:99999", "invalid port"),
            ("http://me:secret@host", "neither `nats://` nor `tls://`"),
            ("ws://me:secret@host", "neither `nats://` nor `tls://`"),
            ("me:secret@one,nats://two:x", "port"),
            ("me:sec://ret@host", "neither `nats://` nor `tls://`"),
            ("nats://one,me:sec://ret@host", "neither `nats://` nor `tls://`"),
            ("nats://me:sec,secret@host:x", "port"),
            ("me:secret@ho st", "domain"),
            ("nats://me:secret%FF@host", "UTF-8"),
            ("nats://me:secret%4@host", "hex digits"),
            ("nats://me:secret@", "host"),
            ("nats://a,", "host"),
            ("", "host"),
        ] {
            let error = parse(url).err().unwrap_or_else(|| panic!("{url} is accepted")).to_string();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("sec") && !error.contains("ret"), "{error}");
        }
    }
}
