//! What parcels contain: the messages between nodes.
//!
//! Everything in a parcel is input. [`Message::decode`] accepts what [`encode`](Message::encode) writes, and
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

#[cfg(any(test, fuzzing))]
pub(super) mod reencode;
#[cfg(test)]
mod tests;

use super::positions::{Mark, Position};
use super::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::{Audience, LatestKey, MAX_PRESENCE_SIZE};
use crate::socket_id::SocketId;
use crate::wire::binary::{Reader, TooLong, put_count, put_socket, put_text};

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
    All { first: bool, last: bool, members: Vec<(SocketId, Shown<'a>)> },
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
    /// The last number of the node.
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
    Disconnect {
        procedure: &'a str,
        audience: Audience,
    },
}

pub(super) struct Answer<'a> {
    pub(super) id: u64,
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

impl<'a> Received<'a> {
    pub(super) fn decode(parcel: &'a [u8]) -> Result<Self, Bad> {
        let mut reader = Reader::new(parcel);
        if reader.u8() != Some(VERSION) {
            return Err(Bad::Version);
        }
        let message = decode(&mut reader).filter(|_| reader.is_empty());
        message.ok_or(Bad::Malformed)
    }
}

/// The node in the head of a parcel, without decoding the rest.
pub(super) fn origin(parcel: &[u8]) -> Option<NodeId> {
    let mut reader = Reader::new(parcel.get(2..HEAD)?);
    reader.u64().map(NodeId)
}

/// Whether the head of a parcel is that of a probe.
pub(super) fn is_probe(parcel: &[u8]) -> bool {
    parcel.get(1) == Some(&kind::PROBE)
}

fn decode<'a>(reader: &mut Reader<'a>) -> Option<Received<'a>> {
    let kind = reader.u8()?;
    let node = NodeId(reader.u64()?);
    let message = match kind {
        kind::EVENT => Message::Event(position(reader)?, event(reader)?),
        kind::PRESENCE => Message::Presence(position(reader)?, presence_update(reader)?),
        kind::MARKS => {
            Message::Marks { incarnation: reader.u64()?, marks: list(reader, MAX_LIST, mark)? }
        }
        kind::HELLO => Message::Hello(hello(reader)?),
        kind::ASK => Message::Ask(Ask { id: reader.u64()?, question: question(reader)? }),
        kind::ANSWER => {
            let (id, is_last) = (reader.u64()?, flag(reader)?);
            Message::Answer(Answer { id, is_last, content: content(reader)? })
        }
        kind::BYE => Message::Bye,
        kind::PROBE => Message::Probe(reader.u64()?),
        _ => return None,
    };
    Some(Received { node, message })
}

fn position(reader: &mut Reader<'_>) -> Option<Position> {
    let topic = TopicId(reader.array()?);
    let (number, previous, count) = (reader.u64()?, reader.u64()?, reader.u64()?);
    Some(Position { topic, number, previous, count })
}

fn event<'a>(reader: &mut Reader<'a>) -> Option<Event<'a>> {
    let (procedure, name, digest) = (reader.text()?, reader.text()?, reader.u64()?);
    let key = if flag(reader)? { Some(LatestKey(reader.array()?)) } else { None };
    let audience = Audience::decode(reader)?;
    if reader.u8()? != JSON {
        return None;
    }
    let length = usize::try_from(reader.u32()?).ok()?;
    let frame = reader.bytes(length)?;
    Some(Event { procedure, name, digest, key, audience, frame })
}

fn presence_update<'a>(reader: &mut Reader<'a>) -> Option<PresenceUpdate<'a>> {
    let (procedure, room) = (reader.text()?, reader.text()?);
    let change = match reader.u8()? {
        0 => PresenceChange::Member(reader.socket()?, None),
        1 => PresenceChange::Member(reader.socket()?, Some(shown(reader)?)),
        2 => {
            let (first, last) = (flag(reader)?, flag(reader)?);
            PresenceChange::All { first, last, members: list(reader, MAX_LIST, member)? }
        }
        _ => return None,
    };
    Some(PresenceUpdate { procedure, room, change })
}

fn member<'a>(reader: &mut Reader<'a>) -> Option<(SocketId, Shown<'a>)> {
    Some((reader.socket()?, shown(reader)?))
}

