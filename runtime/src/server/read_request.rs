//! Reads the first bytes of a connection, up to the end of its request.

use http::StatusCode;
use tokio::io::AsyncReadExt;
use tungstenite::error::{CapacityError, Error};
use tungstenite::handshake::machine::TryParse;

use super::error_response::ErrorResponse;
use super::other_protocol::{is_begun_signature, likely_cause};
use super::proxy_protocol::ProxyHeader;
use crate::transport::Transport;

/// Why no request was read.
pub(crate) enum RequestError {
    /// The client closed the connection.
    Closed,
    Invalid(ErrorResponse),
}

/// Reads a PROXY protocol header of at most `max_size` bytes. Leaves the bytes that were read after it in `bytes`.
pub(super) async fn read_proxy_header(
    transport: &mut Transport,
    bytes: &mut Vec<u8>,
    max_size: usize,
) -> Result<ProxyHeader, RequestError> {
    let invalid = |cause| RequestError::Invalid(ErrorResponse::other_protocol(cause));
    loop {
        read_some(transport, bytes).await?;
        if let Some(header) = ProxyHeader::parse(bytes, max_size).map_err(invalid)? {
            drop(bytes.drain(..header.length));
            return Ok(header);
        }
    }
}

/// Reads one request, which begins with `bytes`. Returns it with the bytes that were read after it.
pub(crate) async fn read_request(
    transport: &mut Transport,
    mut bytes: Vec<u8>,
    max_size: usize,
) -> Result<(http::Request<()>, Vec<u8>), RequestError> {
    let mut old_len = 0_usize;
    loop {
        if let Some(cause) = likely_cause(&bytes) {
            return Err(RequestError::Invalid(ErrorResponse::other_protocol(cause)));
        }
        // The request is parsed once, when it is complete. To parse it after each read would cost
        // more with clients that send it in small pieces.
        let from = old_len.saturating_sub(3);
        let is_complete = bytes[from..].windows(4).any(|window| window == b"\r\n\r\n")
            && !is_begun_signature(&bytes);
        let parsed = if is_complete { parse(&bytes).map_err(RequestError::Invalid)? } else { None };
        match parsed {
            Some((end, request)) if end <= max_size => {
                let read = bytes.split_off(end);
                return Ok((request, read));
            }
            None if !is_complete && bytes.len() <= max_size => {}
            _ => return Err(RequestError::Invalid(too_large("the request is too large"))),
        }
        old_len = bytes.len();
        read_some(transport, &mut bytes).await?;
    }
}

async fn read_some(transport: &mut Transport, bytes: &mut Vec<u8>) -> Result<(), RequestError> {
    match transport.read_buf(bytes).await {
        Ok(0) | Err(_) => Err(RequestError::Closed),
        Ok(_) => Ok(()),
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(usize, http::Request<()>)>, ErrorResponse> {
    http::Request::<()>::try_parse(bytes).map_err(|error| match error {
        Error::Capacity(CapacityError::TooManyHeaders) => too_large("too many headers"),
        error => ErrorResponse::from(error),
    })
}

fn too_large(message: &str) -> ErrorResponse {
    ErrorResponse::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::server::log_limit::LogLimit;

    #[tokio::test]
    async fn other_protocol_is_recognized_when_it_arrives_byte_by_byte() {
        let proxy_v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        for (bytes, protocol) in [
            (&proxy_v2[..], "PROXY protocol"),
            (b"PROXY TCP4 ", "PROXY protocol"),
            (b"\x16\x03\x01", "TLS"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
        ] {
            let (mut client, server) = tokio::io::duplex(1);
            let mut transport = Transport::Other(Box::new(server));
            let read = async {
                let read = read_request(&mut transport, Vec::new(), 1024).await;
                drop(transport);
                read
            };
            let (read, _) = tokio::join!(read, client.write_all(bytes));
            let Err(RequestError::Invalid(error)) = read else { panic!("{protocol}") };
            let cause = error.into_response(None, &LogLimit::default()).into_body();
            assert!(cause.contains(protocol), "{cause}");
        }
    }
}
