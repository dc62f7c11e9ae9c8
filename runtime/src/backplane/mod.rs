//! Rooms across nodes: the engines that link the nodes of a cluster, and what they promise.

mod answer;
mod asks;
mod cluster;
mod engine;
mod health;
mod inbox;
mod liveness;
mod memory;
#[cfg(test)]
mod model;
mod names;
#[cfg(feature = "nats")]
mod nats;
mod node;
mod options;
mod outgoing;
mod parcel;
mod peers;
mod positions;
mod presence;
mod random;
mod receive;
#[cfg(feature = "redis")]
mod redis;
mod remote;
mod signature;
mod subscriptions;
mod supervise;
#[cfg(test)]
mod tests;
mod topic;
mod watching;

#[cfg(feature = "redis")]
pub use self::redis::Redis;
pub(crate) use cluster::Cluster;
pub use engine::{Backplane, ConnectError, Layout, Link, LinkError, Parcel};
pub use health::{Counters, Health, Status};
pub use inbox::{Deliveries, Inbox};
pub use memory::{Memory, MemoryNode};
#[cfg(feature = "nats")]
pub use nats::{Nats, NatsOptions};
pub use options::ClusterOptions;
#[cfg(fuzzing)]
pub(crate) use parcel::reencode::reencode;
pub use topic::Topic;

pub use crate::handle::{Ask, ClusterAnswer, JoinConfirmation};
pub use crate::node_id::NodeId;
pub use crate::rooms::{Gap, Gaps};
