use std::net::SocketAddr;

use parlor::{Router, ServeError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server on a free port of 127.0.0.1. It stops when told to.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Serves `router`.
    pub async fn start(router: Router) -> Self {
        Self::start_at("127.0.0.1:0", router).await
    }

    /// Serves `router` at an address.
    pub async fn start_at(addr: &str, router: Router) -> Self {
        let listener = TcpListener::bind(addr).await.expect("the address is free");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = router.serve(listener).with_graceful_shutdown(async {
            // A test that just ends stops its server, too.
            let _ = stopped.await;
        });
        Self { addr, stop, task: tokio::spawn(serve.into_future()) }
    }

    /// The address of the procedure at `path`.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// Shuts down gracefully and waits until all sessions have ended.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        super::soon("the shutdown", self.task).await.expect("no panic").expect("served");
    }
}
