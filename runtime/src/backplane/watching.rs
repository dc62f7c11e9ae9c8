//! Which rooms are watched across nodes, and what has arrived of their members.
//!
//! | part | is | used by |
//! | --- | --- | --- |
//! | `here` | rooms that this node watches, and who has not sent all members since it was asked | hooks of the watchers, the receiver, the supervisor |
//! | `ended` | rooms that this node watches no more, and who has not confirmed to know it | hooks of the watchers, the receiver, the supervisor |
//! | `elsewhere` | which nodes watch which room | the receiver |

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::parcel::WatchAsk;
use super::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::MemberState;
use crate::socket_id::SocketId;

/// A node that has not answered for this long is asked again.
const REPEAT_AFTER: Duration = Duration::from_secs(2);
/// After a loss a node is not asked again at once, but when the ask is repeated, if it was asked less than this before.
/// Otherwise losses that its answers cause would cause answers without end.
const PAUSE: Duration = Duration::from_millis(500);
/// Rooms that other nodes watch. Of more they get the members, and no changes. Also the most rooms whose end is
/// repeated until it is confirmed.
const MAX_ROOMS: usize = 100_000;
/// The same in bytes: their names, and [`WATCH_SIZE`] for each node that watches one.
const MAX_ROOMS_SIZE: usize = 64 << 20;
const WATCH_SIZE: usize = 32;
/// Bytes of the members that have arrived, all together, before their last pages have. More begin again.
const MAX_PAGES_SIZE: usize = 256 << 20;

/// The path of a procedure, and the name of a room.
pub(super) type RoomKey = (Arc<str>, Arc<str>);
/// What members of another node show.
pub(super) type Members = Vec<(SocketId, MemberState)>;

#[derive(Default)]
pub(super) struct Watching {
    here: BTreeMap<RoomKey, WatchedHere>,
    /// Members that have arrived, before the last page has.
    pages: BTreeMap<(NodeId, RoomKey), Pages>,
    /// The bytes of `pages`.
    pages_size: usize,
    ended: BTreeMap<RoomKey, Ended>,
    elsewhere: BTreeMap<RoomKey, BTreeSet<NodeId>>,
    /// The bytes of `elsewhere`.
    elsewhere_size: usize,
}

/// Members of one node that have arrived.
#[derive(Default)]
struct Pages {
    members: Members,
    size: usize,
}

struct WatchedHere {
    topic: TopicId,
    /// The nodes that have not sent all members since they were asked, with the id of the last ask.
    waits_for: BTreeMap<NodeId, u64>,
    /// When each node was last asked. These are told when the watch ends.
    told: BTreeMap<NodeId, Instant>,
}

struct Ended {
    id: u64,
    told: Instant,
    /// Nodes that have not confirmed it.
    waits_for: BTreeSet<NodeId>,
}

/// What nodes are asked for one room.
pub(super) struct RoomAsk {
    pub(super) id: u64,
    pub(super) room: RoomKey,
    pub(super) nodes: Vec<NodeId>,
    pub(super) is_watched: bool,
}

impl Watching {
    #[cfg(any(test, feature = "test"))]
    pub(super) fn len(&self) -> usize {
        self.here.len() + self.pages.len() + self.ended.len() + self.elsewhere.len()
    }

    /// This node watches a room. Returns `false` if it did.
    pub(super) fn begin(&mut self, room: RoomKey, topic: TopicId, now: Instant) -> bool {
        if self.here.contains_key(&room) {
            return false;
        }
        // Those that do not know that the last watch has ended are to be told of the end of this one.
        let told = self.ended.remove(&room).map(|ended| ended.waits_for).unwrap_or_default();
        let told = told.into_iter().map(|node| (node, now)).collect();
        self.here.insert(room, WatchedHere { topic, waits_for: BTreeMap::new(), told });
        true
    }

    /// This node watches a room no more. Returns what the others are told with this id.
    pub(super) fn end(&mut self, room: RoomKey, id: u64, now: Instant) -> Option<RoomAsk> {
        let WatchedHere { told, .. } = self.here.remove(&room)?;
        let waits_for: BTreeSet<_> = told.into_keys().collect();
        self.remove_pages(|(_, of)| *of == room);
        let nodes = waits_for.iter().copied().collect();
        if !waits_for.is_empty() && self.ended.len() < MAX_ROOMS {
            self.ended.insert(room.clone(), Ended { id, told: now, waits_for });
        }
        Some(RoomAsk { id, room, nodes, is_watched: false })
    }

    /// The rooms that are watched here on one of these topics, which are sorted; on all if `None`.
    pub(super) fn rooms_on(&self, topics: Option<&[TopicId]>) -> Vec<RoomKey> {
        let is_on =
            |it: &WatchedHere| topics.is_none_or(|topics| topics.binary_search(&it.topic).is_ok());
        let rooms = self.here.iter().filter(|(_, watched)| is_on(watched));
        rooms.map(|(room, _)| room.clone()).collect()
    }

    /// Nodes are asked for the members of a room. `None` if it is not watched any more.
    pub(super) fn ask(
        &mut self,
        room: RoomKey,
        id: u64,
        nodes: Vec<NodeId>,
        now: Instant,
    ) -> Option<RoomAsk> {
        let watched = self.here.get_mut(&room)?;
        for node in &nodes {
            watched.waits_for.insert(*node, id);
            watched.told.insert(*node, now);
        }
        // Some of them may be lost. All are sent again.
        for node in &nodes {
            self.take_pages(*node, &room);
        }
        Some(RoomAsk { id, room, nodes, is_watched: true })
    }

