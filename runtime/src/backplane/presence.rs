//! Presence of watched rooms across nodes.
//!
//! Each node tells what its own members show, and no other does. A node that watches a room subscribes to its topic, then
//! asks the others to watch it, too. Each publishes all of its members on that topic, and every change from
//! then on. All of this is numbered, so a node that did not get something finds a gap, and asks again.
//!
//! | part | is | used by |
//! | --- | --- | --- |
//! | `here` | rooms that this node watches, and who has not sent all members since it was asked | hooks of the watchers, the receiver, the supervisor |
//! | `pages` | members that have arrived, before the last page has | the receiver |
//! | `elsewhere` | which nodes watch which room | the receiver |
//! | `lost` | nodes that are lost, until the receiver removes what they watch | the supervisor, the receiver |
//!
//! One lock protects it. It may be taken while the lock of the watchers is held, so no method of the hub
//! is called while it is held. Only the receiver calls `watch_remote`, so that its calls have the order of the parcels.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::node::Node;
use super::parcel::{Ask, MAX_LIST, MAX_PAGE, PresenceChange, PresenceUpdate, Question, Shown};
use super::positions::{Position, Verdict};
use super::remote::RemoteProcedure;
use super::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::{MemberState, OtherNodes, Presence};
use crate::socket_id::SocketId;

/// A node that has not sent its members for this long is asked again.
const REPEAT_AFTER: Duration = Duration::from_secs(2);
/// Rooms that other nodes watch. Of more they get the members, and no changes.
const MAX_ROOMS: usize = 100_000;
/// The same in bytes: their names, and [`WATCH_SIZE`] for each node that watches one.
const MAX_ROOMS_SIZE: usize = 64 << 20;
const WATCH_SIZE: usize = 32;
/// Bytes of the members that have arrived, all together, before their last pages have. More begin again.
const MAX_PAGES_SIZE: usize = 256 << 20;

/// The path of a procedure, and the name of a room.
type RoomKey = (Arc<str>, Arc<str>);

#[derive(Default)]
pub(super) struct Watching {
    here: BTreeMap<RoomKey, WatchedHere>,
    pages: HashMap<(NodeId, RoomKey), Pages>,
    /// The bytes of `pages`.
    pages_size: usize,
    elsewhere: BTreeMap<RoomKey, BTreeSet<NodeId>>,
    /// The bytes of `elsewhere`.
    elsewhere_size: usize,
    lost: Vec<NodeId>,
}

struct WatchedHere {
    topic: TopicId,
    asked: Instant,
    waits_for: BTreeSet<NodeId>,
}

/// Members of one node that have arrived.
#[derive(Default)]
struct Pages {
    members: Vec<(SocketId, MemberState)>,
    size: usize,
}

