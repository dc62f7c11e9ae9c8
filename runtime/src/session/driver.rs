mod line;
mod reading;

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use self::line::Line;
use super::arrivals::{Arrival, Arrivals};
use super::cork::Cork;
use super::door::Comeback;
use super::limits::TURN;
use super::liveness::{Due, Liveness};
use super::outbox::{Policy, TooLarge};
use super::rate_limit::RateLimit;
use super::stall::Stall;
use super::{DisconnectReason, Member};
use crate::server::{Connection, Mode};
use crate::wire::{CallId, Frame, Head, Receipts, Unrecovered, control, receipts};

/// Carries a session over its connections: reads what comes, writes what waits, keeps time.
///
/// All that is readable is handled before anything is written.
#[allow(clippy::struct_excessive_bools, reason = "facts that do not exclude each other")]
pub(super) struct Driver {
    line: Line,
    /// How many comebacks were granted; and the last of which something came over the connection.
    comebacks: u64,
    proven: u64,
    member: Arc<Member>,
    mode: Mode,
    /// The message that was read last, if it is for the session.
    arrival: Arrival,
    arrivals: Arrivals,
    receipts: Receipts,
    /// The call whose handler runs.
    running: Option<CallId>,
    liveness: Liveness,
    rate: Option<Box<RateLimit>>,
    malformed_in_a_row: u32,
    /// How many messages may still be read before what waits is written and the others have their turn.
    turn: u32,
    stall: Stall,
    /// Reading had stopped at the last rest.
    deaf: bool,
    /// The outbox has it that this task sleeps.
    asleep: bool,
    /// Somebody may be at the door.
    visited: bool,
    cork: Cork,
    /// Why the session ends.
    ended: Option<DisconnectReason>,
    /// A running handler is to be cancelled.
    cut: bool,
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
    Cut,
}

/// Bounds a handler that does not end at once: most do, and need no timer.
enum Timer {
    Unset(Duration),
    Set(Pin<Box<Sleep>>),
}

impl Timer {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Unset(timeout) = *self {
            *self = Self::Set(Box::pin(sleep(timeout)));
        }
        match self {
            Self::Set(timer) => timer.as_mut().poll(cx),
            Self::Unset(_) => Poll::Pending,
        }
    }
}

impl Driver {
    pub(super) fn new(connection: Connection, member: Arc<Member>, mode: Mode) -> Self {
        let limits = member.limits();
        Self {
            line: Line::Up(connection),
            comebacks: 0,
            proven: 0,
            mode,
            arrival: Arrival::default(),
            arrivals: Arrivals::default(),
            receipts: Receipts::new(receipts::SERVER),
            running: None,
            liveness: Liveness::new(limits),
            rate: limits.rate.map(|rate| Box::new(RateLimit::new(rate))),
            malformed_in_a_row: 0,
            turn: TURN,
            stall: Stall::default(),
            deaf: false,
            asleep: false,
            visited: false,
            cork: Cork::default(),
            ended: None,
            cut: false,
            member,
        }
    }

