//! One session's task writes for the others.
//!
//! To wake a task so that it writes one frame costs as much as the frame. So while a session's task
//! runs, what it emits waits in the outboxes of those who sleep; before it sleeps itself it writes to
//! each of them once, however many events it emitted. uWebSockets calls this corking.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::Member;

/// To so many members a task writes before others have their turn.
const TURN: usize = 128;
/// A thread keeps room for so many members.
const ROOM: usize = 4096;

thread_local! {
    static THREAD: RefCell<Thread> = const {
        RefCell::new(Thread { corked: None, spare: VecDeque::new() })
    };
}

struct Thread {
    /// Whom the running task is going to write to; `None` while no session's task runs.
    corked: Option<VecDeque<Arc<Member>>>,
    /// An empty list, so that not every burst needs a new one.
    spare: VecDeque<Arc<Member>>,
}

/// Whom a session's task is going to write to.
#[derive(Default)]
pub(super) struct Cork {
    /// While the task runs, the thread has the list.
    runs: bool,
    corked: VecDeque<Arc<Member>>,
}

/// Whether what is emitted on this thread now may wait until the running task is about to sleep.
pub(super) fn is_in() -> bool {
    THREAD.with_borrow(|thread| thread.corked.is_some())
}

/// Has the running task write to this member, whose outbox relies on it.
pub(super) fn put_on(member: &Arc<Member>) {
    THREAD.with_borrow_mut(|thread| {
        if let Some(corked) = &mut thread.corked {
            corked.push_back(Arc::clone(member));
        }
    });
}

impl Cork {
    /// The task runs: what is emitted from here on waits for [`pull`](Self::pull).
    pub(super) fn put_in(&mut self) {
        if self.runs {
            return;
        }
        self.runs = true;
        THREAD.with_borrow_mut(|thread| {
            let mut corked = std::mem::take(&mut self.corked);
            if corked.is_empty() {
                corked = std::mem::take(&mut thread.spare);
            }
            thread.corked = Some(corked);
        });
    }

    /// The task is about to sleep: writes to those who wait for it, as many as may be at once.
    pub(super) fn pull(&mut self) {
        self.take_out();
        let turn = self.corked.len().min(TURN);
        for member in self.corked.drain(..turn) {
            member.outbox().uncork();
        }
        if self.corked.is_empty() && self.corked.capacity() <= ROOM {
            let spare = std::mem::take(&mut self.corked);
            THREAD.with_borrow_mut(|thread| thread.spare = spare);
        }
    }

    /// Whether somebody still waits for this task.
    pub(super) fn holds_any(&self) -> bool {
        !self.corked.is_empty()
    }

    fn take_out(&mut self) {
        if std::mem::take(&mut self.runs) {
            let corked = THREAD.with_borrow_mut(|thread| thread.corked.take());
            self.corked = corked.unwrap_or_default();
        }
    }
}

impl Drop for Cork {
    fn drop(&mut self) {
        self.take_out();
        for member in &self.corked {
            member.outbox().uncork();
        }
    }
}
