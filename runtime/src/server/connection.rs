use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::session::{DisconnectReason, Member, Taken};
use crate::transport::Transport;
use crate::wire::{CloseCode, Frame};

/// How many bytes are read at once from a client that sends more than its read buffer takes.
///
/// A read buffer is kept per client, so it is small; this one is there only while it is full.
const BURST: usize = 8 << 10;

/// One WebSocket. tungstenite parses what comes in; all that goes out, its own pongs and close
/// frames too, passes through the member's outbox, so that there is one order.
pub(crate) struct Connection {
    websocket: WebSocket<Pipe>,
    input: Arc<Input>,
    member: Arc<Member>,
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
        let input = Arc::<Input>::default();
        let pipe = Pipe {
            transport,
            waker: Arc::clone(&input).into(),
            member: Arc::clone(&member),
            heard: false,
            bursts: false,
            burst: Bytes::new(),
            closing: false,
        };
        let websocket = WebSocket::from_partially_read(pipe, read, Role::Server, Some(config));
        Self {
            websocket,
            input,
            member,
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
        if !self.input.take(cx.waker()) {
            return Poll::Pending;
        }
        match self.websocket.read() {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            read => {
                self.input.put_back();
                Poll::Ready(read)
            }
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
            if self.member.outbox().take(&mut self.writing, cx.waker()) == Taken::Nothing {
                return self.poll_flush(cx);
            }
        }
    }

    /// Writes what was taken from the outbox.
    fn poll_write_taken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.writing.len() {
            let transport = &mut self.websocket.get_mut().transport;
            let count = ready!(Pin::new(transport).poll_write(cx, &self.writing[self.written..]))?;
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
        if self.unflushed {
            ready!(Pin::new(&mut self.websocket.get_mut().transport).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
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
        std::mem::take(&mut self.moved)
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
        poll_fn(|cx| self.poll_shutdown(cx)).await?;
        if linger {
            poll_fn(|cx| self.poll_linger(cx)).await?;
        }
        Ok(())
    }

    /// Ends the writing half: TLS has a goodbye of its own.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.websocket.get_mut().transport).poll_shutdown(cx)
    }

    /// Reads and forgets until the client has ended its writing half, too: closing with unread input
    /// would make TCP throw away the close frame.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let transport = &mut self.websocket.get_mut().transport;
        let mut scratch = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut *transport).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
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

/// Whether there may be input, so that a task that was woken to write does not try to read.
struct Input {
    there: AtomicBool,
    task: AtomicWaker,
}

impl Default for Input {
    fn default() -> Self {
        Self { there: AtomicBool::new(true), task: AtomicWaker::new() }
    }
}

impl Input {
    /// Whether to read. When reading finds nothing, `task` is woken by what comes after.
    fn take(&self, task: &Waker) -> bool {
        if !self.there.load(Ordering::Acquire) {
            return false;
        }
        self.task.register(task);
        // Before the stream is looked at: what comes after that look sets it again.
        self.there.store(false, Ordering::Release);
        true
    }

    /// Something was read, and there may be more.
    fn put_back(&self) {
        self.there.store(true, Ordering::Release);
    }
}

impl Wake for Input {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.there.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// The transport as tungstenite sees it: reads are the transport's, writes go to the outbox.
struct Pipe {
    transport: Transport,
    /// The waker of [`Input`].
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
    fn read_transport(
        transport: &mut Transport,
        waker: &Waker,
        bytes: &mut [u8],
    ) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(transport).poll_read(&mut Context::from_waker(waker), &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.burst.is_empty() {
            if !self.bursts {
                let read = Self::read_transport(&mut self.transport, &self.waker, bytes)?;
                self.heard |= read > 0;
                self.bursts = read == bytes.len();
                return Ok(read);
            }
            let mut burst = vec![0; BURST];
            let read = Self::read_transport(&mut self.transport, &self.waker, &mut burst)?;
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
