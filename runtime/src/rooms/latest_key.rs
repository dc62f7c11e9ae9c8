use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

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
    with_json(key, |json| {
        let mut hasher = HASH_STATE.build_hasher();
        event.hash(&mut hasher);
        hasher.write(json);
        hasher.finish()
    })
}

/// A digest of `event` and `key`, equal on all nodes.
///
/// SHA-256, because clients choose many of the values, and no secret bits are the same on all nodes.
pub(crate) fn stable_latest_key<K: Serialize + ?Sized>(
    event: &str,
    key: &K,
) -> Result<LatestKey, EncodeError> {
    with_json(key, |json| {
        let digest = Sha256::new().chain_update(event).chain_update([0]).chain_update(json);
        let digest = digest.finalize();
        LatestKey(std::array::from_fn(|at| digest[at]))
    })
}

/// Calls `read` with the JSON of `key`.
fn with_json<K: Serialize + ?Sized, T>(
    key: &K,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T, EncodeError> {
    let mut json = buffers::take(&FRAME_BUFFER);
    json.clear();
    let result = encode(key, &mut json).map(|()| read(&json));
    if json.capacity() <= MAX_KEPT_FRAME {
        buffers::put(&FRAME_BUFFER, json);
    }
    result
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
        assert!(stable_latest_key("moved", &map).is_err());
    }

    fn stable<K: Serialize + ?Sized>(event: &str, key: &K) -> LatestKey {
        stable_latest_key(event, key).expect("JSON")
    }

    #[test]
    fn equal_values_of_one_event_have_equal_stable_keys() {
        assert_eq!(stable("moved", "ada"), stable("moved", &"ada".to_owned()));
        assert_eq!(stable("moved", &()), stable("moved", &()));
        let [one, two] = [stable("moved", "ada"), stable("moved", "ada")];
        assert_eq!(one.in_this_process(), two.in_this_process());
    }

    #[test]
    fn different_values_or_events_have_different_stable_keys() {
        let ada = stable("moved", "ada");
        assert_ne!(ada, stable("moved", "bob"));
        assert_ne!(ada, stable("typing", "ada"));
        assert_ne!(stable("a", &11), stable("a1", &1));
        assert_ne!(ada.in_this_process(), stable("moved", "bob").in_this_process());
    }

    #[test]
    fn stable_key_is_the_same_on_all_nodes() {
        // printf 'moved\0"ada"' | sha256sum
        let LatestKey(bytes) = stable("moved", "ada");
        assert_eq!(u128::from_be_bytes(bytes), 0x67c6_80e3_6d6c_e3ae_c0d3_002c_636e_ebca);
    }
}
