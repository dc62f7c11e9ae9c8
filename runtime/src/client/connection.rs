//! Drives one connection until it ends: sends what waits, reads what comes, pings, notices death.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::calls::Answer;
use super::dial::Socket;
use super::session::Session;
use super::shared::{Next, Shared};
use crate::wire::{CloseCode, Head, control, is_counted};

/// How long what waits may take to go out when the client closes, and the server to agree.
const CLOSING: Duration = Duration::from_secs(5);
/// How long the close frames of a lost connection may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long nobody may take an event from a full inbox before calls fail.
const STALL: Duration = Duration::from_secs(1);
/// How soon after a message the server is asked whether it received it.
const CONFIRM: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The client closed it.
    Closed,
    Lost {
        code: CloseCode,
        reason: String,
    },
}

/// How often the two sides speak at least.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heartbeats {
    /// How often this client pings.
    interval: Duration,
    /// How long nothing at all may be heard.
    silence: Duration,
}

impl Heartbeats {
    /// A server that is busy with a handler may leave `own` pings unanswered; `servers` is how often
    /// it is heard all the same.
    pub(super) fn new(own: Duration, servers: Duration) -> Self {
        let longer = own.max(servers);
        Self { interval: own, silence: longer + longer / 2 }
    }
}

/// Whether messages are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Goes,
    /// The inbox is full since then.
    Stopped(Instant),
    /// It is full, and nobody has taken anything for long: calls have failed.
    Stalled,
}

/// What the connection has to look at.
enum Step {
    Read(Option<Result<Message, Error>>),
    /// The earliest deadline is over.
    Time,
}

