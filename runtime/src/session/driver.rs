use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::arrivals::{Arrival, Arrivals};
use super::limits::TURN;
use super::liveness::{Due, Liveness};
use super::rate_limit::RateLimit;
use super::reply::refusal;
use super::{DisconnectReason, Member, TooLarge};
use crate::server::{Connection, Mode};
use crate::wire::{CloseCode, ErrorBody, ErrorCode, Frame, Head, control};

/// Carries a session over one connection: reads what comes, writes what waits, keeps time.
///
/// All that is readable is handled before anything is written.
pub(super) struct Driver {
    connection: Connection,
    member: Arc<Member>,
    mode: Mode,
    arrivals: Arrivals,
    /// The call whose handler runs.
    running: Option<u64>,
    liveness: Liveness,
    rate: Option<RateLimit>,
    malformed_in_a_row: u32,
    /// How many messages may still be read before what waits is written and the others have their turn.
    turn: u32,
    /// Reading had stopped at the last rest.
    deaf: bool,
    /// The outbox holds this task's waker.
    asleep: bool,
    /// Why nothing more will come over this connection.
    ended: Option<DisconnectReason>,
}

/// How a handler's run ended.
pub(super) enum Run<T> {
    Done(T),
    Panicked,
    TimedOut,
    /// The server's shutdown took too long.
    Cut,
}

impl Driver {
    pub(super) fn new(connection: Connection, member: Arc<Member>, mode: Mode) -> Self {
        let limits = member.limits();
        Self {
            connection,
            mode,
            arrivals: Arrivals::default(),
            running: None,
            liveness: Liveness::new(limits.heartbeat_interval, limits.heartbeat_timeout),
            rate: limits.rate.map(RateLimit::new),
            malformed_in_a_row: 0,
            turn: TURN,
            deaf: false,
            asleep: false,
            ended: None,
            member,
        }
    }

    /// The next message, or why there is none.
    pub(super) async fn next(&mut self) -> Result<Arrival, DisconnectReason> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrival, DisconnectReason>> {
        self.wake_up();
        if let Some(reason) = self.member.outbox().ending() {
            return Poll::Ready(Err(reason));
        }
        if let Some(arrival) = self.arrivals.pop() {
            return Poll::Ready(Ok(arrival));
        }
        if let Poll::Ready(Some(arrival)) = self.poll_arrival(cx) {
            return Poll::Ready(Ok(arrival));
        }
        if self.ended.is_none() {
            self.rest(cx);
        }
        // Asked once more now that the outbox has this task's waker: what comes from here on wakes it.
        match self.ended.clone().or_else(|| self.member.outbox().ending()) {
            Some(reason) => Poll::Ready(Err(reason)),
            None => Poll::Pending,
        }
    }

    /// Runs a handler to its end; meanwhile reads ahead and writes.
    pub(super) async fn handle<F: Future>(
        &mut self,
        call: Option<u64>,
        handler: Pin<&mut F>,
    ) -> Run<F::Output> {
        self.running = call;
        let run = self.drive(handler, self.member.limits().handler_timeout, true).await;
        self.running = None;
        run
    }

    /// Runs the session's `disconnected`, which a shutdown's bound does not cut short.
    pub(super) async fn disconnect<F: Future>(&mut self, goodbye: Pin<&mut F>) -> Run<F::Output> {
        self.drive(goodbye, Some(self.member.limits().close_timeout), false).await
    }

