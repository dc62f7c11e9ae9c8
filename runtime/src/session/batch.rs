//! A session's task flushes the members that it emits to at the end of its poll.
//!
//! To wake a task for one frame costs as much as the frame. So while a session's task is polled, the
//! members that it emits to are added to a batch. When the poll ends, the batch is flushed: each member
//! is written to once, however many events were emitted. uWebSockets calls this corking.
//!
//! A thread has one batch. A thread that serves and nothing else runs a [`Flusher`], which owns that
//! batch: other tasks run before a small batch is flushed. To read from many clients and then write to
//! many is cheaper than to do one after the other, because the kernel's code for reading and its code
//! for writing do not fit into a processor's cache together. On any other thread the batch belongs to the
//! running task, which stores it when its poll ends.
//!
//! # State
//!
//! All of it belongs to one thread. [`PollGuard`] marks the thread while a session's task is polled, and its drop
//! removes the mark, so no early return and no panic leaves the thread marked.
//!
//! | part | while a task is polled | between two polls |
//! | --- | --- | --- |
//! | the thread's batch, with a flusher | members that tasks of this thread have emitted to | the same |
//! | the thread's batch, without one | members that this task has emitted to | empty |
//! | the task's own batch | empty | without a flusher: the members that it still has to flush |
//!
//! A member in a batch is flushed in any case: by the end of the poll, by the flusher, or
//! when the task or the flusher is dropped.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::Member;

/// Members that are flushed before other tasks run.
const MAX_FLUSH: usize = 128;
/// Flush after 16 queued members, or after 16 tasks have left members to the flusher. With more, the
/// memory of the first ones is evicted from the cache.
const FLUSH_AFTER: usize = 16;
/// Members that a thread keeps memory for.
const KEPT_CAPACITY: usize = 4096;

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread::new()) };
}

/// Members whose tasks sleep until they are flushed.
type Members = VecDeque<Arc<Member>>;

struct Thread {
    batch: Members,
    /// Members taken out of the batch so far.
    flushed: u64,
    /// Tasks that have left members to the flusher since the last flush.
    waiting_tasks: usize,
    /// The session's task that is polled now.
    running: Option<Running>,
    /// Wakes the flusher, if there is one.
    flusher: Option<Waker>,
}

/// The state of the session's task that is polled now.
#[derive(Clone, Copy)]
struct Running {
    /// Members that it emitted to in an earlier poll are not written to yet.
    waits_for_flush: bool,
    /// It has emitted to others in this poll.
    has_emitted: bool,
}

impl Thread {
    const fn new() -> Self {
        Self { batch: Members::new(), flushed: 0, waiting_tasks: 0, running: None, flusher: None }
    }

    /// Whether the batch is flushed before other tasks run.
    fn is_due(&self) -> bool {
        self.batch.len() >= FLUSH_AFTER || self.waiting_tasks >= FLUSH_AFTER
    }

    fn next(&mut self) -> Option<Arc<Member>> {
        let member = self.batch.pop_front()?;
        self.flushed += 1;
        if self.batch.is_empty() && self.batch.capacity() > KEPT_CAPACITY {
            self.batch = Members::new();
        }
        Some(member)
    }
}

/// Runs `access` with the state of the thread. A thread that ends has none: returns the default.
fn thread<T: Default>(access: impl FnOnce(&mut Thread) -> T) -> T {
    THREAD.try_with(|thread| access(&mut thread.borrow_mut())).unwrap_or_default()
}

/// Whether members may be added to a batch of this thread.
pub(super) fn is_open() -> bool {
    thread(|thread| thread.running.is_some() || thread.flusher.is_some())
}

/// Whether a task that is about to sleep may leave its own member to the flusher of this thread.
pub(super) fn is_flushed_soon() -> bool {
    thread(|thread| thread.flusher.is_some() && !thread.is_due())
}

/// Whether the running task waits until members that it emitted to are flushed.
pub(super) fn waits_for_flush() -> bool {
    thread(|thread| thread.running.is_some_and(|running| running.waits_for_flush))
}

/// Adds a member whose task sleeps until the batch is flushed.
pub(super) fn add(member: &Arc<Member>) {
    let added = THREAD.try_with(|thread| {
        let mut thread = thread.borrow_mut();
        if let Some(flusher) = &thread.flusher
            && thread.batch.is_empty()
        {
            flusher.wake_by_ref();
        }
        thread.batch.push_back(Arc::clone(member));
    });
    if added.is_err() {
        member.flush();
    }
}

/// Flushes the batch before other tasks run.
pub(super) fn flush_soon() {
    thread(|thread| thread.waiting_tasks = FLUSH_AFTER);
}

/// The running task emits to others. It continues when they are flushed.
pub(crate) fn has_emitted() {
    thread(|thread| {
        if let Some(running) = &mut thread.running {
            running.has_emitted = true;
        }
    });
}

