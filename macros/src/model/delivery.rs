//! What becomes of an outgoing event for a client that is too slow for it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Token};

use super::{Field, Payload, unraw};
use crate::args::{Opt, Value};
use crate::errors::Errors;

/// What `#[outgoing]` says of clients that are behind.
pub(crate) enum Delivery {
    /// It waits for them.
    Reliable,
    /// They go without it.
    Volatile,
    /// Only the newest waits for them, or the newest of each key.
    Latest(Option<Key>),
}

/// The value that tells what is replaced by an event from what waits beside it.
pub(crate) struct Key {
    /// The argument's name, which rustc resolves as there and reports here.
    pub(crate) argument: Ident,
    /// The way into the argument, as in `.author.id`: nothing for the argument itself.
    pub(crate) inside: TokenStream,
}

impl Delivery {
    /// Reads the options `volatile` and `latest`, of which an event has one at most.
    ///
    /// `payload` is `None` if an error has said that the arguments cannot be made out.
    pub(super) fn read(options: &[Opt], payload: Option<&Payload>, errors: &mut Errors) -> Self {
        let Some((option, others)) = options.split_first() else {
            return Self::Reliable;
        };
        if let Some(other) = others.first() {
            errors.at(
                &other.key,
                "an event is `latest` or `volatile`: clients that are behind get the newest one later, or none",
            );
        }
        let read = if option.name() == "volatile" {
            option.flag().map(|()| Self::Volatile)
        } else {
            latest(option, payload).map(Self::Latest)
        };
        read.unwrap_or_else(|error| {
            errors.add(error);
            Self::Reliable
        })
    }
}

/// Reads `latest` or `latest = key`.
fn latest(option: &Opt, payload: Option<&Payload>) -> syn::Result<Option<Key>> {
    let Value::Equals(tokens) = &option.value else {
        return match option.flag() {
            Ok(()) => Ok(None),
            Err(_) => Err(syn::Error::new(option.key.span(), right_form(option, payload))),
        };
    };
    let Ok(key) = syn::parse2::<Key>(tokens.clone()) else {
        let message = right_form(option, payload);
        return Err(if tokens.is_empty() {
            syn::Error::new(option.key.span(), message)
        } else {
            syn::Error::new_spanned(tokens, message)
        });
    };
    payload.map(|payload| key.resolve(payload)).transpose()
}

impl Parse for Key {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let argument = input.parse()?;
        let mut inside = TokenStream::new();
        while !input.is_empty() {
            input.parse::<Token![.]>()?.to_tokens(&mut inside);
            if let Some(index) = input.parse::<Option<Literal>>()? {
                // In `pair.0.1` the numbers are one literal.
                let text = index.to_string();
                if !text.split('.').all(|number| number.parse::<u32>().is_ok()) {
                    return Err(syn::Error::new(index.span(), "expected the name of a field"));
                }
                index.to_tokens(&mut inside);
            } else {
                input.parse::<Ident>()?.to_tokens(&mut inside);
            }
        }
        Ok(Self { argument, inside })
    }
}

impl Key {
    /// Finds the argument.
    fn resolve(self, payload: &Payload) -> syn::Result<Self> {
        let fields = payload.fields();
        let name = unraw(&self.argument);
        let Some(field) = fields.iter().find(|field| unraw(&field.ident) == name) else {
            let hint = match payload {
                Payload::Fields(_) => list(fields),
                Payload::Whole(field) => {
                    format!("for a field of the payload, write `latest = {}.{name}`", field.ident)
                }
            };
            let message = format!("no argument is called `{name}`; {hint}");
            return Err(syn::Error::new(self.argument.span(), message));
        };
        let mut argument = field.ident.clone();
        argument.set_span(self.argument.span().resolved_at(field.ident.span()));
        Ok(Self { argument, ..self })
    }
}

/// `the arguments are ..`
fn list(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.ident)).collect();
    match names.as_slice() {
        [] => "the event has none: write `latest` alone".to_owned(),
        [only] => format!("the argument is {only}"),
        [first @ .., last] => format!("the arguments are {} and {last}", first.join(", ")),
    }
}

/// How the option should be written, with the key that was meant if that can be told.
fn right_form(option: &Opt, payload: Option<&Payload>) -> String {
    let meant = match &option.value {
        Value::Equals(tokens) => syn::parse2::<LitStr>(tokens.clone()).ok().map(|key| key.value()),
        Value::List(group) => Some(group.stream().to_string()),
        Value::None => None,
    };
    let fields = payload.map(Payload::fields);
    let is_argument = |meant: &String| {
        let first = meant.split('.').next().unwrap_or_default().trim();
        fields.is_some_and(|fields| fields.iter().any(|field| unraw(&field.ident) == first))
    };
    if let Some(key) = meant.filter(is_argument) {
        return format!("write `latest = {}`", key.replace(' ', ""));
    }
    match fields {
        Some([]) => "write `latest` alone: the event has no arguments".to_owned(),
        Some([first, ..]) => {
            let name = &first.ident;
            format!("write `latest`, or `latest = {name}` for the newest of each `{name}`")
        }
        None => "write `latest`, or `latest = argument` for the newest of each value".to_owned(),
    }
}
