/// How a frame is appended to an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushPolicy {
    /// It is pending until it is written. The connection is closed when too much is pending.
    Reliable,
    /// It is dropped for a slow client.
    Volatile,
    /// It replaces the pending frame with the same key.
    Latest(u64),
    /// It is not counted, is written before other frames, and is dropped with the connection. Used for
    /// acknowledgements and heartbeats.
    Uncounted,
}

/// What happened to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushOutcome {
    Queued,
    /// Queued, and replaced an older one.
    Replaced,
    /// Dropped, as its policy says.
    Dropped,
    /// The session has ended, or is about to.
    Missed,
}

/// The result of [`Outbox::push`](super::Outbox::push).
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Pushed {
    pub(crate) outcome: PushOutcome,
    /// Growth of a detached session in bytes.
    pub(crate) growth: isize,
    pub(crate) follow_up: FollowUp,
}

/// What the caller of [`Outbox::push`](super::Outbox::push) does after the lock is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FollowUp {
    Nothing,
    /// Wakes the task.
    Wake,
    /// Adds the member to a batch, whose flush writes the frame.
    Batch,
    /// Flushes the batch of the member before other tasks run.
    FlushSoon,
    /// Raises [`Signal::TooSlow`](crate::session::signals::Signal::TooSlow).
    CloseConnection,
    /// Ends the session with [`Ending::Overflow`](crate::session::Ending::Overflow).
    EndSession,
}

impl From<PushOutcome> for Pushed {
    fn from(outcome: PushOutcome) -> Self {
        Self { outcome, growth: 0, follow_up: FollowUp::Nothing }
    }
}

/// The frame alone exceeds the limit of pending bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("larger than `Limits::max_outbox_size`")]
pub(crate) struct TooLarge;
