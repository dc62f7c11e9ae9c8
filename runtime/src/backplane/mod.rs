//! Several servers with common rooms, over a broker.
//!
//! A node is one [`Router`](crate::Router) that is served with [`Router::backplane`](crate::Router::backplane). The
//! nodes with one broker and one prefix are a cluster: an emit to a room reaches its members on all of them. `docs/scaling.md`
//! of the repository says what is promised, and how to deploy it.
//!
//! | to | use |
//! | --- | --- |
//! | link routers | the engines `Redis` and `Nats` (features `redis`, `nats`), or [`Memory`] in tests |
//! | ask all nodes | [`Io::ask`](crate::Io::ask), [`Io::members`](crate::Io::members), [`Io::watch`](crate::Io::watch) |
//! | miss no event after a join | [`Socket::join_confirmed`](crate::Socket::join_confirmed) |
//! | see the state of a node | [`Router::health`](crate::Router::health) |
//! | learn of lost events | [`Io::gaps`](crate::Io::gaps) |
//! | use another broker | your own [`Backplane`] and [`Link`] |
//!
//! ```
//! # use parlor::prelude::*;
//! # use parlor::backplane::Memory;
//! # use parlor::test::Network;
//! # #[procedure] pub trait News { #[incoming] async fn follow(&mut self, topic: String); #[outgoing] fn headline(text: String); }
//! # struct Reader { socket: NewsSocket }
//! # impl News for Reader { async fn follow(&mut self, topic: String) { let _ = self.socket.join_confirmed(&topic).await; } }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let broker = Memory::new();
//! let node = || {
//!     let news = NewsServer::new(|socket: NewsSocket| async move { Ok(Reader { socket }) });
//!     let io = news.io();
//!     (io, Router::new().procedure("/news", news).backplane(broker.node()))
//! };
//! let ((_, one), (io, two)) = (node(), node());
//! let (one, _two) = (Network::new(one), Network::new(two));
//!
//! let (reader, mut events) = one.line().client::<NewsClient>("/news").connect().await.unwrap();
//! reader.follow("sports").unwrap();
//! tokio::time::sleep(std::time::Duration::from_secs(1)).await;
//! io.to("sports").headline("1:0");
//! let event = events.next().await;
//! assert!(matches!(event, Some(NewsEvent::Headline { text }) if text == "1:0"));
//! # drop(reader);
//! # }
//! ```

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
