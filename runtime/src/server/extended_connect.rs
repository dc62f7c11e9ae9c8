//! A WebSocket over HTTP/2 (RFC 8441). An extended CONNECT is read as the handshake of HTTP/1.1 that asks for the
//! same, as a proxy translates it (RFC 8441 §5).

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::ext::Protocol;

/// HTTP/2 needs no proof that the server speaks WebSocket.
const ANY_KEY: HeaderValue = HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA==");

/// Returns whether `request` asks for a WebSocket over HTTP/2.
pub(super) fn is_extended_connect(request: &Request<()>) -> bool {
    let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
    request.version() == Version::HTTP_2
        && request.method() == Method::CONNECT
        && protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Adds the header `Host`, which a request of HTTP/2 may have in `:authority` only.
pub(super) fn add_host(request: &mut Request<()>) {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(host) = authority.and_then(|authority| HeaderValue::try_from(authority).ok()) {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
}

/// Turns an extended CONNECT into a handshake of HTTP/1.1.
pub(super) fn into_handshake(request: &mut Request<()>) {
    *request.method_mut() = Method::GET;
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_KEY, ANY_KEY);
}

/// Turns a response into one of HTTP/2.
pub(super) fn into_http2_response(response: &mut Response<Bytes>) {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        *response.status_mut() = StatusCode::OK;
    }
    for name in [header::CONNECTION, header::UPGRADE, header::SEC_WEBSOCKET_ACCEPT] {
        response.headers_mut().remove(name);
    }
}
