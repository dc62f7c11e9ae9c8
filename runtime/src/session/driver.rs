mod attachment;
mod end;
mod resume;

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop::{poll_proceed, unconstrained};
use tokio::time::{Sleep, sleep};

use self::attachment::Attachment;
use super::connection::{Connection, Message};
use super::heartbeat::{Due, Heartbeat};
use super::inbound::Inbound;
use super::resume_slot::ResumeRequest;
use super::write_timeout::WriteTimeout;
use super::{Member, batch};
use crate::contract::ErrorReply;
use crate::disconnect_reason::DisconnectReason;
use crate::request::Mode;
use crate::wire::{CallId, Frame, Head, Unrecovered, control};
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;

/// Carries a session over its connections: reads what comes, writes what is pending, keeps time.
///
/// All that is readable is handled before anything is written.
pub(super) struct Driver {
    attachment: Attachment,
    /// How many resume requests were granted: the generation of the newest connection.
    generation: u64,
    /// The newest generation over which something came: its client has the secret of its welcome.
    proven: u64,
    member: Arc<Member>,
    inbound: Inbound,
    heartbeat: Heartbeat,
    write_timeout: WriteTimeout,
    /// The outbox may have this task as one that sleeps.
    asleep: bool,
    /// A resume request may be waiting.
    resume_requested: bool,
    /// Why the session ends.
    ended: Option<DisconnectReason>,
    /// A running handler is to be cancelled.
    cancelled: bool,
}

/// What a session has to do next.
pub(super) enum Next {
    /// A message of the client, for [`Driver::message`].
    Message,
    /// A client that wants to go on with the session.
    ResumeRequest(Box<ResumeRequest>),
}

/// How a handler's run ended.
pub(super) enum Run<T> {
    Done(T),
    Panicked,
    TimedOut,
    /// The server's shutdown took too long.
    Cancelled,
}

/// Polls a future that is ready or pending whatever the task's budget is.
fn poll_without_budget<F: Future + ?Sized>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    pin!(unconstrained(future)).poll(cx)
}

impl Driver {
    pub(super) fn new(connection: Connection, member: Arc<Member>, mode: Mode) -> Self {
        Self {
            attachment: Attachment::Attached(connection),
            generation: 0,
            proven: 0,
            inbound: Inbound::new(&member, mode),
            heartbeat: Heartbeat::new(member.limits()),
            write_timeout: WriteTimeout::default(),
            asleep: false,
            resume_requested: false,
            ended: None,
            cancelled: false,
            member,
        }
    }

