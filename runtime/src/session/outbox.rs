//! The pending and unconfirmed frames of one session, and who writes them.
//!
//! Anyone appends frames, with [`Outbox::push`]. The session's task writes what is pending before it
//! sleeps. While it sleeps, a [batch](super::batch) of another task may write in its place, if the
//! transport is a TCP connection: to wake a task for one frame costs as much as the frame.
//!
//! # State
//!
//! One lock protects all of it. There is no atomic, so no memory ordering to reason about beyond the
//! lock's own. What wakes the task for other reasons is in [`Signals`](super::signals).
//!
//! | part | values |
//! | --- | --- |
//! | `task` | `Awake`, `Asleep`, `Batched`, `Blocked`: see [`Task`] |
//! | `link` | `Attached`, `Replaying`, `TooSlow`, `Detached`: see [`Link`] |
//! | `intake` | `Open`, `Overflowed`, `Sealed`: see [`Intake`] |
//! | `writer` | lent by the connection, or absent; with or without bytes left of its last batch |
//! | `queue` | pending, in flight and confirmed frames: see [`Queue`] |
//!
//! # Operations
//!
//! The task alone calls those of the second table, and only while it runs. An empty cell changes
//! nothing.
//!
//! | by anyone | `Awake` | `Asleep` | `Batched` | `Blocked` |
//! | --- | --- | --- | --- | --- |
//! | `push` of a counted frame | | with a batch and a writer → `Batched`, and the caller adds it to its batch; else → `Awake`, and the caller wakes the task | | |
//! | `push` of an uncounted frame | | → `Awake`, wakes | | → `Awake`, wakes |
//! | `push` that makes the link too slow, or overflows | | → `Awake`, signals | → `Awake`, signals | → `Awake`, signals |
//! | `flush` | | | writes; all written → `Asleep`, or `Blocked` if the client has to confirm first; else → `Awake`, and the caller wakes the task | |
//! | `seal`, `discard` | | | | |
//!
//! | by the task | effect |
//! | --- | --- |
//! | `wake_up` | → `Awake` |
//! | `sleep_if_batched` | not writable → stays `Awake`; nothing pending → `Asleep`; else → `Batched`, and the caller adds the member to its batch |
//! | `write` | writes; nothing left → `Asleep`, or `Blocked` if the client has to confirm first; would block → `Blocked`; after 16 batches stays `Awake`, and wakes itself |
//! | `take` | bytes taken → `Awake`; none → `Asleep`, or `Blocked` if the client has to confirm first |
//! | `block` | → `Blocked` |
//! | `lend` | → `Awake`, with a writer |
//! | `detach` | → `Awake`, `Detached`, without a writer |
//! | `confirm` | drops what the client has received |
//! | `attach` | → `Awake`, `Replaying`; what is in flight is pending again |
//!
//! # Why each frame is handed over once per connection, and to that connection
//!
//! - A writer is there only between `lend` and `detach` of one connection. `detach` takes it back and
//!   marks the session as detached in one step.
//! - Others write only in `Batched`. The task leaves `Batched` with `wake_up`, under the lock, before it
//!   does anything else. So no other task writes while the task detaches, confirms or attaches.
//! - What is in flight becomes pending again in `attach` only, when no writer is there.
//!
//! # Why no wake-up is lost
//!
//! A frame that is pushed is pending in one of four states. `Awake`: the task writes it before it
//! sleeps. `Asleep`: the push wakes the task or joins a batch. `Batched`: a batch has the member, and
//! each batch is flushed by its owner, or by its owner's `drop`. `Blocked`: the transport has the
//! task's waker, or the task itself handles the confirmation or the new connection that ends the wait.
//!
//! # Harmless races
//!
//! - Two batches have one member: the task has gone from `Batched` over `Awake` to `Batched` on another
//!   thread. The first flush writes everything, the second finds nothing pending, or another state.
//! - A flush comes after the task was woken: it finds `Awake` and leaves the frames to the task.
//! - A frame is pushed between two writes of one flush: the flush goes on, and writes it in order.

