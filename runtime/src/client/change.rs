use std::fmt;

use crate::wire::{CloseCode, ErrorCode, Unrecovered, Violation};

/// What happens to the connection, told between the events that the server sends.
///
/// Its `Display` is a sentence for people.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConnectionChange {
    /// The connection was lost, or the server closed it.
    ///
    /// It stands exactly between the events that came before the cut and those that come after it.
    /// Calls that were sent and not answered go on waiting if the session may be recovered; if it is
    /// not, they fail with [`CallError::Disconnected`](super::CallError::Disconnected).
    #[non_exhaustive]
    Lost {
        /// Why: the server's close code, [`CloseCode::ABNORMAL`] when the network was at fault,
        /// [`CloseCode::HEARTBEAT_MISSED`] when the server fell silent.
        code: CloseCode,
        /// The same in words; empty if the server gave none.
        reason: String,
        /// Whether the client tries to connect again. If not, [`Closed`](Self::Closed) is next.
        will_reconnect: bool,
    },
    /// Emits that may not have reached the server: they were sent and not confirmed, and their session
    /// is over; or they waited, and the connection did not come back, or came back with a limit that
    /// they exceed. They are not sent again.
    ///
    /// It comes right after [`Lost`](Self::Lost) when that ends the session, else before
    /// [`Restored`](Self::Restored) or [`Closed`](Self::Closed).
    #[non_exhaustive]
    EmitsLost {
        /// How many.
        count: u64,
    },
    /// The client is connected again.
    #[non_exhaustive]
    Restored {
        /// Whether the session on the server is the one from before, with its state and rooms.
        /// Then nothing was lost in either direction, and nothing comes twice. If not, it is a fresh
        /// one: `on_session` runs.
        recovered: bool,
        /// Why it is a fresh one; `None` exactly when `recovered` is true.
        reason: Option<Unrecovered>,
    },
    /// The server refused an event. (Refusals of calls are the call's answer.)
    #[non_exhaustive]
    EventRefused {
        /// Why.
        code: ErrorCode,
        /// What was wrong, where, and what to do.
        message: String,
        /// The rule of `#[validate]` that was broken, for [`ErrorCode::Invalid`].
        violation: Option<Violation>,
    },
    /// The server sent an event that is not what the contract of this client says; it was skipped.
    /// Events that the contract does not have at all are skipped silently.
    #[non_exhaustive]
    Undecodable {
        /// The wire name of the event.
        event: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The client is closed for good; nothing follows.
    #[non_exhaustive]
    Closed {
        /// [`CloseCode::NORMAL`] after `close()` or when every handle was dropped,
        /// [`CloseCode::ABNORMAL`] when the attempts to connect again ran out, else the server's.
        code: CloseCode,
        /// The same in words.
        reason: String,
    },
}

impl fmt::Display for ConnectionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { code, reason, will_reconnect } => {
                write!(f, "connection lost ({code}")?;
                write_reason(f, reason)?;
                f.write_str(if *will_reconnect { "), connecting again" } else { ")" })
            }
            Self::EmitsLost { count: 1 } => f.write_str("1 event may not have reached the server"),
            Self::EmitsLost { count } => {
                write!(f, "{count} events may not have reached the server")
            }
            Self::Restored { recovered: true, .. } => f.write_str("connection restored"),
            Self::Restored { recovered: false, reason } => {
                f.write_str("connection restored, with a fresh session")?;
                reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            Self::EventRefused { code, message, .. } => {
                write!(f, "the server refused an event ({code}): {message}")
            }
            Self::Undecodable { event, problem } => {
                write!(f, "skipped the event `{event}`, which is not as agreed: {problem}")
            }
            Self::Closed { code, reason } => {
                write!(f, "closed ({code}")?;
                write_reason(f, reason)?;
                f.write_str(")")
            }
        }
    }
}

fn write_reason(f: &mut fmt::Formatter<'_>, reason: &str) -> fmt::Result {
    if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
}

/// Whether a client can reach its server right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientStatus {
    /// Connected.
    Connected,
    /// The connection was lost; the client tries to connect again and keeps what is sent meanwhile.
    Reconnecting,
    /// Closed for good: by `close()`, by the server, or because attempts ran out.
    Closed,
}

impl fmt::Display for ClientStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Closed => "closed",
        })
    }
}
