//! What becomes of a frame.

/// What becomes of a frame for a client that is too slow for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It waits; the connection is cut when too much does.
    Reliable,
    /// The client goes without it.
    Volatile,
    /// It takes the place of the one with the same key that waits.
    Latest(u64),
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Queued,
    /// Queued, and one before it was dropped for it.
    Replaced,
    /// The client goes without it.
    Dropped,
    /// The session is over, or about to be.
    Missed,
}

/// What became of a frame, and by how many bytes a session without a connection has grown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) fate: Fate,
    pub(crate) growth: isize,
    /// The task was not woken: whoever pushed the frame has to see to it that it is written.
    pub(crate) corked: bool,
    /// It waits behind much that somebody has promised to write.
    pub(crate) much: bool,
}

impl From<Fate> for Pushed {
    fn from(fate: Fate) -> Self {
        Self { fate, growth: 0, corked: false, much: false }
    }
}

/// A frame that is larger than all that may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("larger than `max_outbox_size`")]
pub(crate) struct TooLarge;
