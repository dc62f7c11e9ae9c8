use std::hash::{BuildHasher, Hash, RandomState};

use crate::lock::Lock;

/// More than the cores that change memberships at one moment on a large machine.
const SHARDS: usize = 32;

/// A table in several parts. Each part has a lock of its own, so cores that change different parts do
/// not wait for each other.
pub(super) struct Shards<T, const RANK: u8> {
    shards: [Shard<T, RANK>; SHARDS],
    /// Keyed with secret random bits: clients choose many names of rooms, and must not be able to
    /// choose names that share one part.
    hashes: RandomState,
}

/// Fills its cache lines, so a core that locks one part does not slow down a core that locks the next.
/// Many processors load two lines of 64 bytes together.
#[derive(Default)]
#[repr(align(128))]
struct Shard<T, const RANK: u8>(Lock<T, RANK>);

impl<T, const RANK: u8> Shards<T, RANK> {
    /// The part that has `key`.
    pub(super) fn of(&self, key: &(impl Hash + ?Sized)) -> &Lock<T, RANK> {
        let hash = self.hashes.hash_one(key);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the low bits are as random as the others"
        )]
        let Shard(lock) = &self.shards[hash as usize % SHARDS];
        lock
    }

    /// Looks at one part after the other. One lock is held at a time.
    pub(super) fn map<R>(&self, mut look: impl FnMut(&mut T) -> R) -> [R; SHARDS] {
        self.shards.each_ref().map(|Shard(lock)| look(&mut lock.lock()))
    }
}

impl<T: Default, const RANK: u8> Default for Shards<T, RANK> {
    fn default() -> Self {
        Self { shards: Default::default(), hashes: RandomState::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_always_in_the_same_shard_and_keys_spread_over_all() {
        let shards = Shards::<Vec<u32>, 0>::default();
        for key in (0..2000).chain(0..2000) {
            shards.of(&key).lock().push(key);
        }
        for mut keys in shards.map(std::mem::take) {
            assert!(!keys.is_empty());
            keys.sort_unstable();
            assert!(keys.chunks(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
        }
    }
}
