//! How often to connect again, and how long to wait before it: exponential, with full jitter.

use std::time::Duration;

/// Spreads the attempts of many clients that lost their server at the same moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// The longest wait before the first attempt; it doubles with each one.
    pub(super) first: Duration,
    /// What it never exceeds.
    pub(super) max: Duration,
}

impl Backoff {
    /// A random wait before attempt `n`, counted from 0.
    pub(super) fn delay(self, n: u32) -> Duration {
        // Without randomness clients still come back, only less well spread.
        self.at(n, getrandom::u32().unwrap_or(u32::MAX / 2))
    }

    /// The share `random / u32::MAX` of the longest wait before attempt `n`.
    fn at(self, n: u32, random: u32) -> Duration {
        let longest = self.first.saturating_mul(2_u32.saturating_pow(n)).min(self.max);
        let seconds = longest.as_secs_f64() * f64::from(random) / f64::from(u32::MAX);
        Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest)
    }
}

/// The attempts to connect again since a connection has last proved its worth.
#[derive(Debug)]
pub(super) struct Attempts {
    backoff: Backoff,
    most: u32,
    made: u32,
    steady: bool,
}

impl Attempts {
    pub(super) fn new(backoff: Backoff, most: u32) -> Self {
        Self { backoff, most, made: 0, steady: false }
    }

    /// Waits are as long as may be if they are to be `steady`.
    pub(super) fn steady(self, steady: bool) -> Self {
        Self { steady, ..self }
    }

    /// Whether one more may be made.
    pub(super) fn left(&self) -> bool {
        self.made < self.most
    }

    /// How long to wait before the next one, be it as the server has asked; `None` if none is left.
    /// Counts it.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let attempt = self.made;
        self.left().then(|| {
            self.made += 1;
            match asked {
                Some(asked) => asked.min(self.backoff.max),
                None if self.steady => self.backoff.at(attempt, u32::MAX),
                None => self.backoff.delay(attempt),
            }
        })
    }

    /// A connection was lost that had lasted so long.
    ///
    /// They are counted anew only if that was long: a server that welcomes and then closes would
    /// else be dialled at full speed for ever.
    pub(super) fn lasted(&mut self, time: Duration) {
        if time >= self.backoff.max {
            self.made = 0;
        }
    }
}

/// How long the server asks a client to wait before it comes back, which spreads those that it sends
/// away: `retry in <ms> ms` at the end of the `reason` it closes with.
pub(super) fn asked_wait(reason: &str) -> Option<Duration> {
    let (_, wait) = reason.strip_suffix(" ms")?.rsplit_once("retry in ")?;
    wait.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BACKOFF: Backoff = Backoff { first: SECOND, max: Duration::from_secs(30) };

    #[test]
    fn the_longest_wait_doubles_up_to_the_bound() {
        let longest: Vec<u64> = (0..8).map(|n| BACKOFF.at(n, u32::MAX).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(BACKOFF.at(u32::MAX, u32::MAX), BACKOFF.max);
    }

    #[test]
    fn the_whole_range_is_used() {
        assert_eq!(BACKOFF.at(3, 0), Duration::ZERO);
        let waits: Vec<Duration> = (0..200).map(|_| BACKOFF.delay(2)).collect();
        assert!(waits.iter().all(|wait| *wait <= 4 * SECOND));
        assert!(waits.iter().any(|wait| *wait < SECOND), "never short: {waits:?}");
        assert!(waits.iter().any(|wait| *wait > 3 * SECOND), "never long: {waits:?}");
    }

    #[test]
    fn waits_grow_over_connections_that_did_not_last() {
        let longest = |made| {
            let waits = (0..200).map(|_| {
                let mut attempts = Attempts { made, ..Attempts::new(BACKOFF, u32::MAX) };
                attempts.lasted(29 * SECOND);
                attempts.next(None).unwrap()
            });
            waits.max().unwrap()
        };
        assert!(longest(0) <= SECOND);
        assert!(longest(4) > 8 * SECOND);
    }

    #[test]
    fn only_a_connection_that_lasted_lets_attempts_be_counted_anew() {
        let mut attempts = Attempts::new(BACKOFF, 2);
        for _ in 0..2 {
            assert!(attempts.next(None).is_some());
            attempts.lasted(29 * SECOND);
        }
        assert!(!attempts.left());
        assert_eq!(attempts.next(Some(SECOND)), None);
        attempts.lasted(30 * SECOND);
        assert!(attempts.left());
        assert!(attempts.next(None).is_some_and(|wait| wait <= SECOND));
    }

    #[test]
    fn a_server_may_ask_for_another_wait_up_to_the_bound() {
        let mut attempts = Attempts::new(BACKOFF, 2);
        assert_eq!(attempts.next(Some(29 * SECOND)), Some(29 * SECOND));
        assert_eq!(attempts.next(Some(31 * SECOND)), Some(30 * SECOND));
        assert!(!attempts.left(), "it counts as any other");
    }

    #[test]
    fn the_wait_that_is_asked_for_ends_the_reason() {
        let seconds = |reason| asked_wait(reason).map(|wait| wait.as_secs_f64());
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
