//! How long to wait before the next attempt: exponential, with full jitter.

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
    fn extreme_settings_do_not_overflow() {
        let endless = Backoff { first: Duration::MAX, max: Duration::MAX };
        assert_eq!(endless.at(9, u32::MAX), Duration::MAX);
        let none = Backoff { first: Duration::ZERO, max: Duration::ZERO };
        assert_eq!(none.at(9, u32::MAX), Duration::ZERO);
    }
}
