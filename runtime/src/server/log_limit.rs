//! Limits log lines that anyone can cause, such as a scanner of ports.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::{Lock, rank};

/// The shortest time between two lines of one cause.
const INTERVAL: Duration = Duration::from_secs(60);

/// When each cause was logged. Causes are texts of this crate, so there are few.
#[derive(Debug, Default)]
pub(super) struct LogLimit(Lock<Vec<(&'static str, Instant)>, { rank::LOG_LIMIT }>);

impl LogLimit {
    /// Returns whether to log `cause` now: true at most once a minute.
    pub(super) fn allow(&self, cause: &'static str) -> bool {
        let now = Instant::now();
        let mut logged = self.0.lock();
        match logged.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, at)) if now.duration_since(*at) < INTERVAL => return false,
            Some((_, at)) => *at = now,
            None => logged.push((cause, now)),
        }
        true
    }

    /// Logs why a connection is rejected: at `WARN` if `cause` is allowed now, else at `DEBUG`.
    pub(super) fn log(&self, cause: &'static str, details: impl fmt::Display) {
        if self.allow(cause) {
            tracing::warn!("rejected (logged once a minute): {cause}: {details}");
        } else {
            tracing::debug!("rejected: {cause}: {details}");
        }
    }
}

/// The clone has logged nothing.
impl Clone for LogLimit {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_cause_is_logged_once_a_minute() {
        let limit = LogLimit::default();
        let mut logged = Vec::new();
        for second in 0..130 {
            logged.extend(limit.allow("tls").then_some(("tls", second)));
            if second % 50 == 0 {
                logged.extend(limit.allow("proxy").then_some(("proxy", second)));
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let expected = [("tls", 0), ("proxy", 0), ("tls", 60), ("proxy", 100), ("tls", 120)];
        assert_eq!(logged, expected);
    }
}
