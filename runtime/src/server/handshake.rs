use std::net::{IpAddr, SocketAddr};

use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;
use tungstenite::handshake::server::write_response;

use super::error_response::ErrorResponse;
use super::other_protocol::Expected;
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
            return respond(transport, error.into_response(peer, &routes.warnings)).await;
        }
        Ok(Err(RequestError::Closed)) => return,
        Err(_) => {
            return tracing::debug!(?peer, "the request took longer than `Handshakes::timeout`");
        }
    };
    let request = Request::new(request, peer);
    match Upgrade::from_request(request, sender, local, routes).await {
        Upgrade::ErrorResponse(error) => {
            respond(transport, error.into_response(peer, &routes.warnings)).await;
        }
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
    let (mut sender, mut expected) = (peer, Expected::Request);
    if let Some(peer) = peer.filter(|_| routes.proxy_protocol) {
        if !routes.trusted_proxies.contains(peer.ip()) {
            let message = "this server accepts connections of its proxies only";
            let error = ErrorResponse::new(StatusCode::FORBIDDEN, message)
                .with_warning("`Router::proxy_protocol` is on, and this peer is no trusted proxy");
            return Err(RequestError::Invalid(error));
        }
        let header = read_proxy_header(transport, &mut bytes, max_size).await?;
        max_size = max_size.saturating_sub(header.length);
        sender = header.source;
        expected = Expected::RequestAfterProxyHeader;
    }
    let (request, read) = read_request(transport, bytes, max_size, expected).await?;
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

async fn respond(transport: Transport, response: http::Response<String>) {
    let (mut head, body) = response.into_parts();
    head.headers.append(header::CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    if let Some(mut bytes) = encode_response(&http::Response::from_parts(head, ())) {
        bytes.extend_from_slice(body.as_bytes());
        write_and_close(transport, &bytes).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::server::Handshakes;

    /// The time of the header and that of the request are not added up.
    #[tokio::test(start_paused = true)]
    async fn connection_is_closed_after_timeout_when_header_and_request_arrive_slowly() {
        let header = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
        let request = b"GET / HTTP/1.1\r\n";
        for (pause, bytes) in [(0, vec![&header[..5]]), (6, vec![header, &request[..]])] {
            let handshakes =
                Handshakes { timeout: Duration::from_secs(10), ..Handshakes::default() };
            let mut routes = Routes { proxy_protocol: true, handshakes, ..Routes::default() };
            routes.trusted_proxies.add("192.0.2.1").expect("a network");
            let (mut client, server) = tokio::io::duplex(64);
            let transport = Transport::Other(Box::new(server));
            let peer = Some(SocketAddr::from(([192, 0, 2, 1], 80)));
            let start = Instant::now();
            let send = async {
                for bytes in bytes {
                    client.write_all(bytes).await.expect("sent");
                    sleep(Duration::from_secs(pause)).await;
                }
                let mut received = Vec::new();
                client.read_to_end(&mut received).await.expect("the end");
                (received, start.elapsed())
            };
            let accepted = AcceptedConnection { transport, peer, local: None };
            let (closed, ()) = tokio::join!(send, handshake(accepted, &routes));
            // The second client sends nothing more before 12 s, and reads then.
            let end = Duration::from_secs(10.max(2 * pause));
            assert_eq!(closed, (Vec::new(), end));
        }
    }
}
