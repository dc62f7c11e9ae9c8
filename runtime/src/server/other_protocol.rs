//! Connections whose first bytes are of another protocol than HTTP/1.1, most often because of a setting of
//! a proxy or a client.

use super::proxy_protocol::SIGNATURE;

/// Returns the likely cause if `bytes`, the first of a connection, are of a known other protocol.
pub(super) fn likely_cause(bytes: &[u8]) -> Option<&'static str> {
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

/// Returns whether `bytes` may become the signature of a PROXY protocol header. It contains what ends an
/// HTTP request.
pub(super) fn is_begun_signature(bytes: &[u8]) -> bool {
    SIGNATURE.starts_with(bytes)
}
