use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Router;

impl Router {
    /// Ends all sessions and waits for them, but not for their handlers when `cut` is ready.
    pub(super) async fn drain(&self, cut: impl Future<Output = ()>) {
        let endpoints = || self.shared.endpoints.values();
        for endpoint in endpoints() {
            endpoint.hub().drain();
        }
        tokio::select! {
            () = self.all_ended() => return,
            () = sleep(self.shared.shutdown_timeout) => {
                tracing::warn!("sessions are left after the shutdown timeout: they are cut");
            }
            () = cut => tracing::warn!("sessions are left and were to be cut"),
        }
        for endpoint in endpoints() {
            endpoint.hub().cut();
        }
        // `disconnected` and then the goodbye have the same time each.
        let close_timeout = endpoints().map(|endpoint| endpoint.close_timeout()).max();
        let close_timeout = close_timeout.unwrap_or_default();
        let last_words = close_timeout.saturating_mul(2).saturating_add(Duration::from_secs(1));
        if timeout(last_words, self.all_ended()).await.is_err() {
            tracing::error!("some sessions did not end");
        }
    }

    /// Ready when no handshake is under way and no session is left.
    async fn all_ended(&self) {
        // HandshakeLimit first: one that has come far still begins a session, if only to end it.
        self.shared.handshakes.all_ended().await;
        for endpoint in self.shared.endpoints.values() {
            endpoint.sessions().all_ended().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use tokio::time::Instant;

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::reject::Reject;
    use crate::request::Request;
    use crate::rooms::Hub;
    use crate::server::admission::{Admission, Endpoint};
    use crate::session::Limits;
    use crate::task_tracker::TaskTracker;

    const SECOND: Duration = Duration::from_secs(1);

    /// An endpoint with the default `close_timeout`, which is 5 s.
    #[derive(Default)]
    struct WithoutSessions {
        hub: Hub,
        sessions: TaskTracker,
    }

    impl Endpoint for WithoutSessions {
        fn admit(self: Arc<Self>, _: Request) -> BoxFuture<'static, Result<Admission, Reject>> {
            pending().boxed()
        }

        fn hub(&self) -> &Hub {
            &self.hub
        }

        fn sessions(&self) -> &TaskTracker {
            &self.sessions
        }

        fn close_timeout(&self) -> Duration {
            Limits::default().close_timeout
        }

        #[cfg(feature = "typescript")]
        fn typescript(&self) -> Option<crate::typescript::Description> {
            None
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drain_returns_after_its_bound_when_a_handshake_never_ends() {
        let mut router = Router::new().shutdown_timeout(7 * SECOND);
        let endpoint = Arc::new(WithoutSessions::default());
        Arc::make_mut(&mut router.shared).endpoints.insert("/".to_owned(), endpoint);
        let _under_way = router.shared.handshakes.begin().expect("a place");
        let start = Instant::now();
        router.drain(pending()).await;
        assert_eq!(start.elapsed(), (7 + 2 * 5 + 1) * SECOND);
        let start = Instant::now();
        router.drain(ready(())).await;
        assert_eq!(start.elapsed(), (2 * 5 + 1) * SECOND);
    }
}
