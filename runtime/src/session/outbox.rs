mod fate;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;

pub(crate) use self::fate::{Fate, Policy, Pushed, TooLarge};
use self::state::{Intake, State, Writes, wake};
use super::DisconnectReason;
use super::limits::Limits;
use super::queue::{Mismatch, Queue, Window};
use super::writer::Writer;
use crate::lock::{Lock, rank};
use crate::wire::{Encoded, Frame};

/// So many acknowledgements and signs of life may wait: the smallest have two bytes, and take much
/// more room.
const MAX_UNCOUNTED: usize = 4096;

/// With so much for one client others do not have their turn before it is written: a volatile event is
/// not to be dropped, nor a connection cut, because many emit to it in one turn.
const MUCH: usize = 16 << 10;

/// What waits for one client, what it has not confirmed yet, and a word to its session.
///
/// Anyone appends, and the session's task writes all that waits at once. It is woken only when it
/// sleeps, and not while its transport would block. While it sleeps another task may write in its place,
/// if the transport is a TCP connection: see [`cork`](super::cork).
#[repr(C)]
pub(crate) struct Outbox {
    limits: Arc<Limits>,
    /// Whether anything but bytes wants the task, so that it need not lock to find that nothing does.
    called: AtomicBool,
    /// Whether the session outlives its connection.
    keeps: bool,
    state: Lock<State, { rank::OUTBOX }>,
}

/// Why a session is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Asked(DisconnectReason),
    /// More would wait than is kept.
    Overflow,
    /// Its procedure keeps too many sessions without a connection.
    Evicted,
}

/// What [`Outbox::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes,
    /// Nothing to write for now; the waker is kept until there is.
    Nothing,
}

/// What becomes of a task that is about to sleep.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Sleeps,
    /// It sleeps: whoever said so has to see to it that what waits is written.
    Corked,
    /// It has to write, or to wait until it can.
    Writes,
}

