//! Numbers the counted frames that one side of a session sends, and replays those that were in flight
//! when a connection was lost. A server and a client do this alike.

use std::collections::VecDeque;

/// What a [`Replay`] holds.
pub(crate) trait Item: Default {
    /// The capacity that an empty [`Replay`] keeps, because it may be filled again soon.
    const KEPT_CAPACITY: usize;
    /// The bytes that count for the [`InFlightLimit`].
    fn size(&self) -> usize;
}

/// The most that may be in flight. More stays pending until the other side confirms some.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlightLimit {
    pub(crate) bytes: u32,
    pub(crate) frames: u32,
}

/// The other side confirms items that it cannot have received, or fewer than before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch;

/// The items of one session in order: those in flight, then those pending.
///
/// An item gets its number when it is taken. With a limit, it stays here until it is confirmed; without
/// one, it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Replay<T> {
    items: VecDeque<T>,
    in_flight: usize,
    in_flight_bytes: usize,
    /// The number of confirmed items, which is the number of the first of `items`.
    confirmed: u64,
    limit: Option<InFlightLimit>,
}

impl<T: Item> Replay<T> {
    pub(crate) fn new(limit: Option<InFlightLimit>) -> Self {
        Self { limit, ..Self::default() }
    }

    pub(crate) fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    pub(crate) fn is_limit_reached(&self) -> bool {
        self.limit.is_some_and(|limit| {
            self.in_flight_bytes >= limit.bytes as usize || self.in_flight >= limit.frames as usize
        })
    }

    /// The number of items taken, which is the number of the first pending item.
    pub(crate) fn sent(&self) -> u64 {
        self.confirmed + self.in_flight as u64
    }

    /// The number that a pushed item would have.
    pub(crate) fn end(&self) -> u64 {
        self.confirmed + self.items.len() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes
    }

    pub(crate) fn pending(&self) -> usize {
        self.items.len() - self.in_flight
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items.push_back(item);
    }

    /// Takes the first pending item, even if the limit is reached. Returns what `read` makes of it.
    pub(crate) fn take_next<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let item = self.items.get(self.in_flight)?;
        let taken = read(item);
        if self.limit.is_some() {
            self.in_flight_bytes += item.size();
            self.in_flight += 1;
        } else {
            self.items.pop_front();
            self.confirmed += 1;
        }
        Some(taken)
    }

    /// The other side has received `received` items in this session.
    pub(crate) fn confirm(&mut self, received: u64) -> Result<(), Mismatch> {
        let newly = received.checked_sub(self.confirmed).ok_or(Mismatch)?;
        let newly = usize::try_from(newly).map_err(|_| Mismatch)?;
        if newly > self.in_flight {
            return Err(Mismatch);
        }
        for item in self.items.drain(..newly) {
            self.in_flight_bytes -= item.size();
        }
        self.in_flight -= newly;
        self.confirmed = received;
        self.reset_if_empty();
        Ok(())
    }

    /// Makes the items in flight pending again, for a new connection. Returns their bytes.
    pub(crate) fn rewind(&mut self) -> usize {
        self.in_flight = 0;
        std::mem::take(&mut self.in_flight_bytes)
    }

    /// Drops what is in flight. From now on, items are dropped when they are taken.
    pub(crate) fn remove_limit(&mut self) {
        self.limit = None;
        let _ = self.confirm(self.sent());
    }

    /// Drops all items. From now on, items are dropped when they are taken.
    pub(crate) fn clear(&mut self) {
        *self = Self { confirmed: self.sent(), ..Self::default() };
    }

    /// The pending item with this number.
    pub(crate) fn get_pending(&mut self, number: u64) -> Option<&mut T> {
        let index = usize::try_from(number.checked_sub(self.confirmed)?).ok()?;
        if index < self.in_flight { None } else { self.items.get_mut(index) }
    }

    /// Removes the pending items, for the caller to push some of them again.
    pub(crate) fn take_pending(&mut self) -> VecDeque<T> {
        self.items.split_off(self.in_flight)
    }

    pub(crate) fn reset_if_empty(&mut self) {
        reset_if_empty(&mut self.items, T::KEPT_CAPACITY);
    }

    /// Frees unused memory.
    pub(crate) fn shrink(&mut self) {
        self.items.shrink_to_fit();
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.items.capacity()
    }
}

/// Resets an empty queue to its front, which is in the processor's cache, and frees memory above
/// `kept_capacity`.
pub(crate) fn reset_if_empty<T>(queue: &mut VecDeque<T>, kept_capacity: usize) {
    if queue.is_empty() {
        queue.clear();
        queue.shrink_to(kept_capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Item for &str {
        const KEPT_CAPACITY: usize = 4;

        fn size(&self) -> usize {
            self.len()
        }
    }

    fn take_all(replay: &mut Replay<&'static str>) -> String {
        std::iter::from_fn(|| replay.take_next(|item| *item)).collect()
    }

    #[test]
    fn items_in_flight_are_kept_with_limit_only() {
        for (limit, in_flight) in [(None, 0), (Some(InFlightLimit { bytes: 6, frames: 9 }), 3)] {
            let mut replay = Replay::new(limit);
            for item in ["a", "bb", "ccc"] {
                replay.push(item);
            }
            assert_eq!(take_all(&mut replay), "abbccc");
            assert_eq!(
                (replay.sent(), replay.len(), replay.in_flight()),
                (3, in_flight, in_flight)
            );
            assert_eq!(replay.is_limit_reached(), limit.is_some());
            replay.rewind();
            assert_eq!(take_all(&mut replay), if limit.is_some() { "abbccc" } else { "" });
            assert_eq!((replay.confirm(4), replay.confirm(3)), (Err(Mismatch), Ok(())));
            assert_eq!((replay.len(), replay.in_flight_bytes()), (0, 0));
        }
    }
}
