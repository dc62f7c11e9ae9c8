use std::collections::HashMap;
use std::task::Waker;

use super::cursor::Cursor;
use super::{MemberState, WatcherId};
use crate::rooms::fast_hasher::BuildFastHasher;
use crate::socket_id::SocketId;

/// Members of a room on one other node that are stored. More are not shown.
pub(super) const MAX_MEMBERS_OF_NODE: usize = 100_000;

/// The members of one source. Their ids are random bits from a server.
pub(super) type States = HashMap<SocketId, MemberState, BuildFastHasher>;

/// A room that is watched.
#[derive(Default)]
pub(super) struct WatchedRoom {
    pub(super) sources: Sources,
    pub(super) cursors: HashMap<WatcherId, Cursor>,
    pub(super) remote: RemoteWatch,
}

/// Whether another node watches a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum RemoteWatch {
    #[default]
    Off,
    /// The members on this node are not all known yet. When they are, the other node gets all of them at once.
    Begins,
    On,
}

/// Where a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Local,
    /// Another node, by its id.
    Node(u64),
}

/// The newest state of each member. No source is empty.
///
/// A session that moves to another node is in two sources for a moment, so each node removes only what it has set.
#[derive(Default)]
pub(super) struct Sources(HashMap<Source, States>);

impl WatchedRoom {
    /// Returns whether the state differs from the one before. `wakers` gets the wakers of watchers that have
    /// something to take.
    pub(super) fn set(
        &mut self,
        source: Source,
        id: SocketId,
        state: Option<MemberState>,
        wakers: &mut Vec<Waker>,
    ) -> bool {
        let is_changed = self.sources.set(source, id, state);
        if is_changed {
            self.changed(id, wakers);
        }
        is_changed
    }

    /// Replaces all members of a source.
    pub(super) fn replace(&mut self, source: Source, states: States, wakers: &mut Vec<Waker>) {
        let before = self.sources.0.get(&source);
        let mut ids: Vec<_> = before.into_iter().flat_map(HashMap::keys).copied().collect();
        ids.extend(states.keys().filter(|id| before.is_none_or(|it| !it.contains_key(*id))));
        if states.is_empty() {
            self.sources.0.remove(&source);
        } else {
            self.sources.0.insert(source, states);
        }
        for id in ids {
            self.changed(id, wakers);
        }
    }

    /// Drops the members of other nodes.
    pub(super) fn forget_other_nodes(&mut self) {
        self.sources.0.retain(|source, _| *source == Source::Local);
    }

    pub(super) fn is_unused(&self) -> bool {
        self.cursors.is_empty() && self.remote == RemoteWatch::Off
    }

    fn changed(&mut self, id: SocketId, wakers: &mut Vec<Waker>) {
        let state = self.sources.get(id);
        for cursor in self.cursors.values_mut() {
            wakers.extend(cursor.changed(id, state));
        }
    }
}

impl Sources {
    pub(super) fn get(&self, id: SocketId) -> Option<&MemberState> {
        let local = self.0.get(&Source::Local).and_then(|states| states.get(&id));
        local.or_else(|| self.0.values().find_map(|states| states.get(&id)))
    }

    /// The members of all sources. One that is in two sources has the state that [`get`](Self::get) returns.
    pub(super) fn all(&self) -> States {
        let mut all = States::default();
        for id in self.0.values().flat_map(HashMap::keys) {
            if !all.contains_key(id)
                && let Some(state) = self.get(*id)
            {
                all.insert(*id, state.clone());
            }
        }
        all
    }

    pub(super) fn local(&self) -> impl Iterator<Item = (SocketId, &MemberState)> {
        let states = self.0.get(&Source::Local).into_iter().flatten();
        states.map(|(id, state)| (*id, state))
    }

    pub(super) fn has_local(&self) -> bool {
        self.0.contains_key(&Source::Local)
    }

    #[cfg(any(test, feature = "test"))]
    pub(super) fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    fn set(&mut self, source: Source, id: SocketId, state: Option<MemberState>) -> bool {
        let Some(state) = state else {
            let Some(states) = self.0.get_mut(&source) else { return false };
            let is_removed = states.remove(&id).is_some();
            if states.is_empty() {
                self.0.remove(&source);
            }
            return is_removed;
        };
        let states = self.0.entry(source).or_default();
        let is_full = source != Source::Local && states.len() >= MAX_MEMBERS_OF_NODE;
        if states.get(&id) == Some(&state) || is_full && !states.contains_key(&id) {
            return false;
        }
        states.insert(id, state);
        true
    }
}
