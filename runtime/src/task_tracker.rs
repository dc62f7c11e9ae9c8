use tokio::sync::watch;

/// Waits for the end of the tasks that hold its tokens.
#[derive(Default)]
pub(super) struct TaskTracker(watch::Sender<()>);

/// Held by a task until it has ended.
pub(crate) struct TaskToken(
    #[allow(dead_code, reason = "dropping it is its use")] watch::Receiver<()>,
);

impl TaskTracker {
    pub(super) fn token(&self) -> TaskToken {
        TaskToken(self.0.subscribe())
    }

    /// Waits until no task holds a token.
    pub(super) async fn wait(&self) {
        self.0.closed().await;
    }
}