mod push;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;

pub(crate) use self::push::{FollowUp, PushOutcome, PushPolicy, Pushed, TooLarge};
pub(super) use self::state::Progress;
use self::state::{Intake, Link, State, Task};
use super::limits::Limits;
use super::queue::{Mismatch, Queue, Window};
use super::writer::{WriteHalf, Writer};
use crate::lock::{Lock, rank};
use crate::wire::{Encoded, Frame};

/// Uncounted frames that may be pending: the smallest have two bytes, and take much more memory.
const MAX_UNCOUNTED: usize = 4096;

/// With more bytes pending for one client, its batch is flushed before other tasks run: otherwise a
/// volatile event is dropped, or a connection is cut, because many events are emitted in one turn.
const MUCH: usize = 16 << 10;

/// Batches that one flush writes for one member before other tasks run.
const MAX_WRITES: usize = 16;

/// The pending and unconfirmed frames of one session. See the [module](self).
#[repr(C)]
pub(crate) struct Outbox<H = OwnedWriteHalf> {
    pub(super) limits: Arc<Limits>,
    /// Whether the session outlives its connection.
    pub(super) is_resumable: bool,
    state: Lock<State<H>, { rank::OUTBOX }>,
}

/// What becomes of a task that is about to sleep.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// It sleeps.
    Asleep,
    /// It sleeps, and the caller adds the member to a batch.
    Batched,
    /// It has to write first.
    Awake,
}

/// What [`Outbox::write`] has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing is left that may be written now.
    All,
    /// The transport would block; `moved` says whether it took any byte since this was last said.
    Blocked { moved: bool },
}

/// What [`Outbox::detach`] leaves.
pub(crate) struct Detached<H = OwnedWriteHalf> {
    /// What was lent, and the bytes that it has not taken of the frames that it was given.
    pub(crate) writer: Option<(H, Bytes)>,
    /// Bytes that are kept.
    pub(crate) size: usize,
}

impl<H: WriteHalf> Outbox<H> {
    /// `is_resumable`: the session outlives its connection.
    pub(crate) fn new(limits: &Arc<Limits>, is_resumable: bool) -> Self {
        let queue = Queue::new(is_resumable.then(|| Window::of(limits)));
        Self { limits: Arc::clone(limits), is_resumable, state: Lock::new(State::new(queue)) }
    }

    /// Appends a frame, or does with it what the policy says. `batch`: the caller has a batch.
    ///
    /// A frame that is larger than the limit is not taken: no client is too slow because of it.
    pub(crate) fn push(
        &self,
        policy: PushPolicy,
        frame: impl Encoded,
        batch: bool,
    ) -> Result<Pushed, TooLarge> {
        if policy != PushPolicy::Uncounted && frame.len() > self.limits.max_outbox_size {
            return Err(TooLarge);
        }
        let mut state = self.state.lock();
        if state.intake != Intake::Open {
            return Ok(PushOutcome::Missed.into());
        }
        let before = state.queue.size();
        let mut outcome = PushOutcome::Queued;
        match policy {
            PushPolicy::Uncounted if state.link == Link::Detached => {
                return Ok(PushOutcome::Dropped.into());
            }
            PushPolicy::Uncounted => state.queue.push_uncounted(frame.to_frame()),
            PushPolicy::Volatile if self.is_too_slow_for(&state, frame.len()) => {
                return Ok(PushOutcome::Dropped.into());
            }
            PushPolicy::Latest(key) if state.queue.push_latest(frame, key) => {
                outcome = PushOutcome::Replaced
            }
            PushPolicy::Latest(_) => {}
            PushPolicy::Reliable | PushPolicy::Volatile => state.queue.push(frame),
        }
        let growth = state.growth_since(before);
        let follow_up = self.exceeded(&mut state, policy).unwrap_or_else(|| match state.task {
            Task::Asleep if batch && state.writer.is_some() && policy != PushPolicy::Uncounted => {
                state.task = Task::Batched;
                FollowUp::Batch
            }
            Task::Asleep => FollowUp::Wake,
            Task::Blocked if policy == PushPolicy::Uncounted => FollowUp::Wake,
            Task::Batched if state.pending() > MUCH => FollowUp::FlushSoon,
            Task::Awake | Task::Batched | Task::Blocked => FollowUp::Nothing,
        });
        if matches!(follow_up, FollowUp::Wake | FollowUp::CutConnection | FollowUp::EndSession) {
            state.task = Task::Awake;
        }
        Ok(Pushed { outcome, growth, follow_up })
    }

