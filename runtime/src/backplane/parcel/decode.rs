//! Reads parcels that arrive.

use super::{
    Answer, Ask, Bad, Content, Event, HEAD, Hello, JSON, MAX_CONTRACTS, MAX_LIST, Message,
    PresenceChange, PresenceUpdate, Question, Received, Shown, VERSION, WatchAsk, kind,
};
use crate::backplane::positions::{Mark, Position};
use crate::backplane::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::{Audience, LatestKey, MAX_PRESENCE_SIZE};
use crate::socket_id::SocketId;
use crate::wire::binary::Reader;

impl<'a> Received<'a> {
    pub(in crate::backplane) fn decode(parcel: &'a [u8]) -> Result<Self, Bad> {
        let mut reader = Reader::new(parcel);
        if reader.u8() != Some(VERSION) {
            return Err(Bad::Version);
        }
        let message = decode(&mut reader).filter(|_| reader.is_empty());
        message.ok_or(Bad::Malformed)
    }
}

/// The node in the head of a parcel, without decoding the rest.
pub(in crate::backplane) fn origin(parcel: &[u8]) -> Option<NodeId> {
    let mut reader = Reader::new(parcel.get(2..HEAD)?);
    reader.u64().map(NodeId)
}

/// Whether the head of a parcel is that of a probe.
pub(in crate::backplane) fn is_probe(parcel: &[u8]) -> bool {
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
            let (id, page, is_last) = (reader.u64()?, reader.u32()?, flag(reader)?);
            Message::Answer(Answer { id, page, is_last, content: content(reader)? })
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
    let is_on_procedure = flag(reader)?;
    let audience = Audience::decode(reader)?;
    if reader.u8()? != JSON {
        return None;
    }
    let length = usize::try_from(reader.u32()?).ok()?;
    let frame = reader.bytes(length)?;
    Some(Event { procedure, name, digest, key, audience, is_on_procedure, frame })
}

fn presence_update<'a>(reader: &mut Reader<'a>) -> Option<PresenceUpdate<'a>> {
    let (procedure, room) = (reader.text()?, reader.text()?);
    let change = match reader.u8()? {
        0 => PresenceChange::Member(reader.socket()?, None),
        1 => PresenceChange::Member(reader.socket()?, Some(shown(reader)?)),
        2 => {
            let reason = WatchAsk { node: NodeId(reader.u64()?), id: reader.u64()? };
            let (first, last) = (flag(reader)?, flag(reader)?);
            PresenceChange::All { reason, first, last, members: list(reader, MAX_LIST, member)? }
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
        7 => Question::Unwatched { procedure, room: reader.text()? },
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
