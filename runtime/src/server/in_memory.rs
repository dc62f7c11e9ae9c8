//! A router that is served on connections that it is handed.

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::handshake::AcceptedConnection;
use super::serve::start_handshake;
use super::{Router, ServeError};
use crate::transport::{Stream, Transport};

pub(crate) struct InMemoryServer {
    router: Router,
    /// When it is dropped, handshakes end.
    stop: watch::Sender<()>,
}

impl InMemoryServer {
    pub(crate) fn begin(router: Router) -> Result<Self, ServeError> {
        router.check()?;
        Ok(Self { router, stop: watch::channel(()).0 })
    }

    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    /// Begins with a connection.
    pub(crate) fn start_handshake(&self, stream: impl Stream + 'static) {
        let transport = Transport::Other(Box::new(stream));
        let incoming = AcceptedConnection { transport, peer: None, local: None };
        let stopped = self.stop.subscribe();
        start_handshake(async { Ok(incoming) }, None, &self.router, &stopped, &Handle::current());
    }

    /// Ends all sessions as a graceful shutdown does.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.router.shutdown().await;
    }
}
