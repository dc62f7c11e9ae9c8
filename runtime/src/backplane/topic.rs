use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// What parcels are published to, and nodes subscribe to.
#[derive(Clone)]
pub struct Topic {
    name: Arc<str>,
    id: TopicId,
    is_control: bool,
}

/// A digest of the name of a topic. It is in each parcel, so that an engine need not say where a parcel came from.
///
/// 128 bits of SHA-256, because clients choose the names of rooms and must not find two with one id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TopicId(pub(super) [u8; 16]);

impl Topic {
    /// A topic of events.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        Self { id: TopicId::new(&name), name, is_control: false }
    }

    /// A control topic: its parcels do not overtake those of other topics.
    pub fn control(name: impl Into<Arc<str>>) -> Self {
        Self { is_control: true, ..Self::new(name) }
    }

    /// The name, as in `parlor:r:/chat:general`. It contains the name of a room, so any characters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its parcels are delivered after those that the same node has published before, to whatever topic.
    pub fn is_control(&self) -> bool {
        self.is_control
    }

    pub(super) fn id(&self) -> TopicId {
        self.id
    }
}

impl TopicId {
    pub(super) fn new(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name).into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name).finish()
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}
