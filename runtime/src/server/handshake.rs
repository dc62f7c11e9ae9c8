use std::net::{IpAddr, SocketAddr};

use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;
use tungstenite::handshake::server::write_response;

use super::error_response::ErrorResponse;
use super::read_request::{RequestError, read_proxy_header, read_request};
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
    let opening = read_opening(&mut transport, peer, routes);
    let Opening { sender, request, read } = match timeout(routes.handshakes.timeout, opening).await
    {
        Ok(Ok(opening)) => opening,
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
    let request = Request::new(request, peer);
    match Upgrade::from_request(request, sender, local, routes).await {
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

/// The first bytes of a connection.
struct Opening {
    /// The other end of the connection, in front of the proxy if there is a PROXY protocol header. `None` if
    /// that is not known.
    sender: Option<IpAddr>,
    request: http::Request<()>,
    /// What was read after the request.
    read: Vec<u8>,
}

/// Reads the request, after the PROXY protocol header if there must be one. Connections without a peer are
/// not from the network.
async fn read_opening(
    transport: &mut Transport,
    peer: Option<SocketAddr>,
    routes: &Routes,
) -> Result<Opening, RequestError> {
    let mut bytes = Vec::with_capacity(1024);
    let mut max_size = routes.handshakes.max_request_size;
    let mut sender = peer;
    if let Some(peer) = peer.filter(|_| routes.proxy_protocol) {
        if !routes.trusted_proxies.contains(peer.ip()) {
            tracing::warn!(%peer, "rejected: `Router::proxy_protocol` is on, and this peer is no trusted proxy");
            let message = "this server accepts connections of its proxies only";
            return Err(RequestError::Invalid(ErrorResponse::new(StatusCode::FORBIDDEN, message)));
        }
        let header = read_proxy_header(transport, &mut bytes).await?;
        max_size = max_size.saturating_sub(header.length);
        sender = header.source;
    }
    let (request, read) = read_request(transport, bytes, max_size).await?;
    Ok(Opening { sender: sender.map(|sender| sender.ip()), request, read })
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
