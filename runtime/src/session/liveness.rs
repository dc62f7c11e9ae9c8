use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep};

use super::limits::Limits;

/// When a client was last heard, and what is due because of it.
pub(super) struct Liveness {
    heard: Instant,
    /// It was heard since the timer was last thought of, so the time is known.
    fresh: bool,
    pinged: bool,
    /// When we last gave a sign of life that was not asked for.
    sign: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    /// When the timer fires.
    deadline: Instant,
    /// The timer has the waker of the task, which is always the same.
    armed: bool,
}

/// What silence calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Death,
}

impl Liveness {
    pub(super) fn new(limits: &Limits) -> Self {
        let heard = Instant::now();
        let deadline = heard + limits.heartbeat_interval.min(limits.heartbeat_timeout);
        let timer = Box::pin(tokio::time::sleep_until(deadline));
        Self { heard, fresh: false, pinged: false, sign: None, timer, deadline, armed: false }
    }

    /// Something came. The timer is left alone: it looks at the time when it fires.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
        self.fresh = true;
        self.pinged = false;
    }

    /// Whether it is a while since the last [`sign_given`](Self::sign_given): a client that is read
    /// by fits and starts is not to be told at each.
    pub(super) fn is_sign_due(&self, limits: &Limits) -> bool {
        self.sign.is_none_or(|sign| sign.elapsed() >= limits.heartbeat_interval / 4)
    }

    /// We gave a sign of life that was not asked for.
    pub(super) fn sign_given(&mut self) {
        self.sign = Some(Instant::now());
    }

    /// Ready when the client has been silent for the interval, and again for the timeout.
    pub(super) fn poll_due(&mut self, limits: &Limits, cx: &mut Context<'_>) -> Poll<Due> {
        // The timer is memory of its own, which a client that has just been heard need not touch.
        let is_early = std::mem::take(&mut self.fresh) && self.heard < self.deadline;
        if self.armed && (is_early || !self.timer.is_elapsed()) {
            return Poll::Pending;
        }
        let (interval, timeout) = (limits.heartbeat_interval, limits.heartbeat_timeout);
        self.armed = false;
        while self.timer.as_mut().poll(cx).is_ready() {
            let silence = self.heard.elapsed();
            if silence >= timeout {
                return Poll::Ready(Due::Death);
            }
            if silence >= interval && !self.pinged {
                self.pinged = true;
                self.set_timer(self.heard + timeout);
                return Poll::Ready(Due::Ping);
            }
            let next = if self.pinged { timeout } else { interval.min(timeout) };
            self.set_timer(self.heard + next);
        }
        // A task that has used up its turn is told to wait, and the timer is not looked at.
        self.armed = has_budget_remaining();
        Poll::Pending
    }

    fn set_timer(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.timer.as_mut().reset(deadline);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    fn limits() -> Limits {
        Limits {
            heartbeat_interval: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(45),
            ..Limits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pings_after_the_interval_and_dies_after_the_timeout() {
        let start = Instant::now();
        let mut liveness = Liveness::new(&limits());
        assert_eq!(poll_fn(|cx| liveness.poll_due(&limits(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 30);
        assert_eq!(poll_fn(|cx| liveness.poll_due(&limits(), cx)).await, Due::Death);
        assert_eq!(start.elapsed().as_secs(), 45);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_puts_it_off() {
        let start = Instant::now();
        let mut liveness = Liveness::new(&limits());
        tokio::time::advance(Duration::from_secs(20)).await;
        liveness.heard();
        assert_eq!(poll_fn(|cx| liveness.poll_due(&limits(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 50);
        liveness.heard();
        assert_eq!(poll_fn(|cx| liveness.poll_due(&limits(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 80);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_early_leaves_the_timer_alone_and_no_longer() {
        let start = Instant::now();
        let mut liveness = Liveness::new(&limits());
        poll_fn(|cx| {
            assert!(liveness.poll_due(&limits(), cx).is_pending());
            liveness.heard();
            assert!(liveness.poll_due(&limits(), cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(poll_fn(|cx| liveness.poll_due(&limits(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_had_its_turn_is_woken_all_the_same() {
        let mut liveness = Liveness::new(&limits());
        poll_fn(|cx| {
            while has_budget_remaining() {
                let _ = std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx);
            }
            assert!(liveness.poll_due(&limits(), cx).is_pending());
            Poll::Ready(())
        })
        .await;
        tokio::task::yield_now().await;
        let due = poll_fn(|cx| liveness.poll_due(&limits(), cx));
        let due = tokio::time::timeout(Duration::from_secs(60), due).await;
        assert_eq!(due, Ok(Due::Ping));
    }
}
