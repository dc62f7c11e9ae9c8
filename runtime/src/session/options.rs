//! The options of a server that hold for each of its sessions. Users find them in `parlor::server`.

use std::time::Duration;

/// When a silent client is pinged, and when its connection counts as lost.
///
/// Any byte from the client ends its silence. While reading is stopped because a handler is slow,
/// silence does not count. Durations outside of 1 ms to 1 day are clamped.
///
/// ```
/// use std::time::Duration;
///
/// use parlor::server::Heartbeat;
///
/// let heartbeat = Heartbeat { interval: Duration::from_secs(20), ..Heartbeat::default() };
/// assert_eq!(heartbeat.timeout, Duration::from_secs(45));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The silence after which the client is pinged. Default: 30 s, as in Phoenix. A client is never pinged
    /// if this is not shorter than `timeout`.
    ///
    /// A proxy that closes silent connections must wait longer than this. nginx waits for 60 s by default.
    pub interval: Duration,
    /// The silence after which the connection is lost
    /// ([`HeartbeatMissed`](crate::DisconnectReason::HeartbeatMissed)). Default: 45 s.
    pub timeout: Duration,
}

impl Heartbeat {
    const SHORTEST: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_secs(86_400);

    pub(crate) fn clamped(self) -> Self {
        Self {
            interval: self.interval.clamp(Self::SHORTEST, Self::LONGEST),
            timeout: self.timeout.clamp(Self::SHORTEST, Self::LONGEST),
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), timeout: Duration::from_secs(45) }
    }
}

/// How long sessions outlive their connections, and how much is stored for their clients meanwhile.
///
/// A session without a connection stays in its rooms. When its client reconnects within the
/// [`window`](Self::window), the session continues, and the client receives what it missed. The
/// session ends earlier when one of the other fields is exceeded. Clients of plain mode cannot
/// resume: their sessions end with their connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// How long a session is kept after its connection is lost. Default: 30 s. 0 turns recovery off:
    /// each session ends with its connection.
    pub window: Duration,
    /// Bytes stored for one client on top of [`Limits::max_outbox_size`]. Default: 256 KiB; at least
    /// 192 KiB.
    ///
    /// One half is for frames in flight, which are replayed after a lost connection: it bounds how
    /// much a client is sent per round trip, together with one frame. The other half is for events
    /// that are emitted while a client that was closed as too slow is disconnected.
    ///
    /// A session without a connection that stores more than this and [`Limits::max_outbox_size`]
    /// together ends.
    pub max_replay_size: usize,
    /// The most frames in flight to one client, and the most frames stored for one session without a
    /// connection; a session that stores more ends. Default: 4 096; at least 1 024.
    pub max_replay_frames: usize,
    /// The most sessions of this procedure without a connection. With one more, the session that was
    /// detached first ends. Default: 10 000.
    pub max_detached_sessions: usize,
    /// The most bytes stored for all sessions of this procedure without a connection. With more, the
    /// sessions that were detached first end. Default: 64 MiB.
    ///
    /// A frame that is emitted to many sessions is in memory once, but counts for each of them.
    pub max_detached_bytes: usize,
}

impl Recovery {
    /// Clients confirm every 64 KiB, or every 32 Ki characters of up to three bytes each.
    const MIN_REPLAY_SIZE: usize = 192 << 10;
    /// Clients confirm every 512 frames.
    const MIN_REPLAY_FRAMES: usize = 1024;

    pub(crate) fn clamped(self) -> Self {
        Self {
            max_replay_size: self.max_replay_size.max(Self::MIN_REPLAY_SIZE),
            max_replay_frames: self.max_replay_frames.max(Self::MIN_REPLAY_FRAMES),
            ..self
        }
    }

    /// Returns whether sessions outlive their connections.
    pub(crate) fn is_on(&self) -> bool {
        !self.window.is_zero()
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            max_replay_size: 256 << 10,
            max_replay_frames: 4096,
            max_detached_sessions: 10_000,
            max_detached_bytes: 64 << 20,
        }
    }
}

