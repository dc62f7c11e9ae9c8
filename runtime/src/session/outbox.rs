//! The pending and unconfirmed frames of one session, and who writes them.
//!
//! Any task appends frames, with [`Outbox::push`]. The session's task writes the pending frames before
//! it sleeps. While it sleeps, a [batch](super::batch) of another task may write in its place, if the
//! transport is a TCP connection: to wake a task for one frame costs as much as the frame.
//!
//! # State
//!
//! One lock protects all of it. It has no atomics, so the lock is its only memory ordering.
//! [`Signals`](super::signals) wake the task for other reasons.
//!
//! | part | values |
//! | --- | --- |
//! | `task` | `Awake`, `Asleep`, `Batched`, `Blocked`: see [`Task`] |
//! | `connection` | `Attached`, `Replaying`, `TooSlow`, `Detached`: see [`ConnectionState`] |
//! | `intake` | `Open`, `Overflowed`, `Sealed`: see [`Intake`] |
//! | `writer` | the write half that the connection has lent, or `None`; with or without bytes left of its last batch |
//! | `queue` | pending, in flight and confirmed frames: see [`Queue`] |
//!
//! # Operations
//!
//! Only the task calls those of the second table, while it runs. An empty cell changes nothing.
//!
//! | by any task | `Awake` | `Asleep` | `Batched` | `Blocked` |
//! | --- | --- | --- | --- | --- |
//! | `push` of a counted frame | | with a batch and a writer → `Batched`, and the caller adds it to its batch; else → `Awake`, and the caller wakes the task | | |
//! | `push` of an uncounted frame | | → `Awake`, wakes | | → `Awake`, wakes |
//! | `push` that makes the connection too slow, or overflows | | → `Awake`, signals | → `Awake`, signals | → `Awake`, signals |
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
//! # Why each frame is written once per connection, and to that connection
//!
//! - A writer exists only between `lend` and `detach` of one connection. `detach` takes it back and
//!   marks the session as detached in one step.
//! - Others write only in `Batched`. The task leaves `Batched` with `wake_up`, under the lock, before it
//!   does anything else. So no other task writes while the task detaches, confirms or attaches.
//! - Frames in flight become pending again in `attach` only, when there is no writer.
//!
//! # Why no wake-up is lost
//!
//! A pushed frame is pending in one of four states. `Awake`: the task writes it before it
//! sleeps. `Asleep`: the push wakes the task or joins a batch. `Batched`: a batch has the member, and
//! each batch is flushed by its owner, or by its owner's `drop`. `Blocked`: the transport has the
//! waker of the task, or the task itself handles the acknowledgement or the new connection that ends
//! the wait.
//!
//! # Harmless races
//!
//! - Two batches have one member: the task has gone from `Batched` over `Awake` to `Batched` on another
//!   thread. The first flush writes everything, the second finds nothing pending, or another state.
//! - A flush comes after the task was woken: it finds `Awake` and leaves the frames to the task.
//! - A frame is pushed between two writes of one flush: the flush continues, and writes it in order.

mod push_types;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;

pub(crate) use self::push_types::{FollowUp, PushOutcome, PushPolicy, Pushed, TooLarge};
use self::state::{ConnectionState, Intake, State, Task};
use super::options::SessionOptions;
use super::queue::{self, Queue};
use super::writer::{Progress, WriteHalf, Writer};
use crate::lock::{Lock, rank};
use crate::wire::replay::Mismatch;
use crate::wire::{EncodedFrame, Frame};

/// Uncounted frames that may be pending. The smallest have two bytes, but take much more memory.
const MAX_UNCOUNTED: usize = 4096;

/// With more bytes pending for one member, its batch is flushed before other tasks run. Otherwise many
/// events emitted in one poll could drop a volatile event, or close the connection as too slow.
const FLUSH_SOON_BYTES: usize = 16 << 10;

/// Batches that one flush writes for one member before other tasks run.
const MAX_WRITES: usize = 16;

/// The pending and unconfirmed frames of one session. See the [module](self).
#[repr(C)]
pub(crate) struct Outbox<H = OwnedWriteHalf> {
    pub(super) options: Arc<SessionOptions>,
    /// Whether the session can outlive its connection.
    pub(super) is_resumable: bool,
    state: Lock<State<H>, { rank::OUTBOX }>,
}

/// What a task that is about to sleep does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// It sleeps.
    Asleep,
    /// It sleeps, and the caller adds the member to a batch.
    Batched,
    /// It has to write first.
    Awake,
}

