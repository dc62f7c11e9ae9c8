//! Who watches which room, and the newest state of each member of these rooms.
//!
//! A watcher gets states, not a queue of events: a member that changes often before the watcher takes the
//! change is one change. So a slow watcher takes memory for the members of its room, and not for their changes.
//!
//! # State
//!
//! One lock per shard of the table protects all of it but two atomics. A room is in the table while a watcher
//! on this node or on another node watches it.
//!
//! | part of a room | is | changed by |
//! | --- | --- | --- |
//! | `sources` | the newest state of each member that has set a presence, per source: this node, or another node | `set_local`, and the backplane |
//! | `cursors` | per watcher: what it has taken, and who has changed since; see [`Cursor`] | each change of `sources`, and `poll_take` |
//! | `remote` | whether another node watches the room | the backplane |
//!
//! | atomic | is | changed |
//! | --- | --- | --- |
//! | `room_count` | rooms in the table | under the lock of the shard in which a room is added or removed |
//! | `closed` | the procedure is drained | once, before each shard is locked |
//!
//! # Why a watcher ends with the newest state of each member
//!
//! - A member publishes its state under its own lock (`JOINED`), after each change: joined, left, another
//!   presence. What it publishes is read under that lock. So the states of one member are published in their order,
//!   and the last one is the newest.
//! - Whether it is detached is protected by its outbox. The session's task changes it first, and publishes after. It is
//!   read under the `JOINED` lock, too, so a publication that comes later reads the same or a newer value.
//! - `OtherNodes::changed` is called under the lock of the shard, as is `with_local`. So another node gets
//!   the states of a room in this order, if the backplane sends them in the order of the calls.
//!
//! # Why a watcher misses no member
//!
//! [`Hub::watch`] adds the room to the table, then reads the members of the room, then publishes each of them
//! as if it had changed, under its `JOINED` lock. A change has one of two places:
//!
//! | the change | what happens |
//! | --- | --- |
//! | its `JOINED` lock is taken after that of the publication | it finds the room in the table, and publishes a newer state |
//! | its `JOINED` lock is taken before | the publication reads the new state |
//! | a member joins before the members are read | they include it: one of the two rows above |
//! | a member joins after the members are read | the lock of the room orders the join after; it finds the room in the table |
//!
//! # Orderings
//!
//! `room_count` is read with `Relaxed`. In each row above, a lock that was released after the room was added
//! is taken before the count is read. A count that is too old has no other effect: the table is read under its lock.
//! `closed` is written before each shard is locked and read under the lock of one.

mod cursor;
mod room;
#[cfg(all(test, not(parlor_model)))]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use self::cursor::Cursor;
pub(crate) use self::cursor::Taken;
use self::room::{MAX_MEMBERS_OF_NODE, RemoteWatch, Source, WatchedRoom};
use super::shards::Shards;
use super::{Hub, Presence, Traversal};
use crate::lock::rank;
use crate::socket_id::SocketId;
use crate::sync::{AtomicUsize, Ordering};

/// The watched rooms of one procedure. See the [module](self).
#[derive(Default)]
pub(crate) struct Watchers {
    rooms: Shards<HashMap<Arc<str>, WatchedRoom>, { rank::WATCHERS }>,
    room_count: AtomicUsize,
    closed: AtomicBool,
    next_id: AtomicU64,
    other_nodes: OnceLock<Arc<dyn OtherNodes>>,
}

/// The key of a watcher in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatcherId(u64);

/// What a member shows in its rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberState {
    pub(crate) presence: Presence,
    pub(crate) detached: bool,
}

/// What a backplane does for watched rooms.
///
/// It is called while locks up to [`rank::WATCHERS`] are held. It must not wait, must run no code of the user, and
/// must call no method of the hub. The calls of one room are in order.
pub(crate) trait OtherNodes: Send + Sync {
    /// The first watcher of the room exists on this node, or the last one is gone.
    fn watched(&self, room: &str, is_watched: bool);

    /// A member on this node has changed, in a room that another node watches. `None`: it has left.
    fn changed(&self, room: &str, id: SocketId, state: Option<&MemberState>);
}

/// The wakers of the watchers that have something to take. They are called when no lock is held.
#[derive(Default)]
#[must_use]
pub(super) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(super) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

