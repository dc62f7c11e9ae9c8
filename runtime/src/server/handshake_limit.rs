use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::task_tracker::{TaskToken, TaskTracker};

/// Why a handshake over the limit is refused, in the log.
pub(super) const MAX_CONCURRENT: &str = "`Handshakes::max_concurrent` is reached";

/// Limits how many handshakes run at once.
pub(super) struct HandshakeLimit {
    max: usize,
    semaphore: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// Held by a handshake until it has ended.
pub(super) struct HandshakePermit {
    _permit: OwnedSemaphorePermit,
    _token: TaskToken,
}

impl HandshakeLimit {
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Self { max, semaphore: Arc::new(Semaphore::new(max)), tasks: TaskTracker::default() }
    }

    /// Returns `None` if the limit is reached.
    pub(super) fn try_acquire(&self) -> Option<HandshakePermit> {
        let permit = Arc::clone(&self.semaphore).try_acquire_owned().ok()?;
        Some(HandshakePermit { _permit: permit, _token: self.tasks.token() })
    }

    /// Waits until no handshake is running.
    pub(super) async fn wait(&self) {
        self.tasks.wait().await;
    }
}

/// The clone has the same limit and counts its own handshakes.
impl Clone for HandshakeLimit {
    fn clone(&self) -> Self {
        Self::new(self.max)
    }
}
