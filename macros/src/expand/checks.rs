//! The rules of `#[validate]`, one function per event that has some.
//!
//! Stubs and decoders call the same function, so a rule that does not fit its field is one error.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, GenericArgument, PathArguments, Type};

use super::contract::guards;
use super::names::{Names, check_ident, local, str_type};
use crate::model::{Direction, Event, Field, Payload, Procedure, is_named, last_segment};
use crate::rules::{Bounds, Kind, Rule};

pub(super) fn checks(procedure: &Procedure, names: &Names) -> TokenStream {
    let incoming = procedure.incoming.iter().map(|event| (event, Direction::Incoming));
    let outgoing = procedure.outgoing.iter().map(|event| (event, Direction::Outgoing));
    let functions: Vec<_> = incoming
        .chain(outgoing)
        .filter(|(event, _)| event.has_rules())
        .map(|(event, direction)| function(event, direction, names))
        .collect();
    if functions.is_empty() {
        return TokenStream::new();
    }
    let checks = &names.checks;
    quote! {
        struct #checks;
        impl #checks {
            #(#functions)*
        }
    }
}

fn function(event: &Event, direction: Direction, names: &Names) -> TokenStream {
    let private = &names.private;
    let guards = guards(event);
    let ident = check_ident(event, direction);
    let whole = matches!(event.payload, Payload::Whole(_));
    let fields: Vec<_> =
        event.payload.fields().iter().filter(|field| !field.rules.is_empty()).collect();
    let arguments = fields.iter().enumerate().map(|(index, field)| {
        let (ident, ty) = (parameter(index, field), borrowed(&field.ty));
        quote!(#ident: &#ty)
    });
    let checks = fields.iter().enumerate().map(|(index, field)| {
        // A payload has no name: paths begin within it.
        let path = if whole { "" } else { &field.wire.name };
        check_field(&parameter(index, field), field, path, names)
    });
    quote! {
        #guards
        fn #ident(#(#arguments),*) -> ::core::result::Result<(), #private::Violation> {
            #(#checks)*
            ::core::result::Result::Ok(())
        }
    }
}

/// A field in the check function, where its own name would hide a function of that name.
///
/// Its span is that of the field alone: with one of ours in it, rustc would explain the macro.
fn parameter(index: usize, field: &Field) -> Ident {
    Ident::new(&format!("__field_{index}"), field.ident.span())
}

/// `str` for `String`, as stubs have no `String`.
fn borrowed(ty: &Type) -> TokenStream {
    if is_named(ty, "String") { str_type() } else { ty.to_token_stream() }
}

/// Checks one field; an absent one keeps all rules.
fn check_field(ident: &Ident, field: &Field, path: &str, names: &Names) -> TokenStream {
    let Field { ty, rules, .. } = field;
    let calls = |value: &Ident| -> Vec<_> {
        let path = quote!(#path);
        rules.iter().map(|rule| call(rule, &path, &quote!(#value), names)).collect()
    };
    let Some(inner) = optional(ty) else {
        let calls = calls(ident);
        return quote!(#(#calls?;)*);
    };
    let value = local("value");
    let calls = calls(&value);
    let inner = borrowed(inner);
    quote! {
        if let ::core::option::Option::Some(#value) = #ident {
            let #value: &#inner = #value;
            #(#calls?;)*
        }
    }
}

/// The `T` of an `Option<T>`.
fn optional(ty: &Type) -> Option<&Type> {
    let last = last_segment(ty).filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// The call of one rule, at the span of its name.
fn call(rule: &Rule, path: &TokenStream, value: &TokenStream, names: &Names) -> TokenStream {
    let at = rule.span;
    let private = &names.private_at(at);
    let call = |function: &str, rest: TokenStream| {
        let function = Ident::new(function, at);
        quote_spanned!(at=> #private::rules::#function(#path, #value #rest))
    };
    match &rule.kind {
        Kind::Length(Bounds { min, max }) => {
            let (min, max) = (some(min.as_ref()), some(max.as_ref()));
            call("length", quote!(, #min, #max))
        }
        Kind::Range(Bounds { min, max }) => {
            let (min, max) = (some(min.as_ref()), some(max.as_ref()));
            call("range", quote!(, #min, #max))
        }
        Kind::Email => call("email", TokenStream::new()),
        Kind::Url => call("url", TokenStream::new()),
        Kind::Nested => call("nested", TokenStream::new()),
        Kind::Custom(function) => call("custom", quote!(, #function)),
        Kind::Pattern(pattern) => {
            let call = call("pattern", quote!(, &PATTERN));
            quote!({
                static PATTERN: #private::rules::Pattern = #private::rules::Pattern::new(|| {
                    #private::rules::compile(#pattern)
                });
                #call
            })
        }
        Kind::Inner(rules) => {
            let element = local("element");
            // Paths begin at the element: `inner` puts its own before them.
            let calls =
                rules.iter().map(|rule| self::call(rule, &quote!(""), &quote!(#element), names));
            let check = quote! {
                |#element| {
                    #(#calls?;)*
                    ::core::result::Result::Ok(())
                }
            };
            call("inner", quote!(, #check))
        }
    }
}

fn some(bound: Option<&Expr>) -> TokenStream {
    bound.map_or_else(
        || quote!(::core::option::Option::None),
        |bound| quote!(::core::option::Option::Some(#bound)),
    )
}
