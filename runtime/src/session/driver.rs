mod line;

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop::{poll_proceed, unconstrained};
use tokio::time::{Sleep, sleep};

use self::line::Line;
use super::door::Comeback;
use super::heartbeat::{Due, Heartbeat};
use super::intake::Intake;
use super::stall::Stall;
use super::{DisconnectReason, Member, batch};
use crate::server::{Connection, Message, Mode};
use crate::wire::{CallId, ErrorBody, Frame, Head, Unrecovered, control};

/// Carries a session over its connections: reads what comes, writes what is pending, keeps time.
///
/// All that is readable is handled before anything is written.
pub(super) struct Driver {
    line: Line,
    /// How many resume requests were granted: the generation of the newest connection.
    generation: u64,
    /// The newest generation over which something came: its client has the secret of its welcome.
    proven: u64,
    member: Arc<Member>,
    intake: Intake,
    heartbeat: Heartbeat,
    stall: Stall,
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
    /// A message of the client, for [`Driver::arrival`].
    Arrival,
    /// A client that wants to go on with the session.
    Comeback(Box<Comeback>),
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
            line: Line::Up(connection),
            generation: 0,
            proven: 0,
            intake: Intake::new(&member, mode),
            heartbeat: Heartbeat::new(member.limits()),
            stall: Stall::default(),
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
                let goes_on = self.handles_the_rest() && self.intake.take_next();
                return Poll::Ready(if goes_on { Ok(Next::Arrival) } else { Err(reason) });
            }
            if self.intake.take_next() {
                return Poll::Ready(Ok(Next::Arrival));
            }
            if self.resume_requested {
                match self.member.door().comeback() {
                    Some(comeback) => return Poll::Ready(Ok(Next::Comeback(comeback))),
                    None => self.resume_requested = false,
                }
            }
            if self.poll_arrival(cx) == Poll::Ready(true) {
                return Poll::Ready(Ok(Next::Arrival));
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
    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.ended.is_none() {
            // Reading stops when the task's budget is used up, so that other tasks run.
            let budget = ready!(poll_proceed(cx));
            let Line::Up(connection) = &mut self.line else { break };
            let read = ready!(connection.poll_read(cx));
            budget.made_progress();
            if matches!(read, Ok(Message::Text)) {
                self.prove();
            }
            let Line::Up(connection) = &self.line else { break };
            match self.intake.sort(read, connection) {
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
            self.member.hub().recovery.proven(&self.member);
        }
    }

    /// Runs a handler to its end; meanwhile reads ahead and writes.
    pub(super) fn handle<F: Future>(
        &mut self,
        call: Option<CallId>,
        handler: Pin<&mut F>,
    ) -> impl Future<Output = Run<F::Output>> {
        self.intake.set_running(call);
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
            self.intake.set_running(None);
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
        while !self.intake.is_full() && self.poll_arrival(cx) == Poll::Ready(true) {
            self.intake.keep(self.line.text());
        }
        self.rest(cx);
        Poll::Pending
    }

    /// Logs something of this session.
    pub(super) fn log(&self, say: impl FnOnce()) {
        self.member.log(say);
    }

    pub(super) fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    /// The message that [`next`](Self::next) has just brought, and its text.
    pub(super) fn arrival(&self) -> (&Head, &str) {
        self.intake.arrival(self.line.text())
    }

    /// Tells the client that a message was refused.
    pub(super) fn refuse(&mut self, body: &ErrorBody, call: Option<CallId>) {
        if let Err(reason) = self.intake.refuse(body, call) {
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
        let lost = match &mut self.line {
            Line::Up(connection) => match connection.poll_rest(cx) {
                Poll::Ready(Ok(())) => {
                    self.stall.over();
                    None
                }
                Poll::Ready(Err(error)) => {
                    Some(DisconnectReason::ConnectionLost { error: error.to_string() })
                }
                Poll::Pending => {
                    let timeout = self.member.limits().write_timeout;
                    let stall = self.stall.poll_too_long(connection.take_moved(), timeout, cx);
                    stall.is_ready().then_some(DisconnectReason::TooSlow)
                }
            },
            Line::Down { reason, is_over, .. } => {
                // Bytes are no reason to wake up, but a signal is.
                self.member.outbox().block(0);
                if is_over.as_mut().poll(cx).is_ready() {
                    let reason = reason.clone();
                    self.end(reason, Unrecovered::Expired);
                }
                None
            }
        };
        if let Some(reason) = lost {
            self.lose(reason);
            // Nothing more is written, but a handler that runs may still have to be cancelled.
            self.member.outbox().block(0);
            if let Line::Down { is_over, .. } = &mut self.line {
                // Only so that it wakes this task: it has just begun.
                let _ = is_over.as_mut().poll(cx);
            }
        }
    }

    /// Pings a silent client, and loses the connection when it stays silent.
    fn keep_time(&mut self, cx: &mut Context<'_>) {
        let paused = self.intake.is_full();
        let Line::Up(connection) = &mut self.line else { return };
        if connection.take_heard() {
            self.heartbeat.received();
        }
        while self.ended.is_none()
            && let Line::Up(connection) = &self.line
            && let Poll::Ready(due) = self.heartbeat.poll_due(paused, self.member.limits(), cx)
        {
            match due {
                Due::Ping => {
                    self.intake.acknowledge();
                    connection.ping();
                }
                Due::Unasked => {
                    connection.ping();
                    if self.intake.mode() == Mode::Parlor
                        && let Ok(pong) = Frame::event(control::PONG, &None::<u64>)
                    {
                        self.member.push_uncounted(&pong);
                    }
                }
                Due::Death => self.lose(DisconnectReason::HeartbeatMissed),
            }
        }
    }

    fn wake_up(&mut self) {
        if std::mem::take(&mut self.asleep) {
            self.member.outbox().wake_up();
        }
    }
}
