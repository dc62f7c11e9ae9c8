//! A mutex that cannot be poisoned, and the order in which its locks are taken.
//!
//! A thread takes a lock only while every lock that it holds has a lower [`rank`]. So no two threads
//! can each hold a lock that the other waits for. Debug builds assert it at each [`Lock::lock`].
//!
//! A lock is held for a few instructions. None is held over an `await` or a call of user code. Values
//! of the user are dropped, wakers are called and calls are completed after the lock is released,
//! because each of them may call into Parlor and take the same lock. The exceptions, and what bounds them:
//!
//! | lock | held over | bound |
//! | --- | --- | --- |
//! | [`rank::OUTBOX`] | one non-blocking write to a TCP socket, and the registration of the task's waker with it when it would block | 64 KiB and one frame per write |
//! | [`rank::EMIT_ORDER`] | one broadcast: an append to the outbox of each member, evictions of detached sessions, and wake-ups of session tasks, which run tokio's scheduler and no user code | the members of one room or one procedure; only other broadcasts to the same members wait |
//! | [`rank::WATCHERS`] | one call of [`OtherNodes`](crate::rooms::OtherNodes) per change in a watched room, which appends to a queue | 1 KiB, or the members of one room when a node asks for all |

use std::ops::{Deref, DerefMut};
#[cfg(not(feature = "__bench"))]
use std::sync::PoisonError;
#[cfg(feature = "__bench")]
use std::sync::TryLockError;

use crate::sync::{Mutex, MutexGuard};

/// The ranks of all locks, in the order in which they are taken.
pub(crate) mod rank {
    /// One line of `parlor::test`.
    #[cfg(feature = "test")]
    pub(crate) const TEST_LINE: u8 = 0;
    /// One network of `parlor::test`.
    #[cfg(feature = "test")]
    pub(crate) const TEST_NETWORK: u8 = 1;
    /// One connection of `parlor::test`.
    #[cfg(feature = "test")]
    pub(crate) const TEST_CONNECTION: u8 = 2;
    /// The state of a client: its calls and its queue.
    pub(crate) const CLIENT: u8 = 3;
    /// The inbox of a client.
    pub(crate) const CLIENT_INBOX: u8 = 4;
    /// The order of the broadcasts to one room, or to everyone in one procedure.
    pub(crate) const EMIT_ORDER: u8 = 5;
    /// The names of the rooms that a session is in, and its presence.
    pub(crate) const JOINED: u8 = 6;
    /// One shard of the table of watched rooms.
    pub(crate) const WATCHERS: u8 = 7;
    /// One shard of the table of rooms.
    pub(crate) const ROOMS: u8 = 8;
    /// The members of one room or of one procedure, or one shard of the index of a procedure's members.
    pub(crate) const MEMBERS: u8 = 9;
    /// The keys of a session's resume secrets.
    pub(crate) const SECRETS: u8 = 10;
    /// The resume secrets and detached sessions of a procedure.
    pub(crate) const RECOVERY: u8 = 11;
    /// The pending frames of one session.
    pub(crate) const OUTBOX: u8 = 12;
    /// The resume slot of a session.
    pub(crate) const RESUME: u8 = 13;
    /// The ending of a session, and the waker of its task.
    pub(crate) const SIGNALS: u8 = 14;
    /// The keys of a procedure's rate limit.
    pub(crate) const RATE_KEYS: u8 = 15;
    /// The token bucket of one key.
    pub(crate) const RATE: u8 = 16;
    /// What code of the user runs on one thread.
    pub(crate) const WATCHED: u8 = 17;
    /// The closures that wait for a session.
    pub(crate) const CLOSURES: u8 = 18;
    /// The tasks of `Socket::spawn` of a session.
    pub(crate) const SPAWNED: u8 = 19;
    /// When each cause of a warning was logged.
    pub(crate) const LOG_LIMIT: u8 = 20;
    /// What a node has received of others.
    pub(crate) const BACKPLANE_RECEIVE: u8 = 21;
    /// The topics that a node is subscribed to.
    pub(crate) const BACKPLANE_TOPICS: u8 = 22;
    /// The rooms that are watched across nodes.
    pub(crate) const BACKPLANE_WATCH: u8 = 23;
    /// What a node publishes.
    pub(crate) const BACKPLANE_QUEUE: u8 = 24;
    /// What a node has asked the others.
    pub(crate) const BACKPLANE_ASKS: u8 = 25;
    /// The link of a node.
    pub(crate) const BACKPLANE_STATE: u8 = 26;
    /// The broker in memory.
    pub(crate) const BACKPLANE_MEMORY: u8 = 27;
    /// The faults of one node at the broker in memory.
    pub(crate) const BACKPLANE_MEMORY_FAULTS: u8 = 28;
    /// What the broker in memory sends to one node.
    pub(crate) const BACKPLANE_MEMORY_LINK: u8 = 29;
}

