/// Why the members of a room or a procedure are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    /// An emit. Broadcasts to the same members wait for each other, so all members get them in one
    /// order.
    Broadcast,
    /// A look at who they are. It waits for no broadcast.
    Look,
}

impl Walk {
    pub(super) fn is_broadcast(self) -> bool {
        self == Self::Broadcast
    }
}
