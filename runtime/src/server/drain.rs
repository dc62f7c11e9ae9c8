use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::routes::Routes;

impl Routes {
    /// Ends all sessions, waits until they have ended, and ends the node of a cluster. Cancels handlers that run for longer than
    /// `shutdown_timeout`, or still run when `cancel` is ready.
    pub(super) async fn drain(&self, cancel: impl Future<Output = ()>) {
        self.end_sessions(cancel).await;
        if let Some(cluster) = &self.cluster {
            cluster.stop().await;
        }
    }

    async fn end_sessions(&self, cancel: impl Future<Output = ()>) {
        let endpoints = || self.endpoints.values();
        for endpoint in endpoints() {
            endpoint.hub().drain();
        }
        tokio::select! {
            () = self.wait_until_idle() => return,
            () = sleep(self.shutdown_timeout) => {
                tracing::warn!("sessions remain after `shutdown_timeout`: handlers are cancelled");
            }
            () = cancel => {
                tracing::warn!("sessions remain after the second signal or `with_cut`: handlers are cancelled");
            }
        }
        for endpoint in endpoints() {
            endpoint.hub().cancel_handlers();
        }
        // `disconnected` and the closing of the connection take up to `Timeouts::close` each.
        let close_timeout = endpoints().map(|endpoint| endpoint.close_timeout()).max();
        let close_timeout = close_timeout.unwrap_or_default();
        let end_timeout = close_timeout.saturating_mul(2).saturating_add(Duration::from_secs(1));
        if timeout(end_timeout, self.wait_until_idle()).await.is_err() {
            tracing::error!("some sessions did not end within twice their `Timeouts::close`");
        }
    }

    /// Waits until no handshake is running and all sessions have ended.
    async fn wait_until_idle(&self) {
        // Handshakes first: one that was admitted before the drain still starts a session.
        self.handshake_limit.wait().await;
        for endpoint in self.endpoints.values() {
            endpoint.session_tasks().wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use tokio::time::Instant;

    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;
    use crate::reject::Reject;
    use crate::request::Request;
    use crate::rooms::Hub;
    use crate::server::admission::{Admission, Endpoint};
    use crate::session::options::Timeouts;
    use crate::task_tracker::TaskTracker;
    use crate::user_code::{Name, UserCode};

    const SECOND: Duration = Duration::from_secs(1);

    /// An endpoint with the default `Timeouts::close`, which is 5 s.
    #[derive(Default)]
    struct WithoutSessions {
        hub: Arc<Hub>,
        session_tasks: TaskTracker,
    }

    impl Endpoint for WithoutSessions {
        fn admit(self: Arc<Self>, _: Request) -> BoxFuture<'static, Result<Admission, Reject>> {
            pending().boxed()
        }

        fn hub(&self) -> &Arc<Hub> {
            &self.hub
        }

        fn session_tasks(&self) -> &TaskTracker {
            &self.session_tasks
        }

        fn close_timeout(&self) -> Duration {
            Timeouts::default().close
        }

        fn user_code(&self, name: &'static str) -> UserCode {
            UserCode { name: Name::Other(name), procedure: None, id: None, bound: None }
        }

        #[cfg(feature = "typescript")]
        fn typescript(&self) -> Option<crate::typescript::Description> {
            None
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drain_returns_after_its_timeouts_when_handshake_never_ends() {
        let mut routes = Routes { shutdown_timeout: 7 * SECOND, ..Routes::default() };
        let endpoint = Arc::new(WithoutSessions::default());
        routes.endpoints.insert("/".to_owned(), endpoint);
        let _permit = routes.handshake_limit.try_acquire().expect("a permit");
        let start = Instant::now();
        routes.drain(pending()).await;
        assert_eq!(start.elapsed(), (7 + 2 * 5 + 1) * SECOND);
        let start = Instant::now();
        routes.drain(ready(())).await;
        assert_eq!(start.elapsed(), (2 * 5 + 1) * SECOND);
    }
}
