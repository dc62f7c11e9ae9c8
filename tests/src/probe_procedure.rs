use std::sync::Arc;

use parlor::prelude::*;
use parlor::{Io, Router};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};

use super::{RawClient, TestServer, within_timeout};

/// The procedure that most tests use.
#[procedure]
pub trait Probe {
    /// Sends `text` to the other members of `room`.
    #[incoming]
    async fn say(&mut self, room: String, #[validate(length(min = 1, max = 10))] text: String);
    /// Sends `text` to all members of `room`, including the sender.
    #[incoming]
    async fn shout(&mut self, room: String, text: String);
    /// Joins `room` and returns its number of members.
    #[incoming]
    async fn enter(&mut self, room: String) -> Result<usize, EnterError>;
    /// Leaves `room`.
    #[incoming]
    async fn leave(&mut self, room: String);
    /// Returns the sum.
    #[incoming]
    async fn add(&mut self, a: i64, b: i64) -> i64;
    /// Returns the number of authors. Tests use it for paths in violations.
    #[incoming]
    async fn publish(&mut self, #[payload] article: Article) -> usize;
    /// Panics.
    #[incoming]
    async fn crash(&mut self);
    /// Waits for a permit of the test's gate. Returns how often `add` and `resumed` ran.
    #[incoming]
    async fn wait(&mut self) -> u32;
    /// Panics while it is decoded or dropped.
    #[incoming]
    async fn explode(&mut self, bomb: Bomb);
    /// Returns a string of `size` characters.
    #[incoming]
    async fn fill(&mut self, size: usize) -> String;
    /// Closes this socket with `code`.
    #[incoming]
    async fn quit(&mut self, code: u16);

    /// A text that a member sent.
    #[outgoing]
    fn said(room: String, text: String, from: String);
    /// An event that may be dropped.
    #[outgoing(volatile)]
    fn moved(text: String);
    /// An event of which only the newest frame per item is kept.
    #[outgoing(latest = item)]
    fn priced(item: String, price: u32);
}

/// A nested payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct Article {
    /// Its title.
    pub title: String,
    /// Its authors.
    pub authors: Vec<Author>,
}

/// An author.
#[derive(Debug, Serialize, Deserialize)]
pub struct Author {
    /// A name.
    pub name: String,
}

/// Panics while it is deserialized from 1. Deserialized from another number, it panics when it is
/// dropped.
#[derive(Debug, Serialize)]
pub struct Bomb;

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: serde::Deserializer<'de>>(number: D) -> Result<Self, D::Error> {
        assert!(u8::deserialize(number)? != 1, "on purpose");
        Ok(Self)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "on purpose, in `drop`");
    }
}

/// Why joining a room failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EnterError {
    /// The room is private.
    Private,
    /// Another error.
    Other(String),
}

/// The session of one client.
pub struct ProbeSession {
    socket: ProbeSocket,
    gate: Arc<Semaphore>,
    ended: mpsc::UnboundedSender<DisconnectReason>,
    handled: u32,
    /// Whether `disconnected` yields before it returns.
    yields: bool,
}

impl Probe for ProbeSession {
    async fn say(&mut self, room: String, text: String) {
        self.socket.to(&room).said(&room, text, self.socket.id());
    }

    async fn shout(&mut self, room: String, text: String) {
        self.socket.io().to(&room).said(&room, text, self.socket.id());
    }

    async fn enter(&mut self, room: String) -> Result<usize, EnterError> {
        if room == "private" {
            return Err(EnterError::Private);
        }
        self.socket.join(&room).map_err(|error| EnterError::Other(error.to_string()))?;
        Ok(self.socket.io().members(&room).await.len())
    }

    async fn leave(&mut self, room: String) {
        self.socket.leave(&room);
    }

    async fn add(&mut self, a: i64, b: i64) -> i64 {
        self.handled += 1;
        a + b
    }

    async fn publish(&mut self, article: Article) -> usize {
        article.authors.len()
    }

    async fn crash(&mut self) {
        panic!("on purpose");
    }

