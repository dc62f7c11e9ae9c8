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
        // Handshakes first: one that has come far still begins a session, if only to end it.
        self.shared.handshakes.all_ended().await;
        for endpoint in self.shared.endpoints.values() {
            endpoint.living().all_ended().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::Instant;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn drain_returns_after_its_bound_when_a_handshake_never_ends() {
        // The echo has the default of `close_timeout`, which is 5 s.
        let router = Router::new().echo("/echo", 1).shutdown_timeout(7 * SECOND);
        let _under_way = router.shared.handshakes.begin().expect("a place");
        let start = Instant::now();
        router.drain(pending()).await;
        assert_eq!(start.elapsed(), (7 + 2 * 5 + 1) * SECOND);
        let start = Instant::now();
        router.drain(ready(())).await;
        assert_eq!(start.elapsed(), (2 * 5 + 1) * SECOND);
    }
}
