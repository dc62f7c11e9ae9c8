use std::fmt;

use super::close::{CloseCause, write_reason};
use crate::wire::{CloseCode, ErrorCode, Unrecovered, Violation};

/// A change of the connection. It is one of the events of a client.
///
/// Its `Display` is a sentence for people.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConnectionChange {
    /// The connection was lost, or the server closed it.
    ///
    /// It comes exactly between the events received before and those received after the loss.
    /// Calls that were sent and not answered keep waiting while the session may be recovered; if it is
    /// not, they fail with [`CallError::Disconnected`](super::CallError::Disconnected).
    #[non_exhaustive]
    Lost {
        /// Why: the server's close code, [`CloseCode::ABNORMAL`] after a failure of the network,
        /// [`CloseCode::HEARTBEAT_MISSED`] if the server sent nothing for too long.
        code: CloseCode,
        /// The same in words; empty if the server sent none.
        reason: String,
        /// Whether the client reconnects. If not, [`GaveUp`](Self::GaveUp) or [`Closed`](Self::Closed)
        /// follows.
        will_reconnect: bool,
    },
    /// Emits that may not have reached the server: they were sent and not confirmed, and their session
    /// is over; or they were queued, and the client has closed, or has reconnected to a limit that they
    /// exceed, or as another identity ([`Unrecovered::Identity`]). They are not sent again.
    ///
    /// It comes right after [`Lost`](Self::Lost) when that ends the session, else before
    /// [`Restored`](Self::Restored) or [`Closed`](Self::Closed).
    #[non_exhaustive]
    EmitsLost {
        /// How many.
        count: u64,
    },
    /// The client has reconnected.
    #[non_exhaustive]
    Restored {
        /// Whether the session on the server is the previous one, with its state and rooms. Then no
        /// event is lost or duplicated in either direction. If not, it is a fresh one, and `on_session`
        /// runs.
        recovered: bool,
        /// Why it is a fresh one; `None` exactly when `recovered` is true.
        reason: Option<Unrecovered>,
    },
    /// The server refused an event. (The refusal of a call is its answer.)
    #[non_exhaustive]
    EventRefused {
        /// Why.
        code: ErrorCode,
        /// What was wrong, where, and what to do.
        message: String,
        /// The rule of `#[validate]` that was broken, for [`ErrorCode::Invalid`].
        violation: Option<Violation>,
    },
    /// The server sent an event that does not match the contract of this client. It was skipped.
    /// Events that are not in the contract are skipped silently.
    #[non_exhaustive]
    Undecodable {
        /// The wire name of the event.
        event: String,
        /// What is wrong with it.
        problem: String,
    },
    /// [`Reconnect::max_attempts`](super::Reconnect::max_attempts) have failed. The client makes no more
    /// attempts until the next emit or call, which begins anew: [`Restored`](Self::Restored) follows, or
    /// another [`GaveUp`](Self::GaveUp).
    ///
    /// Calls have failed with [`CallError::Closed`](super::CallError::Closed). Emits are kept, those in
    /// flight and those in the queue, and are sent after the client has reconnected. Events stay open until
    /// the client closes. A client that only receives events closes this handle and connects a new one.
    #[non_exhaustive]
    GaveUp {
        /// How many attempts have failed in a row.
        attempts: u32,
        /// How the last one failed, as in [`Close::code`](super::Close::code).
        code: CloseCode,
        /// The same in words.
        reason: String,
    },
    /// The client is closed; no event follows.
    #[non_exhaustive]
    Closed {
        /// As in [`Close::code`](super::Close::code).
        code: CloseCode,
        /// The same in words.
        reason: String,
        /// Why: not [`CloseCause::GaveUp`], after which a client is not closed.
        cause: CloseCause,
    },
}

impl fmt::Display for ConnectionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { code, reason, will_reconnect } => {
                write!(f, "connection lost ({code}")?;
                write_reason(f, reason)?;
                f.write_str(if *will_reconnect { "), reconnecting" } else { ")" })
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
                write!(
                    f,
                    "skipped the event `{event}`, which does not match the contract: {problem}"
                )
            }
            Self::GaveUp { attempts, code, reason } => {
                write!(f, "gave up after {attempts} failed attempts ({code}")?;
                write_reason(f, reason)?;
                f.write_str("): the next emit or call begins anew")
            }
            Self::Closed { code, reason, .. } => {
                write!(f, "closed ({code}")?;
                write_reason(f, reason)?;
                f.write_str(")")
            }
        }
    }
}

/// Whether a client is connected to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientStatus {
    /// Connected.
    Connected,
    /// The connection was lost; the client reconnects and queues messages meanwhile.
    Reconnecting,
    /// [`Reconnect::max_attempts`](super::Reconnect::max_attempts) have failed. The next emit or call begins
    /// anew; then the client is [`Reconnecting`](Self::Reconnecting).
    GaveUp,
    /// Closed by `close()`, by the server, or by a loss without
    /// [`Reconnect::max_attempts`](super::Reconnect::max_attempts). It stays closed.
    Closed,
}

impl fmt::Display for ClientStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::GaveUp => "gave up",
            Self::Closed => "closed",
        })
    }
}
