//! Checks that a request is a WebSocket handshake (RFC 6455 §4.2.1).

use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tungstenite::handshake::derive_accept_key;

use super::contradiction;
use super::error_response::ErrorResponse;
use super::not_found::not_found;
use super::routes::Routes;
use crate::header_list::header_list_contains;
use crate::request::{Mode, Request};
use crate::wire::PROTOCOL_JSON;

/// Returns the response with status 101, or the error response if `request` is not a WebSocket
/// handshake.
pub(super) fn upgrade_response(
    request: &Request,
    routes: &Routes,
) -> Result<http::Response<()>, ErrorResponse> {
    check_http(request)?;
    contradiction::check(request)?;
    // For people who open the address in a browser tab: an unknown path is 404 rather than 426.
    let asked = request.uri().path();
    check_websocket(request.headers()).map_err(|error| match routes.endpoint(asked) {
        None => ErrorResponse::from(&not_found(asked, routes)),
        Some(_) => error,
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
    }
    Ok(response)
}

fn check_http(request: &Request) -> Result<(), ErrorResponse> {
    if request.method() != Method::GET {
        return Err(ErrorResponse::wrong_method());
    }
    if request.version() != Version::HTTP_11 {
        return Err(ErrorResponse::wrong_version());
    }
    Ok(())
}

fn check_websocket(headers: &HeaderMap) -> Result<(), ErrorResponse> {
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
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .map(HeaderValue::as_bytes)
        .filter(|key| BASE64.decode(key).is_ok_and(|bytes| bytes.len() == 16))
        .and_then(|key| HeaderValue::try_from(derive_accept_key(key)).ok())
        .ok_or_else(|| bad_request("the header `Sec-WebSocket-Key` is not 16 bytes in base64"))
}

fn bad_request(message: &'static str) -> ErrorResponse {
    ErrorResponse::new(StatusCode::BAD_REQUEST, message)
}
