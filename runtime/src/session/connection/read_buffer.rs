use std::cell::Cell;
use std::ops::Range;

use crate::buffers;

/// So many bytes are read from a client at once.
const ROOM: usize = 16 << 10;

thread_local! {
    /// What a thread reads into, while no connection has it: connections keep no buffer of their own.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What came from a client and was not looked at yet.
///
/// While there is none it takes no room. What is left when its task sleeps is kept: less than
/// [`ROOM`], or the first part of a frame that is larger.
#[derive(Default)]
pub(super) struct ReadBuffer {
    /// Bytes to read into, unread ones from `start` to `end`.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl From<Vec<u8>> for ReadBuffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self { start: 0, end: bytes.len(), bytes }
    }
}

impl ReadBuffer {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The first bytes are read: where they are until there is more room or less.
    pub(super) fn consume(&mut self, count: usize) -> Range<usize> {
        let start = self.start;
        self.start = self.end.min(start + count);
        start..self.start
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Room behind what is unread, of which `wanted` bytes are looked at together.
    ///
    /// A client gets it as it fills it, not as it says that it will.
    pub(super) fn room(&mut self, wanted: usize) -> &mut [u8] {
        let length = self.bytes.len();
        if length < ROOM {
            let mut bytes = buffers::take(&SPARE);
            bytes.resize(ROOM, 0);
            bytes[..self.end - self.start].copy_from_slice(self.as_slice());
            self.bytes = bytes;
            self.end -= std::mem::take(&mut self.start);
        } else if self.end == length {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= std::mem::take(&mut self.start);
            if self.end == length {
                self.bytes.resize(wanted.clamp(length + 1, length * 2), 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were put into the room.
    pub(super) fn add(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Gives the thread its buffer back.
    pub(super) fn release(&mut self) {
        let left = self.end - self.start;
        if self.bytes.len() == ROOM && left < ROOM {
            let left = self.as_slice().to_vec();
            buffers::put(&SPARE, std::mem::take(&mut self.bytes));
            *self = Self::from(left);
        } else if left == 0 {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(unread: &mut ReadBuffer, mut bytes: &[u8], wanted: usize) {
        while !bytes.is_empty() {
            let room = unread.room(wanted);
            let (now, later) = bytes.split_at(room.len().min(bytes.len()));
            room[..now.len()].copy_from_slice(now);
            unread.add(now.len());
            bytes = later;
        }
    }

    #[test]
    fn connections_share_their_threads_buffer_and_keep_what_is_left() {
        let (mut one, mut other) = (ReadBuffer::default(), ReadBuffer::default());
        for unread in [&mut one, &mut other] {
            fill(unread, b"onetwo", 0);
            let first = unread.consume(3);
            assert_eq!(unread.get(first), b"one");
            unread.release();
            assert_eq!((unread.as_slice(), unread.bytes.capacity()), (&b"two"[..], 3));
        }
        fill(&mut one, b"three", 0);
        assert_eq!(one.as_slice(), b"twothree");
        one.consume(8);
        one.release();
        assert_eq!((one.bytes.capacity(), buffers::take(&SPARE).len()), (0, ROOM));
        assert_eq!(other.as_slice(), b"two");
    }

    #[test]
    fn a_large_frame_gets_room_as_it_comes() {
        let large: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let mut unread = ReadBuffer::default();
        fill(&mut unread, &large[..10], 1 << 30);
        unread.release();
        assert_eq!(unread.bytes.capacity(), 10, "what is only announced takes no room");
        for part in large[10..].chunks(999) {
            fill(&mut unread, part, large.len());
            unread.release();
            assert!(unread.bytes.len() <= ROOM.max(2 * (unread.end - unread.start)));
        }
        assert_eq!(unread.as_slice(), large);
        assert_eq!(unread.bytes.len(), large.len());
        unread.consume(large.len());
        unread.release();
        assert_eq!(unread.bytes.capacity(), 0);
    }
}
