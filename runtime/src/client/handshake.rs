//! The handshake of a WebSocket (RFC 6455 §4.1). tungstenite writes the request and parses the response; the
//! response is checked here, because tungstenite reads only the first line of `Connection`, and takes it for
//! one word.

use http::{Request, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tungstenite::error::{Error, ProtocolError};
use tungstenite::handshake::client::{Response, generate_request};
use tungstenite::handshake::derive_accept_key;
use tungstenite::handshake::machine::TryParse;
use tungstenite::protocol::{Role, WebSocketConfig};

use super::websocket::WebSocket;
use crate::header_list::header_list_contains;
use crate::transport::Transport;

/// The largest response in bytes.
const MAX_RESPONSE: usize = 64 << 10;

/// Sends `request` and reads the response. Fails unless that opens a WebSocket.
pub(super) async fn open(
    request: Request<()>,
    mut stream: MaybeTlsStream<Transport>,
    config: WebSocketConfig,
) -> Result<(WebSocket, Response), Error> {
    let (request, key) = generate_request(request)?;
    stream.write_all(&request).await?;
    stream.flush().await?;
    let (response, rest) = read_response(&mut stream).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::Http(Box::new(response)));
    }
    check(&response, &derive_accept_key(key.as_bytes()))?;
    let socket =
        WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await;
    Ok((socket, response))
}

/// Returns the response with the bytes that were read after it.
async fn read_response(
    stream: &mut MaybeTlsStream<Transport>,
) -> Result<(Response, Vec<u8>), Error> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(ProtocolError::HandshakeIncomplete.into());
        }
        if let Some((end, response)) = Response::try_parse(&bytes)? {
            return Ok((response, bytes.split_off(end)));
        }
        if bytes.len() > MAX_RESPONSE {
            return Err(Error::AttackAttempt);
        }
    }
}

fn check(response: &Response, accept: &str) -> Result<(), ProtocolError> {
    let headers = response.headers();
    if !header_list_contains(headers, header::UPGRADE, "websocket") {
        return Err(ProtocolError::MissingUpgradeWebSocketHeader);
    }
    if !header_list_contains(headers, header::CONNECTION, "upgrade") {
        return Err(ProtocolError::MissingConnectionUpgradeHeader);
    }
    // It occurs once (RFC 6455 §11.3.3).
    if !headers.get_all(header::SEC_WEBSOCKET_ACCEPT).iter().eq([accept]) {
        return Err(ProtocolError::SecWebSocketAcceptKeyMismatch);
    }
    Ok(())
}
