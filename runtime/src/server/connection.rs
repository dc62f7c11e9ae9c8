use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncWrite, ReadBuf};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Utf8Bytes};

use super::reader::{Input, Message, Reader};
use crate::session::{Detached, DisconnectReason, Member, Written};
use crate::transport::Transport;
use crate::wire::{CloseCode, Frame};

/// One WebSocket. All that goes out, pongs and close frames too, passes through the member's outbox,
/// so that there is one order.
pub(crate) struct Connection {
    reader: Reader,
    member: Arc<Member>,
    output: Output,
    /// The greeting, then what was taken from the outbox.
    writing: Vec<u8>,
    /// How much of it the transport has taken.
    written: usize,
    /// Whether the greeting is out.
    greeted: bool,
    /// Whether the transport may hold back some of it.
    unflushed: bool,
    /// Whether the transport took some since this was last asked.
    moved: bool,
    /// The answer to the client's close frame.
    goodbye: Option<Frame>,
}

/// Where bytes go out.
enum Output {
    /// The other half of a TCP connection, for the greeting and for goodbye.
    Tcp(OwnedWriteHalf),
    /// In between the outbox has it, so that whoever emits may write.
    Lent,
    /// Where they come in.
    Input,
}

/// A close frame; RFC 6455 §5.5 leaves 123 bytes for the reason.
pub(super) fn close_frame(code: CloseCode, reason: &str) -> Frame {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = Utf8Bytes::from(&reason[..end]);
    Frame::from(RawFrame::close(Some(CloseFrame { code: code.0.into(), reason })))
}

impl Connection {
    /// A connection whose request was read: `greeting` is what is to be written before all else,
    /// `read` what came behind the request.
    pub(crate) fn new(
        transport: Transport,
        greeting: Vec<u8>,
        read: Vec<u8>,
        member: Arc<Member>,
    ) -> Self {
        let (input, output) = match transport {
            Transport::Tcp(stream) => {
                let (input, output) = stream.into_split();
                (Input::Tcp(input), Output::Tcp(output))
            }
            Transport::Other(stream) => (Input::Other(stream), Output::Input),
        };
        Self {
            reader: Reader::new(input, read, member.limits().max_message_size),
            member,
            output,
            writing: greeting,
            written: 0,
            greeted: false,
            unflushed: false,
            moved: false,
            goodbye: None,
        }
    }

    /// One that ends at once.
    #[cfg(test)]
    pub(crate) fn to_nobody(member: &Arc<Member>) -> Self {
        let transport = Transport::Other(Box::new(tokio::io::empty()));
        Self::new(transport, Vec::new(), Vec::new(), Arc::clone(member))
    }

