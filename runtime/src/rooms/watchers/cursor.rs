use std::collections::{BTreeMap, HashMap};
use std::task::Waker;

use super::MemberState;
use super::room::{Sources, States};
use crate::rooms::fast_hasher::BuildFastHasher;
use crate::rooms::{Presence, RoomMember};
use crate::socket_id::SocketId;

/// What one watcher has taken, and what it has not.
///
/// A member is due if its newest state is not the one that was taken last. A member that joins and leaves before the
/// watcher takes it is not due. So there are at most as many entries as members now and at the last take.
#[derive(Default)]
pub(super) struct Cursor {
    /// `None` until the snapshot is taken.
    taken: Option<States>,
    /// The members that are due, with their keys in `order`.
    due: HashMap<SocketId, u64, BuildFastHasher>,
    /// The same, the one that is due for longest first, so that none waits while others change often.
    order: BTreeMap<u64, SocketId>,
    next_key: u64,
    pub(super) waker: Option<Waker>,
}

/// What a watcher takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The members at the first take.
    Snapshot(Vec<RoomMember<Presence>>),
    Joined(RoomMember<Presence>),
    Changed(RoomMember<Presence>),
    Left(SocketId),
}

impl Cursor {
    /// `state` is the newest one of the member. Returns the waker if the watcher waits and has something to take.
    pub(super) fn changed(&mut self, id: SocketId, state: Option<&MemberState>) -> Option<Waker> {
        // The snapshot will have it.
        let taken = self.taken.as_ref()?;
        if taken.get(&id) == state {
            if let Some(key) = self.due.remove(&id) {
                self.order.remove(&key);
            }
            return None;
        }
        if !self.due.contains_key(&id) {
            self.due.insert(id, self.next_key);
            self.order.insert(self.next_key, id);
            self.next_key += 1;
        }
        self.waker.take()
    }

    pub(super) fn take(&mut self, sources: &Sources) -> Option<Taken> {
        let Some(taken) = &mut self.taken else {
            let all = sources.all();
            let members = all.iter().map(|(id, state)| member(*id, state)).collect();
            self.taken = Some(all);
            return Some(Taken::Snapshot(members));
        };
        let (_, id) = self.order.pop_first()?;
        self.due.remove(&id);
        let Some(state) = sources.get(id) else {
            taken.remove(&id);
            return Some(Taken::Left(id));
        };
        let member = member(id, state);
        Some(match taken.insert(id, state.clone()) {
            None => Taken::Joined(member),
            Some(_) => Taken::Changed(member),
        })
    }

    #[cfg(all(test, not(parlor_model)))]
    pub(super) fn entries(&self) -> usize {
        self.taken.as_ref().map_or(0, HashMap::len) + self.due.len()
    }
}

fn member(id: SocketId, state: &MemberState) -> RoomMember<Presence> {
    let MemberState { presence, detached } = state.clone();
    RoomMember { id, presence, detached }
}
