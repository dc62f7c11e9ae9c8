//! What the TypeScript generator is told of the contract, as data.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Expr, Lit, LitStr, Meta, Token, Type, UnOp};

use super::contract::cfg;
use super::names::{Names, ends, local};
use crate::model::{Answer, Event, Field, Payload, Procedure};
use crate::rules::{Bounds, Kind, Rule};

/// The function `typescript` of the contract.
pub(super) fn description(procedure: &Procedure, names: &Names) -> TokenStream {
    let private = &names.private;
    let contract = local("contract");
    let docs = docs(&procedure.attrs);
    let events = |events: &[Event], direction: &str| -> TokenStream {
        let direction = Ident::new(direction, proc_macro2::Span::call_site());
        let statements = events.iter().map(|event| {
            let cfg = cfg(event);
            let event = self::event(event, names);
            quote!(#(#cfg)* #contract.#direction(#event);)
        });
        statements.collect()
    };
    let incoming = events(&procedure.incoming, "incoming");
    let outgoing = events(&procedure.outgoing, "outgoing");
    quote! {
        fn typescript() -> ::core::option::Option<#private::typescript::Description> {
            let mut #contract = #private::typescript::Description::new::<Self>(#docs);
            #incoming
            #outgoing
            ::core::option::Option::Some(#contract)
        }
    }
}

fn event(event: &Event, names: &Names) -> TokenStream {
    let private = &names.private;
    let wire = &event.wire.name;
    let docs = docs(&event.attrs);
    let deprecated = event.attrs.iter().find_map(deprecated).map(|note| quote!(.deprecated(#note)));
    let payload = match &event.payload {
        Payload::Fields(fields) => {
            let fields = fields.iter().map(|field| {
                let (wire, field) = (&field.wire.name, self::field(field, names));
                quote!(.field(#wire, #field))
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
            let ty = type_of(ty, names);
            quote!(.answer(#ty))
        }
        Answer::Result(ok, error) => {
            let (ok, error) = (type_of(ok, names), type_of(error, names));
            quote!(.answer(#ok).error(#error))
        }
    };
    quote!(#private::typescript::Event::new(#wire, #docs) #deprecated #payload #answer)
}

fn field(field: &Field, names: &Names) -> TokenStream {
    let private = &names.private;
    let Field { ty, docs: attrs, default, rules, .. } = field;
    let docs = docs(attrs);
    let ty = type_of(ty, names);
    let default = default.then(|| quote!(.default()));
    let rules = rules.iter().map(|rule| {
        let rule = self::rule(rule, names);
        quote!(.rule(#rule))
    });
    quote!(#private::typescript::Field::new(#docs, #ty) #default #(#rules)*)
}

/// `<T as HasTypeScript<_>>::typescript()`, all at the type: rustc reports there.
fn type_of(ty: &Type, names: &Names) -> TokenStream {
    let function = names.item(ty, "HasTypeScript", "typescript");
    let (_, last) = ends(ty);
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
    let bound = |bound: &Option<Expr>| {
        let number = bound.as_ref().map(number);
        number.map_or_else(
            || quote!(::core::option::Option::None),
            |number| quote!(::core::option::Option::Some(#number)),
        )
    };
    (bound(&bounds.min), bound(&bounds.max))
}

/// A bound as an `f64`. A literal becomes one of that type: as an `i32` it might not fit.
fn number(bound: &Expr) -> TokenStream {
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
    let lines = attrs.iter().filter(|attr| attr.path().is_ident("doc")).filter_map(value);
    quote!(&[#(#lines),*])
}

fn value(attr: &Attribute) -> Option<TokenStream> {
    match &attr.meta {
        Meta::NameValue(meta) => Some(meta.value.to_token_stream()),
        _ => None,
    }
}

/// The note of a `#[deprecated]`, which may be empty.
fn deprecated(attr: &Attribute) -> Option<TokenStream> {
    if !attr.path().is_ident("deprecated") {
        return None;
    }
    if let Some(note) = value(attr) {
        return Some(note);
    }
    let mut found = None;
    // What is no note is rustc's to judge.
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
