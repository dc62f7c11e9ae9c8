use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::wire::Head;

/// A message of the client that is to be handled.
pub(super) struct Arrival {
    pub(super) text: Utf8Bytes,
    pub(super) head: Head,
}

impl Arrival {
    pub(super) fn name(&self) -> &str {
        self.head.name(&self.text)
    }

    pub(super) fn payload(&self) -> &str {
        self.head.payload(&self.text)
    }
}

/// What was read ahead while a handler ran, in the order in which it came.
#[derive(Default)]
pub(super) struct Arrivals {
    queue: VecDeque<Arrival>,
    bytes: usize,
}

impl Arrivals {
    pub(super) fn push(&mut self, arrival: Arrival) {
        self.bytes += arrival.text.len();
        self.queue.push_back(arrival);
    }

    pub(super) fn pop(&mut self) -> Option<Arrival> {
        let arrival = self.queue.pop_front()?;
        self.bytes -= arrival.text.len();
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(arrival)
    }

    /// Whether reading stops until the handler is done.
    pub(super) fn is_full(&self, (messages, bytes): (usize, usize)) -> bool {
        self.queue.len() >= messages || self.bytes >= bytes
    }

    pub(super) fn has_call(&self, id: u64) -> bool {
        self.queue.iter().any(|arrival| arrival.head.id == Some(id))
    }
}
