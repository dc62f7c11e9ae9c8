//! What the rooms of a procedure need from the other nodes of a cluster.

use std::time::Duration;

use futures::future::BoxFuture;

use super::latest_key::LatestKey;
use super::{Audience, OutgoingEvent, Presence, RoomMember};
use crate::node_id::NodeId;
use crate::socket_id::SocketId;
use crate::wire::Frame;

/// The same procedure on the other nodes of a cluster. Nothing here waits, but the futures.
pub(crate) trait Remote: Send + Sync {
    /// Publishes an event that was delivered to the members here. `key`: of a `latest` event.
    fn emit(
        &self,
        event: &OutgoingEvent,
        audience: &Audience,
        frame: &Frame,
        key: Option<LatestKey>,
        is_remote: &dyn Fn(SocketId) -> bool,
    );

    /// A room has its first member here.
    fn room_used(&self, room: &str);

    /// A room has lost its last member here.
    fn room_unused(&self, room: &str);

    /// Ready with `true` when events of all nodes to this room arrive here; with `false` if this takes too
    /// long.
    fn confirm(&self, room: &str) -> BoxFuture<'_, bool>;

    /// Asks the other nodes.
    fn ask<'a>(&'a self, query: Query<'a>, within: Duration) -> BoxFuture<'a, Answers>;
}

/// What one node asks the others.
#[derive(Clone, Copy)]
pub(crate) enum Query<'a> {
    Members(&'a str),
    Count(&'a str),
    Presence(&'a str),
    Disconnect(&'a Audience),
}

/// What the other nodes answer, together.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) members: Vec<SocketId>,
    pub(crate) presences: Vec<RoomMember<Presence>>,
    pub(crate) count: u64,
    /// Nodes that have not answered, or not all of it.
    pub(crate) missing: Vec<NodeId>,
    /// All nodes have answered, as far as this node knows.
    pub(crate) complete: bool,
}