    /// The next message. A ping has its answer then, and so has a close frame, for the end.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        if self.goodbye.is_some() {
            return Poll::Ready(Err(Error::ConnectionClosed));
        }
        let message = ready!(self.reader.poll_read(cx))?;
        match &message {
            Message::Ping(payload) => {
                let pong = Frame::from(RawFrame::pong(payload.clone()));
                self.member.push_uncounted(&pong);
            }
            Message::Close(said) => {
                // The same: RFC 6455 §5.5.1.
                self.goodbye = Some(Frame::from(RawFrame::close(said.clone())));
            }
            Message::Text | Message::Binary | Message::Pong(_) => {}
        }
        Poll::Ready(Ok(message))
    }

    /// The message that was just read, if it was text.
    pub(crate) fn text(&self) -> &str {
        self.reader.text()
    }

    /// The message that was just read, if it was binary.
    pub(crate) fn binary(&self) -> &[u8] {
        self.reader.binary()
    }

    /// Before the task sleeps: the message that was read last is not looked at any more.
    pub(crate) fn release(&mut self) {
        self.reader.release();
    }

    /// Before the task sleeps: writes what waits in the outbox, or has others write it. The message that
    /// was read last is not looked at any more.
    pub(crate) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.release();
        if matches!(self.output, Output::Lent) && self.member.sleep_if_batched() {
            return Poll::Ready(Ok(()));
        }
        self.poll_write(cx)
    }

    /// Writes what waits in the outbox; ready when nothing is left that may be written now.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.poll_write_taken(cx)?.is_pending() {
                let left = self.writing.len() - self.written;
                self.member.outbox().block(left);
                return Poll::Pending;
            }
            self.greeted = true;
            // An idle connection keeps no buffer.
            self.writing = Vec::new();
            self.written = 0;
            self.lend();
            if let Output::Lent = self.output {
                return match self.member.outbox().write(cx)? {
                    Written::All => Poll::Ready(Ok(())),
                    Written::Blocked { moved } => {
                        self.moved |= moved;
                        Poll::Pending
                    }
                };
            }
            self.member.outbox().take(&mut self.writing);
            if self.writing.is_empty() {
                return self.poll_flush(cx);
            }
        }
    }

    /// Writes what was taken from the outbox.
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

    /// From here on the outbox writes, if it can.
    fn lend(&mut self) {
        match std::mem::replace(&mut self.output, Output::Lent) {
            Output::Tcp(half) => self.member.outbox().lend(half),
            other => self.output = other,
        }
    }

    /// The session goes on without this connection. From here on nothing is written but what is left to
    /// write here. Returns the bytes that the outbox keeps.
    pub(crate) fn detach(&mut self) -> usize {
        let Detached { writer, size } = self.member.outbox().detach();
        if let Some((half, left)) = writer {
            self.output = Output::Tcp(half);
            self.writing = left.into();
            self.written = 0;
        }
        size
    }

    /// Takes back what was lent. One that was detached has lent nothing: the outbox has a later
    /// connection by now.
    fn take_back(&mut self) {
        if let Output::Lent = self.output {
            // It is the last: without a place among the detached sessions no frame may be kept.
            self.member.outbox().seal(None);
            self.detach();
        }
    }

    /// Sends a ping frame, which the client has to answer.
    pub(crate) fn ping(&self) {
        self.member.push_uncounted(&Frame::from(RawFrame::ping(Bytes::new())));
    }

    /// Sends a message as it is.
    pub(super) fn send(&self, data: Data, payload: &[u8]) {
        let frame = RawFrame::message(Bytes::copy_from_slice(payload), OpCode::Data(data), true);
        self.member.push_uncounted(&Frame::from(frame));
    }

    /// Whether all that is written before all else was taken by the transport.
    pub(crate) fn was_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether any byte was taken since this was last asked.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Whether any byte came since this was last asked.
    pub(crate) fn take_heard(&mut self) -> bool {
        self.reader.take_heard()
    }

    /// Closes: what waits in the outbox goes out, then a close frame, which is the answer to the
    /// client's if it sent one, then TCP's own goodbye. With `linger` what the client still says is read.
    pub(crate) async fn finish(
        mut self,
        code: CloseCode,
        reason: &str,
        linger: bool,
        timeout: Duration,
    ) {
        self.release();
        let goodbye = self.goodbye.take().unwrap_or_else(|| close_frame(code, reason));
        self.member.outbox().seal(Some(&goodbye));
        let goodbye = async {
            poll_fn(|cx| self.poll_write(cx)).await?;
            self.part(linger).await
        };
        await_goodbye(goodbye, timeout).await;
    }

    /// Closes a detached connection in the background, without what is pending in the outbox: that is
    /// for the next connection.
    pub(crate) fn hang_up(mut self, code: CloseCode, reason: &str, timeout: Duration) {
        self.release();
        self.writing.extend_from_slice(close_frame(code, reason).as_bytes());
        tokio::spawn(async move {
            let goodbye = async {
                poll_fn(|cx| self.poll_write_taken(cx)).await?;
                poll_fn(|cx| self.poll_flush(cx)).await?;
                self.part(true).await
            };
            await_goodbye(goodbye, timeout).await;
        });
    }

    async fn part(&mut self, linger: bool) -> io::Result<()> {
        self.take_back();
        poll_fn(|cx| self.poll_shutdown(cx)).await?;
        if linger {
            poll_fn(|cx| self.poll_linger(cx)).await?;
        }
        Ok(())
    }

    /// Ends the writing half: TLS has a goodbye of its own.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.output.stream(self.reader.input()) {
            Some(output) => output.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Reads and forgets until the client has ended its writing half, too: closing with unread input
    /// would make TCP throw away the close frame.
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

impl Drop for Connection {
    fn drop(&mut self) {
        // Users may keep a socket, and with it its outbox, for as long as they like.
        self.take_back();
    }
}

impl Output {
    /// What to write to; nothing while it is lent.
    fn stream<'a>(&'a mut self, input: &'a mut Input) -> Option<Pin<&'a mut dyn AsyncWrite>> {
        match (self, input) {
            (Self::Tcp(half), _) => Some(Pin::new(half) as _),
            (_, Input::Other(stream)) => Some(Pin::new(stream) as _),
            (_, Input::Tcp(_)) => None,
        }
    }
}

async fn await_goodbye(goodbye: impl Future<Output = io::Result<()>>, bound: Duration) {
    match timeout(bound, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the connection broke while it was closed"),
        Err(_) => tracing::debug!("the client did not close in time"),
    }
}

/// Why the connection cannot go on after this error.
pub(crate) fn broken(error: &Error) -> DisconnectReason {
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