impl OtherNodes for RemoteProcedure {
    fn watched(&self, room: &str, is_watched: bool) {
        let topic = self.room_topic(room);
        let id = topic.id();
        let key: RoomKey = (Arc::clone(&self.procedure.path), room.into());
        let node = &*self.node;
        if is_watched {
            let watched =
                WatchedHere { topic: id, asked: Instant::now(), waits_for: BTreeSet::new() };
            let mut watching = node.watching.lock();
            if watching.here.contains_key(&key) {
                return;
            }
            watching.here.insert(key, watched);
            drop(watching);
            node.use_topic(topic);
            // Else it is asked for when the broker has confirmed the topic.
            if node.subscriptions.lock().is_subscribed(id) {
                node.ask_for_presence(|it| it.topic == id, None);
            }
        } else if node.watching.lock().here.remove(&key).is_some() {
            node.release_topic(topic);
            let question = Question::Unwatch { procedure: &key.0, room };
            if let Ok(bytes) = (Ask { id: 0, question }).encode(node.id) {
                // A control topic, as the asks to watch: they do not overtake each other.
                node.publish_first(node.names.nodes().clone(), bytes);
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
    fn ask_for_presence(&self, of: impl Fn(&WatchedHere) -> bool, node: Option<NodeId>) {
        let keys: Vec<RoomKey> = {
            let watching = self.watching.lock();
            let rooms = watching.here.iter().filter(|(_, watched)| of(watched));
            rooms.map(|(key, _)| key.clone()).collect()
        };
        for key in keys {
            let serving = self.receiving.lock().peers.serving(&key.0);
            let asked: Vec<_> =
                serving.into_iter().filter(|it| node.is_none_or(|node| *it == node)).collect();
            if let Some(watched) = self.watching.lock().here.get_mut(&key) {
                watched.asked = Instant::now();
                watched.waits_for.extend(&asked);
            }
            self.publish_watch(&key, &asked);
        }
    }

    fn publish_watch(&self, (procedure, room): &RoomKey, nodes: &[NodeId]) {
        let Ok(bytes) =
            (Ask { id: 0, question: Question::Watch { procedure, room } }).encode(self.id)
        else {
            return;
        };
        for node in nodes {
            self.publish_first(self.names.node(*node), bytes.clone());
        }
    }

    /// The broker has confirmed these topics.
    pub(super) fn ask_for_presence_on(&self, topics: &[TopicId]) {
        self.ask_for_presence_among(topics.to_vec(), None);
    }

    /// A node is new, or its link was lost.
    pub(super) fn ask_for_presence_of(&self, node: NodeId) {
        self.ask_for_presence(|_| true, Some(node));
    }

    /// Something that a node has published on these topics is lost.
    pub(super) fn ask_for_lost_presence(&self, node: NodeId, topics: Vec<TopicId>) {
        self.ask_for_presence_among(topics, Some(node));
    }

    fn ask_for_presence_among(&self, mut topics: Vec<TopicId>, node: Option<NodeId>) {
        if !topics.is_empty() && !self.watching.lock().here.is_empty() {
            topics.sort_unstable();
            self.ask_for_presence(|it| topics.binary_search(&it.topic).is_ok(), node);
        }
    }

    /// Asks again those that have not answered.
    pub(super) fn repeat_presence_asks(&self) {
        let alive: BTreeSet<NodeId> = self.receiving.lock().peers.alive().collect();
        let now = Instant::now();
        let mut again = Vec::new();
        for (key, watched) in &mut self.watching.lock().here {
            watched.waits_for.retain(|node| alive.contains(node));
            if !watched.waits_for.is_empty() && now.duration_since(watched.asked) >= REPEAT_AFTER {
                watched.asked = now;
                again.push((key.clone(), Vec::from_iter(watched.waits_for.clone())));
            }
        }
        for (key, nodes) in again {
            self.publish_watch(&key, &nodes);
        }
    }

    /// A node tells what its members show.
    pub(super) fn receive_presence(
        &self,
        node: NodeId,
        position: Position,
        update: PresenceUpdate<'_>,
    ) {
        let verdict = self.receiving.lock().positions.receive(node, position, std::iter::empty());
        let Some(lost) = self.lost_before(&verdict) else { return };
        // After a loss this asks for all members again.
        self.report_lost(position.topic, node, lost);
        let Some(procedure) = self.procedure(update.procedure) else { return };
        let Some(hub) = procedure.hub.upgrade() else { return };
        let room = update.room;
        match update.change {
            PresenceChange::Member(id, shown) => {
                hub.watchers.set_remote(room, node.0, id, shown.map(Shown::state));
            }
            PresenceChange::All { first, last, members } => {
                let key: RoomKey = (Arc::clone(&procedure.path), room.into());
                let members = members.into_iter().map(|(id, shown)| (id, shown.state()));
                let all =
                    self.watching.lock().add_page(node, key, first && lost == 0, last, members);
                if let Some(all) = all {
                    hub.watchers.replace_remote(room, node.0, all);
                }
            }
        }
    }

    fn lost_before(&self, verdict: &Verdict) -> Option<u64> {
        match verdict {
            Verdict::Deliver { lost } => Some(*lost),
            Verdict::Copy { .. } | Verdict::Unsubscribed => None,
            Verdict::Duplicate => {
                super::health::add(&self.counts.duplicates, 1);
                None
            }
            Verdict::Malformed => {
                super::health::add(&self.counts.bad_format, 1);
                None
            }
        }
    }

    /// Another node watches a room: publishes its members here, and their changes from now on.
    pub(super) fn watched_by(&self, node: NodeId, path: &str, room: &str) {
        let Some(procedure) = self.procedure(path) else { return };
        let Some(hub) = procedure.hub.upgrade() else { return };
        let is_watched = self.watching.lock().add_elsewhere(node, (path.into(), room.into()));
        hub.watch_remote(room, true);
        let topic = self.names.room(path, room);
        hub.watchers.with_local(room, |members| {
            let mut pages = pages(members).peekable();
            let mut first = true;
            while let Some(members) = pages.next() {
                let change = PresenceChange::All { first, last: pages.peek().is_none(), members };
                first = false;
                let update = PresenceUpdate { procedure: path, room, change };
                if let Ok(bytes) = update.encode(self.id) {
                    self.publish_numbered(vec![(topic.clone(), bytes)]);
                }
            }
        });
        if !is_watched {
            hub.watch_remote(room, false);
        }
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

    /// What a lost node watches is removed by the receiver, and its members have left.
    pub(super) fn presence_lost(&self, node: NodeId) {
        self.watching.lock().lost.push(node);
        for hub in self.hubs() {
            hub.watchers.remove_node(node.0);
        }
    }

    /// Removes what lost nodes watch. The receiver calls it.
    pub(super) fn remove_lost_watchers(&self) {
        loop {
            let mut watching = self.watching.lock();
            let Some(node) = watching.lost.pop() else { return };
            watching.remove_pages(node);
            let rooms: Vec<RoomKey> = watching
                .elsewhere
                .iter()
                .filter(|(_, nodes)| nodes.contains(&node))
                .map(|(key, _)| key.clone())
                .collect();
            drop(watching);
            for (path, room) in rooms {
                self.unwatched_by(node, &path, &room);
            }
        }
    }
}

impl Watching {
    #[cfg(any(test, feature = "test"))]
    pub(super) fn len(&self) -> usize {
        self.here.len() + self.pages.len() + self.elsewhere.len() + self.lost.len()
    }

    /// Returns all members of a node when the last page has arrived.
    fn add_page(
        &mut self,
        node: NodeId,
        room: RoomKey,
        first: bool,
        last: bool,
        members: impl Iterator<Item = (SocketId, MemberState)>,
    ) -> Option<Vec<(SocketId, MemberState)>> {
        // Not watched here, or no more.
        let watched = self.here.get_mut(&room)?;
        let key = (node, room);
        let before = self.pages.remove(&key);
        self.pages_size -= before.as_ref().map_or(0, |pages| pages.size);
        let mut all = match before {
            Some(before) if !first => before,
            Some(_) | None if first => Pages::default(),
            // A page before is lost.
            _ => return None,
        };
        for (id, state) in members {
            all.size += size_of::<(SocketId, MemberState)>() + state.presence.json().len();
            all.members.push((id, state));
        }
        if last {
            watched.waits_for.remove(&node);
            return Some(all.members);
        }
        if self.pages_size + all.size <= MAX_PAGES_SIZE {
            self.pages_size += all.size;
            self.pages.insert(key, all);
        }
        None
    }

    /// A node is lost before its last pages.
    fn remove_pages(&mut self, node: NodeId) {
        let lost = self.pages.extract_if(|(origin, _), _| *origin == node);
        self.pages_size -= lost.map(|(_, pages)| pages.size).sum::<usize>();
    }

    /// Returns `false` if too many rooms are watched.
    fn add_elsewhere(&mut self, node: NodeId, room: RoomKey) -> bool {
        let nodes = self.elsewhere.get_mut(&room);
        let names = if nodes.is_some() { 0 } else { names_size(&room) };
        if self.elsewhere_size + names + WATCH_SIZE > MAX_ROOMS_SIZE {
            return false;
        }
        if let Some(nodes) = nodes {
            self.elsewhere_size += if nodes.insert(node) { WATCH_SIZE } else { 0 };
            return true;
        }
        if self.elsewhere.len() >= MAX_ROOMS {
            return false;
        }
        self.elsewhere_size += names + WATCH_SIZE;
        self.elsewhere.insert(room, BTreeSet::from([node]));
        true
    }

    /// Returns whether no other node watches the room any more.
    fn remove_elsewhere(&mut self, node: NodeId, room: &RoomKey) -> bool {
        let Some(nodes) = self.elsewhere.get_mut(room) else { return false };
        self.elsewhere_size -= if nodes.remove(&node) { WATCH_SIZE } else { 0 };
        if !nodes.is_empty() {
            return false;
        }
        self.elsewhere.remove(room);
        self.elsewhere_size -= names_size(room);
        true
    }
}

fn names_size((procedure, room): &RoomKey) -> usize {
    procedure.len() + room.len()
}

/// Members in pages. There is at least one page.
fn pages<'a>(
    members: &mut dyn Iterator<Item = (SocketId, &'a MemberState)>,
) -> impl Iterator<Item = Vec<(SocketId, Shown<'a>)>> {
    let mut pages = vec![Vec::new()];
    let mut size = 0;
    for (id, state) in members {
        let shown = state.shown();
        size += SocketId::LENGTH + shown.json.len();
        if size > MAX_PAGE || pages.last().is_some_and(|page| page.len() == MAX_LIST) {
            size = 0;
            pages.push(Vec::new());
        }
        if let Some(page) = pages.last_mut() {
            page.push((id, shown));
        }
    }
    pages.into_iter()
}
