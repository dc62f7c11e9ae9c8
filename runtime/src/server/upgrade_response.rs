//! Checks that a request is a WebSocket handshake (RFC 6455 §4.2.1).

use std::net::SocketAddr;

use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tungstenite::handshake::derive_accept_key;

use super::authority::Authority;
use super::contradiction;
use super::error_response::{ErrorResponse, USES_GET};
use super::not_found::not_found;
use super::path::normalize_uri;
use super::routes::Routes;
use crate::header_list::header_list_contains;
use crate::request::{Mode, Request};
use crate::wire::PROTOCOL_JSON;

/// What a request of HTTP/2 is told that is no extended CONNECT. HTTP/2 has no `Upgrade`, so it is not 426.
const HTTP2_MESSAGE: &str = "this is a WebSocket endpoint; a WebSocket handshake uses GET of HTTP/1.1, or \
                             an extended CONNECT of HTTP/2";

/// Returns the response with status 101 and the host of `request`, or the error response if it is not a
/// WebSocket handshake. The path of `request` is in normal form after that. `local` is the server's address
/// of its connection, if known.
pub(super) fn upgrade_response(
    request: &mut Request,
    local: Option<SocketAddr>,
    routes: &Routes,
) -> Result<(http::Response<()>, Authority), ErrorResponse> {
    check_http(request)?;
    let host = contradiction::check(request)?;
    normalize_path(request)?;
    check_websocket(request).map_err(|error| {
        // For people who open the address in a browser tab: an unknown path is 404 rather than 426. The
        // message names the mounted paths, which pages of other sites must not read.
        let asked = request.uri().path();
        if routes.endpoint(asked).is_some() {
            return error;
        }
        let allowed = routes.rules.check(&host, request.headers(), local, &routes.warnings);
        ErrorResponse::from(&allowed.err().unwrap_or_else(|| not_found(asked, routes)))
    })?;
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept(request.headers())?);
    if request.mode() == Mode::Parlor {
        let protocol = HeaderValue::from_static(PROTOCOL_JSON);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    } else if request.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        // The offers are not logged: one may be a token.
        tracing::debug!(
            peer = ?request.peer_addr(),
            "no offered subprotocol is `{PROTOCOL_JSON}`, so this connection is in plain mode; browsers \
             close it, because the response names none of their offers"
        );
    }
    Ok((response, host))
}

fn check_http(request: &Request) -> Result<(), ErrorResponse> {
    let is_http2 = request.version() == Version::HTTP_2;
    if request.method() != Method::GET {
        return Err(ErrorResponse::wrong_method(if is_http2 { HTTP2_MESSAGE } else { USES_GET }));
    }
    if request.version() != Version::HTTP_11 && !is_http2 {
        return Err(ErrorResponse::wrong_version());
    }
    Ok(())
}

/// So that middleware decides by the path that the procedure is looked up with.
fn normalize_path(request: &mut Request) -> Result<(), ErrorResponse> {
    let too_long = |_| ErrorResponse::new(StatusCode::URI_TOO_LONG, "the path is too long");
    normalize_uri(request.uri_mut()).map_err(too_long)?;
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = request.extensions_mut().get_mut() {
        normalize_uri(uri).map_err(too_long)?;
    }
    Ok(())
}

fn check_websocket(request: &Request) -> Result<(), ErrorResponse> {
    // An extended CONNECT has become a request of HTTP/1.1.
    if request.version() == Version::HTTP_2 {
        return Err(bad_request(HTTP2_MESSAGE));
    }
    let headers = request.headers();
    for (name, element, line) in [
        (header::UPGRADE, "websocket", "Upgrade: websocket"),
        (header::CONNECTION, "upgrade", "Connection: Upgrade"),
    ] {
        if !header_list_contains(headers, name, element) {
            return Err(upgrade_required(format!(
                "this is a WebSocket endpoint, for clients of ws:// or wss://: the request has no \
                 `{line}`, which a proxy must pass on"
            )));
        }
    }
    match headers.get(header::SEC_WEBSOCKET_VERSION) {
        Some(version) if version == "13" => Ok(()),
        Some(_) => Err(upgrade_required("this server speaks version 13 of the WebSocket protocol")
            .with_header(header::SEC_WEBSOCKET_VERSION, "13")),
        None => Err(bad_request("the header `Sec-WebSocket-Version: 13` is missing")
            .with_header(header::SEC_WEBSOCKET_VERSION, "13")),
    }
}

/// RFC 9110 §15.5.22 and §7.8: the response names the protocol in `Upgrade`, and that in `Connection`.
fn upgrade_required(message: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(StatusCode::UPGRADE_REQUIRED, message)
        .with_header(header::UPGRADE, "websocket")
        .with_header(header::CONNECTION, "upgrade")
}

/// The value of `Sec-WebSocket-Accept`.
fn accept(headers: &HeaderMap) -> Result<HeaderValue, ErrorResponse> {
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or_else(|| bad_request("the header `Sec-WebSocket-Key` is missing"))?;
    Some(key.as_bytes())
        .filter(|key| BASE64.decode(key).is_ok_and(|bytes| bytes.len() == 16))
        .and_then(|key| HeaderValue::try_from(derive_accept_key(key)).ok())
        .ok_or_else(|| bad_request("the header `Sec-WebSocket-Key` is not 16 bytes in base64"))
}

fn bad_request(message: &'static str) -> ErrorResponse {
    ErrorResponse::new(StatusCode::BAD_REQUEST, message)
}
