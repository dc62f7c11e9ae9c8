//! The procedure of the model, and the record that its sessions keep.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::prelude::*;
use parlor::{Router, SocketId, server};

use tokio::time::sleep;

use super::steps::Limits;

#[procedure]
pub(crate) trait Model {
    /// Records a number.
    #[incoming]
    async fn note(&mut self, number: u64, padding: String);
    /// Answers after `busy` milliseconds.
    #[incoming]
    async fn compute(&mut self, number: u64, busy: u64) -> u64;
    /// Joins the room.
    #[incoming]
    async fn enter(&mut self) -> usize;

    /// A number for one client in one session.
    #[outgoing]
    fn direct(session: usize, number: u64, padding: String);
    /// A number for all in the room.
    #[outgoing]
    fn to_room(number: u64, padding: String);
    /// A number that a newer one may replace.
    #[outgoing(latest)]
    fn latest_only(number: u64);
    /// A number that may be dropped.
    #[outgoing(volatile)]
    fn volatile(number: u64);
}

/// The expected answer to `compute`.
pub(crate) fn answer(number: u64) -> u64 {
    number * 3 + 1
}

/// An event that the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Direct(u64),
    ToRoom(u64),
    LatestOnly(u64),
    Volatile(u64),
}

/// An event or a call that a session received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    Emit(u64),
    Call(u64),
}

impl Received {
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Emit(number) | Self::Call(number) => number,
        }
    }
}

/// The largest size of a frame without its padding.
const FRAME: usize = 100;

impl Session {
    pub(crate) fn send(&mut self, sent: Sent, padding: &str) {
        self.sent.push(sent);
        self.bytes += FRAME + padding.len();
    }
}

/// The record of a session on the server.
pub(crate) struct Session {
    pub(crate) index: usize,
    pub(crate) client: usize,
    /// The index of its server.
    pub(crate) server: usize,
    pub(crate) io: ModelIo,
    pub(crate) id: SocketId,
    pub(crate) sent: Vec<Sent>,
    /// An upper limit of the bytes sent.
    pub(crate) bytes: usize,
    pub(crate) received: Vec<Received>,
    /// How often it joined the room.
    pub(crate) entered: u32,
    /// How often `disconnected` ran.
    pub(crate) ended: u32,
}

/// All sessions of all servers of a case, in the order of their creation.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    sessions: Arc<Mutex<Vec<Session>>>,
    servers: Arc<AtomicUsize>,
}

impl Sessions {
    fn next_server(&self) -> usize {
        self.servers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Guest {
    socket: ModelSocket,
    sessions: Sessions,
    index: usize,
}

impl Guest {
    fn record(&self, change: impl FnOnce(&mut Session)) {
        change(&mut self.sessions.lock()[self.index]);
    }
}

impl Model for Guest {
    async fn note(&mut self, number: u64, _padding: String) {
        self.record(|session| session.received.push(Received::Emit(number)));
    }

    async fn compute(&mut self, number: u64, busy: u64) -> u64 {
        self.record(|session| session.received.push(Received::Call(number)));
        if busy > 0 {
            // Work that takes time on the paused clock.
            sleep(Duration::from_millis(busy)).await;
        }
        answer(number)
    }

    async fn enter(&mut self) -> usize {
        self.socket.join("room").expect("one room may be joined");
        self.record(|session| session.entered += 1);
        self.index
    }

    async fn disconnected(&mut self, _reason: DisconnectReason) {
        self.record(|session| session.ended += 1);
    }
}

/// Creates a server that records its sessions.
pub(crate) fn router(limits: &Limits, sessions: &Sessions) -> Router {
    let sessions = sessions.clone();
    let server = sessions.next_server();
    let model = ModelServer::new(move |socket: ModelSocket| {
        let sessions = sessions.clone();
        async move { Ok(record_session(socket, server, sessions)) }
    });
    let model = model
        .heartbeat(server::Heartbeat {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(8),
        })
        .recovery(server::Recovery {
            window: limits.window,
            max_replay_size: limits.replay,
            max_replay_frames: limits.frames,
            max_detached_sessions: limits.detached,
            max_detached_bytes: 64 << 20,
        })
        .limits(server::Limits {
            max_outbox_size: limits.outbox,
            rate: limits.rate.then_some(server::RateLimit { events_per_second: 2.0, burst: 10 }),
            ..server::Limits::default()
        });
    Router::new().procedure("/model", model)
}

fn record_session(socket: ModelSocket, server: usize, sessions: Sessions) -> Guest {
    let query = socket.request().query().unwrap_or_default();
    let client = query.parse().expect("the client's number");
    let index = {
        let mut sessions = sessions.lock();
        let index = sessions.len();
        sessions.push(Session {
            index,
            client,
            server,
            io: socket.io(),
            id: socket.id(),
            sent: vec![Sent::Direct(0)],
            bytes: FRAME,
            received: Vec::new(),
            entered: 0,
            ended: 0,
        });
        index
    };
    // The first event of each session contains its index.
    socket.emit().direct(index, 0, "");
    Guest { socket, sessions, index }
}
