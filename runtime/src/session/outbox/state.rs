//! What an outbox has behind its lock.

use std::io;

use crate::session::limits::Limits;
use crate::session::queue::Queue;
use crate::session::writer::{WriteHalf, Writer};

/// A broadcast brings each member's state from afar: what it looks at lies together, in front.
#[repr(C)]
pub(super) struct State<H> {
    pub(super) intake: Intake,
    pub(super) task: Task,
    pub(super) link: Link,
    /// Bytes that were taken from the queue and may not be written yet.
    pub(super) taken: usize,
    /// What writes, if others than the connection may.
    pub(super) writer: Option<Writer<H>>,
    pub(super) queue: Queue,
}

/// Whether frames are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intake {
    Open,
    /// More would be kept than may be.
    Overflowed,
    /// The session is over.
    Sealed,
}

/// What the session's task does, as far as bytes are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// It runs, or was woken, and writes what is pending before it sleeps. Nothing else writes.
    Awake,
    /// It sleeps and nothing is pending that may be written. Bytes wake it, or go to a batch.
    Asleep,
    /// It sleeps, and a batch writes what is pending.
    Batched,
    /// It sleeps until the transport takes more, the client confirms more, or a signal comes. Counted
    /// frames do not wake it.
    Blocked,
}

/// What the outbox knows of the session's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Attached,
    /// The client was given more to catch up with than may be pending otherwise.
    Replaying,
    /// More is pending than may be: the connection is about to be cut.
    TooSlow,
    Detached,
}

impl<H: WriteHalf> State<H> {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            intake: Intake::Open,
            task: Task::Awake,
            link: Link::Attached,
            taken: 0,
            writer: None,
            queue,
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.taken + self.queue.waiting()
    }

    /// The task sleeps: nothing is left to be written, or only what the client has to confirm first.
    pub(super) fn sleep(&mut self) {
        self.task = if self.queue.is_held() { Task::Blocked } else { Task::Asleep };
    }

    /// Writes a batch of what is pending, and says whether that was all.
    pub(super) fn write(&mut self, limits: &Limits) -> io::Result<Progress> {
        let Some(writer) = &mut self.writer else { return Ok(Progress::Done) };
        let progress = writer.write(&mut self.queue);
        let left = writer.left();
        self.have_taken(left, limits);
        progress
    }

    /// `left` bytes are left to be written of what was taken.
    pub(super) fn have_taken(&mut self, left: usize, limits: &Limits) {
        self.taken = left;
        if self.link == Link::Replaying && self.pending() <= limits.max_outbox_size {
            self.link = Link::Attached;
        }
    }

    pub(super) fn growth_since(&self, before: usize) -> isize {
        if self.link != Link::Detached {
            return 0;
        }
        self.queue.size().cast_signed().wrapping_sub(before.cast_signed())
    }
}

/// How far one write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is left that may be written now.
    Done,
    /// A batch was written, and more is pending.
    More,
    /// The transport would block.
    WouldBlock,
}