impl Watchers {
    /// Whether any room is watched. Without watchers, changes of members cost this.
    pub(crate) fn has_rooms(&self) -> bool {
        self.room_count.load(Ordering::Relaxed) > 0
    }

    /// The state of a member on this node, if the room is watched. `None`: the member is not in the room, or
    /// shows nothing. The caller holds the `JOINED` lock of the member.
    pub(super) fn set_local(
        &self,
        room: &str,
        id: SocketId,
        state: Option<MemberState>,
        wakers: &mut Wakers,
    ) {
        let mut rooms = self.rooms.lock(room);
        let Some(watched) = rooms.get_mut(room) else { return };
        if watched.set(Source::Local, id, state.clone(), &mut wakers.0)
            && watched.remote == RemoteWatch::On
            && let Some(other_nodes) = self.other_nodes.get()
        {
            other_nodes.changed(room, id, state.as_ref());
        }
    }

    fn add(&self, room: &str) -> WatcherId {
        let id = WatcherId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let mut rooms = self.rooms.lock(room);
        let watched = self.entry(&mut rooms, room);
        watched.cursors.insert(id, Cursor::default());
        if watched.cursors.len() == 1
            && let Some(other_nodes) = self.other_nodes.get()
        {
            other_nodes.watched(room, true);
        }
        id
    }

    pub(crate) fn remove(&self, room: &str, id: WatcherId) {
        let mut rooms = self.rooms.lock(room);
        let Some(watched) = rooms.get_mut(room) else { return };
        let cursor = watched.cursors.remove(&id);
        if cursor.is_some() && watched.cursors.is_empty() {
            watched.forget_other_nodes();
            if let Some(other_nodes) = self.other_nodes.get() {
                other_nodes.watched(room, false);
            }
        }
        self.remove_if_unused(&mut rooms, room);
        drop(rooms);
        // Dropped without the lock: it has a waker.
        drop(cursor);
    }

    /// What the watcher has not taken yet. `None` after the procedure was drained and the last member on
    /// this node has left.
    pub(crate) fn poll_take(
        &self,
        room: &str,
        id: WatcherId,
        cx: &Context<'_>,
    ) -> Poll<Option<Taken>> {
        // Cloned and dropped without the lock, because it is a waker.
        let waker = cx.waker().clone();
        let _previous;
        let mut rooms = self.rooms.lock(room);
        let Some(watched) = rooms.get_mut(room) else { return Poll::Ready(None) };
        let WatchedRoom { sources, cursors, .. } = watched;
        let Some(cursor) = cursors.get_mut(&id) else { return Poll::Ready(None) };
        if let Some(taken) = cursor.take(sources) {
            return Poll::Ready(Some(taken));
        }
        if self.closed.load(Ordering::Relaxed) && !sources.has_local() {
            return Poll::Ready(None);
        }
        _previous = cursor.waker.replace(waker);
        drop(rooms);
        Poll::Pending
    }

