//! Presence of watched rooms across nodes.
//!
//! Each node tells what its own members show, and no other does. A node that watches a room subscribes to its topic, then
//! asks the others to watch it, too. Each publishes all of its members on that topic, and every change from
//! then on. All of this is numbered, so a node that did not get something finds a gap, and asks again. An ask is repeated
//! until all members have arrived for it, and the end of a watch until it is confirmed.
//!
//! What is known of all this is in [`watching`](super::watching), under one lock. It may be taken while the lock of the
//! watchers is held, so no method of the hub is called while it is held. Only the receiver calls `watch_remote`, so
//! that its calls have the order of the parcels.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::health::add;
use super::node::Node;
use super::parcel::{Ask, MAX_LIST, PresenceChange, PresenceUpdate, Question, Shown, WatchAsk};
use super::positions::{Position, Verdict};
use super::remote::RemoteProcedure;
use super::topic::TopicId;
use super::watching::{RoomAsk, RoomKey};
use crate::node_id::NodeId;
use crate::rooms::{MemberState, OtherNodes, Presence};
use crate::socket_id::SocketId;

impl OtherNodes for RemoteProcedure {
    fn watched(&self, room: &str, is_watched: bool) {
        let topic = self.room_topic(room);
        let id = topic.id();
        let key: RoomKey = (Arc::clone(&self.procedure.path), room.into());
        let node = &*self.node;
        if is_watched {
            if !node.watching.lock().begin(key.clone(), id, Instant::now()) {
                return;
            }
            node.use_topic(&topic);
            // Else it is asked for when the broker has confirmed the topic.
            if node.subscriptions.lock().is_subscribed(id) {
                node.ask_for_presence(vec![key], None);
            }
        } else {
            let mut watching = node.watching.lock();
            let ended = watching.end(key, node.next_ask(), Instant::now());
            if let Some(ask) = &ended {
                node.queue_room_ask(ask);
            }
            drop(watching);
            if ended.is_some() {
                node.queued.notify_one();
                node.release_topic(&topic);
            }
        }
    }

    fn changed(&self, room: &str, id: SocketId, state: Option<&MemberState>) {
        let shown = state.map(MemberState::shown);
        let change = PresenceChange::Member(id, shown);
        let update = PresenceUpdate { procedure: &self.procedure.path, room, change };
        if let Ok(bytes) = update.encode(self.node.id) {
            self.node.publish_numbered(vec![(self.room_topic(room), bytes)]);
        }
    }
}

impl MemberState {
    fn shown(&self) -> Shown<'_> {
        Shown { json: self.presence.json(), detached: self.detached }
    }
}

impl Shown<'_> {
    fn state(self) -> MemberState {
        MemberState { presence: Presence::from_json(self.json), detached: self.detached }
    }
}

impl Node {
    /// Asks for the members of watched rooms: one node, or all that serve the procedure.
    fn ask_for_presence(&self, rooms: Vec<RoomKey>, node: Option<NodeId>) {
        for room in rooms {
            let mut nodes = self.receiving.lock().peers.serving(&room.0);
            nodes.retain(|it| node.is_none_or(|node| *it == node));
            let mut watching = self.watching.lock();
            if let Some(ask) = watching.ask(room, self.next_ask(), nodes, Instant::now()) {
                self.queue_room_ask(&ask);
            }
        }
        self.queued.notify_one();
    }

    /// Called with the lock of `watching`, so that the last ask for a room says whether it is watched. The caller wakes
    /// the supervisor.
    fn queue_room_ask(&self, ask: &RoomAsk) {
        let RoomAsk { id, room: (procedure, room), nodes, is_watched } = ask;
        let question = if *is_watched {
            Question::Watch { procedure, room }
        } else {
            Question::Unwatch { procedure, room }
        };
        let Ok(bytes) = (Ask { id: *id, question }).encode(self.id) else { return };
        for node in nodes {
            let topic = self.names.node(*node);
            self.with_outgoing(|outgoing| outgoing.push_control(topic, bytes.clone()));
        }
    }

