use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::DisconnectReason;

/// A client whose connection is gone, and who may come back.
pub(super) struct Absence {
    /// Why it is gone.
    pub(super) reason: DisconnectReason,
    /// Where [`Recovery`](super::Recovery) has the session among those without a connection.
    pub(super) place: u64,
    over: Pin<Box<Sleep>>,
}

impl Absence {
    /// For so long the session is kept.
    pub(super) fn new(reason: DisconnectReason, window: Duration, place: u64) -> Self {
        Self { reason, place, over: Box::pin(sleep(window)) }
    }

    /// Ready when the client has been away for too long.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.over.as_mut().poll(cx)
    }
}
