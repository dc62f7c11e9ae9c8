//! Messages that are not sent yet: in order, bounded, those of the session hook first.

use std::collections::VecDeque;

use tungstenite::Utf8Bytes;

use crate::wire::replay::reset_if_empty;

/// The capacity for one source while connected, in bytes. One larger message fits, too.
const MAX_PENDING: usize = 1 << 20;

/// The capacity that is kept between bursts, in messages.
pub(super) const KEPT_CAPACITY: usize = 64;

/// A message to send.
#[derive(Debug, Clone, Default)]
pub(super) struct Outgoing {
    pub(super) text: Utf8Bytes,
    /// The id of a call.
    pub(super) call: Option<u64>,
}

/// What sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The session hook. Its messages are sent first.
    Hook,
    /// Any other handle. Its messages wait until the hook ends.
    Handle,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Capacity {
    /// While connected: 1 MiB.
    Connected,
    /// While disconnected: this many messages.
    Messages(usize),
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Debug, Default)]
pub(super) struct Queue {
    hook: Messages,
    handles: Messages,
    /// Whether messages of handles wait for the hook.
    held: bool,
}

impl Queue {
    pub(super) fn push(
        &mut self,
        message: Outgoing,
        source: Source,
        capacity: Capacity,
    ) -> Result<(), Full> {
        let messages = match source {
            Source::Hook => &mut self.hook,
            Source::Handle => &mut self.handles,
        };
        let full = match capacity {
            Capacity::Connected => {
                messages.bytes > 0 && messages.bytes + message.text.len() > MAX_PENDING
            }
            Capacity::Messages(most) => messages.queue.len() >= most,
        };
        if full {
            return Err(Full);
        }
        messages.bytes += message.text.len();
        messages.queue.push_back(message);
        Ok(())
    }

    /// Removes the next message to send.
    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        match self.hook.pop() {
            None if self.held => None,
            None => self.handles.pop(),
            message => message,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hook.queue.is_empty() && self.handles.queue.is_empty()
    }

    /// Keeps the messages of handles until [`Queue::release`].
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    pub(super) fn release(&mut self) {
        self.held = false;
    }

    /// Drops the messages of the hook, which runs again in the next session.
    pub(super) fn drop_hook_messages(&mut self) {
        self.hook = Messages::default();
        self.held = false;
    }

    /// Removes one call.
    pub(super) fn remove_call(&mut self, id: u64) {
        self.hook.retain(|message| message.call != Some(id));
        self.handles.retain(|message| message.call != Some(id));
    }

    /// Removes all calls.
    pub(super) fn remove_calls(&mut self) {
        self.hook.retain(|message| message.call.is_none());
        self.handles.retain(|message| message.call.is_none());
    }

    /// Removes messages larger than `limit` bytes.
    pub(super) fn remove_larger(&mut self, limit: usize) -> Vec<Outgoing> {
        let mut removed = self.hook.remove_larger(limit);
        removed.extend(self.handles.remove_larger(limit));
        removed
    }

    /// Drops all messages. Returns how many were emits.
    pub(super) fn clear(&mut self) -> usize {
        self.remove_calls();
        let emits = self.hook.queue.len() + self.handles.queue.len();
        self.hook = Messages::default();
        self.handles = Messages::default();
        emits
    }
}

#[derive(Debug, Default)]
struct Messages {
    queue: VecDeque<Outgoing>,
    bytes: usize,
}

impl Messages {
    fn pop(&mut self) -> Option<Outgoing> {
        let message = self.queue.pop_front()?;
        self.bytes -= message.text.len();
        reset_if_empty(&mut self.queue, KEPT_CAPACITY);
        Some(message)
    }

    fn remove_larger(&mut self, limit: usize) -> Vec<Outgoing> {
        let mut removed = Vec::new();
        self.retain(|message| {
            let fits = message.text.len() <= limit;
            if !fits {
                removed.push(message.clone());
            }
            fits
        });
        removed
    }

    fn retain(&mut self, mut keep: impl FnMut(&Outgoing) -> bool) {
        self.queue.retain(|message| {
            let kept = keep(message);
            if !kept {
                self.bytes -= message.text.len();
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emit(text: &str) -> Outgoing {
        Outgoing { text: text.into(), call: None }
    }

    fn call(text: &str, id: u64) -> Outgoing {
        Outgoing { text: text.into(), call: Some(id) }
    }

    fn texts(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).map(|message| message.text.to_string()).collect()
    }

    #[test]
    fn messages_of_hook_are_sent_first_and_others_in_order() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(emit("kept 1"), Source::Handle, Capacity::Messages(2)), Ok(()));
        queue.hold();
        assert_eq!(queue.push(emit("kept 2"), Source::Handle, Capacity::Connected), Ok(()));
        assert_eq!(queue.push(emit("hook"), Source::Hook, Capacity::Connected), Ok(()));
        assert_eq!(texts(&mut queue), ["hook"]);
        queue.release();
        assert_eq!(texts(&mut queue), ["kept 1", "kept 2"]);
    }

    #[test]
    fn queue_is_bounded_in_messages_while_disconnected() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(emit("1"), Source::Handle, Capacity::Messages(2)), Ok(()));
        assert_eq!(queue.push(call("2", 2), Source::Handle, Capacity::Messages(2)), Ok(()));
        assert_eq!(queue.push(emit("3"), Source::Handle, Capacity::Messages(2)), Err(Full));
        queue.remove_call(2);
        assert_eq!(queue.push(emit("4"), Source::Handle, Capacity::Messages(2)), Ok(()));
        assert_eq!(texts(&mut queue), ["1", "4"]);
    }

    #[test]
    fn messages_over_limit_are_removed() {
        let mut queue = Queue::default();
        for message in [emit("1"), call("12", 2), emit("123"), call("1234", 4)] {
            assert_eq!(queue.push(message, Source::Handle, Capacity::Connected), Ok(()));
        }
        assert!(queue.remove_larger(4).is_empty());
        let removed = queue.remove_larger(2);
        assert_eq!(removed.iter().map(|message| message.call).collect::<Vec<_>>(), [None, Some(4)]);
        assert_eq!(queue.handles.bytes, 3);
        assert_eq!(texts(&mut queue), ["1", "12"]);
    }

    #[test]
    fn queue_is_bounded_in_bytes_while_connected() {
        let mut queue = Queue::default();
        let large = "x".repeat(MAX_PENDING + 1);
        assert_eq!(
            queue.push(emit(&large), Source::Handle, Capacity::Connected),
            Ok(()),
            "one always fits"
        );
        assert_eq!(queue.push(emit("1"), Source::Handle, Capacity::Connected), Err(Full));
        assert!(queue.pop().is_some());
        for _ in 0..MAX_PENDING {
            assert_eq!(queue.push(emit("1"), Source::Handle, Capacity::Connected), Ok(()));
        }
        assert_eq!(queue.push(emit("1"), Source::Handle, Capacity::Connected), Err(Full));
        assert_eq!(queue.clear(), MAX_PENDING);
        assert_eq!(queue.push(emit("1"), Source::Handle, Capacity::Connected), Ok(()));
    }
}
