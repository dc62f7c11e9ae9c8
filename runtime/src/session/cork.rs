//! Tasks write for others.
//!
//! To wake a task so that it writes one frame costs as much as the frame. So while a session's task
//! runs, what it emits waits in the outboxes of those who sleep; before it sleeps itself each of them
//! is written to once, however many events were emitted. uWebSockets calls this corking.
//!
//! A thread that serves and nothing else has a [`Flush`], too: there the next tasks have their turn
//! before what a few have emitted is written at once. To read from many clients and then write to many
//! is cheaper than to do one after the other, since the system's way to read and its way to write do
//! not fit into a processor's cache together.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Member;

/// To so many members a task writes before others have their turn.
const TURN: usize = 128;
/// So many members may wait for a [`Flush`], and so many tasks may have their turn meanwhile. With
/// more, those that were touched first are in no cache any more.
const FEW: usize = 16;
/// A thread keeps room for so many members.
const ROOM: usize = 4096;

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread::new()) };
}

struct Thread {
    /// Whom the running task, or the [`Flush`], is going to write to.
    corked: VecDeque<Arc<Member>>,
    /// How many of these were ever written to.
    written: u64,
    /// How many tasks have left somebody to the [`Flush`] since it, or a task in its place, has
    /// written.
    rests: usize,
    /// A session's task runs.
    runs: bool,
    /// It has emitted to others.
    emitted: bool,
    /// Wakes the [`Flush`], if there is one.
    flush: Option<Waker>,
}

/// Writes to those to whom the tasks of its thread have not written themselves.
#[derive(Default)]
pub(crate) struct Flush(());

/// Whom a session's task is going to write to.
#[derive(Default)]
pub(super) struct Cork {
    runs: bool,
    /// To whom it has not come yet, on a thread without a [`Flush`].
    corked: VecDeque<Arc<Member>>,
    /// On a thread with one: so many are to be written to before the task goes on.
    until: u64,
}

/// Whether what is emitted on this thread now may wait for somebody who writes it.
pub(super) fn is_in() -> bool {
    THREAD.with_borrow(|thread| thread.runs || thread.flush.is_some())
}

/// Whether a task that is about to sleep may leave its own member to this thread's [`Flush`].
pub(super) fn is_flushed_soon() -> bool {
    THREAD.with_borrow(|thread| thread.flush.is_some() && !thread.is_due())
}

/// Has somebody write to this member, whose outbox relies on it.
pub(super) fn put_on(member: &Arc<Member>) {
    THREAD.with_borrow_mut(|thread| {
        if let Some(flush) = &thread.flush
            && thread.corked.is_empty()
        {
            flush.wake_by_ref();
        }
        thread.corked.push_back(Arc::clone(member));
    });
}

/// Somebody who is corked has much to be written: nobody else has a turn before.
pub(super) fn hurry() {
    THREAD.with_borrow_mut(|thread| thread.rests = FEW);
}

/// The running task emits to others: it goes on when it, or the [`Flush`], has written to them.
pub(crate) fn hold_back() {
    THREAD.with_borrow_mut(|thread| thread.emitted = thread.runs);
}

impl Thread {
    const fn new() -> Self {
        let corked = VecDeque::new();
        Self { corked, written: 0, rests: 0, runs: false, emitted: false, flush: None }
    }

    /// Whether those who wait for the [`Flush`] are to be written to before others have their turn.
    fn is_due(&self) -> bool {
        self.corked.len() >= FEW || self.rests >= FEW
    }

    fn next(&mut self) -> Option<Arc<Member>> {
        let member = self.corked.pop_front()?;
        self.written += 1;
        if self.corked.is_empty() && self.corked.capacity() > ROOM {
            self.corked = VecDeque::new();
        }
        Some(member)
    }
}

impl Cork {
    /// The task runs: for what is emitted from here on it is asked to [`pull`](Self::pull).
    pub(super) fn put_in(&mut self) {
        if !self.runs {
            self.runs = true;
            THREAD.with_borrow_mut(|thread| {
                thread.runs = true;
                thread.emitted = false;
            });
        }
    }

    /// The task is about to sleep: writes to those who wait, as many as may be at once, or leaves them
    /// to the thread's [`Flush`]. Says whether the task has to go on with it.
    pub(super) fn pull(&mut self) -> bool {
        if self.take_out() {
            write_to_some();
        }
        let turn = self.corked.len().min(TURN);
        for _ in 0..turn {
            self.write_to_next();
        }
        !self.corked.is_empty()
    }

    /// Whether somebody to whom the task has emitted still waits.
    pub(super) fn holds_any(&self) -> bool {
        !self.corked.is_empty()
            || self.until > 0 && THREAD.with_borrow(|thread| thread.written < self.until)
    }

    /// The task does not run any more. Says whether it is to write in the place of a [`Flush`].
    fn take_out(&mut self) -> bool {
        if !std::mem::take(&mut self.runs) {
            return false;
        }
        THREAD.with_borrow_mut(|thread| {
            thread.runs = false;
            self.until = 0;
            if thread.corked.is_empty() {
                return false;
            }
            if thread.flush.is_none() {
                if self.corked.is_empty() {
                    std::mem::swap(&mut self.corked, &mut thread.corked);
                } else {
                    self.corked.append(&mut thread.corked);
                }
                return false;
            }
            if thread.emitted {
                self.until = thread.written + thread.corked.len() as u64;
            }
            thread.rests += 1;
            thread.is_due()
        })
    }

    fn write_to_next(&mut self) {
        let Some(member) = self.corked.pop_front() else { return };
        if self.corked.is_empty() {
            // The thread keeps the room for the next burst, and not each session.
            let room = std::mem::take(&mut self.corked);
            THREAD.with_borrow_mut(|thread| {
                if thread.corked.capacity() == 0 && room.capacity() <= ROOM {
                    thread.corked = room;
                }
            });
        }
        member.outbox().uncork();
    }
}

impl Drop for Cork {
    fn drop(&mut self) {
        if self.take_out() {
            write_to_some();
        }
        while !self.corked.is_empty() {
            self.write_to_next();
        }
    }
}

/// It is to be polled, and dropped, on a thread whose tasks go to no other. From the first poll on they
/// leave to it whom they have not written to. It is never ready.
impl Future for Flush {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        THREAD.with_borrow_mut(|thread| {
            if thread.flush.is_none() {
                thread.flush = Some(cx.waker().clone());
            }
        });
        write_to_some();
        if THREAD.with_borrow(|thread| !thread.corked.is_empty()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Flush {
    /// Be it that the thread ends, or that the last of a member is dropped here, and with it something
    /// of the user's that panics: then tasks write themselves from here on.
    fn drop(&mut self) {
        let next = |thread: &RefCell<Thread>| {
            let mut thread = thread.borrow_mut();
            thread.flush = None;
            thread.next()
        };
        while let Ok(Some(member)) = THREAD.try_with(next) {
            member.outbox().uncork();
        }
    }
}

/// Writes to those who wait on this thread, as many as may be at once.
fn write_to_some() {
    let turn = THREAD.with_borrow_mut(|thread| {
        thread.rests = 0;
        thread.corked.len().min(TURN)
    });
    for _ in 0..turn {
        // One by one: each may panic when it is dropped, and the others are not to be forgotten.
        if let Some(member) = THREAD.with_borrow_mut(Thread::next) {
            member.outbox().uncork();
        }
    }
}
