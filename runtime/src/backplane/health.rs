use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::node_id::NodeId;

/// How the cluster of a router is: see [`Router::health`](crate::Router::health).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health {
    /// This node.
    pub node: NodeId,
    /// Whether this node is connected to the broker. A node that is not serves its own clients as before, so it
    /// stays ready: otherwise a load balancer would remove all nodes at once.
    pub status: Status,
    /// How long ago a probe of this node last passed through the broker. A probe is published every second.
    /// `None` before the first.
    pub probe_age: Option<Duration>,
    /// How long the last probe took, there and back.
    pub probe_time: Option<Duration>,
    /// Bytes that wait to be published. The limit is
    /// [`ClusterOptions::max_queue_size`](super::ClusterOptions::max_queue_size).
    pub queue_size: usize,
    /// The other nodes that are alive.
    pub nodes: Vec<NodeId>,
    /// Topics that this node is subscribed to, or wants to be.
    pub topics: usize,
    /// What has been counted since the router is served.
    pub counters: Counters,
}

/// The connection of a node to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Rooms span the nodes.
    Up,
    /// Each node serves its own clients only.
    Down {
        /// For how long.
        since: Duration,
        /// Why. It names the broker.
        reason: Arc<str>,
    },
    /// [`Router::shutdown`](crate::Router::shutdown), or its like, has ended the node.
    Stopped,
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        /// Counts of one node, since its router is served.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        #[derive(Default)]
        pub(super) struct Counts {
            $(pub(super) $name: AtomicU64,)*
        }

        impl Counts {
            pub(super) fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Parcels of events, one per topic, and of changes in watched rooms.
    published,
    /// Events of other nodes that were delivered here.
    received,
    /// Events that arrived again, and were dropped.
    duplicates,
    /// Events of other nodes, and changes in watched rooms, that did not arrive, as their numbers tell.
    lost,
    /// Parcels that were dropped here because they waited for longer than `max_queue_age`: of events, of changes in
    /// watched rooms, and of what nodes tell each other, such as marks and answers.
    aged,
    /// Parcels, as in `aged`, that were dropped here because more than `max_queue_size` waited.
    overflowed,
    /// Volatile events that were dropped here because the broker was away.
    volatile_dropped,
    /// What was not sent because it is too large: events, and calls of `Io::disconnect`, also those whose target names more
    /// than 256 rooms, sockets and exceptions; and the members of a room, each time that another node asks for them to
    /// watch it. Events of other nodes that exceed `Limits::max_outbox_size` here count too.
    too_large,
    /// Parcels of any kind that were published again after the link was lost.
    resent,
    /// Parcels that were dropped because more than 16 MiB waited in the inbox.
    inbox_overflowed,
    /// Links that were lost.
    links_lost,
    /// Parcels of another version of the format, which were dropped.
    bad_version,
    /// Parcels that are malformed, which were dropped.
    bad_format,
    /// Parcels without the right signature, which were dropped.
    bad_signature,
    /// Events of a procedure that this node does not serve, which were dropped.
    unknown_procedure,
    /// Events that the contract here does not have, which were dropped.
    unknown_event,
    /// Events whose fields differ in the contract here, which were dropped.
    different_event,
    /// Parcels of more than 1 024 nodes, or of more than 1 024 that appeared within a minute, which were dropped.
    too_many_nodes,
}

/// What was logged. Each cause is logged once.
#[derive(Default)]
pub(super) struct Logged {
    /// An event is larger than the parcels of the broker.
    pub(super) large_event: LogOnce,
    /// The target of an event names too many rooms and sockets.
    pub(super) long_target: LogOnce,
    /// The same of `disconnect`.
    pub(super) long_disconnect: LogOnce,
    /// What the members of a watched room show is too much for the queue.
    pub(super) large_room: LogOnce,
}

/// Whether a cause was logged.
#[derive(Default)]
pub(super) struct LogOnce(AtomicBool);

impl LogOnce {
    /// Whether this is the first call.
    pub(super) fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    if count > 0 {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
