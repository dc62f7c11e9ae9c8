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
    /// A client for which more waits is behind.
    volatile_limit: usize,
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
    intake: Intake,
}

/// Whether frames are taken.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Intake {
    #[default]
    Open,
    /// More would wait than may.
    Overflowed,
    /// The session is over.
    Sealed,
}

/// What becomes of a frame for a client that is too slow for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It waits; the client is closed when too much does.
    Reliable,
    /// The client goes without it.
    Volatile,
}

/// A frame that is larger than all that may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("larger than `max_outbox_size`")]
pub(crate) struct TooLarge;

/// What [`Outbox::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes,
    /// Nothing waited; the waker is kept until something does.
    Nothing,
}

impl Outbox {
    pub(crate) fn new(limit: usize, volatile_limit: usize) -> Self {
        // What is dropped must not close anybody.
        let volatile_limit = volatile_limit.min(limit);
        Self { state: Lock::default(), limit, volatile_limit, called: AtomicBool::new(false) }
    }

    /// Appends a frame. If more waits than may, the session ends as too slow.
    pub(crate) fn push(&self, frame: &[u8]) -> Result<(), TooLarge> {
        self.push_as(Policy::Reliable, frame)
    }

    /// Appends a frame, unless the client is to go without it.
    ///
    /// A frame that is larger than the limit is nobody's slowness: it is not taken.
    pub(crate) fn push_as(&self, policy: Policy, frame: &[u8]) -> Result<(), TooLarge> {
        if frame.len() > self.limit {
            return Err(TooLarge);
        }
        let mut state = self.state.lock();
        if state.intake != Intake::Open {
            return Ok(());
        }
        let waiting = state.taken + state.waiting.len() + frame.len();
        if policy == Policy::Volatile && waiting > self.volatile_limit {
            return Ok(());
        }
        if waiting > self.limit {
            state.intake = Intake::Overflowed;
            drop(state);
            self.end(DisconnectReason::TooSlow);
            return Ok(());
        }
        state.waiting.extend_from_slice(frame);
        if !state.blocked
            && let Some(sleeper) = state.sleeper.take()
        {
            drop(state);
            sleeper.wake();
        }
        Ok(())
    }

    /// Appends the last frame of all, whatever waits: where too much did, it is dropped, so that the
    /// client hears why.
    pub(crate) fn push_last(&self, frame: &[u8]) {
        let mut state = self.state.lock();
        if state.intake == Intake::Overflowed {
            state.waiting = Vec::new();
        }
        state.waiting.extend_from_slice(frame);
        state.intake = Intake::Sealed;
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

    /// The transport would block with so many bytes left of what was taken: from now on only `end`
    /// and `cut` wake the task.
    pub(crate) fn block(&self, left: usize, waker: &Waker) {
        let mut state = self.state.lock();
        state.taken = left;
        state.blocked = true;
        state.sleeper = Some(waker.clone());
    }

    /// The task is awake. Bytes that come now it finds when it calls `take`, and `end` or `cut` when
    /// it looks for them after that.
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

    /// Accepts nothing more.
    pub(crate) fn seal(&self) {
        let mut state = self.state.lock();
        // What overflowed stays so until its last frame.
        if state.intake == Intake::Open {
            state.intake = Intake::Sealed;
        }
    }

    /// Accepts nothing more, and forgets what waits.
    pub(crate) fn discard(&self) {
        let mut state = self.state.lock();
        state.intake = Intake::Sealed;
        state.waiting = Vec::new();
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
        let outbox = Outbox::new(100, 100);
        let mut bytes = Vec::new();
        assert_eq!(outbox.take(&mut bytes, &waker), Taken::Nothing);
        outbox.push(b"one").expect("it fits");
        outbox.push(b"two").expect("it fits");
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
        assert_eq!(outbox.take(&mut bytes, &waker), Taken::Bytes);
        assert_eq!(bytes, b"onetwo");
    }

    #[test]
    fn over_the_limit_the_session_ends_as_too_slow() {
        let outbox = Outbox::new(10, 10);
        outbox.push(b"12345678").expect("it fits");
        assert_eq!(outbox.ending(), None);
        outbox.push(b"123").expect("it fits");
        assert_eq!(outbox.ending(), Some(DisconnectReason::TooSlow));
    }

    #[test]
    fn who_is_behind_goes_without_what_is_volatile() {
        let (_, waker) = waker();
        let outbox = Outbox::new(10, 5);
        let push = |frame| outbox.push_as(Policy::Volatile, frame).expect("not too large");
        push(b"12345");
        push(b"6");
        outbox.push(b"789").expect("it fits");
        push(b"0");
        let mut bytes = Vec::new();
        outbox.take(&mut bytes, &waker);
        assert_eq!(bytes, b"12345789");
        // Taken is not yet written.
        push(b"0");
        let mut bytes = Vec::new();
        outbox.take(&mut bytes, &waker);
        push(b"0");
        outbox.take(&mut bytes, &waker);
        assert_eq!(bytes, b"0");
        assert_eq!(outbox.ending(), None);
    }

    #[test]
    fn what_was_taken_and_not_written_counts() {
        let (_, waker) = waker();
        let outbox = Outbox::new(10, 10);
        outbox.push(b"12345678").expect("it fits");
        let mut bytes = Vec::new();
        outbox.take(&mut bytes, &waker);
        outbox.push(b"123").expect("it fits");
        assert_eq!(outbox.ending(), Some(DisconnectReason::TooSlow));
    }

    #[test]
    fn a_blocked_task_is_woken_by_an_end_and_not_by_bytes() {
        let (counter, waker) = waker();
        let outbox = Outbox::new(100, 100);
        outbox.block(0, &waker);
        outbox.push(b"one").expect("it fits");
        assert_eq!(counter.0.load(Ordering::Relaxed), 0);
        outbox.end(DisconnectReason::Disconnected);
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_was_written_counts_no_more() {
        let (_, waker) = waker();
        let outbox = Outbox::new(10, 10);
        outbox.push(b"12345678").expect("it fits");
        let mut bytes = Vec::new();
        outbox.take(&mut bytes, &waker);
        outbox.block(1, &waker);
        outbox.push(b"12345678").expect("it fits");
        assert_eq!(outbox.ending(), None);
    }

    #[test]
    fn a_frame_that_can_never_fit_is_refused_and_ends_nothing() {
        let outbox = Outbox::new(10, 10);
        assert_eq!(outbox.push(b"12345678901"), Err(TooLarge));
        assert_eq!(outbox.ending(), None);
    }

    #[test]
    fn the_last_frame_gets_in_and_nothing_after_it() {
        let (_, waker) = waker();
        let outbox = Outbox::new(10, 10);
        outbox.push(b"1234567890").expect("it fits");
        outbox.push(b"1").expect("it would fit");
        outbox.push_last(b"bye");
        outbox.push(b"2").expect("it would fit");
        let mut bytes = Vec::new();
        outbox.take(&mut bytes, &waker);
        assert_eq!(bytes, b"bye");
    }
}
