//! The other nodes of the cluster, as far as this node knows them.
//!
//! | state | next |
//! | --- | --- |
//! | unknown | any parcel of the node → alive |
//! | alive | nothing arrives for 6 s → dead; it says that it ends → unknown |
//! | dead | any parcel → alive; 10 min pass → unknown |

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::node_id::NodeId;

/// How often a node publishes marks, if only to show that it is alive.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long a silent node counts as alive.
const DEAD_AFTER: Duration = Duration::from_secs(6);
/// How long it is remembered how far a dead node was received: it may only have lost its broker.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Nodes of a cluster, and nodes that appear within [`APPEAR_WITHIN`]. Parcels of more are dropped.
const MAX_NODES: usize = 1024;
/// Nodes that say that they end, and others that appear, cost work: so they are counted for this long.
const APPEAR_WITHIN: Duration = Duration::from_secs(60);
/// Paths that are remembered of one node, and their bytes. A node with more is asked about every procedure.
const MAX_PATHS: usize = 1024;
const MAX_PATH_BYTES: usize = 16 << 10;

#[derive(Default)]
pub(super) struct Peers {
    nodes: BTreeMap<NodeId, Peer>,
    /// Nodes that have appeared since `counting_since`.
    appeared: usize,
    counting_since: Option<Instant>,
}

struct Peer {
    /// When the last parcel arrived.
    seen: Instant,
    is_alive: bool,
    /// It has said hello.
    is_known: bool,
    incarnation: u64,
    /// The paths of its procedures. `None` before its hello, and if there are too many.
    procedures: Option<BTreeSet<String>>,
    is_warned: bool,
}

/// How a node was known when a parcel of it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contact {
    /// It is alive, as before.
    Known,
    /// It was unknown.
    New,
    /// It was dead.
    Back,
    /// There are too many nodes.
    Refused,
}

/// What has become of nodes since the last call of [`Peers::expire`].
#[derive(Default)]
pub(super) struct Expired {
    pub(super) dead: Vec<NodeId>,
    pub(super) forgotten: Vec<NodeId>,
}

impl Peers {
    /// A parcel of a node arrives.
    pub(super) fn seen(&mut self, node: NodeId, now: Instant) -> Contact {
        if let Some(peer) = self.nodes.get_mut(&node) {
            peer.seen = now;
            let was_alive = std::mem::replace(&mut peer.is_alive, true);
            return if was_alive { Contact::Known } else { Contact::Back };
        }
        if self.nodes.len() >= MAX_NODES || !self.counts_new(now) {
            return Contact::Refused;
        }
        let peer = Peer {
            seen: now,
            is_alive: true,
            is_known: false,
            incarnation: 0,
            procedures: None,
            is_warned: false,
        };
        self.nodes.insert(node, peer);
        Contact::New
    }

    /// Counts a node that appears. Returns whether it is not one too many.
    fn counts_new(&mut self, now: Instant) -> bool {
        if self.counting_since.is_none_or(|since| now.duration_since(since) > APPEAR_WITHIN) {
            (self.counting_since, self.appeared) = (Some(now), 0);
        }
        self.appeared += 1;
        self.appeared <= MAX_NODES
    }

    /// A node has said hello. Returns whether this is its first, or its procedures are others than before.
    pub(super) fn hello<'a>(
        &mut self,
        node: NodeId,
        incarnation: u64,
        paths: impl Iterator<Item = &'a str>,
    ) -> bool {
        let Some(peer) = self.nodes.get_mut(&node) else { return false };
        peer.incarnation = incarnation;
        let procedures = bounded(paths);
        let is_first = !std::mem::replace(&mut peer.is_known, true);
        let is_changed = peer.procedures != procedures;
        peer.procedures = procedures;
        is_first || is_changed
    }

    pub(super) fn set_incarnation(&mut self, node: NodeId, incarnation: u64) {
        if let Some(peer) = self.nodes.get_mut(&node) {
            peer.incarnation = incarnation;
        }
    }

    /// Whether a warning of this node is the first.
    pub(super) fn warn(&mut self, node: NodeId) -> bool {
        self.nodes.get_mut(&node).is_some_and(|peer| !std::mem::replace(&mut peer.is_warned, true))
    }

    /// The node has ended. Returns whether it was known.
    pub(super) fn remove(&mut self, node: NodeId) -> bool {
        self.nodes.remove(&node).is_some()
    }

    /// The link is connected again: nothing could arrive while it was not.
    pub(super) fn excuse(&mut self, now: Instant) {
        for peer in self.nodes.values_mut().filter(|peer| peer.is_alive) {
            peer.seen = now;
        }
    }

    /// Finds the nodes that are silent. Called while this node has a link.
    pub(super) fn expire(&mut self, now: Instant) -> Expired {
        let mut expired = Expired::default();
        for (node, peer) in &mut self.nodes {
            let silence = now.duration_since(peer.seen);
            if peer.is_alive && silence > DEAD_AFTER {
                peer.is_alive = false;
                expired.dead.push(*node);
            } else if !peer.is_alive && silence > FORGET_AFTER {
                expired.forgotten.push(*node);
            }
        }
        for node in &expired.forgotten {
            self.nodes.remove(node);
        }
        expired
    }

    pub(super) fn alive(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter(|(_, peer)| peer.is_alive).map(|(node, _)| *node)
    }

    /// The nodes that are alive and have not said hello yet.
    pub(super) fn unknown(&self) -> Vec<NodeId> {
        let unknown = self.nodes.iter().filter(|(_, peer)| peer.is_alive && !peer.is_known);
        unknown.map(|(node, _)| *node).collect()
    }

    /// The nodes that are alive and serve this procedure, or have not said hello yet.
    pub(super) fn serving(&self, procedure: &str) -> Vec<NodeId> {
        let serves =
            |peer: &Peer| peer.procedures.as_ref().is_none_or(|paths| paths.contains(procedure));
        let serving = self.nodes.iter().filter(|(_, peer)| peer.is_alive && serves(peer));
        serving.map(|(node, _)| *node).collect()
    }

    /// Whether all nodes that are alive have a link to this incarnation of the broker.
    pub(super) fn are_all_at(&self, incarnation: u64) -> bool {
        self.nodes.values().filter(|peer| peer.is_alive).all(|peer| peer.incarnation == incarnation)
    }
}

/// The paths of a node. `None` if there are too many.
fn bounded<'a>(paths: impl Iterator<Item = &'a str>) -> Option<BTreeSet<String>> {
    let mut size = 0;
    let mut bounded = BTreeSet::new();
    for path in paths {
        size += path.len();
        if bounded.len() == MAX_PATHS || size > MAX_PATH_BYTES {
            return None;
        }
        bounded.insert(path.to_owned());
    }
    Some(bounded)
}
