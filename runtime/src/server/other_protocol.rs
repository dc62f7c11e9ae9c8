//! Connections whose first bytes are of another protocol than HTTP/1.1, most often because of a setting of
//! a proxy or a client.

use super::proxy_protocol::SIGNATURE;

/// What a connection may continue with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A request, at the beginning of the connection.
    Request,
    /// A request, after a PROXY protocol header.
    RequestAfterProxyHeader,
}

/// Returns the likely cause if `bytes` are of a known other protocol than what is expected.
pub(super) fn likely_cause(bytes: &[u8], expected: Expected) -> Option<&'static str> {
    let is_proxy_header = bytes.starts_with(&SIGNATURE) || bytes.starts_with(b"PROXY ");
    if is_proxy_header && expected == Expected::RequestAfterProxyHeader {
        return Some(
            "a second PROXY protocol header: two proxies in a row send one; turn it off in one of them",
        );
    }
    if bytes.starts_with(&SIGNATURE) {
        return Some(
            "this is a PROXY protocol header, version 2, which this server does not expect: turn on \
             `Router::proxy_protocol`, or turn the header off in the proxy, such as `send-proxy-v2` of HAProxy",
        );
    }
    if bytes.starts_with(b"PROXY ") {
        return Some(
            "this is a PROXY protocol header, version 1, which this server does not understand: turn it off in the \
             proxy, or set it to version 2, such as `send-proxy-v2` of HAProxy, and turn on `Router::proxy_protocol`",
        );
    }
    // No HTTP request begins with this byte. 0x16 is a handshake record.
    if bytes.first() == Some(&0x16) {
        return Some(
            "this is a TLS handshake, and this port is not encrypted: connect with ws:// or http://, or put a proxy \
             that terminates TLS in front of this server",
        );
    }
    if bytes.starts_with(b"PRI * HTTP/2.0\r\n") {
        return Some(
            "this is HTTP/2: a WebSocket handshake uses HTTP/1.1, so set the proxy or the client to HTTP/1.1 for this \
             server",
        );
    }
    None
}
