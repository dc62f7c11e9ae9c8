//! Writes the parcels of this node.

use super::{
    Answer, Ask, Content, Event, HEAD, Hello, JSON, NUMBERED_HEAD, PresenceChange, PresenceUpdate,
    Question, Shown, VERSION, kind,
};
use crate::backplane::positions::{Mark, Position};
use crate::backplane::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::{Audience, LatestKey};
use crate::socket_id::SocketId;
use crate::wire::binary::{TooLong, put_count, put_socket, put_text};

/// Appends the head of a parcel that is not numbered.
fn put_head(kind: u8, node: NodeId, out: &mut Vec<u8>) {
    out.extend([VERSION, kind]);
    out.extend(node.0.to_be_bytes());
}

/// Writes the head of a numbered parcel into its first [`NUMBERED_HEAD`] bytes.
pub(in crate::backplane) fn write_position(position: &Position, parcel: &mut [u8]) {
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
    pub(in crate::backplane) fn encode(
        node: NodeId,
        (procedure, name, digest): (&str, &str, u64),
        key: Option<LatestKey>,
        is_on_procedure: bool,
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
        out.push(is_on_procedure.into());
        audience.encode(&mut out)?;
        out.push(JSON);
        out.extend(u32::try_from(frame.len()).map_err(|_| TooLong)?.to_be_bytes());
        out.extend_from_slice(frame);
        Ok(out)
    }
}

impl PresenceUpdate<'_> {
    /// The parcel, without its position.
    pub(in crate::backplane) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
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
            PresenceChange::All { reason, first, last, members } => {
                out.push(2);
                out.extend(reason.node.0.to_be_bytes());
                out.extend(reason.id.to_be_bytes());
                out.extend([u8::from(*first), u8::from(*last)]);
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

pub(in crate::backplane) fn encode_marks(
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
    pub(in crate::backplane) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
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
    pub(in crate::backplane) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
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
            Question::Unwatched { procedure, room } => (7, procedure, room),
        };
        out.push(question);
        put_text(procedure, &mut out)?;
        put_text(room, &mut out)?;
        Ok(out)
    }
}

impl Answer<'_> {
    pub(in crate::backplane) fn encode(&self, node: NodeId) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_head(kind::ANSWER, node, &mut out);
        out.extend(self.id.to_be_bytes());
        out.extend(self.page.to_be_bytes());
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

pub(in crate::backplane) fn encode_bye(node: NodeId) -> Vec<u8> {
    let mut out = Vec::new();
    put_head(kind::BYE, node, &mut out);
    out
}

pub(in crate::backplane) fn encode_probe(node: NodeId, probe: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put_head(kind::PROBE, node, &mut out);
    out.extend(probe.to_be_bytes());
    out
}
