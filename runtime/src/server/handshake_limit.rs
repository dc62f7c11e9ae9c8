use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::task_tracker::{TaskToken, TaskTracker};

/// The handshakes that are under way: only so many at once.
pub(super) struct HandshakeLimit {
    max: usize,
    places: Arc<Semaphore>,
    sessions: TaskTracker,
}

/// Held by each of them until it has ended.
pub(super) struct HandshakePermit {
    _place: OwnedSemaphorePermit,
    _alive: TaskToken,
}

impl HandshakeLimit {
    pub(super) fn at_most(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Self { max, places: Arc::new(Semaphore::new(max)), sessions: TaskTracker::default() }
    }

    /// Begins one more; `None` when as many as may be are under way.
    pub(super) fn begin(&self) -> Option<HandshakePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(HandshakePermit { _place: place, _alive: self.sessions.token() })
    }

    /// Ready when none is under way.
    pub(super) async fn all_ended(&self) {
        self.sessions.all_ended().await;
    }
}

/// For a router that is built further: it has as many places, and its handshakes are its own.
impl Clone for HandshakeLimit {
    fn clone(&self) -> Self {
        Self::at_most(self.max)
    }
}
