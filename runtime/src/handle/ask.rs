use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::contract::Contract;
use crate::disconnect_reason::DisconnectReason;
use crate::node_id::NodeId;
use crate::rooms::{
    Answers, Audience, DecodePresenceError, Hub, Query, Room, RoomMember, Target, Traversal,
};
use crate::socket_id::SocketId;

/// How long the other nodes have to answer, by default.
const WITHIN: Duration = Duration::from_secs(1);
/// The longest time that they can have.
const MAX_WITHIN: Duration = Duration::from_secs(60);

/// What the nodes of a cluster answer, together: see [`Io::ask`](crate::Io::ask).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterAnswer<T> {
    /// The union or the sum of the answers that have arrived, that of this node included.
    pub value: T,
    /// Nodes that were alive and have not answered, or not all of it: they ended, or took too long, or were not asked
    /// because the target of [`Ask::disconnect`] names more than 256 rooms, sockets and exceptions.
    pub missing: Vec<NodeId>,
    /// All nodes that this node knows have answered. `false` as well while this node has no link to the
    /// broker. Always `true` without a backplane.
    pub complete: bool,
}

/// Asks all nodes of a cluster: see [`Io::ask`](crate::Io::ask).
#[must_use = "nothing is asked before one of its methods is awaited"]
pub struct Ask<E> {
    hub: Arc<Hub>,
    within: Duration,
    contract: PhantomData<fn() -> E>,
}

impl<E: Contract> Ask<E> {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, within: WITHIN, contract: PhantomData }
    }

    /// Sets how long the other nodes have to answer: 1 s by default, at most 60 s.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within.min(MAX_WITHIN);
        self
    }

    /// The sessions in the room, in no particular order: as [`Io::members`](crate::Io::members).
    pub async fn members(self, room: impl Room) -> ClusterAnswer<Vec<SocketId>> {
        let name = room.name();
        let mut members = Vec::new();
        self.hub.rooms.for_each(Traversal::Query, &name, |member| members.push(member.id()));
        let answers = self.others(Query::Members(&name)).await;
        members.extend(&answers.members);
        answers.with(members)
    }

    /// The number of sessions in the room.
    pub async fn count(self, room: impl Room) -> ClusterAnswer<usize> {
        let name = room.name();
        let mut count = 0_usize;
        self.hub.rooms.for_each(Traversal::Query, &name, |_| count += 1);
        let answers = self.others(Query::Count(&name)).await;
        let others = usize::try_from(answers.count).unwrap_or(usize::MAX);
        answers.with(count.saturating_add(others))
    }

    /// The members of the room that have set a presence: as [`Io::members_with`](crate::Io::members_with).
    pub async fn presence<P: DeserializeOwned>(
        self,
        room: impl Room,
    ) -> Result<ClusterAnswer<Vec<RoomMember<P>>>, DecodePresenceError> {
        let name = room.name();
        let mut members = Vec::new();
        self.hub.rooms.for_each(Traversal::Query, &name, |member| {
            members.extend(RoomMember::of(member));
        });
        let mut answers = self.others(Query::Presence(&name)).await;
        members.append(&mut answers.presences);
        let members = members.into_iter().map(RoomMember::decode).collect::<Result<_, _>>()?;
        Ok(answers.with(members))
    }

    /// Ends the sessions in the target: as [`Io::disconnect`](crate::Io::disconnect). Returns their number, and the nodes
    /// that did not answer: all others if the target names more than 256 rooms, sockets and exceptions.
    pub async fn disconnect(self, target: impl Target) -> ClusterAnswer<usize> {
        let audience = Audience::new(&target);
        let count = self.hub.end_sessions(&audience, DisconnectReason::Disconnected);
        let answers = self.others(Query::Disconnect(&audience)).await;
        let others = usize::try_from(answers.count).unwrap_or(usize::MAX);
        answers.with(count.saturating_add(others))
    }

    async fn others(&self, query: Query<'_>) -> Answers {
        match self.hub.remote() {
            Some(remote) => remote.ask(query, self.within).await,
            None => Answers { complete: true, ..Answers::default() },
        }
    }
}

impl Answers {
    fn with<T>(self, value: T) -> ClusterAnswer<T> {
        ClusterAnswer { value, missing: self.missing, complete: self.complete }
    }
}

impl<E: Contract> fmt::Debug for Ask<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("contract", &E::NAME)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
