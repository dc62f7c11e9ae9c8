use std::io;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::net::tcp::OwnedWriteHalf;

use super::queue::{BATCH, Queue};
use crate::buffers::{self, WRITE_BUFFER};

/// A write half that can be written to without waiting.
pub(crate) trait WriteHalf {
    /// Writes some bytes, or fails with [`io::ErrorKind::WouldBlock`].
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Ready when another write may succeed.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl WriteHalf for OwnedWriteHalf {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        OwnedWriteHalf::try_write(self, bytes)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_ref().poll_write_ready(cx)
    }
}

/// The result of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No pending frame may be written now.
    Done,
    /// A batch was written, and more frames are pending.
    More,
    /// The transport would block.
    WouldBlock,
}

/// Writes the pending frames of a queue to a TCP connection, on the task that holds the lock of the
/// outbox.
pub(super) struct Writer<H> {
    half: H,
    /// Bytes taken from the queue that the connection has not taken.
    unwritten: Option<Box<Bytes>>,
    /// The connection took bytes since [`take_moved`](Self::take_moved).
    moved: bool,
}

impl<H: WriteHalf> Writer<H> {
    pub(super) fn new(half: H) -> Self {
        Self { half, unwritten: None, moved: false }
    }

    /// Returns the write half, and the bytes taken from the queue that it has not taken.
    pub(super) fn into_parts(self) -> (H, Bytes) {
        (self.half, self.unwritten.map_or_else(Bytes::new, |unwritten| *unwritten))
    }

    /// The number of bytes taken from the queue and not written.
    pub(super) fn unwritten(&self) -> usize {
        self.unwritten.as_ref().map_or(0, |unwritten| unwritten.len())
    }

    /// Returns whether the connection took bytes since the last call.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Writes once: the rest of the last batch, or the next batch of pending frames.
    pub(super) fn write(&mut self, queue: &mut Queue) -> io::Result<Progress> {
        if let Some(mut unwritten) = self.unwritten.take() {
            let written = self.write_some(&unwritten);
            unwritten.advance(*written.as_ref().unwrap_or(&0));
            if !unwritten.is_empty() {
                self.unwritten = Some(unwritten);
                return written.map(|_| Progress::WouldBlock);
            }
            return Ok(if queue.pending_bytes() == 0 { Progress::Done } else { Progress::More });
        }
        let mut batch = buffers::take(&WRITE_BUFFER);
        batch.clear();
        queue.take(&mut batch);
        let written = self.write_some(&batch);
        let unwritten = &batch[*written.as_ref().unwrap_or(&0)..];
        let progress = if !unwritten.is_empty() {
            self.unwritten = Some(Box::new(Bytes::copy_from_slice(unwritten)));
            written.map(|_| Progress::WouldBlock)
        } else if batch.len() < BATCH || queue.pending_bytes() == 0 {
            Ok(Progress::Done)
        } else {
            Ok(Progress::More)
        };
        buffers::put(&WRITE_BUFFER, batch);
        progress
    }

    /// Returns the number of bytes written, 0 if the write would block.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let written = match self.half.try_write(bytes) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        };
        self.moved |= matches!(written, Ok(1..));
        written
    }

    /// Ready when another write may succeed.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half.poll_ready(cx)
    }
}
