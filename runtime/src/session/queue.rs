#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::limits::Limits;
use crate::wire::{Encoded, Frame};

/// How many bytes are handed over at once, and the rest of a frame. Where fewer are, nothing more may
/// be handed over now.
pub(super) const BATCH: usize = 64 << 10;
/// So many places of dropped frames are left alone.
const HOLES: usize = 64;
/// An empty queue keeps room for so many frames: it is filled again soon, or its client is idle.
const ROOM: usize = 512;

/// The frames for one client, in order: those that it has not confirmed, then those that wait.
///
/// A counted frame gets its number when it is handed over. Of a session that can be resumed it stays
/// where it is then until the client confirms it.
#[derive(Default)]
pub(super) struct Queue {
    /// Counted frames; nothing where one was dropped that waited.
    frames: VecDeque<Option<Frame>>,
    /// Frames that are this client's own and that it need not confirm, one behind the other. They were
    /// there before all of `frames`.
    own: Vec<u8>,
    waiting_bytes: usize,
    /// So many of the frames were handed over and not confirmed: the first.
    unconfirmed: usize,
    unconfirmed_bytes: usize,
    keep: Option<Window>,
    /// How many counted frames the client has confirmed: the place of the first that is here, which the
    /// others follow.
    confirmed: u64,
    /// The most that were ever handed over: of what waits again, the client may have some already.
    reached: u64,
    /// What most queues have nothing of.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// Frames of one connection, without a number: acknowledgements, signs of life. They go first.
    uncounted: VecDeque<Frame>,
    /// How many counted frames were dropped that waited.
    holes: usize,
    /// Where the newest waiting frame of a key is.
    latest: BTreeMap<u64, u64>,
}

/// How much may be handed over and not confirmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) bytes: u32,
    pub(super) frames: u32,
}

impl Window {
    pub(super) fn of(limits: &Limits) -> Self {
        let bounded = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            // The rest is room for what is emitted while a client that was cut as too slow is away.
            bytes: bounded(limits.max_replay_size / 2),
            frames: bounded(limits.max_replay_frames),
        }
    }
}

/// A client says that it has received what was never sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch;

impl Queue {
    /// An empty queue; with a window it keeps what is not confirmed.
    pub(super) fn new(keep: Option<Window>) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Bytes that wait to be handed over.
    pub(super) fn waiting(&self) -> usize {
        self.waiting_bytes
    }

    /// Bytes that are kept, waiting and unconfirmed.
    pub(super) fn size(&self) -> usize {
        self.waiting_bytes + self.unconfirmed_bytes
    }

