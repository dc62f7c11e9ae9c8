use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep};

use super::options::Heartbeat;

/// When bytes were last received from a client, and what is due.
pub(super) struct HeartbeatTimer {
    received_at: Instant,
    /// Bytes were received since the timer was last polled.
    is_fresh: bool,
    pinged: bool,
    /// Reading was paused at the last poll.
    paused: bool,
    /// When the last keep-alive was due.
    keep_alive_at: Option<Instant>,
    timer: Timer,
}

/// It is set when it fires, not each time that bytes are received.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
    /// The waker of the task is registered. It is always the same.
    armed: bool,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A ping, which the client must answer.
    Ping,
    /// A ping, and a pong without a ping of the client. Reading is paused, so pings of the client get no
    /// answer, and browsers do not show ping frames to their scripts.
    KeepAlive,
    /// The client was silent for `Heartbeat::timeout`.
    Timeout,
}

impl HeartbeatTimer {
    pub(super) fn new(options: &Heartbeat) -> Self {
        let received_at = Instant::now();
        let deadline = received_at + options.interval.min(options.timeout);
        let sleep = Box::pin(tokio::time::sleep_until(deadline));
        Self {
            received_at,
            is_fresh: false,
            pinged: false,
            paused: false,
            keep_alive_at: None,
            timer: Timer { sleep, deadline, armed: false },
        }
    }

    /// Bytes were received. The timer is not touched: the time is checked when it fires.
    pub(super) fn received(&mut self) {
        self.received_at = Instant::now();
        self.is_fresh = true;
        self.pinged = false;
    }

    /// Starts anew for a new connection.
    pub(super) fn restart(&mut self) {
        self.paused = false;
        self.received();
    }

    /// Ready when something is due. While reading is paused, silence does not count.
    pub(super) fn poll_due(
        &mut self,
        paused: bool,
        options: &Heartbeat,
        cx: &mut Context<'_>,
    ) -> Poll<Due> {
        let (begins, ends) = (paused && !self.paused, self.paused && !paused);
        self.paused = paused;
        if ends {
            self.received();
        }
        // Reading may pause often: at most four keep-alives per interval.
        let is_due = |at: Instant| at.elapsed() >= options.interval / 4;
        if begins && self.keep_alive_at.is_none_or(is_due) {
            return Poll::Ready(self.keep_alive());
        }
        match self.poll_silence(options, cx) {
            // The silence starts anew, so that the next keep-alive is due after another interval.
            Poll::Ready(_) if paused => {
                self.received();
                Poll::Ready(self.keep_alive())
            }
            due => due,
        }
    }

    fn keep_alive(&mut self) -> Due {
        self.keep_alive_at = Some(Instant::now());
        Due::KeepAlive
    }

    /// Ready when the client was silent for the interval, and again for the timeout.
    fn poll_silence(&mut self, options: &Heartbeat, cx: &mut Context<'_>) -> Poll<Due> {
        // While bytes are received, the timer's own memory is not touched.
        let is_early = std::mem::take(&mut self.is_fresh) && self.received_at < self.timer.deadline;
        if self.timer.armed && (is_early || !self.timer.sleep.is_elapsed()) {
            return Poll::Pending;
        }
        let (interval, timeout) = (options.interval, options.timeout);
        self.timer.armed = false;
        while self.timer.sleep.as_mut().poll(cx).is_ready() {
            let silence = self.received_at.elapsed();
            if silence >= timeout {
                return Poll::Ready(Due::Timeout);
            }
            if silence >= interval && !self.pinged {
                self.pinged = true;
                // The answer will not set the timer.
                self.timer.set((self.received_at + timeout).min(Instant::now() + interval));
                return Poll::Ready(Due::Ping);
            }
            let next = if self.pinged { timeout } else { interval.min(timeout) };
            self.timer.set(self.received_at + next);
        }
        // A timer that is polled without budget does not register the waker.
        self.timer.armed = has_budget_remaining();
        Poll::Pending
    }
}

impl Timer {
    fn set(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.sleep.as_mut().reset(deadline);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    fn options() -> Heartbeat {
        Heartbeat { interval: Duration::from_secs(30), timeout: Duration::from_secs(45) }
    }

    #[tokio::test(start_paused = true)]
    async fn silent_client_is_pinged_after_the_interval_and_lost_after_the_timeout() {
        let start = Instant::now();
        let mut heartbeat = HeartbeatTimer::new(&options());
        assert_eq!(poll_fn(|cx| heartbeat.poll_due(false, &options(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 30);
        assert_eq!(poll_fn(|cx| heartbeat.poll_due(false, &options(), cx)).await, Due::Timeout);
        assert_eq!(start.elapsed().as_secs(), 45);
    }

    #[tokio::test(start_paused = true)]
    async fn received_bytes_put_the_ping_off() {
        let start = Instant::now();
        let mut heartbeat = HeartbeatTimer::new(&options());
        tokio::time::advance(Duration::from_secs(20)).await;
        heartbeat.received();
        assert_eq!(poll_fn(|cx| heartbeat.poll_due(false, &options(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 50);
        heartbeat.received();
        assert_eq!(poll_fn(|cx| heartbeat.poll_due(false, &options(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 80);
    }

    /// Proxies close connections that are silent for longer than their own timeout.
    #[tokio::test(start_paused = true)]
    async fn client_is_pinged_once_per_interval_however_long_the_timeout_is() {
        for (interval, timeout) in [(1, 45), (10, 45), (20, 45), (30, 45), (10, 11)] {
            let [interval, timeout] = [interval, timeout].map(Duration::from_secs);
            let options = Heartbeat { interval, timeout };
            for paused in [false, true] {
                let mut heartbeat = HeartbeatTimer::new(&options);
                let mut last = Instant::now();
                let expected = if paused { Due::KeepAlive } else { Due::Ping };
                if paused {
                    let due = poll_fn(|cx| heartbeat.poll_due(paused, &options, cx)).await;
                    assert_eq!(due, expected);
                }
                for _ in 0..5 {
                    let due = poll_fn(|cx| heartbeat.poll_due(paused, &options, cx)).await;
                    assert_eq!(due, expected);
                    assert_eq!(last.elapsed(), interval, "{options:?}, paused: {paused}");
                    last = Instant::now();
                    if !paused {
                        heartbeat.received();
                    }
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_before_the_deadline_leave_the_timer_alone() {
        let start = Instant::now();
        let mut heartbeat = HeartbeatTimer::new(&options());
        poll_fn(|cx| {
            assert!(heartbeat.poll_due(false, &options(), cx).is_pending());
            heartbeat.received();
            assert!(heartbeat.poll_due(false, &options(), cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(poll_fn(|cx| heartbeat.poll_due(false, &options(), cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn task_without_budget_is_woken_all_the_same() {
        let mut heartbeat = HeartbeatTimer::new(&options());
        poll_fn(|cx| {
            while has_budget_remaining() {
                let _ = std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx);
            }
            assert!(heartbeat.poll_due(false, &options(), cx).is_pending());
            Poll::Ready(())
        })
        .await;
        tokio::task::yield_now().await;
        let due = poll_fn(|cx| heartbeat.poll_due(false, &options(), cx));
        let due = tokio::time::timeout(Duration::from_secs(60), due).await;
        assert_eq!(due, Ok(Due::Ping));
    }
}
