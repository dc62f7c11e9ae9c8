//! The common parts of the methods of emitters and clients.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::attributes::{allow_generated, with_doc};
use super::names::Names;
use crate::model::{Event, Field, LatestKey, Payload};
use crate::tokens::str_type;

/// The parts of one method that sends an event.
pub(super) struct Stub {
    /// `room: impl AsRef<str>, timestamp: u64`.
    pub(super) parameters: TokenStream,
    /// Converts each string to a `&str`.
    pub(super) as_str: TokenStream,
    /// A reference to the value that is encoded.
    pub(super) payload: TokenStream,
    /// The `Result` of the validation.
    pub(super) validated: TokenStream,
    /// The event's attributes, with a default doc comment.
    pub(super) attrs: TokenStream,
}

impl Stub {
    pub(super) fn new(event: &Event, names: &Names) -> Self {
        let fields = event.payload.fields();
        let parameters = fields.iter().map(|field| parameter(field, event.payload.is_whole()));
        let strings = fields.iter().filter(|field| field.is_string()).map(|field| &field.ident);
        let str_type = str_type();
        let attrs = with_doc(event, &format!(" Sends `{}`.", event.wire_name.name));
        let allow = event.has_lints().then(allow_generated);
        Self {
            parameters: quote!(#(#parameters),*),
            as_str: quote! {
                #(let #strings = ::core::convert::AsRef::<#str_type>::as_ref(&#strings);)*
            },
            payload: payload(event, names),
            validated: validated(event, names),
            attrs: quote!(#attrs #allow),
        }
    }
}

fn parameter(field: &Field, is_whole: bool) -> TokenStream {
    let Field { ident, ty, .. } = field;
    let str_type = str_type();
    if field.is_string() {
        quote!(#ident: impl ::core::convert::AsRef<#str_type>)
    } else if is_whole {
        quote!(#ident: &#ty)
    } else {
        quote!(#ident: #ty)
    }
}

fn payload(event: &Event, names: &Names) -> TokenStream {
    let private = &names.private;
    match &event.payload {
        Payload::Fields(fields) => {
            let wire_names = fields.iter().map(|field| &field.wire_name.name);
            let values = fields.iter().map(|field| as_wire(field, false, names));
            quote! {
                &#private::Object { names: &[#(#wire_names),*], values: (#(#values,)*) }
            }
        }
        Payload::Whole(field) => as_wire(field, true, names),
    }
}

/// The parameter of a field as a reference to the type that is encoded.
fn as_wire(field: &Field, is_whole: bool, names: &Names) -> TokenStream {
    let value = reference(field, is_whole);
    if field.is_string() {
        return value;
    }
    names.call_payload_function(&field.ty, "as_wire", value)
}

/// The parameter of a field as a reference.
fn reference(field: &Field, is_whole: bool) -> TokenStream {
    let ident = &field.ident;
    if is_whole || field.is_string() { quote!(#ident) } else { quote!(&#ident) }
}

fn validated(event: &Event, names: &Names) -> TokenStream {
    if !event.has_rules() {
        return quote!(::core::result::Result::Ok(()));
    }
    let function = names.validation_function(event);
    let is_whole = event.payload.is_whole();
    let arguments = event.fields_with_rules().map(|field| reference(field, is_whole));
    quote!(#function(#(#arguments),*))
}

/// A reference to the key of a `latest` event. All events without a key have the key `()`.
pub(super) fn latest_key(event: &Event, key: Option<&LatestKey>, names: &Names) -> TokenStream {
    let Some(LatestKey { argument, field_path }) = key else {
        return quote!(&());
    };
    // At the user's tokens, so that rustc reports a wrong field path there.
    let borrowed = quote_spanned!(argument.span()=> &#argument #field_path);
    let field = event.payload.fields().iter().find(|field| field.ident == *argument);
    match field.filter(|field| field_path.is_empty() && !field.is_string()) {
        Some(field) => names.call_payload_function(&field.ty, "as_wire", borrowed),
        None => borrowed,
    }
}
