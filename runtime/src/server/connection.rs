use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::session::{DisconnectReason, Member, Taken};
use crate::transport::{Stream, Transport};
use crate::wire::{CloseCode, Frame};

/// How many bytes are read at once from a client that sends more than its read buffer takes.
///
/// A read buffer is kept per client, so it is small; this one is there only while it is full.
const BURST: usize = 8 << 10;

/// One WebSocket. tungstenite parses what comes in; all that goes out, its own pongs and close
/// frames too, passes through the member's outbox, so that there is one order.
pub(crate) struct Connection {
    websocket: WebSocket<Pipe>,
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
}

/// Where bytes come in.
enum Input {
    Tcp(OwnedReadHalf),
    Other(Box<dyn Stream>),
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
pub(super) fn close_frame(code: CloseCode, reason: &str) -> CloseFrame {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code: code.0.into(), reason: Utf8Bytes::from(&reason[..end]) }
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
        let limits = member.limits();
        let config = WebSocketConfig::default()
            .read_buffer_size(limits.read_buffer_size)
            .write_buffer_size(0)
            .max_message_size(Some(limits.max_message_size))
            .max_frame_size(Some(limits.max_message_size));
        let (input, output) = match transport {
            Transport::Tcp(stream) => {
                let (input, output) = stream.into_split();
                (Input::Tcp(input), Output::Tcp(output))
            }
            Transport::Other(stream) => (Input::Other(stream), Output::Input),
        };
        let pipe = Pipe {
            input,
            waker: Waker::noop().clone(),
            member: Arc::clone(&member),
            heard: false,
            bursts: false,
            burst: Bytes::new(),
            closing: false,
        };
        let websocket = WebSocket::from_partially_read(pipe, read, Role::Server, Some(config));
        Self {
            websocket,
            member,
            output,
            writing: greeting,
            written: 0,
            greeted: false,
            unflushed: false,
            moved: false,
        }
    }

    /// One that ends at once.
    #[cfg(test)]
    pub(crate) fn to_nobody(member: &Arc<Member>) -> Self {
        let transport = Transport::Other(Box::new(tokio::io::empty()));
        Self::new(transport, Vec::new(), Vec::new(), Arc::clone(member))
    }

    /// The next message, ping and close frames included.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        let pipe = self.websocket.get_mut();
        if !pipe.waker.will_wake(cx.waker()) {
            pipe.waker.clone_from(cx.waker());
        }
        match self.websocket.read() {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            read => Poll::Ready(read),
        }
    }

    /// Writes what waits in the outbox; ready when nothing is left that may be written now.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.poll_write_taken(cx)?.is_pending() {
                let left = self.writing.len() - self.written;
                self.member.outbox().block(left, cx.waker());
                return Poll::Pending;
            }
            self.greeted = true;
            // An idle connection keeps no buffer.
            self.writing = Vec::new();
            self.written = 0;
            self.lend();
            if let Output::Lent = self.output {
                return self.member.outbox().poll_write(cx);
            }
            if self.member.outbox().take(&mut self.writing, cx.waker()) == Taken::Nothing {
                return self.poll_flush(cx);
            }
        }
    }

    /// Writes what was taken from the outbox.
    fn poll_write_taken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.writing.len() {
            let Some(output) = self.output.stream(&mut self.websocket.get_mut().input) else {
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
            && let Some(output) = self.output.stream(&mut self.websocket.get_mut().input)
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

    /// From here on nothing is written but what is left to write here.
    fn take_back(&mut self) {
        if let Output::Lent = self.output
            && let Some((half, rest)) = self.member.outbox().take_back()
        {
            self.output = Output::Tcp(half);
            self.writing = rest.into();
            self.written = 0;
        }
    }

    /// Asks the client for a sign of life.
    pub(crate) fn ping(&mut self) {
        // Cannot fail: the pipe takes all, and a closed WebSocket needs no ping.
        let _ = self.websocket.send(Message::Ping(tokio_tungstenite::tungstenite::Bytes::new()));
    }

    /// Puts a message into the outbox as it is.
    pub(super) fn send(&mut self, message: Message) {
        // Cannot fail: the pipe takes all, and of a closed WebSocket the next read tells.
        let _ = self.websocket.send(message);
    }

    /// Whether all that is written before all else was taken by the transport.
    pub(crate) fn was_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether any byte was taken since this was last asked.
    pub(crate) fn take_moved(&mut self) -> bool {
        let lent = matches!(self.output, Output::Lent) && self.member.outbox().take_moved();
        std::mem::take(&mut self.moved) || lent
    }

    /// Whether any byte came since this was last asked.
    pub(crate) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.websocket.get_mut().heard)
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
        self.websocket.get_mut().closing = true;
        // Cannot fail: the pipe takes all.
        let _ = self.websocket.close(Some(close_frame(code, reason)));
        self.member.outbox().seal();
        let goodbye = async {
            poll_fn(|cx| self.poll_write(cx)).await?;
            self.part(linger).await
        };
        await_goodbye(goodbye, timeout).await;
    }

    /// Closes in the background, without what waits in the outbox: that is for the next connection.
    pub(crate) fn hang_up(mut self, code: CloseCode, reason: &str, timeout: Duration) {
        self.take_back();
        let frame = RawFrame::close(Some(close_frame(code, reason)));
        if frame.format(&mut self.writing).is_err() {
            return;
        }
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
        match self.output.stream(&mut self.websocket.get_mut().input) {
            Some(output) => output.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Reads and forgets until the client has ended its writing half, too: closing with unread input
    /// would make TCP throw away the close frame.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let input = &mut self.websocket.get_mut().input;
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

impl Input {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, buffer),
            Self::Other(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
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

/// The transport as tungstenite sees it: reads are the transport's, writes go to the outbox.
struct Pipe {
    input: Input,
    /// Of the task that reads.
    waker: Waker,
    member: Arc<Member>,
    /// A byte came.
    heard: bool,
    /// The client sends more at once than tungstenite's buffer takes.
    bursts: bool,
    /// What was read of a burst and not taken yet.
    burst: Bytes,
    /// What is written now is the close frame.
    closing: bool,
}

impl Pipe {
    fn read_input(input: &mut Input, waker: &Waker, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match input.poll_read(&mut Context::from_waker(waker), &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.burst.is_empty() {
            if !self.bursts {
                let read = Self::read_input(&mut self.input, &self.waker, bytes)?;
                self.heard |= read > 0;
                self.bursts = read == bytes.len();
                return Ok(read);
            }
            let mut burst = vec![0; BURST];
            let read = Self::read_input(&mut self.input, &self.waker, &mut burst)?;
            burst.truncate(read);
            self.heard |= read > 0;
            self.bursts = read >= bytes.len();
            self.burst = burst.into();
        }
        let read = self.burst.len().min(bytes.len());
        bytes[..read].copy_from_slice(&self.burst.split_to(read));
        if self.burst.is_empty() {
            self.burst = Bytes::new();
        }
        Ok(read)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let frame = Frame::raw(bytes);
        if self.closing {
            self.member.outbox().push_last(frame);
        } else {
            self.member.outbox().push_uncounted(frame);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
