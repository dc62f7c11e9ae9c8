mod attachment;
mod end;
mod resume;
mod work;

use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop::{poll_proceed, unconstrained};
use tokio::time::{Sleep, sleep};
use tungstenite::Bytes;
use tungstenite::protocol::frame::Frame as RawFrame;

use self::attachment::Attachment;
use self::work::Work;
use super::closures::Closure;
use super::connection::{Connection, Message};
use super::heartbeat::{Due, HeartbeatTimer};
use super::inbound::Inbound;
use super::resume_slot::ResumeRequest;
use super::write_timeout::WriteTimeout;
use super::{Member, batch, run_as};
use crate::contract::ErrorReply;
use crate::disconnect_reason::DisconnectReason;
use crate::request::Mode;
use crate::user_code::{Name, UserCode};
use crate::wire::{CallId, Frame, Head, Unrecovered, control};

/// Reads messages, writes pending frames and keeps time for a session, over one connection after the
/// other.
///
/// It handles every readable message before it writes.
pub(super) struct Driver {
    attachment: Attachment,
    /// Resume requests granted so far: the generation of the newest connection.
    generation: u64,
    /// The newest generation over which a message was received: its client has the secret of its
    /// welcome.
    confirmed_generation: u64,
    member: Arc<Member>,
    inbound: Inbound,
    heartbeat: HeartbeatTimer,
    write_timeout: WriteTimeout,
    /// The outbox may list this task as asleep.
    asleep: bool,
    work: Work,
    /// Why the session ends.
    ended: Option<DisconnectReason>,
    /// Handlers are cancelled: the shutdown took too long.
    cancelled: bool,
}

/// What the session does next.
pub(super) enum Next {
    /// Handles the message that [`Driver::message`] returns.
    Message,
    /// Runs a closure of another task.
    Closure(Closure),
    /// Runs `detached`.
    Detached,
    /// Answers a resume request.
    ResumeRequest(Box<ResumeRequest>),
}

/// How a run of a handler ended.
pub(super) enum Run<T> {
    Done(T),
    Panicked,
    TimedOut,
    /// The shutdown of the server took too long.
    Cancelled,
}

/// Polls a future, also when the budget of the task is used up.
fn poll_without_budget<F: Future + ?Sized>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    pin!(unconstrained(future)).poll(cx)
}

impl Driver {
    pub(super) fn new(connection: Connection, member: Arc<Member>, inbound: Inbound) -> Self {
        Self {
            attachment: Attachment::Attached(connection),
            generation: 0,
            confirmed_generation: 0,
            inbound,
            heartbeat: HeartbeatTimer::new(&member.options().heartbeat),
            write_timeout: WriteTimeout::default(),
            asleep: false,
            work: Work::default(),
            ended: None,
            cancelled: false,
            member,
        }
    }