    /// Takes nothing more. With a `last` frame, that one still goes out, whatever is pending: where too
    /// much is, the rest is dropped, so that the client gets the reason.
    pub(crate) fn seal(&self, last: Option<&Frame>) {
        let mut state = self.state.lock();
        if let Some(last) = last {
            if state.intake == Intake::Overflowed {
                state.queue.clear();
            }
            state.queue.keep_nothing();
            state.queue.push(last);
        } else if state.intake == Intake::Overflowed {
            // It stays so until the last frame.
            return;
        }
        state.intake = Intake::Sealed;
    }

    /// Writes what is pending in the place of a task that sleeps. Says whether the task is to be woken
    /// because it has to go on: it meets an error itself when it tries again.
    #[must_use]
    pub(crate) fn flush(&self) -> bool {
        for writes in 1.. {
            let mut state = self.state.lock();
            if state.task != Task::Batched {
                break;
            }
            match state.write(&self.limits) {
                Ok(Progress::Done) => {
                    state.sleep();
                    break;
                }
                Ok(Progress::More) if writes < MAX_WRITES => {}
                Ok(Progress::More | Progress::WouldBlock) | Err(_) => {
                    state.task = Task::Awake;
                    return true;
                }
            }
        }
        false
    }

    /// Drops what is kept for a detached session, and takes nothing more. Returns the bytes that were
    /// kept, or `None` for a session that has a connection: that one goes on.
    pub(crate) fn discard(&self) -> Option<usize> {
        let mut state = self.state.lock();
        if state.link != Link::Detached {
            return None;
        }
        let size = state.queue.size();
        state.intake = Intake::Sealed;
        state.queue.clear();
        Some(size)
    }

    // The rest is for the session's task.

    /// The task runs. It finds bytes that come now when it writes before it sleeps.
    pub(crate) fn wake_up(&self) {
        self.state.lock().task = Task::Awake;
    }

    /// The task is about to sleep, on a thread whose batch is flushed soon.
    pub(crate) fn sleep_if_batched(&self) -> Sleep {
        let mut state = self.state.lock();
        let is_writable = state.writer.as_ref().is_some_and(|writer| writer.left() == 0);
        if !is_writable || state.queue.is_held() {
            return Sleep::Awake;
        }
        if state.queue.waiting() == 0 {
            state.task = Task::Asleep;
            return Sleep::Asleep;
        }
        state.task = Task::Batched;
        Sleep::Batched
    }

    /// From now on batches may write to this connection.
    pub(crate) fn lend(&self, half: H) {
        let mut state = self.state.lock();
        state.task = Task::Awake;
        state.writer = Some(Writer::new(half));
    }

    /// Writes what is pending to what was lent; then the task sleeps. It is woken when there is more,
    /// or when the transport takes more.
    pub(crate) fn write(&self, cx: &mut Context<'_>) -> io::Result<Written> {
        let mut moved = false;
        for _ in 0..MAX_WRITES {
            let mut state = self.state.lock();
            let progress = state.write(&self.limits)?;
            let Some(writer) = state.writer.as_mut().filter(|_| progress != Progress::Done) else {
                state.sleep();
                return Ok(Written::All);
            };
            moved |= writer.take_moved();
            if progress == Progress::WouldBlock && writer.poll_ready(cx)?.is_pending() {
                state.task = Task::Blocked;
                return Ok(Written::Blocked { moved });
            }
        }
        // Other tasks run before the rest is written.
        cx.waker().wake_by_ref();
        Ok(Written::Blocked { moved })
    }

