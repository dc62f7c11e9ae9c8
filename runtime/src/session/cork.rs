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

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Member;

/// To so many members a task writes before others have their turn.
const TURN: usize = 128;
/// So many may wait until the tasks that are ready have had their turn. With more, those that were
/// touched first are in no cache any more.
const FEW: usize = 16;
/// A thread keeps room for so many members.
const ROOM: usize = 4096;

thread_local! {
    static THREAD: RefCell<Thread> = const {
        RefCell::new(Thread { corked: VecDeque::new(), runs: false, flush: None })
    };
}

struct Thread {
    /// Whom the running task, or else [`Flush`], is going to write to.
    corked: VecDeque<Arc<Member>>,
    /// A session's task runs.
    runs: bool,
    /// Wakes the [`Flush`], if there is one.
    flush: Option<Waker>,
}

/// Writes to those to whom the tasks of its thread have not written themselves.
#[derive(Default)]
pub(crate) struct Flush {
    corked: VecDeque<Arc<Member>>,
}

/// Whom a session's task is going to write to.
#[derive(Default)]
pub(super) struct Cork {
    /// While the task runs, the thread has the list.
    runs: bool,
    corked: VecDeque<Arc<Member>>,
}

/// Whether what is emitted on this thread now may wait for somebody who writes it.
pub(super) fn is_in() -> bool {
    THREAD.with_borrow(|thread| thread.runs || thread.flush.is_some())
}

/// Whether this thread has a [`Flush`].
pub(super) fn is_flushed() -> bool {
    THREAD.with_borrow(|thread| thread.flush.is_some())
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

impl Cork {
    /// The task runs: what is emitted from here on waits for [`pull`](Self::pull).
    pub(super) fn put_in(&mut self) {
        if !self.runs {
            self.runs = true;
            THREAD.with_borrow_mut(|thread| thread.runs = true);
        }
    }

    /// The task is about to sleep: writes to those who wait for it, as many as may be at once.
    pub(super) fn pull(&mut self) {
        self.take_out();
        write_to_some(&mut self.corked);
    }

    /// Whether somebody still waits for this task.
    pub(super) fn holds_any(&self) -> bool {
        !self.corked.is_empty()
    }

    /// Takes over those that wait on the thread, unless the [`Flush`] is to write to them.
    fn take_out(&mut self) {
        if std::mem::take(&mut self.runs) {
            THREAD.with_borrow_mut(|thread| {
                thread.runs = false;
                if thread.flush.is_none() || thread.corked.len() >= FEW {
                    take_over(&mut thread.corked, &mut self.corked);
                }
            });
        }
    }
}

impl Drop for Cork {
    fn drop(&mut self) {
        self.take_out();
        write_to(self.corked.drain(..));
    }
}

impl Flush {
    /// Writes to those who wait, as many as may be at once. Never ready.
    ///
    /// Once polled it is to be polled, and dropped, on this thread, whose tasks go to no other.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        THREAD.with_borrow_mut(|thread| {
            if thread.flush.is_none() {
                thread.flush = Some(cx.waker().clone());
            }
            take_over(&mut thread.corked, &mut self.corked);
        });
        write_to_some(&mut self.corked);
        if !self.corked.is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        // A thread that ends has nobody left.
        let _ = THREAD.try_with(|thread| {
            let mut thread = thread.borrow_mut();
            thread.flush = None;
            take_over(&mut thread.corked, &mut self.corked);
        });
        write_to(self.corked.drain(..));
    }
}

fn take_over(from: &mut VecDeque<Arc<Member>>, to: &mut VecDeque<Arc<Member>>) {
    if to.is_empty() {
        std::mem::swap(from, to);
    } else {
        to.append(from);
    }
}

/// Writes to the first of these, as many as may be at once.
fn write_to_some(corked: &mut VecDeque<Arc<Member>>) {
    let turn = corked.len().min(TURN);
    write_to(corked.drain(..turn));
    if corked.is_empty() && corked.capacity() <= ROOM {
        // Room for the next burst.
        THREAD.with_borrow_mut(|thread| {
            if thread.corked.capacity() == 0 {
                thread.corked = std::mem::take(corked);
            }
        });
    }
}

fn write_to(corked: impl Iterator<Item = Arc<Member>>) {
    for member in corked {
        member.outbox().uncork();
    }
}
