//! The description of the contract for the TypeScript generator.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Expr, Lit, LitStr, Meta, Token, Type, UnOp};

use super::attributes::cfg_and_lints;
use super::names::Names;
use crate::model::{Answer, Event, Field, Payload, Procedure};
use crate::rules::{Bounds, Kind, Rule};
use crate::tokens::{first_and_last_span, local, option};

/// The function `Contract::typescript`.
pub(super) fn description_function(procedure: &Procedure, names: &Names) -> TokenStream {
    let private = &names.private;
    let name = &procedure.name;
    let description = local("description");
    let docs = docs(&procedure.attrs);
    let events = procedure.events.iter().map(|event| {
        let attrs = cfg_and_lints(event);
        let direction = Ident::new(event.direction.marker(), Span::call_site());
        let event = self::event(event, names);
        quote!(#attrs #description.#direction(#event);)
    });
    quote! {
        fn typescript() -> ::core::option::Option<#private::typescript::Description> {
            let mut #description = #private::typescript::Description::new::<Self>(#name, #docs);
            #(#events)*
            ::core::option::Option::Some(#description)
        }
    }
}

fn event(event: &Event, names: &Names) -> TokenStream {
    let private = &names.private;
    let wire_name = &event.wire_name.name;
    let docs = docs(&event.attrs);
    let deprecated = event.attrs.iter().find_map(deprecated).map(|note| quote!(.deprecated(#note)));
    let payload = match &event.payload {
        Payload::Fields(fields) => {
            let fields = fields.iter().map(|field| {
                let (wire_name, field) = (&field.wire_name.name, self::field(field, names));
                quote!(.field(#wire_name, #field))
            });
            quote!(#(#fields)*)
        }
        Payload::Whole(field) => {
            let field = self::field(field, names);
            quote!(.payload(#field))
        }
    };
    let answer = match &event.answer {
        Answer::None => TokenStream::new(),
        Answer::Value(ty) => {
            let ty = type_description(ty, names);
            quote!(.answer(#ty))
        }
        Answer::Result(ok, error) => {
            let (ok, error) = (type_description(ok, names), type_description(error, names));
            quote!(.answer(#ok).error(#error))
        }
    };
    quote!(#private::typescript::Event::new(#wire_name, #docs) #deprecated #payload #answer)
}

fn field(field: &Field, names: &Names) -> TokenStream {
    let private = &names.private;
    let Field { ty, docs: attrs, default, rules, .. } = field;
    let docs = docs(attrs);
    let ty = type_description(ty, names);
    let default = default.then(|| quote!(.default()));
    let rules = rules.iter().map(|rule| {
        let rule = self::rule(rule, names);
        quote!(.rule(#rule))
    });
    quote!(#private::typescript::Field::new(#docs, #ty) #default #(#rules)*)
}

/// `<T as HasTypeScript<_>>::typescript()`, at the span of the type, where rustc then reports errors.
fn type_description(ty: &Type, names: &Names) -> TokenStream {
    let function = names.trait_item(ty, "HasTypeScript", "typescript");
    let (_, last) = first_and_last_span(ty);
    let call = quote_spanned!(last=> ());
    quote!(#function #call)
}

fn rule(rule: &Rule, names: &Names) -> TokenStream {
    let private = &names.private;
    let kind = match &rule.kind {
        Kind::Length(bounds) => {
            let (min, max) = self::bounds(bounds);
            quote!(Length { min: #min, max: #max })
        }
        Kind::Range(bounds) => {
            let (min, max) = self::bounds(bounds);
            quote!(Range { min: #min, max: #max })
        }
        Kind::Pattern(pattern) => quote!(Pattern(#pattern)),
        Kind::Email => quote!(Email),
        Kind::Url => quote!(Url),
        Kind::Nested => quote!(Nested),
        Kind::Custom(_) => quote!(Custom),
        Kind::Inner(rules) => {
            let rules = rules.iter().map(|rule| self::rule(rule, names));
            quote!(Inner(::std::vec![#(#rules),*]))
        }
    };
    quote!(#private::typescript::Rule::#kind)
}

fn bounds(bounds: &Bounds) -> (TokenStream, TokenStream) {
    let bound = |bound: &Option<Expr>| option(bound.as_ref().map(as_f64));
    (bound(&bounds.min), bound(&bounds.max))
}

/// A bound as an `f64`. A literal gets that type directly: it might not fit into an `i32`.
fn as_f64(bound: &Expr) -> TokenStream {
    let negative = match bound {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => Some(&*unary.expr),
        _ => None,
    };
    let cast = quote!((#bound) as ::core::primitive::f64);
    match negative.unwrap_or(bound) {
        Expr::Lit(literal) => {
            let digits = match &literal.lit {
                Lit::Int(literal) => literal.base10_digits(),
                Lit::Float(literal) => literal.base10_digits(),
                _ => "",
            };
            let Some(value) = digits.parse::<f64>().ok().filter(|value| value.is_finite()) else {
                return cast;
            };
            let mut value = Literal::f64_suffixed(value);
            value.set_span(literal.lit.span());
            let minus = negative.map(|_| quote!(-));
            quote!(#minus #value)
        }
        _ => cast,
    }
}

/// The doc comments, line by line.
fn docs(attrs: &[Attribute]) -> TokenStream {
    let lines = attrs.iter().filter(|attr| attr.path().is_ident("doc")).filter_map(name_value);
    quote!(&[#(#lines),*])
}

/// The value of `#[name = value]`.
fn name_value(attr: &Attribute) -> Option<TokenStream> {
    match &attr.meta {
        Meta::NameValue(meta) => Some(meta.value.to_token_stream()),
        _ => None,
    }
}

/// The note of `#[deprecated]`, which may be empty.
fn deprecated(attr: &Attribute) -> Option<TokenStream> {
    if !attr.path().is_ident("deprecated") {
        return None;
    }
    if let Some(note) = name_value(attr) {
        return Some(note);
    }
    let mut found = None;
    // rustc reports what is wrong in the attribute.
    let _ = attr.parse_nested_meta(|meta| {
        if meta.input.peek(Token![=]) {
            let value: LitStr = meta.value()?.parse()?;
            if meta.path.is_ident("note") {
                found = Some(value);
            }
        }
        Ok(())
    });
    Some(found.map_or_else(|| quote!(""), |note| quote!(#note)))
}
