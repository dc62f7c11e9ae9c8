//! One connection: bytes under way in both directions, and what goes wrong with them.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
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
pub(super) struct Cable(Lock<State, { rank::TEST_CABLE }>);

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
    reader: Option<Waker>,
    writer: Option<Waker>,
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
        Self(Lock::new(state))
    }

    /// Changes how it carries what is written from now on, and what is under way if it is or was
    /// stalled.
    pub(super) fn change(&self, conditions: Conditions) {
        let mut state = self.0.lock();
        state.conditions = conditions;
        state.wake();
    }

    /// Breaks it. `unaware` does not notice; without one, both sides do.
    pub(super) fn cut(&self, unaware: Option<Side>) {
        let mut state = self.0.lock();
        for side in [Side::Client, Side::Server] {
            let (outgoing, _) = state.of(side);
            outgoing.sever();
            outgoing.writer_knows |= unaware != Some(side);
            outgoing.reader_knows |= unaware != Some(side.other());
        }
        state.wake();
    }

    /// `side` has said its last word.
    pub(super) fn shut(&self, side: Side) {
        let mut state = self.0.lock();
        let arrives = Instant::now() + state.conditions.delay;
        let (way, _) = state.of(side);
        way.end.get_or_insert((arrives, Last::Shut));
        state.wake();
    }

    /// `side` has gone: what is sent to it from now on, or was not read, is not received.
    pub(super) fn leave(&self, side: Side) {
        let mut state = self.0.lock();
        let arrives = Instant::now() + state.conditions.delay;
        let (outgoing, incoming) = state.of(side);
        let last = if incoming.bytes == 0 { Last::Shut } else { Last::Reset };
        outgoing.end.get_or_insert((arrives, last));
        incoming.unread = Some(arrives);
        state.wake();
    }

    /// Writes some of `bytes` for `side`.
    pub(super) fn poll_write(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
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
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        way.bytes += count;
        if !way.severed {
            // A shorter delay lets nothing overtake.
            let last = way.sent.back().map_or(now, |(arrives, _)| *arrives);
            way.sent.push_back((last.max(now + delay), Bytes::copy_from_slice(written)));
            wake(&mut way.reader);
        }
        Poll::Ready(Ok(count))
    }

    /// When `side`, whose bytes nobody reads any more, is to hear of it, if that is yet to come.
    pub(super) fn will_refuse(&self, side: Side) -> Option<Instant> {
        let mut state = self.0.lock();
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
        let mut state = self.0.lock();
        let Conditions { stalled, trickle, .. } = state.conditions;
        let (_, way) = state.of(side);
        if way.reader_knows {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        way.reader = Some(cx.waker().clone());
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
                wake(&mut way.writer);
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
}

impl State {
    /// The directions that `side` writes to and reads from.
    fn of(&mut self, side: Side) -> (&mut Way, &mut Way) {
        match side {
            Side::Client => (&mut self.to_server, &mut self.to_client),
            Side::Server => (&mut self.to_client, &mut self.to_server),
        }
    }

    fn wake(&mut self) {
        for way in [&mut self.to_server, &mut self.to_client] {
            wake(&mut way.reader);
            wake(&mut way.writer);
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

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
