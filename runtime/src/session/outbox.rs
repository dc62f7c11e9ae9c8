use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use super::DisconnectReason;
use crate::lock::Lock;

/// What waits for one client: bytes of whole frames, and a word to its session.
///
/// Anyone appends; the session's task takes all that waits and writes it at once. The task is woken
/// only when it sleeps, and not while its transport would block.
pub(crate) struct Outbox {
    state: Lock<State>,
    limit: usize,
    /// Whether `ending` or `cut` is set, so that the task need not lock to find that they are not.
    called: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Whole frames that nobody has taken yet.
    waiting: Vec<u8>,
    /// Bytes that the task has taken and may not have written yet.
    taken: usize,
    /// The task's waker while it sleeps.
    sleeper: Option<Waker>,
    /// The transport would block: more bytes are no reason to wake the task.
    blocked: bool,
    /// Why the session is to end.
    ending: Option<DisconnectReason>,
    /// Running handlers are to be cancelled.
    cut: bool,
    /// Nothing more is accepted.
    sealed: bool,
}

/// What [`Outbox::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes,
    /// Nothing waited; the waker is kept until something does.
    Nothing,
}

impl Outbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: Lock::default(), limit, called: AtomicBool::new(false) }
    }

    /// Appends a frame. Over the limit the session ends as too slow.
    pub(crate) fn push(&self, frame: &[u8]) {
        let mut state = self.state.lock();
        if state.sealed {
            return;
        }
        if state.taken + state.waiting.len() + frame.len() > self.limit {
            state.sealed = true;
            drop(state);
            return self.end(DisconnectReason::TooSlow);
        }
        state.waiting.extend_from_slice(frame);
        if !state.blocked
            && let Some(sleeper) = state.sleeper.take()
        {
            drop(state);
            sleeper.wake();
        }
    }

    /// Moves all that waits into the empty `bytes`; with nothing there, keeps `waker`.
    pub(crate) fn take(&self, bytes: &mut Vec<u8>, waker: &Waker) -> Taken {
        let mut state = self.state.lock();
        state.blocked = false;
        std::mem::swap(&mut state.waiting, bytes);
        state.taken = bytes.len();
        if bytes.is_empty() {
            state.sleeper = Some(waker.clone());
            Taken::Nothing
        } else {
            state.sleeper = None;
            Taken::Bytes
        }
    }

    /// The transport would block: from now on only `end` and `cut` wake the task.
    pub(crate) fn block(&self, waker: &Waker) {
        let mut state = self.state.lock();
        state.blocked = true;
        state.sleeper = Some(waker.clone());
    }

    /// The task is awake and will look here again before it sleeps.
    pub(crate) fn wake_up(&self) {
        self.state.lock().sleeper = None;
    }

    /// Asks the session to end. The first reason stands.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        self.call(|state| {
            state.ending.get_or_insert(reason);
        });
    }

    /// Asks the session to cancel the handler that runs, too.
    pub(crate) fn cut(&self) {
        self.call(|state| {
            state.cut = true;
            state.ending.get_or_insert(DisconnectReason::ShutDown);
        });
    }

    fn call(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        self.called.store(true, Ordering::Release);
        if let Some(sleeper) = state.sleeper.take() {
            drop(state);
            sleeper.wake();
        }
    }

    pub(crate) fn ending(&self) -> Option<DisconnectReason> {
        if !self.called.load(Ordering::Acquire) {
            return None;
        }
        self.state.lock().ending.clone()
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.called.load(Ordering::Acquire) && self.state.lock().cut
    }

    /// Forgets what waits, so that a last word fits in.
    pub(crate) fn discard(&self) {
        let mut state = self.state.lock();
        state.waiting = Vec::new();
        state.taken = 0;
        state.sealed = false;
    }

    /// Accepts nothing more.
    pub(crate) fn seal(&self) {
        self.state.lock().sealed = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waker() -> (Arc<Wakes>, Waker) {
        let counter = Arc::<Wakes>::default();
        (Arc::clone(&counter), counter.into())
    }

    #[test]
    fn what_waits_is_taken_at_once_and_wakes_once() {
        let (counter, waker) = waker();
        let outbox = Outbox::new(100);
        let mut bytes = Vec::new();
        assert_eq!(outbox.take(&mut bytes, &waker), Taken::Nothing);
        outbox.push(b"one");
        outbox.push(b"two");
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
        assert_eq!(outbox.take(&mut bytes, &waker), Taken::Bytes);
        assert_eq!(bytes, b"onetwo");
    }

    #[test]
    fn over_the_limit_the_session_ends_as_too_slow() {
        let outbox = Outbox::new(10);
        outbox.push(b"12345678");
        assert_eq!(outbox.ending(), None);
        outbox.push(b"123");
        assert_eq!(outbox.ending(), Some(DisconnectReason::TooSlow));
    }

    #[test]
    fn what_was_taken_and_not_written_counts() {
        let (_, waker) = waker();
        let outbox = Outbox::new(10);
        outbox.push(b"12345678");
        let mut bytes = Vec::new();
        outbox.take(&mut bytes, &waker);
        outbox.push(b"123");
        assert_eq!(outbox.ending(), Some(DisconnectReason::TooSlow));
    }

    #[test]
    fn a_blocked_task_is_woken_by_an_end_and_not_by_bytes() {
        let (counter, waker) = waker();
        let outbox = Outbox::new(100);
        outbox.block(&waker);
        outbox.push(b"one");
        assert_eq!(counter.0.load(Ordering::Relaxed), 0);
        outbox.end(DisconnectReason::Disconnected);
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }
}
