use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::{Inbox, Topic};

/// A broker, such as Redis or NATS, that moves bytes between the nodes of a cluster.
///
/// [`Router::backplane`](crate::Router::backplane) takes one. A node is one router that is served. An engine
/// knows how to connect, and nothing else: Parlor keeps the connection alive, connects again when it is lost,
/// subscribes again, queues what it publishes, counts what is lost, and drops what arrives twice.
pub trait Backplane: Send + Sync + 'static {
    /// What a topic stands for.
    fn layout(&self) -> Layout;

    /// The largest parcel that a link accepts, in bytes. Events that do not fit are delivered on their own
    /// node only, which is logged.
    fn max_parcel_size(&self) -> usize {
        1 << 20
    }

    /// Connects. Parlor calls it when the router is served, and again after each lost link, with one
    /// call at a time. It drops the future after 2 s.
    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>>;
}

/// A connection to a broker. Dropping it closes the connection, and nothing more is delivered.
///
/// What one node publishes is delivered to each node that is subscribed to its topic, in the order in which
/// it was published. Parcels may be lost, and may be delivered twice. With [`Layout::Buckets`] two topics may overtake
/// each other, with one exception: a parcel of a control topic ([`Topic::is_control`]) is delivered after the parcels
/// that the same node has published before it. With [`Layout::PerRoom`] no two topics do.
pub trait Link: Send + Sync + 'static {
    /// Differs after the broker was restarted, and is equal as long as the broker keeps its subscriptions.
    fn incarnation(&self) -> u64;

    /// Subscribes to topics. Ready when the broker has confirmed all of them. There are at most 1 000
    /// topics, and one call at a time of this or [`unsubscribe`](Self::unsubscribe).
    fn subscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>>;

    /// Ends subscriptions. There are at most 1 000 topics.
    fn unsubscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>>;

    /// Publishes parcels, in their order. There are at most 128, and one call at a time. Calls of `subscribe` run
    /// beside it.
    ///
    /// Ready when the broker has confirmed all of them. An engine whose broker confirms nothing is ready when
    /// they are passed to the transport. After an error the outcome is unknown: Parlor connects again, and
    /// publishes the same parcels once more.
    fn publish<'a>(&'a self, parcels: &'a [Parcel]) -> BoxFuture<'a, Result<(), LinkError>>;

    /// Ready when the link is lost, with the reason.
    fn lost(&self) -> BoxFuture<'_, LinkError>;
}

/// What the topics of an engine stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// A topic per room: for brokers whose subscriptions are cheap, and that deliver all parcels of one node in the order
    /// in which it has published them, also those of different topics.
    PerRoom,
    /// The rooms are distributed over this number of topics, which may overtake each other.
    Buckets(u16),
}

/// What is published: bytes for the subscribers of a topic.
#[derive(Clone)]
pub struct Parcel {
    /// Where it is published.
    pub topic: Topic,
    /// What is delivered to the [`Inbox`] of each node that is subscribed to the topic.
    pub bytes: Bytes,
}

/// Why a link is lost, or cannot do what it is asked to.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct LinkError(Arc<str>);

impl LinkError {
    /// An error with this text, for logs and for [`Health`](super::Health). It names the broker, and contains
    /// no password.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string().into())
    }

    pub(super) fn reason(&self) -> &Arc<str> {
        &self.0
    }
}

/// Why an engine such as Redis or NATS cannot be used. A broker that cannot be reached is no error: the node
/// serves its own clients, and connects when the broker is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one.
    #[error("`{url}` is not a URL as in `{example}`: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// A URL that is right.
        example: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The broker refuses the user name, the password or the token.
    #[error("{broker} refuses the credentials: {reason}")]
    Credentials {
        /// The host and port.
        broker: String,
        /// What the broker says.
        reason: String,
    },
    /// There is no secure connection to the broker.
    #[error("TLS with {broker} fails: {reason}")]
    Tls {
        /// The host and port.
        broker: String,
        /// Why.
        reason: String,
    },
    /// The broker lacks something that is needed, or is no broker of this kind.
    #[error("{broker} cannot be used: {reason}")]
    Unusable {
        /// The host and port.
        broker: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.bytes.len();
        f.debug_struct("Parcel").field("topic", &self.topic).field("size", &size).finish()
    }
}
