//! What a URL says of a server.

use std::fmt;
use std::path::PathBuf;
#[cfg(feature = "rustls")]
use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};

use super::super::ConnectError;
#[cfg(feature = "rustls")]
use super::failure::Failure;

const EXAMPLE: &str = "redis://user:password@host:6379";
/// The usual reason why a URL with a password cannot be parsed.
const ENCODING: &str =
    "`@`, `:`, `/`, `?` and `#` in a user name or a password are percent-encoded";
const HIDDEN: &str = "***";

/// A server, and how to log in there. Its `Display` is the host and port, or the path.
pub(super) struct Address {
    pub(super) place: Place,
    pub(super) is_secure: bool,
    pub(super) login: RedisConnectionInfo,
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
}

pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ConnectError> {
        let wrong = |reason: String| ConnectError::Url {
            url: without_secrets(text),
            example: EXAMPLE,
            reason,
        };
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(wrong("it has no scheme".to_owned()));
        };
        let (is_secure, plain_scheme) = match scheme {
            "redis" | "valkey" => (false, "redis"),
            "rediss" | "valkeys" => (true, "redis"),
            "unix" | "redis+unix" | "valkey+unix" => (false, "unix"),
            _ => return Err(wrong("it begins with none of `redis`, `rediss`, `unix`".to_owned())),
        };
        if is_secure && cfg!(not(feature = "rustls")) {
            let reason =
                "TLS needs the feature `rustls` of the crate `parlor`: enable it in Cargo.toml";
            return Err(wrong(reason.to_owned()));
        }
        // The crate also reads `#insecure` and `?protocol=resp2`. Neither is for Parlor.
        if text.contains('#') {
            return Err(wrong(format!("it has a `#`; {ENCODING}")));
        }
        let Some(mut url) = redis::parse_redis_url(text) else {
            return Err(wrong(ENCODING.to_owned()));
        };
        // Parlor opens TLS itself, so that both features of the build and the errors are its own.
        let is_set = url.set_scheme(plain_scheme).is_ok();
        debug_assert!(is_set, "both schemes are none of the special ones");
        url.set_query(url.query().filter(|_| plain_scheme == "unix").map(str::to_owned).as_deref());
        let info = url.into_connection_info().map_err(|error| {
            // All errors of this function have constant texts, but one, whose detail is a part of the URL.
            let text = error.to_string();
            wrong(text.split(" - ").next().unwrap_or_default().to_owned())
        })?;
        let place = match info.addr().clone() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp { host, port },
            ConnectionAddr::Unix(path) => Place::Unix(path),
            _ => return Err(wrong("it names neither a host nor a path".to_owned())),
        };
        let login = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3)
            // These commands have no use here, and a user may lack the permission.
            .set_skip_set_lib_name()
            .set_db(0);
        Ok(Self {
            place,
            is_secure,
            login,
            #[cfg(feature = "rustls")]
            tls: None,
        })
    }

    /// With Mozilla's roots, if the URL asks for TLS.
    #[cfg(feature = "rustls")]
    pub(super) fn with_default_tls(self) -> Result<Self, ConnectError> {
        if !self.is_secure {
            return Ok(self);
        }
        match crate::tls::default_config() {
            Ok(config) => Ok(Self { tls: Some(config), ..self }),
            Err(error) => Err(Failure::Tls(error.to_string()).into_error(&self)),
        }
    }

    #[cfg(feature = "rustls")]
    pub(super) fn with_tls(self, config: Arc<rustls::ClientConfig>) -> Result<Self, ConnectError> {
        if !self.is_secure {
            let reason = "the URL does not begin with `rediss://`";
            return Err(Failure::Tls(reason.to_owned()).into_error(&self));
        }
        Ok(Self { tls: Some(config), ..self })
    }

    /// A text of the server, without the password, and no longer than 200 characters.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = match self.login.password() {
            Some(password) if !password.is_empty() => text.replace(password, HIDDEN),
            _ => text.to_owned(),
        };
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A URL that may be wrong in any way, without what may be a password or, in its place, a user name.
fn without_secrets(url: &str) -> String {
    let start = match url.split_once("://") {
        // Otherwise it is behind credentials, or within them.
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') => {
            scheme.len() + 3
        }
        _ => 0,
    };
    let (scheme, rest) = url.split_at(start);
    let query = rest.find('?').unwrap_or(rest.len());
    let shown = match rest.rfind('@') {
        Some(at) if at > query => return format!("{scheme}{HIDDEN}"),
        Some(at) => format!("{HIDDEN}{}", &rest[at..query]),
        None => rest[..query].to_owned(),
    };
    let hidden = if query < rest.len() { format!("?{HIDDEN}") } else { String::new() };
    format!("{scheme}{shown}{hidden}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Address::parse(url).err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn accepted(url: &str) -> (String, Option<String>, Option<String>) {
        let address = Address::parse(url).unwrap_or_else(|error| panic!("{error}"));
        let login = &address.login;
        assert_eq!((login.db(), login.protocol()), (0, ProtocolVersion::RESP3));
        (
            address.to_string(),
            login.username().map(str::to_owned),
            login.password().map(str::to_owned),
        )
    }

    #[test]
    fn url_names_server_and_login() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(accepted("redis://localhost"), ("localhost:6379".to_owned(), None, None));
        assert_eq!(accepted("redis://[::1]:7000/3").0, "[::1]:7000");
        assert_eq!(accepted("valkey://host:1?protocol=resp2").0, "host:1");
        assert_eq!(
            accepted("redis://user:p%40ss%2F@host:1"),
            ("host:1".to_owned(), some("user"), some("p@ss/"))
        );
        assert_eq!(accepted("redis://:secret@host").2, some("secret"));
        assert_eq!(
            accepted("unix:///run/redis.sock?user=u&pass=secret"),
            ("/run/redis.sock".to_owned(), some("u"), some("secret"))
        );
    }

    #[test]
    fn wrong_url_is_refused_without_its_password() {
        for (url, reason) in [
            ("127.0.0.1:6379", "it has no scheme"),
            ("user:XqZk@host:6379", "it has no scheme"),
            ("http://user:XqZk@host", "it begins with none of `redis`"),
            ("redis://:XqZk@", "host"),
            ("redis://user:Xq/Zk@host:6379", "percent-encoded"),
            ("redis://user:Xq#Zk@host:6379", "percent-encoded"),
            ("redis://user:XqZk@host:port", "percent-encoded"),
            ("redis://user:XqZk@host:6379/name", "database number"),
            ("redis://0.0.0.0:6379", "wildcard"),
            ("redis://user:XqZk@host/#insecure", "it has a `#`"),
            ("unix://?pass=XqZk", "path"),
            ("unix://?pass=Xq@Zk", "path"),
            ("user:XqZk@one,redis://two", "it begins with none of `redis`"),
            ("user:Xq://Zk@host", "it begins with none of `redis`"),
            ("http://user:Xq?Zk@host", "it begins with none of `redis`"),
        ] {
            let message = refused(url);
            assert!(message.contains(reason), "{url}: {message}");
            assert!(message.contains(EXAMPLE), "{url}: {message}");
            assert!(!message.contains("Xq") && !message.contains("Zk"), "{url}: {message}");
        }
    }

    #[cfg(not(feature = "rustls"))]
    #[test]
    fn tls_needs_its_feature() {
        assert!(refused("rediss://host").contains("feature `rustls`"));
    }

    #[test]
    fn text_of_server_has_no_password() {
        let address =
            Address::parse("redis://:secret@host").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(address.clean("unknown `secret`\r\n"), "unknown `***`  ");
    }
}
