//! Rooms across nodes: the engines that link the nodes of a cluster, and what they promise.

mod engine;
mod inbox;
mod topic;

pub use engine::{Backplane, ConnectError, Layout, Link, LinkError, Parcel};
pub use inbox::{Deliveries, Inbox};
pub use topic::Topic;
