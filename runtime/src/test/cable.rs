//! One connection: bytes under way in both directions, and what goes wrong with them.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::Side;
use crate::lock::{Lock, rank};

/// How a connection carries its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    pub(super) stalled: bool,
    pub(super) delay: Duration,
    /// The most bytes that are read or written at once.
    pub(super) trickle: usize,
    /// The most bytes that are under way in one direction.
    pub(super) buffer: usize,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { stalled: false, delay: Duration::ZERO, trickle: usize::MAX, buffer: 64 << 10 }
    }
}

/// What both ends of a connection share.
pub(super) struct Cable {
    state: Lock<State, { rank::TEST_CABLE }>,
    /// Outside the lock: a waker that is woken, cloned or dropped may come back.
    client: Wakers,
    server: Wakers,
}

/// Those of one side.
#[derive(Default)]
struct Wakers {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

struct State {
    conditions: Conditions,
    to_server: Way,
    to_client: Way,
}

/// One direction.
#[derive(Default)]
struct Way {
    /// What was written and not read, each with the time of its arrival.
    sent: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// What follows all that was written.
    end: Option<(Instant, Last)>,
    /// When the writer hears that nobody reads any more.
    unread: Option<Instant>,
    /// Nothing arrives any more.
    severed: bool,
    /// The reader, or the writer, knows that the connection is broken.
    reader_knows: bool,
    writer_knows: bool,
}

/// How the bytes of a direction end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The writer has said all that it had to say.
    Shut,
    /// It has gone without reading all that was sent to it.
    Reset,
}

/// What reading found.
pub(super) enum Found {
    Something,
    Nothing,
    /// Nothing before this time.
    NotBefore(Instant),
}

impl Cable {
    pub(super) fn new(conditions: Conditions) -> Self {
        let state = State { conditions, to_server: Way::default(), to_client: Way::default() };
        Self { state: Lock::new(state), client: Wakers::default(), server: Wakers::default() }
    }

    /// Changes how it carries what is written from now on, and what is under way if it is or was
    /// stalled.
    pub(super) fn change(&self, conditions: Conditions) {
        self.state.lock().conditions = conditions;
        self.wake_all();
    }

    /// Breaks it. `unaware` does not notice; without one, both sides do.
    pub(super) fn cut(&self, unaware: Option<Side>) {
        let mut state = self.state.lock();
        for side in [Side::Client, Side::Server] {
            let (outgoing, _) = state.of(side);
            outgoing.sever();
            outgoing.writer_knows |= unaware != Some(side);
            outgoing.reader_knows |= unaware != Some(side.other());
        }
        drop(state);
        self.wake_all();
    }

    /// `side` has said its last word.
    pub(super) fn shut(&self, side: Side) {
        let mut state = self.state.lock();
        let arrives = Instant::now() + state.conditions.delay;
        let (way, _) = state.of(side);
        way.end.get_or_insert((arrives, Last::Shut));
        drop(state);
        self.wake_all();
    }

    /// `side` has gone: what is sent to it from now on, or was not read, is not received.
    pub(super) fn leave(&self, side: Side) {
        let mut state = self.state.lock();
        let arrives = Instant::now() + state.conditions.delay;
        let (outgoing, incoming) = state.of(side);
        let last = if incoming.bytes == 0 { Last::Shut } else { Last::Reset };
        outgoing.end.get_or_insert((arrives, last));
        incoming.unread = Some(arrives);
        drop(state);
        self.wake_all();
    }

    /// Writes some of `bytes` for `side`.
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
        let (way, _) = state.of(side);
        let refused = !stalled && !way.severed && way.unread.is_some_and(|since| since <= now);
        if way.writer_knows || refused {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if way.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(trickle.max(1)).min(buffer.max(1).saturating_sub(way.bytes));
        let Some(written) = bytes.get(..count).filter(|written| !written.is_empty()) else {
            if bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            return Poll::Pending;
        };
        way.bytes += count;
        if !way.severed {
            // A shorter delay lets nothing overtake.
            let last = way.sent.back().map_or(now, |(arrives, _)| *arrives);
            way.sent.push_back((last.max(now + delay), Bytes::copy_from_slice(written)));
        }
        drop(state);
        self.wakers(side.other()).reader.wake();
        Poll::Ready(Ok(count))
    }

