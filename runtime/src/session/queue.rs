use std::collections::{BTreeMap, VecDeque};

use crate::wire::Frame;

/// How many bytes are handed over at once, and the rest of a frame.
const BATCH: usize = 64 << 10;
/// So many places of dropped frames are left alone.
const HOLES: usize = 64;

/// The frames for one client, in order: confirmed ≤ handed over ≤ queued.
///
/// A counted frame has the number of its place among those handed over. Of a session that can be
/// resumed they stay until the client confirms them; else, and what is not counted, until they are
/// handed over.
#[derive(Default)]
pub(super) struct Queue {
    frames: VecDeque<Slot>,
    /// How many places have gone from the front.
    gone: u64,
    /// How many places at the front were handed over.
    written: usize,
    /// Places whose frame was dropped before it was handed over.
    holes: usize,
    /// Counted frames that the client has confirmed; and those that were handed over, these included.
    confirmed: u64,
    sent: u64,
    /// The most that were ever handed over: when some go out again, the client may have them already.
    reached: u64,
    /// Bytes that wait to be handed over; and those that wait to be confirmed.
    waiting: usize,
    unconfirmed: usize,
    /// Where the newest waiting frame of a key is.
    latest: BTreeMap<u64, u64>,
    keep: Option<Window>,
}

/// How much may be handed over and not confirmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) bytes: usize,
    pub(super) frames: usize,
}

enum Slot {
    /// Has a number, and is kept until it is confirmed.
    Counted(Frame),
    /// Of one connection: an acknowledgement, a sign of life, a close frame.
    Uncounted(Frame),
    /// Its frame was dropped, or needs to be kept no more.
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

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Bytes that are kept, waiting and unconfirmed.
    pub(super) fn size(&self) -> usize {
        self.waiting + self.unconfirmed
    }

    /// Frames that are kept, waiting and unconfirmed.
    pub(super) fn len(&self) -> usize {
        let unsent = self.frames.len() - self.written - self.holes;
        // What was confirmed and sent are counts of this queue's own.
        usize::try_from(self.sent - self.confirmed).unwrap_or(usize::MAX).saturating_add(unsent)
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.waiting += frame.len();
        self.frames.push_back(Slot::Counted(frame));
    }

    /// Appends a frame in the place of the one of this key that waits, and says whether one did.
    pub(super) fn push_latest(&mut self, frame: Frame, key: u64) -> bool {
        let place = self.gone + self.frames.len() as u64;
        let before = self.latest.insert(key, place);
        let replaced = before.is_some_and(|before| self.drop_waiting(before));
        self.push(frame);
        if self.holes > HOLES && self.holes > (self.frames.len() - self.written) / 2 {
            self.close_holes();
        }
        replaced
    }

    /// Appends a frame that has no number; before all that waits if that is held back.
    pub(super) fn push_uncounted(&mut self, frame: Frame) {
        self.waiting += frame.len();
        if self.is_held() {
            self.latest.values_mut().for_each(|place| *place += 1);
            self.frames.insert(self.written, Slot::Uncounted(frame));
        } else {
            self.frames.push_back(Slot::Uncounted(frame));
        }
    }

    /// Whether nothing that is counted is handed over until the client confirms something.
    pub(super) fn is_held(&self) -> bool {
        self.keep.is_some_and(|window| {
            self.unconfirmed >= window.bytes || self.sent - self.confirmed >= window.frames as u64
        })
    }

    /// Hands over what waits, a batch of it.
    pub(super) fn take(&mut self, bytes: &mut Vec<u8>) {
        while bytes.len() < BATCH {
            match self.frames.get(self.written) {
                None => break,
                Some(Slot::Counted(_)) if self.is_held() => break,
                Some(slot) => bytes.extend_from_slice(slot.as_bytes()),
            }
            self.hand_over();
        }
        if self.frames.is_empty() {
            // An idle client keeps no buffer.
            self.frames = VecDeque::new();
        }
        if !self.latest.is_empty() {
            let waiting = self.gone + self.written as u64;
            self.latest.retain(|_, place| *place >= waiting);
        }
    }

    /// The first place that waits is handed over. Says whether there is one.
    fn hand_over(&mut self) -> bool {
        let keeps = self.keep.is_some();
        let Some(slot) = self.frames.get(self.written) else { return false };
        let size = slot.len();
        self.waiting -= size;
        let kept = match slot {
            Slot::Counted(_) => {
                self.sent += 1;
                self.reached = self.reached.max(self.sent);
                if keeps {
                    self.unconfirmed += size;
                } else {
                    self.confirmed += 1;
                }
                keeps
            }
            Slot::Uncounted(_) => false,
            Slot::Empty => {
                self.holes -= 1;
                false
            }
        };
        // What is kept before it is left alone: it has long gone from the processor's cache.
        if self.written == 0 && !kept {
            self.frames.pop_front();
            self.gone += 1;
            return true;
        }
        if !kept && let Some(slot) = self.frames.get_mut(self.written) {
            *slot = Slot::Empty;
        }
        self.written += 1;
        true
    }

