//! What generated code calls. Not for use by hand: it changes without notice.

#[cfg(feature = "typescript")]
pub use parlor_macros::SerdeAttributes;
pub use serde::{self, Deserializer};
#[cfg(feature = "typescript")]
pub use ts_rs;

#[cfg(feature = "client")]
pub use crate::client::Client;
#[cfg(feature = "client")]
pub use crate::contract::ClientHandle;
#[cfg(all(feature = "server", feature = "typescript"))]
pub use crate::contract::HasTypeScript;
#[cfg(feature = "server")]
pub use crate::contract::{Contract, Procedure, Reply};
#[cfg(feature = "typescript")]
pub use crate::contract::{Converted, Directed, Unnamed};
pub use crate::contract::{
    DecodeError, Events, HasShape, NoShape, NotResult, OrDefault, Payload, ReturnType, Shape,
    ShapeOf,
};
#[cfg(feature = "server")]
pub use crate::handle::Emitter;
/// The rules of `#[validate]`.
#[cfg(feature = "validate")]
pub mod rules {
    pub use crate::rules::*;
}
/// The description of a contract for the TypeScript generator.
#[cfg(all(feature = "server", feature = "typescript"))]
pub mod typescript {
    pub use crate::typescript::{Description, Event, Field, Rule};
}
pub use crate::wire::Violation;
pub use crate::wire::fields::{Defaulted, Fields, Object, decode_fields, decode_payload};

// `parlor-macros` cannot select items by feature: Cargo may build it for other features than this crate. So it
// puts the items of one side into `client! {..}`, `server! {..}` or `without_server! {..}`.

/// Expands to its items.
#[macro_export]
#[doc(hidden)]
macro_rules! __parlor_keep {
    ($($items:tt)*) => { $($items)* };
}
/// Expands to nothing.
#[macro_export]
#[doc(hidden)]
macro_rules! __parlor_omit {
    ($($items:tt)*) => {};
}
#[cfg(feature = "client")]
pub use __parlor_keep as client;
#[cfg(not(feature = "client"))]
pub use __parlor_omit as client;
#[cfg(feature = "server")]
pub use {__parlor_keep as server, __parlor_omit as without_server};
#[cfg(not(feature = "server"))]
pub use {__parlor_keep as without_server, __parlor_omit as server};

/// Expands to `_`, where `ts-rs` would replace a plain `_`.
#[cfg(feature = "typescript")]
#[macro_export]
#[doc(hidden)]
macro_rules! __parlor_infer {
    () => {
        _
    };
}
#[cfg(feature = "typescript")]
pub use __parlor_infer as infer;
