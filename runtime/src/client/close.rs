use std::fmt;

use crate::wire::CloseCode;

/// How a connection, or an attempt to connect, ended, and what follows.
///
/// Its `Display` is a phrase for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close {
    /// The server's close code. [`CloseCode::ABNORMAL`] if there is none, as after a failure of the network,
    /// an attempt that failed, or [`CloseCause::Misconfigured`]; [`CloseCode::HEARTBEAT_MISSED`] if the
    /// server sent nothing for too long; [`CloseCode::NORMAL`] after `close()`.
    pub code: CloseCode,
    /// The same in words; the server's reason if it sent a close frame. It may be empty, and has no error of
    /// the functions given to `token` and `headers`.
    pub reason: String,
    /// Who ended it, and whether the client reconnects.
    pub cause: CloseCause,
}

/// Who ended a connection, and whether the client reconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseCause {
    /// This side called `close()`, or dropped every handle. The client is closed.
    Closed,
    /// The server sent a close code after which clients do not reconnect, such as 4501. The client is closed.
    Rejected,
    /// [`Reconnect::max_attempts`](super::Reconnect::max_attempts) have failed. The next emit or call begins
    /// anew.
    GaveUp,
    /// The connection was lost, or an attempt failed. The client reconnects, unless
    /// [`Reconnect::max_attempts`](super::Reconnect::max_attempts) is 0: then it is closed.
    Lost,
    /// The function given to `headers` returned a header that belongs to the handshake. The client is closed.
    Misconfigured,
    /// The client's task was stopped: the function given to `on_session` panicked, or the runtime has shut
    /// down. The client is closed.
    Stopped,
}

impl Close {
    pub(super) fn new(cause: CloseCause, code: CloseCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), cause }
    }

    /// `close()` was called, or every handle was dropped.
    pub(super) fn by_client() -> Self {
        Self::new(CloseCause::Closed, CloseCode::NORMAL, "closed by this client")
    }

    /// The connection was lost, or an attempt failed. The code determines whether the client reconnects.
    pub(super) fn by_server(code: CloseCode, reason: impl Into<String>) -> Self {
        let cause = if code.redial() { CloseCause::Lost } else { CloseCause::Rejected };
        Self::new(cause, code, reason)
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, reason, cause } = self;
        let what = match cause {
            CloseCause::Closed => return f.write_str("closed by this client"),
            CloseCause::Rejected => "rejected by the server",
            CloseCause::GaveUp => "gave up",
            CloseCause::Lost => "connection lost",
            CloseCause::Misconfigured => "misconfigured",
            CloseCause::Stopped => "stopped",
        };
        write!(f, "{what} ({code}")?;
        write_reason(f, reason)?;
        f.write_str(")")
    }
}

/// Writes `: ` and the reason, unless it is empty.
pub(super) fn write_reason(f: &mut fmt::Formatter<'_>, reason: &str) -> fmt::Result {
    if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
}
