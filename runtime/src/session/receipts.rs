use super::limits::ACK;

/// What came from a client, for it to know.
#[derive(Default)]
pub(super) struct Receipts {
    /// Counted frames that came in this session.
    pub(super) received: u64,
    /// Nothing came yet over a connection that was welcomed back.
    pub(super) is_unproven: bool,
    /// Frames, and bytes of them, of which the client was not told.
    owed: (u32, usize),
}

impl Receipts {
    /// Counts a frame of so many bytes. Says whether it is time to tell.
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        self.received += 1;
        self.owed.0 += 1;
        self.owed.1 = self.owed.1.saturating_add(bytes);
        self.owed.0 >= ACK.0 || self.owed.1 >= ACK.1
    }

    /// How much has come, if the client was not told so yet.
    pub(super) fn take_owed(&mut self) -> Option<u64> {
        let (frames, _) = std::mem::take(&mut self.owed);
        (frames > 0).then_some(self.received)
    }
}
