#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::options::Recovery;
use crate::wire::replay::{InFlightLimit, Item, Mismatch, Replay, reset_if_empty};
use crate::wire::{EncodedFrame, Frame};

/// The size of a full batch in bytes; its last frame may exceed it. After a smaller batch, no more frames may
/// be sent for now.
pub(super) const BATCH: usize = 64 << 10;
/// Holes are closed when there are more than this, and more than half of the pending slots are holes.
const MAX_HOLES: usize = 64;

/// A counted frame, or a hole where a pending one was dropped.
type Slot = Option<Frame>;

impl Item for Slot {
    const KEPT_CAPACITY: usize = 512;

    fn size(&self) -> usize {
        self.as_ref().map_or(0, Frame::len)
    }
}

/// The frames for one client, in order: those in flight, then those pending.
///
/// A counted frame gets its number when it is taken. If the session can be resumed, it then stays here
/// until the client confirms it.
#[derive(Default)]
pub(super) struct Queue {
    counted: Replay<Slot>,
    /// Pending frames for this client only, one after the other, if the session cannot be resumed. They
    /// are older than all of `counted`.
    unshared: Vec<u8>,
    pending_bytes: usize,
    /// The most counted frames that were ever taken: the client may have received some of those that
    /// are pending again.
    reached: u64,
    /// What most queues do not need.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// Frames of one connection, without a number: acknowledgements and heartbeats. They go first.
    uncounted: VecDeque<Frame>,
    holes: usize,
    /// The number that the newest pending frame of each key will have.
    latest: BTreeMap<u64, u64>,
}

/// The in-flight limit of a session that can be resumed.
pub(super) fn in_flight_limit(options: &Recovery) -> InFlightLimit {
    let bounded = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    InFlightLimit {
        // The other half is for what is emitted after a client was disconnected as too slow.
        bytes: bounded(options.max_replay_size / 2),
        frames: bounded(options.max_replay_frames),
    }
}

impl Queue {
    /// With a limit, the queue keeps frames until they are confirmed.
    pub(super) fn new(limit: Option<InFlightLimit>) -> Self {
        Self { counted: Replay::new(limit), ..Self::default() }
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// The bytes pending and in flight.
    pub(super) fn size(&self) -> usize {
        self.pending_bytes + self.counted.in_flight_bytes()
    }

    /// The number of uncounted frames.
    pub(super) fn uncounted(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.uncounted.len())
    }

