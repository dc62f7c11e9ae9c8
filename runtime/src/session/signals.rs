//! What wakes a session's task besides bytes.
//!
//! # State
//!
//! | part | protected by | written by | read by |
//! | --- | --- | --- | --- |
//! | `raised`: a bit for each [`Signal`] | itself | anyone sets bits, the task clears all | the task |
//! | `ending`: the first reason to end | the lock | anyone, once | the task |
//! | `waker`: that of the task | the lock | the task, when it begins and when it has ended | anyone |
//!
//! # Why no signal is lost
//!
//! Whoever raises a signal sets the bit first and wakes the task then. The task registers its waker
//! before it looks for the first time, and it looks at each poll.
//!
//! | the signal comes | what happens |
//! | --- | --- |
//! | before the task has registered its waker | no task is woken. The lock orders the bit before the first look, which finds it |
//! | after, while the task runs | tokio polls the task once more. One poll too many is the only cost |
//! | after, while the task sleeps | the task is woken and finds the bit |
//! | after the task has ended | no task is woken: its waker is gone |
//!
//! # Orderings
//!
//! Raising is a `Release` and taking an `Acquire`, so that the task which sees the bit sees what the
//! signal is about: the ending, the request in the resume slot, the state of the outbox.
//!
//! # Harmless races
//!
//! - Two endings are asked for at once: the first to take the lock stands, and both set the same bit.
//! - [`Signal::TooSlow`] is raised after its connection was replaced, because it is raised after the
//!   outbox's lock is released. The new connection is cut, the client resumes once more, and no frame
//!   is lost.
//! - [`Ending::Evicted`] is raised after the session got a connection again, for the same reason. The
//!   session has lost its frames already, so it ends, and a client that resumes it again gets `evicted`.

use std::task::Waker;

use crate::disconnect_reason::DisconnectReason;
use crate::lock::{Lock, rank};
use crate::sync::{AtomicU8, Ordering};

/// What wakes a session's task besides bytes.
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

/// Why a session is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Requested(DisconnectReason),
    /// More would be kept than may be.
    Overflow,
    /// Its procedure keeps too many detached sessions.
    Evicted,
}

/// What the task is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Signal {
    /// [`Signals::ending`]
    End = 1,
    /// The running handler is to be cancelled.
    Cancel = 2,
    /// More is pending for the connection than may be.
    TooSlow = 4,
    /// The resume slot.
    Resume = 8,
}

/// The signals that were raised since the task last looked.
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

    /// Asks the session to end. The first reason stands.
    pub(crate) fn end(&self, ending: Ending) {
        self.state.lock().ending.get_or_insert_with(|| Box::new(ending));
        self.raise(Signal::End);
    }

    /// Asks the session to end without waiting for its handler.
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

    /// The task begins. It is spawned once and polled by nothing else, so its waker stays the same.
    pub(crate) fn register(&self, waker: &Waker) {
        let waker = waker.clone();
        let before = self.state.lock().waker.replace(waker);
        drop(before);
    }

    /// The task looks no more. A user may keep the socket, which must not keep the task.
    pub(crate) fn unregister(&self) {
        let waker = self.state.lock().waker.take();
        drop(waker);
    }

    /// Whether any signal was raised since the last [`take`](Self::take).
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire) != 0
    }

    /// The signals that were raised since this was last called.
    pub(crate) fn take(&self) -> Raised {
        Raised(self.raised.swap(0, Ordering::AcqRel))
    }

    /// Why the session is to end, if it is.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.lock().ending.as_deref().cloned()
    }
}
