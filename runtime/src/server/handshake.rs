use std::net::SocketAddr;

use http::{HeaderValue, StatusCode, header};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tungstenite::error::{CapacityError, Error};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::write_response;

use super::error_response::ErrorResponse;
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
        Ok(Err(RequestError::Invalid(error))) => return respond(transport, error).await,
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
        // The request is parsed once, when it is complete. To parse it after each read would cost
        // more with clients that send it in small pieces.
        let from = old_len.saturating_sub(3);
        let is_complete = bytes[from..].windows(4).any(|window| window == b"\r\n\r\n");
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
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    if let Some(mut bytes) = encode_response(&http::Response::from_parts(head, ())) {
        bytes.extend_from_slice(body.as_bytes());
        write_and_close(transport, &bytes).await;
    }
}
