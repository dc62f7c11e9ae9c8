//! Attributes of generated code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

use crate::model::{Event, is_lint};

/// Turns off lints that do not suit generated code, or that rustc reports for the trait already.
pub(super) fn allow_generated() -> TokenStream {
    quote! {
        #[allow(
            deprecated,
            dead_code,
            private_interfaces,
            clippy::cast_lossless,
            clippy::cast_precision_loss,
            clippy::too_many_arguments,
            clippy::used_underscore_binding
        )]
    }
}

/// The event's `#[cfg(..)]`.
pub(super) fn cfg(event: &Event) -> TokenStream {
    let attrs = event.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    quote!(#(#attrs)*)
}

/// The event's `#[cfg(..)]` and lints. [`allow_generated`] follows the lints, so it wins.
pub(super) fn cfg_and_lints(event: &Event) -> TokenStream {
    let cfg = cfg(event);
    let lints = event.attrs.iter().filter(|attr| is_lint(attr));
    let allow = event.has_lints().then(allow_generated);
    quote!(#cfg #(#lints)* #allow)
}

/// All attributes of the event, with `default_doc` if it has no doc comment.
pub(super) fn with_doc(event: &Event, default_doc: &str) -> TokenStream {
    let attrs = &event.attrs;
    let doc = (!has_doc(attrs)).then(|| quote!(#[doc = #default_doc]));
    quote!(#doc #(#attrs)*)
}

fn has_doc(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("doc"))
}
