//! Tokens and their spans.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::LitStr;

/// A local variable of generated code. No name of the user can shadow it.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The same name at the same position, where editors find it, as a name of the macro: lints do not report
/// it, and no local variable of generated code hides it. An error that points at it has a note about the
/// macro.
pub(crate) fn unreported(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site().located_at(ident.span()));
    ident
}

/// `::core::primitive::str`: `str` may be the name of a user's type.
pub(crate) fn str_type() -> TokenStream {
    quote!(::core::primitive::str)
}

/// `Some(value)` or `None`, with full paths.
pub(crate) fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// The text of `tokens` as a string literal. Attributes take paths and types in this form.
pub(crate) fn string_literal(tokens: impl ToTokens, span: Span) -> LitStr {
    LitStr::new(&tokens.to_token_stream().to_string(), span)
}

/// The spans of the first and the last token.
pub(crate) fn first_and_last_span(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let Some(first) = tokens.next() else {
        return (Span::call_site(), Span::call_site());
    };
    let last = tokens.last().map_or_else(|| first.span(), |last| last.span());
    (first.span(), last)
}

/// Moves the tokens to `span`. Names in them still resolve as before.
pub(crate) fn relocated(tokens: &impl ToTokens, span: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(span.resolved_at(token.span()));
        token
    };
    tokens.to_token_stream().into_iter().map(relocate).collect()
}
