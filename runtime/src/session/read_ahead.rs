use std::collections::VecDeque;

use super::options::Limits;
use crate::wire::{CallId, Head};

/// An event that is not handled yet.
#[derive(Default)]
pub(super) struct ReceivedMessage {
    pub(super) head: Head,
    /// Its text, if it was read ahead. Else the connection holds it.
    pub(super) kept: Option<Box<str>>,
}

/// Messages that were read while a handler ran, in order.
#[derive(Default)]
pub(super) struct ReadAhead {
    queue: VecDeque<ReceivedMessage>,
    bytes: usize,
}

impl ReadAhead {
    pub(super) fn push(&mut self, head: Head, text: &str) {
        self.bytes += text.len();
        self.queue.push_back(ReceivedMessage { head, kept: Some(text.into()) });
    }

    pub(super) fn pop(&mut self) -> Option<ReceivedMessage> {
        let message = self.queue.pop_front()?;
        self.bytes -= message.kept.as_ref().map_or(0, |text| text.len());
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(message)
    }

    /// Whether a limit is reached: reading pauses until the handler is done.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.queue.len() >= limits.read_ahead_messages || self.bytes >= limits.read_ahead_bytes
    }

    pub(super) fn has_call(&self, id: CallId) -> bool {
        self.queue.iter().any(|message| message.head.id == Some(id))
    }
}
