//! The messages of one session that the server has not confirmed.

use super::queue::Outgoing;
use crate::wire::replay::{InFlightLimit, Item, Replay};

const WINDOW: InFlightLimit = InFlightLimit { bytes: 256 << 10, frames: 4096 };

#[derive(Debug)]
pub(super) enum InFlight {
    /// The server keeps the session when the connection is lost. What is not confirmed is replayed then.
    Kept(Replay<Outgoing>),
    /// The server keeps no session. Only emits are counted, to report how many may be lost.
    Counted { sent: u64, confirmed: u64 },
}

impl Default for InFlight {
    fn default() -> Self {
        Self::Counted { sent: 0, confirmed: 0 }
    }
}

impl Item for Outgoing {
    const KEPT_CAPACITY: usize = super::queue::KEPT_CAPACITY;

    fn size(&self) -> usize {
        self.text.len()
    }
}

impl InFlight {
    /// `keeps`: the server keeps the session when the connection is lost.
    pub(super) fn new(keeps: bool) -> Self {
        if keeps { Self::Kept(Replay::new(Some(WINDOW))) } else { Self::default() }
    }

    /// The number of messages that were sent and count.
    pub(super) fn sent(&self) -> u64 {
        match self {
            Self::Kept(replay) => replay.sent(),
            Self::Counted { sent, .. } => *sent,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Kept(replay) => replay.in_flight() == 0,
            Self::Counted { sent, confirmed } => sent == confirmed,
        }
    }

    /// Takes the next message to send: one to replay, else a new one from `pop` if the in-flight limit allows it.
    pub(super) fn take_next(&mut self, pop: impl FnOnce() -> Option<Outgoing>) -> Option<Outgoing> {
        match self {
            Self::Kept(replay) => {
                if replay.pending() == 0 && !replay.is_limit_reached() {
                    replay.push(pop()?);
                }
                replay.take_next(Outgoing::clone)
            }
            Self::Counted { sent, .. } => {
                pop().inspect(|message| *sent += u64::from(message.call.is_none()))
            }
        }
    }

    /// The server has received the first `count` messages. A count that is impossible, or smaller than
    /// before, is ignored.
    pub(super) fn confirm(&mut self, count: u64) {
        match self {
            Self::Kept(replay) => {
                let _ = replay.confirm(count);
            }
            Self::Counted { sent, confirmed } if count <= *sent => {
                *confirmed = count.max(*confirmed);
            }
            Self::Counted { .. } => {}
        }
    }

    /// The server sends an acknowledgement, which is ignored unless it keeps the session.
    pub(super) fn acknowledge(&mut self, count: u64) {
        if let Self::Kept(_) = self {
            self.confirm(count);
        }
    }

    /// The session continues over another connection, and what the server has not received is replayed.
    /// Returns `false`, and does nothing, if the server cannot have received `received` messages.
    pub(super) fn resume(&mut self, received: u64) -> bool {
        let Self::Kept(replay) = self else { return false };
        let possible = replay.confirm(received).is_ok();
        if possible {
            replay.rewind();
        }
        possible
    }

    /// Removes messages larger than `limit` bytes from those to replay.
    pub(super) fn remove_larger(&mut self, limit: usize) -> Vec<Outgoing> {
        let Self::Kept(replay) = self else { return Vec::new() };
        let (smaller, larger): (Vec<_>, _) =
            replay.take_pending().into_iter().partition(|message| message.text.len() <= limit);
        for message in smaller {
            replay.push(message);
        }
        larger
    }

