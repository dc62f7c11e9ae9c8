//! Drives one connection until it ends: sends, reads, pings, and detects that it was lost.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};
use tungstenite::error::ProtocolError;
use tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::calls::Answer;
use super::heartbeat::Heartbeat;
use super::session::Session;
use super::shared::{Next, Shared};
use super::websocket::{WebSocket, close_frame};
use crate::wire::{CloseCode, Head, control, is_counted};

/// The timeout of closing: sending what is queued, and receiving the close frame of the server.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the inbox may stay full before calls fail.
const STALL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long after a message the client pings to have it confirmed.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum ConnectionEnd {
    /// By the client.
    Closed,
    Lost {
        code: CloseCode,
        reason: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Active,
    /// The inbox is full since this time.
    Paused(Instant),
    /// The inbox has been full for [`STALL_TIMEOUT`]: calls have failed.
    Stalled,
}

enum Step {
    Read(Option<Result<Message, Error>>),
    /// The earliest deadline has passed.
    Time,
}

pub(super) struct Connection<'a> {
    shared: &'a Shared,
    socket: &'a mut WebSocket,
    session: &'a mut Session,
    heartbeat: Heartbeat,
    received_at: Instant,
    ping_at: Instant,
    /// When to ping to have messages confirmed, if some were sent since the last time.
    confirm_at: Option<Instant>,
    ping_due: bool,
    unflushed: bool,
    reading: Reading,
    /// The deadline of closing, once it has begun.
    closing: Option<Instant>,
    close_sent: bool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        socket: &'a mut WebSocket,
        session: &'a mut Session,
        heartbeat: Heartbeat,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            socket,
            session,
            heartbeat,
            received_at: now,
            ping_at: now + heartbeat.interval,
            confirm_at: None,
            ping_due: false,
            unflushed: false,
            // Events of the previous connection may still fill the inbox.
            reading: if shared.inbox.is_full() { Reading::Paused(now) } else { Reading::Active },
            closing: None,
            close_sent: false,
        }
    }

    pub(super) async fn drive(mut self) -> ConnectionEnd {
        let shared = self.shared;
        let mut timer = pin!(sleep_until(self.next_deadline()));
        self.check_shared();
        loop {
            let ending = tokio::select! {
                step = poll_fn(|cx| self.poll(cx, timer.as_mut())) => match step {
                    Step::Read(Some(Ok(message))) => self.on_message(message),
                    Step::Read(Some(Err(error))) => Some(self.failed(&error)),
                    Step::Read(None) => Some(self.lost(CloseCode::ABNORMAL, "the connection was lost")),
                    Step::Time => self.on_time(Instant::now()),
                },
                () = shared.wake.notified() => {
                    self.check_shared();
                    None
                }
            };
            if let Some(ending) = ending {
                return ending;
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<Step> {
        // Before the socket, which may always be ready; and after it, because it sets deadlines.
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

    /// Polls the session hook, writes what is queued, and reads one message.
    fn poll_socket(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if let Some(hook) = &mut self.session.hook
            && hook.as_mut().poll(cx).is_ready()
        {
            self.session.hook = None;
            self.shared.hook_done();
        }
        let written = self.poll_write(cx);
        let reading = self.reading == Reading::Active || self.is_closing();
        let read = if reading { self.socket.poll_next_unpin(cx) } else { Poll::Pending };
        match (read, written) {
            // After the last message, which may be a close frame with the reason.
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
            // The pong confirms all messages before the ping.
            let count = self.shared.sent().to_be_bytes();
            return Some(Message::Ping(Bytes::copy_from_slice(&count)));
        }
        match self.shared.next() {
            Next::Message(text) => {
                self.confirm_at.get_or_insert_with(|| Instant::now() + CONFIRM_INTERVAL);
                Some(Message::Text(text))
            }
            Next::Nothing => None,
            Next::Finished => {
                self.close_sent = true;
                Some(close_frame(CloseCode::NORMAL))
            }
        }
    }

    /// The acknowledgement to send, if it is due.
    fn ack(&mut self) -> Option<String> {
        let received = &self.session.received;
        let due = received.is_due() || (self.ping_due && received.has_unacknowledged());
        (due && self.session.is_kept())
            .then(|| format!(r#"["{}",{}]"#, control::ACK, self.session.received.acknowledge()))
    }

    fn on_message(&mut self, message: Message) -> Option<ConnectionEnd> {
        self.received_at = Instant::now();
        match message {
            Message::Text(text) => self.read(text),
            Message::Pong(payload) => {
                if let Ok(count) = payload.as_ref().try_into() {
                    self.shared.confirm(u64::from_be_bytes(count));
                }
            }
            Message::Close(frame) if self.close_sent => {
                // The close frame with which the server answers confirms all messages. One with another
                // code is no answer: the server closed at the same time.
                if CloseCode::from_frame(frame).0 == CloseCode::NORMAL {
                    self.shared.confirm(self.shared.sent());
                }
                return Some(ConnectionEnd::Closed);
            }
            Message::Close(frame) => {
                let (code, reason) = CloseCode::from_frame(frame);
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
                tracing::warn!(%malformed, "skipped a malformed message");
                return;
            }
        };
        match (head.name(&text), head.id) {
            (control::OK, Some(id)) => {
                self.shared.complete_call(id.get(), Answer { text, head, ok: true });
            }
            (control::ERR, Some(id)) => {
                self.shared.complete_call(id.get(), Answer { text, head, ok: false });
            }
            (control::PING | control::PONG, _) => {}
            (control::ACK, _) => {
                if let Ok(count) = head.payload(&text).parse() {
                    self.shared.acknowledge(count);
                }
            }
            (name, _) if name.starts_with('$') && name != control::ERR => {
                tracing::debug!(name, "skipped an unknown control event");
            }
            // While closing, events that do not fit into the inbox are dropped.
            _ if self.is_closing() && self.reading != Reading::Active => {}
            _ => {
                if self.shared.inbox.frame(&text, head) {
                    self.reading = Reading::Paused(self.received_at);
                }
            }
        }
    }

    /// Checks whether the inbox has capacity again, and whether the client closes.
    fn check_shared(&mut self) {
        if self.reading != Reading::Active && !self.shared.inbox.is_full() {
            self.reading = Reading::Active;
            // Nothing could be received meanwhile.
            self.received_at = Instant::now();
            self.shared.unstall();
        }
        if self.closing.is_none() && self.shared.is_closing() {
            self.closing = Some(Instant::now() + CLOSING_TIMEOUT);
        }
    }

    fn next_deadline(&self) -> Instant {
        let silence = match self.reading {
            Reading::Active => Some(self.received_at + self.heartbeat.timeout),
            Reading::Paused(since) => Some(since + STALL_TIMEOUT),
            Reading::Stalled => None,
        };
        [silence, self.confirm_at, self.closing]
            .into_iter()
            .flatten()
            .fold(self.ping_at, Instant::min)
    }

    fn on_time(&mut self, now: Instant) -> Option<ConnectionEnd> {
        if self.closing.is_some_and(|at| now >= at) {
            return Some(ConnectionEnd::Closed);
        }
        match self.reading {
            Reading::Active if now >= self.received_at + self.heartbeat.timeout => {
                let reason = format!("no message from the server for {:?}", self.heartbeat.timeout);
                return Some(self.lost(CloseCode::HEARTBEAT_MISSED, reason));
            }
            Reading::Paused(since) if now >= since + STALL_TIMEOUT => {
                tracing::warn!(
                    "reading has stopped, because the inbox is full: poll `ClientEvents`, or drop it"
                );
                self.reading = Reading::Stalled;
                self.shared.stall();
            }
            _ => {}
        }
        let confirm = self.confirm_at.is_some_and(|at| now >= at);
        if confirm {
            self.confirm_at = None;
        }
        if now >= self.ping_at || (confirm && self.shared.has_unconfirmed()) {
            self.ping_due = true;
            self.ping_at = now + self.heartbeat.interval;
        }
        None
    }

    fn failed(&self, error: &Error) -> ConnectionEnd {
        let code = match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => CloseCode::ABNORMAL,
            Error::Protocol(_) => CloseCode::PROTOCOL,
            Error::Capacity(_) => CloseCode::TOO_BIG,
            Error::Utf8(_) => CloseCode::INVALID_UTF8,
            _ => CloseCode::ABNORMAL,
        };
        self.lost(code, error.to_string())
    }

    fn lost(&self, code: CloseCode, reason: impl Into<String>) -> ConnectionEnd {
        if self.is_closing() {
            return ConnectionEnd::Closed;
        }
        ConnectionEnd::Lost { code, reason: reason.into() }
    }

    fn is_closing(&self) -> bool {
        self.closing.is_some() || self.close_sent
    }
}
