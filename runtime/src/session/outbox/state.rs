use std::io;

use crate::session::options::Limits;
use crate::session::queue::Queue;
use crate::session::writer::{Progress, WriteHalf, Writer};

/// The state behind the lock of an outbox.
///
/// A push reads the first fields, so they share a cache line.
#[repr(C)]
pub(super) struct State<H> {
    pub(super) intake: Intake,
    pub(super) task: Task,
    pub(super) connection: ConnectionState,
    /// Bytes taken from the queue and not written yet.
    pub(super) taken: usize,
    /// The write half that the connection has lent.
    pub(super) writer: Option<Writer<H>>,
    pub(super) queue: Queue,
}

/// Whether frames are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intake {
    Open,
    /// A limit was exceeded.
    Overflowed,
    /// The session has ended.
    Sealed,
}

/// The state of the session's task, as far as frames are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// It runs, or was woken, and writes the pending frames before it sleeps. Nothing else writes.
    Awake,
    /// It sleeps, and no frame is pending that can be written now. A new frame wakes it, or goes to a batch.
    Asleep,
    /// It sleeps, and a batch writes the pending frames.
    Batched,
    /// It sleeps until the transport is writable, the client acknowledges frames, or a signal is raised.
    /// Counted frames do not wake it.
    Blocked,
}

/// The connection of the session, as far as limits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionState {
    Attached,
    /// Frames are pending again after a resume. They may exceed the limit of pending bytes.
    Replaying,
    /// Too much is pending: the connection is about to be closed.
    TooSlow,
    Detached,
}

impl<H: WriteHalf> State<H> {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            intake: Intake::Open,
            task: Task::Awake,
            connection: ConnectionState::Attached,
            taken: 0,
            writer: None,
            queue,
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.taken + self.queue.pending_bytes()
    }

    /// The task sleeps: nothing is pending, or the in-flight limit is reached.
    pub(super) fn sleep(&mut self) {
        self.task = if self.queue.is_limit_reached() { Task::Blocked } else { Task::Asleep };
    }

    /// Writes one batch of pending frames.
    pub(super) fn write(&mut self, limits: &Limits) -> io::Result<Progress> {
        let Some(writer) = &mut self.writer else { return Ok(Progress::Done) };
        let progress = writer.write(&mut self.queue);
        let unwritten = writer.unwritten();
        self.have_taken(unwritten, limits);
        progress
    }

    /// `unwritten` taken bytes are not written yet.
    pub(super) fn have_taken(&mut self, unwritten: usize, limits: &Limits) {
        self.taken = unwritten;
        if self.connection == ConnectionState::Replaying && self.pending() <= limits.max_outbox_size
        {
            self.connection = ConnectionState::Attached;
        }
    }

    pub(super) fn growth_since(&self, before: usize) -> isize {
        if self.connection != ConnectionState::Detached {
            return 0;
        }
        self.queue.size().cast_signed().wrapping_sub(before.cast_signed())
    }
}
