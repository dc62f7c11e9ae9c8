use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;

use super::Walk;
use super::members::Members;
use super::mix::BuildMix;
use super::shards::Shards;
use crate::lock::{Lock, rank};
use crate::reject::Reject;
use crate::session::Member;
use crate::socket_id::SocketId;
use crate::wire::CloseCode;

/// All members of one procedure.
///
/// They are in two tables, whose locks are not held together. Connecting and disconnecting are rare
/// and change both. Looking for one member is frequent and locks one shard. A broadcast walks one list in
/// the order in which the members came, which is that of their memory.
#[derive(Default)]
pub(super) struct Everyone {
    /// Held over a broadcast to everyone.
    order: Lock<(), { rank::EMIT_ORDER }>,
    list: Lock<List, { rank::MEMBERS }>,
    by_id: Shards<HashMap<SocketId, Arc<Member>, BuildMix>, { rank::MEMBERS }>,
}

#[derive(Default)]
struct List {
    members: Members,
    /// No more members are let in.
    closed: bool,
}

/// Why a member cannot enter.
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

impl Everyone {
    pub(super) fn enter(
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
        self.by_id.of(&member.id()).lock().insert(member.id(), Arc::clone(member));
        Ok(())
    }

    /// Takes out a member that has entered.
    pub(super) fn exit(&self, socket: SocketId) {
        let by_id = self.by_id.of(&socket).lock().remove(&socket);
        let listed = self.list.lock().members.remove(socket);
        drop((by_id, listed));
    }

    /// Lets no more members in. A walk that begins after this returns reaches all that have entered.
    pub(super) fn close(&self) {
        self.list.lock().closed = true;
    }

    pub(super) fn get(&self, socket: SocketId) -> Option<Arc<Member>> {
        self.by_id.of(&socket).lock().get(&socket).map(Arc::clone)
    }

    pub(super) fn len(&self) -> usize {
        self.list.lock().members.len()
    }

    /// Shows each member to `visit`, which must not run user code.
    pub(super) fn walk(&self, walk: Walk, visit: impl FnMut(&Arc<Member>)) {
        let order = walk.is_broadcast().then(|| self.order.lock());
        let snapshot = self.list.lock().members.snapshot();
        snapshot.iter().for_each(visit);
        drop(order);
        // Dropped without it: the last reference to a member drops values of the user.
        drop(snapshot);
    }
}