pub(super) struct Connection<'a> {
    shared: &'a Shared,
    socket: &'a mut Socket,
    session: &'a mut Session,
    heartbeats: Heartbeats,
    heard_at: Instant,
    ping_at: Instant,
    /// When to ask whether messages have arrived, if some went out since it was last asked.
    confirm_at: Option<Instant>,
    ping_due: bool,
    unflushed: bool,
    reading: Reading,
    /// When closing is given up, once it has begun.
    closing: Option<Instant>,
    close_sent: bool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        socket: &'a mut Socket,
        session: &'a mut Session,
        heartbeats: Heartbeats,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            socket,
            session,
            heartbeats,
            heard_at: now,
            ping_at: now + heartbeats.interval,
            confirm_at: None,
            ping_due: false,
            unflushed: false,
            // Events of the connection before may still fill it.
            reading: if shared.inbox.is_full() { Reading::Stopped(now) } else { Reading::Goes },
            closing: None,
            close_sent: false,
        }
    }

    pub(super) async fn drive(mut self) -> Ending {
        let shared = self.shared;
        let mut timer = pin!(sleep_until(self.next_deadline()));
        self.look_around();
        loop {
            let ending = tokio::select! {
                step = poll_fn(|cx| self.poll(cx, timer.as_mut())) => match step {
                    Step::Read(Some(Ok(message))) => self.heard(message),
                    Step::Read(Some(Err(error))) => Some(self.failed(&error)),
                    Step::Read(None) => Some(self.lost(CloseCode::ABNORMAL, "the connection was lost")),
                    Step::Time => self.on_time(Instant::now()),
                },
                () = shared.wake.notified() => {
                    self.look_around();
                    None
                }
            };
            if let Some(ending) = ending {
                return ending;
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<Step> {
        // Before the socket, as that may be ready for ever; and after, as it sets deadlines.
        if self.poll_timer(cx, timer.as_mut()).is_ready() {
            return Poll::Ready(Step::Time);
        }
        match self.poll_socket(cx) {
            Poll::Ready(read) => Poll::Ready(Step::Read(read)),
            Poll::Pending => self.poll_timer(cx, timer).map(|()| Step::Time),
        }
    }

    fn poll_timer(&self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<()> {
        let deadline = self.next_deadline();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.poll(cx)
    }

    /// Runs the hook, writes what waits, and reads one message.
    fn poll_socket(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if let Some(hook) = &mut self.session.hook
            && hook.as_mut().poll(cx).is_ready()
        {
            self.session.hook = None;
            self.shared.hook_done();
        }
        let written = self.poll_write(cx);
        let reading = self.reading == Reading::Goes || self.is_closing();
        let read = if reading { self.socket.poll_next_unpin(cx) } else { Poll::Pending };
        match (read, written) {
            // Only now: what the server said before it went away tells why.
            (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Some(Err(error))),
            (read, _) => read,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            ready!(self.socket.poll_ready_unpin(cx))?;
            let Some(message) = self.next_message() else { break };
            self.socket.start_send_unpin(message)?;
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(self.socket.poll_flush_unpin(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn next_message(&mut self) -> Option<Message> {
        if self.close_sent {
            return None;
        }
        if let Some(ack) = self.ack() {
            return Some(Message::text(ack));
        }
        if mem::take(&mut self.ping_due) {
            // The pong says that the server has received everything before it.
            let count = self.shared.sent().to_be_bytes();
            return Some(Message::Ping(Bytes::copy_from_slice(&count)));
        }
        match self.shared.next() {
            Next::Message(text) => {
                self.confirm_at.get_or_insert_with(|| Instant::now() + CONFIRM);
                Some(Message::Text(text))
            }
            Next::Nothing => None,
            Next::Finished => {
                self.close_sent = true;
                Some(close(CloseCode::NORMAL))
            }
        }
    }

    /// What confirms to the server what it sent, if it is time.
    fn ack(&mut self) -> Option<String> {
        let received = &self.session.received;
        let due = received.is_due() || (self.ping_due && received.is_owed());
        (due && self.session.is_kept())
            .then(|| format!(r#"["{}",{}]"#, control::ACK, self.session.received.tell()))
    }

    fn heard(&mut self, message: Message) -> Option<Ending> {
        self.heard_at = Instant::now();
        match message {
            Message::Text(text) => self.read(text),
            Message::Pong(payload) => {
                if let Ok(count) = payload.as_ref().try_into() {
                    self.shared.confirm(u64::from_be_bytes(count));
                }
            }
            Message::Close(frame) if self.close_sent => {
                // The server answers a close frame when it has received everything before it. With
                // another code it is no answer: the server closed at the same time.
                if CloseCode::said(frame).0 == CloseCode::NORMAL {
                    self.shared.confirm_all();
                }
                return Some(Ending::Closed);
            }
            Message::Close(frame) => {
                let (code, reason) = CloseCode::said(frame);
                return Some(self.lost(code, reason));
            }
            Message::Binary(bytes) => {
                self.session.received.count(bytes.len());
                tracing::debug!("skipped a binary message");
            }
            Message::Ping(_) | Message::Frame(_) => {}
        }
        None
    }

    fn read(&mut self, text: Utf8Bytes) {
        let head = Head::parse(&text);
        if head.as_ref().map_or(true, |head| is_counted(head.name(&text))) {
            self.session.received.count(text.len());
        }
        let head = match head {
            Ok(head) => head,
            Err(malformed) => {
                tracing::warn!(%malformed, "skipped a message");
                return;
            }
        };
        match (head.name(&text), head.id) {
            (control::OK, Some(id)) => {
                self.shared.answered(id.get(), Answer { text, head, ok: true });
            }
            (control::ERR, Some(id)) => {
                self.shared.answered(id.get(), Answer { text, head, ok: false });
            }
            (control::PING | control::PONG, _) => {}
            (control::ACK, _) => {
                if let Ok(count) = head.payload(&text).parse() {
                    self.shared.acknowledge(count);
                }
            }
            (name, _) if name.starts_with('$') && name != control::ERR => {
                tracing::debug!(name, "skipped a frame that this client does not know");
            }
            // While closing nobody waits for room: what does not fit is not for this client any more.
            _ if self.is_closing() && self.reading != Reading::Goes => {}
            _ => {
                if self.shared.inbox.frame(&text, head) {
                    self.reading = Reading::Stopped(self.heard_at);
                }
            }
        }
    }

    /// Looks whether the inbox has room again, and whether the client closes.
    fn look_around(&mut self) {
        if self.reading != Reading::Goes && !self.shared.inbox.is_full() {
            self.reading = Reading::Goes;
            // Nothing could be heard meanwhile.
            self.heard_at = Instant::now();
            self.shared.unstall();
        }
        if self.closing.is_none() && self.shared.is_closing() {
            self.closing = Some(Instant::now() + CLOSING);
        }
    }

    fn next_deadline(&self) -> Instant {
        let silence = match self.reading {
            Reading::Goes => Some(self.heard_at + self.heartbeats.silence),
            Reading::Stopped(since) => Some(since + STALL),
            Reading::Stalled => None,
        };
        [silence, self.confirm_at, self.closing]
            .into_iter()
            .flatten()
            .fold(self.ping_at, Instant::min)
    }

    fn on_time(&mut self, now: Instant) -> Option<Ending> {
        if self.closing.is_some_and(|at| now >= at) {
            return Some(Ending::Closed);
        }
        match self.reading {
            Reading::Goes if now >= self.heard_at + self.heartbeats.silence => {
                let reason = format!("nothing was heard for {:?}", self.heartbeats.silence);
                return Some(self.lost(CloseCode::HEARTBEAT_MISSED, reason));
            }
            Reading::Stopped(since) if now >= since + STALL => {
                tracing::warn!("reading has stopped: poll `ClientEvents`, or drop it");
                self.reading = Reading::Stalled;
                self.shared.stall();
            }
            _ => {}
        }
        let confirm = self.confirm_at.is_some_and(|at| now >= at);
        if confirm {
            self.confirm_at = None;
        }
        if now >= self.ping_at || (confirm && self.shared.unconfirmed()) {
            self.ping_due = true;
            self.ping_at = now + self.heartbeats.interval;
        }
        None
    }

    fn failed(&self, error: &Error) -> Ending {
        let code = match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => CloseCode::ABNORMAL,
            Error::Protocol(_) => CloseCode::PROTOCOL,
            Error::Capacity(_) => CloseCode::TOO_BIG,
            Error::Utf8(_) => CloseCode::INVALID_UTF8,
            _ => CloseCode::ABNORMAL,
        };
        self.lost(code, error.to_string())
    }

    fn lost(&self, code: CloseCode, reason: impl Into<String>) -> Ending {
        if self.is_closing() {
            return Ending::Closed;
        }
        Ending::Lost { code, reason: reason.into() }
    }

    fn is_closing(&self) -> bool {
        self.closing.is_some() || self.close_sent
    }
}

/// Ends a connection: says `code` if no close frame was sent, lets the answer to the server's go out,
/// hangs up.
pub(super) async fn farewell(socket: &mut Socket, code: CloseCode) {
    let goodbye = async {
        if code.is_sendable() {
            // Fails if there was a close frame from either side.
            let _ = socket.send(close(code)).await;
        }
        socket.flush().await?;
        socket.get_mut().shutdown().await?;
        Ok::<(), Error>(())
    };
    if !matches!(timeout(FAREWELL, goodbye).await, Ok(Ok(()))) {
        tracing::debug!("the connection broke while it was closed");
    }
}

fn close(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code: code.0.into(), reason: Utf8Bytes::default() }))
}
