use std::time::Duration;

use super::backoff::Backoff;

/// When a client reconnects after a lost connection, and whether it gives up.
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
/// let bounded = Reconnect { max_attempts: Some(10), ..Reconnect::default() };
/// assert_eq!(bounded.max_interval, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    /// The longest wait before the first attempt. Default: 1 s; less than 1 ms counts as 1 ms.
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
    /// Failed attempts in a row after which the client gives up. Default: `None`, no limit. With `Some(0)`
    /// the client does not reconnect: it closes when its connection is lost.
    ///
    /// There is no limit by default, because a process must not stay without a connection after an outage
    /// that lasts longer than some attempts: ten attempts are over after about two minutes.
    ///
    /// A client that gave up makes no attempts, and reports [`ConnectionChange::GaveUp`]. The next emit or
    /// call begins anew, with as many attempts. It is kept, as while the client reconnects. The first of
    /// these attempts is made as late as if the client had not given up: at once if the wait after the last
    /// one has passed. So frequent emits cause no more attempts than a client without a limit makes.
    ///
    /// An attempt also fails if its connection does not last for
    /// [`max_interval`](Self::max_interval): a server that welcomes clients and then closes their
    /// connections is one that fails.
    ///
    /// [`ConnectionChange::GaveUp`]: super::ConnectionChange::GaveUp
    pub max_attempts: Option<u32>,
}

impl Reconnect {
    /// The client does not reconnect: it closes when its connection is lost.
    pub fn never() -> Self {
        Self { max_attempts: Some(0), ..Self::default() }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            max_attempts: None,
        }
    }
}

impl From<&Reconnect> for Backoff {
    fn from(reconnect: &Reconnect) -> Self {
        Self { first: reconnect.interval, max: reconnect.max_interval }
    }
}
