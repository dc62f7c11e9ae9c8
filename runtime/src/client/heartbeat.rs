use std::time::Duration;

use super::options::MAX_HEARTBEAT;

/// How a client notices that its server does not answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heartbeat {
    /// How often the client pings.
    pub(super) interval: Duration,
    /// The longest time without any message from the server.
    pub(super) timeout: Duration,
}

impl Heartbeat {
    /// `servers` is the interval of the server's own pings, at most a day. A server with a busy handler
    /// answers no pings and only sends its own, so the longer interval counts.
    pub(super) fn new(own: Duration, servers: Duration) -> Self {
        let longer = own.max(servers.min(MAX_HEARTBEAT));
        Self { interval: own, timeout: longer + longer / 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_follows_longer_interval_up_to_a_day() {
        const DAY: Duration = Duration::from_secs(86_400);
        const OWN: Duration = Duration::from_secs(1);
        for (servers, longer) in [
            (Duration::ZERO, OWN),
            (Duration::from_millis(250), OWN),
            (2 * OWN, 2 * OWN),
            (Duration::from_millis(u64::MAX), DAY),
        ] {
            let Heartbeat { interval, timeout } = Heartbeat::new(OWN, servers);
            assert_eq!((interval, timeout), (OWN, longer * 3 / 2), "{servers:?}");
        }
    }
}
