use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Weak};

use super::line::LineState;
use super::{End, Line};
use crate::Router;
use crate::lock::{Lock, rank};
use crate::server::InMemoryServer;

/// A router that is served in memory.
///
/// Connections have no addresses: [`Request::peer_addr`](crate::Request::peer_addr) is `None`. A
/// clone is the same network.
///
/// ```
/// # use parlor::prelude::*;
/// # use parlor::test::Network;
/// # #[procedure] pub trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest;
/// # impl Chat for Guest { async fn say(&mut self, _text: String) {} }
/// # fn router() -> Router {
/// #     let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) });
/// #     Router::new().procedure("/chat", chat)
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let network = Network::new(router());
/// let (ada, mut events) = network.line().client::<ChatClient>("/chat").connect().await.unwrap();
/// let (bob, _) = network.line().client::<ChatClient>("/chat").connect().await.unwrap();
/// assert_eq!(network.connections(), 2);
///
/// // Clients reconnect to a restarted server and get a fresh session.
/// network.restart(router()).await;
/// let lost = events.next().await;
/// let restored = events.next().await;
/// # assert!(matches!(lost, Some(ChatEvent::Connection(ConnectionChange::Lost { .. }))));
/// assert!(matches!(
///     restored,
///     Some(ChatEvent::Connection(ConnectionChange::Restored { recovered: false, .. })),
/// ));
/// # drop((ada, bob));
/// # }
/// ```
#[derive(Clone)]
pub struct Network(Arc<Lock<State, { rank::TEST_NETWORK }>>);

struct State {
    /// Called and dropped after the lock is released, because it holds values of the user.
    server: Option<Arc<InMemoryServer>>,
    lines: Vec<Weak<LineState>>,
}

impl Network {
    /// Serves `router`. Each session runs on the tokio runtime that its client connects on.
    ///
    /// The node of a router with a [`backplane`](Router::backplane) starts at once, or with the first request if
    /// this is called outside of a tokio runtime.
    ///
    /// A router with a path that is mounted twice or does not start with `/` is not served: this is
    /// logged, and connections are refused.
    pub fn new(router: Router) -> Self {
        Self(Arc::new(Lock::new(State { server: serve(router), lines: Vec::new() })))
    }

    /// Returns a line for a new client.
    pub fn line(&self) -> Line {
        let line = Arc::default();
        let mut state = self.0.lock();
        state.lines.retain(|line| line.strong_count() > 0);
        state.lines.push(Arc::downgrade(&line));
        drop(state);
        Line::new(self.clone(), line)
    }

    /// Shuts the server down as
    /// [`Serve::with_graceful_shutdown`](crate::server::Serve::with_graceful_shutdown) does, and waits until it
    /// has ended. Connections are refused from now on.
    pub async fn shut_down(&self) {
        let server = self.0.lock().server.take();
        let Some(server) = server else { return };
        let router = server.router().clone();
        match Arc::into_inner(server) {
            Some(server) => server.stop().await,
            // Another thread uses the server and drops it afterwards.
            None => router.shutdown().await,
        }
    }

    /// Shuts the server down as [`shut_down`](Self::shut_down) does, then serves `router`.
    pub async fn restart(&self, router: Router) {
        self.shut_down().await;
        let server = serve(router);
        let previous = mem::replace(&mut self.0.lock().server, server);
        drop(previous);
    }

    /// Replaces the server by `router` without a shutdown: all connections break, and clients
    /// cannot resume their sessions. The old sessions still run in the process of the test, until
    /// their
    /// [`Recovery::window`](crate::server::Recovery::window) ends.
    pub fn crash(&self, router: Router) {
        let server = serve(router);
        let mut state = self.0.lock();
        let previous = mem::replace(&mut state.server, server);
        let lines: Vec<_> = state.lines.iter().filter_map(Weak::upgrade).collect();
        drop(state);
        drop(previous);
        for line in lines {
            line.cut(None);
        }
    }

    /// The number of clients that are connected to the server.
    pub fn connections(&self) -> usize {
        self.count(Router::connections)
    }

    /// The number of sessions of the server, including detached ones.
    pub fn sessions(&self) -> usize {
        self.count(Router::sessions)
    }

    /// The number of entries in the server's tables of sessions, rooms and secrets, for Parlor's
    /// own tests.
    #[doc(hidden)]
    pub fn entries(&self) -> usize {
        self.count(Router::entries)
    }

    fn count(&self, count: impl FnOnce(&Router) -> usize) -> usize {
        let server = self.0.lock().server.clone();
        server.map_or(0, |server| count(server.router()))
    }

    pub(super) fn is_served(&self) -> bool {
        self.0.lock().server.is_some()
    }

    /// Starts the handshake when the first byte arrives.
    pub(super) fn start_handshake(&self, mut end: End) {
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            poll_fn(|cx| end.poll_readable(cx)).await;
            let server = state.lock().server.clone();
            if let Some(server) = server {
                server.start_handshake(end);
            }
        });
    }
}

fn serve(router: Router) -> Option<Arc<InMemoryServer>> {
    InMemoryServer::new(router)
        .inspect_err(|error| tracing::error!(%error, "the router is not served"))
        .map(Arc::new)
        .ok()
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("connections", &self.connections())
            .field("sessions", &self.sessions())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::server::Handshakes;
    use crate::test::settle;

    /// Takes the lock of its network when it is woken or dropped.
    struct Locking {
        network: Network,
        locked: Arc<AtomicUsize>,
    }

    impl Locking {
        fn new(network: &Network) -> (Self, Arc<AtomicUsize>) {
            let locked = Arc::default();
            (Self { network: network.clone(), locked: Arc::clone(&locked) }, locked)
        }

        fn lock(&self) {
            assert_eq!(self.network.connections(), 0);
            self.locked.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Drop for Locking {
        fn drop(&mut self) {
            self.lock();
        }
    }

    impl Wake for Locking {
        fn wake(self: Arc<Self>) {
            self.lock();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn router_that_locks_network_when_dropped_does_not_deadlock() {
        let network = Network::new(Router::new());
        let (locking, locked) = Locking::new(&network);
        network.crash(Router::new().middleware(move |request| {
            let _ = &locking;
            async { Ok(request) }
        }));
        network.crash(Router::new());
        assert_eq!(locked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn waker_that_locks_network_when_connection_is_dropped_does_not_deadlock() {
        let network = Network::new(
            Router::new().handshakes(Handshakes { max_concurrent: 1, ..Handshakes::default() }),
        );
        let line = network.line();
        let mut first = line.dial().expect("a connection");
        first.write_all(b"G").await.expect("written");
        settle().await;
        let mut second = line.dial().expect("a connection");
        second.write_all(b"G").await.expect("written");
        let (locking, locked) = Locking::new(&network);
        let waker = Waker::from(Arc::new(locking));
        assert!(second.poll_readable(&mut Context::from_waker(&waker)).is_pending());
        settle().await;
        assert_eq!(locked.load(Ordering::Relaxed), 1);
    }
}
