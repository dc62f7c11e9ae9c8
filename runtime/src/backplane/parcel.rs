//! What parcels contain: the messages between nodes.
//!
//! Everything in a parcel is input. `decode` accepts what `encode` writes, and
//! nothing else. Integers are big-endian, texts have their length (16 bits) before them.
//!
//! | bytes | of a numbered parcel |
//! | --- | --- |
//! | 1 | version, [`VERSION`] |
//! | 1 | kind |
//! | 8 | the node that has published it |
//! | 16 | topic |
//! | 8 | number: per node, over all topics |
//! | 8 | previous: the node's last number on this topic |
//! | 8 | count: per node and topic |
//! | 2 + n | procedure: the path that it is mounted at |
//! | | the event, or the change of a presence |
//!
//! The other kinds have no topic, number, previous and count.

mod decode;
mod encode;
#[cfg(any(test, fuzzing))]
pub(super) mod reencode;
#[cfg(test)]
mod tests;

pub(super) use self::decode::{is_probe, origin};
pub(super) use self::encode::{encode_bye, encode_marks, encode_probe, write_position};
use super::positions::{Mark, Position};
use super::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::{Audience, LatestKey};
use crate::socket_id::SocketId;

/// The version of the format.
pub(super) const VERSION: u8 = 1;
/// The bytes of a numbered parcel before its procedure, which differ between the topics of one event.
pub(super) const NUMBERED_HEAD: usize = 50;
/// The bytes before the content of any parcel: version, kind, node.
const HEAD: usize = 10;

/// Marks, topics and members in one parcel. More are malformed, so that an answer is as small as its ask.
pub(super) const MAX_LIST: usize = 1000;
/// Procedures in one hello, and events of one procedure: what their number can express.
const MAX_CONTRACTS: usize = u16::MAX as usize;
/// Bytes of members in one parcel. Brokers accept 1 MiB by default.
pub(super) const MAX_PAGE: usize = 256 << 10;
/// Frames are encoded as JSON, in an uncompressed text frame.
const JSON: u8 = 1;

mod kind {
    pub(super) const EVENT: u8 = 1;
    pub(super) const PRESENCE: u8 = 2;
    pub(super) const MARKS: u8 = 3;
    pub(super) const HELLO: u8 = 4;
    pub(super) const ASK: u8 = 5;
    pub(super) const ANSWER: u8 = 6;
    pub(super) const BYE: u8 = 7;
    pub(super) const PROBE: u8 = 8;
    // 16 to 31 are reserved for sessions that move between nodes.
}

/// A message of another node, or of this one.
pub(super) struct Received<'a> {
    pub(super) node: NodeId,
    pub(super) message: Message<'a>,
}

pub(super) enum Message<'a> {
    Event(Position, Event<'a>),
    Presence(Position, PresenceUpdate<'a>),
    Marks {
        incarnation: u64,
        marks: Vec<Mark>,
    },
    Hello(Hello<'a>),
    Ask(Ask<'a>),
    Answer(Answer<'a>),
    /// The node has ended its sessions and will publish nothing more.
    Bye,
    Probe(u64),
}

/// An outgoing event for the members of other nodes.
pub(super) struct Event<'a> {
    pub(super) procedure: &'a str,
    /// The wire name.
    pub(super) name: &'a str,
    /// Of the event's fields in the contract of the origin.
    pub(super) digest: u64,
    /// The stable key of a `latest` event.
    pub(super) key: Option<LatestKey>,
    pub(super) audience: Audience,
    /// It is also published on the topic of the procedure, beside those of its rooms.
    pub(super) is_on_procedure: bool,
    /// A whole frame, as clients get it.
    pub(super) frame: &'a [u8],
}

/// What members of a watched room show now.
pub(super) struct PresenceUpdate<'a> {
    pub(super) procedure: &'a str,
    pub(super) room: &'a str,
    pub(super) change: PresenceChange<'a>,
}

pub(super) enum PresenceChange<'a> {
    /// What one member shows; `None`: nothing, or it has left the room.
    Member(SocketId, Option<Shown<'a>>),
    /// A page of all members of the node. `first`, `last`: of the pages.
    All { reason: WatchAsk, first: bool, last: bool, members: Vec<(SocketId, Shown<'a>)> },
}

/// The ask that all members are published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WatchAsk {
    /// The node that has asked.
    pub(super) node: NodeId,
    pub(super) id: u64,
}

/// A presence as JSON, and whether the session has no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown<'a> {
    pub(super) json: &'a [u8],
    pub(super) detached: bool,
}

/// A node is connected.
pub(super) struct Hello<'a> {
    pub(super) incarnation: u64,
    /// The last number of the node; 0 if it has published nothing yet.
    pub(super) number: u64,
    /// Each node answers with its own hello.
    pub(super) wants_answer: bool,
    /// The path of each procedure with its outgoing events: wire name and digest.
    pub(super) procedures: Vec<(&'a str, Vec<(&'a str, u64)>)>,
}

pub(super) struct Ask<'a> {
    /// Chosen by the node that asks.
    pub(super) id: u64,
    pub(super) question: Question<'a>,
}

pub(super) enum Question<'a> {
    /// The marks of these topics.
    Marks(Vec<TopicId>),
    Members {
        procedure: &'a str,
        room: &'a str,
    },
    Count {
        procedure: &'a str,
        room: &'a str,
    },
    Presence {
        procedure: &'a str,
        room: &'a str,
    },
    /// Publish what all members of this room show, and their changes from now on.
    Watch {
        procedure: &'a str,
        room: &'a str,
    },
    Unwatch {
        procedure: &'a str,
        room: &'a str,
    },
    /// Confirms an `Unwatch` with the same id.
    Unwatched {
        procedure: &'a str,
        room: &'a str,
    },
    Disconnect {
        procedure: &'a str,
        audience: Audience,
    },
}

pub(super) struct Answer<'a> {
    pub(super) id: u64,
    /// Its place among the answers of the node with this id; the first is 0.
    pub(super) page: u32,
    /// The node sends no further answer with this id.
    pub(super) is_last: bool,
    pub(super) content: Content<'a>,
}

/// What a node answers.
#[derive(Clone)]
pub(super) enum Content<'a> {
    Marks(Vec<Mark>),
    Members(Vec<SocketId>),
    Count(u64),
    Presence(Vec<(SocketId, Shown<'a>)>),
}

/// Why a parcel is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// Of another version of the format.
    Version,
    Malformed,
}