    /// The client has received so many counted frames.
    pub(super) fn confirm(&mut self, received: u64) -> Result<(), Mismatch> {
        if received > self.sent {
            return Err(Mismatch);
        }
        while self.confirmed < received {
            if let Some(Slot::Counted(frame)) = self.frames.pop_front() {
                self.unconfirmed -= frame.len();
                self.confirmed += 1;
            }
            self.gone += 1;
            self.written -= 1;
        }
        self.trim();
        Ok(())
    }

    /// A new connection takes over: what its client has not received waits again.
    pub(super) fn rewind(&mut self, received: u64) -> Result<(), Mismatch> {
        if !(self.confirmed..=self.reached).contains(&received) {
            return Err(Mismatch);
        }
        // Its attempt from before came late, and said less than the client has had by now.
        while self.sent < received {
            if !self.hand_over() {
                return Err(Mismatch);
            }
        }
        self.confirm(received)?;
        self.holes += self.frames.range(..self.written).filter(|slot| slot.is_empty()).count();
        self.written = 0;
        self.sent = self.confirmed;
        self.waiting += std::mem::take(&mut self.unconfirmed);
        Ok(())
    }

    /// Drops what is of the lost connection only.
    pub(super) fn drop_uncounted(&mut self) {
        for slot in self.frames.range_mut(self.written..) {
            if let Slot::Uncounted(frame) = slot {
                self.waiting -= frame.len();
                self.holes += 1;
                *slot = Slot::Empty;
            }
        }
    }

    /// Keeps nothing any more that was handed over, and holds nothing back.
    pub(super) fn keep_nothing(&mut self) {
        self.keep = None;
        for slot in self.frames.range_mut(..self.written) {
            *slot = Slot::Empty;
        }
        self.confirmed = self.sent;
        self.unconfirmed = 0;
        self.trim();
    }

    /// Drops all that waits.
    pub(super) fn clear(&mut self) {
        self.frames = VecDeque::new();
        self.latest.clear();
        (self.written, self.holes, self.waiting, self.unconfirmed) = (0, 0, 0, 0);
        self.confirmed = self.sent;
    }

    /// Frees the places at the front that hold nothing any more.
    fn trim(&mut self) {
        while self.written > 0 && self.frames.front().is_some_and(Slot::is_empty) {
            self.frames.pop_front();
            self.gone += 1;
            self.written -= 1;
        }
        // An idle client keeps no buffer.
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
    }

