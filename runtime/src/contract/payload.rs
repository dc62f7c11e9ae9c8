//! What the types in events implement.

use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "client")]
use crate::client::Call;
use crate::wire::Defaulted;

/// A type that can be a field, a `#[payload]` or an answer of an event.
///
/// Implemented for every type that is `Serialize + DeserializeOwned + Send + Sync + 'static`. Server and
/// client are generated from one trait, so each type is both encoded and decoded.
///
/// What JSON cannot have is not sent: a float that is NaN or infinite, a key of a map that is no string, number,
/// boolean or unit variant, and values that are nested more than 127 levels deep. The path to it, as in
/// `readings[3].value`, is in the log for an event of the server, and in `EmitError::Encode` and
/// `CallError::Encode` for a client. Use `Option<f64>` for a number that may be absent, and a list of pairs for
/// a map with other keys.
///
/// How often code of the type runs:
///
/// | code | runs |
/// | --- | --- |
/// | `Serialize` of an event | once per emit, whatever its number of recipients |
/// | `Serialize` of a call, an answer or a typed error | once; not for an answer that no client waits for |
/// | `Serialize` of the key of a `latest` event | once more, before the event is serialized |
/// | `Deserialize` | once per message; again if it fails on the server, to find the path to the value, and once more to find the variants of an enum |
/// | `Deserialize` of a field that is absent | once, with a deserializer that has no value |
/// | rules of `#[validate]` | once where a value is sent; once more on the server for what clients send |
/// | `Clone` | never |
///
/// So an event may have a value that can be serialized only once, such as the rows of a query. A key of a
/// `latest` event cannot be such a value.
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
    #[cfg(feature = "client")]
    #[doc(hidden)]
    fn answer_from_wire<E>(call: Call<Self::This, E>) -> Call<Self, E>;
    #[cfg(feature = "client")]
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
        #[cfg(feature = "client")]
        fn answer_from_wire<E>(call: Call<T, E>) -> Call<T, E> {
            call
        }
        #[cfg(feature = "client")]
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
