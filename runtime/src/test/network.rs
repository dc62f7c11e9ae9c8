use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Weak};

use super::line::Wires;
use super::{End, Line};
use crate::Router;
use crate::lock::{Lock, rank};
use crate::server::InMemoryServer;

/// A router that is served in memory, and the lines to it.
///
/// Connections have no addresses: [`Request::peer_addr`](crate::Request::peer_addr) is `None`. A clone
/// is the same network.
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
/// // Clients come back to a server that was restarted, to a fresh session.
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
    /// A router is called, and dropped, after the lock is released: it holds what the user gave it.
    serving: Option<Arc<InMemoryServer>>,
    lines: Vec<Weak<Wires>>,
}

impl Network {
    /// Serves `router`, within the tokio runtime of whoever connects.
    ///
    /// A router with a path that is mounted twice or does not start with `/` is not served: that is
    /// logged, and attempts are refused.
    pub fn new(router: Router) -> Self {
        Self(Arc::new(Lock::new(State { serving: serve(router), lines: Vec::new() })))
    }

    /// One more client's way to the server, on which all is well.
    pub fn line(&self) -> Line {
        let wires = Arc::default();
        let mut state = self.0.lock();
        state.lines.retain(|line| line.strong_count() > 0);
        state.lines.push(Arc::downgrade(&wires));
        drop(state);
        Line::new(self.clone(), wires)
    }

    /// Shuts the server down as
    /// [`Serve::with_graceful_shutdown`](crate::Serve::with_graceful_shutdown) does, and waits for its
    /// end. Attempts to connect are refused from now on.
    pub async fn shut_down(&self) {
        let serving = self.0.lock().serving.take();
        let Some(serving) = serving else { return };
        let router = serving.router().clone();
        match Arc::into_inner(serving) {
            Some(serving) => serving.stop().await,
            // Another thread asks it something, or lets a connection in, and drops it then.
            None => router.shutdown().await,
        }
    }

    /// Shuts the server down as [`shut_down`](Self::shut_down) does, then serves `router`.
    pub async fn restart(&self, router: Router) {
        self.shut_down().await;
        let serving = serve(router);
        let before = mem::replace(&mut self.0.lock().serving, serving);
        drop(before);
    }

    /// Replaces the server by `router` without any goodbye: all connections break, and the sessions of
    /// before are known to nobody. (The test is still the process that they run in: they go on without
    /// a client until their [`recovery_window`](crate::Server::recovery_window) is over.)
    pub fn crash(&self, router: Router) {
        let serving = serve(router);
        let mut state = self.0.lock();
        let before = mem::replace(&mut state.serving, serving);
        let lines: Vec<_> = state.lines.iter().filter_map(Weak::upgrade).collect();
        drop(state);
        drop(before);
        for line in lines {
            line.cut(None);
        }
    }

    /// How many clients are connected to the server.
    pub fn connections(&self) -> usize {
        self.ask(Router::connections)
    }

    /// How many sessions the server has, those whose connection is lost too.
    pub fn sessions(&self) -> usize {
        self.ask(Router::sessions)
    }

    /// How many entries the server's tables have of sessions, rooms and secrets; for Parlor's own tests.
    #[doc(hidden)]
    pub fn entries(&self) -> usize {
        self.ask(Router::entries)
    }

    fn ask(&self, question: impl FnOnce(&Router) -> usize) -> usize {
        let serving = self.0.lock().serving.clone();
        serving.map_or(0, |serving| question(serving.router()))
    }

    pub(super) fn is_served(&self) -> bool {
        self.0.lock().serving.is_some()
    }

    /// Lets a connection in as soon as something arrives on it.
    pub(super) fn start_handshake(&self, mut end: End) {
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            poll_fn(|cx| end.poll_readable(cx)).await;
            let serving = state.lock().serving.clone();
            if let Some(serving) = serving {
                serving.start_handshake(end);
            }
        });
    }
}

fn serve(router: Router) -> Option<Arc<InMemoryServer>> {
    InMemoryServer::begin(router)
        .inspect_err(|error| tracing::error!(%error, "nothing is served"))
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
    use crate::test::settle;

    /// Asks its network when it is woken or dropped.
    struct Asks {
        network: Network,
        times: Arc<AtomicUsize>,
    }

    impl Asks {
        fn new(network: &Network) -> (Self, Arc<AtomicUsize>) {
            let times = Arc::default();
            (Self { network: network.clone(), times: Arc::clone(&times) }, times)
        }

        fn ask(&self) {
            assert_eq!(self.network.connections(), 0);
            self.times.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Drop for Asks {
        fn drop(&mut self) {
            self.ask();
        }
    }

    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            self.ask();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn router_that_asks_network_when_it_is_dropped_does_not_deadlock() {
        let network = Network::new(Router::new());
        let (asks, times) = Asks::new(&network);
        network.crash(Router::new().middleware(move |request| {
            let _ = &asks;
            async { Ok(request) }
        }));
        network.crash(Router::new());
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn waker_that_asks_network_when_its_connection_is_refused_does_not_deadlock() {
        let network = Network::new(Router::new().max_handshakes(1));
        let line = network.line();
        let mut first = line.dial().expect("a connection");
        first.write_all(b"G").await.expect("written");
        settle().await;
        let mut second = line.dial().expect("a connection");
        second.write_all(b"G").await.expect("written");
        let (asks, times) = Asks::new(&network);
        let waker = Waker::from(Arc::new(asks));
        assert!(second.poll_readable(&mut Context::from_waker(&waker)).is_pending());
        settle().await;
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }
}
