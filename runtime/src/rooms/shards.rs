use std::hash::{BuildHasher, Hash};

use super::fast_hasher::BuildFastHasher;
use crate::lock::{Lock, LockGuard};

/// More than the number of cores that change memberships at the same time on a large machine.
const SHARD_COUNT: usize = 32;

/// A table in shards. Each shard has its own lock, so cores that change different shards do not wait
/// for each other.
#[derive(Default)]
pub(super) struct Shards<T, const RANK: u8>([Shard<T, RANK>; SHARD_COUNT]);

/// Aligned to whole cache lines, so that a core which locks one shard does not slow down a core which
/// locks the next. Many processors load two lines of 64 bytes together.
#[derive(Default)]
#[repr(align(128))]
struct Shard<T, const RANK: u8>(Lock<T, RANK>);

impl<T, const RANK: u8> Shards<T, RANK> {
    /// Locks the shard of `key`.
    pub(super) fn lock(&self, key: &(impl Hash + ?Sized)) -> LockGuard<'_, T> {
        // A map in the shard uses other bits of the hash.
        let bits = BuildFastHasher::default().hash_one(key) >> 40;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the low bits are as random as the others"
        )]
        let Shard(lock) = &self.0[bits as usize % SHARD_COUNT];
        lock.lock()
    }

    /// Maps each shard, and holds one lock at a time.
    pub(super) fn map<R>(&self, mut map: impl FnMut(&mut T) -> R) -> [R; SHARD_COUNT] {
        self.0.each_ref().map(|Shard(lock)| map(&mut lock.lock()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_stays_in_its_shard_and_keys_spread_over_all_shards() {
        let shards = Shards::<Vec<u32>, 0>::default();
        for key in (0..2000).chain(0..2000) {
            shards.lock(&format!("room:{key}")).push(key);
        }
        for mut keys in shards.map(std::mem::take) {
            assert!(!keys.is_empty());
            keys.sort_unstable();
            assert!(keys.chunks(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
        }
    }
}
