use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::cable::{Cable, Conditions};
use super::{End, Network};
use crate::ClientBuilder;
use crate::contract::ClientHandle;
use crate::lock::{Lock, rank};
use crate::transport::Stream;

/// One client's way to the server, with all its connections, one after the other; comes from
/// [`Network::line`].
///
/// What is said of it holds for the connections that are there and those to come, but
/// [`cut`](Self::cut) and [`cut_unnoticed_by`](Self::cut_unnoticed_by), which break what is there. A
/// clone is the same line.
///
/// ```
/// # use parlor::prelude::*;
/// # use parlor::{ClientStatus, test::{Network, settle}};
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
/// // The client tries again by and by: the paused clock jumps to when it does.
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
    wires: Arc<Wires>,
}

/// The connections of a line.
#[derive(Default)]
pub(super) struct Wires(Lock<State, { rank::TEST_WIRES }>);

#[derive(Default)]
struct State {
    conditions: Conditions,
    refuses: bool,
    attempts: u64,
    cables: Vec<Weak<Cable>>,
}

/// One of the two that a connection connects.
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
    pub(super) fn new(network: Network, wires: Arc<Wires>) -> Self {
        Self { network, wires }
    }

    /// A client of the procedure at `path` that connects over this line: its settings are the usual
    /// ones, and [`connect`](ClientBuilder::connect) opens its first connection.
    ///
    /// It calls the server `localhost`. The waits before its attempts to connect again are as long as
    /// they may be, and not random, so that a test does the same each time.
    pub fn client<C: ClientHandle>(&self, path: &str) -> ClientBuilder<C> {
        let line = self.clone();
        ClientBuilder::new(&format!("ws://localhost{path}")).steady().connector(Arc::new(
            move || {
                let end = line.dial();
                Box::pin(async { end.map(|end| Box::new(end) as Box<dyn Stream>) })
            },
        ))
    }

    /// Opens a connection, as for a client that is not Parlor's: tungstenite's `client_async` takes it.
    ///
    /// Fails with [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) after [`refuse`](Self::refuse)
    /// or while nothing is served, else it succeeds at once; the server hears of it with the first
    /// byte that arrives.
    pub fn dial(&self) -> io::Result<End> {
        let mut state = self.wires.0.lock();
        state.attempts += 1;
        if state.refuses || !self.network.is_served() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let cable = Arc::new(Cable::new(state.conditions));
        state.cables.retain(|cable| cable.strong_count() > 0);
        state.cables.push(Arc::downgrade(&cable));
        drop(state);
        self.network.start_handshake(End::new(&cable, Side::Server));
        Ok(End::new(&cable, Side::Client))
    }

    /// Breaks the connections that are there: both sides read and write an error, and what was under
    /// way is lost. New attempts are a matter of [`refuse`](Self::refuse).
    pub fn cut(&self) {
        self.wires.cut(None);
    }

    /// Breaks the connections that are there, and `side` does not notice: what it writes goes nowhere,
    /// and it hears nothing any more. The other side reads and writes an error.
    pub fn cut_unnoticed_by(&self, side: Side) {
        self.wires.cut(Some(side));
    }

    /// Holds all bytes where they are, both ways, those of new connections too, until
    /// [`resume`](Self::resume). Neither side notices, but that it hears nothing.
    pub fn stall(&self) {
        self.wires.change(|conditions| conditions.stalled = true);
    }

    /// Lets the bytes move again after [`stall`](Self::stall).
    pub fn resume(&self) {
        self.wires.change(|conditions| conditions.stalled = false);
    }

    /// How long bytes take, each way, from now on. None by default. What is under way arrives when it
    /// would have; within a connection nothing overtakes, but a newer connection may.
    pub fn delay(&self, delay: Duration) {
        self.wires.change(|conditions| conditions.delay = delay);
    }

    /// The most bytes that are read or written at once, at least 1: messages then come in pieces. As
    /// many as there are by default.
    ///
    /// Clients of Parlor take a handshake in very small pieces for an attack: let them connect before.
    pub fn trickle(&self, bytes: usize) {
        self.wires.change(|conditions| conditions.trickle = bytes);
    }

    /// The most bytes that are under way each way, at least 1; then writing waits, as it does for a
    /// client that does not read. 64 KiB by default.
    pub fn buffer(&self, bytes: usize) {
        self.wires.change(|conditions| conditions.buffer = bytes);
    }

    /// Refuses attempts to connect, until [`accept`](Self::accept).
    pub fn refuse(&self) {
        self.wires.0.lock().refuses = true;
    }

    /// Lets attempts to connect succeed again after [`refuse`](Self::refuse).
    pub fn accept(&self) {
        self.wires.0.lock().refuses = false;
    }

    /// How many attempts to connect were made over this line, refused ones too.
    pub fn attempts(&self) -> u64 {
        self.wires.0.lock().attempts
    }
}

impl Wires {
    pub(super) fn cut(&self, unaware: Option<Side>) {
        for cable in self.cables() {
            cable.cut(unaware);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Conditions)) {
        let conditions = {
            let mut state = self.0.lock();
            change(&mut state.conditions);
            state.conditions
        };
        for cable in self.cables() {
            cable.change(conditions);
        }
    }

    fn cables(&self) -> Vec<Arc<Cable>> {
        self.0.lock().cables.iter().filter_map(Weak::upgrade).collect()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.wires.0.lock();
        let State { conditions, refuses, attempts, .. } = *state;
        // What is written to may come back.
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

    /// Asks a line when something is written.
    struct Asks(Line);

    impl Write for Asks {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            assert_eq!(self.0.attempts(), 0);
            Ok(())
        }
    }

    #[test]
    fn writer_that_asks_line_does_not_deadlock() {
        let line = Network::new(Router::new()).line();
        assert_eq!(write!(Asks(line.clone()), "{line:?}"), Ok(()));
    }
}
