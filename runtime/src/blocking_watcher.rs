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
//! | [`ASLEEP`]: the watcher sleeps, or is about to | the watcher sets it; a thread clears it and wakes the watcher | both |
//!
//! A thread reads no clock and takes one lock, for which nothing else waits but the watcher.
//!
//! # Why the watcher is woken
//!
//! While it watches, it looks each quarter of the shortest bound. When nothing runs and nothing has run
//! since its last look, it sets `ASLEEP`, waits for one more look, and sleeps only if still nothing has
//! run. A thread makes its sequence odd, then reads `ASLEEP`, without a fence between the two: that
//! costs too much per poll. A thread that does not read the new `ASLEEP` has written its sequence before
//! or at about the same time, and the watcher reads that sequence a whole look later. So an idle process
//! is never woken.
//!
//! [`Timeouts::blocking_warning`]: crate::server::Timeouts::blocking_warning

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::lock::{Lock, rank};
use crate::socket_id::SocketId;

/// Code of the user that Parlor calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserCode {
    pub(crate) name: Name,
    pub(crate) procedure: Option<&'static str>,
    pub(crate) id: Option<SocketId>,
    /// How long it may keep its thread. `None`: it is not watched.
    pub(crate) bound: Option<Duration>,
}

/// The name of some code of the user, for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The handler of an event.
    Handler(&'static str),
    /// Other code.
    Other(&'static str),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(event) => write!(f, "the handler of `{event}`"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

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
        NEW_SLOTS.lock().push(Arc::downgrade(&slot));
        WATCHER.get_or_init(|| {
            let watcher = thread::Builder::new().name("parlor-watcher".to_owned()).spawn(watch);
            let log = |error| tracing::warn!(%error, "code that blocks is not logged: no thread");
            watcher.map_err(log).ok().map(|watcher| watcher.thread().clone())
        });
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

/// The longest and the shortest time between two looks.
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));

fn watch() {
    let mut threads = Vec::new();
    let mut was_idle = false;
    loop {
        let look = look(&mut threads);
        let is_idle = look.is_none();
        if is_idle && was_idle && ASLEEP.load(Ordering::Acquire) {
            thread::park();
            was_idle = false;
            continue;
        }
        ASLEEP.store(is_idle, Ordering::Release);
        was_idle = is_idle;
        thread::park_timeout(look.unwrap_or(LOOKS.1 / 10));
    }
}

/// Logs what has kept its thread for too long. Returns the time until the next look, or `None` if
/// nothing has run since the last one.
fn look(threads: &mut Vec<Seen>) -> Option<Duration> {
    let now = Instant::now();
    let new = std::mem::take(&mut *NEW_SLOTS.lock());
    threads.extend(new.into_iter().map(|slot| Seen {
        slot,
        sequence: 0,
        since: now,
        is_logged: false,
    }));
    let mut next: Option<Duration> = None;
    threads.retain_mut(|seen| {
        let Some(slot) = seen.slot.upgrade() else { return false };
        let sequence = slot.sequence.load(Ordering::Acquire);
        let has_changed = sequence != seen.sequence;
        if has_changed {
            (seen.sequence, seen.since, seen.is_logged) = (sequence, now, false);
        }
        let is_running = sequence % 2 == 1;
        if !is_running && !has_changed {
            return true;
        }
        let code = *slot.code.lock();
        let Some((code, bound)) = code.and_then(|code| Some((code, code.bound?))) else {
            return true;
        };
        let look = (bound / 4).clamp(LOOKS.0, LOOKS.1);
        next = Some(next.map_or(look, |next| next.min(look)));
        let is_late = is_running && !seen.is_logged && now - seen.since >= bound;
        if is_late && slot.sequence.load(Ordering::Acquire) == sequence {
            seen.is_logged = true;
            code.log(bound);
        }
        true
    });
    next
}

impl UserCode {
    fn log(&self, bound: Duration) {
        let Self { name, procedure, id, .. } = self;
        let id = id.map(tracing::field::display);
        let event = match name {
            Name::Handler(event) => Some(*event),
            Name::Other(_) => None,
        };
        tracing::warn!(
            procedure,
            event,
            id,
            "{name} has kept its thread for more than {bound:?} without an `.await`: other sessions on \
             the thread wait, and what it has emitted is not sent. Use `spawn_blocking` or \
             `Socket::flush`; the bound is `Timeouts::blocking_warning`"
        );
    }
}
