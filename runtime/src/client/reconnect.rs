use std::time::Duration;

use super::backoff::Backoff;

/// When a client reconnects after a lost connection, and when it gives up.
///
/// The wait before an attempt is random, between zero and a bound that starts at
/// [`interval`](Self::interval) and doubles with each attempt, so that many clients do not reconnect
/// at the same moment.
///
/// ```
/// use std::time::Duration;
///
/// use parlor::client::Reconnect;
///
/// let patient = Reconnect { max_attempts: u32::MAX, ..Reconnect::default() };
/// assert_eq!(patient.max_interval, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    /// The longest wait before the first attempt. Default: 1 s.
    ///
    /// It keeps doubling if the connection is restored and soon lost again. Only a connection that
    /// lasts for [`max_interval`](Self::max_interval) resets it.
    pub interval: Duration,
    /// The longest wait before any attempt. Default: 30 s.
    ///
    /// A server that shuts down may send a wait, to spread its clients. It replaces the one before
    /// the first attempt, within this bound.
    ///
    /// A connection that lasts for this long is a success: after it the waits start from
    /// [`interval`](Self::interval) again, and attempts are counted from 0.
    pub max_interval: Duration,
    /// Failed attempts in a row after which the client closes. Default: 10. `u32::MAX` is practically
    /// no limit; with 0 the client does not reconnect.
    ///
    /// An attempt also fails if its connection does not last for
    /// [`max_interval`](Self::max_interval): a server that welcomes clients and then closes their
    /// connections is not dialed forever.
    pub max_attempts: u32,
}

impl Reconnect {
    /// The client does not reconnect: it closes when its connection is lost.
    pub fn never() -> Self {
        Self { max_attempts: 0, ..Self::default() }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            max_attempts: 10,
        }
    }
}

impl From<&Reconnect> for Backoff {
    fn from(reconnect: &Reconnect) -> Self {
        Self { first: reconnect.interval, max: reconnect.max_interval }
    }
}