    /// What to do next, or why the session ends.
    pub(super) fn next(&mut self) -> impl Future<Output = Result<Next, Box<DisconnectReason>>> {
        poll_fn(|cx| self.poll_next(cx))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, Box<DisconnectReason>>> {
        self.wake_up();
        if self.cork.holds_any() {
            // Its client is not read until the others have what it sent them before.
            self.rest(cx);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.cork.put_in();
        loop {
            self.answer_call();
            if let Some(reason) = &self.ended {
                let reason = Box::new(reason.clone());
                let goes_on = self.handles_the_rest() && self.take_next();
                return Poll::Ready(if goes_on { Ok(Next::Arrival) } else { Err(reason) });
            }
            if self.take_next() {
                return Poll::Ready(Ok(Next::Arrival));
            }
            if self.visited {
                match self.member.door().comeback() {
                    Some(comeback) => return Poll::Ready(Ok(Next::Comeback(comeback))),
                    None => self.visited = false,
                }
            }
            if self.poll_arrival(cx) == Poll::Ready(true) {
                return Poll::Ready(Ok(Next::Arrival));
            }
            self.rest(cx);
            // Looked at once more now that the outbox has this task's waker: what comes from here on
            // wakes it.
            if self.ended.is_none() && !self.member.outbox().is_called() {
                return Poll::Pending;
            }
            self.wake_up();
            self.cork.put_in();
        }
    }

    /// Runs a handler to its end; meanwhile reads ahead and writes.
    pub(super) fn handle<F: Future>(
        &mut self,
        call: Option<CallId>,
        handler: Pin<&mut F>,
    ) -> impl Future<Output = Run<F::Output>> {
        self.running = call;
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
        heeds_cut: bool,
    ) -> impl Future<Output = Run<F::Output>> {
        let mut timer = timeout.map(Timer::Unset);
        poll_fn(move |cx| {
            let run = ready!(self.poll_run(handler.as_mut(), timer.as_mut(), heeds_cut, cx));
            self.running = None;
            Poll::Ready(run)
        })
    }

    fn poll_run<F: Future>(
        &mut self,
        handler: Pin<&mut F>,
        timer: Option<&mut Timer>,
        heeds_cut: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Run<F::Output>> {
        self.wake_up();
        self.cork.put_in();
        self.answer_call();
        if heeds_cut && self.cut {
            return Poll::Ready(Run::Cut);
        }
        // A panic may leave the session's value half-changed: no event reaches it afterwards.
        match catch_unwind(AssertUnwindSafe(|| handler.poll(cx))) {
            Ok(Poll::Ready(done)) => return Poll::Ready(Run::Done(done)),
            Ok(Poll::Pending) => {}
            Err(_) => return Poll::Ready(Run::Panicked),
        }
        if timer.is_some_and(|timer| timer.poll(cx).is_ready()) {
            return Poll::Ready(Run::TimedOut);
        }
        while !self.is_full() && self.poll_arrival(cx) == Poll::Ready(true) {
            let head = std::mem::take(&mut self.arrival.head);
            self.arrivals.push(head, self.line.text());
        }
        self.rest(cx);
        // Only now that the outbox has this task's waker: a later call wakes it.
        if self.member.outbox().is_called() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Logs something of this session.
    pub(super) fn log(&self, say: impl FnOnce()) {
        self.member.log(say);
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The message that [`next`](Self::next) has just brought, and its text.
    pub(super) fn arrival(&self) -> (&Head, &str) {
        let Arrival { head, kept } = &self.arrival;
        (head, kept.as_deref().unwrap_or_else(|| self.line.text()))
    }

    /// The message was looked at.
    pub(super) fn forget_arrival(&mut self) {
        self.arrival.kept = None;
    }

    /// Goes on with what was read ahead, if anything was.
    fn take_next(&mut self) -> bool {
        let Some(arrival) = self.arrivals.pop() else { return false };
        self.arrival = arrival;
        true
    }

    /// Sends a frame to this client.
    pub(super) fn send(&self, frame: &Frame) -> Result<(), TooLarge> {
        self.member.push(Policy::Reliable, frame).map(drop)
    }

    /// Before the task sleeps: keeps time, then writes all that waits for its client, and for others, or
    /// has it written.
    fn rest(&mut self, cx: &mut Context<'_>) {
        self.turn = TURN;
        self.keep_time(cx);
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
            Line::Down(absence) => {
                // Bytes are no reason to wake up, but a call is.
                self.member.outbox().block(0, cx.waker());
                if absence.poll_over(cx).is_ready() {
                    let reason = absence.reason.clone();
                    self.end(reason, Unrecovered::Expired);
                }
                None
            }
        };
        if let Some(reason) = lost {
            self.lose(reason);
            // Nothing more is written, but a handler that runs may still have to be cancelled.
            self.member.outbox().block(0, cx.waker());
            if let Line::Down(absence) = &mut self.line {
                // Only so that it wakes this task: it has just begun.
                let _ = absence.poll_over(cx);
            }
        }
        if self.cork.pull() {
            cx.waker().wake_by_ref();
        }
    }

    /// Asks a silent client for a sign of life, and gives up on one that gives none.
    fn keep_time(&mut self, cx: &mut Context<'_>) {
        // While reading has stopped, a client cannot be heard. But it is to hear of us.
        let deaf = self.is_full();
        let Line::Up(connection) = &mut self.line else { return };
        if connection.take_heard() || (self.deaf && !deaf) {
            self.liveness.heard();
        }
        if deaf && !self.deaf && self.liveness.is_sign_due(self.member.limits()) {
            self.be_heard();
        }
        self.deaf = deaf;
        while self.ended.is_none()
            && let Poll::Ready(due) = self.liveness.poll_due(self.member.limits(), cx)
        {
            match due {
                Due::Ping if deaf => self.be_heard(),
                Due::Ping => {
                    self.acknowledge();
                    self.ping();
                }
                Due::Death if deaf => {
                    self.liveness.heard();
                    self.be_heard();
                }
                Due::Death => {
                    self.lose(DisconnectReason::HeartbeatMissed);
                    return;
                }
            }
        }
    }

    /// Gives a sign of life that was not asked for: a client that is not read waits for the answer
    /// to its own ping, and in a browser it sees no ping frames.
    fn be_heard(&mut self) {
        self.liveness.sign_given();
        self.ping();
        if self.mode == Mode::Parlor
            && let Ok(pong) = Frame::event(control::PONG, &None::<u64>)
        {
            self.member.outbox().push_uncounted(pong);
        }
    }

    fn wake_up(&mut self) {
        if std::mem::take(&mut self.asleep) {
            self.member.outbox().wake_up();
        }
    }

    fn ping(&mut self) {
        if let Line::Up(connection) = &mut self.line {
            connection.ping();
        }
    }
}
