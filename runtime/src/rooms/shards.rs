use std::hash::{BuildHasher, Hash};

use super::mix::BuildMix;
use crate::lock::Lock;

/// More than the cores that change memberships at one moment on a large machine.
const SHARDS: usize = 32;

/// A table in several parts. Each part has a lock of its own, so cores that change different parts do
/// not wait for each other.
#[derive(Default)]
pub(super) struct Shards<T, const RANK: u8>([Shard<T, RANK>; SHARDS]);

/// Fills its cache lines, so a core that locks one part does not slow down a core that locks the next.
/// Many processors load two lines of 64 bytes together.
#[derive(Default)]
#[repr(align(128))]
struct Shard<T, const RANK: u8>(Lock<T, RANK>);

impl<T, const RANK: u8> Shards<T, RANK> {
    /// The part that has `key`.
    pub(super) fn of(&self, key: &(impl Hash + ?Sized)) -> &Lock<T, RANK> {
        // Other bits than those by which a map in the part places the key.
        let bits = BuildMix::default().hash_one(key) >> 40;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the low bits are as good as the others"
        )]
        let Shard(lock) = &self.0[bits as usize % SHARDS];
        lock
    }

    #[cfg(any(test, feature = "test"))]
    /// Looks at one part after the other. One lock is held at a time.
    pub(super) fn map<R>(&self, mut look: impl FnMut(&mut T) -> R) -> [R; SHARDS] {
        self.0.each_ref().map(|Shard(lock)| look(&mut lock.lock()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_always_in_the_same_shard_and_keys_spread_over_all() {
        let shards = Shards::<Vec<u32>, 0>::default();
        for key in (0..2000).chain(0..2000) {
            shards.of(&format!("room:{key}")).lock().push(key);
        }
        for mut keys in shards.map(std::mem::take) {
            assert!(!keys.is_empty());
            keys.sort_unstable();
            assert!(keys.chunks(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
        }
    }
}
