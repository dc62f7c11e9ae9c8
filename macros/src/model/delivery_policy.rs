//! What an outgoing event declares for slow clients.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Token};

use super::{Field, Payload, unraw};
use crate::errors::Errors;
use crate::options::{AttributeOption, OptionValue};

pub(crate) enum DeliveryPolicy {
    /// Every frame stays pending.
    Reliable,
    /// The frame is dropped for a slow client.
    Volatile,
    /// A frame replaces the pending frame of the same event, or of the same event and key.
    Latest(Option<LatestKey>),
}

/// The key of `latest = key`. A frame replaces a pending one only if their keys are equal.
pub(crate) struct LatestKey {
    /// The argument's name: resolved like the argument, with the span of the key.
    pub(crate) argument: Ident,
    /// The fields inside the argument, such as `.author.id`; empty for the argument itself.
    pub(crate) field_path: TokenStream,
}

impl DeliveryPolicy {
    /// Reads the options `volatile` and `latest`. An event has at most one of them.
    ///
    /// `payload` is `None` if the arguments have an error, which is reported already.
    pub(super) fn read(
        options: &[AttributeOption],
        payload: Option<&Payload>,
        errors: &mut Errors,
    ) -> Self {
        let Some((option, others)) = options.split_first() else {
            return Self::Reliable;
        };
        if let Some(other) = others.first() {
            errors.at(&other.key, "an event is `latest` or `volatile`, not both: remove one");
        }
        let read = if option.name() == "volatile" {
            option.expect_no_value().map(|()| Self::Volatile)
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
fn latest(option: &AttributeOption, payload: Option<&Payload>) -> syn::Result<Option<LatestKey>> {
    let OptionValue::Equals(tokens) = &option.value else {
        return match option.expect_no_value() {
            Ok(()) => Ok(None),
            Err(_) => Err(syn::Error::new(option.key.span(), expected_form(option, payload))),
        };
    };
    let Ok(key) = syn::parse2::<LatestKey>(tokens.clone()) else {
        let message = expected_form(option, payload);
        return Err(if tokens.is_empty() {
            syn::Error::new(option.key.span(), message)
        } else {
            syn::Error::new_spanned(tokens, message)
        });
    };
    payload.map(|payload| key.resolve(payload)).transpose()
}

impl Parse for LatestKey {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let argument = input.parse()?;
        let mut field_path = TokenStream::new();
        while !input.is_empty() {
            input.parse::<Token![.]>()?.to_tokens(&mut field_path);
            if let Some(index) = input.parse::<Option<Literal>>()? {
                // The `0.1` of `pair.0.1` is one literal.
                let text = index.to_string();
                if !text.split('.').all(|number| number.parse::<u32>().is_ok()) {
                    return Err(syn::Error::new(index.span(), "expected the name of a field"));
                }
                index.to_tokens(&mut field_path);
            } else {
                input.parse::<Ident>()?.to_tokens(&mut field_path);
            }
        }
        Ok(Self { argument, field_path })
    }
}

impl LatestKey {
    /// Finds the argument in the payload.
    fn resolve(self, payload: &Payload) -> syn::Result<Self> {
        let fields = payload.fields();
        let name = unraw(&self.argument);
        let Some(field) = fields.iter().find(|field| unraw(&field.ident) == name) else {
            let hint = match payload {
                Payload::Fields(_) => list_arguments(fields),
                Payload::Whole(field) => {
                    format!("for a field of the payload, write `latest = {}.{name}`", field.ident)
                }
            };
            let message = format!("no argument is named `{name}`; {hint}");
            return Err(syn::Error::new(self.argument.span(), message));
        };
        let mut argument = field.ident.clone();
        argument.set_span(self.argument.span().resolved_at(field.local().span()));
        Ok(Self { argument, ..self })
    }
}

/// `the arguments are ..`.
fn list_arguments(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.ident)).collect();
    match names.as_slice() {
        [] => "the event has no arguments: write `latest` alone".to_owned(),
        [only] => format!("the argument is {only}"),
        [first @ .., last] => format!("the arguments are {} and {last}", first.join(", ")),
    }
}

/// The error message that shows how to write the option. It contains the key that the user meant, if
/// the wrong value names an argument.
fn expected_form(option: &AttributeOption, payload: Option<&Payload>) -> String {
    let meant = match &option.value {
        OptionValue::Equals(tokens) => {
            syn::parse2::<LitStr>(tokens.clone()).ok().map(|key| key.value())
        }
        OptionValue::List(group) => Some(group.stream().to_string()),
        OptionValue::None => None,
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
            format!("write `latest` to keep only the newest, or `latest = {name}` to keep the newest of each `{name}`")
        }
        None => "write `latest` to keep only the newest, or `latest = argument` to keep the newest of each value".to_owned(),
    }
}