/// Ready when the members that the running task has emitted to are flushed. In a task that has no batch:
/// when the batch of the thread is flushed, and the tasks that it has woken on this thread have run, if
/// its runtime has one thread.
pub(crate) async fn flush() {
    let mut until = None;
    poll_fn(|cx| {
        if let Some(until) = until {
            let waits = |thread: &mut Thread| thread.flusher.is_some() && thread.flushed < until;
            if !waits_for_flush() && !thread(waits) {
                return Poll::Ready(());
            }
        } else {
            // Also for what the task emits to its own client, which others do not wait for.
            has_emitted();
            until = Some(thread(|thread| thread.flushed + thread.batch.len() as u64));
        }
        flush_soon();
        // Not `yield_now`, whose wake-up is delayed: this task continues after those woken before.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Flushes the first members of the thread's batch, at most `max`. Returns whether any is left.
fn flush_some(max: usize) -> bool {
    let count = thread(|thread| {
        thread.waiting_tasks = 0;
        thread.batch.len().min(max)
    });
    for _ in 0..count {
        // One by one: the drop of a member may run code of the user, which may emit or panic.
        if let Some(member) = thread(Thread::next) {
            member.flush();
        }
    }
    thread(|thread| !thread.batch.is_empty())
}

/// The members that a session's task still has to flush, or waits for.
#[derive(Default)]
struct TaskBatch {
    /// On a thread without a flusher: members that it has emitted to.
    members: Members,
    /// On a thread with one: the task continues when this many members were flushed.
    until: u64,
}

impl Drop for TaskBatch {
    fn drop(&mut self) {
        while let Some(member) = self.members.pop_front() {
            member.flush();
        }
    }
}

/// Marks the thread while a session's task is polled.
struct PollGuard<'a>(&'a mut TaskBatch);

impl<'a> PollGuard<'a> {
    fn begin(batch: &'a mut TaskBatch) -> Self {
        thread(|thread| {
            let has_members = !batch.members.is_empty();
            let waits_for_flush = has_members || thread.flushed < batch.until;
            if has_members && let Some(flusher) = &thread.flusher {
                flusher.wake_by_ref();
            }
            if has_members && thread.batch.is_empty() {
                mem::swap(&mut thread.batch, &mut batch.members);
            }
            thread.batch.append(&mut batch.members);
            thread.running = Some(Running { waits_for_flush, has_emitted: false });
        });
        Self(batch)
    }

    /// The poll ends: flushes the batch, or leaves it to the flusher.
    fn end(self) {
        let is_due = thread(|thread| {
            if thread.flushed >= self.0.until {
                self.0.until = 0;
            }
            let Some(running) = thread.running.filter(|_| thread.flusher.is_some()) else {
                return !thread.batch.is_empty();
            };
            if thread.batch.is_empty() {
                return false;
            }
            if running.has_emitted {
                self.0.until = thread.flushed + thread.batch.len() as u64;
            }
            // A task that only waits for the flusher adds nothing to the batch.
            thread.waiting_tasks += usize::from(self.0.until == 0 || running.has_emitted);
            thread.is_due()
        });
        if is_due {
            flush_some(MAX_FLUSH);
        }
    }
}

impl Drop for PollGuard<'_> {
    /// Removes the mark. On a thread without a flusher the task stores the rest of the batch.
    fn drop(&mut self) {
        thread(|thread| {
            thread.running = None;
            if thread.flusher.is_some() {
                return;
            }
            // The thread keeps the memory for the next task.
            let spare = mem::take(&mut self.0.members);
            if !thread.batch.is_empty() {
                self.0.members = mem::replace(&mut thread.batch, spare);
            } else if thread.batch.capacity() == 0 {
                thread.batch = spare;
            }
        });
    }
}

pin_project! {
    /// A session's task, which flushes the members that it has emitted to at the end of each poll.
    pub(crate) struct Batched<F> {
        #[pin]
        task: F,
        is_done: bool,
        batch: TaskBatch,
    }
}

impl<F: Future<Output = ()>> Batched<F> {
    pub(crate) fn new(task: F) -> Self {
        Self { task, is_done: false, batch: TaskBatch::default() }
    }
}

impl<F: Future<Output = ()>> Future for Batched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let guard = PollGuard::begin(this.batch);
        if !*this.is_done {
            *this.is_done = this.task.poll(cx).is_ready();
        }
        guard.end();
        if !this.batch.members.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if *this.is_done { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Flushes the members that the tasks of its thread have left to it.
///
/// It is polled and dropped on a thread whose tasks move to no other. From its first poll on, tasks
/// leave their batches to it. It is never ready.
#[derive(Default)]
pub(crate) struct Flusher(());

impl Future for Flusher {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        thread(|thread| {
            if thread.flusher.is_none() {
                thread.flusher = Some(cx.waker().clone());
            }
        });
        if flush_some(MAX_FLUSH) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Flusher {
    /// Tasks flush their own batches from here on. The thread ends, or the drop of a member ran code of
    /// the user that panicked.
    fn drop(&mut self) {
        while let Some(member) = thread(|thread| {
            thread.flusher = None;
            thread.next()
        }) {
            member.flush();
        }
    }
}
