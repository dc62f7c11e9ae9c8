//! The macros of [Parlor](https://docs.rs/parlor): `#[procedure]`, its markers, and `#[payload]`.
//!
//! Use it through the crate `parlor`, which re-exports it.

// No panic is reachable from the network, from the macro's input or from a user's handler.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod case;
mod conditional;
mod digest;
mod errors;
mod expand;
mod model;
mod name_collisions;
mod options;
mod parse;
mod payload;
mod procedure;
mod procedure_options;
mod rules;
#[cfg(test)]
mod tests;
mod tokens;

use proc_macro::TokenStream;

/// Turns a trait into a procedure: its methods are the events of one WebSocket endpoint.
///
/// Clients send `#[incoming] async fn name(&mut self, fields..) [-> T | -> Result<T, E>];`, and the
/// session handles it. With a return type it is a call, which has a typed answer. The server sends
/// `#[outgoing] fn name(fields..);`.
///
/// For `trait Chat` it generates these items, with the visibility of the trait:
///
/// - with the feature `server` of the crate `parlor`: `ChatServer`, `ChatSocket`, `ChatIo` and `ChatEmitter`
/// - with the feature `client`: `ChatClient`, `ChatEvents` and `ChatEvent`
///
/// # Options
///
/// - `rename_all = ".."`: the case of events and fields on the wire: `camelCase` (the default),
///   `snake_case`, `kebab-case`, `PascalCase` or `SCREAMING_SNAKE_CASE`.
/// - `name = ".."`: the procedure's name in logs, and in TypeScript. Default: the trait's name.
/// - `crate = path`: the path of the crate `parlor`. Default: `::parlor`.
/// - `typescript`: `Router::typescript` generates a client for the procedure. Each type of a field or
///   answer then needs a TypeScript type. Needs the feature `typescript` of the crate `parlor`.
///
/// # Arguments
///
/// Handlers own the fields of an event. The methods that send it, of `ChatEmitter` and `ChatClient`, take them
/// by one rule:
///
/// | field | argument |
/// | --- | --- |
/// | `String` | `impl AsRef<str>` |
/// | `bool`, `char`, integers and floats | by value |
/// | all else, also a `#[payload]` | `&T` |
///
/// The macro recognizes the types by their names: an alias of a number is taken by reference.
///
/// # Reserved names
///
/// An event cannot have these names. Generated items have them, or a later version may need them:
///
/// - functions of incoming events: `builder`, `call`, `clone`, `close`, `connect`, `detached`,
///   `disconnected`, `last_close`, `renew`, `renewed`, `resumed`, `spawn` and `status`;
/// - functions of outgoing events: `clone` and `connection`;
/// - names on the wire: `ping`, `pong` and those that begin with `$`; for outgoing events also `connect`,
///   `disconnect`, `error`, `reconnect`, `reconnectFailed` and `reconnecting`.
///
/// `#[incoming(name = "..")]` and `#[outgoing(name = "..")]` set the name on the wire of a function with
/// another name.
///
/// # Delivery to slow clients
///
/// | marker | for a slow client |
/// | --- | --- |
/// | `#[outgoing]` | every event stays pending; above `Limits::max_outbox_size` the connection is closed |
/// | `#[outgoing(volatile)]` | the event is dropped |
/// | `#[outgoing(latest)]` | only the newest event stays pending |
/// | `#[outgoing(latest = user_id)]` | only the newest event of each `user_id` stays pending |
///
/// See [`macro@outgoing`].
///
#[doc = include_str!("../docs/sessions.md")]
///
/// # Attributes of events
///
/// Doc comments, `#[cfg(..)]` and the levels of lints (`allow`, `warn`, `deny`) apply to all that is
/// generated from the event. `#[deprecated]` applies to the methods that send it: a session and a client
/// may handle a deprecated event. `#[cfg_attr(condition, attribute, ..)]` on an event or a field
/// stands for each attribute that it contains, also for markers and rules.
///
/// # Attributes of fields
///
/// - `#[payload]`: the argument is the whole message.
/// - `#[field(name = "..", default)]`: another name on the wire; the type's default if it is absent.
/// - `#[validate(..)]`: rules that server and client check: `length(min, max, equal)`,
///   `range(min, max, equal)`, `pattern("..")`, `email`, `url`, `inner(..)` for each element,
///   `nested` and `custom(function)`.
///
/// # Lints
///
/// Lints report what you write, and nothing that is generated from it, also where your crate forbids them.
/// The exceptions are clippy's `arbitrary_source_item_ordering`, and lints that are forbidden by their names:
/// its `exhaustive_enums` and `impl_trait_in_params`, its `too_many_arguments` for an event with seven fields
/// or more, and for payloads those that serde's derives allow, such as `unused_attributes`, and `deprecated` for a
/// deprecated one.
#[proc_macro_attribute]
pub fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    procedure::procedure(args.into(), item.into()).into()
}

/// Marks an event that clients send, inside a [`macro@procedure`] trait.
///
/// `#[incoming(name = "..")]` sets its name on the wire.
#[proc_macro_attribute]
pub fn incoming(_: TokenStream, item: TokenStream) -> TokenStream {
    procedure::misplaced("incoming", &item.into()).into()
}

/// Marks an event that the server sends, inside a [`macro@procedure`] trait.
///
/// `#[outgoing(name = "..")]` sets its name on the wire.
///
#[doc = include_str!("../docs/delivery.md")]
#[proc_macro_attribute]
pub fn outgoing(_: TokenStream, item: TokenStream) -> TokenStream {
    procedure::misplaced("outgoing", &item.into()).into()
}

/// Makes a struct or an enum usable in events: derives serde's traits, with names in camelCase.
///
/// `#[serde(..)]` works on the type, its variants and its fields; `rename_all` and
/// `rename_all_fields` replace camelCase. Your crate needs no dependency on serde. `#[cfg_attr(..)]`
/// works on them too.
///
/// ```text
/// #[payload(typescript)]
/// #[derive(Debug, Clone)]
/// pub struct Message {
///     pub user_id: String, // `userId` on the wire
///     pub text: String,
/// }
/// ```
///
/// # Options
///
/// - `typescript`: also derives a TypeScript type, for events of a `#[procedure(typescript)]`. The types
///   inside it need one too. `#[ts(..)]` of the crate `ts-rs` works, such as `#[ts(rename = "Other")]`
///   and `#[ts(type = "string")]`. Needs the feature `typescript` of the crate `parlor`.
/// - `crate = path`: the path of the crate `parlor`. Default: `::parlor`.
#[proc_macro_attribute]
pub fn payload(args: TokenStream, item: TokenStream) -> TokenStream {
    payload::payload(args.into(), item.into()).into()
}

/// Derives nothing, and makes `#[serde(..)]` valid on a type that only has a TypeScript type.
#[doc(hidden)]
#[proc_macro_derive(SerdeAttributes, attributes(serde))]
pub fn serde_attributes(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