    /// The session is over. Returns how many emits the server may not have received.
    pub(super) fn end(&mut self) -> u64 {
        match std::mem::take(self) {
            Self::Kept(replay) => {
                replay.iter().filter(|message| message.call.is_none()).count() as u64
            }
            Self::Counted { sent, confirmed } => sent - confirmed,
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

    /// Sends a new message, unless the in-flight limit is reached.
    fn send(in_flight: &mut InFlight, message: Outgoing) -> bool {
        in_flight.take_next(|| Some(message)).is_some()
    }

    fn sent(keeps: bool, messages: &[Outgoing]) -> InFlight {
        let mut in_flight = InFlight::new(keeps);
        for message in messages {
            assert!(send(&mut in_flight, message.clone()));
        }
        in_flight
    }

    fn replay_one(in_flight: &mut InFlight) -> Option<String> {
        in_flight.take_next(|| None).map(|message| message.text.to_string())
    }

    fn replayed(in_flight: &mut InFlight) -> Vec<String> {
        std::iter::from_fn(|| replay_one(in_flight)).collect()
    }

    fn bytes(in_flight: &InFlight) -> usize {
        match in_flight {
            InFlight::Kept(replay) => replay.iter().map(Item::size).sum(),
            InFlight::Counted { .. } => 0,
        }
    }

    #[test]
    fn only_messages_not_received_are_replayed() {
        let mut in_flight = sent(true, &[emit("1"), call("2", 2), emit("3"), emit("4")]);
        assert_eq!(replayed(&mut in_flight), [""; 0], "not while the connection lasts");
        in_flight.confirm(1);
        assert!(in_flight.resume(2));
        assert_eq!(replay_one(&mut in_flight).as_deref(), Some("3"));
        // Lost once more, before 4 was sent again.
        assert!(!in_flight.resume(4), "4 was not sent again");
        assert!(!in_flight.resume(1), "2 were received");
        assert!(in_flight.resume(2));
        assert_eq!(replayed(&mut in_flight), ["3", "4"]);
        assert_eq!(in_flight.sent(), 4);
        assert!(in_flight.resume(4));
        assert_eq!(replayed(&mut in_flight), [""; 0]);
    }

    #[test]
    fn end_counts_only_unconfirmed_emits() {
        for keeps in [true, false] {
            let messages = [emit("1"), call("2", 2), emit("3"), call("4", 4), emit("5")];
            let mut in_flight = sent(keeps, &messages);
            in_flight.confirm(1);
            assert!(!in_flight.is_empty());
            assert_eq!(in_flight.end(), 2, "{keeps}");
            assert_eq!(in_flight.end(), 0, "reported once");
            assert!(in_flight.is_empty());
        }
    }

    #[test]
    fn end_counts_emits_not_replayed_yet() {
        let mut in_flight = sent(true, &[emit("1"), emit("2"), emit("3")]);
        assert!(in_flight.resume(1));
        assert!(replay_one(&mut in_flight).is_some());
        assert_eq!(in_flight.end(), 2);
    }

    #[test]
    fn impossible_confirmation_is_ignored() {
        let mut in_flight = sent(true, &[emit("1"), emit("2")]);
        in_flight.acknowledge(3);
        in_flight.confirm(u64::MAX);
        assert_eq!(in_flight.end(), 2);
        let mut in_flight = sent(true, &[emit("1"), emit("2")]);
        in_flight.acknowledge(2);
        in_flight.acknowledge(1);
        assert!(in_flight.is_empty());
        assert_eq!(in_flight.end(), 0);
        let mut in_flight = sent(false, &[emit("1"), emit("2")]);
        in_flight.acknowledge(2);
        assert_eq!(in_flight.end(), 2, "such a server counts nothing");
        let mut in_flight = sent(false, &[emit("1"), emit("2")]);
        in_flight.confirm(in_flight.sent());
        assert_eq!(in_flight.end(), 0);
    }

    #[test]
    fn acknowledgement_of_previous_connection_does_not_stop_replay() {
        let mut in_flight = sent(true, &[emit("1"), emit("2")]);
        assert!(in_flight.resume(0));
        in_flight.acknowledge(2);
        assert_eq!(replayed(&mut in_flight), ["1", "2"]);
    }

    #[test]
    fn in_flight_is_bounded_in_frames() {
        let mut in_flight = InFlight::new(true);
        for _ in 0..WINDOW.frames {
            assert!(send(&mut in_flight, emit("x")));
        }
        assert!(!send(&mut in_flight, emit("x")));
        in_flight.confirm(1);
        assert!(send(&mut in_flight, emit("x")));
    }

    #[test]
    fn in_flight_is_bounded_in_bytes() {
        let large = "x".repeat(WINDOW.bytes as usize - 1);
        let mut in_flight = sent(true, &[emit(&large)]);
        assert!(send(&mut in_flight, emit(&large)), "one may exceed it");
        assert!(!send(&mut in_flight, emit("x")));
        assert!(in_flight.resume(0));
        assert_eq!(replayed(&mut in_flight).len(), 2, "what was in flight is replayed");
        assert!(!send(&mut in_flight, emit("x")));
        in_flight.confirm(1);
        assert!(send(&mut in_flight, emit("x")));
        in_flight.confirm(3);
        assert_eq!(bytes(&in_flight), 0);
    }

    #[test]
    fn in_flight_is_not_bounded_without_kept_session() {
        let large = "x".repeat(WINDOW.bytes as usize);
        let mut in_flight = sent(false, &[emit(&large), emit(&large)]);
        assert!(send(&mut in_flight, emit("x")));
    }

    #[test]
    fn messages_over_limit_are_not_replayed() {
        let mut in_flight = sent(true, &[emit("1"), emit("12"), call("123", 3), emit("4")]);
        assert!(in_flight.remove_larger(0).is_empty(), "all of them are in flight");
        assert!(in_flight.resume(1));
        let removed = in_flight.remove_larger(1);
        assert_eq!(removed.iter().map(|message| message.call).collect::<Vec<_>>(), [None, Some(3)]);
        assert_eq!(bytes(&in_flight), 1);
        assert_eq!(replayed(&mut in_flight), ["4"]);
    }
}
