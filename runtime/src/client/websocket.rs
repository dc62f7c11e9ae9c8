//! The WebSocket of a connection, and how it is closed.

use std::time::Duration;

use futures::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message, Utf8Bytes};

use crate::transport::Transport;
use crate::wire::CloseCode;

pub(super) type WebSocket = WebSocketStream<MaybeTlsStream<Transport>>;

/// The timeout of [`close_socket`].
const CLOSE_FRAME_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends a close frame with `code` if neither side has sent one, flushes, and shuts the transport down.
pub(super) async fn close_socket(socket: &mut WebSocket, code: CloseCode) {
    let close = async {
        if code.is_sendable() {
            // Fails after a close frame of either side.
            let _ = socket.send(close_frame(code)).await;
        }
        socket.flush().await?;
        socket.get_mut().shutdown().await?;
        Ok::<(), Error>(())
    };
    if !matches!(timeout(CLOSE_FRAME_TIMEOUT, close).await, Ok(Ok(()))) {
        tracing::debug!("the connection was lost, or did not close within 1 s");
    }
}

pub(super) fn close_frame(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code: code.0.into(), reason: Utf8Bytes::default() }))
}
