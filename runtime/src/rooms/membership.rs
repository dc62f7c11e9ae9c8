use std::collections::HashMap;
use std::sync::Arc;

use super::Traversal;
use super::members::{Members, Snapshot};
use super::shards::Shards;
use crate::lock::{Lock, rank};
use crate::reject::Reject;
use crate::session::Member;
use crate::socket_id::SocketId;

/// The rooms of one procedure and their members. A room exists while it has members or a broadcast
/// traverses them.
#[derive(Default)]
pub(crate) struct Membership {
    rooms: Shards<HashMap<Arc<str>, Arc<Room>>, { rank::ROOMS }>,
}

#[derive(Default)]
struct Room {
    /// Held during a broadcast, so all members of the room receive its events in one order.
    order: Lock<(), { rank::EMIT_ORDER }>,
    state: Lock<State, { rank::MEMBERS }>,
}

#[derive(Default)]
struct State {
    members: Members,
    /// A broadcast traverses a snapshot of the members. The room stays in the table until the broadcast
    /// ends: a new room of this name would have another `order`.
    in_broadcast: bool,
}

/// Why a socket could not join a room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinRoomError {
    /// The socket is already in
    /// [`Limits::max_rooms_per_socket`](crate::server::Limits::max_rooms_per_socket) rooms.
    #[error("the socket is in {max} rooms, the limit; raise `Limits::max_rooms_per_socket`")]
    TooManyRooms {
        /// The limit.
        max: usize,
    },
    /// The name is longer than [`Limits::max_room_name`](crate::server::Limits::max_room_name).
    #[error("the room name has {length} bytes, the limit is {max}; raise `Limits::max_room_name`")]
    NameTooLong {
        /// The length of the name in bytes.
        length: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

impl Membership {
    /// Adds `member`, which is not in it, to the room `name`. Returns the name that the table stores, and
    /// whether the member is the first.
    pub(crate) fn join(&self, name: &str, member: &Arc<Member>) -> (Arc<str>, bool) {
        let mut rooms = self.rooms.lock(name);
        let known = rooms.get_key_value(name);
        let known = known.map(|(name, room)| (Arc::clone(name), Arc::clone(room)));
        let (name, room) = known.unwrap_or_else(|| {
            let (name, room) = (Arc::<str>::from(name), Arc::default());
            rooms.insert(Arc::clone(&name), Arc::clone(&room));
            (name, room)
        });
        // The shard stays locked: otherwise the room could be removed before the member is added.
        let mut state = room.state.lock();
        state.members.insert(member);
        (name, state.members.len() == 1)
    }

    /// Removes the member from the room, and the room when this was the last member. Returns whether it was.
    pub(crate) fn leave(&self, name: &str, socket: SocketId) -> bool {
        let mut rooms = self.rooms.lock(name);
        let Some(room) = rooms.get(name) else { return false };
        let (member, is_empty, is_unused) = {
            let mut state = room.state.lock();
            (state.members.remove(socket), state.members.len() == 0, state.is_unused())
        };
        if is_unused {
            rooms.remove(name);
        }
        drop(rooms);
        // A member that was removed, and no other. Dropped without the lock: the last reference to a member drops
        // values of the user.
        member.is_some() && is_empty
    }

    /// Calls `visit` with each member of the room. `visit` must not run user code.
    pub(crate) fn for_each(
        &self,
        traversal: Traversal,
        name: &str,
        visit: impl FnMut(&Arc<Member>),
    ) {
        let Some(room) = self.rooms.lock(name).get(name).map(Arc::clone) else { return };
        if !traversal.is_broadcast() {
            let snapshot = room.state.lock().members.snapshot();
            snapshot.iter().for_each(visit);
            return;
        }
        let order = room.order.lock();
        // Taken while `order` is held, so a later broadcast does not use older members.
        let snapshot = room.begin_broadcast();
        snapshot.iter().for_each(visit);
        let is_unused = room.end_broadcast();
        drop(order);
        // Dropped without a lock: the last reference to a member drops values of the user.
        drop(snapshot);
        if is_unused {
            self.remove_if_unused(name);
        }
    }

    /// Removes the room unless a member has joined or a broadcast has started since.
    fn remove_if_unused(&self, name: &str) {
        let mut rooms = self.rooms.lock(name);
        if rooms.get(name).is_some_and(|room| room.state.lock().is_unused()) {
            rooms.remove(name);
        }
    }

    pub(crate) fn contains(&self, name: &str, socket: SocketId) -> bool {
        let rooms = self.rooms.lock(name);
        rooms.get(name).is_some_and(|room| room.state.lock().members.contains(socket))
    }

    #[cfg(any(test, feature = "test"))]
    pub(crate) fn len(&self) -> usize {
        self.rooms.map(|rooms| rooms.len()).iter().sum()
    }
}

impl Room {
    fn begin_broadcast(&self) -> Snapshot {
        let mut state = self.state.lock();
        state.in_broadcast = true;
        state.members.snapshot()
    }

    /// Returns whether the room can be removed.
    fn end_broadcast(&self) -> bool {
        let mut state = self.state.lock();
        state.in_broadcast = false;
        state.is_unused()
    }
}

impl State {
    fn is_unused(&self) -> bool {
        self.members.len() == 0 && !self.in_broadcast
    }
}

/// A factory that joins rooms can use `?`: it rejects with 403 and close code 4505.
impl From<JoinRoomError> for Reject {
    fn from(error: JoinRoomError) -> Self {
        Self::forbidden(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Hub;
    use crate::rooms::tests::register;

    #[test]
    fn empty_rooms_are_removed() {
        let hub = Arc::<Hub>::default();
        let (ada, bob) = (register(&hub), register(&hub));
        ada.member().join("a").expect("joined");
        bob.member().join("a").expect("joined");
        bob.member().join("b").expect("joined");
        assert_eq!(hub.rooms.len(), 2);
        bob.member().leave("b");
        assert_eq!(hub.rooms.len(), 1);
        drop(bob);
        assert_eq!(hub.rooms.len(), 1);
        drop(ada);
        assert_eq!((hub.rooms.len(), hub.connected()), (0, 0));
    }

    #[test]
    fn room_is_the_same_until_its_broadcast_ends() {
        let hub = Arc::<Hub>::default();
        let ada = register(&hub);
        let room = || hub.rooms.rooms.lock("a").get("a").map(Arc::as_ptr);
        ada.member().join("a").expect("joined");
        hub.rooms.for_each(Traversal::Broadcast, "a", |member| {
            let traversed = room();
            member.leave("a");
            assert_eq!(room(), traversed);
            member.join("a").expect("joined");
            assert_eq!(room(), traversed);
        });
        assert_eq!(hub.rooms.len(), 1);
        hub.rooms.for_each(Traversal::Broadcast, "a", |member| assert!(member.leave("a")));
        assert_eq!(hub.rooms.len(), 0);
    }

    #[test]
    fn ended_member_cannot_join() {
        let hub = Arc::<Hub>::default();
        let ada = register(&hub);
        let member = Arc::clone(ada.member());
        drop(ada);
        assert_eq!(member.join("a"), Err(JoinRoomError::Ended));
        assert_eq!(hub.rooms.len(), 0);
    }
}
