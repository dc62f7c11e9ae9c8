use tokio::runtime::Handle;
use tokio::sync::watch;

use super::ServeError;
use super::handshake::AcceptedConnection;
use super::router::Router;
use super::serve::start_handshake;
use crate::transport::{Stream, Transport};

/// Serves a router on streams in memory.
pub(crate) struct InMemoryServer {
    router: Router,
    /// Running handshakes are cancelled when it is dropped.
    stop: watch::Sender<()>,
}

impl InMemoryServer {
    pub(crate) fn new(router: Router) -> Result<Self, ServeError> {
        router.routes.check()?;
        router.routes.start_node();
        Ok(Self { router, stop: watch::channel(()).0 })
    }

    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) fn start_handshake(&self, stream: impl Stream + 'static) {
        // `new` may have been called outside of a runtime.
        self.router.routes.start_node();
        let transport = Transport::Other(Box::new(stream));
        let accepted = AcceptedConnection { transport, peer: None, local: None };
        let stopped = self.stop.subscribe();
        start_handshake(
            async { Ok(accepted) },
            None,
            &self.router.routes,
            &stopped,
            &Handle::current(),
        );
    }

    /// Shuts down gracefully.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.router.shutdown().await;
    }
}
