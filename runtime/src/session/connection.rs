mod read_buffer;
mod reader;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncWrite, ReadBuf};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame as RawFrame;
use tungstenite::{Error, Utf8Bytes};

pub(crate) use self::reader::Message;
use self::reader::{Input, Reader};
use super::outbox::{Detached, Outbox, Written};
use crate::disconnect_reason::DisconnectReason;
use crate::transport::Transport;
use crate::wire::{CloseCode, Frame};

/// One WebSocket.
///
/// Events, pongs and the last close frame pass through the outbox of the session, so there is one order.
/// The preamble does not, nor does the close frame of a connection whose session continues.
pub(crate) struct Connection {
    reader: Reader,
    output: Output,
    /// The preamble, then bytes taken from the outbox.
    writing: Vec<u8>,
    /// Bytes of `writing` that the transport has taken.
    written: usize,
    /// The transport has taken the whole preamble.
    preamble_written: bool,
    /// The transport may buffer some of the written bytes.
    unflushed: bool,
    /// The transport took bytes since [`take_moved`](Self::take_moved).
    moved: bool,
    /// The answer to the client's close frame.
    close_reply: Option<Frame>,
}

/// The stream that is written to.
enum Output {
    /// The write half of a TCP connection: before and after the outbox has it.
    Tcp(OwnedWriteHalf),
    /// The outbox has the write half, so that batches of other tasks can write.
    Outbox,
    /// The stream that is also read from.
    Input,
}

/// A close frame. RFC 6455 §5.5 leaves 123 bytes for the reason.
pub(crate) fn close_frame(code: CloseCode, reason: &str) -> Frame {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = Utf8Bytes::from(&reason[..end]);
    Frame::from(RawFrame::close(Some(CloseFrame { code: code.0.into(), reason })))
}

impl Connection {
    /// A connection whose request was read. `preamble` is written before everything else. `read` holds
    /// the bytes received after the request.
    pub(crate) fn new(
        transport: Transport,
        preamble: Vec<u8>,
        read: Vec<u8>,
        max_message_size: usize,
    ) -> Self {
        let (input, output) = match transport {
            Transport::Tcp(stream) => {
                let (input, output) = stream.into_split();
                (Input::Tcp(input), Output::Tcp(output))
            }
            Transport::Other(stream) => (Input::Other(stream), Output::Input),
        };
        Self {
            reader: Reader::new(input, read, max_message_size),
            output,
            writing: preamble,
            written: 0,
            preamble_written: false,
            unflushed: false,
            moved: false,
            close_reply: None,
        }
    }

