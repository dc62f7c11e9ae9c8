//! What the stubs of emitters and clients have in common: arguments in, a payload out.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::allowed;
use super::names::{Names, str_type};
use crate::model::{Direction, Event, Field, Key, Payload};

/// The parts of one stub.
pub(super) struct Stub {
    /// `room: impl AsRef<str>, timestamp: u64`.
    pub(super) arguments: TokenStream,
    /// Makes a `&str` of each string.
    pub(super) prepare: TokenStream,
    /// A reference to what is encoded.
    pub(super) payload: TokenStream,
    /// Whether the fields keep their rules.
    pub(super) check: TokenStream,
    /// Docs, lints and the like; a stub without docs gets some.
    pub(super) attrs: TokenStream,
}

impl Stub {
    pub(super) fn new(event: &Event, direction: Direction, names: &Names) -> Self {
        let whole = matches!(event.payload, Payload::Whole(_));
        let fields = event.payload.fields();
        let arguments = fields.iter().map(|field| argument(field, whole));
        let strings = fields.iter().filter(|field| field.is_string()).map(|field| &field.ident);
        let str_type = str_type();
        let attrs = attrs(event, &format!("Sends `{}`.", event.wire.name));
        let allowed = event.has_lints().then(allowed);
        Self {
            arguments: quote!(#(#arguments),*),
            prepare: quote! {
                #(let #strings = ::core::convert::AsRef::<#str_type>::as_ref(&#strings);)*
            },
            payload: payload(event, names),
            check: check(event, direction, names),
            attrs: quote!(#attrs #allowed),
        }
    }
}

fn argument(field: &Field, whole: bool) -> TokenStream {
    let Field { ident, ty, .. } = field;
    let str_type = str_type();
    if field.is_string() {
        quote!(#ident: impl ::core::convert::AsRef<#str_type>)
    } else if whole {
        quote!(#ident: &#ty)
    } else {
        quote!(#ident: #ty)
    }
}

fn payload(event: &Event, names: &Names) -> TokenStream {
    let private = &names.private;
    match &event.payload {
        Payload::Fields(fields) => {
            let wires = fields.iter().map(|field| &field.wire.name);
            let values = fields.iter().map(|field| {
                let value = reference(field, false);
                if field.is_string() { value } else { names.convert(&field.ty, "as_wire", value) }
            });
            quote! {
                &#private::Object { names: &[#(#wires),*], values: (#(#values,)*) }
            }
        }
        Payload::Whole(field) if field.is_string() => reference(field, true),
        Payload::Whole(field) => names.convert(&field.ty, "as_wire", reference(field, true)),
    }
}

/// The argument of a field as a reference.
fn reference(field: &Field, whole: bool) -> TokenStream {
    let ident = &field.ident;
    if whole || field.is_string() { quote!(#ident) } else { quote!(&#ident) }
}

fn check(event: &Event, direction: Direction, names: &Names) -> TokenStream {
    if !event.has_rules() {
        return quote!(::core::result::Result::Ok(()));
    }
    let whole = matches!(event.payload, Payload::Whole(_));
    let check = names.check(event, direction);
    let fields = event.payload.fields().iter().filter(|field| !field.rules.is_empty());
    let arguments = fields.map(|field| reference(field, whole));
    quote!(#check(#(#arguments),*))
}

/// A reference to what tells the newest events apart that are kept for clients that are behind.
pub(super) fn key(event: &Event, key: Option<&Key>, names: &Names) -> TokenStream {
    let Some(Key { argument, inside }) = key else {
        return quote!(&());
    };
    // At the user's tokens, where rustc is to say what is wrong with the way inside.
    let borrowed = quote_spanned!(argument.span()=> &#argument #inside);
    let field = event.payload.fields().iter().find(|field| field.ident == *argument);
    match field.filter(|field| inside.is_empty() && !field.is_string()) {
        Some(field) => names.convert(&field.ty, "as_wire", borrowed),
        None => borrowed,
    }
}

/// The event's attributes, with `doc` where the user has written none.
pub(super) fn attrs(event: &Event, doc: &str) -> TokenStream {
    let attrs = &event.attrs;
    let documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let doc = (!documented).then(|| quote!(#[doc = #doc]));
    quote!(#doc #(#attrs)*)
}