    /// The handler stays where it is pinned: moving it costs as much as many a handler.
    async fn drive<F: Future>(
        &mut self,
        mut handler: Pin<&mut F>,
        timeout: Option<Duration>,
        heeds_cut: bool,
    ) -> Run<F::Output> {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            self.wake_up();
            // A panic may leave the session's value half-changed: no event reaches it afterwards.
            match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
                Ok(Poll::Ready(done)) => return Poll::Ready(Run::Done(done)),
                Ok(Poll::Pending) => {}
                Err(_) => return Poll::Ready(Run::Panicked),
            }
            if let Some(timeout) = timeout {
                let timer = timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
                if timer.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Run::TimedOut);
                }
            }
            while !self.is_full() {
                match self.poll_arrival(cx) {
                    Poll::Ready(Some(arrival)) => self.arrivals.push(arrival),
                    Poll::Ready(None) | Poll::Pending => break,
                }
            }
            self.rest(cx);
            // Only now that the outbox has this task's waker: a later cut wakes it.
            if heeds_cut && self.member.outbox().is_cut() {
                return Poll::Ready(Run::Cut);
            }
            Poll::Pending
        })
        .await
    }

    /// Why the session was asked to end.
    pub(super) fn ending(&self) -> Option<DisconnectReason> {
        self.member.outbox().ending()
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Sends a frame to this client.
    pub(super) fn send(&self, frame: &Frame) -> Result<(), TooLarge> {
        self.member.outbox().push(frame.as_bytes())
    }

    /// Sends a frame of Parlor's own, small enough for any outbox that is of use.
    fn say(&self, frame: &Frame) {
        if let Err(error) = self.send(frame) {
            tracing::error!(%error, "not sent: a frame of Parlor's own");
        }
    }

    /// Tells the client that a message was refused. Clients of plain mode are told nothing.
    pub(super) fn refuse(&mut self, body: &ErrorBody, call: Option<u64>) {
        tracing::debug!(code = %body.code, "message refused");
        if body.code == ErrorCode::Malformed {
            self.count_malformed();
        } else {
            self.well_formed();
        }
        if self.mode == Mode::Parlor
            && let Some(frame) = refusal(body, call)
        {
            self.say(&frame);
        }
    }

    fn count_malformed(&mut self) {
        self.malformed_in_a_row += 1;
        if self.malformed_in_a_row >= self.member.limits().max_malformed {
            self.ended.get_or_insert(DisconnectReason::ProtocolViolation {
                code: CloseCode::POLICY,
                message: format!("{} malformed messages in a row", self.malformed_in_a_row),
            });
        }
    }

    /// Whether as much was read ahead as may be.
    fn is_full(&self) -> bool {
        self.arrivals.is_full(self.member.limits().max_read_ahead)
    }

    /// A message was well-formed.
    pub(super) fn well_formed(&mut self) {
        self.malformed_in_a_row = 0;
    }

    /// The next message that is for the session; `None` when the connection has ended.
    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arrival>> {
        while self.ended.is_none() {
            if self.turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let Poll::Ready(read) = self.connection.poll_read(cx) else { return Poll::Pending };
            self.turn -= 1;
            match read {
                Ok(Message::Text(text)) => {
                    if let Some(arrival) = self.arrive(text) {
                        return Poll::Ready(Some(arrival));
                    }
                }
                Ok(Message::Binary(_)) => {
                    let what = "a binary frame: this connection speaks JSON in text frames";
                    self.refuse(&ErrorBody::new(ErrorCode::Malformed, what), None);
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Close(frame)) => {
                    let (code, reason) = frame.map_or_else(
                        || (CloseCode::NO_CODE, String::new()),
                        |frame| (CloseCode(frame.code.into()), frame.reason.to_string()),
                    );
                    self.ended = Some(DisconnectReason::ClientClosed { code, reason });
                }
                Err(error) => self.ended = Some(broken(&error)),
            }
        }
        Poll::Ready(None)
    }

    /// Sorts a message: what is for the session is returned, the rest is dealt with.
    fn arrive(&mut self, text: Utf8Bytes) -> Option<Arrival> {
        let head = match Head::parse(&text) {
            Ok(head) => head,
            Err(malformed) => {
                self.refuse(&ErrorBody::new(ErrorCode::Malformed, malformed.to_string()), None);
                return None;
            }
        };
        match head.name(&text) {
            control::PING => {
                let number = head.payload(&text).parse::<u64>().ok();
                if let Ok(frame) = Frame::event(control::PONG, &number) {
                    self.say(&frame);
                }
                self.well_formed();
                return None;
            }
            control::PONG | control::ACK => {
                self.well_formed();
                return None;
            }
            _ => {}
        }
        if let Some(rate) = &mut self.rate
            && !rate.allow()
        {
            let body = ErrorBody::new(ErrorCode::Limited, "more events than the rate limit allows");
            self.refuse(&body, head.id);
            return None;
        }
        if let Some(id) = head.id
            && (self.running == Some(id) || self.arrivals.has_call(id))
        {
            let message = format!("a call with the id {id} is still running");
            self.refuse(&ErrorBody::new(ErrorCode::Malformed, message), None);
            return None;
        }
        Some(Arrival { text, head })
    }

    /// Before the task sleeps: keeps time, then writes all that waits.
    fn rest(&mut self, cx: &mut Context<'_>) {
        self.turn = TURN;
        self.keep_time(cx);
        self.asleep = true;
        if let Poll::Ready(Err(error)) = self.connection.poll_write(cx) {
            self.ended.get_or_insert(DisconnectReason::ConnectionLost { error: error.to_string() });
            // Nothing more is written, but a handler that runs may still have to be cancelled.
            self.member.outbox().block(0, cx.waker());
        }
    }

    /// Asks a silent client for a sign of life, and gives up on one that gives none.
    fn keep_time(&mut self, cx: &mut Context<'_>) {
        // While reading has stopped, a client cannot be heard. But it is to hear of us.
        let deaf = self.is_full();
        if self.connection.take_heard() || (self.deaf && !deaf) {
            self.liveness.heard();
        }
        if deaf && !self.deaf && self.liveness.is_sign_due() {
            self.be_heard();
        }
        self.deaf = deaf;
        while self.ended.is_none()
            && let Poll::Ready(due) = self.liveness.poll_due(cx)
        {
            match due {
                Due::Ping if deaf => self.be_heard(),
                Due::Ping => self.connection.ping(),
                Due::Death if deaf => {
                    self.liveness.heard();
                    self.be_heard();
                }
                Due::Death => self.ended = Some(DisconnectReason::HeartbeatMissed),
            }
        }
    }

    /// Gives a sign of life that was not asked for: a client that is not read waits for the answer
    /// to its own ping, and in a browser it sees no ping frames.
    fn be_heard(&mut self) {
        self.liveness.sign_given();
        self.connection.ping();
        if self.mode == Mode::Parlor
            && let Ok(pong) = Frame::event(control::PONG, &None::<u64>)
        {
            self.say(&pong);
        }
    }

    fn wake_up(&mut self) {
        if std::mem::take(&mut self.asleep) {
            self.member.outbox().wake_up();
        }
    }

    /// Closes the connection: what waits goes out, then a close frame, then TCP's own goodbye.
    pub(super) async fn finish(mut self: Box<Self>, reason: &DisconnectReason) {
        if let DisconnectReason::ConnectionLost { .. } = reason {
            return self.member.outbox().discard();
        }
        let (code, words) = reason.close();
        self.connection.close(code, words);
        let close_timeout = self.member.limits().close_timeout;
        // A client that has said its last word sends nothing that would have to be read.
        let linger = !matches!(reason, DisconnectReason::ClientClosed { .. });
        let goodbye = async {
            poll_fn(|cx| self.connection.poll_write(cx)).await?;
            poll_fn(|cx| self.connection.poll_shutdown(cx)).await?;
            if linger {
                poll_fn(|cx| self.connection.poll_linger(cx)).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        match tokio::time::timeout(close_timeout, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the connection broke while it was closed"),
            Err(_) => tracing::debug!("the client did not close in time"),
        }
    }
}

/// Why the connection cannot go on after this error.
fn broken(error: &Error) -> DisconnectReason {
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
