#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use crate::wire::Frame;

/// How many bytes are handed over at once, and the rest of a frame.
const BATCH: usize = 64 << 10;
/// So many places of dropped frames are left alone.
const HOLES: usize = 64;
/// An empty queue keeps room for so many frames: it is filled again soon, or its client is idle.
const ROOM: usize = 512;

/// The frames for one client, in order: those that it has not confirmed, then those that wait.
///
/// A counted frame gets its number when it is handed over. Of a session that can be resumed it stays
/// then until the client confirms it.
#[derive(Default)]
pub(super) struct Queue {
    /// Counted frames that were handed over and not confirmed.
    unconfirmed: VecDeque<Frame>,
    /// Frames that have no number, and go before all that is held back.
    ahead: VecDeque<Frame>,
    /// What was not handed over yet.
    waiting: VecDeque<Slot>,
    /// The place of the first that waits: the others follow. Less than 0 when what was handed over
    /// waits again.
    first: i64,
    /// How many of those that wait were dropped; and how many have no number.
    holes: usize,
    uncounted: usize,
    /// How many counted frames the client has confirmed.
    confirmed: u64,
    /// The most that were ever handed over: of what waits again, the client may have some already.
    reached: u64,
    waiting_bytes: usize,
    unconfirmed_bytes: usize,
    /// Where the newest waiting frame of a key is.
    latest: BTreeMap<u64, i64>,
    keep: Option<Window>,
}

/// How much may be handed over and not confirmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) bytes: usize,
    pub(super) frames: usize,
}

