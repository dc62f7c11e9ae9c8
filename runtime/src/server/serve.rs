use std::future::{Future, IntoFuture, pending};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Router;
use super::handshake::{AcceptedConnection, handshake};
use super::process_signals::signals;
use super::workers::Workers;

/// Why a router could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be bound.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// A thread of [`Serve::with_threads`] cannot be started.
    #[error("cannot start a thread that serves: {0}")]
    Thread(#[source] io::Error),
    /// A procedure cannot be mounted where it was.
    #[error("{0}")]
    Path(String),
}

/// What can be listened on: an address, or a listener that is bound already.
pub trait Listen {
    /// Binds, if need be.
    fn listen(self) -> impl Future<Output = io::Result<TcpListener>> + Send + 'static;
}

impl Listen for TcpListener {
    async fn listen(self) -> io::Result<TcpListener> {
        Ok(self)
    }
}

impl Listen for std::net::TcpListener {
    async fn listen(self) -> io::Result<TcpListener> {
        self.set_nonblocking(true)?;
        TcpListener::from_std(self)
    }
}

impl Listen for &str {
    fn listen(self) -> impl Future<Output = io::Result<TcpListener>> + Send + 'static {
        self.to_owned().listen()
    }
}

impl Listen for String {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(self).await
    }
}

impl Listen for SocketAddr {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(self).await
    }
}

impl Listen for ([u8; 4], u16) {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(SocketAddr::from(self)).await
    }
}

impl Listen for (IpAddr, u16) {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(self).await
    }
}

/// A router that is about to be served: `.await` it.
#[must_use = "nothing is served until this is awaited"]
pub struct Serve {
    router: Router,
    listener: BoxFuture<'static, io::Result<TcpListener>>,
    shutdown: BoxFuture<'static, ()>,
    cut: BoxFuture<'static, ()>,
    threads: Option<usize>,
}

impl Serve {
    pub(super) fn new(router: Router, listen: impl Listen) -> Self {
        Self {
            router,
            listener: listen.listen().boxed(),
            shutdown: pending().boxed(),
            cut: pending().boxed(),
            threads: None,
        }
    }

    /// Shuts down when `signal` is ready: nobody more is let in, running handlers come to their
    /// end, and those of the messages that were received; each session's `disconnected` runs, what
    /// waits goes out, and clients are closed with 1012 and told when to come back. After
    /// [`Router::shutdown_timeout`] handlers that still run are cancelled; then `disconnected` and the
    /// goodbye may take [`Server::close_timeout`](crate::Server::close_timeout) each.
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.shutdown = signal.boxed();
        self
    }

    /// Does not wait any longer when `signal` is ready, once the shutdown has begun: running handlers
    /// are cancelled at once. Each session's `disconnected` still runs, and for it and the goodbye
    /// [`Server::close_timeout`](crate::Server::close_timeout) holds.
    pub fn with_cut(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.cut = signal.boxed();
        self
    }

    /// Shuts down gracefully at the first SIGTERM or Ctrl-C, and cuts at the second:
    /// [`with_graceful_shutdown`](Self::with_graceful_shutdown) and [`with_cut`](Self::with_cut).
    ///
    /// From then on neither ends the process by itself, not even when this server has ended: let `main`
    /// return then. A signal that cannot be listened for is logged, and never comes.
    pub fn with_signals(self) -> Self {
        let (first, second) = signals();
        self.with_graceful_shutdown(first).with_cut(second)
    }

    /// Serves on so many threads of its own, with 0 on one per core that the process may use: fairer to
    /// each client under load than tokio's multi-thread runtime, and as fast with few cores. Without this
    /// sessions run on the runtime that awaits.
    ///
    /// Each thread has a current-thread runtime of tokio; a client stays on the thread that it came to,
    /// and rooms reach across. Handlers run there, and what they spawn, which is dropped soon after
    /// serving has ended: what must live longer is to be spawned through the
    /// [`Handle`](tokio::runtime::Handle) of another runtime. If this future is dropped, so are the
    /// sessions, without a goodbye. One that keeps its thread busy keeps all clients of that thread waiting,
    /// and those of other threads for what was just emitted on it: it is written when other tasks have had
    /// their turn. `tokio::task::block_in_place` panics; `spawn_blocking` is for such work.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    async fn run(self) -> Result<(), ServeError> {
        let Self { router, listener, shutdown, cut, threads } = self;
        router.check()?;
        let listener = listener.await?;
        let mut workers = threads.map(Workers::start).transpose().map_err(ServeError::Thread)?;
        let local = listener.local_addr().ok();
        if let Some(address) = local {
            tracing::info!(%address, "listening");
        }
        let (stop, stopped) = watch::channel(());
        tokio::select! {
            () = shutdown => {}
            () = accept(&listener, local, &router, workers.as_mut(), &stopped) => {}
        }
        drop(listener);
        drop(stop);
        router.drain(cut).await;
        Ok(())
    }
}

impl IntoFuture for Serve {
    type Output = Result<(), ServeError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

/// Accepts connections for ever.
async fn accept(
    listener: &TcpListener,
    local: Option<SocketAddr>,
    router: &Router,
    mut workers: Option<&mut Workers>,
    stopped: &watch::Receiver<()>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                wait_after(&error).await;
                continue;
            }
        };
        match workers.as_mut().and_then(|workers| workers.next()) {
            None => {
                let incoming =
                    AcceptedConnection { transport: stream.into(), peer: Some(peer), local };
                start_handshake(
                    async { Ok(incoming) },
                    Some(peer),
                    router,
                    stopped,
                    &Handle::current(),
                );
            }
            Some(runtime) => {
                // A connection belongs to the runtime in which it was made.
                let incoming = async move {
                    let stream = TcpStream::from_std(stream.into_std()?)?;
                    Ok(AcceptedConnection { transport: stream.into(), peer: Some(peer), local })
                };
                start_handshake(incoming, Some(peer), router, stopped, runtime);
            }
        }
    }
}

/// Begins the handshake of a connection, which ends when the sender of `stopped` is dropped.
pub(super) fn start_handshake(
    incoming: impl Future<Output = io::Result<AcceptedConnection>> + Send + 'static,
    peer: Option<SocketAddr>,
    router: &Router,
    stopped: &watch::Receiver<()>,
    runtime: &Handle,
) {
    let Some(under_way) = router.shared.handshakes.begin() else {
        return tracing::warn!(?peer, "dropped: too many handshakes are under way");
    };
    let router = router.clone();
    let mut stopped = stopped.clone();
    runtime.spawn(async move {
        let _under_way = under_way;
        let incoming = match incoming.await {
            Ok(incoming) => incoming,
            Err(error) => return tracing::error!(?peer, %error, "a connection cannot be served"),
        };
        tokio::select! {
            () = handshake(incoming, &router) => {}
            _ = stopped.changed() => {}
        }
    });
}

/// A connection that broke while it was accepted is the client's affair; with no file descriptors
/// left it takes a while until some are free.
async fn wait_after(error: &io::Error) {
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset => {}
        _ => {
            tracing::error!(%error, "cannot accept connections; trying again in 1 s");
            sleep(Duration::from_secs(1)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn accept_goes_on_after_its_bound_when_the_system_returns_an_error() {
        for (error, seconds) in [(io::ErrorKind::ConnectionAborted, 0), (io::ErrorKind::Other, 1)] {
            let start = Instant::now();
            wait_after(&error.into()).await;
            assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        }
    }
}
