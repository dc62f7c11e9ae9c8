mod cookie;
#[cfg(feature = "server")]
mod query;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use data_encoding::BASE64URL_NOPAD;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
#[cfg(feature = "server")]
use serde::de::DeserializeOwned;

#[cfg(feature = "server")]
pub use self::query::QueryError;
use crate::header_list::header_list;
use crate::wire::{PROTOCOL_BEARER, PROTOCOL_JSON, PROTOCOL_RESUME, Secret, Unrecovered};

/// Headers that only the handshake needs.
const HANDSHAKE_HEADERS: [HeaderName; 4] =
    [header::CONNECTION, header::UPGRADE, header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];

/// The protocol of a connection, chosen by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// No subprotocol: all messages are 2-tuples.
    Plain,
    /// The subprotocol `parlor.v1.json`.
    Parlor,
}

/// The HTTP request of a WebSocket handshake. Middleware and the session factory receive it.
///
/// Middleware can store typed values in its extensions; [`Request::get`] returns them.
#[derive(Clone)]
pub struct Request {
    parts: http::request::Parts,
    peer: Option<SocketAddr>,
    client: Option<IpAddr>,
}

impl Request {
    pub(crate) fn new(request: http::Request<()>, peer: Option<SocketAddr>) -> Self {
        let client = peer.map(|peer| peer.ip().to_canonical());
        Self { parts: request.into_parts().0, peer, client }
    }

    /// The requested path, in normal form (RFC 3986 §6.2.2), and the query. So `/%61dmin` and `/x/../admin`
    /// are `/admin` here. axum looks its own routes up by the path as the client sent it: repeated slashes, dot
    /// segments and encoded letters match no route there.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// The query, without the `?`.
    pub fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// The parameters of the query as a `T`: a struct whose fields are text, numbers, booleans, enums
    /// without fields, or options of those. The factory or the middleware rejects the request with `?`: 400,
    /// or the close code 4506.
    ///
    /// A parameter that is given twice is an error, and so is one that is not UTF-8. Parameters that `T` does not
    /// have are ignored, whatever they are, unless it has `#[serde(deny_unknown_fields)]`. `+` is a space. An
    /// empty value of an `Option` is `None`, for text too. Floats are finite. A map, and a type with
    /// `#[serde(flatten)]`, has all parameters; flattened ones are text, and errors name missing parameters
    /// only. The size of the query is bounded by [`Handshakes::max_request_size`].
    ///
    /// [`Handshakes::max_request_size`]: crate::server::Handshakes::max_request_size
    ///
    /// ```
    /// # use parlor::{Reject, Request};
    /// #[derive(serde::Deserialize)]
    /// struct Query {
    ///     room: String,
    ///     since: Option<u64>,
    /// }
    ///
    /// async fn check_room(mut request: Request) -> Result<Request, Reject> {
    ///     let query: Query = request.query_as()?;
    ///     request.extensions_mut().insert(query.room);
    ///     Ok(request)
    /// }
    /// ```
    #[cfg(feature = "server")]
    pub fn query_as<T: DeserializeOwned>(&self) -> Result<T, QueryError> {
        query::parse(self.query().unwrap_or_default())
    }