/// The result of [`Outbox::write`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing is left that may be written now.
    All,
    /// The transport would block. `moved`: it took bytes since the last time that it blocked.
    Blocked { moved: bool },
}

/// The result of [`Outbox::detach`].
pub(crate) struct Detached<H = OwnedWriteHalf> {
    /// The write half that was lent, and the bytes of its last batch that it has not taken.
    pub(crate) writer: Option<(H, Bytes)>,
    /// Bytes that the outbox keeps.
    pub(crate) size: usize,
}

impl<H: WriteHalf> Outbox<H> {
    /// `is_resumable`: the session outlives its connection.
    pub(crate) fn new(options: &Arc<SessionOptions>, is_resumable: bool) -> Self {
        let queue = Queue::new(is_resumable.then(|| queue::in_flight_limit(&options.recovery)));
        Self { options: Arc::clone(options), is_resumable, state: Lock::new(State::new(queue)) }
    }

    /// Appends a frame, as the policy says. `batch`: the caller has a batch.
    ///
    /// Fails for a frame that alone exceeds `Limits::max_outbox_size`. Such a frame does not close a connection.
    pub(crate) fn push(
        &self,
        policy: PushPolicy,
        frame: impl EncodedFrame,
        batch: bool,
    ) -> Result<Pushed, TooLarge> {
        if policy != PushPolicy::Uncounted && frame.len() > self.options.limits.max_outbox_size {
            return Err(TooLarge);
        }
        let mut state = self.state.lock();
        if state.intake != Intake::Open {
            return Ok(PushOutcome::Missed.into());
        }
        let before = state.queue.size();
        let mut outcome = PushOutcome::Queued;
        match policy {
            PushPolicy::Uncounted if state.connection == ConnectionState::Detached => {
                return Ok(PushOutcome::Dropped.into());
            }
            PushPolicy::Uncounted => state.queue.push_uncounted(frame.to_frame()),
            PushPolicy::Volatile if self.drops_volatile(&state, frame.len()) => {
                return Ok(PushOutcome::Dropped.into());
            }
            PushPolicy::Latest(key) if state.queue.push_latest(frame, key) => {
                outcome = PushOutcome::Replaced;
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
            Task::Batched if state.pending() > FLUSH_SOON_BYTES => FollowUp::FlushSoon,
            Task::Awake | Task::Batched | Task::Blocked => FollowUp::Nothing,
        });
        if matches!(follow_up, FollowUp::Wake | FollowUp::CloseConnection | FollowUp::EndSession) {
            state.task = Task::Awake;
        }
        Ok(Pushed { outcome, growth, follow_up })
    }

    /// Accepts no more frames after `last`. If a limit was exceeded, the pending frames are dropped, so
    /// that the client receives `last`.
    pub(crate) fn seal(&self, last: Option<&Frame>) {
        let mut state = self.state.lock();
        if let Some(last) = last {
            if state.intake == Intake::Overflowed {
                state.queue.clear();
            }
            state.queue.remove_limit();
            state.queue.push(last);
        } else if state.intake == Intake::Overflowed {
            // Stays `Overflowed` until the last frame.
            return;
        }
        state.intake = Intake::Sealed;
    }

