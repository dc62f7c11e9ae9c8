use std::collections::HashSet;
use std::sync::Arc;

use super::{JoinRoomError, Presence, SetPresenceError};
use crate::lock::{Lock, rank};
use crate::session::Member;

/// The rooms that one member is in, and what it shows there.
#[derive(Default)]
pub(crate) struct JoinedRooms(Lock<State, { rank::JOINED }>);

#[derive(Default)]
struct State {
    names: HashSet<Arc<str>>,
    presence: Option<Presence>,
    ended: bool,
}

impl Member {
    /// Joins the room. Returns whether the member was not in it before.
    pub(crate) fn join(self: &Arc<Self>, name: &str) -> Result<bool, JoinRoomError> {
        let max = self.options().limits.max_room_name;
        if name.len() > max {
            return Err(JoinRoomError::NameTooLong { length: name.len(), max });
        }
        let mut joined = self.joined_rooms().0.lock();
        if joined.ended {
            return Err(JoinRoomError::Ended);
        }
        if joined.names.contains(name) {
            return Ok(false);
        }
        let max = self.options().limits.max_rooms_per_socket;
        if joined.names.len() >= max {
            return Err(JoinRoomError::TooManyRooms { max });
        }
        let (stored, is_first) = self.hub().rooms.join(name, self);
        joined.names.insert(stored);
        drop(joined);
        if is_first && let Some(remote) = self.hub().remote() {
            remote.room_used(name);
        }
        Ok(true)
    }

    /// Leaves the room. Returns whether the member was in it.
    pub(crate) fn leave(&self, name: &str) -> bool {
        let mut joined = self.joined_rooms().0.lock();
        let was_in = joined.names.remove(name);
        let was_last = was_in && self.hub().rooms.leave(name, self.id());
        drop(joined);
        if was_last && let Some(remote) = self.hub().remote() {
            remote.room_unused(name);
        }
        was_in
    }

    /// The names of its rooms, in no particular order.
    pub(crate) fn rooms(&self) -> Vec<String> {
        self.joined_rooms().0.lock().names.iter().map(ToString::to_string).collect()
    }

    /// Replaces what the member shows in its rooms.
    pub(crate) fn set_presence(&self, presence: Presence) -> Result<(), SetPresenceError> {
        let mut joined = self.joined_rooms().0.lock();
        if joined.ended {
            return Err(SetPresenceError::Ended);
        }
        joined.presence = Some(presence);
        Ok(())
    }

    pub(super) fn presence(&self) -> Option<Presence> {
        self.joined_rooms().0.lock().presence.clone()
    }

    /// Leaves all rooms, and drops the presence. The member cannot join a room after this.
    pub(crate) fn leave_all(&self) {
        let mut joined = self.joined_rooms().0.lock();
        joined.ended = true;
        joined.presence = None;
        let mut names = std::mem::take(&mut joined.names);
        names.retain(|room| self.hub().rooms.leave(room, self.id()));
        drop(joined);
        if let Some(remote) = self.hub().remote() {
            names.iter().for_each(|room| remote.room_unused(room));
        }
    }
}
