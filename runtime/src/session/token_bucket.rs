use std::time::Duration;

use tokio::time::Instant;

use super::options::RateLimit;

/// A bucket that gains nothing, or little, counts as full after a year without use.
const LONGEST_REFILL: Duration = Duration::from_secs(365 * 86_400);

/// A token bucket: it holds up to `burst` tokens and gains `per_second` of them each second.
#[derive(Debug)]
pub(super) struct TokenBucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    pub(super) fn new(rate: &RateLimit) -> Self {
        let burst = f64::from(rate.burst);
        Self { per_second: rate.events_per_second, burst, tokens: burst, at: Instant::now() }
    }

    /// Takes a token, if there is one.
    pub(super) fn allow(&mut self) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f64() * self.per_second;
        self.at = now;
        self.tokens = (self.tokens + gained).min(self.burst);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }

    /// When the bucket is full if no token is taken.
    pub(super) fn full_at(&self) -> Instant {
        // A rate of 0 would make this 0 / 0.
        if self.tokens >= self.burst {
            return self.at;
        }
        let refill = Duration::try_from_secs_f64((self.burst - self.tokens) / self.per_second);
        self.at + refill.map_or(LONGEST_REFILL, |refill| refill.min(LONGEST_REFILL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn burst_is_allowed_and_then_the_rate() {
        let mut limit = TokenBucket::new(&RateLimit { events_per_second: 10.0, burst: 3 });
        assert_eq!((0..5).filter(|_| limit.allow()).count(), 3);
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!((0..5).filter(|_| limit.allow()).count(), 2);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((0..5).filter(|_| limit.allow()).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn bucket_is_full_when_its_tokens_are_back_or_after_a_year() {
        for (events_per_second, seconds) in [(2.0, 1), (0.5, 4), (0.0, 31_536_000)] {
            let mut limit = TokenBucket::new(&RateLimit { events_per_second, burst: 3 });
            assert_eq!(limit.full_at(), Instant::now(), "{events_per_second}");
            assert!(limit.allow() && limit.allow());
            assert_eq!(limit.full_at(), Instant::now() + Duration::from_secs(seconds));
        }
    }
}
