//! What was sent in one session, and how much of it the server is known to have received.

use std::collections::VecDeque;

use super::queue::Outgoing;

/// With so many bytes unconfirmed, nothing more goes out.
const WINDOW_BYTES: usize = 256 << 10;
/// With so many frames unconfirmed, nothing more goes out.
const WINDOW_FRAMES: usize = 4096;

/// Room for this many frames is kept between bursts.
const KEPT_CAPACITY: usize = 64;

/// `confirmed` <= `sent`, always.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Frames on their way in the present connection, and all before them. If the server keeps no
    /// session, only emits count, as nobody else looks at the numbers.
    sent: u64,
    /// So many of them the server is known to have received.
    confirmed: u64,
    /// If the server keeps the session: all after the confirmed ones. Those up to `sent` are on their
    /// way, those behind it were on a connection that was lost, and go out again.
    kept: Option<VecDeque<Outgoing>>,
    /// The size of what is kept.
    bytes: usize,
}

impl Tally {
    /// That of a fresh session, which the server `keeps` when the connection is lost, or does not.
    pub(super) fn new(keeps: bool) -> Self {
        Self { kept: keeps.then(VecDeque::new), ..Self::default() }
    }

    pub(super) fn count(&self) -> u64 {
        self.sent
    }

    /// The server may have missed something.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.sent > self.confirmed
    }

    /// Whether something new may go out.
    pub(super) fn has_room(&self) -> bool {
        let frames = self.kept.as_ref().map_or(0, VecDeque::len);
        self.bytes < WINDOW_BYTES && frames < WINDOW_FRAMES
    }

    /// Counts a message that goes out for the first time.
    pub(super) fn sent(&mut self, message: &Outgoing) {
        if let Some(kept) = &mut self.kept {
            self.bytes += message.text.len();
            kept.push_back(message.clone());
        } else if message.call.is_some() {
            return;
        }
        self.sent += 1;
    }

    /// What goes out again, before anything new. Counts it.
    pub(super) fn again(&mut self) -> Option<Outgoing> {
        let on_their_way = usize::try_from(self.sent - self.confirmed).ok()?;
        let message = self.kept.as_ref()?.get(on_their_way)?.clone();
        self.sent += 1;
        Some(message)
    }

    /// The server has received the first `count`. It cannot have received more than was sent.
    pub(super) fn confirm(&mut self, count: u64) {
        if count <= self.confirmed || count > self.sent {
            return;
        }
        let newly = count - self.confirmed;
        self.confirmed = count;
        let Some(kept) = &mut self.kept else { return };
        let newly = usize::try_from(newly).map_or(kept.len(), |newly| newly.min(kept.len()));
        for message in kept.drain(..newly) {
            self.bytes -= message.text.len();
        }
        if kept.is_empty() && kept.capacity() > KEPT_CAPACITY {
            *kept = VecDeque::new();
        }
    }

    /// The server has received everything.
    pub(super) fn confirm_all(&mut self) {
        self.confirm(self.sent);
    }

    /// What an `$ack` says: it means something only of a session that the server keeps.
    pub(super) fn acknowledge(&mut self, count: u64) {
        if self.kept.is_some() {
            self.confirm(count);
        }
    }

    /// The session goes on in another connection; the server has received the first `received`, and
    /// the rest goes out again. Says `false`, and does nothing, if that cannot be.
    pub(super) fn resume(&mut self, received: u64) -> bool {
        let possible = (self.confirmed..=self.sent).contains(&received);
        if possible {
            self.confirm(received);
            self.sent = self.confirmed;
        }
        possible
    }

    /// Takes back what is larger than `limit` bytes and was to go out again.
    pub(super) fn remove_larger(&mut self, limit: usize) -> Vec<Outgoing> {
        let on_their_way = self.sent - self.confirmed;
        let mut removed = Vec::new();
        let mut place = 0;
        if let Some(kept) = &mut self.kept {
            kept.retain(|message| {
                place += 1;
                let fits = place <= on_their_way || message.text.len() <= limit;
                if !fits {
                    self.bytes -= message.text.len();
                    removed.push(message.clone());
                }
                fits
            });
        }
        removed
    }

    /// The session is over. Says how many emits the server may not have received.
    pub(super) fn end(&mut self) -> u64 {
        let Self { sent, confirmed, kept, .. } = std::mem::take(self);
        match kept {
            Some(kept) => kept.iter().filter(|message| message.call.is_none()).count() as u64,
            None => sent - confirmed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emit(text: &str) -> Outgoing {
        Outgoing { text: text.into(), call: None }
    }

    fn call(text: &str, id: u64) -> Outgoing {
        Outgoing { text: text.into(), call: Some(id) }
    }

    fn sent(keeps: bool, messages: &[Outgoing]) -> Tally {
        let mut tally = Tally::new(keeps);
        for message in messages {
            tally.sent(message);
        }
        tally
    }

    fn again(tally: &mut Tally) -> Vec<String> {
        std::iter::from_fn(|| tally.again()).map(|message| message.text.to_string()).collect()
    }

    #[test]
    fn what_was_not_received_goes_out_again_and_only_that() {
        let mut tally = sent(true, &[emit("1"), call("2", 2), emit("3"), emit("4")]);
        assert_eq!(again(&mut tally), [""; 0], "not while the connection lasts");
        tally.confirm(1);
        assert!(tally.resume(2));
        assert_eq!(tally.again().map(|message| message.text.to_string()).as_deref(), Some("3"));
        // Lost once more, when 4 was not sent again yet.
        assert!(!tally.resume(4), "4 was not sent again");
        assert!(!tally.resume(1), "2 were received");
        assert!(tally.resume(2));
        assert_eq!(again(&mut tally), ["3", "4"]);
        assert_eq!(tally.count(), 4);
        assert!(tally.resume(4));
        assert_eq!(again(&mut tally), [""; 0]);
    }

    #[test]
    fn only_emits_that_were_not_received_are_lost() {
        for keeps in [true, false] {
            let messages = [emit("1"), call("2", 2), emit("3"), call("4", 4), emit("5")];
            let mut tally = sent(keeps, &messages);
            tally.confirm(1);
            assert!(tally.is_unconfirmed());
            assert_eq!(tally.end(), 2, "{keeps}");
            assert_eq!(tally.end(), 0, "told once");
            assert!(!tally.is_unconfirmed());
        }
    }

    #[test]
    fn what_is_to_go_out_again_is_lost_with_the_rest() {
        let mut tally = sent(true, &[emit("1"), emit("2"), emit("3")]);
        assert!(tally.resume(1));
        assert!(tally.again().is_some());
        assert_eq!(tally.end(), 2);
    }

    #[test]
    fn no_confirmation_is_believed_that_cannot_be() {
        let mut tally = sent(true, &[emit("1"), emit("2")]);
        tally.acknowledge(3);
        tally.confirm(u64::MAX);
        assert_eq!(tally.end(), 2);
        let mut tally = sent(true, &[emit("1"), emit("2")]);
        tally.acknowledge(2);
        tally.acknowledge(1);
        assert!(!tally.is_unconfirmed());
        assert_eq!(tally.end(), 0);
        let mut tally = sent(false, &[emit("1"), emit("2")]);
        tally.acknowledge(2);
        assert_eq!(tally.end(), 2, "such a server counts nothing");
        let mut tally = sent(false, &[emit("1"), emit("2")]);
        tally.confirm_all();
        assert_eq!(tally.end(), 0);
    }

    #[test]
    fn a_confirmation_of_the_connection_before_is_none_of_what_goes_out_again() {
        let mut tally = sent(true, &[emit("1"), emit("2")]);
        assert!(tally.resume(0));
        tally.acknowledge(2);
        assert_eq!(again(&mut tally), ["1", "2"]);
    }

    #[test]
    fn the_window_is_bounded_in_frames() {
        let mut tally = Tally::new(true);
        for _ in 0..WINDOW_FRAMES {
            assert!(tally.has_room());
            tally.sent(&emit("x"));
        }
        assert!(!tally.has_room());
        tally.confirm(1);
        assert!(tally.has_room());
    }

    #[test]
    fn the_window_is_bounded_in_bytes() {
        let large = "x".repeat(WINDOW_BYTES - 1);
        let mut tally = sent(true, &[emit(&large)]);
        assert!(tally.has_room(), "one may exceed it");
        tally.sent(&emit(&large));
        assert!(!tally.has_room());
        assert!(tally.resume(0));
        assert_eq!(again(&mut tally).len(), 2, "it does not hold up what was in it before");
        assert!(!tally.has_room());
        tally.confirm(1);
        assert!(tally.has_room());
        tally.confirm(2);
        assert_eq!(tally.bytes, 0);
    }

    #[test]
    fn a_server_that_keeps_nothing_has_no_window() {
        let large = "x".repeat(WINDOW_BYTES);
        let tally = sent(false, &[emit(&large), emit(&large)]);
        assert!(tally.has_room());
    }

    #[test]
    fn what_is_larger_than_a_limit_does_not_go_out_again() {
        let mut tally = sent(true, &[emit("1"), emit("12"), call("123", 3), emit("4")]);
        assert!(tally.remove_larger(0).is_empty(), "all of them are on their way");
        assert!(tally.resume(1));
        let removed = tally.remove_larger(1);
        assert_eq!(removed.iter().map(|message| message.call).collect::<Vec<_>>(), [None, Some(3)]);
        assert_eq!((again(&mut tally), tally.bytes), (vec!["4".to_owned()], 1));
    }
}