    /// The value of the cookie `name`, as it was received but for one pair of quotes around it.
    /// Percent-encoding is not decoded. `None` if there is no such cookie, or if it is not UTF-8.
    ///
    /// If several have this name, the first is returned: browsers send that with the longest path first
    /// (RFC 6265 §5.4). A cookie with an empty value is `Some("")`. A client can send any value: look it up.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use parlor::{Reject, Request};
    /// /// Maps the session cookies that the login has issued to the ids of users.
    /// struct Logins(HashMap<String, u64>);
    ///
    /// impl Logins {
    ///     fn authenticate(&self, mut request: Request) -> Result<Request, Reject> {
    ///         let user = request.cookie("session").and_then(|session| self.0.get(session)).copied();
    ///         let user = user.ok_or_else(|| Reject::unauthorized("log in first"))?;
    ///         request.extensions_mut().insert(user);
    ///         Ok(request)
    ///     }
    /// }
    /// ```
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie::cookie(self.headers(), name)
    }

    /// The headers as they were received, including those that are not UTF-8, without `Connection`,
    /// `Upgrade`, `Sec-WebSocket-Key` and `Sec-WebSocket-Version`, which only the handshake needs.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The remote address of the TCP connection: the client's, or that of a proxy.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The address of the client: that of [`peer_addr`](Self::peer_addr), or if that is one of
    /// [`Router::trusted_proxies`](crate::Router::trusted_proxies), what the proxy says. An IPv4-mapped IPv6
    /// address is given as IPv4. `None` if the peer is not known.
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.client
    }

    #[cfg(feature = "server")]
    pub(super) fn set_client_addr(&mut self, client: IpAddr) {
        self.client = Some(client.to_canonical());
    }

    /// The typed values of this request.
    pub fn extensions(&self) -> &Extensions {
        &self.parts.extensions
    }

    /// The typed values of this request, for middleware to add to.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.parts.extensions
    }

    /// The value of type `T` in the extensions.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.parts.extensions.get::<T>()
    }

    /// The bearer token, from the header `Authorization: Bearer ..`, or from the subprotocol
    /// `parlor.bearer.<base64url>`, which browsers use because they cannot set headers. A request with two
    /// different tokens is answered 400 before any code of yours runs.
    pub fn bearer_token(&self) -> Option<String> {
        let from_header = self
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(bearer)
            .filter(|token| !token.is_empty())
            .and_then(|token| std::str::from_utf8(token).ok().map(str::to_owned));
        from_header.or_else(|| {
            let encoded = self.protocols().find_map(|name| name.strip_prefix(PROTOCOL_BEARER))?;
            String::from_utf8(BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?).ok()
        })
    }

    /// The resume secret, and how many counted frames of the session the client has received. An error if the
    /// client offers to resume what no server has issued.
    pub(crate) fn resume(&self) -> Option<Result<(Secret, u64), Unrecovered>> {
        let resume = self.protocols().find_map(|name| name.strip_prefix(PROTOCOL_RESUME))?;
        Some(parse_resume(resume).ok_or(Unrecovered::Unknown))
    }

    /// The subprotocols that the client offers, in the order of the header. Their names differ in case
    /// (RFC 6455 §4.1).
    fn protocols(&self) -> impl Iterator<Item = &str> {
        header_list(self.headers(), header::SEC_WEBSOCKET_PROTOCOL)
            .filter_map(|name| std::str::from_utf8(name).ok())
    }

    pub(crate) fn mode(&self) -> Mode {
        if self.protocols().any(|name| name == PROTOCOL_JSON) { Mode::Parlor } else { Mode::Plain }
    }

    pub(super) fn uri_mut(&mut self) -> &mut Uri {
        &mut self.parts.uri
    }

    /// Frees memory, because a session keeps its request until it ends.
    pub(super) fn remove_handshake_headers(&mut self) {
        let all = std::mem::take(&mut self.parts.headers);
        let is_kept = |name: &HeaderName| !HANDSHAKE_HEADERS.contains(name);
        self.parts.headers.reserve(all.keys().filter(|name| is_kept(name)).count());
        for name in all.keys().filter(|name| is_kept(name)) {
            for value in all.get_all(name) {
                self.parts.headers.append(name, value.clone());
            }
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    pub(super) fn version(&self) -> Version {
        self.parts.version
    }
}

/// The token of a value of `Authorization` with the scheme `Bearer`.
pub(crate) fn bearer(authorization: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = authorization.as_bytes().split_at_checked("bearer".len())?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(b"bearer") && token.first().is_none_or(u8::is_ascii_whitespace);
    is_bearer.then(|| token.trim_ascii())
}

fn parse_resume(resume: &str) -> Option<(Secret, u64)> {
    let (secret, received) = resume.split_once('.')?;
    // `u64::from_str` accepts a sign.
    let digits = received.bytes().all(|byte| byte.is_ascii_digit());
    let secret = Secret::parse(secret).filter(Secret::is_canonical)?;
    Some((secret, received.parse().ok().filter(|_| digits)?))
}

/// Leaves out headers and query, which may contain secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path", &self.parts.uri.path())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: header::HeaderName, value: &str) -> Request {
        let request = http::Request::builder().header(name, value).body(()).expect("a request");
        Request::new(request, None)
    }

    #[test]
    fn bearer_token_is_read_from_header_and_subprotocol() {
        let header = request(header::AUTHORIZATION, "bearer s3cret");
        assert_eq!(header.bearer_token().as_deref(), Some("s3cret"));
        let offered = "parlor.v1.json, parlor.bearer.czNjcmV0";
        let protocol = request(header::SEC_WEBSOCKET_PROTOCOL, offered);
        assert_eq!(protocol.bearer_token().as_deref(), Some("s3cret"));
        assert_eq!(protocol.mode(), Mode::Parlor);
        for value in ["Basic abc", "Bearer", "Bearers3cret", "s3cret", ""] {
            assert_eq!(request(header::AUTHORIZATION, value).bearer_token(), None, "{value}");
        }
    }

    #[test]
    fn other_headers_are_unchanged_when_handshake_headers_are_removed() {
        let request = http::Request::builder()
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13")
            .header("host", "localhost")
            .header("cookie", "a=1")
            .header("cookie", &b"b=\xff"[..])
            .body(());
        let mut request = Request::new(request.expect("a request"), None);
        request.remove_handshake_headers();
        let headers: Vec<_> = request.headers().iter().collect();
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let kept: [(_, &[u8]); 3] =
            [("host", b"localhost"), ("cookie", b"a=1"), ("cookie", b"b=\xff")];
        assert_eq!(headers, kept);
    }

    #[test]
    fn debug_output_has_no_header_and_no_query() {
        let request = http::Request::builder()
            .uri("/chat?token=s3cret")
            .header(header::AUTHORIZATION, "Bearer s3cret")
            .body(())
            .expect("a request");
        assert!(!format!("{:?}", Request::new(request, None)).contains("s3cret"));
    }
}
