//! What the server calls.

use std::future::Future;

use super::{Events, Reply};
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
    /// The wire names and delivery policies of the outgoing events, in the order of the trait.
    const OUTGOING: &'static [(&'static str, DeliveryPolicy)];
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
