//! The messages of a room, and the order in which they must arrive.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Instant;

use mio::net::TcpStream;

use crate::client::{self, TEXT};
use crate::workload::{Traffic, Workload};

/// The text of a message after its number, as long as a typical chat message.
const WORDS: &str = "the quick brown fox jumps over the lazy dog and runs";
/// Digits of the number at the start of a message.
const DIGITS: usize = 10;

pub struct Connection {
    pub stream: TcpStream,
    /// The start of an incomplete frame.
    pub unread: Vec<u8>,
    /// The number of the next message.
    pub next: u64,
}

/// Connections that receive the same messages.
pub struct Group {
    members: Range<usize>,
    pub sent: u64,
    /// The last messages sent, indexed by number modulo the window.
    flights: Vec<Flight>,
    /// The prefixes of sent and of received messages.
    request: String,
    reply: String,
}

#[derive(Clone, Copy)]
pub struct Flight {
    pub since: Instant,
    /// How many members have not received it yet.
    pub missing: usize,
}

impl Connection {
    pub fn send(&mut self, frames: &[u8]) -> io::Result<()> {
        if frames.is_empty() || self.stream.write(frames)? == frames.len() {
            return Ok(());
        }
        // The socket buffers hold everything in flight.
        Err(io::Error::other("the server does not read"))
    }
}

impl Group {
    pub fn new(room: &str, members: Range<usize>, workload: &Workload) -> Self {
        let (request, reply) = if workload.traffic == Traffic::Echo {
            (r#"["echo",{"text":""#.to_owned(), r#"["echoed",{"text":""#.to_owned())
        } else {
            let event = |name| format!(r#"["{name}",{{"room":"{room}","text":""#);
            (event("sendMessage"), event("newMessage"))
        };
        let flights = vec![Flight { since: Instant::now(), missing: 0 }; workload.window];
        Self { members, sent: 0, flights, request, reply }
    }

    /// Fills the window.
    pub fn start(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        self.send(self.flights.len(), connections)
    }

    /// Sends `count` messages with one write.
    pub fn send(&mut self, count: usize, connections: &mut [Connection]) -> io::Result<()> {
        let sender = self.sender();
        connections[sender].send(&self.next_messages(count))
    }

    fn next_messages(&mut self, count: usize) -> Vec<u8> {
        let mut frames = Vec::new();
        for _ in 0..count {
            let message = format!(r#"{}{:0DIGITS$} {WORDS}"}}]"#, self.request, self.sent);
            client::push_frame(&mut frames, TEXT, message.as_bytes());
            let missing = self.members.len();
            *self.flight(self.sent) = Flight { since: Instant::now(), missing };
            self.sent += 1;
        }
        frames
    }

    /// Returns the next sender. Order is only defined between messages of one sender, so members
    /// take turns only if one message is in flight.
    fn sender(&self) -> usize {
        let turns = if self.flights.len() == 1 { self.members.len() } else { 1 };
        let turn = usize::try_from(self.sent % turns as u64).unwrap_or_default();
        self.members.start + turn
    }

    /// Records that a member has received this message. Returns `None` if it is not the next one.
    pub fn arrived(&mut self, payload: &[u8], next: u64) -> Option<Flight> {
        let number = payload.strip_prefix(self.reply.as_bytes())?.get(..DIGITS)?;
        let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        if number != next || number >= self.sent {
            return None;
        }
        let flight = self.flight(number);
        flight.missing = flight.missing.checked_sub(1)?;
        Some(*flight)
    }

    fn flight(&mut self, number: u64) -> &mut Flight {
        let slot = usize::try_from(number % self.flights.len() as u64).unwrap_or_default();
        &mut self.flights[slot]
    }

    pub fn is_complete(&self) -> bool {
        self.flights.iter().all(|flight| flight.missing == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_must_receive_each_message_once_and_in_order() {
        let fan_out = crate::workload::all(4).swap_remove(0);
        let mut group = Group::new("room-0", 0..4, &fan_out);
        group.next_messages(4);
        let message =
            |number| format!(r#"["newMessage",{{"room":"room-0","text":"{number:010}"}}]"#);
        let mut missing = |number, next| {
            group.arrived(message(number).as_bytes(), next).map(|flight| flight.missing)
        };
        assert_eq!(missing(0, 0), Some(3));
        assert_eq!(missing(0, 1), None, "received twice");
        assert_eq!(missing(2, 1), None, "one was lost");
        assert_eq!(missing(9, 9), None, "never sent");
        assert_eq!(missing(1, 1), Some(3));
        let foreign = message(1).replace("room-0", "room-1");
        assert!(group.arrived(foreign.as_bytes(), 1).is_none(), "from another room");
    }
}