    /// Writes the pending frames of a task that sleeps. Returns whether the caller wakes the task, to
    /// continue writing. The task gets an error itself when it writes again.
    #[must_use]
    pub(crate) fn flush(&self) -> bool {
        for writes in 1.. {
            let mut state = self.state.lock();
            if state.task != Task::Batched {
                break;
            }
            match state.write(&self.options.limits) {
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

    pub(crate) fn is_detached(&self) -> bool {
        self.state.lock().connection == ConnectionState::Detached
    }

    /// Drops the frames of a detached session, and accepts no more. Returns the bytes that were kept, or
    /// `None` for an attached session, which continues.
    pub(crate) fn discard(&self) -> Option<usize> {
        let mut state = self.state.lock();
        if state.connection != ConnectionState::Detached {
            return None;
        }
        let size = state.queue.size();
        state.intake = Intake::Sealed;
        state.queue.clear();
        Some(size)
    }

    // Only the session's task calls what follows.

    /// The task runs. It writes frames that are pushed from here on before it sleeps.
    pub(crate) fn wake_up(&self) {
        self.state.lock().task = Task::Awake;
    }

    /// The task is about to sleep, on a thread whose batch is flushed soon.
    pub(crate) fn sleep_if_batched(&self) -> Sleep {
        let mut state = self.state.lock();
        let is_writable = state.writer.as_ref().is_some_and(|writer| writer.unwritten() == 0);
        if !is_writable || state.queue.is_limit_reached() {
            return Sleep::Awake;
        }
        if state.queue.pending_bytes() == 0 {
            state.task = Task::Asleep;
            return Sleep::Asleep;
        }
        state.task = Task::Batched;
        Sleep::Batched
    }

    /// Lends a write half. Batches may write to it from here on.
    pub(crate) fn lend(&self, half: H) {
        let mut state = self.state.lock();
        state.task = Task::Awake;
        state.writer = Some(Writer::new(half));
    }

    /// Writes the pending frames to the lent write half. Then the task sleeps until frames are pushed or
    /// the transport is writable.
    pub(crate) fn write(&self, cx: &mut Context<'_>) -> io::Result<Written> {
        let mut moved = false;
        for _ in 0..MAX_WRITES {
            let mut state = self.state.lock();
            let progress = state.write(&self.options.limits)?;
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

    /// Moves a batch of pending frames into the empty `bytes`. If there is none, the task sleeps.
    pub(crate) fn take(&self, bytes: &mut Vec<u8>) {
        let mut state = self.state.lock();
        state.queue.take(bytes);
        state.have_taken(bytes.len(), &self.options.limits);
        if bytes.is_empty() {
            state.sleep();
        } else {
            state.task = Task::Awake;
        }
    }

    /// The task sleeps, with `unwritten` taken bytes not written yet. Counted frames do not wake it.
    pub(crate) fn block(&self, unwritten: usize) {
        let mut state = self.state.lock();
        state.taken = unwritten;
        state.task = Task::Blocked;
    }

    /// Drops the first frames, because the client has received `received` counted ones. Returns the growth
    /// of a detached session in bytes.
    pub(crate) fn confirm(&self, received: u64) -> Result<isize, Mismatch> {
        let mut state = self.state.lock();
        let before = state.queue.size();
        state.queue.confirm(received)?;
        Ok(state.growth_since(before))
    }

    /// Frees unused memory. Called at heartbeats, which busy clients do not send.
    pub(crate) fn shrink(&self) {
        self.state.lock().queue.shrink();
    }

    /// Takes the writer back, because the connection is lost or closed.
    pub(crate) fn detach(&self) -> Detached<H> {
        let mut state = self.state.lock();
        state.task = Task::Awake;
        state.connection = ConnectionState::Detached;
        state.taken = 0;
        state.queue.drop_uncounted();
        state.queue.shrink();
        let size = state.queue.size();
        let writer = state.writer.take();
        drop(state);
        Detached { writer: writer.map(Writer::into_parts), size }
    }

    /// The session has a connection again: frames in flight are pending again. Returns the bytes that the
    /// outbox keeps.
    pub(crate) fn attach(&self) -> usize {
        let mut state = self.state.lock();
        state.task = Task::Awake;
        state.connection = ConnectionState::Replaying;
        state.queue.rewind();
        state.queue.size()
    }

    /// Whether a volatile frame of `size` bytes is dropped. `Limits::max_outbox_size` bounds the threshold, too,
    /// so a volatile frame never closes a connection.
    fn drops_volatile(&self, state: &State<H>, size: usize) -> bool {
        let limits = &self.options.limits;
        let max = limits.volatile_outbox_size.min(limits.max_outbox_size);
        state.connection == ConnectionState::Detached || state.pending() + size > max
    }

    /// The follow-up if a limit is exceeded. Too many pending bytes close the connection, if the session
    /// is resumable. Too many kept bytes or frames end the session.
    fn exceeded(&self, state: &mut State<H>, policy: PushPolicy) -> Option<FollowUp> {
        let SessionOptions { limits, recovery, .. } = &*self.options;
        let max_kept = limits.max_outbox_size.saturating_add(recovery.max_replay_size);
        let is_slow = state.pending() > limits.max_outbox_size;
        let is_over = match state.connection {
            _ if policy == PushPolicy::Uncounted => {
                state.pending() > max_kept || state.queue.uncounted() > MAX_UNCOUNTED
            }
            _ if !self.is_resumable => is_slow,
            ConnectionState::Attached if is_slow => {
                state.connection = ConnectionState::TooSlow;
                return Some(FollowUp::CloseConnection);
            }
            // In-flight bytes are bounded by the in-flight limit of the queue.
            ConnectionState::Attached => false,
            ConnectionState::Replaying | ConnectionState::TooSlow => state.queue.size() > max_kept,
            ConnectionState::Detached => {
                state.queue.size() > max_kept || state.queue.len() > recovery.max_replay_frames
            }
        };
        is_over.then(|| {
            state.intake = Intake::Overflowed;
            FollowUp::EndSession
        })
    }
}
