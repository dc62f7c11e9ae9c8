use std::pin::Pin;

use tokio::time::Sleep;

use crate::disconnect_reason::DisconnectReason;
use crate::session::Connection;

/// The connection of a session, or how long the session is kept without one.
#[allow(clippy::large_enum_variant, reason = "nearly all sessions are attached")]
pub(super) enum Attachment {
    Attached(Connection),
    /// The client may resume the session until `expiry` is ready.
    Detached {
        /// Why the connection was lost.
        reason: DisconnectReason,
        /// The key of the session in [`RecoveryTable`](crate::session::RecoveryTable).
        detached_id: u64,
        expiry: Pin<Box<Sleep>>,
    },
}

impl Attachment {
    /// The text that was read last.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Attached(connection) => connection.text(),
            Self::Detached { .. } => "",
        }
    }

    /// Why the session ends when a limit of its outbox is exceeded.
    pub(super) fn overflow_reason(&self) -> DisconnectReason {
        match self {
            Self::Attached(_) => DisconnectReason::TooSlow,
            Self::Detached { reason, .. } => reason.clone(),
        }
    }
}
