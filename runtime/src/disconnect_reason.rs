use std::fmt;

use crate::wire::CloseCode;

/// Why a session ended. `disconnected` receives it.
///
/// If the client of a detached session does not resume it within
/// [`Recovery::window`](crate::server::Recovery::window), this is why the connection was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client closed the connection.
    ClientClosed {
        /// The close code of the client; [`CloseCode::NO_CODE`] if there is none.
        code: CloseCode,
        /// The close reason of the client, often empty.
        reason: String,
    },
    /// The connection ended without a close frame, or its client resumed the session on a new one.
    ConnectionLost {
        /// The error of the transport.
        error: String,
    },
    /// Nothing was received from the client for
    /// [`Heartbeat::timeout`](crate::server::Heartbeat::timeout).
    HeartbeatMissed,
    /// More bytes than [`Limits::max_outbox_size`](crate::server::Limits::max_outbox_size) were
    /// pending for the client, or nothing could be written to it for
    /// [`Timeouts::write`](crate::server::Timeouts::write).
    TooSlow,
    /// The client broke the WebSocket protocol or a limit.
    ProtocolViolation {
        /// The close code that the server sent.
        code: CloseCode,
        /// What the client did.
        message: String,
    },
    /// The server closed the socket with `close`, `close_with` or `io.close_all(..)`.
    Closed {
        /// The close code that the server sent.
        code: CloseCode,
        /// The close reason that the server sent.
        reason: String,
    },
    /// The server ended the session with `io.disconnect(..)`.
    Disconnected,
    /// The server shut down.
    ShutDown,
    /// A handler, a closure or a task of the session panicked.
    HandlerPanicked,
}

impl DisconnectReason {
    /// Closed by the server. A code that may not be sent in a close frame becomes 1000.
    pub(crate) fn closed(code: CloseCode, reason: String) -> Self {
        let code = if code.is_sendable() { code } else { CloseCode::NORMAL };
        Self::Closed { code, reason }
    }

    /// Returns whether the client may resume its session.
    pub(crate) fn may_resume(&self) -> bool {
        match self {
            // Any other code from the client ends its session.
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

    /// The code and the reason of the close frame that is sent to the client.
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
