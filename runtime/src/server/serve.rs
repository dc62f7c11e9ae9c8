use std::future::{Future, IntoFuture, pending};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::acceptor::Acceptor;
use super::handshake::{AcceptedConnection, handshake};
use super::handshake_limit::MAX_CONCURRENT;
use super::listen::Listen;
use super::process_signals::first_and_second_signal;
use super::routes::Routes;
use super::serve_error::ServeError;
use super::workers::Workers;

/// Serves a router when it is awaited.
#[must_use = "nothing is served until this is awaited"]
pub struct Serve {
    routes: Arc<Routes>,
    listener: BoxFuture<'static, io::Result<TcpListener>>,
    shutdown: BoxFuture<'static, ()>,
    cancel: BoxFuture<'static, ()>,
    threads: Option<usize>,
}

impl Serve {
    pub(super) fn new(routes: Arc<Routes>, listen: impl Listen) -> Self {
        Self {
            routes,
            listener: listen.listen().boxed(),
            shutdown: pending().boxed(),
            cancel: pending().boxed(),
            threads: None,
        }
    }

    /// Shuts down when `signal` is ready:
    ///
    /// - New connections and sessions are not accepted.
    /// - Running handlers, and those of messages that were already received, run to their end.
    ///   After [`Router::shutdown_timeout`](crate::Router::shutdown_timeout) they are cancelled.
    /// - Each session's `disconnected` runs.
    /// - Pending frames are sent. Connections are closed with 1012 and a retry hint.
    ///
    /// The last two have a timeout of [`Timeouts::close`](super::Timeouts::close) each.
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.shutdown = signal.boxed();
        self
    }

    /// Cancels running handlers at once when `signal` is ready and the shutdown has begun. Each
    /// session's `disconnected` still runs and pending frames are still sent, with a timeout of
    /// [`Timeouts::close`](super::Timeouts::close) each.
    pub fn with_cut(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.cancel = signal.boxed();
        self
    }

    /// Shuts down gracefully at the first SIGTERM or Ctrl-C, and cancels handlers at the second:
    /// [`with_graceful_shutdown`](Self::with_graceful_shutdown) and [`with_cut`](Self::with_cut).
    ///
    /// Once this future is polled, these signals no longer end the process by themselves, not even
    /// after the server has ended: return from `main` then. If they cannot be received, this is
    /// logged and they do not shut the server down.
    pub fn with_signals(self) -> Self {
        let (first, second) = first_and_second_signal();
        self.with_graceful_shutdown(first).with_cut(second)
    }

    /// Serves on this number of worker threads; 0 means one per core that the process may use. This
    /// is fairer to each client under load than tokio's multi-thread runtime, and as fast with few
    /// cores. Without it sessions run on the runtime that awaits this future.
    ///
    /// Each worker has a current-thread runtime of tokio. A connection stays on the worker that it
    /// was assigned to; rooms span all workers. Handlers, and tasks that they spawn, run on the
    /// worker:
    ///
    /// - Spawned tasks are dropped soon after serving has ended. Spawn those that must run longer
    ///   with the [`Handle`](tokio::runtime::Handle) of another runtime.
    /// - If this future is dropped, the sessions are dropped, and their clients get no close frame.
    /// - A handler that blocks delays all clients of its worker. It also delays the events that its
    ///   worker has just emitted to clients of other workers, which are written after other tasks
    ///   have run.
    /// - `tokio::task::block_in_place` panics. Use `spawn_blocking`.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    async fn run(self) -> Result<(), ServeError> {
        let Self { routes, listener, shutdown, cancel, threads } = self;
        routes.check()?;
        let listener = listener.await?;
        let mut workers = threads.map(Workers::start).transpose().map_err(ServeError::Thread)?;
        let local = listener.local_addr().ok();
        if let Some(address) = local {
            tracing::info!(%address, "listening");
        }
        routes.start_node();
        let (stop, stopped) = watch::channel(());
        tokio::select! {
            () = shutdown => {}
            () = accept_connections(&listener, local, &routes, workers.as_mut(), &stopped) => {}
        }
        drop(listener);
        drop(stop);
        routes.drain(cancel).await;
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

async fn accept_connections(
    listener: &TcpListener,
    local: Option<SocketAddr>,
    routes: &Arc<Routes>,
    mut workers: Option<&mut Workers>,
    stopped: &watch::Receiver<()>,
) {
    let acceptor = Acceptor::new(listener);
    loop {
        let (stream, peer) = acceptor.accept().await;
        match workers.as_mut().and_then(|workers| workers.next()) {
            None => {
                let accepted =
                    AcceptedConnection { transport: stream.into(), peer: Some(peer), local };
                let accepted = async { Ok(accepted) };
                start_handshake(accepted, Some(peer), routes, stopped, &Handle::current());
            }
            Some(runtime) => {
                // A `TcpStream` stays registered with the runtime in which it was created.
                let accepted = async move {
                    let stream = TcpStream::from_std(stream.into_std()?)?;
                    Ok(AcceptedConnection { transport: stream.into(), peer: Some(peer), local })
                };
                start_handshake(accepted, Some(peer), routes, stopped, runtime);
            }
        }
    }
}

/// Spawns the handshake of a connection. It is cancelled when the sender of `stopped` is dropped.
pub(super) fn start_handshake(
    accepted: impl Future<Output = io::Result<AcceptedConnection>> + Send + 'static,
    peer: Option<SocketAddr>,
    routes: &Arc<Routes>,
    stopped: &watch::Receiver<()>,
    runtime: &Handle,
) {
    let Some(permit) = routes.handshake_limit.try_acquire() else {
        return routes.warnings.log(MAX_CONCURRENT, "more connections are dropped");
    };
    let routes = Arc::clone(routes);
    let mut stopped = stopped.clone();
    runtime.spawn(async move {
        let _permit = permit;
        let accepted = match accepted.await {
            Ok(accepted) => accepted,
            Err(error) => {
                return tracing::error!(?peer, %error, "cannot move a connection to a worker");
            }
        };
        tokio::select! {
            () = handshake(accepted, &routes) => {}
            _ = stopped.changed() => {}
        }
    });
}
