use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::buffers::{self, FRAME_BUFFER, MAX_KEPT_FRAME};
use crate::wire::{EncodeError, encode};

/// Keyed with secret random bits of this process: clients choose many of the hashed values, and must
/// not be able to choose two that replace each other.
static HASH_STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The key of a `latest` event, equal on all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LatestKey(pub(crate) [u8; 16]);

impl LatestKey {
    /// The key of the pending event.
    pub(crate) fn in_this_process(self) -> u64 {
        HASH_STATE.hash_one(self.0)
    }
}

/// A hash of `event` and `key`. A pending `latest` event is replaced by one with an equal hash.
pub(crate) fn latest_key<K: Serialize + ?Sized>(event: &str, key: &K) -> Result<u64, EncodeError> {
    let mut json = buffers::take(&FRAME_BUFFER);
    json.clear();
    let key = encode(key, &mut json).map(|()| {
        let mut hasher = HASH_STATE.build_hasher();
        event.hash(&mut hasher);
        hasher.write(&json);
        hasher.finish()
    });
    if json.capacity() <= MAX_KEPT_FRAME {
        buffers::put(&FRAME_BUFFER, json);
    }
    key
}

/// A digest of `event` and `key`, equal on all nodes.
pub(crate) fn stable_latest_key<K: Serialize + ?Sized>(
    event: &str,
    key: &K,
) -> Result<LatestKey, EncodeError> {
    let mut bytes = event.as_bytes().to_vec();
    bytes.push(0);
    encode(key, &mut bytes)?;
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    let mut stable = [0; 16];
    stable.copy_from_slice(&digest[..16]);
    Ok(LatestKey(stable))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn key<K: Serialize + ?Sized>(event: &str, key: &K) -> u64 {
        latest_key(event, key).expect("JSON")
    }

    #[test]
    fn equal_values_of_one_event_have_equal_keys() {
        assert_eq!(key("moved", "ada"), key("moved", &"ada".to_owned()));
        assert_eq!(key("moved", &()), key("moved", &()));
        assert_eq!(key("moved", &(1, "a")), key("moved", &(1_u64, 'a')));
    }

    #[test]
    fn different_values_or_events_have_different_keys() {
        assert_ne!(key("moved", "ada"), key("moved", "bob"));
        assert_ne!(key("moved", "ada"), key("typing", "ada"));
        assert_ne!(key("moved", "1"), key("moved", &1));
        // The same bytes, split differently into name and value.
        assert_ne!(key("a", &11), key("a1", &1));
    }

    #[test]
    fn key_that_cannot_be_encoded_is_an_error() {
        let map = HashMap::from([((1, 2), 3)]);
        assert!(latest_key("moved", &map).is_err());
    }
}
