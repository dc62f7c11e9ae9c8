use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::net::tcp::OwnedWriteHalf;

use super::queue::Queue;

thread_local! {
    /// What a thread writes from: members keep no buffer of their own.
    static BATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to a TCP connection what waits in a queue. Anyone may, while it has the outbox's lock: the
/// system takes the bytes or says at once that it would block.
pub(super) struct Writer {
    half: OwnedWriteHalf,
    /// What was taken from the queue and would have blocked.
    rest: Option<Box<Bytes>>,
    /// Whether the system took some since this was last asked.
    moved: bool,
}

impl Writer {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self { half, rest: None, moved: false }
    }

    /// Gives back the half, and what it has not taken of a frame or more that it was given.
    pub(super) fn into_parts(self) -> (OwnedWriteHalf, Bytes) {
        (self.half, self.rest.map_or_else(Bytes::new, |rest| *rest))
    }

    /// How many bytes were taken from the queue and not written.
    pub(super) fn rest(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.len())
    }

    /// Whether any byte was taken since this was last asked.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Writes what waits, as much as goes; says whether that was all.
    pub(super) fn write(&mut self, queue: &mut Queue) -> io::Result<bool> {
        if let Some(mut rest) = self.rest.take() {
            let written = self.write_some(&rest);
            rest.advance(*written.as_ref().unwrap_or(&0));
            self.moved |= matches!(written, Ok(1..));
            if !rest.is_empty() {
                self.rest = Some(rest);
                return written.map(|_| false);
            }
        }
        BATCH.with_borrow_mut(|batch| {
            loop {
                batch.clear();
                queue.take(batch);
                if batch.is_empty() {
                    return Ok(true);
                }
                let written = self.write_some(batch);
                let rest = &batch[*written.as_ref().unwrap_or(&0)..];
                self.moved |= rest.len() < batch.len();
                if !rest.is_empty() {
                    self.rest = Some(Box::new(Bytes::copy_from_slice(rest)));
                    return written.map(|_| false);
                }
                if queue.waiting() == 0 {
                    return Ok(true);
                }
            }
        })
    }

    /// Writes what can be written now.
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        match self.half.try_write(bytes) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Ready when writing is worth another try.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half.as_ref().poll_write_ready(cx)
    }
}