    /// As [`ask`](Self::ask), after something of a node was lost. `None` also if it is asked later.
    pub(super) fn ask_after_loss(
        &mut self,
        room: RoomKey,
        id: u64,
        node: NodeId,
        now: Instant,
    ) -> Option<RoomAsk> {
        // A page may be among what is lost: the later ones do not complete those before it.
        self.take_pages(node, &room);
        let watched = self.here.get_mut(&room)?;
        let asked = watched.told.get(&node);
        if asked.is_none_or(|asked| now.duration_since(*asked) >= PAUSE) {
            return self.ask(room, id, vec![node], now);
        }
        // What arrives for an earlier ask does not answer this one.
        watched.waits_for.insert(node, id);
        None
    }

    /// What is asked again, because it is not answered.
    pub(super) fn unanswered(&mut self, alive: &BTreeSet<NodeId>, now: Instant) -> Vec<RoomAsk> {
        let mut again = Vec::new();
        let is_due = |since: Instant| now.duration_since(since) >= REPEAT_AFTER;
        for (room, watched) in &mut self.here {
            // One that is alive again is asked then.
            watched.waits_for.retain(|node, _| alive.contains(node));
            for (node, id) in &watched.waits_for {
                let asked = watched.told.entry(*node).or_insert(now);
                if is_due(*asked) {
                    *asked = now;
                    let (room, nodes) = (room.clone(), vec![*node]);
                    again.push(RoomAsk { id: *id, room, nodes, is_watched: true });
                }
            }
        }
        for (room, ended) in &mut self.ended {
            let nodes: Vec<_> = ended.waits_for.intersection(alive).copied().collect();
            if !nodes.is_empty() && is_due(ended.told) {
                ended.told = now;
                again.push(RoomAsk { id: ended.id, room: room.clone(), nodes, is_watched: false });
            }
        }
        again
    }

    /// A node knows that a room is not watched here any more.
    pub(super) fn confirm(&mut self, node: NodeId, id: u64, room: &RoomKey) {
        if let Some(ended) = self.ended.get_mut(room)
            && ended.id == id
        {
            ended.waits_for.remove(&node);
            if ended.waits_for.is_empty() {
                self.ended.remove(room);
            }
        }
    }

    /// Members of a node have arrived. Returns all of them when the last page has.
    pub(super) fn add_page(
        &mut self,
        node: NodeId,
        room: &RoomKey,
        (first, last): (bool, bool),
        members: impl Iterator<Item = (SocketId, MemberState)>,
    ) -> Option<Members> {
        // Not watched here, or no more.
        if !self.here.contains_key(room) {
            return None;
        }
        let before = self.take_pages(node, room);
        // Without them, a page before is lost.
        let mut all = if first { Pages::default() } else { before? };
        for (id, state) in members {
            all.size += size_of::<(SocketId, MemberState)>() + state.presence.json().len();
            all.members.push((id, state));
        }
        if last {
            return Some(all.members);
        }
        if self.pages_size + all.size <= MAX_PAGES_SIZE {
            self.pages_size += all.size;
            self.pages.insert((node, room.clone()), all);
        }
        None
    }

    fn take_pages(&mut self, node: NodeId, room: &RoomKey) -> Option<Pages> {
        let pages = self.pages.remove(&(node, room.clone()))?;
        self.pages_size -= pages.size;
        Some(pages)
    }

    fn remove_pages(&mut self, is_removed: impl Fn(&(NodeId, RoomKey)) -> bool) {
        let size = &mut self.pages_size;
        self.pages.retain(|key, pages| {
            let stays = !is_removed(key);
            *size -= if stays { 0 } else { pages.size };
            stays
        });
    }

    /// A node has sent all members of a room.
    pub(super) fn answered(
        &mut self,
        this: NodeId,
        node: NodeId,
        room: &RoomKey,
        reason: WatchAsk,
    ) {
        if reason.node == this
            && let Some(watched) = self.here.get_mut(room)
            && watched.waits_for.get(&node) == Some(&reason.id)
        {
            watched.waits_for.remove(&node);
        }
    }

    /// Returns `false` if too many rooms are watched.
    pub(super) fn add_elsewhere(&mut self, node: NodeId, room: RoomKey) -> bool {
        let nodes = self.elsewhere.get_mut(&room);
        if nodes.as_ref().is_some_and(|nodes| nodes.contains(&node)) {
            return true;
        }
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

    /// Whether any other node watches the room.
    pub(super) fn is_watched_elsewhere(&self, room: &RoomKey) -> bool {
        self.elsewhere.contains_key(room)
    }

    /// Returns whether no other node watches the room any more.
    pub(super) fn remove_elsewhere(&mut self, node: NodeId, room: &RoomKey) -> bool {
        let Some(nodes) = self.elsewhere.get_mut(room) else { return false };
        self.elsewhere_size -= if nodes.remove(&node) { WATCH_SIZE } else { 0 };
        if !nodes.is_empty() {
            return false;
        }
        self.elsewhere.remove(room);
        self.elsewhere_size -= names_size(room);
        true
    }

    /// A node is lost: what has arrived of it counts no more. Returns the rooms that it watches.
    pub(super) fn lose(&mut self, node: NodeId) -> Vec<RoomKey> {
        self.remove_pages(|(of, _)| *of == node);
        let watched = self.elsewhere.iter().filter(|(_, nodes)| nodes.contains(&node));
        watched.map(|(room, _)| room.clone()).collect()
    }

    /// A node has ended, or is forgotten.
    pub(super) fn forget(&mut self, node: NodeId) {
        for watched in self.here.values_mut() {
            watched.told.remove(&node);
        }
        self.ended.retain(|_, ended| {
            ended.waits_for.remove(&node);
            !ended.waits_for.is_empty()
        });
    }
}

fn names_size((procedure, room): &RoomKey) -> usize {
    procedure.len() + room.len()
}
