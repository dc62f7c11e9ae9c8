//! An echo for conformance tests such as Autobahn's: there with the feature `__echo` only.
//!
//! It reads and writes through the same code as sessions do.

#![allow(missing_docs, reason = "only `examples/echo.rs` and the tests use it")]

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::net::TcpStream;
use tungstenite::Bytes;
use tungstenite::handshake::server::create_response;
use tungstenite::protocol::frame::Frame as RawFrame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::disconnect_reason::DisconnectReason;
use crate::server::{Expected, read_request};
use crate::session::options::{Limits, SessionOptions};
use crate::session::{Connection, Message, Outbox, PushPolicy, disconnect_reason};
use crate::transport::Transport;
use crate::wire::{CloseCode, Frame};

/// The largest request in bytes.
const MAX_REQUEST_SIZE: usize = 16 << 10;

/// Bytes that may be pending beside the largest message, for control frames.
const CONTROL_FRAMES: usize = 64 << 10;

/// Sends text and binary messages of at most `max_message_size` bytes back, until the peer closes or
/// breaks the protocol. A peer that does not read is not read from.
pub async fn echo(stream: TcpStream, max_message_size: usize) -> io::Result<()> {
    let mut transport = Transport::from(stream);
    let opening = read_request(&mut transport, Vec::new(), MAX_REQUEST_SIZE, Expected::Request);
    let (request, read) = opening.await.map_err(|_| io::ErrorKind::InvalidData)?;
    let response = create_response(&request).map_err(io::Error::other)?;
    let preamble = crate::server::encode_response(&response).ok_or(io::ErrorKind::InvalidData)?;
    let max_outbox_size = max_message_size.saturating_add(CONTROL_FRAMES);
    let limits = Limits { max_message_size, max_outbox_size, ..Limits::default() };
    let options = Arc::new(SessionOptions { limits, ..SessionOptions::default() });
    let outbox = Outbox::new(&options, false);
    let mut connection = Connection::new(transport, preamble, read, max_message_size);
    let reason = loop {
        match poll_fn(|cx| poll_next(&mut connection, &outbox, cx)).await {
            Ok(Data::Text) => send(&outbox, Data::Text, connection.text().as_bytes()),
            Ok(data) => send(&outbox, data, connection.binary()),
            Err(reason) => break reason,
        }
    };
    if !matches!(reason, DisconnectReason::ConnectionLost { .. }) {
        connection.finish(&outbox, reason.close(), true, options.timeouts.close).await;
    }
    Ok(())
}

/// Writes the pending frames, then reads the next message.
fn poll_next(
    connection: &mut Connection,
    outbox: &Outbox,
    cx: &mut Context<'_>,
) -> Poll<Result<Data, DisconnectReason>> {
    outbox.wake_up();
    loop {
        connection.release();
        if let Err(error) = ready!(connection.poll_write(outbox, cx)) {
            return Poll::Ready(Err(DisconnectReason::ConnectionLost { error: error.to_string() }));
        }
        return Poll::Ready(match ready!(connection.poll_read(cx)) {
            Ok(Message::Text) => Ok(Data::Text),
            Ok(Message::Binary) => Ok(Data::Binary),
            Ok(Message::Ping(payload)) => {
                push(outbox, &Frame::from(RawFrame::pong(payload)));
                continue;
            }
            Ok(Message::Pong(_)) => continue,
            Ok(Message::Close(frame)) => {
                let (code, reason) = CloseCode::from_frame(frame);
                Err(DisconnectReason::ClientClosed { code, reason })
            }
            Err(error) => Err(disconnect_reason(&error)),
        });
    }
}

fn send(outbox: &Outbox, data: Data, payload: &[u8]) {
    let frame = RawFrame::message(Bytes::copy_from_slice(payload), OpCode::Data(data), true);
    push(outbox, &Frame::from(frame));
}

fn push(outbox: &Outbox, frame: &Frame) {
    // Uncounted frames are never too large, and this task writes them itself.
    let _ = outbox.push(PushPolicy::Uncounted, frame, false);
}