    /// The next message. After a close frame it fails with [`Error::ConnectionClosed`].
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        if self.close_reply.is_some() {
            return Poll::Ready(Err(Error::ConnectionClosed));
        }
        let message = ready!(self.reader.poll_read(cx))?;
        if let Message::Close(frame) = &message {
            // The reply repeats code and reason (RFC 6455 §5.5.1).
            self.close_reply = Some(Frame::from(RawFrame::close(frame.clone())));
        }
        Poll::Ready(Ok(message))
    }

    /// The message that was read last, if it was text.
    pub(crate) fn text(&self) -> &str {
        self.reader.text()
    }

    /// The message that was read last, if it was binary.
    pub(crate) fn binary(&self) -> &[u8] {
        self.reader.binary()
    }

    /// Frees the memory of the message that was read last, before the task sleeps.
    pub(crate) fn release(&mut self) {
        self.reader.release();
    }

    /// Returns whether batches of other tasks can write for this connection.
    pub(crate) fn is_written_by_outbox(&self) -> bool {
        matches!(self.output, Output::Outbox)
    }

    /// Writes the pending frames. Ready when nothing can be written now.
    pub(crate) fn poll_write(
        &mut self,
        outbox: &Outbox,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.poll_write_taken(cx)?.is_pending() {
                let left = self.writing.len() - self.written;
                outbox.block(left);
                return Poll::Pending;
            }
            self.preamble_written = true;
            // An idle connection has no buffer.
            self.writing = Vec::new();
            self.written = 0;
            self.lend(outbox);
            if let Output::Outbox = self.output {
                return match outbox.write(cx)? {
                    Written::All => Poll::Ready(Ok(())),
                    Written::Blocked { moved } => {
                        self.moved |= moved;
                        Poll::Pending
                    }
                };
            }
            outbox.take(&mut self.writing);
            if self.writing.is_empty() {
                return self.poll_flush(cx);
            }
        }
    }

    /// Writes the preamble, or what was taken from the outbox.
    fn poll_write_taken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.writing.len() {
            let Some(output) = self.output.stream(self.reader.input()) else {
                break;
            };
            let count = ready!(output.poll_write(cx, &self.writing[self.written..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
            self.unflushed = true;
            self.moved = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed
            && let Some(output) = self.output.stream(self.reader.input())
        {
            ready!(output.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Lends the write half of a TCP connection to the outbox. Other transports have none.
    fn lend(&mut self, outbox: &Outbox) {
        match std::mem::replace(&mut self.output, Output::Outbox) {
            Output::Tcp(half) => outbox.lend(half),
            other => self.output = other,
        }
    }

    /// Detaches the outbox and takes the write half back from it. After this, only the rest of the last
    /// batch is written. Returns the size in bytes of the frames that the outbox keeps.
    pub(crate) fn detach(&mut self, outbox: &Outbox) -> usize {
        let Detached { writer, size } = outbox.detach();
        if let Some((half, left)) = writer {
            self.output = Output::Tcp(half);
            self.writing = left.into();
            self.written = 0;
        }
        size
    }

    /// Returns whether the transport has taken the whole preamble.
    pub(crate) fn is_preamble_written(&self) -> bool {
        self.preamble_written
    }

    /// Returns whether the transport took bytes since the last call.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Returns whether bytes were received since the last call.
    pub(crate) fn take_received(&mut self) -> bool {
        self.reader.take_received()
    }

    /// Closes the connection: writes the pending frames and a close frame, then shuts the transport down.
    /// The close frame replies to the client's close frame if there is one. With `linger` it reads until
    /// the client has shut down its side.
    pub(crate) async fn finish(
        &mut self,
        outbox: &Outbox,
        (code, reason): (CloseCode, &str),
        linger: bool,
        timeout: Duration,
    ) {
        self.release();
        let frame = self.close_reply.take().unwrap_or_else(|| close_frame(code, reason));
        outbox.seal(Some(&frame));
        let close = async {
            poll_fn(|cx| self.poll_write(outbox, cx)).await?;
            if self.is_written_by_outbox() {
                self.detach(outbox);
            }
            self.shut_down(linger).await
        };
        close_within(timeout, close).await;
    }

    /// Closes a detached connection in the background. Pending frames stay in the outbox for the next
    /// connection.
    pub(crate) fn close_detached(mut self, code: CloseCode, reason: &str, timeout: Duration) {
        self.release();
        self.writing.extend_from_slice(close_frame(code, reason).as_bytes());
        tokio::spawn(async move {
            let close = async {
                poll_fn(|cx| self.poll_write_taken(cx)).await?;
                poll_fn(|cx| self.poll_flush(cx)).await?;
                self.shut_down(true).await
            };
            close_within(timeout, close).await;
        });
    }

    async fn shut_down(&mut self, linger: bool) -> io::Result<()> {
        poll_fn(|cx| self.poll_shutdown(cx)).await?;
        if linger {
            poll_fn(|cx| self.poll_linger(cx)).await?;
        }
        Ok(())
    }

    /// Shuts the write half down. TLS sends its `close_notify` then.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.output.stream(self.reader.input()) {
            Some(output) => output.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Reads and drops bytes until the client has shut its write half down. A close with unread bytes
    /// makes TCP reset the connection, and the close frame could be lost.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let input = self.reader.input();
        let mut scratch = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(input.poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Output {
    /// The stream to write to. `None` while the outbox has it.
    fn stream<'a>(&'a mut self, input: &'a mut Input) -> Option<Pin<&'a mut dyn AsyncWrite>> {
        match (self, input) {
            (Self::Tcp(half), _) => Some(Pin::new(half) as _),
            (_, Input::Other(stream)) => Some(Pin::new(stream) as _),
            (_, Input::Tcp(_)) => None,
        }
    }
}

async fn close_within(close_timeout: Duration, close: impl Future<Output = io::Result<()>>) {
    match timeout(close_timeout, close).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the connection was lost while it was closing"),
        Err(_) => {
            tracing::debug!("the client did not close the connection within `Timeouts::close`");
        }
    }
}

/// The disconnect reason for an error of [`Connection::poll_read`].
pub(crate) fn disconnect_reason(error: &Error) -> DisconnectReason {
    let code = match error {
        Error::Capacity(_) => CloseCode::TOO_BIG,
        Error::Utf8(_) => CloseCode::INVALID_UTF8,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_) => {
            return DisconnectReason::ConnectionLost { error: error.to_string() };
        }
        _ => CloseCode::PROTOCOL,
    };
    DisconnectReason::ProtocolViolation { code, message: error.to_string() }
}
