use std::cell::Cell;
use std::io;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::net::tcp::OwnedWriteHalf;

use super::queue::{BATCH, Queue};
use crate::buffers;

thread_local! {
    /// What a thread writes from: members keep no buffer of their own.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Where bytes are written without waiting.
pub(crate) trait WriteHalf {
    /// Writes some bytes, or fails with [`io::ErrorKind::WouldBlock`].
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Ready when a write is worth another try.
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

/// Writes what is pending in a queue to a TCP connection, on whatever task has the outbox's lock.
pub(super) struct Writer<H> {
    half: H,
    /// What was taken from the queue and would have blocked.
    left: Option<Box<Bytes>>,
    /// Whether the system took some since this was last asked.
    moved: bool,
}

impl<H: WriteHalf> Writer<H> {
    pub(super) fn new(half: H) -> Self {
        Self { half, left: None, moved: false }
    }

    /// Gives back the half, and what it has not taken of the frames that it was given.
    pub(super) fn into_parts(self) -> (H, Bytes) {
        (self.half, self.left.map_or_else(Bytes::new, |left| *left))
    }

    /// How many bytes were taken from the queue and not written.
    pub(super) fn left(&self) -> usize {
        self.left.as_ref().map_or(0, |left| left.len())
    }

    /// Whether any byte was taken since this was last asked.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Writes once: what is left of the batch before, or else a batch of what is pending.
    pub(super) fn write(&mut self, queue: &mut Queue) -> io::Result<Progress> {
        if let Some(mut left) = self.left.take() {
            let written = self.write_some(&left);
            left.advance(*written.as_ref().unwrap_or(&0));
            if !left.is_empty() {
                self.left = Some(left);
                return written.map(|_| Progress::WouldBlock);
            }
            return Ok(if queue.waiting() == 0 { Progress::Done } else { Progress::More });
        }
        let mut batch = buffers::take(&BUFFER);
        batch.clear();
        queue.take(&mut batch);
        let written = self.write_some(&batch);
        let left = &batch[*written.as_ref().unwrap_or(&0)..];
        let progress = if !left.is_empty() {
            self.left = Some(Box::new(Bytes::copy_from_slice(left)));
            written.map(|_| Progress::WouldBlock)
        } else if batch.len() < BATCH || queue.waiting() == 0 {
            Ok(Progress::Done)
        } else {
            Ok(Progress::More)
        };
        buffers::put(&BUFFER, batch);
        progress
    }

    /// Writes what can be written now.
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

    /// Ready when writing is worth another try.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half.poll_ready(cx)
    }
}
