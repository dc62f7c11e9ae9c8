use std::ops::Range;

use crate::buffers::{self, READ_BUFFER, READ_BUFFER_SIZE};

/// Received bytes that are not parsed yet.
///
/// While its task is awake it holds the buffer of the thread. While the task sleeps it holds only the
/// unparsed bytes: fewer than [`READ_BUFFER_SIZE`], or the first part of a larger frame.
#[derive(Default)]
pub(super) struct ReadBuffer {
    /// The unparsed bytes are `start..end`. The bytes from `end` on are unfilled.
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
    pub(super) fn unparsed(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Removes `count` bytes from the front. [`get`](Self::get) returns them until the next
    /// [`unfilled`](Self::unfilled) or [`release`](Self::release).
    pub(super) fn consume(&mut self, count: usize) -> Range<usize> {
        let start = self.start;
        self.start = self.end.min(start + count);
        start..self.start
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// The unfilled part, which is never empty. `frame_size` is the size of the first frame in bytes, or 0.
    ///
    /// It grows with the bytes that are received, not with the size that a client announces.
    pub(super) fn unfilled(&mut self, frame_size: usize) -> &mut [u8] {
        let length = self.bytes.len();
        if length < READ_BUFFER_SIZE {
            let mut bytes = buffers::take(&READ_BUFFER);
            bytes.resize(READ_BUFFER_SIZE, 0);
            bytes[..self.end - self.start].copy_from_slice(self.unparsed());
            self.bytes = bytes;
            self.end -= std::mem::take(&mut self.start);
        } else if self.end == length {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= std::mem::take(&mut self.start);
            if self.end == length {
                self.bytes.resize(frame_size.clamp(length + 1, length * 2), 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// Marks the first `count` unfilled bytes as filled.
    pub(super) fn advance(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Puts the buffer of the thread back and copies the unparsed bytes.
    pub(super) fn release(&mut self) {
        let left = self.end - self.start;
        if self.bytes.len() == READ_BUFFER_SIZE && left < READ_BUFFER_SIZE {
            let left = self.unparsed().to_vec();
            buffers::put(&READ_BUFFER, std::mem::take(&mut self.bytes));
            *self = Self::from(left);
        } else if left == 0 {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut ReadBuffer, mut bytes: &[u8], frame_size: usize) {
        while !bytes.is_empty() {
            let unfilled = buffer.unfilled(frame_size);
            let (first, rest) = bytes.split_at(unfilled.len().min(bytes.len()));
            unfilled[..first.len()].copy_from_slice(first);
            buffer.advance(first.len());
            bytes = rest;
        }
    }

    #[test]
    fn connections_share_the_buffer_of_the_thread_and_keep_unparsed_bytes() {
        let (mut one, mut other) = (ReadBuffer::default(), ReadBuffer::default());
        for buffer in [&mut one, &mut other] {
            fill(buffer, b"onetwo", 0);
            let first = buffer.consume(3);
            assert_eq!(buffer.get(first), b"one");
            buffer.release();
            assert_eq!((buffer.unparsed(), buffer.bytes.capacity()), (&b"two"[..], 3));
        }
        fill(&mut one, b"three", 0);
        assert_eq!(one.unparsed(), b"twothree");
        one.consume(8);
        one.release();
        assert_eq!(
            (one.bytes.capacity(), buffers::take(&READ_BUFFER).len()),
            (0, READ_BUFFER_SIZE)
        );
        assert_eq!(other.unparsed(), b"two");
    }

    #[test]
    fn buffer_of_a_large_frame_grows_with_the_received_bytes() {
        let large: Vec<u8> = (0..100_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        let mut buffer = ReadBuffer::default();
        fill(&mut buffer, &large[..10], 1 << 30);
        buffer.release();
        assert_eq!(buffer.bytes.capacity(), 10, "announced bytes take no memory");
        for part in large[10..].chunks(999) {
            fill(&mut buffer, part, large.len());
            buffer.release();
            assert!(buffer.bytes.len() <= READ_BUFFER_SIZE.max(2 * (buffer.end - buffer.start)));
        }
        assert_eq!(buffer.unparsed(), large);
        assert_eq!(buffer.bytes.len(), large.len());
        buffer.consume(large.len());
        buffer.release();
        assert_eq!(buffer.bytes.capacity(), 0);
    }
}