    /// The broker has confirmed these topics.
    pub(super) fn ask_for_presence_on(&self, topics: &[TopicId]) {
        self.ask_for_presence(self.watched_on(topics.to_vec()), None);
    }

    /// A node is new, or is back, or its link was lost.
    pub(super) fn ask_for_presence_of(&self, node: NodeId) {
        let rooms = self.watching.lock().rooms_on(None);
        self.ask_for_presence(rooms, Some(node));
    }

    /// Something that a node has published on these topics is lost.
    pub(super) fn ask_for_lost_presence(&self, node: NodeId, topics: Vec<TopicId>) {
        for room in self.watched_on(topics) {
            let mut watching = self.watching.lock();
            let id = self.next_ask();
            if let Some(ask) = watching.ask_after_loss(room, id, node, Instant::now()) {
                self.queue_room_ask(&ask);
            }
        }
        self.queued.notify_one();
    }

    fn watched_on(&self, mut topics: Vec<TopicId>) -> Vec<RoomKey> {
        if topics.is_empty() {
            return Vec::new();
        }
        topics.sort_unstable();
        self.watching.lock().rooms_on(Some(&topics))
    }

    /// Asks again those that have not answered.
    pub(super) fn repeat_presence_asks(&self) {
        let alive: BTreeSet<NodeId> = self.receiving.lock().peers.alive().collect();
        {
            let mut watching = self.watching.lock();
            let again = watching.unanswered(&alive, Instant::now());
            for ask in &again {
                // The others are repeated later: what cannot be published in time displaces other parcels.
                if self.with_outgoing(|outgoing| outgoing.has_control_space()) {
                    self.queue_room_ask(ask);
                }
            }
        }
        self.queued.notify_one();
    }

    /// A node tells what its members show.
    pub(super) fn receive_presence(
        &self,
        node: NodeId,
        position: Position,
        update: PresenceUpdate<'_>,
    ) {
        let verdict = self.receiving.lock().positions.receive(node, position, &[]);
        // After a loss this asks for all members again.
        match verdict {
            Verdict::Deliver { lost } => self.report_lost(position.topic, node, lost),
            // It was published before this node has subscribed, and has asked for all members.
            Verdict::Copy { lost } => return self.report_lost(position.topic, node, lost),
            Verdict::Duplicate => return add(&self.counts.duplicates, 1),
            Verdict::Malformed => return add(&self.counts.bad_format, 1),
            Verdict::Unsubscribed => return,
        }
        let Some(procedure) = self.procedure(update.procedure) else { return };
        let Some(hub) = procedure.hub.upgrade() else { return };
        let room = update.room;
        match update.change {
            PresenceChange::Member(id, shown) => {
                hub.watchers.set_remote(room, node.0, id, shown.map(Shown::state));
            }
            PresenceChange::All { reason, first, last, members } => {
                let key: RoomKey = (Arc::clone(&procedure.path), room.into());
                let members = members.into_iter().map(|(id, shown)| (id, shown.state()));
                let all = self.watching.lock().add_page(node, &key, (first, last), members);
                if let Some(all) = all {
                    hub.watchers.replace_remote(room, node.0, all);
                    self.watching.lock().answered(self.id, node, &key, reason);
                }
            }
        }
    }

