//! What the server calls.

use std::future::Future;

use super::{Events, Reply, Shape};
use crate::disconnect_reason::DisconnectReason;
use crate::handle::Emitter;
use crate::reject::Reject;
use crate::request::Request;
use crate::rooms::DeliveryPolicy;
#[cfg(feature = "typescript")]
use crate::typescript::Description;

/// The events of one trait, as seen from the server. Implemented by its emitter type.
pub trait Contract: From<Emitter> + Send + Sync + 'static {
    /// The name of the trait, for logs.
    const NAME: &'static str;
    /// The wire names of the incoming events, in the order of the trait.
    const INCOMING: &'static [&'static str];
    /// The outgoing events, in the order of the trait.
    const OUTGOING: &'static [Outgoing];
    /// An incoming event with its arguments.
    type Incoming: Events;

    /// The wire name of an incoming event.
    fn name(event: &Self::Incoming) -> &'static str;

    /// The description for the TypeScript generator; `None` without `#[procedure(typescript)]`.
    #[cfg(feature = "typescript")]
    #[doc(hidden)]
    fn typescript() -> Option<Description> {
        None
    }
}

/// An outgoing event of a contract.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing {
    /// The wire name.
    pub name: &'static str,
    /// How the event is delivered to slow clients.
    pub policy: DeliveryPolicy,
    #[doc(hidden)]
    pub shape: Shape,
}

impl Outgoing {
    /// A digest of what the server sends for the event. The nodes of a cluster compare it: in a rolling
    /// deploy, events with different digests do not go from node to node.
    ///
    /// It includes the wire name, whether the event has fields or a `#[payload]`, the wire names and types of its
    /// fields in their order, and the same of each `#[payload]` type in them, at any depth, with the options of
    /// serde that change what is written. It is equal in all builds with all compilers on all platforms.
    /// Formatting, docs, the delivery policy, rules of `#[validate]`, and options that apply only to what is
    /// received, such as `default`, do not change it.
    ///
    /// Two contracts with equal digests may still differ: a type without `#[payload]` counts as its name, a field or
    /// variant with `#[cfg(..)]` does not count, and neither does the code of a function such as that of
    /// `serialize_with`. Two with different digests may send the same: a type counts as it is written, so that
    /// `Uuid` and `uuid::Uuid` differ.
    pub fn digest(&self) -> u64 {
        self.shape.digest()
    }
}

/// A contract together with the session type that handles its incoming events.
pub trait Procedure<S>: Contract {
    /// Runs the handler of the event.
    fn handle(
        session: &mut S,
        event: Self::Incoming,
        reply: &mut Reply,
    ) -> impl Future<Output = ()> + Send;

    /// Runs the session's `detached`.
    fn detached(session: &mut S) -> impl Future<Output = ()> + Send;

    /// Runs the session's `resumed`.
    fn resumed(
        session: &mut S,
        request: Request,
    ) -> impl Future<Output = Result<(), Reject>> + Send;

    /// Runs the session's `disconnected`.
    fn disconnected(session: &mut S, reason: DisconnectReason) -> impl Future<Output = ()> + Send;
}
