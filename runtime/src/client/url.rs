//! The URL of a procedure, checked before the first attempt.

use http::Uri;

use super::error::ConnectError;

/// A URL that can be dialed.
#[derive(Debug)]
pub(super) struct Url {
    pub(super) uri: Uri,
    /// The host, an IPv6 address in brackets.
    pub(super) host: String,
    /// Host and port.
    pub(super) address: String,
    /// Whether the scheme is `wss`.
    pub(super) is_tls: bool,
}

impl Url {
    /// Fails for what no attempt can use, or would silently ignore.
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        parse(url).map_err(|problem| ConnectError::Url { url: without_secrets(url), problem })
    }
}

fn parse(url: &str) -> Result<Url, String> {
    if url.trim() != url {
        return Err("it begins or ends with white space".to_owned());
    }
    let (scheme, rest) =
        url.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).ok_or("it has no scheme")?;
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "ws" => 80,
        "wss" => 443,
        _ => return Err(format!("its scheme is `{scheme}`")),
    };
    // `http::Uri` drops a fragment, and tungstenite drops the user name and the password.
    if url.contains('#') {
        return Err("it has a fragment, which is never sent".to_owned());
    }
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        let advice = "set `token` or `headers` of the builder instead";
        return Err(format!("it has a user name or a password, which is never sent: {advice}"));
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err("it has no host".to_owned());
    }
    let port = port(authority, default_port).ok_or("its port is not a number from 1 to 65535")?;
    let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let host = uri.host().ok_or("it has no host")?.to_owned();
    let address = format!("{host}:{port}");
    Ok(Url { uri, host, address, is_tls: default_port == 443 })
}

/// Whether it is a scheme by RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}

/// The port of an authority, which is `default` if it has none; `None` if it is not a port.
fn port(authority: &str, default: u16) -> Option<u16> {
    let after_host = authority.rsplit(']').next()?;
    match after_host.rsplit_once(':') {
        None | Some((_, "")) => Some(default),
        Some((_, port)) => port.parse().ok().filter(|port| *port != 0),
    }
}

/// The URL without its query, its fragment, and its user name and password.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.find("://").map_or(("", url), |end| url.split_at(end + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_url_has_its_host_and_port() {
        for (url, host, address, is_tls) in [
            ("ws://localhost", "localhost", "localhost:80", false),
            ("ws://localhost:/chat", "localhost", "localhost:80", false),
            ("WSS://example.org/chat?key=a@b", "example.org", "example.org:443", true),
            ("ws://127.0.0.1:3000?key=/", "127.0.0.1", "127.0.0.1:3000", false),
            ("ws://[::1]", "[::1]", "[::1]:80", false),
            ("wss://[::1]:3000/a:b@c", "[::1]", "[::1]:3000", true),
        ] {
            let parsed = Url::parse(url).unwrap();
            assert_eq!((parsed.host.as_str(), parsed.address.as_str()), (host, address), "{url}");
            assert_eq!(parsed.is_tls, is_tls, "{url}");
        }
    }

    #[test]
    fn unusable_url_has_error_without_secrets() {
        for (url, what) in [
            ("", "`` is not the URL"),
            ("http://host/chat", "its scheme is `http`"),
            ("/chat", "it has no scheme"),
            ("user:secret@host:3000/chat", "`host:3000/chat` is not the URL"),
            ("host/chat?to=ws://secret", "`host/chat` is not the URL"),
            ("ws://", "it has no host"),
            ("ws://host/a b?token=secret", "`ws://host/a b` is not the URL"),
            ("ws://user:secret@host/chat", "`ws://host/chat` is not the URL"),
            ("ws://host/chat#secret", "`ws://host/chat` is not the URL"),
            ("ws://::1:3000/chat", "`ws://::1:3000/chat` is not the URL"),
        ] {
            let error = Url::parse(url).map(drop).unwrap_err().to_string();
            assert!(error.contains(what), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