    /// Another node watches a room: publishes its members here, and their changes from now on.
    pub(super) fn watched_by(&self, node: NodeId, id: u64, path: &str, room: &str) {
        let Some(procedure) = self.procedure(path) else { return };
        let Some(hub) = procedure.hub.upgrade() else { return };
        let is_watched = {
            let key: RoomKey = (path.into(), room.into());
            let mut watching = self.watching.lock();
            watching.add_elsewhere(node, key.clone()) || watching.is_watched_elsewhere(&key)
        };
        hub.watch_remote(room, true);
        let topic = self.names.room(path, room);
        let reason = WatchAsk { node, id };
        // Before they are encoded, which may take long.
        let size = hub.watchers.with_local(room, |members| {
            members.map(|(_, state)| SocketId::LENGTH + state.presence.json().len()).sum()
        });
        let fits = self.can_have_space_for(size, path, room);
        hub.watchers.with_local(room, |members| {
            if !fits {
                return;
            }
            let pages: Vec<_> = pages(members, self.max_page_size()).collect();
            let last = pages.len() - 1;
            let encoded = pages.into_iter().enumerate().map(|(index, members)| {
                let (first, last) = (index == 0, index == last);
                let change = PresenceChange::All { reason, first, last, members };
                PresenceUpdate { procedure: path, room, change }.encode(self.id)
            });
            if let Ok(pages) = encoded.collect::<Result<Vec<_>, _>>()
                && self.has_space_for(&pages)
            {
                for bytes in pages {
                    self.publish_numbered(vec![(topic.clone(), bytes)]);
                }
            }
        });
        if !is_watched {
            hub.watch_remote(room, false);
        }
    }

    /// Whether there is space for all members of a room now. Otherwise they would displace events. They are asked for again.
    fn has_space_for(&self, pages: &[Vec<u8>]) -> bool {
        let size = pages.iter().map(Vec::len).sum();
        self.with_outgoing(|outgoing| outgoing.has_space(size))
    }

    /// Whether all members of a room, with this size, fit into half of the queue.
    fn can_have_space_for(&self, size: usize, procedure: &str, room: &str) -> bool {
        let fits = self.with_outgoing(|outgoing| outgoing.can_have_space(size));
        if !fits {
            self.refuse(&self.logged.large_room, || {
                tracing::error!(
                    procedure,
                    room,
                    size,
                    "other nodes cannot watch a room: what its members show does not fit into half of `ClusterOptions::max_queue_size`"
                );
            });
        }
        fits
    }

    /// Another node watches a room no more.
    pub(super) fn unwatched_by(&self, node: NodeId, path: &str, room: &str) {
        let was_last = self.watching.lock().remove_elsewhere(node, &(path.into(), room.into()));
        if was_last
            && let Some(hub) = self.procedure(path).and_then(|procedure| procedure.hub.upgrade())
        {
            hub.watch_remote(room, false);
        }
    }

    /// Tells a node that it is known here that it watches a room no more.
    pub(super) fn confirm_unwatch(&self, node: NodeId, id: u64, procedure: &str, room: &str) {
        let question = Question::Unwatched { procedure, room };
        if let Ok(bytes) = (Ask { id, question }).encode(self.id) {
            self.publish_first(self.names.node(node), bytes);
        }
    }

    pub(super) fn unwatch_confirmed(&self, node: NodeId, id: u64, procedure: &str, room: &str) {
        self.watching.lock().confirm(node, id, &(procedure.into(), room.into()));
    }

    /// Removes the members of lost nodes, and what these nodes watch. The receiver calls it.
    pub(super) fn remove_lost_nodes(&self) {
        let lost = std::mem::take(&mut self.receiving.lock().lost);
        for node in lost {
            for hub in self.hubs() {
                hub.watchers.remove_node(node.0);
            }
            let rooms = self.watching.lock().lose(node);
            for (path, room) in rooms {
                self.unwatched_by(node, &path, &room);
            }
        }
    }

    /// A node has ended, or is forgotten.
    pub(super) fn peer_forgotten(&self, node: NodeId) {
        self.watching.lock().forget(node);
    }
}

/// Members in pages. There is at least one page.
fn pages<'a>(
    members: &mut dyn Iterator<Item = (SocketId, &'a MemberState)>,
    max_size: usize,
) -> impl Iterator<Item = Vec<(SocketId, Shown<'a>)>> {
    let mut pages = vec![Vec::new()];
    let mut size = 0;
    for (id, state) in members {
        let shown = state.shown();
        size += SocketId::LENGTH + shown.json.len();
        if size > max_size || pages.last().is_some_and(|page| page.len() == MAX_LIST) {
            size = 0;
            pages.push(Vec::new());
        }
        if let Some(page) = pages.last_mut() {
            page.push((id, shown));
        }
    }
    pages.into_iter()
}
