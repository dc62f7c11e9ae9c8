//! How often to reconnect, and how long to wait before it: exponential backoff with full jitter.

use std::time::Duration;

/// Spreads the attempts of many clients that lose their server at the same moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// The longest wait before the first attempt; it doubles with each one.
    pub(super) first: Duration,
    /// The upper bound of all waits.
    pub(super) max: Duration,
}

impl Backoff {
    /// A random wait before attempt `n`, counted from 0.
    pub(super) fn delay(self, n: u32) -> Duration {
        // Without random bits, clients still reconnect, but are less well spread.
        self.at(n, getrandom::u32().unwrap_or(u32::MAX / 2))
    }

    /// The share `random / u32::MAX` of the longest wait before attempt `n`.
    fn at(self, n: u32, random: u32) -> Duration {
        let longest = self.first.saturating_mul(2_u32.saturating_pow(n)).min(self.max);
        let seconds = longest.as_secs_f64() * f64::from(random) / f64::from(u32::MAX);
        Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest)
    }
}

/// The attempts to reconnect so far. A connection that lasts for `backoff.max` resets their number.
#[derive(Debug)]
pub(super) struct Attempts {
    backoff: Backoff,
    limit: u32,
    made: u32,
    steady: bool,
}

impl Attempts {
    pub(super) fn new(backoff: Backoff, limit: u32) -> Self {
        Self { backoff, limit, made: 0, steady: false }
    }

    /// If `steady`, waits have their full length instead of a random one.
    pub(super) fn steady(self, steady: bool) -> Self {
        Self { steady, ..self }
    }

    /// Whether another attempt is allowed.
    pub(super) fn is_any_left(&self) -> bool {
        self.made < self.limit
    }

    /// Counts an attempt. Returns how long to wait before it, or `None` if none is left. `delay`: the wait
    /// that the server requests.
    pub(super) fn next(&mut self, delay: Option<Duration>) -> Option<Duration> {
        let attempt = self.made;
        self.is_any_left().then(|| {
            self.made += 1;
            match delay {
                Some(delay) => delay.min(self.backoff.max),
                None if self.steady => self.backoff.at(attempt, u32::MAX),
                None => self.backoff.delay(attempt),
            }
        })
    }

    /// A connection was lost after `lifetime`.
    ///
    /// A long one resets the count. After a short one the count continues: otherwise a server that
    /// welcomes and then closes would be dialed at full speed forever.
    pub(super) fn connection_lost(&mut self, lifetime: Duration) {
        if lifetime >= self.backoff.max {
            self.made = 0;
        }
    }
}

/// The delay at the end of a close `reason`, `retry in <ms> ms`. A server that shuts down spreads the
/// reconnects of its clients with it.
pub(super) fn retry_hint(reason: &str) -> Option<Duration> {
    let (_, delay) = reason.strip_suffix(" ms")?.rsplit_once("retry in ")?;
    delay.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BACKOFF: Backoff = Backoff { first: SECOND, max: Duration::from_secs(30) };

    #[test]
    fn longest_wait_doubles_up_to_bound() {
        let longest: Vec<u64> = (0..8).map(|n| BACKOFF.at(n, u32::MAX).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(BACKOFF.at(u32::MAX, u32::MAX), BACKOFF.max);
    }

    #[test]
    fn waits_use_whole_range() {
        assert_eq!(BACKOFF.at(3, 0), Duration::ZERO);
        let waits: Vec<Duration> = (0..200).map(|_| BACKOFF.delay(2)).collect();
        assert!(waits.iter().all(|wait| *wait <= 4 * SECOND));
        assert!(waits.iter().any(|wait| *wait < SECOND), "never short: {waits:?}");
        assert!(waits.iter().any(|wait| *wait > 3 * SECOND), "never long: {waits:?}");
    }

    #[test]
    fn waits_grow_over_short_connections() {
        let longest = |made| {
            let waits = (0..200).map(|_| {
                let mut attempts = Attempts { made, ..Attempts::new(BACKOFF, u32::MAX) };
                attempts.connection_lost(29 * SECOND);
                attempts.next(None).unwrap()
            });
            waits.max().unwrap()
        };
        assert!(longest(0) <= SECOND);
        assert!(longest(4) > 8 * SECOND);
    }

    #[test]
    fn only_long_connection_resets_count_of_attempts() {
        let mut attempts = Attempts::new(BACKOFF, 2);
        for _ in 0..2 {
            assert!(attempts.next(None).is_some());
            attempts.connection_lost(29 * SECOND);
        }
        assert!(!attempts.is_any_left());
        assert_eq!(attempts.next(Some(SECOND)), None);
        attempts.connection_lost(30 * SECOND);
        assert!(attempts.is_any_left());
        assert!(attempts.next(None).is_some_and(|wait| wait <= SECOND));
    }

    #[test]
    fn server_sets_wait_up_to_bound() {
        let mut attempts = Attempts::new(BACKOFF, 2);
        assert_eq!(attempts.next(Some(29 * SECOND)), Some(29 * SECOND));
        assert_eq!(attempts.next(Some(31 * SECOND)), Some(30 * SECOND));
        assert!(!attempts.is_any_left(), "such an attempt counts, too");
    }

    #[test]
    fn retry_delay_is_read_from_end_of_reason() {
        let seconds = |reason| retry_hint(reason).map(|wait| wait.as_secs_f64());
        assert_eq!(seconds("the server shuts down; retry in 1234 ms"), Some(1.234));
        assert_eq!(seconds("retry in 0 ms"), Some(0.0));
        for reason in [
            "retry in 5 ms, please",
            "retry in 5 s",
            "retry in a few ms",
            "retry in -5 ms",
            "5 ms",
            "",
        ] {
            assert_eq!(seconds(reason), None, "{reason}");
        }
    }

    #[test]
    fn extreme_settings_do_not_overflow() {
        let endless = Backoff { first: Duration::MAX, max: Duration::MAX };
        assert_eq!(endless.at(9, u32::MAX), Duration::MAX);
        let none = Backoff { first: Duration::ZERO, max: Duration::ZERO };
        assert_eq!(none.at(9, u32::MAX), Duration::ZERO);
    }
}
