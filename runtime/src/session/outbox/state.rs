//! What an outbox has behind its lock.

use std::io;
use std::ops::DerefMut;
use std::task::Waker;

use super::Ending;
use crate::session::limits::Limits;
use crate::session::queue::Queue;
use crate::session::writer::Writer;

/// A broadcast brings each member's state from afar: what it looks at lies together, in front.
#[derive(Default)]
#[repr(C)]
pub(super) struct State {
    pub(super) intake: Intake,
    pub(super) writes: Writes,
    pub(super) detached: bool,
    /// What a new connection was given to catch up with is more than may wait otherwise.
    pub(super) replaying: bool,
    /// Too much waits for the connection.
    pub(super) slow: bool,
    /// Running handlers are to be cancelled.
    pub(super) cut: bool,
    /// The task sleeps.
    pub(super) asleep: bool,
    /// The task's waker.
    pub(super) waker: Option<Waker>,
    /// Bytes that were taken from the queue and may not be written yet.
    pub(super) taken: usize,
    /// What writes, if anyone may.
    pub(super) writer: Option<Writer>,
    pub(super) queue: Queue,
    /// Why the session is to end.
    pub(super) ending: Option<Box<Ending>>,
}

/// Who writes what comes while the task sleeps.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// The task, which is woken.
    #[default]
    Owner,
    /// Another task, a moment later.
    Cork,
    /// Nobody: the transport would block, or the client has to confirm some first.
    Nobody,
}

impl Writes {
    pub(super) fn nobody_if(blocked: bool) -> Self {
        if blocked { Self::Nobody } else { Self::Owner }
    }
}

/// Whether frames are taken.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intake {
    #[default]
    Open,
    /// More would wait than may.
    Overflowed,
    /// The session is over.
    Sealed,
}

/// Wakes the task, if it sleeps, once the lock is free.
pub(super) fn wake(mut state: impl DerefMut<Target = State>) {
    if std::mem::take(&mut state.asleep)
        && let Some(waker) = state.waker.take()
    {
        drop(state);
        waker.wake();
    }
}

impl State {
    /// The task sleeps until this wakes it.
    pub(super) fn sleep(&mut self, waker: &Waker) {
        self.asleep = true;
        if !self.waker.as_ref().is_some_and(|before| before.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    /// The first reason stands.
    pub(super) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert_with(|| Box::new(ending));
    }

    /// Whether anybody might write what waits, as far as is known.
    pub(super) fn may_be_written(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.rest() == 0) && !self.queue.is_held()
    }

    pub(super) fn discard(&mut self) -> usize {
        let size = self.queue.size();
        self.intake = Intake::Sealed;
        self.queue.clear();
        size
    }

    pub(super) fn waiting(&self) -> usize {
        self.taken + self.queue.waiting()
    }

    /// Writes what waits, and says whether that was all.
    pub(super) fn write(&mut self, limits: &Limits) -> io::Result<bool> {
        let Some(writer) = &mut self.writer else { return Ok(true) };
        let written = writer.write(&mut self.queue);
        let rest = writer.rest();
        self.have_taken(rest, limits);
        self.writes = Writes::nobody_if(self.queue.is_held());
        written
    }

    /// So many bytes are left to be written of what was taken.
    pub(super) fn have_taken(&mut self, left: usize, limits: &Limits) {
        self.taken = left;
        if self.replaying && self.waiting() <= limits.max_outbox_size {
            self.replaying = false;
        }
    }

    pub(super) fn growth_since(&self, before: usize) -> isize {
        self.queue.size().cast_signed().wrapping_sub(before.cast_signed())
    }
}
