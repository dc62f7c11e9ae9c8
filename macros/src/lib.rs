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

mod args;
mod case;
mod check;
mod errors;
mod expand;
mod model;
mod parse;
mod payload;
mod procedure;
mod rules;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a procedure of a trait: its methods are the events of one WebSocket endpoint.
///
/// `#[incoming] async fn name(&mut self, fields..) [-> T | -> Result<T, E>];` is sent by clients
/// and handled by the session; with a return type it is a call with a typed answer.
/// `#[outgoing] fn name(fields..);` is sent by the server.
///
/// For `trait Chat` it generates `ChatServer`, `ChatSocket`, `ChatIo`, `ChatEmitter`, `ChatClient`,
/// `ChatEvents` and `ChatEvent`, as visible as the trait.
///
/// # Options
///
/// - `rename_all = ".."`: how events and fields are spelt on the wire: `camelCase` (the default),
///   `snake_case`, `kebab-case`, `PascalCase` or `SCREAMING_SNAKE_CASE`.
/// - `name = ".."`: the procedure's name in logs; the trait's by default.
/// - `crate = path`: where the crate `parlor` is, if not at `::parlor`.
/// - `typescript`: `Router::typescript` may make a client of it; then each type of a field or answer
///   has a TypeScript type. Needs the feature `typescript` of the crate `parlor`.
///
/// # What a client that is too slow gets
///
/// | marker | for a client that is behind |
/// | --- | --- |
/// | `#[outgoing]` | each one waits; a client for which more than `max_outbox_size` waits is cut off |
/// | `#[outgoing(volatile)]` | it goes without this one |
/// | `#[outgoing(latest)]` | only the newest waits |
/// | `#[outgoing(latest = user_id)]` | only the newest of each `user_id` waits |
///
/// See [`macro@outgoing`].
///
#[doc = include_str!("../docs/sessions.md")]
///
/// # Attributes of fields
///
/// - `#[payload]`: this type is the whole message.
/// - `#[field(name = "..", default)]`: another name on the wire; the default if absent.
/// - `#[validate(..)]`: rules that both ends check: `length(min, max, equal)`,
///   `range(min, max, equal)`, `pattern("..")`, `email`, `url`, `inner(..)` for each element,
///   `nested` and `custom(function)`.
#[proc_macro_attribute]
pub fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    procedure::procedure(args.into(), item.into()).into()
}

/// Marks an event that clients send, inside a [`macro@procedure`] trait.
///
/// `#[incoming(name = "..")]` gives it another name on the wire.
#[proc_macro_attribute]
pub fn incoming(_: TokenStream, item: TokenStream) -> TokenStream {
    procedure::misplaced("incoming", &item.into()).into()
}

/// Marks an event that the server sends, inside a [`macro@procedure`] trait.
///
/// `#[outgoing(name = "..")]` gives it another name on the wire.
///
#[doc = include_str!("../docs/delivery.md")]
#[proc_macro_attribute]
pub fn outgoing(_: TokenStream, item: TokenStream) -> TokenStream {
    procedure::misplaced("outgoing", &item.into()).into()
}

/// Lets a struct or an enum travel in events: derives serde's traits, with names in camelCase.
///
/// `#[serde(..)]` on the type, its variants and its fields works as ever; a `rename_all` or
/// `rename_all_fields` of your own takes the place of camelCase. The crate needs no serde.
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
/// - `typescript`: its TypeScript type too, for events of a `#[procedure(typescript)]`. Types inside
///   it need one as well. `#[ts(..)]` of the crate `ts-rs` works, as in `#[ts(rename = "Other")]` and
///   `#[ts(type = "string")]`. Needs the feature `typescript` of the crate `parlor`.
/// - `crate = path`: where the crate `parlor` is, if not at `::parlor`.
#[proc_macro_attribute]
pub fn payload(args: TokenStream, item: TokenStream) -> TokenStream {
    payload::payload(args.into(), item.into()).into()
}
