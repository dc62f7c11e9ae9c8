//! What a session has of its client: a connection, or the time until it ends.

use std::pin::Pin;

use tokio::time::Sleep;

use crate::disconnect_reason::DisconnectReason;
use crate::session::Connection;

/// What a session has of its client.
#[allow(clippy::large_enum_variant, reason = "a connection is there nearly always")]
pub(super) enum Attachment {
    Attached(Connection),
    /// The session is detached: its client may resume it until `expiry` is ready.
    Detached {
        /// Why the connection was lost.
        reason: DisconnectReason,
        /// Where [`Recovery`](crate::session::Recovery) has the session among the detached ones.
        place: u64,
        expiry: Pin<Box<Sleep>>,
    },
}

impl Attachment {
    /// The message that was read last.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Attached(connection) => connection.text(),
            Self::Detached { .. } => "",
        }
    }

    /// Why a session ends that keeps more than it may.
    pub(super) fn overflow_reason(&self) -> DisconnectReason {
        match self {
            Self::Attached(_) => DisconnectReason::TooSlow,
            Self::Detached { reason, .. } => reason.clone(),
        }
    }
}