    /// Moves a batch of what is pending into the empty `bytes`. With nothing there the task sleeps.
    pub(crate) fn take(&self, bytes: &mut Vec<u8>) {
        let mut state = self.state.lock();
        state.queue.take(bytes);
        state.have_taken(bytes.len(), &self.limits);
        if bytes.is_empty() {
            state.sleep();
        } else {
            state.task = Task::Awake;
        }
    }

    /// The task sleeps, with `left` bytes of what was taken: from now on counted frames do not wake it.
    pub(crate) fn block(&self, left: usize) {
        let mut state = self.state.lock();
        state.taken = left;
        state.task = Task::Blocked;
    }

    /// The client has received `received` counted frames. Returns by how many bytes a detached session
    /// has grown.
    pub(crate) fn confirm(&self, received: u64) -> Result<isize, Mismatch> {
        let mut state = self.state.lock();
        let before = state.queue.size();
        state.queue.confirm(received)?;
        Ok(state.growth_since(before))
    }

    /// Frees memory that is not used, when the client sends a heartbeat: a busy one need not.
    pub(crate) fn shrink(&self) {
        self.state.lock().queue.shrink();
    }

    /// The connection is lost, or closed after everything was written.
    pub(crate) fn detach(&self) -> Detached<H> {
        let mut state = self.state.lock();
        state.task = Task::Awake;
        state.link = Link::Detached;
        state.taken = 0;
        state.queue.drop_uncounted();
        state.queue.shrink();
        let size = state.queue.size();
        let writer = state.writer.take();
        drop(state);
        Detached { writer: writer.map(Writer::into_parts), size }
    }

    /// There is a connection again: what the client has not confirmed is pending. Returns the bytes
    /// that were kept.
    pub(crate) fn attach(&self) -> usize {
        let mut state = self.state.lock();
        state.task = Task::Awake;
        state.link = Link::Replaying;
        state.queue.rewind();
        state.queue.size()
    }

    /// Whether a volatile frame of `size` bytes is dropped. What is dropped must not cut a connection.
    fn is_too_slow_for(&self, state: &State<H>, size: usize) -> bool {
        let max = self.limits.volatile_outbox_size.min(self.limits.max_outbox_size);
        state.link == Link::Detached || state.pending() + size > max
    }

    /// What to do because a bound is exceeded, if one is. A session that keeps more than it may ends.
    /// A connection for which more is pending than may be is cut, if its client may resume.
    fn exceeded(&self, state: &mut State<H>, policy: PushPolicy) -> Option<FollowUp> {
        let limits = &self.limits;
        let max_kept = limits.max_outbox_size.saturating_add(limits.max_replay_size);
        let is_slow = state.pending() > limits.max_outbox_size;
        let is_over = match state.link {
            _ if policy == PushPolicy::Uncounted => {
                state.pending() > max_kept || state.queue.uncounted() > MAX_UNCOUNTED
            }
            _ if !self.is_resumable => is_slow,
            Link::Attached if is_slow => {
                state.link = Link::TooSlow;
                return Some(FollowUp::CutConnection);
            }
            // The bound of what is pending is enough.
            Link::Attached => false,
            Link::Replaying | Link::TooSlow => state.queue.size() > max_kept,
            Link::Detached => {
                state.queue.size() > max_kept || state.queue.len() > limits.max_replay_frames
            }
        };
        is_over.then(|| {
            state.intake = Intake::Overflowed;
            FollowUp::EndSession
        })
    }
}
