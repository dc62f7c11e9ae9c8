//! Which rooms there are and who is in them.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::lock::{Lock, rank};
use crate::session::{Member, SocketId};

/// The members of a room, walked as a slice.
type Members = IndexMap<SocketId, Arc<Member>>;

/// The rooms of one procedure. A room exists while it has members.
///
/// Locks are taken in one order: the table, then a room.
#[derive(Default)]
pub(crate) struct Membership {
    rooms: Lock<HashMap<Arc<str>, Arc<Lock<Members, { rank::MEMBERS }>>>, { rank::ROOMS }>,
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
    /// Puts `member` into the room `name` and returns the name as the table keeps it.
    pub(crate) fn join(&self, name: &str, member: &Arc<Member>) -> Arc<str> {
        let mut rooms = self.rooms.lock();
        let known = rooms.get_key_value(name);
        let known = known.map(|(name, room)| (Arc::clone(name), Arc::clone(room)));
        let (name, room) = known.unwrap_or_else(|| {
            let (name, room) = (Arc::<str>::from(name), Arc::default());
            rooms.insert(Arc::clone(&name), Arc::clone(&room));
            (name, room)
        });
        // Still under the table's lock: else the room might be freed between the two.
        room.lock().insert(member.id(), Arc::clone(member));
        name
    }

    /// Takes the socket out of the room, and frees the room with its last member.
    pub(crate) fn leave(&self, name: &str, socket: SocketId) {
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get(name) else { return };
        let empty = {
            let mut members = room.lock();
            members.swap_remove(&socket);
            members.is_empty()
        };
        if empty {
            rooms.remove(name);
        }
    }

    /// Shows the members of the room to `visit`, which must not come back to the rooms.
    pub(crate) fn visit(&self, name: &str, mut visit: impl FnMut(&Arc<Member>)) {
        let room = self.rooms.lock().get(name).map(Arc::clone);
        if let Some(room) = room {
            for member in room.lock().values() {
                visit(member);
            }
        }
    }

    pub(crate) fn contains(&self, name: &str, socket: SocketId) -> bool {
        let room = self.rooms.lock().get(name).map(Arc::clone);
        room.is_some_and(|room| room.lock().contains_key(&socket))
    }

    #[cfg(any(test, feature = "test"))]
    pub(crate) fn len(&self) -> usize {
        self.rooms.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Hub;
    use crate::server::Request;
    use crate::session::Presence;

    fn enter(hub: &Arc<Hub>) -> Presence {
        let id = SocketId::random().expect("random bits");
        let request = Request::new(http::Request::new(()), None);
        Presence::enter(id, request, hub, &Arc::default(), None).expect("there is room")
    }

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
    fn whoever_has_left_for_good_cannot_join() {
        let hub = Arc::<Hub>::default();
        let ada = enter(&hub);
        let member = Arc::clone(ada.member());
        drop(ada);
        assert_eq!(member.join("a"), Err(JoinRoomError::Ended));
        assert_eq!(hub.rooms.len(), 0);
    }
}
