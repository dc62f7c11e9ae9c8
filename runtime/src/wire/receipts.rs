use super::control;

/// An acknowledgement is due after this many counted frames, or this many bytes of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AckInterval {
    frames: u64,
    bytes: usize,
}

/// A server acknowledges early, because clients report unconfirmed emits as lost.
pub(crate) const SERVER: AckInterval = AckInterval { frames: 128, bytes: 32 << 10 };
/// Clients are many, and each acknowledgement costs the server a read.
pub(crate) const CLIENT: AckInterval = AckInterval { frames: 512, bytes: 64 << 10 };

/// Reserved for the exchange of contracts.
const CONTRACT: [&str; 2] = ["$contract?", "$contract"];

/// Counts the frames that one side of a session has received, and when to acknowledge them.
#[derive(Debug)]
pub(crate) struct Receipts {
    interval: AckInterval,
    received: u64,
    acknowledged: u64,
    /// The bytes of frames not acknowledged yet.
    bytes: usize,
    /// An acknowledgement is due even without a new frame.
    forced: bool,
}

impl Receipts {
    pub(crate) fn new(interval: AckInterval) -> Self {
        Self { interval, received: 0, acknowledged: 0, bytes: 0, forced: false }
    }

    /// The number of counted frames received in this session.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Counts a frame.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.received += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Makes an acknowledgement due, for the start of a new connection.
    pub(crate) fn force_acknowledgement(&mut self) {
        self.forced = true;
    }

    pub(crate) fn has_unacknowledged(&self) -> bool {
        self.received > self.acknowledged
    }

    /// Returns whether an acknowledgement is due.
    pub(crate) fn is_due(&self) -> bool {
        let AckInterval { frames, bytes } = self.interval;
        self.forced
            || self.received - self.acknowledged >= frames
            || (self.has_unacknowledged() && self.bytes >= bytes)
    }

    /// Returns the number for an acknowledgement that is sent now.
    pub(crate) fn acknowledge(&mut self) -> u64 {
        self.acknowledged = self.received;
        self.bytes = 0;
        self.forced = false;
        self.received
    }
}

/// Returns whether both sides count frames with this name.
pub(crate) fn is_counted(name: &str) -> bool {
    let uncounted = [control::WELCOME, control::ACK, control::PING, control::PONG];
    !uncounted.contains(&name) && !CONTRACT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgement_is_due_after_frames_or_bytes() {
        let mut received = Receipts::new(SERVER);
        for _ in 1..SERVER.frames {
            received.count(1);
        }
        assert!(received.has_unacknowledged() && !received.is_due());
        received.count(1);
        assert!(received.is_due());
        assert_eq!(received.acknowledge(), 128);
        assert!(!received.has_unacknowledged() && !received.is_due());
        received.count(SERVER.bytes);
        assert!(received.is_due());
        assert_eq!(received.acknowledge(), 129);
        received.count(SERVER.bytes - 1);
        assert!(received.has_unacknowledged() && !received.is_due());
        received.force_acknowledgement();
        assert!(received.is_due());
        assert_eq!(received.acknowledge(), 130);
        assert!(!received.is_due());
    }

    #[test]
    fn control_frames_of_connection_are_not_counted() {
        for name in ["$welcome", "$ack", "$contract", "$contract?", "ping", "pong"] {
            assert!(!is_counted(name), "{name}");
        }
        for name in ["$ok", "$err", "$ofTomorrow", "said", ""] {
            assert!(is_counted(name), "{name}");
        }
    }
}
