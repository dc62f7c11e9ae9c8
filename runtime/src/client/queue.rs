//! What waits to be sent: in order, bounded, with a lane of its own for the session hook.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The most bytes that wait in one lane while connected. One message may always wait.
const MAX_WAITING: usize = 1 << 20;

/// Room for this many messages is kept between bursts.
const KEPT_CAPACITY: usize = 64;

/// A message on its way out.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) text: Utf8Bytes,
    /// The id, if it is a call.
    pub(super) call: Option<u64>,
}

/// Which way a message goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Sent by the session hook: goes first.
    Hook,
    /// Sent by anyone else: waits for the hook to end.
    Usual,
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Room {
    /// While connected: 1 MiB, as long as the network is behind.
    Connected,
    /// While disconnected: so many messages.
    Messages(usize),
}

/// Too much waits already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Debug, Default)]
pub(super) struct Queue {
    hook: Waiting,
    usual: Waiting,
    /// Whether the hook runs and the usual lane waits for it.
    held: bool,
}

impl Queue {
    pub(super) fn push(&mut self, message: Outgoing, lane: Lane, room: Room) -> Result<(), Full> {
        let waiting = match lane {
            Lane::Hook => &mut self.hook,
            Lane::Usual => &mut self.usual,
        };
        let full = match room {
            Room::Connected => {
                waiting.bytes > 0 && waiting.bytes + message.text.len() > MAX_WAITING
            }
            Room::Messages(most) => waiting.messages.len() >= most,
        };
        if full {
            return Err(Full);
        }
        waiting.bytes += message.text.len();
        waiting.messages.push_back(message);
        Ok(())
    }

    /// What is to be sent next.
    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        match self.hook.pop() {
            None if self.held => None,
            None => self.usual.pop(),
            message => message,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hook.messages.is_empty() && self.usual.messages.is_empty()
    }

    /// Lets the usual lane wait until [`Queue::release`].
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    pub(super) fn release(&mut self) {
        self.held = false;
    }

    /// Forgets what the hook of a lost connection still had to send: it runs anew.
    pub(super) fn drop_hook_lane(&mut self) {
        self.hook = Waiting::default();
        self.held = false;
    }

    /// Takes back a call that was not sent yet.
    pub(super) fn remove_call(&mut self, id: u64) {
        self.hook.retain(|message| message.call != Some(id));
        self.usual.retain(|message| message.call != Some(id));
    }

    /// Takes back all calls that were not sent yet.
    pub(super) fn remove_calls(&mut self) {
        self.hook.retain(|message| message.call.is_none());
        self.usual.retain(|message| message.call.is_none());
    }

    /// Takes back what is larger than `limit` bytes.
    pub(super) fn remove_larger(&mut self, limit: usize) -> Vec<Outgoing> {
        let mut removed = self.hook.remove_larger(limit);
        removed.extend(self.usual.remove_larger(limit));
        removed
    }

    /// Drops everything; says how many emits there were.
    pub(super) fn clear(&mut self) -> usize {
        self.remove_calls();
        let emits = self.hook.messages.len() + self.usual.messages.len();
        self.hook = Waiting::default();
        self.usual = Waiting::default();
        emits
    }
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Outgoing>,
    bytes: usize,
}

impl Waiting {
    fn pop(&mut self) -> Option<Outgoing> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.text.len();
        if self.messages.is_empty() && self.messages.capacity() > KEPT_CAPACITY {
            self.messages = VecDeque::new();
        }
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
        self.messages.retain(|message| {
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
    fn the_hook_goes_first_and_the_rest_in_order() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(emit("kept 1"), Lane::Usual, Room::Messages(2)), Ok(()));
        queue.hold();
        assert_eq!(queue.push(emit("kept 2"), Lane::Usual, Room::Connected), Ok(()));
        assert_eq!(queue.push(emit("hook"), Lane::Hook, Room::Connected), Ok(()));
        assert_eq!(texts(&mut queue), ["hook"]);
        queue.release();
        assert_eq!(texts(&mut queue), ["kept 1", "kept 2"]);
    }

    #[test]
    fn messages_are_bounded_while_disconnected() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(emit("1"), Lane::Usual, Room::Messages(2)), Ok(()));
        assert_eq!(queue.push(call("2", 2), Lane::Usual, Room::Messages(2)), Ok(()));
        assert_eq!(queue.push(emit("3"), Lane::Usual, Room::Messages(2)), Err(Full));
        queue.remove_call(2);
        assert_eq!(queue.push(emit("4"), Lane::Usual, Room::Messages(2)), Ok(()));
        assert_eq!(texts(&mut queue), ["1", "4"]);
    }

    #[test]
    fn what_is_larger_than_a_limit_is_taken_back() {
        let mut queue = Queue::default();
        for message in [emit("1"), call("12", 2), emit("123"), call("1234", 4)] {
            assert_eq!(queue.push(message, Lane::Usual, Room::Connected), Ok(()));
        }
        assert!(queue.remove_larger(4).is_empty());
        let removed = queue.remove_larger(2);
        assert_eq!(removed.iter().map(|message| message.call).collect::<Vec<_>>(), [None, Some(4)]);
        assert_eq!(queue.usual.bytes, 3);
        assert_eq!(texts(&mut queue), ["1", "12"]);
    }

    #[test]
    fn bytes_are_bounded_while_connected() {
        let mut queue = Queue::default();
        let large = "x".repeat(MAX_WAITING + 1);
        assert_eq!(
            queue.push(emit(&large), Lane::Usual, Room::Connected),
            Ok(()),
            "one may always wait"
        );
        assert_eq!(queue.push(emit("1"), Lane::Usual, Room::Connected), Err(Full));
        assert!(queue.pop().is_some());
        for _ in 0..MAX_WAITING {
            assert_eq!(queue.push(emit("1"), Lane::Usual, Room::Connected), Ok(()));
        }
        assert_eq!(queue.push(emit("1"), Lane::Usual, Room::Connected), Err(Full));
        assert_eq!(queue.clear(), MAX_WAITING);
        assert_eq!(queue.push(emit("1"), Lane::Usual, Room::Connected), Ok(()));
    }
}
