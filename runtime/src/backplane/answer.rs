//! What this node answers to the asks of others.

use super::node::Node;
use super::parcel::{Answer, Ask, Content, MAX_LIST, Question, Shown};
use crate::disconnect_reason::DisconnectReason;
use crate::node_id::NodeId;
use crate::rooms::{Hub, RoomMember, Traversal};
use crate::socket_id::SocketId;

/// Answers in one or more parcels, behind all events that wait. What would fill more than half of the queue is cut, and
/// the last parcel is not sent: the node that asks then counts this one as missing.
pub(super) fn answer(node: &Node, asking: NodeId, ask: Ask<'_>) {
    let Ask { id, question } = ask;
    let (Question::Members { procedure, .. }
    | Question::Count { procedure, .. }
    | Question::Presence { procedure, .. }
    | Question::Watch { procedure, .. }
    | Question::Unwatch { procedure, .. }
    | Question::Unwatched { procedure, .. }
    | Question::Disconnect { procedure, .. }) = question
    else {
        return;
    };
    match question {
        Question::Watch { room, .. } => return node.watched_by(asking, id, procedure, room),
        Question::Unwatch { room, .. } => {
            node.unwatched_by(asking, procedure, room);
            return node.confirm_unwatch(asking, id, procedure, room);
        }
        Question::Unwatched { room, .. } => {
            return node.unwatch_confirmed(asking, id, procedure, room);
        }
        _ => {}
    }
    let hub = node.procedure(procedure).and_then(|procedure| procedure.hub.upgrade());
    let Some(hub) = hub else { return };
    let mut answers = Answers { node, asking, id, page: 0 };
    match question {
        Question::Members { room, .. } => answers.members(&members(&hub, room)),
        Question::Count { room, .. } => {
            answers.last(Content::Count(members(&hub, room).len() as u64));
        }
        Question::Presence { room, .. } => answers.presence(&hub, room),
        Question::Disconnect { audience, .. } => {
            let count = hub.end_sessions(&audience, DisconnectReason::Disconnected);
            answers.last(Content::Count(count as u64));
        }
        Question::Marks(_)
        | Question::Watch { .. }
        | Question::Unwatch { .. }
        | Question::Unwatched { .. } => {}
    }
}

/// The answers to one ask.
struct Answers<'a> {
    node: &'a Node,
    asking: NodeId,
    id: u64,
    /// The number of the next one.
    page: u32,
}

impl Answers<'_> {
    /// Returns whether there was space for it.
    fn send(&mut self, content: Content<'_>, is_last: bool) -> bool {
        let answer = Answer { id: self.id, page: self.page, is_last, content };
        let Ok(bytes) = answer.encode(self.node.id) else { return false };
        self.page += 1;
        let has_space = self.node.with_outgoing(|outgoing| outgoing.has_space(bytes.len()));
        if has_space {
            self.node.publish_in_order(self.node.names.node(self.asking), bytes);
        }
        has_space
    }

    fn last(&mut self, content: Content<'_>) {
        self.send(content, true);
    }

    fn members(&mut self, members: &[SocketId]) {
        let mut pages = members.chunks(MAX_LIST).peekable();
        while let Some(page) = pages.next() {
            if !self.send(Content::Members(page.to_vec()), pages.peek().is_none()) {
                return;
            }
        }
        if members.is_empty() {
            self.last(Content::Members(Vec::new()));
        }
    }

    fn presence(&mut self, hub: &Hub, room: &str) {
        let mut members = Vec::new();
        hub.rooms.for_each(Traversal::Query, room, |member| members.extend(RoomMember::of(member)));
        let mut page = Vec::new();
        let mut size = 0;
        for member in &members {
            let json = member.presence.json();
            if page.len() == MAX_LIST || size + json.len() > self.node.max_page_size() {
                size = 0;
                if !self.send(Content::Presence(std::mem::take(&mut page)), false) {
                    return;
                }
            }
            size += json.len();
            page.push((member.id, Shown { json, detached: member.detached }));
        }
        self.last(Content::Presence(page));
    }
}

fn members(hub: &Hub, room: &str) -> Vec<SocketId> {
    let mut members = Vec::new();
    hub.rooms.for_each(Traversal::Query, room, |member| members.push(member.id()));
    members
}
