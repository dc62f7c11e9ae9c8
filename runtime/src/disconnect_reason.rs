use std::fmt;

use crate::wire::CloseCode;

/// Why a session ended: who ended it and why. Given to `disconnected`.
///
/// Of a session that is kept when its connection is lost
/// ([`recovery_window`](crate::Server::recovery_window)), and whose client does not come back in time,
/// it is why the connection was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client closed the connection.
    ClientClosed {
        /// The code it gave; [`CloseCode::NO_CODE`] when it gave none.
        code: CloseCode,
        /// The reason it gave, often empty.
        reason: String,
    },
    /// The connection broke without a close frame, or its client left it for a new one.
    ConnectionLost {
        /// What the transport said.
        error: String,
    },
    /// Nothing was heard from the client for `heartbeat_timeout`.
    HeartbeatMissed,
    /// More waited for the client than `max_outbox_size` allows, or it took nothing for
    /// `write_timeout`.
    TooSlow,
    /// The client broke the WebSocket protocol or a limit.
    ProtocolViolation {
        /// The code with which it was closed.
        code: CloseCode,
        /// What it did.
        message: String,
    },
    /// The server closed the socket with `close`, `close_with` or `io.close_all(..)`.
    Closed {
        /// The code that the server gave.
        code: CloseCode,
        /// The reason that the server gave.
        reason: String,
    },
    /// The server ended the session with `io.disconnect(..)`.
    Disconnected,
    /// The server shuts down.
    ShutDown,
    /// A handler of the session panicked.
    HandlerPanicked,
}

impl DisconnectReason {
    /// Closed by the server. A code that cannot stand in a close frame is 1000.
    pub(crate) fn closed(code: CloseCode, reason: String) -> Self {
        let code = if code.is_sendable() { code } else { CloseCode::NORMAL };
        Self::Closed { code, reason }
    }

    /// Whether the client may come back to its session.
    pub(crate) fn may_come_back(&self) -> bool {
        match self {
            // With any other code it has said that it is done.
            Self::ClientClosed { code, .. } => {
                matches!(*code, CloseCode::GOING_AWAY | CloseCode::HEARTBEAT_MISSED)
            }
            Self::ConnectionLost { .. } | Self::HeartbeatMissed | Self::TooSlow => true,
            Self::ProtocolViolation { .. }
            | Self::Closed { .. }
            | Self::Disconnected
            | Self::ShutDown
            | Self::HandlerPanicked => false,
        }
    }

    /// The code and the words with which the client is closed.
    pub(crate) fn close(&self) -> (CloseCode, &str) {
        match self {
            Self::ClientClosed { code, .. } if code.is_sendable() => (*code, ""),
            Self::ClientClosed { .. } => (CloseCode::NORMAL, ""),
            Self::ConnectionLost { .. } => (CloseCode::GOING_AWAY, ""),
            Self::HeartbeatMissed => (CloseCode::HEARTBEAT_MISSED, "heartbeat missed"),
            Self::TooSlow => (CloseCode::TOO_SLOW, "too slow"),
            Self::ProtocolViolation { code, message } => (*code, message),
            Self::Closed { code, reason } => (*code, reason),
            Self::Disconnected => (CloseCode::DISCONNECTED, "disconnected by the server"),
            Self::ShutDown => (CloseCode::RESTART, "the server shuts down"),
            Self::HandlerPanicked => (CloseCode::INTERNAL, "a handler failed"),
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientClosed { code, .. } => write!(f, "the client closed with {code}"),
            Self::ConnectionLost { error } => write!(f, "the connection was lost: {error}"),
            Self::HeartbeatMissed => f.write_str("the client missed its heartbeat"),
            Self::TooSlow => f.write_str("the client was too slow"),
            Self::ProtocolViolation { code, message } => {
                write!(f, "the client broke the protocol ({code}): {message}")
            }
            Self::Closed { code, .. } => write!(f, "the server closed the socket with {code}"),
            Self::Disconnected => f.write_str("the server disconnected the client"),
            Self::ShutDown => f.write_str("the server shut down"),
            Self::HandlerPanicked => f.write_str("a handler panicked"),
        }
    }
}
