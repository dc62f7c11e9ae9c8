//! Validation: one function per event with `#[validate]`.
//!
//! Stubs and decoders call the same function, so rustc reports a rule that does not fit its field once.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Type};

use super::attributes::cfg_and_lints;
use super::names::Names;
use crate::model::{Event, Field, Procedure, is_named, is_string, last_segment, type_parameters};
use crate::rules::{Bounds, Kind, Rule};
use crate::tokens::{local, option, str_type};

pub(super) fn functions(procedure: &Procedure, names: &Names) -> TokenStream {
    let events = procedure.events.iter().filter(|event| event.has_rules());
    let functions: Vec<_> = events.map(|event| function(event, names)).collect();
    if functions.is_empty() {
        return TokenStream::new();
    }
    let validation = &names.validation;
    quote! {
        struct #validation;
        impl #validation {
            #(#functions)*
        }
    }
}

fn function(event: &Event, names: &Names) -> TokenStream {
    let private = &names.private;
    let attrs = cfg_and_lints(event);
    let ident = Names::validation_ident(event);
    let fields: Vec<_> = event.fields_with_rules().enumerate().collect();
    let parameters = fields.iter().map(|(index, field)| {
        let (ident, ty) = (parameter(*index, field), borrowed_type(&field.ty));
        quote!(#ident: &#ty)
    });
    let checks = fields.iter().map(|(index, field)| {
        // A whole payload has no name: its paths begin inside it.
        let path = if event.payload.is_whole() { "" } else { &field.wire_name.name };
        check_field(&parameter(*index, field), field, path, names)
    });
    quote! {
        #attrs
        fn #ident(#(#parameters),*) -> ::core::result::Result<(), #private::Violation> {
            #(#checks)*
            ::core::result::Result::Ok(())
        }
    }
}

/// The parameter for a field. The field's own name could hide a `custom` function of that name.
///
/// The span is that of the field alone: with a span of the macro in it, rustc would explain the macro.
fn parameter(index: usize, field: &Field) -> Ident {
    Ident::new(&format!("__field_{index}"), field.ident.span())
}

/// `str` for `String`, because stubs have a `&str`.
fn borrowed_type(ty: &Type) -> TokenStream {
    if is_string(ty) { str_type() } else { ty.to_token_stream() }
}

/// Checks one field. `None` satisfies all rules.
fn check_field(ident: &Ident, field: &Field, path: &str, names: &Names) -> TokenStream {
    let Field { ty, rules, .. } = field;
    let rule_calls = |value: &Ident| -> Vec<_> {
        let path = quote!(#path);
        let ty = option_parameter(ty).unwrap_or(ty);
        rules.iter().map(|rule| rule_call(rule, ty, &path, &quote!(#value), names)).collect()
    };
    let Some(inner) = option_parameter(ty) else {
        let calls = rule_calls(ident);
        return quote!(#(#calls?;)*);
    };
    let value = local("value");
    let calls = rule_calls(&value);
    let inner = borrowed_type(inner);
    quote! {
        if let ::core::option::Option::Some(#value) = #ident {
            let #value: &#inner = #value;
            #(#calls?;)*
        }
    }
}

/// The `T` of an `Option<T>`.
fn option_parameter(ty: &Type) -> Option<&Type> {
    parameter_of(ty, "Option")
}

/// The `T` of a `name<T>`.
fn parameter_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let last = last_segment(ty).filter(|last| last.ident == name)?;
    match type_parameters(last).as_slice() {
        [ty] => Some(ty),
        _ => None,
    }
}

/// The call that checks one rule, at the span of the rule's name.
fn rule_call(
    rule: &Rule,
    ty: &Type,
    path: &TokenStream,
    value: &TokenStream,
    names: &Names,
) -> TokenStream {
    let span = rule.span;
    let private = &names.private_at(span);
    let call = |function: &str, rest: TokenStream| {
        let function = Ident::new(function, span);
        quote_spanned!(span=> #private::rules::#function(#path, #value #rest))
    };
    let call_with_bounds = |function: &str, Bounds { min, max }: &Bounds| {
        let bound = |bound: &Option<Expr>| option(bound.as_ref().map(|bound| typed(bound, ty)));
        let (min, max) = (bound(min), bound(max));
        call(function, quote!(, #min, #max))
    };
    match &rule.kind {
        Kind::Length(bounds) => call_with_bounds("length", bounds),
        Kind::Range(bounds) => call_with_bounds("range", bounds),
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
            let ty = parameter_of(ty, "Vec").unwrap_or(ty);
            // Paths begin at the element: `inner` prepends its own.
            let calls =
                rules.iter().map(|rule| rule_call(rule, ty, &quote!(""), &quote!(#element), names));
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

/// A bound with its type, where the types to which a literal falls back would satisfy clippy's
/// `default_numeric_fallback` only with one.
fn typed(bound: &Expr, ty: &Type) -> TokenStream {
    let falls_back = is_named(ty, "i32") || is_named(ty, "f64");
    if !falls_back || !matches!(bound, Expr::Lit(_) | Expr::Unary(_)) {
        return bound.to_token_stream();
    }
    let typed = local("bound");
    quote!({
        let #typed: #ty = #bound;
        #typed
    })
}