    /// The task begins: signals wake it from here on.
    pub(super) fn begin(&mut self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            self.member.signals().register(cx.waker());
            Poll::Ready(())
        })
    }

    /// What to do next, or why the session ends.
    pub(super) fn next(&mut self) -> impl Future<Output = Result<Next, Box<DisconnectReason>>> {
        poll_fn(|cx| self.poll_next(cx))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, Box<DisconnectReason>>> {
        self.wake_up();
        if batch::is_behind() {
            // Its client is not read until the others have what it sent them before.
            self.rest(cx);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            self.take_signals();
            if let Some(reason) = &self.ended {
                let reason = Box::new(reason.clone());
                let goes_on = self.handles_the_rest() && self.inbound.take_next();
                return Poll::Ready(if goes_on { Ok(Next::Message) } else { Err(reason) });
            }
            if self.inbound.take_next() {
                return Poll::Ready(Ok(Next::Message));
            }
            if self.resume_requested {
                match self.member.resume_slot().take_request() {
                    Some(request) => return Poll::Ready(Ok(Next::ResumeRequest(request))),
                    None => self.resume_requested = false,
                }
            }
            if self.poll_message(cx) == Poll::Ready(true) {
                return Poll::Ready(Ok(Next::Message));
            }
            self.rest(cx);
            // A connection that is lost only now may end the session.
            if self.ended.is_none() {
                return Poll::Pending;
            }
            self.wake_up();
        }
    }

    /// Reads the next message that is for the session: its text is in the connection. Says whether
    /// there is one, or no connection to read from.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.ended.is_none() {
            // Reading stops when the task's budget is used up, so that other tasks run.
            let budget = ready!(poll_proceed(cx));
            let Attachment::Attached(connection) = &mut self.attachment else { break };
            let read = ready!(connection.poll_read(cx));
            budget.made_progress();
            if matches!(read, Ok(Message::Text)) {
                self.prove();
            }
            let Attachment::Attached(connection) = &self.attachment else { break };
            match self.inbound.sort(read, connection) {
                Ok(true) => return Poll::Ready(true),
                Ok(false) => {}
                Err(reason) => self.lose(reason),
            }
        }
        Poll::Ready(false)
    }

    /// A message came over this connection: the client has the secret of its welcome.
    fn prove(&mut self) {
        if self.proven < self.generation {
            self.proven = self.generation;
            self.member.hub().recovery.retire_older_secrets(&self.member);
        }
    }

    /// Runs a handler to its end; meanwhile reads ahead and writes.
    pub(super) fn handle<F: Future>(
        &mut self,
        call: Option<CallId>,
        handler: Pin<&mut F>,
    ) -> impl Future<Output = Run<F::Output>> {
        self.inbound.set_running(call);
        let timeout = self.member.limits().handler_timeout;
        self.drive(handler, timeout, true)
    }

    /// Runs the session's `disconnected`, which a shutdown's bound does not cut short.
    pub(super) fn disconnect<F: Future>(
        &mut self,
        goodbye: Pin<&mut F>,
    ) -> impl Future<Output = Run<F::Output>> {
        let timeout = self.member.limits().close_timeout;
        self.drive(goodbye, Some(timeout), false)
    }

    /// The handler stays where it is pinned: moving it costs as much as many a handler.
    fn drive<F: Future>(
        &mut self,
        mut handler: Pin<&mut F>,
        timeout: Option<Duration>,
        may_cancel: bool,
    ) -> impl Future<Output = Run<F::Output>> {
        // Most handlers end at once and need no timer.
        let mut timer = None;
        poll_fn(move |cx| {
            let run =
                ready!(self.poll_run(handler.as_mut(), (timeout, &mut timer), may_cancel, cx));
            self.inbound.set_running(None);
            Poll::Ready(run)
        })
    }

    fn poll_run<F: Future>(
        &mut self,
        handler: Pin<&mut F>,
        (timeout, timer): (Option<Duration>, &mut Option<Pin<Box<Sleep>>>),
        may_cancel: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Run<F::Output>> {
        self.wake_up();
        self.take_signals();
        if may_cancel && self.cancelled {
            return Poll::Ready(Run::Cancelled);
        }
        // A panic may leave the session's value half-changed: no event reaches it afterwards.
        match catch_unwind(AssertUnwindSafe(|| handler.poll(cx))) {
            Ok(Poll::Ready(done)) => return Poll::Ready(Run::Done(done)),
            Ok(Poll::Pending) => {}
            Err(_) => return Poll::Ready(Run::Panicked),
        }
        if let Some(timeout) = timeout
            && poll_without_budget(
                timer.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut(),
                cx,
            )
            .is_ready()
        {
            return Poll::Ready(Run::TimedOut);
        }
        while !self.inbound.is_full() && self.poll_message(cx) == Poll::Ready(true) {
            self.inbound.keep(self.attachment.text());
        }
        self.rest(cx);
        Poll::Pending
    }

    /// Logs something of this session.
    pub(super) fn log(&self, say: impl FnOnce()) {
        self.member.log(say);
    }

    pub(super) fn inbound(&mut self) -> &mut Inbound {
        &mut self.inbound
    }

    /// The message that [`next`](Self::next) has just brought, and its text.
    pub(super) fn message(&self) -> (&Head, &str) {
        self.inbound.message(self.attachment.text())
    }

    /// Sends an error reply. Too many malformed messages in a row lose the connection.
    pub(super) fn send_error(&mut self, error: &ErrorReply) {
        if let Err(reason) = self.inbound.send_error(error) {
            self.lose(reason);
        }
    }

    /// Before the task sleeps: keeps time, then writes what is pending for its client, or leaves it to
    /// a batch.
    ///
    /// What was read may have used up the task's budget. Timers and transports would be pending then,
    /// and a client that sends without a pause would get nothing.
    fn rest(&mut self, cx: &mut Context<'_>) {
        let rest = poll_fn(|cx| {
            self.keep_time(cx);
            self.write(cx);
            Poll::Ready(())
        });
        let _ = poll_without_budget(pin!(rest), cx);
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        self.asleep = true;
        let outbox = self.member.outbox();
        let lost = match &mut self.attachment {
            Attachment::Attached(connection) => {
                connection.release();
                let written = if connection.is_written_by_outbox() && self.member.sleep_if_batched()
                {
                    Poll::Ready(Ok(()))
                } else {
                    connection.poll_write(outbox, cx)
                };
                match written {
                    Poll::Ready(Ok(())) => {
                        self.write_timeout.stop();
                        None
                    }
                    Poll::Ready(Err(error)) => {
                        Some(DisconnectReason::ConnectionLost { error: error.to_string() })
                    }
                    Poll::Pending => {
                        let timeout = self.member.limits().write_timeout;
                        let moved = connection.take_moved();
                        let elapsed = self.write_timeout.poll_elapsed(moved, timeout, cx);
                        elapsed.is_ready().then_some(DisconnectReason::TooSlow)
                    }
                }
            }
            Attachment::Detached { reason, expiry, .. } => {
                // Frames do not wake the task. Signals do.
                outbox.block(0);
                if expiry.as_mut().poll(cx).is_ready() {
                    let reason = reason.clone();
                    self.end(reason, Unrecovered::Expired);
                }
                None
            }
        };
        if let Some(reason) = lost {
            self.lose(reason);
            // Nothing more is written. A handler that runs may still be cancelled.
            self.member.outbox().block(0);
            if let Attachment::Detached { expiry, .. } = &mut self.attachment {
                // Registers the task's waker. The timer has just begun, so it is pending.
                let _ = expiry.as_mut().poll(cx);
            }
        }
    }

    /// Pings a silent client, and loses the connection when it stays silent.
    fn keep_time(&mut self, cx: &mut Context<'_>) {
        let paused = self.inbound.is_full();
        let Attachment::Attached(connection) = &mut self.attachment else { return };
        if connection.take_received() {
            self.heartbeat.received();
        }
        while self.ended.is_none()
            && let Attachment::Attached(_) = self.attachment
            && let Poll::Ready(due) = self.heartbeat.poll_due(paused, self.member.limits(), cx)
        {
            match due {
                Due::Ping => {
                    self.inbound.acknowledge();
                    self.ping();
                }
                Due::Unasked => {
                    self.ping();
                    if self.inbound.mode() == Mode::Parlor
                        && let Ok(pong) = Frame::event(control::PONG, &None::<u64>)
                    {
                        self.member.push_uncounted(&pong);
                    }
                }
                Due::Death => self.lose(DisconnectReason::HeartbeatMissed),
            }
        }
    }

    /// Sends a ping frame, which the client must answer.
    fn ping(&self) {
        self.member.push_uncounted(&Frame::from(RawFrame::ping(Bytes::new())));
    }

    fn wake_up(&mut self) {
        if std::mem::take(&mut self.asleep) {
            self.member.outbox().wake_up();
        }
    }
}

impl Drop for Driver {
    /// A user may keep the socket, and with it the outbox, which must keep neither connection nor frames.
    fn drop(&mut self) {
        self.member.outbox().seal(None);
        self.member.outbox().detach();
    }
}
