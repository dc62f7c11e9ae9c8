use std::net::SocketAddr;

use http::{HeaderValue, StatusCode, header};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tungstenite::error::{CapacityError, Error};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::write_response;

use super::error_response::ErrorResponse;
use super::other_protocol::{is_begun_signature, likely_cause};
use super::routes::Routes;
use super::upgrade::Upgrade;
use super::write_and_close::write_and_close;
use crate::request::Request;
use crate::transport::Transport;

/// A connection whose request is not read yet.
pub(super) struct AcceptedConnection {
    pub(super) transport: Transport,
    pub(super) peer: Option<SocketAddr>,
    pub(super) local: Option<SocketAddr>,
}

/// Reads the request, responds to it, and starts the session if it is admitted.
pub(super) async fn handshake(accepted: AcceptedConnection, routes: &Routes) {
    let AcceptedConnection { mut transport, peer, local } = accepted;
    let request = read_request(&mut transport, routes.handshakes.max_request_size);
    let (request, read) = match timeout(routes.handshakes.timeout, request).await {
        Ok(Ok(request)) => request,
        Ok(Err(RequestError::Invalid(error))) => {
            error.log(peer);
            return respond(transport, error).await;
        }
        Ok(Err(RequestError::OtherProtocol(cause))) => {
            tracing::warn!(?peer, "rejected: {cause}");
            return respond(transport, ErrorResponse::new(StatusCode::BAD_REQUEST, cause)).await;
        }
        Ok(Err(RequestError::Closed)) => return,
        Err(_) => {
            return tracing::debug!(?peer, "the request took longer than `Handshakes::timeout`");
        }
    };
    match Upgrade::from_request(Request::new(request, peer), local, routes).await {
        Upgrade::ErrorResponse(error) => respond(transport, error).await,
        Upgrade::Rejected { response, close_frame } => {
            if let Some(mut bytes) = encode_response(&response) {
                bytes.extend_from_slice(&close_frame);
                write_and_close(transport, &bytes).await;
            }
        }
        Upgrade::Admitted { response, preamble, admission } => {
            if let Some(mut bytes) = encode_response(&response) {
                bytes.extend_from_slice(&preamble);
                // If the client has closed the connection, the session notices when it reads.
                admission.start(transport, bytes, read);
            }
        }
    }
}

/// Why no request was read.
pub(crate) enum RequestError {
    /// The client closed the connection.
    Closed,
    Invalid(ErrorResponse),
    /// The likely cause.
    OtherProtocol(&'static str),
}

/// Reads one request. Returns it with the bytes that were read after it.
pub(crate) async fn read_request(
    transport: &mut Transport,
    max_size: usize,
) -> Result<(http::Request<()>, Vec<u8>), RequestError> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let old_len = bytes.len();
        match transport.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(RequestError::Closed),
            Ok(_) => {}
        }
        if let Some(cause) = likely_cause(&bytes) {
            return Err(RequestError::OtherProtocol(cause));
        }
        // The request is parsed once, when it is complete. To parse it after each read would cost
        // more with clients that send it in small pieces.
        let from = old_len.saturating_sub(3);
        let is_complete = bytes[from..].windows(4).any(|window| window == b"\r\n\r\n")
            && !is_begun_signature(&bytes);
        if is_complete && let Some((end, request)) = parse(&bytes).map_err(RequestError::Invalid)? {
            let read = bytes.split_off(end);
            return Ok((request, read));
        }
        if is_complete || bytes.len() > max_size {
            return Err(RequestError::Invalid(too_large("the request is too large")));
        }
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

/// Returns `None`, and logs the error, if the response cannot be encoded.
pub(crate) fn encode_response(response: &http::Response<()>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    match write_response(&mut bytes, response) {
        Ok(()) => Some(bytes),
        Err(error) => {
            tracing::error!(%error, "the response to a handshake cannot be encoded");
            None
        }
    }
}

async fn respond(transport: Transport, error: ErrorResponse) {
    let (mut head, body) = error.into_response().into_parts();
    head.headers.append(header::CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    if let Some(mut bytes) = encode_response(&http::Response::from_parts(head, ())) {
        bytes.extend_from_slice(body.as_bytes());
        write_and_close(transport, &bytes).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

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
                let read = read_request(&mut transport, 1024).await;
                drop(transport);
                read
            };
            let (read, _) = tokio::join!(read, client.write_all(bytes));
            let Err(RequestError::OtherProtocol(cause)) = read else { panic!("{protocol}") };
            assert!(cause.contains(protocol), "{cause}");
        }
    }
}
