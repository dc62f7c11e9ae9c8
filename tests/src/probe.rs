use std::sync::Arc;

use parlor::prelude::*;
use parlor::{Io, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use super::{Running, soon};

/// What the tests ask of a server.
#[procedure]
pub trait Probe {
    /// Says `text` to the others in `room`.
    #[incoming]
    async fn say(&mut self, room: String, #[validate(length(min = 1, max = 10))] text: String);
    /// Says `text` to all in `room`, the sender too.
    #[incoming]
    async fn shout(&mut self, room: String, text: String);
    /// Enters `room`.
    #[incoming]
    async fn enter(&mut self, room: String) -> Result<usize, EnterError>;
    /// Leaves `room`.
    #[incoming]
    async fn leave(&mut self, room: String);
    /// The sum.
    #[incoming]
    async fn add(&mut self, a: i64, b: i64) -> i64;
    /// An author is taken apart to see paths.
    #[incoming]
    async fn publish(&mut self, #[payload] article: Article) -> usize;
    /// Panics.
    #[incoming]
    async fn crash(&mut self);
    /// Waits until the test opens the gate.
    #[incoming]
    async fn wait(&mut self) -> u32;
    /// Panics while it is decoded.
    #[incoming]
    async fn explode(&mut self, bomb: Bomb);
    /// Answers with a string of `size` characters.
    #[incoming]
    async fn fill(&mut self, size: usize) -> String;
    /// Closes this socket.
    #[incoming]
    async fn quit(&mut self, code: u16);

    /// Somebody said something.
    #[outgoing]
    fn said(room: String, text: String, from: String);
    /// Where somebody is right now.
    #[outgoing(volatile)]
    fn moved(text: String);
    /// What something costs right now.
    #[outgoing(latest = item)]
    fn priced(item: String, price: u32);
}

/// A payload with an inside.
#[derive(Debug, Serialize, Deserialize)]
pub struct Article {
    /// Its title.
    pub title: String,
    /// Its authors.
    pub authors: Vec<Author>,
}

/// Who wrote it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Author {
    /// A name.
    pub name: String,
}

/// What panics when it is deserialized from 1; from another number, when it is dropped.
#[derive(Debug, Serialize)]
pub struct Bomb;

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: serde::Deserializer<'de>>(number: D) -> Result<Self, D::Error> {
        assert!(u8::deserialize(number)? != 1, "as the test asked");
        Ok(Self)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "as the test asked, later");
    }
}

/// Why a room was not entered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EnterError {
    /// The room is not for everybody.
    Private,
    /// Something else.
    Other(String),
}

/// The session of one client.
pub struct Prober {
    socket: ProbeSocket,
    gate: Arc<Semaphore>,
    ended: mpsc::UnboundedSender<DisconnectReason>,
    handled: u32,
    /// Whether `disconnected` awaits something.
    lingers: bool,
}

impl Probe for Prober {
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
        panic!("as the test asked");
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
        self.socket.close_with(code, "as you wish");
    }

    async fn resumed(&mut self, request: Request) -> Result<(), Reject> {
        self.handled += 1;
        match request.query() {
            Some("refuse") => Err(Reject::unauthorized("as the test asked")),
            Some("crash") => panic!("as the test asked"),
            _ => Ok(()),
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason) {
        for room in self.socket.rooms() {
            self.socket.to(&room).said(&room, "bye", self.socket.id());
        }
        if self.lingers {
            // As one that writes to a database does.
            tokio::task::yield_now().await;
        }
        let _ = self.ended.send(reason);
    }
}

/// A [`Probe`] server and what the test holds of it.
pub struct Probing {
    /// To be mounted.
    pub server: ProbeServer<Prober>,
    /// The reasons with which sessions ended, in their order.
    pub ended: mpsc::UnboundedReceiver<DisconnectReason>,
    /// Lets one `wait` through for each permit that is added.
    pub gate: Arc<Semaphore>,
}

/// A procedure whose sessions report to the test.
pub fn probing() -> Probing {
    let (sender, ended) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let inner = Arc::clone(&gate);
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let (gate, ended) = (Arc::clone(&inner), sender.clone());
        async move { Ok(Prober { socket, gate, ended, handled: 0, lingers: true }) }
    });
    Probing { server, ended, gate }
}

/// A [`Probe`] server that runs, what reaches its clients, and what its sessions report.
///
/// It is mounted at `/probe`.
pub async fn serve_probe(
    change: impl FnOnce(ProbeServer<Prober>) -> ProbeServer<Prober>,
) -> (Running, Io<ProbeEmitter>, Reports) {
    let Probing { server, ended, gate } = probing();
    let server = change(server);
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    (running, io, Reports { ended, gate })
}

/// What the sessions of a [`Probe`] server that runs report.
pub struct Reports {
    /// The reasons with which sessions ended, in their order.
    pub ended: mpsc::UnboundedReceiver<DisconnectReason>,
    /// Lets one `wait` through for each permit that is added.
    pub gate: Arc<Semaphore>,
}

impl Reports {
    /// Why the next session ended.
    pub async fn end(&mut self) -> DisconnectReason {
        soon("the end of a session", self.ended.recv()).await.expect("a reason")
    }
}

/// Waits until so many clients are connected.
pub async fn until_connected<E: parlor::Contract>(io: &Io<E>, clients: usize) {
    soon("connections to come or go", async {
        while io.connections() != clients {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

impl Probing {
    /// A session that reports to the test, for a factory of the test's own.
    pub fn session(&self, socket: ProbeSocket) -> Prober {
        let (ended, _) = mpsc::unbounded_channel();
        Prober { socket, gate: Arc::clone(&self.gate), ended, handled: 0, lingers: true }
    }
}
