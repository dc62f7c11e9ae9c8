//! The traits that generated code implements and the runtime calls.
//!
//! For `trait Chat`, `#[procedure]` makes the type `ChatEmitter` the key to everything else:
//! it implements [`Contract`], and [`Procedure<S>`] for every session `S: Chat`.

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
use crate::wire::{Defaulted, Violation};

/// A type that can be a field, a `#[payload]` or an answer of an event: serde reads it and writes it.
///
/// Implemented for every type that is `Serialize + DeserializeOwned + Send + Sync + 'static`; both
/// ends are Rust and generated from one trait, so each type goes both ways.
///
/// Generated code asks for `Payload<_>` and handles values as [`This`](Payload::This). When a type
/// is no payload, the compiler says so once, in the words below, and takes the rest of the generated
/// code for consequences. A single blanket impl would have it complain about serde's traits, in each
/// place: hence the parameter and the second impl, which nothing meets.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel in an event",
    label = "cannot be sent and received",
    note = "add `#[parlor::payload]` to `{Self}`, or to the type inside it; it is also `Send + Sync + 'static`"
)]
pub trait Payload<Via = Serde>: Sized {
    /// `Self`.
    #[doc(hidden)]
    type This;
    #[doc(hidden)]
    fn into_wire(self) -> Self::This;
    #[doc(hidden)]
    fn as_wire(&self) -> &Self::This;
    #[doc(hidden)]
    fn from_wire(this: Self::This) -> Self;
    #[doc(hidden)]
    fn answer<E>(call: Call<Self::This, E>) -> Call<Self, E>;
    #[doc(hidden)]
    fn refusal<T>(call: Call<T, Self::This>) -> Call<T, Self>;
}

/// How types are payloads: by serde.
#[doc(hidden)]
#[derive(Debug)]
pub enum Serde {}

/// How no type is a payload.
#[doc(hidden)]
#[derive(Debug)]
pub enum Nothing {}

/// Implemented by nothing.
#[doc(hidden)]
pub trait Never {}

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
        fn answer<E>(call: Call<T, E>) -> Call<T, E> {
            call
        }
        fn refusal<A>(call: Call<A, T>) -> Call<A, T> {
            call
        }
    };
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Payload<Serde> for T {
    payload!();
}

#[diagnostic::do_not_recommend]
impl<T: Never> Payload<Nothing> for T {
    payload!();
}

/// What `#[field(default)]` asks of a field's type. Built like [`Payload`], for the same reason.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default",
    label = "`#[field(default)]` needs `Default`",
    note = "derive or implement `Default` for `{Self}`"
)]
pub trait OrDefault<Via = Serde>: Sized {
    /// What reads it: [`Defaulted`].
    type Read;
    /// What was read.
    fn from_wire(read: Self::Read) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default + DeserializeOwned> OrDefault<Serde> for T {
    type Read = Defaulted<T>;
    fn from_wire(Defaulted(value): Defaulted<T>) -> T {
        value
    }
}

#[diagnostic::do_not_recommend]
impl<T: Never> OrDefault<Nothing> for T {
    type Read = Defaulted<T>;
    fn from_wire(Defaulted(value): Defaulted<T>) -> T {
        value
    }
}

/// What `typescript` asks of a type. Built like [`Payload`], for the same reason.
#[cfg(feature = "typescript")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no TypeScript type",
    label = "has no TypeScript type",
    note = "add `#[parlor::payload(typescript)]` to `{Self}`, or to the type inside it; types of `chrono`, `url` and `uuid` have one with the feature of that name",
    note = "for another crate's type, say it on a field of a `#[payload(typescript)]`, as in `#[ts(type = \"string\")]`"
)]
pub trait HasTypeScript<Via = Serde> {
    /// `Self`.
    type This: ts_rs::TS + ?Sized;
    /// What the generator needs to know of it.
    fn typescript() -> Type
    where
        Self: 'static;
}

#[cfg(feature = "typescript")]
#[diagnostic::do_not_recommend]
impl<T: ts_rs::TS + ?Sized> HasTypeScript<Serde> for T {
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
impl<T: Never + ts_rs::TS + ?Sized> HasTypeScript<Nothing> for T {
    type This = T;
    fn typescript() -> Type
    where
        T: 'static,
    {
        Type::of::<T>()
    }
}

/// The events of one trait, seen from the server. Implemented by its emitter type.
pub trait Contract: From<Emitter> + Send + Sync + 'static {
    /// The name of the trait, for logs.
    const NAME: &'static str;
    /// The wire names of the incoming events, in the order of the trait.
    const INCOMING: &'static [&'static str];
    /// The wire names of the outgoing events, in the order of the trait, and what each says of clients
    /// that are behind.
    const OUTGOING: &'static [(&'static str, DeliveryPolicy)];
    /// One incoming event with its arguments.
    type Incoming: Events;

    /// The wire name of an incoming event.
    fn name(event: &Self::Incoming) -> &'static str;

    /// What the TypeScript generator makes its files of; `None` without `#[procedure(typescript)]`.
    #[cfg(feature = "typescript")]
    #[doc(hidden)]
    fn typescript() -> Option<Description> {
        None
    }
}

/// A contract together with the session type that handles its incoming events.
pub trait Procedure<S>: Contract {
    /// Takes the event, and runs its handler. It is not given by value: a large one would be moved once
    /// more.
    fn handle(
        session: &mut S,
        event: &mut Option<Self::Incoming>,
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

/// A set of events that can be told apart and decoded by their wire names.
pub trait Events: Send + Sized + 'static {
    /// Decodes the payload of the event `name` into `event`, and checks its `#[validate]` rules. It is
    /// not returned: a large one would be moved once more.
    fn decode<'de, D: Deserializer<'de>>(
        name: &str,
        payload: D,
        event: &mut Option<Self>,
    ) -> Result<(), DecodeError<D::Error>>;

    /// The same, in one pass straight from a JSON text. On an error `event` may be there all the same:
    /// something else may follow it.
    fn decode_json(
        name: &str,
        payload: &str,
        event: &mut Option<Self>,
    ) -> Result<(), DecodeError<serde_json::Error>> {
        let mut payload = serde_json::Deserializer::from_str(payload);
        Self::decode(name, &mut payload, event)?;
        payload.end().map_err(DecodeError::Codec)
    }
}

/// Why a payload is not the event that its name says.
#[derive(Debug)]
pub enum DecodeError<E> {
    /// No event has this name.
    Unknown,
    /// The field of this wire name is absent.
    Missing(&'static str),
    /// A rule of `#[validate]` is broken.
    Invalid(Violation),
    /// The payload is not what the codec or the type expects.
    Codec(E),
}

impl<E> From<Violation> for DecodeError<E> {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation)
    }
}

/// The generated client of a trait: a cloneable handle with a method per incoming event.
pub trait ClientHandle: Clone + From<Client> + Send + Sync + 'static {
    /// What the server sends, as an enum.
    type Event: Events + From<ConnectionChange>;
}

/// Tells a `Result` by its type, for return types that hide it behind an alias:
/// `Probe::<T>::IS_RESULT` is the inherent constant for a `Result`, else the one of [`NotResult`].
pub struct Probe<T>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is one.
    pub const IS_RESULT: bool = true;
}

/// What [`Probe`] falls back to.
pub trait NotResult {
    /// It is none.
    const IS_RESULT: bool = false;
}

impl<T> NotResult for Probe<T> {}
