use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::connection::{Conditions, Connection};
use super::{End, Network};
use crate::client::ClientBuilder;
use crate::contract::ClientHandle;
use crate::lock::{Lock, rank};
use crate::transport::Stream;

/// The network path between one client and the server. [`Network::line`] returns it.
///
/// Its settings apply to existing and future connections of the client.
/// [`cut`](Self::cut) and [`cut_unnoticed_by`](Self::cut_unnoticed_by) break existing ones only. A clone
/// is the same line.
///
/// ```
/// # use parlor::prelude::*;
/// # use parlor::{client::ClientStatus, test::{Network, settle}};
/// # #[procedure] pub trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest;
/// # impl Chat for Guest { async fn say(&mut self, _text: String) {} }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) });
/// # let router = Router::new().procedure("/chat", chat);
/// let network = Network::new(router);
/// let line = network.line();
/// let (chat, mut events) = line.client::<ChatClient>("/chat").connect().await.unwrap();
///
/// line.refuse();
/// line.cut();
/// settle().await;
/// assert_eq!(chat.status(), ClientStatus::Reconnecting);
///
/// // The paused clock jumps to the client's next attempt.
/// line.accept();
/// let lost = events.next().await;
/// let restored = events.next().await;
/// assert_eq!(chat.status(), ClientStatus::Connected);
/// assert_eq!(line.attempts(), 2);
/// # assert!(matches!(lost, Some(ChatEvent::Connection(ConnectionChange::Lost { .. }))));
/// # assert!(matches!(restored, Some(ChatEvent::Connection(ConnectionChange::Restored { .. }))));
/// # }
/// ```
#[derive(Clone)]
pub struct Line {
    network: Network,
    state: Arc<LineState>,
}

#[derive(Default)]
pub(super) struct LineState(Lock<State, { rank::TEST_LINE }>);

#[derive(Default)]
struct State {
    conditions: Conditions,
    refuses: bool,
    attempts: u64,
    connections: Vec<Weak<Connection>>,
}

/// One side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Line {
    pub(super) fn new(network: Network, state: Arc<LineState>) -> Self {
        Self { network, state }
    }

    /// A client of the procedure at `path` that connects over this line, with the default settings.
    /// [`connect`](ClientBuilder::connect) opens its first connection.
    ///
    /// Its `Host` is `localhost`. Its delays before reconnecting are not random but always the
    /// longest possible, so that each run of a test is the same.
    pub fn client<C: ClientHandle>(&self, path: &str) -> ClientBuilder<C> {
        let line = self.clone();
        ClientBuilder::new(&format!("ws://localhost{path}")).steady().connector(Arc::new(
            move || {
                let end = line.dial();
                Box::pin(async { end.map(|end| Box::new(end) as Box<dyn Stream>) })
            },
        ))
    }

    /// Opens a connection for any WebSocket client, such as tungstenite's `client_async`.
    ///
    /// Fails with [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) after
    /// [`refuse`](Self::refuse) or while no router is served. Otherwise it succeeds at once, and
    /// the server accepts the connection when the first byte arrives.
    pub fn dial(&self) -> io::Result<End> {
        let mut state = self.state.0.lock();
        state.attempts += 1;
        if state.refuses || !self.network.is_served() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let connection = Arc::new(Connection::new(state.conditions));
        state.connections.retain(|connection| connection.strong_count() > 0);
        state.connections.push(Arc::downgrade(&connection));
        drop(state);
        self.network.start_handshake(End::new(&connection, Side::Server));
        Ok(End::new(&connection, Side::Client))
    }

    /// Breaks existing connections: reads and writes of both sides fail, and bytes in flight are
    /// lost. Clients can connect again unless [`refuse`](Self::refuse) was called.
    pub fn cut(&self) {
        self.state.cut(None);
    }

    /// Breaks existing connections without an error on `side`: what it writes is lost, and it
    /// receives nothing. Reads and writes of the other side fail.
    pub fn cut_unnoticed_by(&self, side: Side) {
        self.state.cut(Some(side));
    }

    /// Delivers no bytes in either direction, also on new connections, until
    /// [`resume`](Self::resume). Neither side gets an error.
    pub fn stall(&self) {
        self.state.change(|conditions| conditions.stalled = true);
    }

    /// Delivers bytes again after [`stall`](Self::stall).
    pub fn resume(&self) {
        self.state.change(|conditions| conditions.stalled = false);
    }

    /// Sets how long bytes take in each direction. Zero by default. Bytes in flight keep their time
    /// of arrival. Bytes of one connection stay in order; those of a newer connection may arrive
    /// earlier.
    pub fn delay(&self, delay: Duration) {
        self.state.change(|conditions| conditions.delay = delay);
    }

    /// Sets the maximum bytes per read or write, at least 1, so that messages arrive in pieces.
    /// Unlimited by default.
    ///
    /// Parlor's client rejects a handshake in very small pieces as an attack, so connect it first.
    pub fn trickle(&self, bytes: usize) {
        self.state.change(|conditions| conditions.trickle = bytes);
    }

    /// Sets the maximum bytes in flight per direction, at least 1. Writes wait while it is reached,
    /// as with a client that does not read. 64 KiB by default.
    pub fn buffer(&self, bytes: usize) {
        self.state.change(|conditions| conditions.buffer = bytes);
    }

    /// Refuses new connections until [`accept`](Self::accept).
    pub fn refuse(&self) {
        self.state.0.lock().refuses = true;
    }

    /// Accepts new connections again after [`refuse`](Self::refuse).
    pub fn accept(&self) {
        self.state.0.lock().refuses = false;
    }

    /// The number of attempts to connect, including refused ones.
    pub fn attempts(&self) -> u64 {
        self.state.0.lock().attempts
    }
}

impl LineState {
    pub(super) fn cut(&self, unaware: Option<Side>) {
        for connection in self.connections() {
            connection.cut(unaware);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Conditions)) {
        let conditions = {
            let mut state = self.0.lock();
            change(&mut state.conditions);
            state.conditions
        };
        for connection in self.connections() {
            connection.set_conditions(conditions);
        }
    }

    fn connections(&self) -> Vec<Arc<Connection>> {
        self.0.lock().connections.iter().filter_map(Weak::upgrade).collect()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.0.lock();
        let State { conditions, refuses, attempts, .. } = *state;
        // The writer may take the lock.
        drop(state);
        f.debug_struct("Line")
            .field("conditions", &conditions)
            .field("refuses", &refuses)
            .field("attempts", &attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::Router;

    /// A writer that takes the lock of its line.
    struct LockingWriter(Line);

    impl Write for LockingWriter {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            assert_eq!(self.0.attempts(), 0);
            Ok(())
        }
    }

    #[test]
    fn writer_that_locks_its_line_does_not_deadlock() {
        let line = Network::new(Router::new()).line();
        assert_eq!(write!(LockingWriter(line.clone()), "{line:?}"), Ok(()));
    }
}