    /// Registers the waker of the task. Signals wake it, and tasks of the session run, from here on.
    pub(super) fn begin(&mut self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            self.member.signals().register(cx.waker());
            self.member.tasks().start();
            Poll::Ready(())
        })
    }

    /// Resolves to what to do next, or to why the session ends.
    pub(super) fn next(&mut self) -> impl Future<Output = Result<Next, Box<DisconnectReason>>> {
        poll_fn(|cx| self.poll_next(cx))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, Box<DisconnectReason>>> {
        self.wake_up();
        if batch::waits_for_flush() {
            // Backpressure: no message is read while earlier broadcasts of this task are not written.
            self.before_sleep(cx);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            self.take_signals();
            if let Some(reason) = &self.ended {
                let reason = Box::new(reason.clone());
                if self.handles_read_ahead() && self.inbound.take_next() {
                    return Poll::Ready(Ok(Next::Message));
                }
                let runs_detached = !self.cancelled && self.work.take_detached();
                return Poll::Ready(if runs_detached { Ok(Next::Detached) } else { Err(reason) });
            }
            if self.work.is_closure_next() {
                let Poll::Ready(budget) = poll_proceed(cx) else {
                    self.before_sleep(cx);
                    return Poll::Pending;
                };
                let closure = self.member.closures().pop();
                self.work.run_closure(closure.is_some());
                if let Some(closure) = closure {
                    budget.made_progress();
                    return Poll::Ready(Ok(Next::Closure(closure)));
                }
            }
            if self.inbound.take_next() {
                return Poll::Ready(Ok(Next::Message));
            }
            if self.work.take_detached() {
                return Poll::Ready(Ok(Next::Detached));
            }
            if self.work.resume_request {
                match self.member.resume_slot().take_request() {
                    Some(request) => return Poll::Ready(Ok(Next::ResumeRequest(request))),
                    None => self.work.resume_request = false,
                }
            }
            if self.poll_message(cx) == Poll::Ready(true) {
                return Poll::Ready(Ok(Next::Message));
            }
            if self.work.is_due() {
                continue;
            }
            self.before_sleep(cx);
            // The connection may be lost while it is written.
            if self.ended.is_none() && !self.work.is_due() {
                return Poll::Pending;
            }
            self.wake_up();
        }
    }

    /// Reads the next event of the client; the connection holds its text. Ready with `false` if there is
    /// no connection to read from.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.ended.is_none() {
            // Reading stops when the budget of the task is used up, so that other tasks run.
            let budget = ready!(poll_proceed(cx));
            let Attachment::Attached(connection) = &mut self.attachment else { break };
            let read = ready!(connection.poll_read(cx));
            budget.made_progress();
            if matches!(read, Ok(Message::Text)) {
                self.confirm_generation();
            }
            let Attachment::Attached(connection) = &self.attachment else { break };
            match self.inbound.handle(read, connection) {
                Ok(true) => return Poll::Ready(true),
                Ok(false) => {}
                Err(reason) => self.lose(reason),
            }
        }
        Poll::Ready(false)
    }

    /// A message was received over this connection, so the client has the secret of its welcome.
    fn confirm_generation(&mut self) {
        if self.confirmed_generation < self.generation {
            self.confirmed_generation = self.generation;
            self.member.hub().recovery.retire_older_secrets(&self.member);
        }
    }

    /// Runs a handler to its end. Reads ahead and writes meanwhile.
    pub(super) fn handle<F: Future>(
        &mut self,
        call: Option<CallId>,
        name: Name,
        handler: Pin<&mut F>,
    ) -> impl Future<Output = Run<F::Output>> {
        self.inbound.set_running(call);
        let timeout = self.member.options().timeouts.handler;
        self.drive(name, handler, timeout, true)
    }

    /// Runs the session's `disconnected`, which a shutdown does not cancel.
    pub(super) fn disconnect<F: Future>(
        &mut self,
        disconnected: Pin<&mut F>,
    ) -> impl Future<Output = Run<F::Output>> {
        let timeout = self.member.options().timeouts.close;
        self.drive(Name::Other("`disconnected`"), disconnected, Some(timeout), false)
    }

    /// Takes the handler pinned: to move a large one costs as much as to run a small one.
    fn drive<F: Future>(
        &mut self,
        name: Name,
        mut handler: Pin<&mut F>,
        timeout: Option<Duration>,
        may_cancel: bool,
    ) -> impl Future<Output = Run<F::Output>> {
        // Created when the handler is first pending: most handlers end in one poll.
        let mut timer = None;
        poll_fn(move |cx| {
            let handler = (name, handler.as_mut());
            let run = ready!(self.poll_run(handler, (timeout, &mut timer), may_cancel, cx));
            self.inbound.set_running(None);
            Poll::Ready(run)
        })
    }

    fn poll_run<F: Future>(
        &mut self,
        (name, handler): (Name, Pin<&mut F>),
        (timeout, timer): (Option<Duration>, &mut Option<Pin<Box<Sleep>>>),
        may_cancel: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Run<F::Output>> {
        self.wake_up();
        self.take_signals();
        if may_cancel && self.cancelled {
            return Poll::Ready(Run::Cancelled);
        }
        // A panic may leave the session's value half-changed, so no event is handled afterwards.
        let poll = || catch_unwind(AssertUnwindSafe(|| handler.poll(cx)));
        let run = || run_as(self.member.id(), poll);
        match self.member.user_code(name).run(run) {
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
            self.inbound.read_ahead(self.attachment.text());
        }
        self.before_sleep(cx);
        Poll::Pending
    }

    pub(super) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// Code of the user that runs for this session.
    pub(super) fn user_code(&self, name: Name) -> UserCode {
        self.member.user_code(name)
    }

    /// Runs `log` in the span of this session.
    pub(super) fn log(&self, log: impl FnOnce()) {
        self.member.log(log);
    }

    pub(super) fn inbound(&mut self) -> &mut Inbound {
        &mut self.inbound
    }

    /// The message that is handled now, and its text.
    pub(super) fn message(&self) -> (&Head, &str) {
        self.inbound.message(self.attachment.text())
    }

    /// Sends an error reply. Too many malformed messages in a row lose the connection.
    pub(super) fn send_error(&mut self, error: &ErrorReply) {
        if let Err(reason) = self.inbound.send_error(error) {
            self.lose(reason);
        }
    }

    /// Checks the heartbeat, then writes the pending frames or leaves them to a batch.
    ///
    /// Runs without a budget: reading may have used it up, and timers and transports would be pending
    /// then. A client that sends without a pause would receive nothing.
    fn before_sleep(&mut self, cx: &mut Context<'_>) {
        let work = poll_fn(|cx| {
            self.check_heartbeat(cx);
            self.write(cx);
            Poll::Ready(())
        });
        let _ = poll_without_budget(pin!(work), cx);
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
                        let timeout = self.member.options().timeouts.write;
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

    /// Pings a silent client. Loses the connection when `Heartbeat::timeout` has passed.
    fn check_heartbeat(&mut self, cx: &mut Context<'_>) {
        let paused = self.inbound.is_full();
        let Attachment::Attached(connection) = &mut self.attachment else { return };
        if connection.take_received() {
            self.heartbeat.received();
        }
        while self.ended.is_none()
            && let Attachment::Attached(_) = self.attachment
            && let Poll::Ready(due) =
                self.heartbeat.poll_due(paused, &self.member.options().heartbeat, cx)
        {
            match due {
                Due::Ping => {
                    self.inbound.acknowledge();
                    self.ping();
                }
                Due::KeepAlive => {
                    self.ping();
                    if self.inbound.mode() == Mode::Parlor
                        && let Ok(pong) = Frame::event(control::PONG, &None::<u64>)
                    {
                        self.member.push_uncounted(&pong);
                    }
                }
                Due::Timeout => self.lose(DisconnectReason::HeartbeatMissed),
            }
        }
    }

    /// Sends a ping frame, which the client must answer.
    fn ping(&self) {
        self.member.push_uncounted(&Frame::from(RawFrame::ping(Bytes::new())));
    }

    fn wake_up(&mut self) {
        if mem::take(&mut self.asleep) {
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
