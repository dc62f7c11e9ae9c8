//! Logs code of the user that keeps its thread for too long: [`Timeouts::blocking_warning`].
//!
//! A handler that never returns is logged too, so another thread has to see it: the watcher, one per
//! process, started with the first session or request. It reads real time, so a paused clock of tokio has
//! no effect on it.
//!
//! # State
//!
//! | part | written by | read by |
//! | --- | --- | --- |
//! | `Slot::sequence` of each thread: odd while it runs code of the user | its thread | the watcher |
//! | `Slot::code`: what runs | its thread, before it makes `sequence` odd | the watcher, which then reads `sequence` again |
//! | [`NEW_SLOTS`]: threads that the watcher does not know yet | each thread, once | the watcher |
//! | [`SHORTEST_BOUND`] of all procedures | each procedure, once | the watcher |
//! | [`ASLEEP`]: the watcher sleeps, or is about to | the watcher sets it; a thread clears it and wakes the watcher | both |
//!
//! A thread reads no clock and takes one lock, for which nothing else waits but the watcher.
//!
//! # Why the watcher is woken
//!
//! While it watches, it looks each quarter of the shortest bound, so it logs code after at most 1.25 times
//! its bound. When nothing runs and nothing has run since its last look, it sets `ASLEEP`, waits for one
//! more look, and sleeps only if still nothing has run. A thread makes its sequence odd, then reads
//! `ASLEEP`, without a fence between the two: that costs too much per poll. A thread that does not read
//! the new `ASLEEP` has written its sequence before or at about the same time, and the watcher reads that
//! sequence a whole look later. So an idle process is never woken.
//!
//! [`Timeouts::blocking_warning`]: crate::server::Timeouts::blocking_warning

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::lock::{Lock, rank};
use crate::user_code::UserCode;

impl UserCode {
    /// Runs code of the user. Within other watched code of this thread, that stays the watched one.
    pub(crate) fn run<T>(self, code: impl FnOnce() -> T) -> T {
        let _running = self.bound.and_then(|_| Running::begin(self));
        code()
    }
}

/// What runs on one thread.
struct Slot {
    sequence: AtomicU64,
    code: Lock<Option<UserCode>, { rank::WATCHED }>,
}

thread_local! {
    static SLOT: Arc<Slot> = Slot::register();
}

static NEW_SLOTS: LazyLock<Lock<Vec<Weak<Slot>>, { rank::WATCHED }>> = LazyLock::new(Lock::default);
static ASLEEP: AtomicBool = AtomicBool::new(false);
/// `None` if the system has no thread for it.
static WATCHER: OnceLock<Option<Thread>> = OnceLock::new();

impl Slot {
    fn register() -> Arc<Self> {
        let slot = Arc::new(Self { sequence: AtomicU64::new(0), code: Lock::default() });
        let watcher = WATCHER.get_or_init(|| {
            let watcher = thread::Builder::new().name("parlor-watcher".to_owned()).spawn(watch);
            let log = |error| tracing::warn!(%error, "code that blocks is not logged: no thread");
            watcher.map_err(log).ok().map(|watcher| watcher.thread().clone())
        });
        // Only the watcher empties it.
        if watcher.is_some() {
            NEW_SLOTS.lock().push(Arc::downgrade(&slot));
        }
        slot
    }
}

/// Marks this thread while it runs code of the user.
struct Running(());

impl Running {
    /// Returns `None` within other code of the user, and on a thread that ends.
    fn begin(code: UserCode) -> Option<Self> {
        let begun = SLOT.try_with(|slot| {
            let sequence = slot.sequence.load(Ordering::Relaxed);
            if sequence % 2 == 1 {
                return None;
            }
            *slot.code.lock() = Some(code);
            slot.sequence.store(sequence + 1, Ordering::Release);
            Some(Self(()))
        });
        if ASLEEP.load(Ordering::Relaxed) {
            wake_watcher();
        }
        begun.ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = SLOT.try_with(|slot| {
            let sequence = slot.sequence.load(Ordering::Relaxed);
            slot.sequence.store(sequence + 1, Ordering::Release);
        });
    }
}

