use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;

use super::Traversal;
use super::fast_hasher::BuildFastHasher;
use super::members::Members;
use super::shards::Shards;
use crate::lock::{Lock, rank};
use crate::reject::Reject;
use crate::session::Member;
use crate::socket_id::SocketId;
use crate::wire::CloseCode;

/// All members of one procedure.
///
/// Two tables store them, whose locks are never held together. A connect and a disconnect are rare and
/// change both. A lookup of one member is frequent and locks one shard. A broadcast reads the list. Its
/// order is that of registration, in which the members were allocated.
#[derive(Default)]
pub(super) struct AllMembers {
    /// Held during a broadcast to all members.
    order: Lock<(), { rank::EMIT_ORDER }>,
    list: Lock<List, { rank::MEMBERS }>,
    by_id: Shards<HashMap<SocketId, Arc<Member>, BuildFastHasher>, { rank::MEMBERS }>,
}

#[derive(Default)]
struct List {
    members: Members,
    /// No further member is registered.
    closed: bool,
}

/// Why a member cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegisterError {
    TooManyConnections,
    Draining,
}

impl From<RegisterError> for Reject {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::TooManyConnections => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                CloseCode::TOO_MANY_CONNECTIONS,
                "the connection limit of the procedure is reached",
            ),
            RegisterError::Draining => Self::try_later("the server shuts down"),
        }
    }
}

impl AllMembers {
    pub(super) fn insert(
        &self,
        member: &Arc<Member>,
        max: Option<usize>,
    ) -> Result<(), RegisterError> {
        let mut list = self.list.lock();
        if list.closed {
            return Err(RegisterError::Draining);
        }
        if max.is_some_and(|max| list.members.len() >= max) {
            return Err(RegisterError::TooManyConnections);
        }
        list.members.insert(member);
        drop(list);
        self.by_id.lock(&member.id()).insert(member.id(), Arc::clone(member));
        Ok(())
    }

    pub(super) fn remove(&self, socket: SocketId) {
        let by_id = self.by_id.lock(&socket).remove(&socket);
        let listed = self.list.lock().members.remove(socket);
        // Dropped without a lock: the last reference to a member drops values of the user.
        drop((by_id, listed));
    }

    /// Registers no further members. A traversal that starts after this returns visits all that were
    /// registered.
    pub(super) fn close(&self) {
        self.list.lock().closed = true;
    }

    pub(super) fn get(&self, socket: SocketId) -> Option<Arc<Member>> {
        self.by_id.lock(&socket).get(&socket).map(Arc::clone)
    }

    pub(super) fn len(&self) -> usize {
        self.list.lock().members.len()
    }

    /// Calls `visit` with each member. `visit` must not run user code.
    pub(super) fn for_each(&self, traversal: Traversal, visit: impl FnMut(&Arc<Member>)) {
        let order = traversal.is_broadcast().then(|| self.order.lock());
        let snapshot = self.list.lock().members.snapshot();
        snapshot.iter().for_each(visit);
        drop(order);
        // Dropped without a lock: the last reference to a member drops values of the user.
        drop(snapshot);
    }
}