    fn holes(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.holes)
    }

    /// The number of frames pending and in flight.
    pub(super) fn len(&self) -> usize {
        self.uncounted() + self.counted.len() - self.holes()
    }

    pub(super) fn push(&mut self, frame: impl EncodedFrame) {
        self.pending_bytes += frame.len();
        match frame.unshared() {
            Some(bytes)
                if !self.counted.has_limit()
                    && self.counted.len() == 0
                    && self.unshared.len() < BATCH =>
            {
                self.unshared.extend_from_slice(bytes);
            }
            _ => self.counted.push(Some(frame.to_frame())),
        }
    }

    /// Appends a frame and drops the pending one with the same key. Returns whether there was one.
    pub(super) fn push_latest(&mut self, frame: impl EncodedFrame, key: u64) -> bool {
        let end = self.counted.end();
        let before = self.rare.get_or_insert_default().latest.insert(key, end);
        let replaced = before.is_some_and(|before| self.drop_pending(before));
        // Never into `unshared`, from which it could not be dropped.
        self.push(&frame.to_frame());
        let holes = self.holes();
        if holes > MAX_HOLES && holes > self.counted.pending() / 2 {
            self.close_holes();
        }
        replaced
    }

    /// Appends a frame that has no number.
    pub(super) fn push_uncounted(&mut self, frame: Frame) {
        self.pending_bytes += frame.len();
        self.rare.get_or_insert_default().uncounted.push_back(frame);
    }

    /// Returns whether counted frames stay pending until the client confirms some.
    pub(super) fn is_limit_reached(&self) -> bool {
        self.counted.is_limit_reached()
    }

    /// Moves a batch of pending frames to `bytes`.
    pub(super) fn take(&mut self, bytes: &mut Vec<u8>) {
        let sent = self.counted.sent();
        if !self.is_limit_reached() {
            bytes.reserve(self.pending_bytes.min(BATCH));
        }
        if let Some(rare) = &mut self.rare {
            while bytes.len() < BATCH
                && let Some(frame) = rare.uncounted.pop_front()
            {
                self.pending_bytes -= frame.len();
                bytes.extend_from_slice(frame.as_bytes());
            }
            reset_if_empty(&mut rare.uncounted, Slot::KEPT_CAPACITY);
            self.close_holes();
        }
        if !self.unshared.is_empty() {
            self.pending_bytes -= self.unshared.len();
            bytes.extend_from_slice(&std::mem::take(&mut self.unshared));
        }
        while bytes.len() < BATCH && !self.is_limit_reached() && self.take_next(bytes) {}
        let first = self.counted.sent();
        if first > sent {
            self.reached = self.reached.max(first);
            if let Some(rare) = &mut self.rare {
                rare.latest.retain(|_, number| *number >= first);
            }
        }
        self.counted.reset_if_empty();
    }

    /// Appends the first pending counted frame to `bytes`. Returns whether there is one.
    fn take_next(&mut self, bytes: &mut Vec<u8>) -> bool {
        let taken = self.counted.take_next(|frame| {
            bytes.extend_from_slice(frame.as_ref().map_or(&[], Frame::as_bytes));
            frame.size()
        });
        self.pending_bytes -= taken.unwrap_or(0);
        taken.is_some()
    }

    /// The client has received `received` counted frames over all connections.
    ///
    /// They may include frames that are pending again: an older resume request can arrive after a newer
    /// one, with a smaller number.
    pub(super) fn confirm(&mut self, received: u64) -> Result<(), Mismatch> {
        if received <= self.reached {
            while self.counted.sent() < received && self.take_next(&mut Vec::new()) {}
        }
        self.counted.confirm(received)
    }

    /// Makes what is in flight pending again, for a new connection.
    pub(super) fn rewind(&mut self) {
        self.pending_bytes += self.counted.rewind();
    }

    /// Drops the frames that belong to the lost connection.
    pub(super) fn drop_uncounted(&mut self) {
        if let Some(rare) = &mut self.rare {
            for frame in std::mem::take(&mut rare.uncounted) {
                self.pending_bytes -= frame.len();
            }
        }
    }

    /// Drops what is in flight. From now on, frames are dropped when they are taken.
    pub(super) fn remove_limit(&mut self) {
        self.counted.remove_limit();
    }

    /// Drops all frames. From now on, frames are dropped when they are taken.
    pub(super) fn clear(&mut self) {
        let mut counted = std::mem::take(&mut self.counted);
        counted.clear();
        *self = Self { counted, ..Self::default() };
    }

    /// Frees unused memory: the queue of an idle client has none.
    pub(super) fn shrink(&mut self) {
        self.counted.shrink();
        if let Some(rare) = &mut self.rare {
            rare.uncounted.shrink_to_fit();
            self.rare.take_if(|rare| rare.is_empty());
        }
    }

    /// Drops the frame with this number if it is pending. Returns whether it was.
    fn drop_pending(&mut self, number: u64) -> bool {
        let Some(frame) = self.counted.get_pending(number).and_then(Option::take) else {
            return false;
        };
        self.pending_bytes -= frame.len();
        self.rare.get_or_insert_default().holes += 1;
        true
    }

    /// Removes the holes, so that one key that changes all the time takes one slot.
    fn close_holes(&mut self) {
        if self.holes() == 0 {
            return;
        }
        let Some(mut rare) = self.rare.take() else { return };
        let mut moved = BTreeMap::new();
        let keys: BTreeMap<u64, u64> = rare.latest.iter().map(|(key, at)| (*at, *key)).collect();
        let pending = self.counted.take_pending();
        for (number, frame) in (self.counted.sent()..).zip(pending) {
            if frame.is_some() {
                if let Some(key) = keys.get(&number) {
                    moved.insert(*key, self.counted.end());
                }
                self.counted.push(frame);
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
