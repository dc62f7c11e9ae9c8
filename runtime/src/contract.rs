//! The traits that generated code implements and the runtime calls.
//!
//! For `trait Chat`, the generated type `ChatEmitter` implements [`Contract`], and [`Procedure<S>`] for
//! every session `S: Chat`.

mod diagnose;
mod error_reply;
mod reply;

use std::future::Future;
use std::marker::PhantomData;

use serde::{Deserializer, Serialize, de::DeserializeOwned};

pub(crate) use self::diagnose::diagnose;
pub(crate) use self::error_reply::ErrorReply;
pub use self::reply::Reply;
use crate::client::{Call, Client, ConnectionChange};
use crate::disconnect_reason::DisconnectReason;
use crate::handle::Emitter;
use crate::reject::Reject;
use crate::request::Request;
use crate::rooms::DeliveryPolicy;
#[cfg(feature = "typescript")]
use crate::typescript::{Description, Type};
use crate::wire::Defaulted;
pub use crate::wire::decode_error::DecodeError;

/// A type that can be a field, a `#[payload]` or an answer of an event.
///
/// Implemented for every type that is `Serialize + DeserializeOwned + Send + Sync + 'static`. Server and
/// client are generated from one trait, so each type is both encoded and decoded.
///
/// Generated code requires `Payload<_>` and handles values as [`This`](Payload::This). For a type that
/// is no payload, rustc then reports the message below once, and no errors that follow from it. With a
/// single blanket impl, rustc would report serde's missing traits at each use. This is why the trait has
/// a parameter, and a second impl that applies to no type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent in an event",
    label = "cannot be encoded and decoded",
    note = "add `#[parlor::payload]` to `{Self}`, or to the type inside it; it must also be `Send + Sync + 'static`"
)]
pub trait Payload<Via = ViaSerde>: Sized {
    /// Always `Self`.
    #[doc(hidden)]
    type This;
    #[doc(hidden)]
    fn into_wire(self) -> Self::This;
    #[doc(hidden)]
    fn as_wire(&self) -> &Self::This;
    #[doc(hidden)]
    fn from_wire(this: Self::This) -> Self;
    #[doc(hidden)]
    fn answer_from_wire<E>(call: Call<Self::This, E>) -> Call<Self, E>;
    #[doc(hidden)]
    fn error_from_wire<T>(call: Call<T, Self::This>) -> Call<T, Self>;
}

/// The parameter of the impls that apply.
#[doc(hidden)]
#[derive(Debug)]
pub enum ViaSerde {}

/// The parameter of the impls that apply to no type.
#[doc(hidden)]
#[derive(Debug)]
pub enum ViaNothing {}

/// No type implements it.
#[doc(hidden)]
pub trait NeverImplemented {}

macro_rules! payload {
    () => {
        type This = T;
        fn into_wire(self) -> T {
            self
        }
        fn as_wire(&self) -> &T {
            self
        }
        fn from_wire(this: T) -> T {
            this
        }
        fn answer_from_wire<E>(call: Call<T, E>) -> Call<T, E> {
            call
        }
        fn error_from_wire<A>(call: Call<A, T>) -> Call<A, T> {
            call
        }
    };
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Payload<ViaSerde> for T {
    payload!();
}

#[diagnostic::do_not_recommend]
impl<T: NeverImplemented> Payload<ViaNothing> for T {
    payload!();
}

/// A type that `#[field(default)]` can apply to. Built like [`Payload`], for the same reason.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default",
    label = "`#[field(default)]` needs `Default`",
    note = "derive or implement `Default` for `{Self}`"
)]
pub trait OrDefault<Via = ViaSerde>: Sized {
    /// The type that is decoded: [`Defaulted`].
    type Wire;
    /// Converts the decoded value to the field.
    fn from_wire(decoded: Self::Wire) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default + DeserializeOwned> OrDefault<ViaSerde> for T {
    type Wire = Defaulted<T>;
    fn from_wire(Defaulted(value): Defaulted<T>) -> T {
        value
    }
}

#[diagnostic::do_not_recommend]
impl<T: NeverImplemented> OrDefault<ViaNothing> for T {
    type Wire = Defaulted<T>;
    fn from_wire(Defaulted(value): Defaulted<T>) -> T {
        value
    }
}

/// A type that `typescript` can apply to. Built like [`Payload`], for the same reason.
#[cfg(feature = "typescript")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no TypeScript type",
    label = "has no TypeScript type",
    note = "add `#[parlor::payload(typescript)]` to `{Self}`, or to the type inside it; types of `chrono`, `url` and `uuid` have one with the feature of that name",
    note = "for a type of another crate, set the TypeScript type on a field of a `#[payload(typescript)]`, such as `#[ts(type = \"string\")]`"
)]
pub trait HasTypeScript<Via = ViaSerde> {
    /// Always `Self`.
    type This: ts_rs::TS + ?Sized;
    /// The type's description for the generator.
    fn typescript() -> Type
    where
        Self: 'static;
}

#[cfg(feature = "typescript")]
#[diagnostic::do_not_recommend]
impl<T: ts_rs::TS + ?Sized> HasTypeScript<ViaSerde> for T {
    type This = T;
    fn typescript() -> Type
    where
        T: 'static,
    {
        Type::of::<T>()
    }
}

#[cfg(feature = "typescript")]
#[diagnostic::do_not_recommend]
impl<T: NeverImplemented + ts_rs::TS + ?Sized> HasTypeScript<ViaNothing> for T {
    type This = T;
    fn typescript() -> Type
    where
        T: 'static,
    {
        Type::of::<T>()
    }
}

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

    /// Runs the session's `resumed`.
    fn resumed(
        session: &mut S,
        request: Request,
    ) -> impl Future<Output = Result<(), Reject>> + Send;

    /// Runs the session's `disconnected`.
    fn disconnected(session: &mut S, reason: DisconnectReason) -> impl Future<Output = ()> + Send;
}

/// A set of events that are decoded by their wire names.
pub trait Events: Send + Sized + 'static {
    /// Decodes the payload of the event `name`, and checks the `#[validate]` rules of an incoming event.
    fn decode<'de, D: Deserializer<'de>>(
        name: &str,
        payload: D,
    ) -> Result<Self, DecodeError<D::Error>>;

    /// Decodes a payload from JSON text. Fails if other text follows it.
    fn decode_json(name: &str, payload: &str) -> Result<Self, DecodeError<serde_json::Error>> {
        let mut payload = serde_json::Deserializer::from_str(payload);
        let event = Self::decode(name, &mut payload)?;
        payload.end().map_err(DecodeError::Codec)?;
        Ok(event)
    }
}

/// The generated client of a trait, with a method per incoming event.
pub trait ClientHandle: Clone + From<Client> + Send + Sync + 'static {
    /// The enum of the events that the client receives.
    type Event: Events + From<ConnectionChange>;
}

/// Detects that a return type is an alias of `Result`.
///
/// `ReturnType::<T>::IS_RESULT` is the inherent constant for a `Result`, else the one of [`NotResult`].
pub struct ReturnType<T>(PhantomData<T>);

impl<T, E> ReturnType<Result<T, E>> {
    /// Whether the type is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// The fallback of [`ReturnType`].
pub trait NotResult {
    /// Whether the type is a `Result`.
    const IS_RESULT: bool = false;
}

impl<T> NotResult for ReturnType<T> {}
