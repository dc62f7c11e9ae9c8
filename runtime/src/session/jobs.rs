use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::lock::{Lock, rank};

/// What a session runs besides its handlers: closures of `Sessions::with`, which its task runs between
/// handlers, and tasks of `Socket::spawn`, which end with it.
///
/// # State
///
/// | `phase` | a closure that is added | a task that is added |
/// | --- | --- | --- |
/// | `Starting`: the factory runs, or the handshake is not complete | waits, until `max` wait | waits, until there are `max` |
/// | `Running` | waits, until `max` wait | runs, until there are `max` |
/// | `Ended` | is dropped | is dropped |
///
/// The phases come in this order. `Running` may be left out. The lock protects `phase` and `added`. No
/// closure is run or dropped and no task is woken while it is held. So tasks get the phase over a
/// channel, after the lock is released; one that is added in between waits for the channel.
///
/// # Why each closure is run or dropped
///
/// It is added before [`Signal::Closure`](super::Signal::Closure) is raised, and the task reads its
/// signals before it sleeps. A session that ends calls [`close`](Jobs::close), and so does the drop
/// of its registration, if its task was dropped.
#[derive(Default)]
pub(crate) struct Jobs(Lock<State, { rank::JOBS }>);

#[derive(Default)]
struct State {
    phase: Phase,
    /// Boxed: most sessions have none.
    added: Option<Box<Added>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Starting,
    Running,
    Ended,
}

#[derive(Default)]
struct Added {
    /// Closures that the session's task has not run yet.
    closures: VecDeque<Waiting>,
    /// Each task has a receiver until its future is dropped.
    tasks: Option<Tasks>,
}

/// The tasks of a session. [`closed`](watch::Sender::closed) waits for their end.
pub(super) type Tasks = watch::Sender<Phase>;

/// A closure of the user that gets the session's value.
pub(crate) type Closure = Box<dyn FnOnce(&mut dyn Any) + Send>;

struct Waiting {
    ticket: Ticket,
    closure: Closure,
}

/// Identifies a closure that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Why a closure or a task was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdded {
    /// The session has ended, or is about to.
    Ended,
    /// As many closures wait, or there are as many tasks, as may.
    Full,
}

static LAST_TICKET: AtomicU64 = AtomicU64::new(0);

impl Jobs {
    /// Adds a closure, if fewer than `max` wait. The caller raises the signal.
    pub(crate) fn push(&self, closure: Closure, max: usize) -> Result<Ticket, NotAdded> {
        let ticket = Ticket(LAST_TICKET.fetch_add(1, Ordering::Relaxed));
        let mut state = self.0.lock();
        let refused = if state.phase == Phase::Ended {
            NotAdded::Ended
        } else if state.added.as_ref().is_some_and(|added| added.closures.len() >= max) {
            NotAdded::Full
        } else {
            let added = state.added.get_or_insert_default();
            added.closures.push_back(Waiting { ticket, closure });
            return Ok(ticket);
        };
        drop(state);
        drop(closure);
        Err(refused)
    }

    /// Drops a closure, if it still waits.
    pub(crate) fn remove(&self, ticket: Ticket) {
        let mut state = self.0.lock();
        let removed = state.added.as_mut().and_then(|added| {
            let index = added.closures.iter().position(|it| it.ticket == ticket)?;
            added.closures.remove(index)
        });
        state.free_if_empty();
        drop(state);
        drop(removed);
    }

    /// Takes the closure that was added first.
    pub(super) fn pop(&self) -> Option<Closure> {
        let mut state = self.0.lock();
        let first = state.added.as_mut()?.closures.pop_front();
        state.free_if_empty();
        drop(state);
        first.map(|first| first.closure)
    }

    /// The phases for a new task, if there are fewer than `max`. The task holds the receiver as long as it
    /// exists.
    pub(super) fn add_task(&self, max: usize) -> Result<watch::Receiver<Phase>, NotAdded> {
        let mut state = self.0.lock();
        let phase = state.phase;
        if phase == Phase::Ended {
            return Err(NotAdded::Ended);
        }
        let added = state.added.get_or_insert_default();
        let tasks = added.tasks.get_or_insert_with(|| watch::Sender::new(phase));
        if tasks.receiver_count() >= max { Err(NotAdded::Full) } else { Ok(tasks.subscribe()) }
    }

    /// Whether tasks run.
    pub(super) fn has_started(&self) -> bool {
        self.0.lock().phase != Phase::Starting
    }

    /// Tasks run from here on.
    pub(super) fn start(&self) {
        let mut state = self.0.lock();
        state.phase = Phase::Running;
        let tasks = state.added.as_ref().and_then(|added| added.tasks.clone());
        drop(state);
        if let Some(tasks) = tasks {
            tasks.send_replace(Phase::Running);
        }
    }

    /// Drops all closures, cancels all tasks, and accepts no other. Returns the tasks, if there are any.
    pub(super) fn close(&self) -> Option<Tasks> {
        let mut state = self.0.lock();
        state.phase = Phase::Ended;
        let added = state.added.take();
        drop(state);
        let Added { closures, tasks } = *added?;
        drop(closures);
        let tasks = tasks?;
        tasks.send_replace(Phase::Ended);
        Some(tasks)
    }
}

impl State {
    fn free_if_empty(&mut self) {
        let is_empty = |added: &Added| added.closures.is_empty() && added.tasks.is_none();
        if self.added.as_deref().is_some_and(is_empty) {
            self.added = None;
        }
    }
}