    /// Drops the frame at a place, if it still waits there.
    fn drop_waiting(&mut self, place: u64) -> bool {
        let index = place.checked_sub(self.gone).and_then(|index| usize::try_from(index).ok());
        let Some(index) = index.filter(|index| *index >= self.written) else { return false };
        match self.frames.get_mut(index) {
            Some(slot @ Slot::Counted(_)) => {
                self.waiting -= slot.len();
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
        let places: BTreeMap<u64, u64> = self.latest.iter().map(|(key, at)| (*at, *key)).collect();
        let waiting = self.frames.split_off(self.written);
        for (place, slot) in (self.gone + self.written as u64..).zip(waiting) {
            if !slot.is_empty() {
                if let Some(key) = places.get(&place) {
                    moved.insert(*key, self.gone + self.frames.len() as u64);
                }
                self.frames.push_back(slot);
            }
        }
        self.latest = moved;
        self.holes = 0;
    }
}

impl Slot {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn len(&self) -> usize {
        self.as_bytes().len()
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Counted(frame) | Self::Uncounted(frame) => frame.as_bytes(),
            Self::Empty => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a queue is asked to do. Frames are told apart by their bytes.
    #[derive(Debug, Clone)]
    enum Step {
        Push(usize),
        Latest(u64),
        Uncounted,
        Take,
        /// The client says how many of those under way it has.
        Confirm(prop::sample::Index),
        /// The connection is lost; the client has so many of those under way.
        Lose(prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (1..40usize).prop_map(Step::Push),
            4 => (0..3u64).prop_map(Step::Latest),
            1 => Just(Step::Uncounted),
            4 => Just(Step::Take),
            2 => any::<prop::sample::Index>().prop_map(Step::Confirm),
            1 => any::<prop::sample::Index>().prop_map(Step::Lose),
        ];
        prop::collection::vec(step, 0..200)
    }

    /// The same in the simplest way: numbered frames, and a client that has got some of them.
    #[derive(Default)]
    struct Model {
        /// Frames that were not handed over to the connection of now.
        waiting: Vec<(Option<u64>, Vec<u8>)>,
        /// Handed over and not confirmed.
        under_way: Vec<Vec<u8>>,
        confirmed: u64,
        /// The most that was ever handed over.
        reached: u64,
    }

    /// What no frame of the model has in it.
    const UNCOUNTED: u8 = 0xff;

    fn frame(number: usize, size: usize) -> Vec<u8> {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.resize(8 + size, b'x');
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn what_is_handed_over_is_what_was_pushed_whatever_happens(steps in steps()) {
            const WINDOW: Window = Window { bytes: 200, frames: 8 };
            let mut queue = Queue::new(Some(WINDOW));
            let mut model = Model::default();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(size) => {
                        queue.push(Frame::raw(&frame(number, size)));
                        model.waiting.push((None, frame(number, size)));
                    }
                    Step::Latest(key) => {
                        let before = model.waiting.iter().position(|(of, _)| *of == Some(key));
                        let replaced = queue.push_latest(Frame::raw(&frame(number, 1)), key);
                        prop_assert_eq!(replaced, before.is_some());
                        before.map(|before| model.waiting.remove(before));
                        model.waiting.push((Some(key), frame(number, 1)));
                    }
                    Step::Uncounted => {
                        queue.push_uncounted(Frame::raw(&[UNCOUNTED]));
                        let mut bytes = Vec::new();
                        queue.take(&mut bytes);
                        prop_assert!(bytes.contains(&UNCOUNTED) || queue.is_held());
                        take(&mut model, bytes)?;
                    }
                    Step::Take => {
                        let mut bytes = Vec::new();
                        queue.take(&mut bytes);
                        let waited = !model.waiting.is_empty();
                        prop_assert!(!waited || !bytes.is_empty() || queue.is_held());
                        take(&mut model, bytes)?;
                    }
                    Step::Confirm(received) => {
                        let received = received.index(model.under_way.len() + 1);
                        model.confirmed += received as u64;
                        model.under_way.drain(..received);
                        prop_assert_eq!(queue.confirm(model.confirmed), Ok(()));
                    }
                    Step::Lose(received) => {
                        queue.drop_uncounted();
                        prop_assert_eq!(queue.rewind(model.reached + 1), Err(Mismatch));
                        let again = model.under_way.drain(..).map(|bytes| (None, bytes));
                        model.waiting.splice(0..0, again);
                        // Perhaps over a connection before the last.
                        let ahead = usize::try_from(model.reached - model.confirmed).expect("a few");
                        let received = received.index(ahead + 1);
                        model.waiting.drain(..received);
                        model.confirmed += received as u64;
                        prop_assert_eq!(queue.rewind(model.confirmed), Ok(()));
                    }
                }
                let handed_over = model.confirmed + model.under_way.len() as u64;
                model.reached = model.reached.max(handed_over);
                let under_way: usize = model.under_way.iter().map(Vec::len).sum();
                let waiting: usize = model.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
                prop_assert!(queue.waiting() >= waiting);
                prop_assert!(queue.size() >= waiting + under_way);
                prop_assert!(queue.size() < waiting + under_way + 4 * 200);
                prop_assert!(model.under_way.len() <= WINDOW.frames);
                prop_assert!(under_way < WINDOW.bytes + 48);
            }
            queue.keep_nothing();
            let mut bytes = Vec::new();
            queue.take(&mut bytes);
            take(&mut model, bytes)?;
            prop_assert!(model.waiting.is_empty());
            prop_assert_eq!((queue.size(), queue.len(), queue.frames.len()), (0, 0, 0));
        }
    }

    /// The bytes are of the frames that waited first.
    fn take(model: &mut Model, mut bytes: Vec<u8>) -> Result<(), TestCaseError> {
        bytes.retain(|byte| *byte != UNCOUNTED);
        let mut bytes = bytes.as_slice();
        while !bytes.is_empty() {
            prop_assert!(!model.waiting.is_empty());
            let (_, frame) = model.waiting.remove(0);
            prop_assert!(bytes.starts_with(&frame));
            bytes = &bytes[frame.len()..];
            model.under_way.push(frame);
        }
        Ok(())
    }

    #[test]
    fn an_attempt_that_comes_late_takes_nothing_back() {
        let mut queue = Queue::new(Some(Window { bytes: 100, frames: 8 }));
        let taken = |queue: &mut Queue| {
            let mut bytes = Vec::new();
            queue.take(&mut bytes);
            String::from_utf8(bytes).expect("letters")
        };
        queue.push(Frame::raw(b"a"));
        queue.push_latest(Frame::raw(b"b"), 1);
        queue.push(Frame::raw(b"c"));
        assert_eq!(taken(&mut queue), "abc");
        // It had seen one; the client has seen two since.
        assert_eq!(queue.rewind(1), Ok(()));
        assert!(!queue.push_latest(Frame::raw(b"d"), 1), "what has a number keeps it");
        assert_eq!(queue.rewind(4), Err(Mismatch));
        assert_eq!(queue.rewind(2), Ok(()));
        assert_eq!(taken(&mut queue), "cd");
        assert_eq!(queue.rewind(1), Err(Mismatch));
        assert_eq!(queue.rewind(4), Ok(()));
        assert_eq!((queue.size(), queue.len(), queue.frames.len()), (0, 0, 0));
    }

    #[test]
    fn one_key_that_changes_for_ever_takes_little_room() {
        let mut queue = Queue::new(None);
        queue.push(Frame::raw(b"first"));
        for _ in 0..100_000 {
            queue.push_latest(Frame::raw(b"a"), 1);
        }
        assert_eq!((queue.len(), queue.size()), (2, 6));
        assert!(queue.frames.len() < 4 * HOLES);
    }
}
