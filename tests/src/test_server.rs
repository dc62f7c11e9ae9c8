use std::net::SocketAddr;

use parlor::Router;
use parlor::server::{Serve, ServeError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server on a free port of 127.0.0.1.
pub struct TestServer {
    /// The address on which it listens.
    pub addr: SocketAddr,
    stop: oneshot::Sender<()>,
    cut: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl TestServer {
    /// Serves `router`.
    pub async fn start(router: Router) -> Self {
        Self::start_at("127.0.0.1:0", router).await
    }

    /// Serves `router` at an address. If the environment variable `PARLOR_TEST_THREADS` is set to a
    /// number, the server has that many threads of its own.
    pub async fn start_at(addr: &str, router: Router) -> Self {
        let threads = std::env::var("PARLOR_TEST_THREADS").ok();
        let threads = threads.map(|threads| threads.parse().expect("a number of threads"));
        Self::start_with(addr, router, |serve| match threads {
            Some(threads) => serve.with_threads(threads),
            None => serve,
        })
        .await
    }

    /// Serves `router` on `threads` threads of its own.
    pub async fn start_on(threads: usize, router: Router) -> Self {
        Self::start_with("127.0.0.1:0", router, |serve| serve.with_threads(threads)).await
    }

    async fn start_with(addr: &str, router: Router, set: impl FnOnce(Serve) -> Serve) -> Self {
        let listener = TcpListener::bind(addr).await.expect("the address is free");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let (cut, cutting) = oneshot::channel::<()>();
        // A test that ends without `stop` drops the senders, which also stops the server.
        let serve = set(router.serve(listener))
            .with_graceful_shutdown(async { stopped.await.unwrap_or_default() })
            .with_cut(async { cutting.await.unwrap_or_default() });
        Self { addr, stop, cut, task: tokio::spawn(serve.into_future()) }
    }

    /// Returns the URL of the procedure at `path`.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// Shuts down gracefully and waits until all sessions have ended.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        Self::ended(self.task).await;
        drop(self.cut);
    }

    /// Shuts down, cancels running handlers, and waits until all sessions have ended.
    pub async fn cut(self) {
        let _ = self.stop.send(());
        let _ = self.cut.send(());
        Self::ended(self.task).await;
    }

    async fn ended(task: JoinHandle<Result<(), ServeError>>) {
        super::within_timeout("the shutdown", task).await.expect("no panic").expect("served");
    }
}
