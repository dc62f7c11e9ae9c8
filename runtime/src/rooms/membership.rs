//! Which rooms there are and who is in them.

use std::collections::HashMap;
use std::sync::Arc;

use super::Walk;
use super::members::{Members, Snapshot};
use super::shards::Shards;
use crate::lock::{Lock, rank};
use crate::reject::Reject;
use crate::session::Member;
use crate::socket_id::SocketId;

/// The rooms of one procedure. A room exists while it has members, or a broadcast walks them.
#[derive(Default)]
pub(crate) struct Membership {
    rooms: Shards<HashMap<Arc<str>, Arc<Room>>, { rank::ROOMS }>,
}

#[derive(Default)]
struct Room {
    /// Held over a broadcast: emits to one room have one order for all its members.
    order: Lock<(), { rank::EMIT_ORDER }>,
    state: Lock<State, { rank::MEMBERS }>,
}

#[derive(Default)]
struct State {
    members: Members,
    /// A broadcast walks a snapshot of the members. The room stays in the table until it ends, because
    /// a new room of this name would have another order.
    is_walked: bool,
}

/// Why a socket could not enter a room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinRoomError {
    /// The socket is in as many rooms as it may (`max_rooms_per_socket`, 1 000 by default).
    #[error("the socket is in {max} rooms, as many as it may; raise `max_rooms_per_socket`")]
    TooManyRooms {
        /// The bound.
        max: usize,
    },
    /// The name is longer than it may be (`max_room_name`, 256 bytes by default).
    #[error("the room's name has {length} bytes, {max} are allowed; raise `max_room_name`")]
    NameTooLong {
        /// The length of the name in bytes.
        length: usize,
        /// The bound in bytes.
        max: usize,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

impl Membership {
    /// Puts `member`, which is not in it, into the room `name` and returns the name as the table keeps
    /// it.
    pub(crate) fn join(&self, name: &str, member: &Arc<Member>) -> Arc<str> {
        let mut rooms = self.rooms.of(name).lock();
        let known = rooms.get_key_value(name);
        let known = known.map(|(name, room)| (Arc::clone(name), Arc::clone(room)));
        let (name, room) = known.unwrap_or_else(|| {
            let (name, room) = (Arc::<str>::from(name), Arc::default());
            rooms.insert(Arc::clone(&name), Arc::clone(&room));
            (name, room)
        });
        // Still under the table's lock: else the room might be freed between the two.
        room.state.lock().members.insert(member);
        name
    }

    /// Takes the socket out of the room, and frees the room with its last member.
    pub(crate) fn leave(&self, name: &str, socket: SocketId) {
        let mut rooms = self.rooms.of(name).lock();
        let Some(room) = rooms.get(name) else { return };
        let (member, is_over) = {
            let mut state = room.state.lock();
            (state.members.remove(socket), state.is_over())
        };
        if is_over {
            rooms.remove(name);
        }
        drop(rooms);
        drop(member);
    }

    /// Shows the members of the room to `visit`, which must not run user code.
    pub(crate) fn walk(&self, walk: Walk, name: &str, visit: impl FnMut(&Arc<Member>)) {
        let Some(room) = self.rooms.of(name).lock().get(name).map(Arc::clone) else { return };
        if !walk.is_broadcast() {
            let snapshot = room.state.lock().members.snapshot();
            snapshot.iter().for_each(visit);
            return;
        }
        let order = room.order.lock();
        // Taken under the order's lock: a later broadcast has no older members.
        let snapshot = room.begin();
        snapshot.iter().for_each(visit);
        let is_over = room.end();
        drop(order);
        // Dropped without it: the last reference to a member drops values of the user.
        drop(snapshot);
        if is_over {
            self.free(name);
        }
    }

    /// Frees the room, if nobody has joined it and no broadcast has begun meanwhile.
    fn free(&self, name: &str) {
        let mut rooms = self.rooms.of(name).lock();
        if rooms.get(name).is_some_and(|room| room.state.lock().is_over()) {
            rooms.remove(name);
        }
    }

    pub(crate) fn contains(&self, name: &str, socket: SocketId) -> bool {
        let rooms = self.rooms.of(name).lock();
        rooms.get(name).is_some_and(|room| room.state.lock().members.contains(socket))
    }

    #[cfg(any(test, feature = "test"))]
    pub(crate) fn len(&self) -> usize {
        self.rooms.map(|rooms| rooms.len()).iter().sum()
    }
}

impl Room {
    /// A broadcast begins.
    fn begin(&self) -> Snapshot {
        let mut state = self.state.lock();
        state.is_walked = true;
        state.members.snapshot()
    }

    /// The broadcast has ended. Says whether the room is to be freed.
    fn end(&self) -> bool {
        let mut state = self.state.lock();
        state.is_walked = false;
        state.is_over()
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.members.len() == 0 && !self.is_walked
    }
}

/// A factory that joins rooms can use `?`: 403, 4505.
impl From<JoinRoomError> for Reject {
    fn from(error: JoinRoomError) -> Self {
        Self::forbidden(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Hub;
    use crate::rooms::tests::enter;

    #[test]
    fn empty_rooms_are_freed() {
        let hub = Arc::<Hub>::default();
        let (ada, bob) = (enter(&hub), enter(&hub));
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
    fn room_stays_the_same_until_the_broadcast_that_walks_it_ends() {
        let hub = Arc::<Hub>::default();
        let ada = enter(&hub);
        let room = || hub.rooms.rooms.of("a").lock().get("a").map(Arc::as_ptr);
        ada.member().join("a").expect("joined");
        hub.rooms.walk(Walk::Broadcast, "a", |member| {
            let walked = room();
            member.leave("a");
            assert_eq!(room(), walked);
            member.join("a").expect("joined");
            assert_eq!(room(), walked);
        });
        assert_eq!(hub.rooms.len(), 1);
        hub.rooms.walk(Walk::Broadcast, "a", |member| assert!(member.leave("a")));
        assert_eq!(hub.rooms.len(), 0);
    }

    #[test]
    fn whoever_has_left_for_good_cannot_join() {
        let hub = Arc::<Hub>::default();
        let ada = enter(&hub);
        let member = Arc::clone(ada.member());
        drop(ada);
        assert_eq!(member.join("a"), Err(JoinRoomError::Ended));
        assert_eq!(hub.rooms.len(), 0);
    }
}
