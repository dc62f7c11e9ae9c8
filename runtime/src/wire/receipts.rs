use super::control;

/// When the other side is told at the latest: after so many frames, or bytes of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Every {
    frames: u64,
    bytes: usize,
}

/// A server tells early: clients report as lost what nobody confirmed.
pub(crate) const SERVER: Every = Every { frames: 128, bytes: 32 << 10 };
/// Clients are many, and what they say costs the server a read each.
pub(crate) const CLIENT: Every = Every { frames: 512, bytes: 64 << 10 };

/// What is asked of the other's contract, and its answer.
const CONTRACT: [&str; 2] = ["$contract?", "$contract"];

/// What one side of a session has received, for the other to know.
#[derive(Debug)]
pub(crate) struct Receipts {
    every: Every,
    received: u64,
    /// So many the other side was told of.
    told: u64,
    /// The size of the others.
    bytes: usize,
    /// The number is to be told, be there something new or not.
    asked: bool,
}

impl Receipts {
    pub(crate) fn new(every: Every) -> Self {
        Self { every, received: 0, told: 0, bytes: 0, asked: false }
    }

    /// How many counted frames came in this session.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Counts a frame of so many bytes.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.received += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The next connection begins with the number.
    pub(crate) fn ask(&mut self) {
        self.asked = true;
    }

    /// Whether some came of which the other side was not told.
    pub(crate) fn is_owed(&self) -> bool {
        self.received > self.told
    }

    /// Whether it is time to tell.
    pub(crate) fn is_due(&self) -> bool {
        let Every { frames, bytes } = self.every;
        self.asked || self.received - self.told >= frames || (self.is_owed() && self.bytes >= bytes)
    }

    /// The number, which the other side is told now.
    pub(crate) fn tell(&mut self) -> u64 {
        self.told = self.received;
        self.bytes = 0;
        self.asked = false;
        self.received
    }
}

/// Whether a frame of this name is one of those that both sides count.
pub(crate) fn is_counted(name: &str) -> bool {
    let uncounted = [control::WELCOME, control::ACK, control::PING, control::PONG];
    !uncounted.contains(&name) && !CONTRACT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_after_so_many_frames_or_bytes() {
        let mut received = Receipts::new(SERVER);
        for _ in 1..SERVER.frames {
            received.count(1);
        }
        assert!(received.is_owed() && !received.is_due());
        received.count(1);
        assert!(received.is_due());
        assert_eq!(received.tell(), 128);
        assert!(!received.is_owed() && !received.is_due());
        received.count(SERVER.bytes);
        assert!(received.is_due());
        assert_eq!(received.tell(), 129);
        received.count(SERVER.bytes - 1);
        assert!(received.is_owed() && !received.is_due());
        received.ask();
        assert!(received.is_due());
        assert_eq!(received.tell(), 130);
        assert!(!received.is_due());
    }

    #[test]
    fn what_keeps_the_connection_is_not_counted() {
        for name in ["$welcome", "$ack", "$contract", "$contract?", "ping", "pong"] {
            assert!(!is_counted(name), "{name}");
        }
        for name in ["$ok", "$err", "$ofTomorrow", "said", ""] {
            assert!(is_counted(name), "{name}");
        }
    }
}