fn shown<'a>(reader: &mut Reader<'a>) -> Option<Shown<'a>> {
    let detached = flag(reader)?;
    let json = reader.text()?.as_bytes();
    (json.len() <= MAX_PRESENCE_SIZE).then_some(Shown { json, detached })
}

fn hello<'a>(reader: &mut Reader<'a>) -> Option<Hello<'a>> {
    let (incarnation, number, wants_answer) = (reader.u64()?, reader.u64()?, flag(reader)?);
    let procedures = list(reader, MAX_CONTRACTS, |reader| {
        let path = reader.text()?;
        let events = |reader: &mut Reader<'a>| Some((reader.text()?, reader.u64()?));
        Some((path, list(reader, MAX_CONTRACTS, events)?))
    })?;
    Some(Hello { incarnation, number, wants_answer, procedures })
}

fn question<'a>(reader: &mut Reader<'a>) -> Option<Question<'a>> {
    let question = reader.u8()?;
    if question == 0 {
        return list(reader, MAX_LIST, |reader| reader.array().map(TopicId)).map(Question::Marks);
    }
    let procedure = reader.text()?;
    Some(match question {
        1 => Question::Members { procedure, room: reader.text()? },
        2 => Question::Count { procedure, room: reader.text()? },
        3 => Question::Presence { procedure, room: reader.text()? },
        4 => Question::Watch { procedure, room: reader.text()? },
        5 => Question::Unwatch { procedure, room: reader.text()? },
        6 => Question::Disconnect { procedure, audience: Audience::decode(reader)? },
        _ => return None,
    })
}

fn content<'a>(reader: &mut Reader<'a>) -> Option<Content<'a>> {
    Some(match reader.u8()? {
        0 => Content::Marks(list(reader, MAX_LIST, mark)?),
        1 => Content::Members(list(reader, MAX_LIST, Reader::socket)?),
        2 => Content::Count(reader.u64()?),
        3 => Content::Presence(list(reader, MAX_LIST, member)?),
        _ => return None,
    })
}

fn mark(reader: &mut Reader<'_>) -> Option<Mark> {
    let topic = TopicId(reader.array()?);
    let (number, count) = (reader.u64()?, reader.u64()?);
    Some(Mark { topic, number, count })
}

fn flag(reader: &mut Reader<'_>) -> Option<bool> {
    match reader.u8()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    max: usize,
    element: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let count = usize::from(reader.u16()?);
    if count > max {
        return None;
    }
    (0..count).map(|_| element(reader)).collect()
}

/// Appends the head of a parcel that is not numbered.
fn put_head(kind: u8, node: NodeId, out: &mut Vec<u8>) {
    out.extend([VERSION, kind]);
    out.extend(node.0.to_be_bytes());
}

/// Writes the head of a numbered parcel into its first [`NUMBERED_HEAD`] bytes.
pub(super) fn write_position(position: &Position, parcel: &mut [u8]) {
    let Position { topic, number, previous, count } = position;
    let Some(fields) = parcel.get_mut(HEAD..NUMBERED_HEAD) else { return };
    let (topic_field, numbers) = fields.split_at_mut(topic.0.len());
    topic_field.copy_from_slice(&topic.0);
    for (field, value) in numbers.chunks_exact_mut(8).zip([number, previous, count]) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

impl Event<'_> {
    /// The parcel, without its position.
    pub(super) fn encode(
        node: NodeId,
        (procedure, name, digest): (&str, &str, u64),
        key: Option<LatestKey>,
        audience: &Audience,
        frame: &[u8],
    ) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::with_capacity(NUMBERED_HEAD + 64 + frame.len());
        put_head(kind::EVENT, node, &mut out);
        out.resize(NUMBERED_HEAD, 0);
        put_text(procedure, &mut out)?;
        put_text(name, &mut out)?;
        out.extend(digest.to_be_bytes());
        out.push(key.is_some().into());
        out.extend(key.iter().flat_map(|LatestKey(key)| key));
        audience.encode(&mut out)?;
        out.push(JSON);
        out.extend(u32::try_from(frame.len()).map_err(|_| TooLong)?.to_be_bytes());
        out.extend_from_slice(frame);
        Ok(out)
    }
}