/// A mutex of one [`rank`].
///
/// The guarded value is consistent between any two statements, so a panic of a holder is ignored.
#[derive(Debug, Default)]
pub(crate) struct Lock<T, const RANK: u8>(Mutex<T>);

/// Holds a [`Lock`].
pub(crate) struct LockGuard<'a, T> {
    value: MutexGuard<'a, T>,
    #[cfg(debug_assertions)]
    _held: held::Held,
}

impl<T, const RANK: u8> Lock<T, RANK> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockGuard<'_, T> {
        #[cfg(debug_assertions)]
        let held = held::Held::new(RANK);
        LockGuard {
            value: self.acquire(),
            #[cfg(debug_assertions)]
            _held: held,
        }
    }

    #[cfg(not(feature = "__bench"))]
    fn acquire(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Measures how long the thread waits.
    #[cfg(feature = "__bench")]
    #[inline]
    fn acquire(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Ok(value) => value,
            // The error holds the lock.
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => waits::measure(|| self.0.lock()),
        }
    }
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// Measures how long threads wait for locks, for `benches/contention.rs`.
#[cfg(feature = "__bench")]
pub(crate) mod waits {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{LockResult, PoisonError};
    use std::time::{Duration, Instant};

    static NANOS: AtomicU64 = AtomicU64::new(0);

    #[cold]
    pub(super) fn measure<T>(wait: impl FnOnce() -> LockResult<T>) -> T {
        let start = Instant::now();
        let value = wait().unwrap_or_else(PoisonError::into_inner);
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        NANOS.fetch_add(nanos, Ordering::Relaxed);
        value
    }

    /// The sum of all waits of all threads so far.
    pub(crate) fn total() -> Duration {
        Duration::from_nanos(NANOS.load(Ordering::Relaxed))
    }
}

/// The ranks that a thread holds, for the assertion.
#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    use crate::sync::thread_local;

    thread_local! {
        #[allow(clippy::missing_const_for_thread_local, reason = "loom's macro takes no `const`")]
        /// A bit for each rank.
        static RANKS: Cell<u32> = Cell::new(0);
    }

    /// A rank that this thread holds until it is dropped.
    pub(super) struct Held(u32);

    impl Held {
        pub(super) fn new(rank: u8) -> Self {
            let bit = 1 << rank;
            // Fails only because of a bug in Parlor, and only in debug builds: neither messages nor user
            // code choose which locks are taken together. A thread that ends is not checked.
            let _ = RANKS.try_with(|ranks| {
                let others = ranks.get();
                assert!(
                    others < bit,
                    "a lock of rank {rank} is taken while one of the same rank or a higher one is held: {others:#b}"
                );
                ranks.set(others | bit);
            });
            Self(bit)
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            let _ = RANKS.try_with(|ranks| ranks.set(ranks.get() & !self.0));
        }
    }
}

#[cfg(all(test, not(parlor_model)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn locks_of_rising_rank_are_taken_together() {
        let (low, high) = (Lock::<_, 1>::new(1), Lock::<_, 2>::new(2));
        for _ in 0..2 {
            let low = low.lock();
            assert_eq!(*low + *high.lock(), 3);
        }
    }

    #[test]
    fn lock_is_free_after_its_holder_panicked() {
        let lock = Lock::<_, 1>::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _held = lock.lock();
            panic!("while the lock is held");
        }));
        assert!(panicked.is_err());
        for _ in 0..2 {
            assert_eq!(*lock.lock(), 1);
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    fn lock_of_same_or_lower_rank_panics_while_one_is_held() {
        let (low, high) = (Lock::<_, 1>::new(1), Lock::<_, 2>::new(2));
        let other = Lock::<_, 2>::new(3);
        let held = high.lock();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(low.lock()))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(other.lock()))).is_err());
        drop(held);
        assert_eq!(*low.lock() + *other.lock(), 4);
    }
}
