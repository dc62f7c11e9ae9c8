use std::fmt;

/// One node of a cluster: a router that is served. Random, and new each time that the process starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u64);

impl NodeId {
    /// `random`: 64 random bits. Without them, the time and the process distinguish nodes.
    pub(crate) fn new(random: Option<u64>) -> Self {
        Self(random.unwrap_or_else(|| {
            let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
            time.as_secs() << 30
                ^ u64::from(time.subsec_nanos())
                ^ u64::from(std::process::id()) << 48
        }))
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}