impl PresenceUpdate<'_> {
    /// The parcel, without its position.
    pub(super) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_head(kind::PRESENCE, node, &mut out);
        out.resize(NUMBERED_HEAD, 0);
        put_text(self.procedure, &mut out)?;
        put_text(self.room, &mut out)?;
        match &self.change {
            PresenceChange::Member(socket, shown) => {
                out.push(shown.is_some().into());
                put_socket(*socket, &mut out);
                if let Some(shown) = shown {
                    put_shown(shown, &mut out)?;
                }
            }
            PresenceChange::All { first, last, members } => {
                out.extend([2, (*first).into(), (*last).into()]);
                put_members(members, &mut out)?;
            }
        }
        Ok(out)
    }
}

fn put_members(members: &[(SocketId, Shown<'_>)], out: &mut Vec<u8>) -> Result<(), TooLong> {
    put_count(members.len(), out)?;
    for (socket, shown) in members {
        put_socket(*socket, out);
        put_shown(shown, out)?;
    }
    Ok(())
}

fn put_shown(shown: &Shown<'_>, out: &mut Vec<u8>) -> Result<(), TooLong> {
    out.push(shown.detached.into());
    put_count(shown.json.len(), out)?;
    out.extend_from_slice(shown.json);
    Ok(())
}

fn put_marks(marks: &[Mark], out: &mut Vec<u8>) -> Result<(), TooLong> {
    put_count(marks.len(), out)?;
    for Mark { topic, number, count } in marks {
        out.extend(topic.0);
        out.extend(number.to_be_bytes());
        out.extend(count.to_be_bytes());
    }
    Ok(())
}

pub(super) fn encode_marks(
    node: NodeId,
    incarnation: u64,
    marks: &[Mark],
) -> Result<Vec<u8>, TooLong> {
    let mut out = Vec::new();
    put_head(kind::MARKS, node, &mut out);
    out.extend(incarnation.to_be_bytes());
    put_marks(marks, &mut out)?;
    Ok(out)
}

impl Hello<'_> {
    pub(super) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_head(kind::HELLO, node, &mut out);
        out.extend(self.incarnation.to_be_bytes());
        out.extend(self.number.to_be_bytes());
        out.push(self.wants_answer.into());
        put_count(self.procedures.len(), &mut out)?;
        for (path, events) in &self.procedures {
            put_text(path, &mut out)?;
            put_count(events.len(), &mut out)?;
            for (name, digest) in events {
                put_text(name, &mut out)?;
                out.extend(digest.to_be_bytes());
            }
        }
        Ok(out)
    }
}

impl Ask<'_> {
    pub(super) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_head(kind::ASK, node, &mut out);
        out.extend(self.id.to_be_bytes());
        let (question, procedure, room) = match &self.question {
            Question::Marks(topics) => {
                out.push(0);
                put_count(topics.len(), &mut out)?;
                out.extend(topics.iter().flat_map(|TopicId(id)| id));
                return Ok(out);
            }
            Question::Disconnect { procedure, audience } => {
                out.push(6);
                put_text(procedure, &mut out)?;
                audience.encode(&mut out)?;
                return Ok(out);
            }
            Question::Members { procedure, room } => (1, procedure, room),
            Question::Count { procedure, room } => (2, procedure, room),
            Question::Presence { procedure, room } => (3, procedure, room),
            Question::Watch { procedure, room } => (4, procedure, room),
            Question::Unwatch { procedure, room } => (5, procedure, room),
        };
        out.push(question);
        put_text(procedure, &mut out)?;
        put_text(room, &mut out)?;
        Ok(out)
    }
}

impl Answer<'_> {
    pub(super) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_head(kind::ANSWER, node, &mut out);
        out.extend(self.id.to_be_bytes());
        out.push(self.is_last.into());
        match &self.content {
            Content::Marks(marks) => {
                out.push(0);
                put_marks(marks, &mut out)?;
            }
            Content::Members(members) => {
                out.push(1);
                put_count(members.len(), &mut out)?;
                for member in members {
                    put_socket(*member, &mut out);
                }
            }
            Content::Count(count) => {
                out.push(2);
                out.extend(count.to_be_bytes());
            }
            Content::Presence(members) => {
                out.push(3);
                put_members(members, &mut out)?;
            }
        }
        Ok(out)
    }
}

pub(super) fn encode_bye(node: NodeId) -> Vec<u8> {
    let mut out = Vec::new();
    put_head(kind::BYE, node, &mut out);
    out
}

pub(super) fn encode_probe(node: NodeId, probe: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put_head(kind::PROBE, node, &mut out);
    out.extend(probe.to_be_bytes());
    out
}