    async fn wait(&mut self) -> u32 {
        self.gate.acquire().await.expect("the gate is never closed").forget();
        self.handled
    }

    async fn explode(&mut self, _bomb: Bomb) {}

    async fn fill(&mut self, size: usize) -> String {
        "x".repeat(size)
    }

    async fn quit(&mut self, code: u16) {
        self.socket.close_with(code, "as requested");
    }

    async fn resumed(&mut self, request: Request) -> Result<(), Reject> {
        self.handled += 1;
        match request.query() {
            Some("refuse") => Err(Reject::unauthorized("on purpose")),
            Some("crash") => panic!("on purpose"),
            _ => Ok(()),
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason) {
        for room in self.socket.rooms() {
            self.socket.to(&room).said(&room, "bye", self.socket.id());
        }
        if self.yields {
            // As a handler that writes to a database does.
            tokio::task::yield_now().await;
        }
        let _ = self.ended.send(reason);
    }
}

/// A [`Probe`] server that is not served yet, and what its sessions report.
pub struct ProbeFixture {
    /// The server, to be added to a router.
    pub server: ProbeServer<ProbeSession>,
    /// Why each session ended, in order.
    pub ended: mpsc::UnboundedReceiver<DisconnectReason>,
    /// Each permit lets one `wait` return.
    pub gate: Arc<Semaphore>,
}

/// Creates a [`Probe`] server whose sessions report to the test.
pub fn probe_fixture() -> ProbeFixture {
    let (sender, ended) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let inner = Arc::clone(&gate);
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let (gate, ended) = (Arc::clone(&inner), sender.clone());
        async move { Ok(ProbeSession { socket, gate, ended, handled: 0, yields: true }) }
    });
    ProbeFixture { server, ended, gate }
}

/// Serves a [`Probe`] server at `/probe`, changed by `change`.
pub async fn serve_probe(
    change: impl FnOnce(ProbeServer<ProbeSession>) -> ProbeServer<ProbeSession>,
) -> (TestServer, Io<ProbeEmitter>, Reports) {
    let ProbeFixture { server, ended, gate } = probe_fixture();
    let server = change(server);
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    (running, io, Reports { ended, gate })
}

/// What the sessions of a running [`Probe`] server report.
pub struct Reports {
    /// Why each session ended, in order.
    pub ended: mpsc::UnboundedReceiver<DisconnectReason>,
    /// Each permit lets one `wait` return.
    pub gate: Arc<Semaphore>,
}

impl Reports {
    /// Waits until the next session ends and returns the reason.
    pub async fn end(&mut self) -> DisconnectReason {
        within_timeout("the end of a session", self.ended.recv()).await.expect("a reason")
    }
}

/// Waits until exactly `clients` clients are connected.
pub async fn wait_for_connections<E: parlor::Contract>(io: &Io<E>, clients: usize) {
    within_timeout("connections to come or go", async {
        while io.connections() != clients {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Broadcasts to all and lets `quick` read, until a session ends. Returns why it has ended.
pub async fn broadcast_until_end<S: AsyncRead + AsyncWrite + Unpin>(
    io: &Io<ProbeEmitter>,
    quick: &mut RawClient<S>,
    ended: &mut mpsc::UnboundedReceiver<DisconnectReason>,
) -> DisconnectReason {
    let text = "x".repeat(10_000);
    // The buffers below a connection hold some megabytes before an outbox fills.
    for _ in 0..10_000 {
        io.broadcast().said("a", &text, "");
        assert_eq!(quick.receive().await[0], "said");
        if let Ok(reason) = ended.try_recv() {
            return reason;
        }
    }
    panic!("no session has ended")
}

impl ProbeFixture {
    /// Creates a session for a factory that a test writes itself. Its ending is not reported.
    pub fn session(&self, socket: ProbeSocket) -> ProbeSession {
        let (ended, _) = mpsc::unbounded_channel();
        ProbeSession { socket, gate: Arc::clone(&self.gate), ended, handled: 0, yields: true }
    }
}
