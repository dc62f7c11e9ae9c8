//! Signals wake a session's task for other reasons than bytes.
//!
//! # State
//!
//! | part | protected by | written by | read by |
//! | --- | --- | --- | --- |
//! | `raised`: a bit for each [`Signal`] | itself (atomic) | any task sets bits, the session's task clears all | the session's task |
//! | `ending`: the first reason to end | the lock | any task, once | the session's task |
//! | `waker` of the session's task | the lock | the session's task, when it begins and when it has ended | any task |
//!
//! # Why no signal is lost
//!
//! [`Signals::raise`] sets the bit first, then wakes the task. The task registers its waker before it
//! reads the bits for the first time, and it reads them at each poll.
//!
//! | a signal is raised | what happens |
//! | --- | --- |
//! | before the task has registered its waker | no task is woken. The lock orders the bit before the first read, which finds it |
//! | after, while the task runs | tokio polls the task once more, which may be one poll too many |
//! | after, while the task sleeps | the task is woken and finds the bit |
//! | after the task has ended | no task is woken: its waker is gone |
//!
//! # Orderings
//!
//! Bits are set with `Release` and read with `Acquire`. A task that reads a bit also reads what was
//! written before it: the ending, the request in the resume slot, the state of the outbox.
//!
//! # Harmless races
//!
//! - Two endings are requested at once: the first to take the lock stands, and both set the same bit.
//! - [`Signal::TooSlow`] is raised after its connection was replaced, because it is raised after the
//!   outbox's lock is released. The new connection is closed, the client resumes once more, and no
//!   frame is lost.
//! - [`Ending::Evicted`] is raised after the session got a connection again, for the same reason. The
//!   session has lost its frames already, so it ends, and a client that resumes it again gets `evicted`.

use std::task::Waker;

use crate::disconnect_reason::DisconnectReason;
use crate::lock::{Lock, rank};
use crate::sync::{AtomicU8, Ordering};

/// Wakes a session's task. See the [module](self).
#[derive(Default)]
pub(crate) struct Signals {
    raised: AtomicU8,
    state: Lock<State, { rank::SIGNALS }>,
}

#[derive(Default)]
struct State {
    ending: Option<Box<Ending>>,
    waker: Option<Waker>,
}

/// Why a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Requested(DisconnectReason),
    /// A limit of its outbox was exceeded.
    Overflow,
    /// A limit of detached sessions was exceeded.
    Evicted,
}

/// What the task reads after it is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Signal {
    /// [`Signals::ending`]
    End = 1,
    /// Cancels the running handler.
    Cancel = 2,
    /// Too much is pending for the connection.
    TooSlow = 4,
    /// The resume slot has a request or a connection.
    Resume = 8,
    /// Closures wait.
    Closure = 16,
}

/// The signals that [`Signals::take`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raised(u8);

impl Raised {
    pub(crate) fn has(self, signal: Signal) -> bool {
        self.0 & signal as u8 != 0
    }
}

impl Signals {
    /// Sets the signal and wakes the task.
    pub(crate) fn raise(&self, signal: Signal) {
        self.raised.fetch_or(signal as u8, Ordering::Release);
        self.wake();
    }

    /// Ends the session. The first reason stands.
    pub(crate) fn end(&self, ending: Ending) {
        self.state.lock().ending.get_or_insert_with(|| Box::new(ending));
        self.raise(Signal::End);
    }

    /// Ends the session and cancels its handler.
    pub(crate) fn cancel(&self) {
        self.raise(Signal::Cancel);
        self.end(Ending::Requested(DisconnectReason::ShutDown));
    }

    /// Wakes the task.
    pub(crate) fn wake(&self) {
        let waker = self.state.lock().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Registers the waker of the task, which stays the same: the task is spawned once and polled by
    /// nothing else.
    pub(crate) fn register(&self, waker: &Waker) {
        let waker = waker.clone();
        let before = self.state.lock().waker.replace(waker);
        drop(before);
    }

    /// Drops the waker. A user may keep the socket, which must not keep the task.
    pub(crate) fn unregister(&self) {
        let waker = self.state.lock().waker.take();
        drop(waker);
    }

    /// Whether any signal was raised since the last [`take`](Self::take).
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire) != 0
    }

    /// Clears the raised signals and returns them.
    pub(crate) fn take(&self) -> Raised {
        Raised(self.raised.swap(0, Ordering::AcqRel))
    }

    /// Why the session ends, if it does.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.lock().ending.as_deref().cloned()
    }
}
