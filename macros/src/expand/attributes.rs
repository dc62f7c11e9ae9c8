//! Attributes of generated code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta};

use crate::model::{Event, is_deprecated, is_lint};

/// The event's `#[cfg(..)]`.
pub(super) fn cfg(event: &Event) -> TokenStream {
    let attrs = event.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    quote!(#(#attrs)*)
}

/// The event's `#[cfg(..)]` and lints.
pub(super) fn cfg_and_lints(event: &Event) -> TokenStream {
    let cfg = cfg(event);
    let lints = event.attrs.iter().filter(|attr| is_lint(attr));
    quote!(#cfg #(#lints)*)
}

/// All attributes of the event except `#[deprecated]`, with `default_doc` if it has no doc comment.
pub(super) fn with_doc(event: &Event, default_doc: &str) -> TokenStream {
    let doc = default_doc_of(&event.attrs, default_doc);
    let attrs = event.attrs.iter().filter(|attr| !is_deprecated(attr));
    quote!(#doc #(#attrs)*)
}

/// The event's `#[deprecated]`, for what users call. What generated code names must not have it, because
/// rustc would report that.
pub(super) fn deprecated(event: &Event) -> TokenStream {
    let attrs = event.attrs.iter().filter(|attr| is_deprecated(attr));
    quote!(#(#attrs)*)
}

/// The doc comment of an item without one.
pub(super) fn default_doc_of(attrs: &[Attribute], default_doc: &str) -> Option<TokenStream> {
    let has_doc = attrs
        .iter()
        .any(|attr| attr.path().is_ident("doc") && matches!(attr.meta, Meta::NameValue(_)));
    (!has_doc).then(|| quote!(#[doc = #default_doc]))
}
