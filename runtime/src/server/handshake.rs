//! From the first byte of a connection to a session, or to a refusal that says why.

use std::net::SocketAddr;

use http::{HeaderValue, StatusCode, header};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::write_response;

use super::goodbye::say_goodbye;
use super::refusal::Refusal;
use super::upgrade::Upgrade;
use super::{Request, Router};
use crate::transport::Transport;

/// One connection before it is a session's.
pub(super) struct Incoming {
    pub(super) transport: Transport,
    pub(super) peer: Option<SocketAddr>,
    pub(super) local: Option<SocketAddr>,
}

/// Reads the request, has it decided about, and starts the session.
pub(super) async fn handshake(incoming: Incoming, router: &Router) {
    let Incoming { mut transport, peer, local } = incoming;
    let reading = read_request(&mut transport, router.shared.max_request_size);
    let (request, rest) = match timeout(router.shared.handshake_timeout, reading).await {
        Ok(Ok(read)) => read,
        Ok(Err(Unread::Refused(refusal))) => return refuse(transport, refusal).await,
        Ok(Err(Unread::Gone)) => return,
        Err(_) => return tracing::debug!(?peer, "the handshake took too long"),
    };
    match Upgrade::decide(Request::new(request, peer), local, router).await {
        Upgrade::Refuse(refusal) => refuse(transport, refusal).await,
        Upgrade::Close { response, goodbye } => {
            if let Some(mut words) = written(&response) {
                words.extend_from_slice(&goodbye);
                say_goodbye(transport, &words).await;
            }
        }
        Upgrade::Open { response, greeting, admission } => {
            if let Some(mut words) = written(&response) {
                words.extend_from_slice(&greeting);
                // From here on it is the session's affair: a client that has left is a connection lost.
                admission.start(transport, words, rest);
            }
        }
    }
}

/// Why there is no request.
enum Unread {
    /// The client has gone.
    Gone,
    Refused(Refusal),
}

/// Reads up to the end of the request; what came behind it is the WebSocket's.
async fn read_request(
    transport: &mut Transport,
    max_size: usize,
) -> Result<(http::Request<()>, Vec<u8>), Unread> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let seen = bytes.len();
        match transport.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Unread::Gone),
            Ok(_) => {}
        }
        // Parsed once, when its end is there: a trickle of bytes costs no more than a gush.
        let from = seen.saturating_sub(3);
        let whole = bytes[from..].windows(4).any(|window| window == b"\r\n\r\n");
        if whole && let Some((end, request)) = parse(&bytes).map_err(Unread::Refused)? {
            let rest = bytes.split_off(end);
            return Ok((request, rest));
        }
        if whole || bytes.len() > max_size {
            return Err(Unread::Refused(too_large("the request is too large")));
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(usize, http::Request<()>)>, Refusal> {
    http::Request::<()>::try_parse(bytes).map_err(|error| match error {
        Error::Capacity(CapacityError::TooManyHeaders) => too_large("too many headers"),
        error => Refusal::from(error),
    })
}

fn too_large(message: &str) -> Refusal {
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message)
}

/// The bytes of the response that makes a WebSocket of the connection.
fn written(response: &http::Response<()>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    let written = write_response(&mut bytes, response);
    if let Err(error) = &written {
        tracing::error!(%error, "the response to a handshake cannot be written");
    }
    written.is_ok().then_some(bytes)
}

async fn refuse(transport: Transport, refusal: Refusal) {
    let (mut head, body) = refusal.into_response().into_parts();
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    if let Some(mut answer) = written(&http::Response::from_parts(head, ())) {
        answer.extend_from_slice(body.as_bytes());
        say_goodbye(transport, &answer).await;
    }
}
