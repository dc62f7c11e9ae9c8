//! A model of the interleavings of a session's task with other threads.
//!
//! `loom` runs each test once for every interleaving of its threads, up to a number of preemptions. The
//! outbox and the signals are the real ones; the resume slot, a connection, a session's task and its
//! client are modelled. Run it as `.ci/run` does:
//!
//! ```sh
//! RUSTFLAGS='--cfg parlor_model' LOOM_MAX_PREEMPTIONS=3 CARGO_TARGET_DIR=target/model \
//!     cargo test --profile model --package parlor --lib session::model
//! ```
//!
//! These hold in each interleaving:
//!
//! - No wake-up is lost: a task that is never woken although it has work is a deadlock, which loom
//!   reports.
//! - Each connection gets the frames after those that its client has received, each once and in order.
//! - A client acknowledges a prefix of these. A resume request with another number fails.
//! - Nothing is written to a writer that was taken back ([`Half::try_write`]).
//! - A lock is taken only while no lock of its rank or a higher one is held (`crate::lock` asserts it).

use std::future::poll_fn;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};

use super::closures::Closures;
use super::options::{Limits, Recovery, SessionOptions};
use super::outbox::{FollowUp, Outbox, PushPolicy, Sleep};
use super::signals::{Ending, Signal, Signals};
use super::writer::WriteHalf;
use crate::disconnect_reason::DisconnectReason;

/// The state that a session's task shares with other threads.
struct Shared {
    outbox: Outbox<Half>,
    signals: Signals,
    /// The resume slot: a new connection, and the number of frames that its client has received.
    resume_slot: Mutex<Option<(Half, u64)>>,
}

/// One connection. Frames are one byte each.
#[derive(Clone)]
struct Half(Arc<(Mutex<Connection>, Condvar)>);

#[derive(Default)]
struct Connection {
    written: Vec<u8>,
    /// How many bytes the transport takes before it blocks once.
    capacity: Option<usize>,
    taken_back: bool,
    waker: Option<Waker>,
}

impl Half {
    fn new(capacity: Option<usize>) -> Self {
        let connection = Connection { capacity, ..Connection::default() };
        Self(Arc::new((Mutex::new(connection), Condvar::new())))
    }

    fn with<T>(&self, see: impl FnOnce(&mut Connection) -> T) -> T {
        see(&mut self.0.0.lock().expect("not poisoned"))
    }

    fn written(&self) -> Vec<u8> {
        self.with(|connection| connection.written.clone())
    }

    /// The client waits until it has received `count` frames, or the connection is lost.
    fn receive(&self, count: usize) -> Vec<u8> {
        let (connection, has_written) = &*self.0;
        let mut connection = connection.lock().expect("not poisoned");
        while connection.written.len() < count && !connection.taken_back {
            connection = has_written.wait(connection).expect("not poisoned");
        }
        connection.written.clone()
    }

