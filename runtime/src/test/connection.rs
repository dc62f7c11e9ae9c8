use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::task::AtomicWaker;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::Side;
use crate::lock::{Lock, rank};

/// How a connection transfers bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    pub(super) stalled: bool,
    pub(super) delay: Duration,
    /// Maximum bytes per read or write.
    pub(super) trickle: usize,
    /// Maximum bytes per direction that are written and not read.
    pub(super) buffer: usize,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { stalled: false, delay: Duration::ZERO, trickle: usize::MAX, buffer: 64 << 10 }
    }
}

/// An in-memory connection, shared by its two ends.
pub(super) struct Connection {
    state: Lock<State, { rank::TEST_CONNECTION }>,
    /// Outside the lock, because a waker that is woken, cloned or dropped may take the lock.
    client: Wakers,
    server: Wakers,
}

#[derive(Default)]
struct Wakers {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

struct State {
    conditions: Conditions,
    to_server: Direction,
    to_client: Direction,
}

#[derive(Default)]
struct Direction {
    /// Bytes that are written and not read, with the time of their arrival.
    in_flight: VecDeque<(Instant, Bytes)>,
    /// The size of `in_flight`, plus the bytes that were lost when the connection was severed.
    used: usize,
    /// What the reader gets after all bytes, and the time of its arrival.
    end: Option<(Instant, DirectionEnd)>,
    /// The time from which writes fail because the reading end was dropped.
    writes_fail_at: Option<Instant>,
    /// Written bytes are lost.
    severed: bool,
    reads_fail: bool,
    writes_fail: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DirectionEnd {
    /// End of file: the writer has shut down or was dropped.
    Eof,
    /// The writer was dropped with unread bytes.
    Reset,
}

pub(super) enum ReadState {
    /// Bytes, or the end of file.
    Ready,
    Pending,
    ReadyAt(Instant),
}

impl Connection {
    pub(super) fn new(conditions: Conditions) -> Self {
        let state =
            State { conditions, to_server: Direction::default(), to_client: Direction::default() };
        Self { state: Lock::new(state), client: Wakers::default(), server: Wakers::default() }
    }

    /// `delay` affects only bytes that are written later.
    pub(super) fn set_conditions(&self, conditions: Conditions) {
        self.state.lock().conditions = conditions;
        self.wake_all();
    }

    /// Loses the bytes in flight and all later ones. Both sides get an error, except `unaware`.
    pub(super) fn cut(&self, unaware: Option<Side>) {
        let mut state = self.state.lock();
        for side in [Side::Client, Side::Server] {
            let (outgoing, _) = state.directions(side);
            outgoing.sever();
            outgoing.writes_fail |= unaware != Some(side);
            outgoing.reads_fail |= unaware != Some(side.other());
        }
        drop(state);
        self.wake_all();
    }

    /// `side` writes no more.
    pub(super) fn shut_down(&self, side: Side) {
        let mut state = self.state.lock();
        let arrives = Instant::now() + state.conditions.delay;
        let (outgoing, _) = state.directions(side);
        outgoing.end.get_or_insert((arrives, DirectionEnd::Eof));
        drop(state);
        self.wake_all();
    }

    /// `side` neither writes nor reads any more.
    pub(super) fn close(&self, side: Side) {
        let mut state = self.state.lock();
        let arrives = Instant::now() + state.conditions.delay;
        let (outgoing, incoming) = state.directions(side);
        let end = if incoming.used == 0 { DirectionEnd::Eof } else { DirectionEnd::Reset };
        outgoing.end.get_or_insert((arrives, end));
        incoming.writes_fail_at = Some(arrives);
        drop(state);
        self.wake_all();
    }

