//! The traits that generated code implements and the runtime calls.
//!
//! For `trait Chat`, the generated type `ChatEmitter` implements [`Contract`], and [`Procedure<S>`] for
//! every session `S: Chat`. `ChatClient` implements [`ClientHandle`].

#[cfg(feature = "server")]
mod diagnose;
#[cfg(feature = "typescript")]
mod directed;
#[cfg(feature = "server")]
mod error_reply;
mod payload;
#[cfg(feature = "server")]
mod procedure;
#[cfg(feature = "server")]
mod reply;
mod shape;
#[cfg(all(feature = "server", feature = "typescript"))]
mod typescript;

use std::marker::PhantomData;

use serde::Deserializer;

#[cfg(feature = "server")]
pub(crate) use self::diagnose::diagnose;
#[cfg(feature = "typescript")]
pub use self::directed::{Converted, Directed, Unnamed};
#[cfg(feature = "server")]
pub(crate) use self::error_reply::ErrorReply;
pub use self::payload::{OrDefault, Payload};
#[cfg(feature = "server")]
pub use self::procedure::{Contract, Outgoing, Procedure};
#[cfg(feature = "server")]
pub use self::reply::Reply;
pub use self::shape::{HasShape, NoShape, Shape, ShapeOf};
#[cfg(all(feature = "server", feature = "typescript"))]
pub use self::typescript::HasTypeScript;
#[cfg(feature = "client")]
use crate::client::{Client, ConnectionChange};
pub use crate::wire::decode_error::DecodeError;

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
#[cfg(feature = "client")]
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
