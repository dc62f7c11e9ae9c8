use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::middleware::Middleware;
use crate::contract::{Contract, Procedure};
use crate::handle::Io;
use crate::handle::Socket;
use crate::reject::Reject;
use crate::request::Request;
use crate::rooms::Hub;
use crate::session::{Denied, Event, Guard, Limits};

/// The shortest and the longest heartbeat.
const HEARTBEATS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(86_400));

pub(super) type Factory<E, S> =
    Arc<dyn Fn(Socket<E>) -> BoxFuture<'static, Result<S, Reject>> + Send + Sync>;

/// Whether two requests are of one client.
pub(super) type SameClient = Arc<dyn Fn(&Request, &Request) -> bool + Send + Sync>;

/// Serves one procedure: makes a session per client and holds its settings.
///
/// `#[procedure] trait Chat` generates `ChatServer`, which is this type for that trait. Mount it
/// with [`Router::procedure`](crate::Router::procedure).
///
/// ```
/// # use parlor::prelude::*;
/// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest { socket: ChatSocket }
/// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
/// use std::time::Duration;
///
/// let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) })
///     .heartbeat_interval(Duration::from_secs(20))
///     .heartbeat_timeout(Duration::from_secs(30))
///     .rate_limit(20.0, 50);
/// ```
#[must_use = "mount it with `Router::procedure`"]
pub struct Server<E, S> {
    pub(super) factory: Factory<E, S>,
    pub(super) hub: Arc<Hub>,
    pub(super) limits: Limits,
    pub(super) max_connections: Option<usize>,
    pub(super) middleware: Middleware,
    pub(super) guard: Option<Guard<S>>,
    pub(super) same_client: Option<SameClient>,
    contract: PhantomData<fn() -> E>,
}

