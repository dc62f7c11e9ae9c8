//! How often to reconnect, and how long to wait before it: exponential backoff with full jitter.

use std::time::Duration;

/// With a shorter one, the longest wait would take too many failures to grow, or would never grow from zero.
const MIN_FIRST: Duration = Duration::from_millis(1);

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
        let first = self.first.max(MIN_FIRST);
        let longest = first.saturating_mul(2_u32.saturating_pow(n)).min(self.max);
        let seconds = longest.as_secs_f64() * f64::from(random) / f64::from(u32::MAX);
        Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest)
    }
}

/// The attempts to reconnect so far. A connection that lasts for `backoff.max` resets their number.
#[derive(Debug)]
pub(super) struct Attempts {
    backoff: Backoff,
    /// How many may fail in a row; `None`: any number.
    limit: Option<u32>,
    /// How many count for `limit`: those since the client began anew.
    counted: u32,
    /// How many have lengthened the wait.
    made: u32,
    steady: bool,
}

impl Attempts {
    pub(super) fn new(backoff: Backoff, limit: Option<u32>) -> Self {
        Self { backoff, limit, counted: 0, made: 0, steady: false }
    }

    /// If `steady`, waits have their full length instead of a random one.
    pub(super) fn steady(self, steady: bool) -> Self {
        Self { steady, ..self }
    }

    /// Whether another attempt is allowed.
    pub(super) fn is_any_left(&self) -> bool {
        self.limit.is_none_or(|limit| self.counted < limit)
    }

    /// How long to wait before the next attempt, since the end of the last one. `delay`: the wait that the
    /// server requests.
    pub(super) fn wait(&self, delay: Option<Duration>) -> Duration {
        match delay {
            Some(delay) => delay.min(self.backoff.max),
            None if self.steady => self.backoff.at(self.made, u32::MAX),
            None => self.backoff.delay(self.made),
        }
    }

    /// Counts an attempt. If none was left, the client begins anew, `pause` after it gave up.
    pub(super) fn count(&mut self, pause: Duration) {
        if !self.is_any_left() {
            self.counted = 0;
            // After a shorter pause the waits grow on: otherwise a client that emits all the time would
            // attempt more often than one without a limit.
            if pause >= self.backoff.max {
                self.made = 0;
            }
        }
        self.counted = self.counted.saturating_add(1);
        self.made = self.made.saturating_add(1);
    }

    /// A connection was lost after `lifetime`.
    ///
    /// A long one resets the count. After a short one the count continues: otherwise a server that
    /// welcomes and then closes would be dialed at full speed forever.
    pub(super) fn connection_lost(&mut self, lifetime: Duration) {
        if lifetime >= self.backoff.max {
            self.made = 0;
            self.counted = 0;
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
                let mut attempts = Attempts { made, ..Attempts::new(BACKOFF, None) };
                attempts.connection_lost(29 * SECOND);
                attempts.wait(None)
            });
            waits.max().unwrap()
        };
        assert!(longest(0) <= SECOND);
        assert!(longest(4) > 8 * SECOND);
    }

    #[test]
    fn only_long_connection_resets_count_of_attempts() {
        let mut attempts = Attempts::new(BACKOFF, Some(2)).steady(true);
        for wait in [1, 2] {
            assert!(attempts.is_any_left());
            assert_eq!(attempts.wait(None), wait * SECOND);
            attempts.count(Duration::ZERO);
            attempts.connection_lost(29 * SECOND);
        }
        assert!(!attempts.is_any_left());
        attempts.connection_lost(30 * SECOND);
        assert!(attempts.is_any_left());
        assert_eq!(attempts.wait(None), SECOND);
    }

    #[test]
    fn client_that_begins_anew_has_all_attempts_and_grows_its_waits_on_after_a_short_pause() {
        for (pause, wait) in [(29 * SECOND, 8 * SECOND), (30 * SECOND, 2 * SECOND)] {
            let mut attempts = Attempts::new(BACKOFF, Some(2)).steady(true);
            attempts.count(Duration::ZERO);
            attempts.count(Duration::ZERO);
            assert!(!attempts.is_any_left());
            attempts.count(pause);
            assert!(attempts.is_any_left());
            assert_eq!(attempts.wait(None), wait, "{pause:?}");
            attempts.count(Duration::ZERO);
            assert!(!attempts.is_any_left());
        }
    }

    #[test]
    fn no_limit_leaves_attempts_after_any_number() {
        let made = u32::MAX;
        let mut attempts = Attempts { made, counted: made, ..Attempts::new(BACKOFF, None) };
        attempts.count(Duration::ZERO);
        assert!(attempts.is_any_left());
        assert!(attempts.wait(None) <= BACKOFF.max);
    }

    #[test]
    fn server_sets_wait_up_to_bound() {
        let attempts = Attempts::new(BACKOFF, None);
        assert_eq!(attempts.wait(Some(29 * SECOND)), 29 * SECOND);
        assert_eq!(attempts.wait(Some(31 * SECOND)), 30 * SECOND);
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
        let at_once = Backoff { first: Duration::ZERO, ..BACKOFF };
        assert_eq!(at_once.at(10, u32::MAX), Duration::from_millis(1024), "it grows");
    }
}