    pub(super) fn poll_write(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wakers(side).writer.register(cx.waker());
        let mut state = self.state.lock();
        let Conditions { stalled, delay, trickle, buffer } = state.conditions;
        let now = Instant::now();
        let (outgoing, _) = state.directions(side);
        let is_closed = outgoing.writes_fail_at.is_some_and(|time| time <= now);
        if outgoing.writes_fail || (is_closed && !stalled && !outgoing.severed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if outgoing.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let free = buffer.max(1).saturating_sub(outgoing.used);
        let count = bytes.len().min(trickle.max(1)).min(free);
        let Some(written) = bytes.get(..count).filter(|written| !written.is_empty()) else {
            if bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            return Poll::Pending;
        };
        outgoing.used += count;
        if !outgoing.severed {
            // Bytes stay in order when the delay becomes shorter.
            let last = outgoing.in_flight.back().map_or(now, |(arrives, _)| *arrives);
            outgoing.in_flight.push_back((last.max(now + delay), Bytes::copy_from_slice(written)));
        }
        drop(state);
        self.wakers(side.other()).reader.wake();
        Poll::Ready(Ok(count))
    }

    /// Returns when writes of `side` start to fail, if the other side has closed and this time is
    /// in the future.
    pub(super) fn writes_fail_at(&self, side: Side) -> Option<Instant> {
        let mut state = self.state.lock();
        let (outgoing, _) = state.directions(side);
        outgoing.writes_fail_at.filter(|time| !outgoing.severed && *time > Instant::now())
    }

    /// Reads into `buffer`. Without one it only returns whether there is something to read.
    pub(super) fn poll_read(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        buffer: Option<&mut ReadBuf<'_>>,
    ) -> io::Result<ReadState> {
        self.wakers(side).reader.register(cx.waker());
        let mut state = self.state.lock();
        let Conditions { stalled, trickle, .. } = state.conditions;
        let (_, incoming) = state.directions(side);
        if incoming.reads_fail {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if stalled || incoming.severed {
            return Ok(ReadState::Pending);
        }
        let now = Instant::now();
        if let Some((arrives, bytes)) = incoming.in_flight.front_mut() {
            if *arrives > now {
                return Ok(ReadState::ReadyAt(*arrives));
            }
            if let Some(buffer) = buffer {
                let count = bytes.len().min(trickle.max(1)).min(buffer.remaining());
                buffer.put_slice(&bytes.split_to(count));
                let is_empty = bytes.is_empty();
                incoming.used -= count;
                if is_empty {
                    incoming.in_flight.pop_front();
                }
                drop(state);
                self.wakers(side.other()).writer.wake();
            }
            return Ok(ReadState::Ready);
        }
        match incoming.end {
            Some((arrives, _)) if arrives > now => Ok(ReadState::ReadyAt(arrives)),
            Some((_, DirectionEnd::Eof)) => Ok(ReadState::Ready),
            Some((_, DirectionEnd::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
            None => Ok(ReadState::Pending),
        }
    }

    fn wakers(&self, side: Side) -> &Wakers {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn wake_all(&self) {
        for wakers in [&self.client, &self.server] {
            wakers.reader.wake();
            wakers.writer.wake();
        }
    }
}

impl State {
    /// Returns the direction that `side` writes and the one that it reads.
    fn directions(&mut self, side: Side) -> (&mut Direction, &mut Direction) {
        match side {
            Side::Client => (&mut self.to_server, &mut self.to_client),
            Side::Server => (&mut self.to_client, &mut self.to_server),
        }
    }
}

impl Direction {
    /// Loses the bytes in flight and all later ones. They keep their share of the buffer.
    fn sever(&mut self) {
        self.severed = true;
        self.in_flight.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    /// A waker that takes the lock of its connection.
    struct LockingWaker {
        connection: Arc<Connection>,
        wakes: AtomicUsize,
    }

    impl Wake for LockingWaker {
        fn wake(self: Arc<Self>) {
            self.connection.writes_fail_at(Side::Client);
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Registers a `LockingWaker` for a write or a read of the client, and returns how often `act`
    /// wakes it.
    fn wakes(write: bool, act: impl Fn(&Connection, &mut Context<'_>)) -> usize {
        let conditions = Conditions { buffer: 1, ..Conditions::default() };
        let connection = Arc::new(Connection::new(conditions));
        let locking = Arc::new(LockingWaker {
            connection: Arc::clone(&connection),
            wakes: AtomicUsize::new(0),
        });
        let waker = Waker::from(Arc::clone(&locking));
        let (mut client, mut other) =
            (Context::from_waker(&waker), Context::from_waker(Waker::noop()));
        if write {
            assert!(connection.poll_write(Side::Client, &mut other, b"x").is_ready());
            assert!(connection.poll_write(Side::Client, &mut client, b"x").is_pending());
        } else {
            let state = connection.poll_read(Side::Client, &mut client, None);
            assert!(matches!(state, Ok(ReadState::Pending)));
        }
        act(&connection, &mut other);
        locking.wakes.load(Ordering::Relaxed)
    }

    #[test]
    fn waker_that_locks_its_connection_does_not_deadlock() {
        for write in [false, true] {
            let conditions = Conditions::default();
            assert_eq!(wakes(write, |connection, _| connection.set_conditions(conditions)), 1);
            assert_eq!(wakes(write, |connection, _| connection.cut(None)), 1);
            assert_eq!(wakes(write, |connection, _| connection.shut_down(Side::Server)), 1);
            assert_eq!(wakes(write, |connection, _| connection.close(Side::Server)), 1);
        }
        let write = |connection: &Connection, cx: &mut Context<'_>| {
            assert!(connection.poll_write(Side::Server, cx, b"x").is_ready());
        };
        assert_eq!(wakes(false, write), 1);
        let read = |connection: &Connection, cx: &mut Context<'_>| {
            let mut bytes = [0; 1];
            let state = connection.poll_read(Side::Server, cx, Some(&mut ReadBuf::new(&mut bytes)));
            assert!(matches!(state, Ok(ReadState::Ready)));
        };
        assert_eq!(wakes(true, read), 1);
    }
}
