//! The macros of [Parlor](https://docs.rs/parlor): `#[procedure]`, its markers, and `#[payload]`.
//!
//! Use it through the crate `parlor`, which re-exports it.

mod args;
mod case;
mod check;
mod errors;
mod expand;
mod model;
mod parse;
mod payload;
mod rules;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use args::Args;
use errors::Errors;
use model::Procedure;

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
/// # Attributes of fields
///
/// - `#[payload]`: this type is the whole message.
/// - `#[field(name = "..", default)]`: another name on the wire; the default if absent.
/// - `#[validate(..)]`: rules that both ends check: `length(min, max, equal)`,
///   `range(min, max, equal)`, `pattern("..")`, `email`, `url`, `inner(..)` for each element,
///   `nested` and `custom(function)`.
#[proc_macro_attribute]
pub fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    generate(args.into(), item.into()).into()
}

/// Marks an event that clients send, inside a [`macro@procedure`] trait.
///
/// `#[incoming(name = "..")]` gives it another name on the wire.
#[proc_macro_attribute]
pub fn incoming(_: TokenStream, item: TokenStream) -> TokenStream {
    misplaced("incoming", &item.into()).into()
}

/// Marks an event that the server sends, inside a [`macro@procedure`] trait.
///
/// `#[outgoing(name = "..")]` gives it another name on the wire. `#[outgoing(volatile)]` is for what is
/// of use at once or not at all, such as cursors and typing indicators: clients that are behind, with more
/// waiting for them than `volatile_outbox_size`, go without it. All other events are never dropped: a
/// client that is too slow for them is closed.
#[proc_macro_attribute]
pub fn outgoing(_: TokenStream, item: TokenStream) -> TokenStream {
    misplaced("outgoing", &item.into()).into()
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

fn generate(
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let args = Args::read(args, &mut errors);
    let code = match parse::parse(&item, &mut errors) {
        Some(read) => {
            let mut procedure = Procedure::new(read, args, &mut errors);
            check::check(&mut procedure, &mut errors);
            expand::expand(&mut procedure)
        }
        None => item,
    };
    let errors = errors.into_tokens();
    quote::quote!(#code #errors)
}

/// The markers mean something to `#[procedure]` only, which takes them off.
fn misplaced(marker: &str, item: &proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    errors.at_span(
        proc_macro2::Span::call_site(),
        format!("`#[{marker}]` marks an event in a trait with `#[procedure]`"),
    );
    let errors = errors.into_tokens();
    quote::quote!(#errors #item)
}