    /// The procedure is drained: watchers end when the last member has left.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        for wakers in self.rooms.map(|rooms| {
            let cursors = rooms.values_mut().flat_map(|room| room.cursors.values_mut());
            Wakers(cursors.filter_map(|cursor| cursor.waker.take()).collect())
        }) {
            wakers.wake();
        }
    }

    /// The number of entries in the table: rooms, their members and their watchers.
    #[cfg(any(test, feature = "test"))]
    pub(crate) fn entries(&self) -> usize {
        let entries = |room: &WatchedRoom| 1 + room.sources.len() + room.cursors.len();
        self.rooms.map(|rooms| rooms.values().map(entries).sum::<usize>()).iter().sum()
    }

    fn entry<'a>(
        &self,
        rooms: &'a mut HashMap<Arc<str>, WatchedRoom>,
        room: &str,
    ) -> &'a mut WatchedRoom {
        rooms.entry(room.into()).or_insert_with(|| {
            self.room_count.fetch_add(1, Ordering::Relaxed);
            WatchedRoom::default()
        })
    }

    fn remove_if_unused(&self, rooms: &mut HashMap<Arc<str>, WatchedRoom>, room: &str) {
        if rooms.get(room).is_some_and(WatchedRoom::is_unused) {
            rooms.remove(room);
            self.room_count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a backplane calls.
impl Watchers {
    /// Sets what is called when watchers and members on this node change. Has an effect once. It is called at once for
    /// the rooms that are watched by now, some of them maybe twice.
    pub(crate) fn set_other_nodes(&self, other_nodes: Arc<dyn OtherNodes>) {
        if self.other_nodes.set(Arc::clone(&other_nodes)).is_ok() {
            self.rooms.map(|rooms| {
                for (room, _) in rooms.iter().filter(|(_, watched)| !watched.cursors.is_empty()) {
                    other_nodes.watched(room, true);
                }
            });
        }
    }

    /// The state of a member on another node. `None`: it has left. Has no effect unless the room is watched on this
    /// node. The caller passes the states of one node in the order in which that node has published them.
    pub(crate) fn set_remote(
        &self,
        room: &str,
        node: u64,
        id: SocketId,
        state: Option<MemberState>,
    ) {
        self.with_watched(room, |watched, wakers| {
            watched.set(Source::Node(node), id, state, wakers);
        });
    }

    /// The states of all members on another node, in the same order as [`set_remote`](Self::set_remote). Members
    /// that are not among them have left.
    pub(crate) fn replace_remote(
        &self,
        room: &str,
        node: u64,
        members: impl IntoIterator<Item = (SocketId, MemberState)>,
    ) {
        let members = members.into_iter().take(MAX_MEMBERS_OF_NODE).collect();
        self.with_watched(room, |watched, wakers| {
            watched.replace(Source::Node(node), members, wakers);
        });
    }

    /// Another node has ended, or is not reachable: its members have left all rooms.
    pub(crate) fn remove_node(&self, node: u64) {
        for wakers in self.rooms.map(|rooms| {
            let mut wakers = Wakers::default();
            for room in rooms.values_mut() {
                room.replace(Source::Node(node), HashMap::default(), &mut wakers.0);
            }
            wakers
        }) {
            wakers.wake();
        }
    }

    /// Calls `read` with the state of each member on this node, and no change of the room is published meanwhile.
    /// `read` has the limits of [`OtherNodes`]. Empty unless the room is watched.
    pub(crate) fn with_local<R>(
        &self,
        room: &str,
        read: impl FnOnce(&mut dyn Iterator<Item = (SocketId, &MemberState)>) -> R,
    ) -> R {
        let rooms = self.rooms.lock(room);
        let mut members = rooms.get(room).into_iter().flat_map(|room| room.sources.local());
        read(&mut members)
    }

    fn with_watched(&self, room: &str, change: impl FnOnce(&mut WatchedRoom, &mut Vec<Waker>)) {
        let mut wakers = Wakers::default();
        if let Some(watched) = self.rooms.lock(room).get_mut(room)
            && !watched.cursors.is_empty()
        {
            change(watched, &mut wakers.0);
        }
        wakers.wake();
    }
}

impl Hub {
    /// Adds a watcher of the room, which need not exist. [`Watchers::remove`] removes it.
    pub(crate) fn watch(&self, room: &str) -> WatcherId {
        let id = self.watchers.add(room);
        self.publish_members(room);
        id
    }

    /// Another node watches the room, or no other node does any more. After this returns, the members on this node
    /// are those of [`Watchers::with_local`], and each change since then is passed to [`OtherNodes::changed`]. One
    /// call at a time.
    pub(crate) fn watch_remote(&self, room: &str, is_watched: bool) {
        let watchers = &self.watchers;
        {
            let mut rooms = watchers.rooms.lock(room);
            if is_watched {
                let watched = watchers.entry(&mut rooms, room);
                if watched.remote == RemoteWatch::On {
                    return;
                }
                watched.remote = RemoteWatch::Begins;
            } else if let Some(watched) = rooms.get_mut(room) {
                watched.remote = RemoteWatch::Off;
                watchers.remove_if_unused(&mut rooms, room);
                return;
            } else {
                return;
            }
        }
        self.publish_members(room);
        if let Some(watched) = watchers.rooms.lock(room).get_mut(room) {
            watched.remote = RemoteWatch::On;
        }
    }

    /// Each member publishes its state, as if it had changed.
    fn publish_members(&self, room: &str) {
        let mut wakers = Wakers::default();
        self.rooms.for_each(Traversal::Query, room, |member| {
            member.publish_to_new_watcher(room, &mut wakers);
        });
        wakers.wake();
    }
}
