//! What is sent in a room, and in which order it must arrive.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Instant;

use mio::net::TcpStream;

use crate::client::{self, TEXT};
use crate::workload::{Traffic, Workload};

/// What a message says after its number: enough for it to be as long as one in a chat.
const WORDS: &str = "the quick brown fox jumps over the lazy dog and runs";
/// Decimal digits of the number with which a message begins.
const DIGITS: usize = 10;

pub struct Connection {
    pub stream: TcpStream,
    /// The start of a frame whose end has not come yet.
    pub unread: Vec<u8>,
    /// The number of the message that must come next.
    pub next: u64,
}

/// Connections that get the same messages.
pub struct Group {
    members: Range<usize>,
    pub sent: u64,
    /// The last messages sent, by their numbers modulo the window.
    flights: Vec<Flight>,
    /// What a message sent begins with, and one received.
    request: String,
    reply: String,
}

#[derive(Clone, Copy)]
pub struct Flight {
    pub since: Instant,
    /// How many do not have it yet.
    pub missing: usize,
}

impl Connection {
    pub fn send(&mut self, frames: &[u8]) -> io::Result<()> {
        if frames.is_empty() || self.stream.write(frames)? == frames.len() {
            return Ok(());
        }
        // So little is in flight that the system's buffers hold all of it.
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

    /// Sends so many messages, in one piece.
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

    /// Who sends next. Only of one sender's messages is the order defined, so members take turns only
    /// where one message is in flight.
    fn sender(&self) -> usize {
        let turns = if self.flights.len() == 1 { self.members.len() } else { 1 };
        let turn = usize::try_from(self.sent % turns as u64).unwrap_or_default();
        self.members.start + turn
    }

    /// A member has this message; `None` if that is not the one it must get next.
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
    fn each_member_gets_each_message_once_and_in_order() {
        let fan_out = crate::workload::all(4).swap_remove(0);
        let mut group = Group::new("room-0", 0..4, &fan_out);
        group.next_messages(4);
        let message =
            |number| format!(r#"["newMessage",{{"room":"room-0","text":"{number:010}"}}]"#);
        let mut missing = |number, next| {
            group.arrived(message(number).as_bytes(), next).map(|flight| flight.missing)
        };
        assert_eq!(missing(0, 0), Some(3));
        assert_eq!(missing(0, 1), None, "twice");
        assert_eq!(missing(2, 1), None, "one is lost");
        assert_eq!(missing(9, 9), None, "never sent");
        assert_eq!(missing(1, 1), Some(3));
        let foreign = message(1).replace("room-0", "room-1");
        assert!(group.arrived(foreign.as_bytes(), 1).is_none(), "of another room");
    }
}
