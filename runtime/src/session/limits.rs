use std::time::Duration;

/// What one session and its connection may use. Each has a method of the same name on the server.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) heartbeat_interval: Duration,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) handler_timeout: Option<Duration>,
    pub(crate) max_message_size: usize,
    pub(crate) max_outbox_size: usize,
    pub(crate) volatile_outbox_size: usize,
    pub(crate) recovery_window: Duration,
    pub(crate) max_replay_size: usize,
    pub(crate) max_replay_frames: usize,
    /// Sessions without a connection, and bytes that are kept for them.
    pub(crate) max_detached: (usize, usize),
    pub(crate) max_rooms_per_socket: usize,
    pub(crate) max_room_name: usize,
    pub(crate) max_read_ahead: (usize, usize),
    pub(crate) max_malformed: u32,
    pub(crate) write_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) retry_window: Duration,
    /// Events per second, and how many may come at once.
    pub(crate) rate: Option<(f64, u32)>,
}

impl Limits {
    /// Whether sessions outlive their connections.
    pub(crate) fn keeps_sessions(&self) -> bool {
        !self.recovery_window.is_zero()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(45),
            handler_timeout: None,
            max_message_size: 64 << 10,
            max_outbox_size: 1 << 20,
            volatile_outbox_size: 64 << 10,
            recovery_window: Duration::from_secs(30),
            max_replay_size: 256 << 10,
            max_replay_frames: 4096,
            max_detached: (10_000, 64 << 20),
            max_rooms_per_socket: 1000,
            max_room_name: 256,
            max_read_ahead: (64, 64 << 10),
            max_malformed: 100,
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            retry_window: Duration::from_secs(5),
            rate: None,
        }
    }
}
