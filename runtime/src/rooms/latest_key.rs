use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::io;
use std::sync::LazyLock;

use serde::Serialize;

/// Keyed with secret random bits of this process: clients choose many of the hashed values, and must
/// not be able to choose two that replace each other.
static HASH_STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A hash of `event` and `key`. A pending `latest` event is replaced by one with an equal hash.
pub(crate) fn latest_key<K: Serialize + ?Sized>(
    event: &str,
    key: &K,
) -> Result<u64, serde_json::Error> {
    let mut hasher = HASH_STATE.build_hasher();
    event.hash(&mut hasher);
    serde_json::to_writer(HashWriter(&mut hasher), key)?;
    Ok(hasher.finish())
}

/// Hashes the bytes that are written to it.
struct HashWriter<'a, H>(&'a mut H);

impl<H: Hasher> io::Write for HashWriter<'_, H> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