enum Slot {
    /// Gets a number when it is handed over.
    Counted(Frame),
    /// Of one connection: an acknowledgement, a sign of life, a close frame.
    Uncounted(Frame),
    /// Its frame was dropped.
    Empty,
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
        self.uncounted
    }

    /// Frames that are kept, waiting and unconfirmed.
    pub(super) fn len(&self) -> usize {
        self.unconfirmed.len() + self.ahead.len() + self.waiting.len() - self.holes
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.waiting_bytes += frame.len();
        self.waiting.push_back(Slot::Counted(frame));
    }

    /// Appends a frame in the place of the one of this key that waits, and says whether one did.
    pub(super) fn push_latest(&mut self, frame: Frame, key: u64) -> bool {
        let place = self.place(self.waiting.len());
        let before = self.latest.insert(key, place);
        let replaced = before.is_some_and(|before| self.drop_waiting(before));
        self.push(frame);
        if self.holes > HOLES && self.holes > self.waiting.len() / 2 {
            self.close_holes();
        }
        replaced
    }

    /// Appends a frame that has no number; before all that waits if that is held back.
    pub(super) fn push_uncounted(&mut self, frame: Frame) {
        self.waiting_bytes += frame.len();
        self.uncounted += 1;
        if self.is_held() {
            self.ahead.push_back(frame);
        } else {
            self.waiting.push_back(Slot::Uncounted(frame));
        }
    }

    /// Whether nothing that is counted is handed over until the client confirms something.
    pub(super) fn is_held(&self) -> bool {
        self.keep.is_some_and(|window| {
            self.unconfirmed_bytes >= window.bytes || self.unconfirmed.len() >= window.frames
        })
    }

    /// Hands over what waits, a batch of it.
    pub(super) fn take(&mut self, bytes: &mut Vec<u8>) {
        let first = self.first;
        if !self.is_held() {
            bytes.reserve(self.waiting_bytes.min(BATCH));
        }
        while bytes.len() < BATCH
            && let Some(frame) = self.ahead.pop_front()
        {
            self.waiting_bytes -= frame.len();
            self.uncounted -= 1;
            bytes.extend_from_slice(frame.as_bytes());
        }
        while bytes.len() < BATCH {
            let is_counted = matches!(self.waiting.front(), Some(Slot::Counted(_)));
            if (is_counted && self.is_held()) || !self.hand_over(bytes) {
                break;
            }
        }
        if self.first > first && !self.latest.is_empty() {
            let first = self.first;
            self.latest.retain(|_, place| *place >= first);
        }
        start_over(&mut self.ahead);
        start_over(&mut self.waiting);
    }

    /// Hands over the first place that waits, and says whether there is one.
    fn hand_over(&mut self, bytes: &mut Vec<u8>) -> bool {
        let Some(slot) = self.waiting.pop_front() else { return false };
        self.first += 1;
        self.waiting_bytes -= slot.len();
        match slot {
            Slot::Counted(frame) => {
                bytes.extend_from_slice(frame.as_bytes());
                if self.keep.is_some() {
                    self.unconfirmed_bytes += frame.len();
                    self.unconfirmed.push_back(frame);
                    self.reached = self.reached.max(self.sent());
                } else {
                    self.confirmed += 1;
                }
            }
            Slot::Uncounted(frame) => {
                bytes.extend_from_slice(frame.as_bytes());
                self.uncounted -= 1;
            }
            Slot::Empty => self.holes -= 1,
        }
        true
    }

    /// How many counted frames were handed over.
    fn sent(&self) -> u64 {
        self.confirmed + self.unconfirmed.len() as u64
    }

    /// The client has received so many counted frames.
    pub(super) fn confirm(&mut self, received: u64) -> Result<(), Mismatch> {
        // Fewer than before is old news.
        let newly = usize::try_from(received.saturating_sub(self.confirmed));
        let newly = newly.ok().filter(|newly| *newly <= self.unconfirmed.len()).ok_or(Mismatch)?;
        for frame in self.unconfirmed.drain(..newly) {
            self.unconfirmed_bytes -= frame.len();
            self.confirmed += 1;
        }
        start_over(&mut self.unconfirmed);
        Ok(())
    }

    /// A new connection takes over: what its client has not received waits again.
    pub(super) fn rewind(&mut self, received: u64) -> Result<(), Mismatch> {
        if !(self.confirmed..=self.reached).contains(&received) {
            return Err(Mismatch);
        }
        // Its attempt from before came late, and said less than the client has had by now.
        while self.sent() < received {
            if !self.hand_over(&mut Vec::new()) {
                return Err(Mismatch);
            }
        }
        self.confirm(received)?;
        while let Some(frame) = self.unconfirmed.pop_back() {
            self.waiting.push_front(Slot::Counted(frame));
            self.first -= 1;
        }
        self.waiting_bytes += std::mem::take(&mut self.unconfirmed_bytes);
        Ok(())
    }

    /// Drops what is of the lost connection only.
    pub(super) fn drop_uncounted(&mut self) {
        for frame in std::mem::take(&mut self.ahead) {
            self.waiting_bytes -= frame.len();
        }
        for slot in &mut self.waiting {
            if let Slot::Uncounted(frame) = slot {
                self.waiting_bytes -= frame.len();
                self.holes += 1;
                *slot = Slot::Empty;
            }
        }
        self.uncounted = 0;
        self.close_holes();
    }

    /// Keeps nothing any more that was handed over, and holds nothing back.
    pub(super) fn keep_nothing(&mut self) {
        self.keep = None;
        self.confirmed = self.sent();
        self.unconfirmed = VecDeque::new();
        self.unconfirmed_bytes = 0;
    }

    /// Drops all that waits, and keeps nothing any more.
    pub(super) fn clear(&mut self) {
        self.keep_nothing();
        *self = Self { confirmed: self.confirmed, ..Self::default() };
    }

    /// Lets go of the room that is not used: an idle client keeps none.
    pub(super) fn shrink(&mut self) {
        self.ahead.shrink_to_fit();
        self.waiting.shrink_to_fit();
        self.unconfirmed.shrink_to_fit();
    }

    /// The place of the one that waits at `index`.
    fn place(&self, index: usize) -> i64 {
        // As many as fit into memory are far from the end of an `i64`.
        self.first.wrapping_add_unsigned(index as u64)
    }

    /// Drops the frame at a place, if it still waits there.
    fn drop_waiting(&mut self, place: i64) -> bool {
        let index = usize::try_from(place - self.first).ok();
        match index.and_then(|index| self.waiting.get_mut(index)) {
            Some(slot @ Slot::Counted(_)) => {
                self.waiting_bytes -= slot.len();
                self.holes += 1;
                *slot = Slot::Empty;
                true
            }
            _ => false,
        }
    }

    /// Closes up where frames were dropped, so that one key that changes for ever takes one place.
    fn close_holes(&mut self) {
        let mut moved = BTreeMap::new();
        let places: BTreeMap<i64, u64> = self.latest.iter().map(|(key, at)| (*at, *key)).collect();
        let waiting = std::mem::take(&mut self.waiting);
        for (place, slot) in (self.first..).zip(waiting) {
            if !matches!(slot, Slot::Empty) {
                if let Some(key) = places.get(&place) {
                    moved.insert(*key, self.place(self.waiting.len()));
                }
                self.waiting.push_back(slot);
            }
        }
        self.latest = moved;
        self.holes = 0;
    }
}

/// An empty queue begins anew at its front, which the processor's cache has; a large one is let go.
fn start_over<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() {
        queue.clear();
        queue.shrink_to(ROOM);
    }
}

impl Slot {
    fn len(&self) -> usize {
        match self {
            Self::Counted(frame) | Self::Uncounted(frame) => frame.len(),
            Self::Empty => 0,
        }
    }
}
