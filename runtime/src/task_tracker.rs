//! What is under way, so that a shutdown can wait for its end.

use tokio::sync::watch;

/// Knows whether any of those that it has counted lives.
#[derive(Default)]
pub(super) struct TaskTracker(watch::Sender<()>);

/// Held by each of them until it has ended.
pub(crate) struct TaskToken(
    #[allow(dead_code, reason = "dropping it is its use")] watch::Receiver<()>,
);

impl TaskTracker {
    pub(super) fn token(&self) -> TaskToken {
        TaskToken(self.0.subscribe())
    }

    /// Ready when none is left.
    pub(super) async fn all_ended(&self) {
        self.0.closed().await;
    }
}
