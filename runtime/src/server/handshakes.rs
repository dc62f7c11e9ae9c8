use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::alive::{Alive, Living};

/// The handshakes that are under way: only so many at once.
pub(super) struct Handshakes {
    max: usize,
    places: Arc<Semaphore>,
    living: Living,
}

/// Held by each of them until it has ended.
pub(super) struct UnderWay {
    _place: OwnedSemaphorePermit,
    _alive: Alive,
}

impl Handshakes {
    pub(super) fn at_most(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Self { max, places: Arc::new(Semaphore::new(max)), living: Living::default() }
    }

    /// Begins one more; `None` when as many as may be are under way.
    pub(super) fn begin(&self) -> Option<UnderWay> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(UnderWay { _place: place, _alive: self.living.one_more() })
    }

    /// Ready when none is under way.
    pub(super) async fn all_ended(&self) {
        self.living.all_ended().await;
    }
}

/// For a router that is built further: it has as many places, and its handshakes are its own.
impl Clone for Handshakes {
    fn clone(&self) -> Self {
        Self::at_most(self.max)
    }
}
