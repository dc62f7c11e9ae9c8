/// Why the members of a room or a procedure are traversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traversal {
    /// To emit. Broadcasts to the same members run one after the other, so all members receive them in
    /// one order.
    Broadcast,
    /// To list the members. It does not wait for broadcasts.
    Query,
}

impl Traversal {
    pub(super) fn is_broadcast(self) -> bool {
        self == Self::Broadcast
    }
}