#[cold]
fn wake_watcher() {
    if ASLEEP.swap(false, Ordering::AcqRel)
        && let Some(Some(watcher)) = WATCHER.get()
    {
        watcher.unpark();
    }
}

/// What the watcher has seen of one thread.
struct Seen {
    slot: Weak<Slot>,
    sequence: u64,
    since: Instant,
    is_logged: bool,
}

const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// How long nothing runs before the watcher sleeps.
const IDLE_LOOK: Duration = Duration::from_millis(100);

/// The shortest bound of all procedures, in nanoseconds.
static SHORTEST_BOUND: AtomicU64 = AtomicU64::new(u64::MAX);

/// A procedure has this bound: the watcher looks often enough for it from here on.
pub(crate) fn add_bound(bound: Duration) {
    let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    if SHORTEST_BOUND.fetch_min(nanos, Ordering::Relaxed) > nanos
        && let Some(Some(watcher)) = WATCHER.get()
    {
        watcher.unpark();
    }
}

/// The time between two looks.
fn time_to_look() -> Duration {
    let bound = Duration::from_nanos(SHORTEST_BOUND.load(Ordering::Relaxed));
    (bound / 4).clamp(SHORTEST_LOOK, LONGEST_LOOK)
}

fn watch() {
    let mut threads = Vec::new();
    let mut was_idle = false;
    loop {
        let is_idle = !look(&mut threads);
        if is_idle && was_idle && ASLEEP.load(Ordering::Acquire) {
            thread::park();
            was_idle = false;
            continue;
        }
        ASLEEP.store(is_idle, Ordering::Release);
        was_idle = is_idle;
        thread::park_timeout(if is_idle { IDLE_LOOK } else { time_to_look() });
    }
}

/// Logs what has kept its thread for too long. Returns whether anything has run since the last look.
fn look(threads: &mut Vec<Seen>) -> bool {
    let now = Instant::now();
    let new = std::mem::take(&mut *NEW_SLOTS.lock());
    threads.extend(new.into_iter().map(|slot| Seen {
        slot,
        sequence: 0,
        since: now,
        is_logged: false,
    }));
    let mut has_run = false;
    threads.retain_mut(|seen| {
        let Some(slot) = seen.slot.upgrade() else { return false };
        let sequence = slot.sequence.load(Ordering::Acquire);
        let has_changed = sequence != seen.sequence;
        if has_changed {
            (seen.sequence, seen.since, seen.is_logged) = (sequence, now, false);
        }
        let is_running = sequence % 2 == 1;
        has_run |= is_running || has_changed;
        if !is_running || seen.is_logged {
            return true;
        }
        let code = *slot.code.lock();
        if let Some(code) = code
            && let Some(bound) = code.bound
            && now - seen.since >= bound
            && slot.sequence.load(Ordering::Acquire) == sequence
        {
            seen.is_logged = true;
            // The subscriber is the user's. Without the watcher nothing more would be logged.
            let _ = catch_unwind(AssertUnwindSafe(|| code.log(bound)));
        }
        true
    });
    has_run
}

impl UserCode {
    fn log(&self, bound: Duration) {
        let Self { name, procedure, id, .. } = self;
        let id = id.map(tracing::field::display);
        let event = name.event();
        tracing::warn!(
            procedure,
            event,
            id,
            "{name} has kept its thread for more than {bound:?} without waiting at an `.await`: what it \
             has emitted is not sent, and other sessions on the thread wait, unless it runs in \
             `block_in_place`. Use `spawn_blocking` or `Socket::flush`; the bound is \
             `Timeouts::blocking_warning`"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watcher_looks_four_times_within_shortest_bound_of_all_procedures() {
        // Shorter than those of other tests, which share it.
        for (bound, expected) in [(40, 10_000), (4_000, 10_000), (8, 2_000), (1, 1_000)] {
            add_bound(Duration::from_millis(bound));
            assert_eq!(time_to_look(), Duration::from_micros(expected), "{bound} ms");
        }
    }
}