    /// The client reads what blocks the transport.
    fn unblock(&self) {
        let waker = self.with(|connection| {
            connection.capacity = None;
            connection.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl WriteHalf for Half {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|connection| {
            assert!(!connection.taken_back, "written to a writer that was taken back");
            let count = connection.capacity.map_or(bytes.len(), |left| left.min(bytes.len()));
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            connection.capacity = connection.capacity.map(|left| left - count);
            connection.written.extend_from_slice(&bytes[..count]);
            self.0.1.notify_all();
            Ok(count)
        })
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|connection| {
            if connection.capacity == Some(0) {
                connection.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl Shared {
    fn new(options: SessionOptions) -> Arc<Self> {
        Arc::new(Self {
            outbox: Outbox::new(&Arc::new(options), true),
            signals: Signals::default(),
            resume_slot: Mutex::new(None),
        })
    }

    /// Does what `Member::push` does. With `batch` the caller flushes the members that this returns.
    fn push_as(&self, policy: PushPolicy, frame: u8, batch: bool) -> bool {
        let pushed = self.outbox.push(policy, [frame].as_slice(), batch).expect("small");
        match pushed.follow_up {
            FollowUp::Nothing | FollowUp::FlushSoon => {}
            FollowUp::Wake => self.signals.wake(),
            FollowUp::Batch => return true,
            FollowUp::CloseConnection => self.signals.raise(Signal::TooSlow),
            FollowUp::EndSession => self.signals.end(Ending::Overflow),
        }
        false
    }

    fn push(&self, frame: u8) {
        assert!(!self.push_as(PushPolicy::Reliable, frame, false));
    }

    /// Pushes as a task with a batch, then flushes the batch.
    fn push_and_flush(&self, frames: &[u8]) {
        let mut queued = false;
        for frame in frames {
            queued |= self.push_as(PushPolicy::Reliable, *frame, true);
        }
        if queued {
            self.flush();
        }
    }

    fn flush(&self) {
        if self.outbox.flush() {
            self.signals.wake();
        }
    }

    fn resume(&self, half: Half, received: u64) {
        *self.resume_slot.lock().expect("not poisoned") = Some((half, received));
        self.signals.raise(Signal::Resume);
    }
}

/// Does with the real outbox and signals what `Driver` does with them.
struct Task {
    shared: Arc<Shared>,
    connection: Option<Half>,
    /// The flusher of this thread has the member, if it sleeps with something pending.
    has_flusher: bool,
}

impl Task {
    fn new(shared: &Arc<Shared>, connection: &Half) -> Self {
        shared.outbox.lend(connection.clone());
        let (shared, connection) = (Arc::clone(shared), Some(connection.clone()));
        Self { shared, connection, has_flusher: false }
    }

    /// Runs on its own thread until the session ends.
    fn spawn(mut self) -> JoinHandle<Ending> {
        thread::spawn(move || {
            let ending = block_on(poll_fn(|cx| self.poll(cx)));
            self.shared.signals.unregister();
            ending
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let shared = Arc::clone(&self.shared);
        shared.signals.register(cx.waker());
        shared.outbox.wake_up();
        if shared.signals.is_raised() {
            let raised = shared.signals.take();
            if let Some(ending) = shared.signals.ending() {
                self.detach();
                return Poll::Ready(ending);
            }
            if raised.has(Signal::TooSlow) {
                self.detach();
            }
            if raised.has(Signal::Resume) {
                self.attach();
            }
        }
        self.rest(cx);
        Poll::Pending
    }

    /// Before the task sleeps.
    fn rest(&mut self, cx: &mut Context<'_>) {
        let outbox = &self.shared.outbox;
        if self.connection.is_none() {
            return outbox.block(0);
        }
        if self.has_flusher {
            match outbox.sleep_if_batched() {
                Sleep::Asleep => return,
                Sleep::Batched => return self.shared.flush(),
                Sleep::Awake => {}
            }
        }
        outbox.write(cx).expect("no error");
    }

    fn detach(&mut self) {
        if let Some(connection) = self.connection.take() {
            let detached = self.shared.outbox.detach();
            let (half, _) = detached.writer.expect("it was lent");
            half.with(|connection| connection.taken_back = true);
            half.0.1.notify_all();
            assert!(Arc::ptr_eq(&half.0, &connection.0));
        }
    }

    /// A resume request is granted, and its connection attached.
    fn attach(&mut self) {
        let connected = self.shared.resume_slot.lock().expect("not poisoned").take();
        if let Some((half, received)) = connected {
            // Confirmed while the old connection is still lent, as `Driver::grant` does.
            self.shared.outbox.confirm(received).expect("it was sent");
            self.detach();
            self.shared.outbox.attach();
            self.shared.outbox.lend(half.clone());
            self.connection = Some(half);
        }
    }
}

/// Limits the preemptions per run, unless `LOOM_MAX_PREEMPTIONS` is set.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(run);
}

/// A session with a task and one connection.
fn session(options: SessionOptions, capacity: Option<usize>, has_flusher: bool) -> Session {
    let (shared, half) = (Shared::new(options), Half::new(capacity));
    let task = Task { has_flusher, ..Task::new(&shared, &half) }.spawn();
    Session { shared, half, task }
}

struct Session {
    shared: Arc<Shared>,
    half: Half,
    task: JoinHandle<Ending>,
}

impl Session {
    /// Runs `act` on another thread.
    fn spawn(&self, act: impl FnOnce(&Shared) + 'static) -> JoinHandle<()> {
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || act(&shared))
    }

    /// Ends the session, and returns why it has ended.
    fn end(self) -> Ending {
        self.shared.signals.end(REQUESTED);
        self.task.join().expect("no panic")
    }

    /// The client resumes with what it has received, and receives the rest of `frames`. It does so
    /// again when the new connection is lost.
    fn resume(&self, frames: &[u8]) {
        let mut received = self.half.with(|connection| connection.written.len());
        let mut half = self.half.clone();
        while received < frames.len() {
            let before = mem::replace(&mut half, Half::new(None));
            self.shared.resume(half.clone(), received as u64);
            let rest = half.receive(frames.len() - received);
            assert!(frames[received..].starts_with(&rest), "{received} and then {rest:?}");
            received += rest.len();
            let written = before.written();
            assert!(frames.ends_with(&written) || frames.starts_with(&written), "{written:?}");
        }
    }
}

const REQUESTED: Ending = Ending::Requested(DisconnectReason::Disconnected);

#[test]
fn pushed_frames_wake_the_task() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        let pusher = session.spawn(|shared| {
            shared.push(1);
            shared.push(2);
        });
        assert_eq!(session.half.receive(2), [1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn two_batches_write_each_frame_once() {
    for has_flusher in [false, true] {
        model(move || {
            let session = session(SessionOptions::default(), None, has_flusher);
            let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
            session.shared.push_and_flush(&[3]);
            let mut written = session.half.receive(3);
            written.retain(|frame| *frame != 3);
            assert_eq!(written, [1, 2]);
            pusher.join().expect("no panic");
            assert_eq!(session.end(), REQUESTED);
        });
    }
}

#[test]
fn blocked_transport_wakes_the_task() {
    model(|| {
        let session = session(SessionOptions::default(), Some(1), false);
        let pusher = session.spawn(|shared| {
            shared.push_and_flush(&[1, 2]);
            shared.push_and_flush(&[3]);
        });
        session.half.unblock();
        assert_eq!(session.half.receive(3), [1, 2, 3]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn uncounted_frame_is_written_at_the_in_flight_limit() {
    model(|| {
        // The in-flight limit is one frame.
        let recovery = Recovery { max_replay_frames: 1, ..Recovery::default() };
        let options = SessionOptions { recovery, ..SessionOptions::default() };
        let session = session(options, None, false);
        let pusher = session.spawn(|shared| {
            shared.push_and_flush(&[1]);
            assert!(!shared.push_as(PushPolicy::Uncounted, 9, true));
        });
        let mut written = session.half.receive(2);
        written.sort_unstable();
        assert_eq!(written, [1, 9]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn resumed_client_gets_the_rest_while_a_batch_is_flushed() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        let pusher = session.spawn(|shared| {
            shared.push_and_flush(&[1]);
            shared.push_and_flush(&[2]);
        });
        // It has received the first frame, so the task sleeps and a batch may have the second.
        session.half.receive(1);
        session.resume(&[1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn resumed_client_gets_the_rest_while_two_batches_are_flushed() {
    model(|| {
        let session = session(SessionOptions::default(), None, true);
        session.shared.push(1);
        let flusher = session.spawn(Shared::flush);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[2]));
        session.resume(&[1, 2]);
        flusher.join().expect("no panic");
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn twice_resumed_client_gets_the_rest() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
        // The first answer never reaches it.
        session.shared.resume(Half::new(None), 0);
        session.resume(&[1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn slow_client_resumes_and_gets_the_rest() {
    model(|| {
        let limits = Limits { max_outbox_size: 1, ..Limits::default() };
        let options = SessionOptions { limits, ..SessionOptions::default() };
        let session = session(options, Some(0), false);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
        session.resume(&[1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn evicted_session_ends_even_if_its_client_resumes() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        session.shared.signals.raise(Signal::TooSlow);
        let evictor = session.spawn(|shared| {
            if shared.outbox.discard().is_some() {
                shared.signals.end(Ending::Evicted);
            }
        });
        session.shared.resume(Half::new(None), 0);
        evictor.join().expect("no panic");
        let ending = session.end();
        assert!(matches!(ending, Ending::Evicted | REQUESTED));
    });
}

#[test]
fn session_ends_while_frames_are_pushed_and_flushed() {
    model(|| {
        let session = session(SessionOptions::default(), None, true);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
        let shared = Arc::clone(&session.shared);
        assert_eq!(session.end(), REQUESTED);
        shared.signals.end(Ending::Overflow);
        assert_eq!(shared.signals.ending(), Some(REQUESTED), "the first reason stands");
        pusher.join().expect("no panic");
    });
}

#[test]
fn closure_is_run_or_dropped_while_session_ends() {
    model(|| {
        let shared = Arc::new((Closures::default(), Signals::default()));
        let captured = Arc::new(());
        let (adder, ender) = (Arc::clone(&shared), Arc::clone(&shared));
        let in_closure = Arc::clone(&captured);
        let adder = thread::spawn(move || {
            if adder.0.push(Box::new(move |_| drop(in_closure)), 8).is_ok() {
                adder.1.raise(Signal::Closure);
            }
        });
        let ender = thread::spawn(move || ender.1.end(REQUESTED));
        let task = poll_fn(|cx| {
            shared.1.register(cx.waker());
            if shared.1.take().has(Signal::Closure)
                && let Some(closure) = shared.0.pop()
            {
                closure(&mut ());
            }
            if shared.1.ending().is_none() {
                return Poll::Pending;
            }
            shared.0.close();
            Poll::Ready(())
        });
        block_on(task);
        adder.join().expect("no panic");
        ender.join().expect("no panic");
        assert_eq!(Arc::strong_count(&captured), 1, "it still waits");
    });
}

#[test]
fn closure_wakes_session() {
    model(|| {
        let shared = Arc::new((Closures::default(), Signals::default()));
        let adder = Arc::clone(&shared);
        let adder = thread::spawn(move || {
            assert!(adder.0.push(Box::new(|_| {}), 8).is_ok());
            adder.1.raise(Signal::Closure);
        });
        block_on(poll_fn(|cx| {
            shared.1.register(cx.waker());
            let is_due = shared.1.take().has(Signal::Closure);
            if is_due && shared.0.pop().is_some() { Poll::Ready(()) } else { Poll::Pending }
        }));
        adder.join().expect("no panic");
    });
}
