use std::collections::HashSet;
use std::sync::Arc;

use super::watchers::{MemberState, Wakers};
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
        let mut wakers = Wakers::default();
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
        self.publish_in(name, &joined, &mut wakers);
        drop(joined);
        wakers.wake();
        if is_first && let Some(remote) = self.hub().remote() {
            remote.room_used(name);
        }
        Ok(true)
    }

    /// Leaves the room. Returns whether the member was in it.
    pub(crate) fn leave(&self, name: &str) -> bool {
        let mut wakers = Wakers::default();
        let mut joined = self.joined_rooms().0.lock();
        let was_in = joined.names.remove(name);
        let was_last = was_in && self.hub().rooms.leave(name, self.id());
        if was_in {
            self.publish_in(name, &joined, &mut wakers);
        }
        drop(joined);
        wakers.wake();
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
        let mut wakers = Wakers::default();
        let mut joined = self.joined_rooms().0.lock();
        if joined.ended {
            return Err(SetPresenceError::Ended);
        }
        joined.presence = Some(presence);
        self.publish_in_all(&joined, &mut wakers);
        drop(joined);
        wakers.wake();
        Ok(())
    }

    pub(super) fn presence(&self) -> Option<Presence> {
        self.joined_rooms().0.lock().presence.clone()
    }

    /// Leaves all rooms, and drops the presence. The member cannot join a room after this.
    pub(crate) fn leave_all(&self) {
        let mut wakers = Wakers::default();
        let mut joined = self.joined_rooms().0.lock();
        joined.ended = true;
        joined.presence = None;
        let mut names = std::mem::take(&mut joined.names);
        names.retain(|room| {
            let was_last = self.hub().rooms.leave(room, self.id());
            self.publish_in(room, &joined, &mut wakers);
            was_last
        });
        drop(joined);
        wakers.wake();
        if let Some(remote) = self.hub().remote() {
            for room in &names {
                remote.room_unused(room);
            }
        }
    }

    /// Tells the watchers of its rooms what the member shows there. The session's task calls it after the
    /// member was detached or attached.
    pub(crate) fn publish(&self) {
        if self.hub().watchers.has_rooms() {
            let mut wakers = Wakers::default();
            self.publish_in_all(&self.joined_rooms().0.lock(), &mut wakers);
            wakers.wake();
        }
    }

    /// The same for one room. Watchers call it for a member that was in the room before they were.
    pub(super) fn publish_to_new_watcher(&self, room: &str, wakers: &mut Wakers) {
        self.publish_in(room, &self.joined_rooms().0.lock(), wakers);
    }

    fn publish_in_all(&self, joined: &State, wakers: &mut Wakers) {
        if self.hub().watchers.has_rooms() {
            for room in &joined.names {
                self.publish_in(room, joined, wakers);
            }
        }
    }

    /// `joined` is locked, so the states of this member are published in their order.
    fn publish_in(&self, room: &str, joined: &State, wakers: &mut Wakers) {
        if !self.hub().watchers.has_rooms() {
            return;
        }
        let presence = joined.presence.as_ref().filter(|_| joined.names.contains(room));
        let state = presence.map(|presence| MemberState {
            presence: presence.clone(),
            detached: self.outbox().is_detached(),
        });
        self.hub().watchers.set_local(room, self.id(), state, wakers);
    }
}
