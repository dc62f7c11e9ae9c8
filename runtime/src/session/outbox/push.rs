//! What becomes of a frame.

/// What is to become of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushPolicy {
    /// It is pending until it is written; the connection is cut when too much is pending.
    Reliable,
    /// A client that is too slow does not get it.
    Volatile,
    /// It replaces the pending frame with the same key.
    Latest(u64),
    /// It belongs to this connection: it is not counted, goes first, and is dropped with the
    /// connection. Acknowledgements and heartbeats are such frames.
    Uncounted,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushOutcome {
    Queued,
    /// Queued, and an older one was dropped for it.
    Replaced,
    /// Dropped, as its policy says.
    Dropped,
    /// The session is over, or about to be.
    Missed,
}

/// What became of a frame, and what the caller does about it once the outbox's lock is free.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Pushed {
    pub(crate) outcome: PushOutcome,
    /// By how many bytes a detached session has grown.
    pub(crate) growth: isize,
    pub(crate) follow_up: FollowUp,
}

/// What the caller of [`Outbox::push`](super::Outbox::push) does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FollowUp {
    Nothing,
    /// Wakes the task.
    Wake,
    /// Adds the member to a batch, whose flush writes the frame.
    Batch,
    /// Flushes the batch that has the member soon, because much is pending.
    FlushSoon,
    /// Raises [`Signal::TooSlow`](crate::session::signals::Signal::TooSlow).
    CutConnection,
    /// Ends the session with [`Ending::Overflow`](crate::session::Ending::Overflow).
    EndSession,
}

impl From<PushOutcome> for Pushed {
    fn from(outcome: PushOutcome) -> Self {
        Self { outcome, growth: 0, follow_up: FollowUp::Nothing }
    }
}

/// A frame that is larger than all that may be pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("larger than `max_outbox_size`")]
pub(crate) struct TooLarge;
