//! A session whose resume slot, connections, task and client are modelled.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};

use crate::disconnect_reason::DisconnectReason;
use crate::session::options::SessionOptions;
use crate::session::outbox::{FollowUp, Outbox, PushPolicy, Sleep};
use crate::session::signals::{Ending, Signal, Signals};
use crate::session::writer::WriteHalf;

/// The state that a session's task shares with other threads.
pub(super) struct Shared {
    pub(super) outbox: Outbox<Half>,
    pub(super) signals: Signals,
    /// The resume slot: a new connection, and the number of frames that its client has received.
    resume_slot: Mutex<Option<(Half, u64)>>,
}

/// One connection. Frames are one byte each.
#[derive(Clone)]
pub(super) struct Half(Arc<(Mutex<Connection>, Condvar)>);

#[derive(Default)]
struct Connection {
    written: Vec<u8>,
    /// How many bytes the transport takes before it blocks once.
    capacity: Option<usize>,
    taken_back: bool,
    waker: Option<Waker>,
}

impl Half {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let connection = Connection { capacity, ..Connection::default() };
        Self(Arc::new((Mutex::new(connection), Condvar::new())))
    }

    fn with<T>(&self, see: impl FnOnce(&mut Connection) -> T) -> T {
        see(&mut self.0.0.lock().expect("not poisoned"))
    }

    pub(super) fn written(&self) -> Vec<u8> {
        self.with(|connection| connection.written.clone())
    }

    /// The client waits until it has received `count` frames, or the connection is lost.
    pub(super) fn receive(&self, count: usize) -> Vec<u8> {
        let (connection, has_written) = &*self.0;
        let mut connection = connection.lock().expect("not poisoned");
        while connection.written.len() < count && !connection.taken_back {
            connection = has_written.wait(connection).expect("not poisoned");
        }
        connection.written.clone()
    }

    /// The client reads what blocks the transport.
    pub(super) fn unblock(&self) {
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
    pub(super) fn new(options: SessionOptions) -> Arc<Self> {
        Arc::new(Self {
            outbox: Outbox::new(&Arc::new(options), true),
            signals: Signals::default(),
            resume_slot: Mutex::new(None),
        })
    }

    /// Does what `Member::push` does. With `batch` the caller flushes the members that this returns.
    pub(super) fn push_as(&self, policy: PushPolicy, frame: u8, batch: bool) -> bool {
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

    pub(super) fn push(&self, frame: u8) {
        assert!(!self.push_as(PushPolicy::Reliable, frame, false));
    }

    /// Pushes as a task with a batch, then flushes the batch.
    pub(super) fn push_and_flush(&self, frames: &[u8]) {
        let mut queued = false;
        for frame in frames {
            queued |= self.push_as(PushPolicy::Reliable, *frame, true);
        }
        if queued {
            self.flush();
        }
    }

    pub(super) fn flush(&self) {
        if self.outbox.flush() {
            self.signals.wake();
        }
    }

    pub(super) fn resume(&self, half: Half, received: u64) {
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

/// A session with a task and one connection.
pub(super) fn session(
    options: SessionOptions,
    capacity: Option<usize>,
    has_flusher: bool,
) -> Session {
    let (shared, half) = (Shared::new(options), Half::new(capacity));
    let task = Task { has_flusher, ..Task::new(&shared, &half) }.spawn();
    Session { shared, half, task }
}

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) half: Half,
    task: JoinHandle<Ending>,
}

impl Session {
    /// Runs `act` on another thread.
    pub(super) fn spawn(&self, act: impl FnOnce(&Shared) + 'static) -> JoinHandle<()> {
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || act(&shared))
    }

    /// Ends the session, and returns why it has ended.
    pub(super) fn end(self) -> Ending {
        self.shared.signals.end(REQUESTED);
        self.task.join().expect("no panic")
    }

    /// The client resumes with what it has received, and receives the rest of `frames`. It does so
    /// again when the new connection is lost.
    pub(super) fn resume(&self, frames: &[u8]) {
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

pub(super) const REQUESTED: Ending = Ending::Requested(DisconnectReason::Disconnected);