    /// Frames that wait and have no number.
    pub(super) fn uncounted(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.uncounted.len())
    }

    fn holes(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.holes)
    }

    /// Frames that are kept, waiting and unconfirmed.
    pub(super) fn len(&self) -> usize {
        self.uncounted() + self.frames.len() - self.holes()
    }

    pub(super) fn push(&mut self, frame: impl Encoded) {
        self.waiting_bytes += frame.len();
        match frame.as_own() {
            Some(bytes)
                if self.keep.is_none() && self.frames.is_empty() && self.own.len() < BATCH =>
            {
                self.own.extend_from_slice(bytes);
            }
            _ => self.frames.push_back(Some(frame.to_frame())),
        }
    }

    /// Appends a frame in the place of the one of this key that waits, and says whether one did.
    pub(super) fn push_latest(&mut self, frame: impl Encoded, key: u64) -> bool {
        let end = self.end();
        let before = self.rare.get_or_insert_default().latest.insert(key, end);
        let replaced = before.is_some_and(|before| self.drop_waiting(before));
        // Never one of `own`: it has a place, which it may leave.
        self.push(&frame.to_frame());
        let holes = self.holes();
        if holes > HOLES && holes > (self.frames.len() - self.unconfirmed) / 2 {
            self.close_holes();
        }
        replaced
    }

    /// Appends a frame that has no number.
    pub(super) fn push_uncounted(&mut self, frame: Frame) {
        self.waiting_bytes += frame.len();
        self.rare.get_or_insert_default().uncounted.push_back(frame);
    }

    /// Whether nothing that is counted is handed over until the client confirms something.
    pub(super) fn is_held(&self) -> bool {
        self.keep.is_some_and(|window| {
            self.unconfirmed_bytes >= window.bytes as usize
                || self.unconfirmed >= window.frames as usize
        })
    }

    /// Hands over what waits, a batch of it.
    pub(super) fn take(&mut self, bytes: &mut Vec<u8>) {
        let sent = self.sent();
        if !self.is_held() {
            bytes.reserve(self.waiting_bytes.min(BATCH));
        }
        if let Some(rare) = &mut self.rare {
            while bytes.len() < BATCH
                && let Some(frame) = rare.uncounted.pop_front()
            {
                self.waiting_bytes -= frame.len();
                bytes.extend_from_slice(frame.as_bytes());
            }
            start_over(&mut rare.uncounted);
            self.close_holes();
        }
        if !self.own.is_empty() {
            self.waiting_bytes -= self.own.len();
            bytes.extend_from_slice(&std::mem::take(&mut self.own));
        }
        while bytes.len() < BATCH && !self.is_held() && self.hand_over(bytes) {}
        let first = self.sent();
        if let Some(rare) = &mut self.rare
            && first > sent
        {
            rare.latest.retain(|_, place| *place >= first);
        }
        start_over(&mut self.frames);
    }

    /// Hands over the first frame that waits, and says whether there is one.
    fn hand_over(&mut self, bytes: &mut Vec<u8>) -> bool {
        let Some(Some(frame)) = self.frames.get(self.unconfirmed) else { return false };
        let length = frame.len();
        bytes.extend_from_slice(frame.as_bytes());
        self.waiting_bytes -= length;
        if self.keep.is_some() {
            self.unconfirmed += 1;
            self.unconfirmed_bytes += length;
            self.reached = self.reached.max(self.sent());
        } else {
            self.frames.pop_front();
            self.confirmed += 1;
        }
        true
    }

    /// How many counted frames were handed over: the place of the first that waits.
    fn sent(&self) -> u64 {
        self.confirmed + self.unconfirmed as u64
    }

    /// The client has received `received` counted frames over all connections.
    ///
    /// Of frames that are pending again it may have received some over a connection before: an older
    /// resume request can arrive after a newer one and say less.
    pub(super) fn confirm(&mut self, received: u64) -> Result<(), Mismatch> {
        if !(self.confirmed..=self.reached.max(self.confirmed)).contains(&received) {
            return Err(Mismatch);
        }
        while self.sent() < received {
            if !self.hand_over(&mut Vec::new()) {
                return Err(Mismatch);
            }
        }
        let newly = usize::try_from(received - self.confirmed).map_err(|_| Mismatch)?;
        self.forget(newly);
        Ok(())
    }

    /// Keeps no longer so many of those that were handed over.
    fn forget(&mut self, frames: usize) {
        for frame in self.frames.drain(..frames).flatten() {
            self.unconfirmed_bytes -= frame.len();
        }
        self.unconfirmed -= frames;
        self.confirmed += frames as u64;
        start_over(&mut self.frames);
    }

    /// A new connection takes over: what was handed over and not confirmed is pending again.
    pub(super) fn rewind(&mut self) {
        self.unconfirmed = 0;
        self.waiting_bytes += std::mem::take(&mut self.unconfirmed_bytes);
    }

    /// Drops what is of the lost connection only.
    pub(super) fn drop_uncounted(&mut self) {
        if let Some(rare) = &mut self.rare {
            for frame in std::mem::take(&mut rare.uncounted) {
                self.waiting_bytes -= frame.len();
            }
        }
    }

    /// Keeps nothing any more that was handed over, and holds nothing back.
    pub(super) fn keep_nothing(&mut self) {
        self.keep = None;
        self.forget(self.unconfirmed);
    }

    /// Drops all that waits, and keeps nothing any more.
    pub(super) fn clear(&mut self) {
        self.keep_nothing();
        *self = Self { confirmed: self.confirmed, ..Self::default() };
    }

    /// Lets go of the room that is not used: an idle client keeps none.
    pub(super) fn shrink(&mut self) {
        self.frames.shrink_to_fit();
        if let Some(rare) = &mut self.rare {
            rare.uncounted.shrink_to_fit();
            self.rare.take_if(|rare| rare.is_empty());
        }
    }

    /// The place of the next frame.
    fn end(&self) -> u64 {
        self.confirmed + self.frames.len() as u64
    }

    /// Drops the frame at a place, if it still waits there.
    fn drop_waiting(&mut self, place: u64) -> bool {
        if place < self.sent() {
            return false;
        }
        let index = usize::try_from(place - self.confirmed).ok();
        let Some(frame) = index.and_then(|index| self.frames.get_mut(index)?.take()) else {
            return false;
        };
        self.waiting_bytes -= frame.len();
        self.rare.get_or_insert_default().holes += 1;
        true
    }

    /// Closes up where frames were dropped, so that one key that changes for ever takes one place.
    fn close_holes(&mut self) {
        if self.holes() == 0 {
            return;
        }
        let Some(mut rare) = self.rare.take() else { return };
        let mut moved = BTreeMap::new();
        let places: BTreeMap<u64, u64> = rare.latest.iter().map(|(key, at)| (*at, *key)).collect();
        let waiting = self.frames.split_off(self.unconfirmed);
        for (place, frame) in (self.sent()..).zip(waiting) {
            if frame.is_some() {
                if let Some(key) = places.get(&place) {
                    moved.insert(*key, self.end());
                }
                self.frames.push_back(frame);
            }
        }
        rare.latest = moved;
        rare.holes = 0;
        self.rare = Some(rare);
    }
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.uncounted.is_empty() && self.holes == 0 && self.latest.is_empty()
    }
}

/// An empty queue begins anew at its front, which the processor's cache has; a large one is let go.
fn start_over<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() {
        queue.clear();
        queue.shrink_to(ROOM);
    }
}