impl Outbox {
    /// `keeps`: the session outlives its connection.
    pub(crate) fn new(limits: &Arc<Limits>, keeps: bool) -> Self {
        let queue = Queue::new(keeps.then(|| Window::of(limits)));
        Self {
            state: Lock::new(State { queue, ..State::default() }),
            limits: Arc::clone(limits),
            called: AtomicBool::new(false),
            keeps,
        }
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// Whether the session outlives its connection.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// How many bytes may wait or be unconfirmed.
    fn max_kept(&self) -> usize {
        self.limits.max_outbox_size.saturating_add(self.limits.max_replay_size)
    }

    /// Appends a frame, or what the policy says of it. With `cork` a task that sleeps is left alone if
    /// others may write in its place.
    ///
    /// A frame that is larger than the limit is nobody's slowness: it is not taken.
    pub(crate) fn push_as(
        &self,
        policy: Policy,
        frame: impl Encoded,
        cork: bool,
    ) -> Result<Pushed, TooLarge> {
        if frame.len() > self.limits.max_outbox_size {
            return Err(TooLarge);
        }
        let mut state = self.state.lock();
        if state.intake != Intake::Open {
            return Ok(Fate::Missed.into());
        }
        let waiting = state.waiting() + frame.len();
        // What is dropped must not close anybody.
        let behind = self.limits.volatile_outbox_size.min(self.limits.max_outbox_size);
        if policy == Policy::Volatile && (state.detached || waiting > behind) {
            return Ok(Fate::Dropped.into());
        }
        let before = state.queue.size();
        let mut fate = Fate::Queued;
        match policy {
            Policy::Latest(key) if state.queue.push_latest(frame, key) => {
                fate = Fate::Replaced;
            }
            Policy::Latest(_) => {}
            Policy::Reliable | Policy::Volatile => state.queue.push(frame),
        }
        let growth = if state.detached { state.growth_since(before) } else { 0 };
        let mut pushed = Pushed { growth, ..fate.into() };
        if self.is_over(&state) {
            state.intake = Intake::Overflowed;
            state.end(Ending::Overflow);
            self.call(state);
        } else if self.has_become_slow(&state) {
            state.slow = true;
            self.call(state);
        } else if state.asleep {
            match state.writes {
                Writes::Owner if cork && state.writer.is_some() => {
                    state.writes = Writes::Cork;
                    pushed.corked = true;
                }
                Writes::Owner => wake(state),
                Writes::Cork => pushed.much = state.waiting() > MUCH,
                Writes::Nobody => {}
            }
        }
        Ok(pushed)
    }

    /// Appends a frame that is of this connection only.
    pub(crate) fn push_uncounted(&self, frame: Frame) {
        let mut state = self.state.lock();
        if state.intake != Intake::Open || state.detached {
            return;
        }
        state.queue.push_uncounted(frame);
        if state.waiting() > self.max_kept() || state.queue.uncounted() > MAX_UNCOUNTED {
            state.intake = Intake::Overflowed;
            state.end(Ending::Overflow);
            self.call(state);
        } else {
            wake(state);
        }
    }

    /// Appends the last frame of all, whatever waits: where too much did, it is dropped, so that the
    /// client hears why.
    pub(crate) fn push_last(&self, frame: Frame) {
        let mut state = self.state.lock();
        if state.intake == Intake::Overflowed {
            state.queue.clear();
        }
        state.queue.keep_nothing();
        state.queue.push(&frame);
        state.intake = Intake::Sealed;
    }

    /// From now on whoever has pushed something may write to this connection.
    pub(crate) fn lend(&self, half: OwnedWriteHalf) {
        self.state.lock().writer = Some(Writer::new(half));
    }

    /// Nobody but the connection writes any more: what does, and what it has not written yet of what
    /// was taken.
    pub(crate) fn take_back(&self) -> Option<(OwnedWriteHalf, Bytes)> {
        self.state.lock().writer.take().map(Writer::into_parts)
    }

    /// Writes what waits; ready when nothing is left that may be written now. The task is woken when
    /// there is more, or the transport takes more.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state.lock();
        loop {
            let wrote_all = state.write(&self.limits)?;
            state.sleep(cx.waker());
            if wrote_all {
                return Poll::Ready(Ok(()));
            }
            let Some(writer) = &state.writer else { return Poll::Ready(Ok(())) };
            let ready = writer.poll_ready(cx)?;
            state.writes = Writes::nobody_if(ready.is_pending());
            if ready.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// The task is about to sleep on a thread where others write for it soon, if they can.
    pub(crate) fn rest(&self, waker: &Waker) -> Rest {
        let mut state = self.state.lock();
        if !state.may_be_written() {
            return Rest::Writes;
        }
        state.sleep(waker);
        if state.queue.waiting() == 0 {
            state.writes = Writes::Owner;
            return Rest::Sleeps;
        }
        // Be it that somebody has promised to already, who may be on a thread that does not get to it.
        state.writes = Writes::Cork;
        Rest::Corked
    }

    /// The task has ended. Whoever keeps a socket does not keep the task.
    pub(crate) fn forget_task(&self) {
        let waker = self.state.lock().waker.take();
        drop(waker);
    }

    /// Writes what waits in the place of the task that sleeps. Whatever comes in between wakes it.
    pub(crate) fn uncork(&self) {
        let mut state = self.state.lock();
        if state.writes != Writes::Cork {
            return;
        }
        // An error the task meets itself, when it tries again.
        if !matches!(state.write(&self.limits), Ok(true)) {
            wake(state);
        }
    }

    /// Whether any byte was written since this was last asked.
    pub(crate) fn take_moved(&self) -> bool {
        self.state.lock().writer.as_mut().is_some_and(Writer::take_moved)
    }

    /// Moves what waits, a batch of it, into the empty `bytes`; with nothing there, keeps `waker`.
    pub(crate) fn take(&self, bytes: &mut Vec<u8>, waker: &Waker) -> Taken {
        let mut state = self.state.lock();
        state.queue.take(bytes);
        state.have_taken(bytes.len(), &self.limits);
        if bytes.is_empty() {
            state.writes = Writes::nobody_if(state.queue.is_held());
            state.sleep(waker);
            Taken::Nothing
        } else {
            state.writes = Writes::Owner;
            state.asleep = false;
            Taken::Bytes
        }
    }

    /// The transport would block with so many bytes left of what was taken: from now on bytes do not
    /// wake the task.
    pub(crate) fn block(&self, left: usize, waker: &Waker) {
        let mut state = self.state.lock();
        state.taken = left;
        state.writes = Writes::Nobody;
        state.sleep(waker);
    }

    /// The task is awake. Bytes that come now it finds when it calls `take`, and what else it is
    /// called for when it looks for that afterwards.
    pub(crate) fn wake_up(&self) {
        self.state.lock().asleep = false;
    }

    /// The client has received so many counted frames.
    pub(crate) fn confirm(&self, received: u64) -> Result<(), Mismatch> {
        self.state.lock().queue.confirm(received)
    }

    /// Lets go of the room that is not used. It is asked for when the client gives a sign of life,
    /// which one that is busy need not.
    pub(crate) fn shrink(&self) {
        self.state.lock().queue.shrink();
    }

    /// The connection is gone. Returns how many bytes are kept.
    pub(crate) fn detach(&self) -> usize {
        let mut state = self.state.lock();
        state.detached = true;
        state.slow = false;
        state.taken = 0;
        state.queue.drop_uncounted();
        state.queue.shrink();
        state.queue.size()
    }

    /// A client comes back: what it has not received waits again. Returns by how many bytes a session
    /// without a connection has grown.
    pub(crate) fn rewind(&self, received: u64) -> Result<isize, Mismatch> {
        let mut state = self.state.lock();
        let before = state.queue.size();
        state.queue.rewind(received)?;
        Ok(if state.detached { state.growth_since(before) } else { 0 })
    }

    /// There is a connection again. Returns how many bytes were kept.
    pub(crate) fn attach(&self) -> usize {
        let mut state = self.state.lock();
        state.detached = false;
        state.replaying = true;
        state.queue.size()
    }

    /// Asks the session to end. The first to do so stands.
    pub(crate) fn end(&self, ending: Ending) {
        let mut state = self.state.lock();
        state.end(ending);
        self.call(state);
    }

    /// Ends a session without a connection, and forgets at once what it keeps: so many bytes. One
    /// that has a connection again goes on.
    pub(crate) fn evict(&self) -> usize {
        let mut state = self.state.lock();
        if !state.detached {
            return 0;
        }
        let size = state.discard();
        state.end(Ending::Evicted);
        self.call(state);
        size
    }

    /// Asks the session to cancel the handler that runs, too.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock();
        state.cut = true;
        state.end(Ending::Asked(DisconnectReason::ShutDown));
        self.call(state);
    }

    /// Asks the session to look who is at its door.
    pub(crate) fn knock(&self) {
        self.call(self.state.lock());
    }

    fn call(&self, state: impl DerefMut<Target = State>) {
        self.called.store(true, Ordering::Release);
        wake(state);
    }

    /// Whether the session was called since the last [`take_call`](Self::take_call).
    pub(crate) fn is_called(&self) -> bool {
        self.called.load(Ordering::Acquire)
    }

    pub(crate) fn take_call(&self) -> bool {
        self.called.load(Ordering::Acquire) && self.called.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.lock().ending.as_deref().cloned()
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.state.lock().cut
    }

    /// Whether too much waits for the connection.
    pub(crate) fn is_slow(&self) -> bool {
        self.state.lock().slow
    }

    /// Accepts nothing more.
    pub(crate) fn seal(&self) {
        let mut state = self.state.lock();
        // What overflowed stays so until its last frame.
        if state.intake == Intake::Open {
            state.intake = Intake::Sealed;
        }
    }

    /// Accepts nothing more, and forgets what is kept: so many bytes.
    pub(crate) fn discard(&self) -> usize {
        self.state.lock().discard()
    }

    /// Whether more is kept than may be.
    fn is_over(&self, state: &State) -> bool {
        if !self.keeps {
            return state.waiting() > self.limits.max_outbox_size;
        }
        // Else what may wait for the connection is the bound.
        let bounded = state.detached || state.slow || state.replaying;
        bounded && state.queue.size() > self.max_kept()
            || state.detached && state.queue.len() > self.limits.max_replay_frames
    }

    /// Whether the connection is to be cut: its client is too slow, but may come back.
    fn has_become_slow(&self, state: &State) -> bool {
        let bounded = !state.detached && !state.replaying && !state.slow;
        bounded && state.waiting() > self.limits.max_outbox_size
    }
}
