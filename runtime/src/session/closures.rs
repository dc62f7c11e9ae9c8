use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lock::{Lock, rank};

/// The closures of `Sessions::with` that wait for a session, whose task runs them between handlers.
///
/// # State
///
/// | state | a closure that is added |
/// | --- | --- |
/// | open | waits, until `max` wait |
/// | closed, because the session ends | is dropped |
///
/// It is closed once. The lock protects all of it. No closure is run or dropped while it is held.
///
/// # Why each closure is run or dropped
///
/// It is added before [`Signal::Closure`](super::Signal::Closure) is raised, and the task reads its
/// signals before it sleeps. A session that ends calls [`close`](Closures::close), and so does the drop
/// of its registration, if its task was dropped.
#[derive(Default)]
pub(crate) struct Closures(Lock<State, { rank::CLOSURES }>);

#[derive(Default)]
struct State {
    is_closed: bool,
    /// Boxed: most sessions have none.
    #[allow(clippy::box_collection, reason = "a session takes less memory")]
    waiting: Option<Box<VecDeque<Waiting>>>,
}

/// A closure of the user that gets the session's value.
pub(crate) type Closure = Box<dyn FnOnce(&mut dyn Any) + Send>;

struct Waiting {
    ticket: Ticket,
    closure: Closure,
}

/// Identifies a closure that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Why a closure was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdded {
    /// The session has ended, or is about to.
    Ended,
    /// As many closures wait as may.
    Full,
}

static LAST_TICKET: AtomicU64 = AtomicU64::new(0);

impl Closures {
    /// Adds a closure, if fewer than `max` wait. The caller raises the signal.
    pub(crate) fn push(&self, closure: Closure, max: usize) -> Result<Ticket, NotAdded> {
        let ticket = Ticket(LAST_TICKET.fetch_add(1, Ordering::Relaxed));
        let mut state = self.0.lock();
        let refused = if state.is_closed {
            NotAdded::Ended
        } else if state.waiting.as_ref().is_some_and(|waiting| waiting.len() >= max) {
            NotAdded::Full
        } else {
            state.waiting.get_or_insert_default().push_back(Waiting { ticket, closure });
            return Ok(ticket);
        };
        drop(state);
        drop(closure);
        Err(refused)
    }

    /// Drops a closure, if it still waits.
    pub(crate) fn remove(&self, ticket: Ticket) {
        let mut state = self.0.lock();
        let removed = state.waiting.as_mut().and_then(|waiting| {
            let index = waiting.iter().position(|it| it.ticket == ticket)?;
            waiting.remove(index)
        });
        state.free_if_empty();
        drop(state);
        drop(removed);
    }

    /// Takes the closure that was added first.
    pub(super) fn pop(&self) -> Option<Closure> {
        let mut state = self.0.lock();
        let first = state.waiting.as_mut()?.pop_front();
        state.free_if_empty();
        drop(state);
        first.map(|first| first.closure)
    }

    /// Drops all closures, and accepts no other.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        let waiting = state.waiting.take();
        drop(state);
        drop(waiting);
    }
}

impl State {
    fn free_if_empty(&mut self) {
        if self.waiting.as_ref().is_some_and(|waiting| waiting.is_empty()) {
            self.waiting = None;
        }
    }
}