impl<E: Contract + Procedure<S>, S: Send + 'static> Server<E, S> {
    /// A server whose `factory` makes the session of each client, before its connection is accepted.
    ///
    /// The factory may look at [`Socket::request`], take its time, join rooms and emit. What it emits
    /// to the client itself goes out when it returns `Ok`. `Err(Reject)` refuses the connection, and
    /// the rooms are left; what others have heard of it by then, they have heard.
    pub fn new<F, Fut>(factory: F) -> Self
    where
        F: Fn(Socket<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, Reject>> + Send + 'static,
    {
        Self {
            factory: Arc::new(move |socket| factory(socket).boxed()),
            hub: Arc::new(Hub::new(E::NAME, E::OUTGOING)),
            limits: Limits::default(),
            max_connections: None,
            middleware: Middleware::default(),
            guard: None,
            same_client: None,
            contract: PhantomData,
        }
    }

    /// The broadcast controller, for use outside of sessions.
    pub fn io(&self) -> Io<E> {
        Io::new(Arc::clone(&self.hub))
    }

    /// Adds a step that every request for this procedure passes through, after those of the router.
    ///
    /// It puts typed values into the request's extensions, or refuses.
    pub fn middleware<F, Fut>(mut self, step: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Request, Reject>> + Send + 'static,
    {
        self.middleware.push(step);
        self
    }

    /// Runs `guard` on each event before it is decoded. The client gets `denied` for a denied event.
    ///
    /// It sees the session as the events before have left it.
    pub fn guard<G>(mut self, guard: G) -> Self
    where
        G: Fn(&S, Event<'_>) -> Result<(), Denied> + Send + Sync + 'static,
    {
        self.guard = Some(Arc::new(guard));
        self
    }

    /// Says who a request is, after the middleware: only the same one may go on with a session when it
    /// comes back; anyone else who has the secret gets a session of its own, and a log line tells.
    ///
    /// Without it whoever has the secret may: 128 random bits, sent to that client alone and new with
    /// each connection. The request that opened the session is the one that it is compared to.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
    /// # struct Guest;
    /// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
    /// #[derive(Clone, PartialEq)]
    /// struct UserId(u64);
    ///
    /// let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) })
    ///     .middleware(|mut request| async move {
    ///         // Of a cookie or a token, in earnest.
    ///         request.extensions_mut().insert(UserId(7));
    ///         Ok(request)
    ///     })
    ///     .identity(|request| request.get::<UserId>().cloned());
    /// ```
    pub fn identity<F, I>(mut self, identity: F) -> Self
    where
        F: Fn(&Request) -> I + Send + Sync + 'static,
        I: PartialEq,
    {
        self.same_client = Some(Arc::new(move |one, other| identity(one) == identity(other)));
        self
    }

    /// At most so many events per second from each session, and `burst` at once; what is more is
    /// `limited`. Off by default. Less than one event at once would be none at all: `burst` is at least 1.
    ///
    /// What a client sends again after an outage comes at once, and counts like all else.
    pub fn rate_limit(mut self, events_per_second: f64, burst: u32) -> Self {
        self.limits.rate = Some((events_per_second.max(0.0), burst.max(1)));
        self
    }

    /// After so long without a sign of life the client is pinged. 30 s by default, as Phoenix
    /// has it; of 1 ms to a day.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.limits.heartbeat_interval = interval.clamp(HEARTBEATS.0, HEARTBEATS.1);
        self
    }

    /// After so long without a sign of life the client is dead. 45 s by default; of 1 ms to a day.
    ///
    /// Any byte counts. While reading is stopped because a handler is slow, silence does not count.
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.limits.heartbeat_timeout = timeout.clamp(HEARTBEATS.0, HEARTBEATS.1);
        self
    }

    /// A handler that runs longer is cancelled where it waits; a call gets `timedOut`. Off by default.
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handler_timeout = Some(timeout);
        self
    }

    /// The largest message in bytes, all its fragments together; larger ones close the connection
    /// with 1009. 64 KiB by default, as Centrifugo has it.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_message_size = bytes;
        self
    }

    /// How many bytes may wait for one client before its connection is cut as too slow. 1 MiB by
    /// default, as Centrifugo has it. A client of Parlor mode that comes back within
    /// [`recovery_window`](Self::recovery_window) goes on with its session and has missed nothing, unless
    /// more was emitted meanwhile than is kept.
    ///
    /// A single event that is larger is logged and not sent. A handler that emits more than this to
    /// its own client should `.await` in between, for meanwhile nothing is written.
    pub fn max_outbox_size(mut self, bytes: usize) -> Self {
        self.limits.max_outbox_size = bytes;
        self
    }

    /// A client for which more bytes than this wait goes without `#[outgoing(volatile)]` events, those
    /// larger than this included. 64 KiB by default; at most [`max_outbox_size`](Self::max_outbox_size).
    pub fn volatile_outbox_size(mut self, bytes: usize) -> Self {
        self.limits.volatile_outbox_size = bytes;
        self
    }

    /// For how long a session is kept whose connection was lost: it stays in its rooms, what is
    /// emitted to it waits, and a client that comes back goes on where it was. 30 s by default; 0
    /// turns recovery off: sessions end with their connections.
    ///
    /// A session ends earlier if it would keep more than [`max_outbox_size`](Self::max_outbox_size) and
    /// [`max_replay_size`](Self::max_replay_size) together, or more frames than
    /// [`max_replay_frames`](Self::max_replay_frames). Clients of plain mode cannot come back.
    pub fn recovery_window(mut self, window: Duration) -> Self {
        self.limits.recovery_window = window;
        self
    }

    /// How many bytes are kept for one client beyond those of [`max_outbox_size`](Self::max_outbox_size):
    /// half of it for what is on its way and not confirmed, to be sent again, the other half for what
    /// is emitted while a client that was cut as too slow is away. 256 KiB by default; at least 192 KiB.
    ///
    /// What is on its way is at most half of this, and a frame: it bounds how much a client is sent per
    /// round trip.
    pub fn max_replay_size(mut self, bytes: usize) -> Self {
        // Clients confirm every 64 KiB, or every 32 Ki characters of up to three bytes each.
        self.limits.max_replay_size = bytes.max(192 << 10);
        self
    }

    /// How many frames may be on their way to one client, and how many may be kept for it while its
    /// connection is gone. 4 096 by default; at least 1 024.
    pub fn max_replay_frames(mut self, frames: usize) -> Self {
        // Clients confirm every 512 frames.
        self.limits.max_replay_frames = frames.max(1024);
        self
    }

    /// How many sessions may be without a connection at once, and how many bytes may be kept for all
    /// of them together; past that the one that waits longest ends. 10 000 sessions and 64 MiB by
    /// default.
    ///
    /// What is emitted to many is one frame in memory, but counts for each.
    pub fn max_detached(mut self, sessions: usize, bytes: usize) -> Self {
        self.limits.max_detached = (sessions, bytes);
        self
    }

    /// How many rooms one socket may be in. 1 000 by default.
    pub fn max_rooms_per_socket(mut self, rooms: usize) -> Self {
        self.limits.max_rooms_per_socket = rooms;
        self
    }

    /// The longest name of a room in bytes. 256 by default.
    pub fn max_room_name(mut self, bytes: usize) -> Self {
        self.limits.max_room_name = bytes;
        self
    }

    /// How many sessions there may be at once, those included whose connection was lost; more are
    /// refused with 503, or 4002. Unbounded by default.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// How many messages, and how many bytes of them, are read ahead while a handler runs; then
    /// reading stops until it is done. 64 messages and 64 KiB by default; at least 1 of each.
    pub fn max_read_ahead(mut self, messages: usize, bytes: usize) -> Self {
        self.limits.max_read_ahead = (messages.max(1), bytes.max(1));
        self
    }

    /// After so many malformed messages in a row the client is closed with 1008. 100 by default; at
    /// least 1.
    pub fn max_malformed(mut self, messages: u32) -> Self {
        self.limits.max_malformed = messages.max(1);
        self
    }

    /// How long a client may take nothing of what is written to it before its connection is cut as too
    /// slow; it may come back to its session. 30 s by default. What the system has taken counts: it
    /// buffers up to some megabytes.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.limits.write_timeout = timeout;
        self
    }

    /// Over how long clients come back after a shutdown or [`Io::drain`]: each is told a random time
    /// of at most this in its close frame, `retry in 1234 ms`, so that they do not come all at once. 5 s
    /// by default; 0 leaves it to the clients, which spread their first attempt over 1 s.
    pub fn retry_window(mut self, window: Duration) -> Self {
        self.limits.retry_window = window;
        self
    }

    /// How long the session's `disconnected` may take, and after it the client to read what still
    /// waits and to say goodbye; then the one is cancelled, the other cut. 5 s each by default.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.limits.close_timeout = timeout;
        self
    }
}
