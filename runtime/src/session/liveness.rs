use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// When a client was last heard, and what is due because of it.
pub(super) struct Liveness {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    pinged: bool,
    /// When we last gave a sign of life that was not asked for.
    sign: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// What silence calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Death,
}

impl Liveness {
    pub(super) fn new(interval: Duration, timeout: Duration) -> Self {
        let heard = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(heard + interval.min(timeout)));
        Self { interval, timeout, heard, pinged: false, sign: None, timer }
    }

    /// Something came. The timer is left alone: it looks at the time when it fires.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
        self.pinged = false;
    }

    /// Whether it is a while since the last [`sign_given`](Self::sign_given): a client that is read
    /// by fits and starts is not to be told at each.
    pub(super) fn is_sign_due(&self) -> bool {
        self.sign.is_none_or(|sign| sign.elapsed() >= self.interval / 4)
    }

    /// We gave a sign of life that was not asked for.
    pub(super) fn sign_given(&mut self) {
        self.sign = Some(Instant::now());
    }

    /// Ready when the client has been silent for the interval, and again for the timeout.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let silence = self.heard.elapsed();
            if silence >= self.timeout {
                return Poll::Ready(Due::Death);
            }
            if silence >= self.interval && !self.pinged {
                self.pinged = true;
                self.timer.as_mut().reset(self.heard + self.timeout);
                return Poll::Ready(Due::Ping);
            }
            let next = if self.pinged { self.timeout } else { self.interval.min(self.timeout) };
            self.timer.as_mut().reset(self.heard + next);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pings_after_the_interval_and_dies_after_the_timeout() {
        let start = Instant::now();
        let mut liveness = Liveness::new(Duration::from_secs(30), Duration::from_secs(45));
        assert_eq!(poll_fn(|cx| liveness.poll_due(cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 30);
        assert_eq!(poll_fn(|cx| liveness.poll_due(cx)).await, Due::Death);
        assert_eq!(start.elapsed().as_secs(), 45);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_puts_it_off() {
        let start = Instant::now();
        let mut liveness = Liveness::new(Duration::from_secs(30), Duration::from_secs(45));
        tokio::time::advance(Duration::from_secs(20)).await;
        liveness.heard();
        assert_eq!(poll_fn(|cx| liveness.poll_due(cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 50);
        liveness.heard();
        assert_eq!(poll_fn(|cx| liveness.poll_due(cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 80);
    }
}