/// What one client may send, store and join, and how many clients there may be.
///
/// ```
/// use parlor::server::{Limits, RateLimit};
///
/// let limits = Limits {
///     max_message_size: 4 << 10,
///     rate: Some(RateLimit { events_per_second: 20.0, burst: 50 }),
///     ..Limits::default()
/// };
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The largest message from a client in bytes, all its fragments together. A larger one closes
    /// the connection with 1009. Default: 64 KiB, as in Centrifugo.
    pub max_message_size: usize,
    /// The most bytes pending for one client. With more, its connection is closed as too slow.
    /// Default: 1 MiB, as in Centrifugo.
    ///
    /// A client of Parlor mode that reconnects within [`Recovery::window`] continues its session and
    /// has missed nothing, unless more was emitted meanwhile than [`Recovery`] allows to store.
    ///
    /// A single event that is larger is logged and not sent. A larger answer fails its call with the code
    /// `failed`. While a handler runs without waiting at an `.await`, nothing is written: a handler that emits more
    /// than this to its own client must `.await` in between.
    pub max_outbox_size: usize,
    /// A client with more bytes pending does not get `#[outgoing(volatile)]` events, nor does any
    /// client get one that is larger than this. Default: 64 KiB; at most
    /// [`max_outbox_size`](Self::max_outbox_size).
    pub volatile_outbox_size: usize,
    /// The most rooms of one socket. One more is
    /// [`JoinRoomError::TooManyRooms`](crate::rooms::JoinRoomError::TooManyRooms). Default: 1 000.
    pub max_rooms_per_socket: usize,
    /// The longest name of a room in bytes. A longer one is
    /// [`JoinRoomError::NameTooLong`](crate::rooms::JoinRoomError::NameTooLong). Default: 256.
    pub max_room_name: usize,
    /// The most sessions of this procedure, those without a connection included. More clients are
    /// rejected with 503 (plain mode) or 4002 (Parlor mode). Default: no limit.
    pub max_connections: Option<usize>,
    /// Messages that are read from one client while a handler runs. With as many, reading stops
    /// until the handler is done. Default: 64; at least 1.
    pub read_ahead_messages: usize,
    /// Bytes of the messages that are read from one client while a handler runs. With as many,
    /// reading stops until the handler is done. Default: 64 KiB; at least 1.
    pub read_ahead_bytes: usize,
    /// The most closures of [`Sessions::with`](crate::server::Sessions::with) that wait for one session. One
    /// more is [`WithError::TooMany`](crate::server::WithError::TooMany). Default: 1 024; at least 1.
    pub max_closures: usize,
    /// The most tasks of [`Socket::spawn`](crate::Socket::spawn) that one session has. The future of one more
    /// is dropped at once, which is logged at `ERROR`. Default: 1 024; at least 1.
    pub max_tasks: usize,
    /// Malformed messages in a row after which a client is closed with 1008. Default: 100; at
    /// least 1.
    pub max_malformed: u32,
    /// The most events per second of one session. An event over the limit is answered with
    /// `limited`. Default: no limit.
    ///
    /// Messages that a client sends again after a lost connection arrive at once, and count.
    ///
    /// [`Server::rate_limit_by`](crate::Server::rate_limit_by) limits all sessions of a user or of an
    /// address together. Both limits apply.
    pub rate: Option<RateLimit>,
    /// The most keys of [`Server::rate_limit_by`](crate::Server::rate_limit_by) that are remembered
    /// without a session, about 200 bytes each. With more, those are forgotten that would first have
    /// their whole burst again. Default: 100 000.
    pub max_idle_rate_keys: usize,
}

impl Limits {
    pub(crate) fn clamped(self) -> Self {
        Self {
            read_ahead_messages: self.read_ahead_messages.max(1),
            read_ahead_bytes: self.read_ahead_bytes.max(1),
            max_closures: self.max_closures.max(1),
            max_tasks: self.max_tasks.max(1),
            max_malformed: self.max_malformed.max(1),
            rate: self.rate.map(RateLimit::clamped),
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: 64 << 10,
            max_outbox_size: 1 << 20,
            volatile_outbox_size: 64 << 10,
            max_rooms_per_socket: 1000,
            max_room_name: 256,
            max_connections: None,
            read_ahead_messages: 64,
            read_ahead_bytes: 64 << 10,
            max_closures: 1024,
            max_tasks: 1024,
            max_malformed: 100,
            rate: None,
            max_idle_rate_keys: 100_000,
        }
    }
}

/// How many events one session, or all sessions with one key, may send: [`Limits::rate`] and
/// [`Server::rate_limit_by`](crate::Server::rate_limit_by).
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// Events per second on average. At least 0; with 0, only one burst may be sent.
    pub events_per_second: f64,
    /// Events at once. At least 1: with 0, no event would be allowed.
    pub burst: u32,
}

impl RateLimit {
    pub(crate) fn clamped(self) -> Self {
        Self { events_per_second: self.events_per_second.max(0.0), burst: self.burst.max(1) }
    }
}

/// How long a handler may run or block, a write may stall, and a session may take to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// A handler that runs longer is cancelled at its current `.await`; a call is answered with
    /// `timedOut`. Holds for `detached` and `resumed`, too. Default: no limit.
    pub handler: Option<Duration>,
    /// A client that accepts no byte for this long while some are written is closed as too slow; it
    /// may resume its session. Default: 30 s.
    ///
    /// Bytes that the operating system has accepted count: it buffers up to some megabytes.
    pub write: Duration,
    /// Code of yours that keeps its thread for longer, without waiting at an `.await`, is logged at `WARN`,
    /// with its name and its session: handlers, `detached`, `resumed`, `disconnected`, closures, tasks,
    /// guards and the decoding of events behind them, the factory, middleware, `identity`, and the key of
    /// `rate_limit_by`. It is logged while it runs, once, at the latest after 1.25 times this, and
    /// continues. Default: 100 ms. `None` and 0 turn it off.
    ///
    /// Other sessions on the thread wait meanwhile, and what it has emitted is not sent: see
    /// [`Socket::flush`](crate::Socket::flush). A thread of Parlor's watches the others, and sleeps while none of
    /// them runs such code. It reads real time, also when the clock of tokio is paused.
    pub blocking_warning: Option<Duration>,
    /// Two timeouts: `disconnected` is cancelled after this time. Then the client has this time to read the
    /// pending frames and to close, before its connection is dropped. Default: 5 s each. In the second, a
    /// shutdown also waits for the tasks of [`Socket::spawn`](crate::Socket::spawn), which were cancelled.
    pub close: Duration,
}

impl Timeouts {
    pub(crate) fn clamped(self) -> Self {
        Self { blocking_warning: self.blocking_warning.filter(|bound| !bound.is_zero()), ..self }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handler: None,
            write: Duration::from_secs(30),
            blocking_warning: Some(Duration::from_millis(100)),
            close: Duration::from_secs(5),
        }
    }
}

/// The options that hold for one session and its connection.
#[derive(Debug, Clone)]
pub(crate) struct SessionOptions {
    pub(crate) heartbeat: Heartbeat,
    pub(crate) recovery: Recovery,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry_window: Duration,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::default(),
            recovery: Recovery::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            retry_window: Duration::from_secs(5),
        }
    }
}
