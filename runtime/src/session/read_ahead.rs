use std::collections::VecDeque;

use crate::wire::{CallId, Head};

/// A message of the client that is to be handled.
#[derive(Default)]
pub(super) struct ReceivedMessage {
    pub(super) head: Head,
    /// Its text, if it was read ahead; else the connection has it still.
    pub(super) kept: Option<Box<str>>,
}

/// What was read ahead while a handler ran, in the order in which it came.
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

    /// Whether reading stops until the handler is done.
    pub(super) fn is_full(&self, (messages, bytes): (usize, usize)) -> bool {
        self.queue.len() >= messages || self.bytes >= bytes
    }

    pub(super) fn has_call(&self, id: CallId) -> bool {
        self.queue.iter().any(|message| message.head.id == Some(id))
    }
}
