//! Received events and changes of the connection that the user has not taken yet: bounded.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use super::change::ConnectionChange;
use crate::lock::{Lock, rank};
use crate::wire::Head;

/// With this many bytes, the inbox is full and reading stops.
const MAX_BYTES: usize = 1 << 20;
/// The bytes that count for each event in addition to its text.
const OVERHEAD: usize = size_of::<Item>();
/// The most changes of the connection. The oldest are dropped for newer ones.
const MAX_CHANGES: usize = 256;

#[derive(Debug)]
pub(super) enum Item {
    /// A frame that is an event, or an `$err` without an id.
    Frame(Box<str>, Head),
    Change(ConnectionChange),
}

#[derive(Default)]
pub(super) struct Inbox {
    state: Lock<State, { rank::CLIENT_INBOX }>,
    /// Outside the lock, because waking, cloning or dropping a waker may call the client.
    reader: AtomicWaker,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    changes: usize,
    /// The reader was dropped: items are discarded.
    discards: bool,
    /// No more items follow.
    ended: bool,
}

impl Inbox {
    /// Adds a copy of a frame, so that a short event does not keep the whole read buffer in memory. Returns
    /// whether the inbox is full now.
    pub(super) fn frame(&self, text: &str, head: Head) -> bool {
        self.push(|state| {
            state.bytes += text.len() + OVERHEAD;
            state.items.push_back(Item::Frame(text.into(), head));
        })
    }

    pub(super) fn change(&self, change: ConnectionChange) {
        self.push(|state| {
            if state.changes >= MAX_CHANGES
                && let Some(oldest) =
                    state.items.iter().position(|item| matches!(item, Item::Change(_)))
            {
                state.items.remove(oldest);
                state.changes -= 1;
            }
            state.changes += 1;
            state.items.push_back(Item::Change(change));
        });
    }

    /// No more items follow.
    pub(super) fn end(&self) {
        self.push(|state| state.ended = true);
    }

    fn push(&self, add: impl FnOnce(&mut State)) -> bool {
        let mut state = self.state.lock();
        if state.discards {
            return false;
        }
        add(&mut state);
        let full = state.bytes >= MAX_BYTES;
        drop(state);
        self.reader.wake();
        full
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.lock().bytes >= MAX_BYTES
    }

    /// Takes the next item. The flag: the inbox was full before and is not now.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<(Item, bool)>> {
        let taken = self.state.lock().take();
        if taken.is_ready() {
            return taken;
        }
        self.reader.register(cx.waker());
        // An item that was added before the waker was registered wakes no task.
        self.state.lock().take()
    }

    /// Discards all items from now on.
    pub(super) fn discard(&self) {
        let mut state = self.state.lock();
        let ended = state.ended;
        let items = mem::replace(&mut *state, State { discards: true, ended, ..State::default() });
        drop(state);
        drop((items, self.reader.take()));
    }
}

impl State {
    fn take(&mut self) -> Poll<Option<(Item, bool)>> {
        let was_full = self.bytes >= MAX_BYTES;
        match self.items.pop_front() {
            Some(item) => {
                match &item {
                    Item::Frame(text, _) => self.bytes -= text.len() + OVERHEAD,
                    Item::Change(_) => self.changes -= 1,
                }
                let freed = was_full && self.bytes < MAX_BYTES;
                Poll::Ready(Some((item, freed)))
            }
            None if self.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::wire::CloseCode;

    fn take(inbox: &Inbox) -> Option<(Item, bool)> {
        match inbox.poll_take(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(item) => item,
            Poll::Pending => None,
        }
    }

    fn lost(code: u16) -> ConnectionChange {
        ConnectionChange::Lost {
            code: CloseCode(code),
            reason: String::new(),
            will_reconnect: true,
        }
    }

    #[test]
    fn inbox_is_full_at_its_bytes_and_reports_when_it_is_not() {
        let inbox = Inbox::default();
        let text = format!(r#"["a","{}"]"#, "x".repeat(MAX_BYTES / 2));
        let head = Head::parse(&text).unwrap();
        inbox.frame(&text, head.clone());
        assert!(!inbox.is_full());
        inbox.frame(&text, head);
        assert!(inbox.is_full());
        assert!(matches!(take(&inbox), Some((Item::Frame(..), true))));
        assert!(!inbox.is_full());
        assert!(matches!(take(&inbox), Some((Item::Frame(..), false))));
        assert!(take(&inbox).is_none());
    }

    #[test]
    fn newest_changes_are_kept() {
        let inbox = Inbox::default();
        for code in 0..1000 {
            inbox.change(lost(code));
        }
        let codes: Vec<ConnectionChange> = std::iter::from_fn(|| take(&inbox))
            .filter_map(|(item, _)| match item {
                Item::Change(change) => Some(change),
                Item::Frame(..) => None,
            })
            .collect();
        assert_eq!(codes.len(), MAX_CHANGES);
        assert_eq!(codes.last(), Some(&lost(999)));
    }

    #[test]
    fn items_are_discarded_after_reader_is_dropped() {
        let inbox = Inbox::default();
        inbox.change(lost(1006));
        inbox.discard();
        inbox.change(lost(1006));
        assert!(take(&inbox).is_none());
    }
}
