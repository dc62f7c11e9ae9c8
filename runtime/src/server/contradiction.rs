//! Requests that contradict themselves. A proxy may have read another value than this server would, so
//! nothing is decided by them.

use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderName, StatusCode, header};

use super::authority::Authority;
use super::error_response::ErrorResponse;
use crate::header_list::header_list;
use crate::request::{Request, bearer};
use crate::wire::{PROTOCOL_BEARER, PROTOCOL_RESUME};

/// Header fields that a request has once at most (RFC 9112 §3.2, RFC 6455 §4.2.1, RFC 9110 §5.3).
const SINGLE_FIELDS: [HeaderName; 6] = [
    header::HOST,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::ORIGIN,
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
];

/// Subprotocols that a client offers once at most.
const SINGLE_OFFERS: [&str; 2] = [PROTOCOL_RESUME, PROTOCOL_BEARER];

/// Returns the host of `request`. Fails if it has none or two, two values for one thing, or a body.
pub(super) fn check(request: &Request) -> Result<Authority, ErrorResponse> {
    let headers = request.headers();
    for name in &SINGLE_FIELDS {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(bad_request(format!("the request has several `{name}` headers")));
        }
    }
    let host = check_host(request)?;
    check_body(headers)?;
    check_credentials(headers)?;
    Ok(host)
}

/// Compares the host of a request target in absolute form with the header.
fn check_host(request: &Request) -> Result<Authority, ErrorResponse> {
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.and_then(Authority::parse) else {
        return Err(bad_request("the request has no valid Host"));
    };
    if !uri.path().starts_with('/') {
        return Err(bad_request("the request target is not a path"));
    }
    let (Some(authority), Some(scheme)) = (uri.authority(), uri.scheme_str()) else {
        return Ok(host);
    };
    let is_same = Authority::parse(authority.as_str()).is_some_and(|authority| {
        authority.host == host.host && authority.port_with(scheme) == host.port_with(scheme)
    });
    if is_same { Ok(host) } else { Err(bad_request("the request target contradicts the Host")) }
}

/// The bytes of a body would be read as frames.
fn check_body(headers: &HeaderMap) -> Result<(), ErrorResponse> {
    let has_length = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if has_length || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(bad_request("a WebSocket handshake has no body"));
    }
    Ok(())
}

/// Compares bytes: a value that is not text is a value too.
fn check_credentials(headers: &HeaderMap) -> Result<(), ErrorResponse> {
    let offers = |prefix: &'static str| {
        header_list(headers, header::SEC_WEBSOCKET_PROTOCOL)
            .filter_map(move |name| name.strip_prefix(prefix.as_bytes()))
    };
    for prefix in SINGLE_OFFERS {
        if offers(prefix).nth(1).is_some() {
            return Err(bad_request(format!("the request offers several `{prefix}` subprotocols")));
        }
    }
    let Some(token) = headers.get(header::AUTHORIZATION).and_then(bearer) else {
        return Ok(());
    };
    // A proxy has joined two lines: tokens have no comma (RFC 6750 §2.1).
    if token.contains(&b',') {
        return Err(bad_request("the request has several tokens in its `authorization` header"));
    }
    let encoded = BASE64URL_NOPAD.encode(token);
    if offers(PROTOCOL_BEARER).any(|offered| offered != encoded.as_bytes()) {
        let message = "the subprotocol `parlor.bearer.` contradicts the `authorization` header";
        return Err(bad_request(message));
    }
    Ok(())
}

fn bad_request(message: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(StatusCode::BAD_REQUEST, message)
}
