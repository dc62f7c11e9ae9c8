use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::io;
use std::sync::LazyLock;

use serde::Serialize;

/// Keyed with secret random bits of this process: clients choose many of the values that become
/// keys, and must not be able to choose two that replace each other.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What stands for `key` among the events that replace older ones: the same for equal values of one
/// event, and another for each other value or event.
pub(crate) fn latest_key<K: Serialize + ?Sized>(
    event: &str,
    key: &K,
) -> Result<u64, serde_json::Error> {
    let mut hasher = HASHES.build_hasher();
    event.hash(&mut hasher);
    serde_json::to_writer(Bytes(&mut hasher), key)?;
    Ok(hasher.finish())
}

/// Hashes what is written to it.
struct Bytes<'a, H>(&'a mut H);

impl<H: Hasher> io::Write for Bytes<'_, H> {
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
    fn equal_values_of_one_event_are_one_key() {
        assert_eq!(key("moved", "ada"), key("moved", &"ada".to_owned()));
        assert_eq!(key("moved", &()), key("moved", &()));
        assert_eq!(key("moved", &(1, "a")), key("moved", &(1_u64, 'a')));
    }

    #[test]
    fn other_values_and_other_events_are_other_keys() {
        assert_ne!(key("moved", "ada"), key("moved", "bob"));
        assert_ne!(key("moved", "ada"), key("typing", "ada"));
        assert_ne!(key("moved", "1"), key("moved", &1));
        // The name does not run into the value.
        assert_ne!(key("a", &11), key("a1", &1));
    }

    #[test]
    fn what_cannot_be_written_is_no_key() {
        let map = HashMap::from([((1, 2), 3)]);
        assert!(latest_key("moved", &map).is_err());
    }
}