    /// When `side`, whose bytes nobody reads any more, is to hear of it, if that is yet to come.
    pub(super) fn will_refuse(&self, side: Side) -> Option<Instant> {
        let mut state = self.state.lock();
        let (way, _) = state.of(side);
        way.unread.filter(|since| !way.severed && *since > Instant::now())
    }

    /// Reads for `side` into `buffer`, or only looks whether there is anything.
    pub(super) fn poll_read(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        buffer: Option<&mut ReadBuf<'_>>,
    ) -> io::Result<Found> {
        self.wakers(side).reader.register(cx.waker());
        let mut state = self.state.lock();
        let Conditions { stalled, trickle, .. } = state.conditions;
        let (_, way) = state.of(side);
        if way.reader_knows {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if stalled || way.severed {
            return Ok(Found::Nothing);
        }
        let now = Instant::now();
        if let Some((arrives, bytes)) = way.sent.front_mut() {
            if *arrives > now {
                return Ok(Found::NotBefore(*arrives));
            }
            if let Some(buffer) = buffer {
                let count = bytes.len().min(trickle.max(1)).min(buffer.remaining());
                buffer.put_slice(&bytes.split_to(count));
                let is_read = bytes.is_empty();
                way.bytes -= count;
                if is_read {
                    way.sent.pop_front();
                }
                drop(state);
                self.wakers(side.other()).writer.wake();
            }
            return Ok(Found::Something);
        }
        match way.end {
            Some((arrives, _)) if arrives > now => Ok(Found::NotBefore(arrives)),
            Some((_, Last::Shut)) => Ok(Found::Something),
            Some((_, Last::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
            None => Ok(Found::Nothing),
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
    /// The directions that `side` writes to and reads from.
    fn of(&mut self, side: Side) -> (&mut Way, &mut Way) {
        match side {
            Side::Client => (&mut self.to_server, &mut self.to_client),
            Side::Server => (&mut self.to_client, &mut self.to_server),
        }
    }
}

impl Way {
    /// Loses what is under way, and all that is written from now on: it fills the writer's buffer.
    fn sever(&mut self) {
        self.severed = true;
        self.sent.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    /// Looks at its cable when it is woken.
    struct Looks {
        cable: Arc<Cable>,
        times: AtomicUsize,
    }

    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            self.cable.will_refuse(Side::Client);
            self.times.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often a waker of the client that waits to `write`, or to read, looks at the cable when
    /// `act` wakes it.
    fn looks(write: bool, act: impl Fn(&Cable, &mut Context<'_>)) -> usize {
        let conditions = Conditions { buffer: 1, ..Conditions::default() };
        let cable = Arc::new(Cable::new(conditions));
        let looks = Arc::new(Looks { cable: Arc::clone(&cable), times: AtomicUsize::new(0) });
        let waker = Waker::from(Arc::clone(&looks));
        let (mut client, mut other) =
            (Context::from_waker(&waker), Context::from_waker(Waker::noop()));
        if write {
            assert!(cable.poll_write(Side::Client, &mut other, b"x").is_ready());
            assert!(cable.poll_write(Side::Client, &mut client, b"x").is_pending());
        } else {
            let found = cable.poll_read(Side::Client, &mut client, None);
            assert!(matches!(found, Ok(Found::Nothing)));
        }
        act(&cable, &mut other);
        looks.times.load(Ordering::Relaxed)
    }

    #[test]
    fn waker_that_looks_at_its_cable_does_not_deadlock() {
        for write in [false, true] {
            assert_eq!(looks(write, |cable, _| cable.change(Conditions::default())), 1);
            assert_eq!(looks(write, |cable, _| cable.cut(None)), 1);
            assert_eq!(looks(write, |cable, _| cable.shut(Side::Server)), 1);
            assert_eq!(looks(write, |cable, _| cable.leave(Side::Server)), 1);
        }
        let wrote = |cable: &Cable, cx: &mut Context<'_>| {
            assert!(cable.poll_write(Side::Server, cx, b"x").is_ready());
        };
        assert_eq!(looks(false, wrote), 1);
        let read = |cable: &Cable, cx: &mut Context<'_>| {
            let mut bytes = [0; 1];
            let found = cable.poll_read(Side::Server, cx, Some(&mut ReadBuf::new(&mut bytes)));
            assert!(matches!(found, Ok(Found::Something)));
        };
        assert_eq!(looks(true, read), 1);
    }
}
