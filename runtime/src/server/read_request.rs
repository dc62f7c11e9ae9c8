//! Reads the first bytes of a connection, up to the end of its request.

use tokio::io::AsyncReadExt;

use super::error_response::ErrorResponse;
use super::other_protocol::{Expected, likely_cause};
use super::proxy_protocol::ProxyHeader;
use super::request_head;
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
///
/// Blank lines before the request are skipped (RFC 9112 §2.2), and count towards `max_size`.
pub(crate) async fn read_request(
    transport: &mut Transport,
    mut bytes: Vec<u8>,
    max_size: usize,
    expected: Expected,
) -> Result<(http::Request<()>, Vec<u8>), RequestError> {
    let (mut start, mut searched) = (0_usize, 0_usize);
    loop {
        if let Some(cause) = likely_cause(&bytes, expected) {
            return Err(RequestError::Invalid(ErrorResponse::other_protocol(cause)));
        }
        let is_blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        if start == searched {
            start += bytes[start..].iter().take_while(is_blank).count();
        }
        // The head is parsed once, when it is complete. To parse it after each read would cost
        // more with clients that send it in small pieces.
        let end = request_head::end(&bytes, start, searched).map_err(RequestError::Invalid)?;
        if end.unwrap_or(bytes.len()) > max_size {
            let error = request_head::too_large("the request is too large");
            return Err(RequestError::Invalid(error));
        }
        if let Some(end) = end {
            let request = request_head::parse(&bytes[start..end]).map_err(RequestError::Invalid)?;
            return Ok((request, bytes.split_off(end)));
        }
        searched = bytes.len();
        read_some(transport, &mut bytes).await?;
    }
}

async fn read_some(transport: &mut Transport, bytes: &mut Vec<u8>) -> Result<(), RequestError> {
    match transport.read_buf(bytes).await {
        Ok(0) | Err(_) => Err(RequestError::Closed),
        Ok(_) => Ok(()),
    }
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
                let read = read_request(&mut transport, Vec::new(), 1024, Expected::Request).await;
                drop(transport);
                read
            };
            let (read, _) = tokio::join!(read, client.write_all(bytes));
            let Err(RequestError::Invalid(error)) = read else { panic!("{protocol}") };
            let cause = error.into_response(None, &LogLimit::default()).into_body();
            assert!(cause.contains(protocol), "{cause}");
        }
    }

    #[tokio::test]
    async fn request_is_read_however_its_blank_lines_and_its_head_are_split() {
        let bytes = b"\r\n\r\n\r\nGET /chat HTTP/1.1\r\nHost: a\r\n\r\n";
        for size in 1..=bytes.len() {
            let (mut client, server) = tokio::io::duplex(size);
            let mut transport = Transport::Other(Box::new(server));
            let read = read_request(&mut transport, Vec::new(), bytes.len(), Expected::Request);
            let (read, written) = tokio::join!(read, client.write_all(bytes));
            written.expect("written");
            let Ok((request, rest)) = read else { panic!("pieces of {size} bytes") };
            assert_eq!((request.uri().path(), rest.len()), ("/chat", 0));
        }
    }
}
