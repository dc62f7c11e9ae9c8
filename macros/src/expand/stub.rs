//! The common parts of the methods of emitters and clients.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::attributes::{cfg_and_lints, deprecated, with_doc};
use super::names::Names;
use crate::model::{Event, Field, LatestKey, Passing, Payload, is_deprecated};
use crate::tokens::{local, str_type, unreported};

/// The parts of one method that sends an event.
pub(super) struct Stub {
    /// `room: impl AsRef<str>, timestamp: u64, author: &User`.
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
        let parameters = fields.iter().map(parameter);
        let strings = fields.iter().filter(|field| is_string(field)).map(Field::local);
        let strings: Vec<_> = strings.collect();
        let str_type = str_type();
        let attrs = with_doc(event, &format!(" Sends `{}`.", event.wire_name.name));
        let deprecated = deprecated(event);
        let allow = allow_in_signature(event);
        Self {
            parameters: quote!(#(#parameters),*),
            as_str: quote! {
                #(let #strings = ::core::convert::AsRef::<#str_type>::as_ref(&#strings);)*
            },
            payload: payload(event, names),
            validated: validated(event, names),
            attrs: quote!(#attrs #deprecated #allow),
        }
    }
}

/// clippy reports these also in code of macros.
fn allow_in_signature(event: &Event) -> TokenStream {
    const MAX_ARGUMENTS: usize = 7;
    let fields = event.payload.fields();
    let has_strings = fields.iter().any(is_string);
    let impl_trait = has_strings.then(|| quote!(#[allow(clippy::impl_trait_in_params)]));
    let is_long = fields.len() >= MAX_ARGUMENTS;
    let many = is_long.then(|| quote!(#[allow(clippy::too_many_arguments)]));
    quote!(#impl_trait #many)
}

/// A closure that calls the method, so that a private contract has no dead code.
///
/// There is none for a deprecated method: rustc would report the call.
pub(super) fn use_of_method(event: &Event, handle: &Ident) -> Option<TokenStream> {
    if event.attrs.iter().any(is_deprecated) {
        return None;
    }
    let attrs = cfg_and_lints(event);
    let (method, this) = (unreported(&event.ident), local("this"));
    let fields = event.payload.fields();
    let locals: Vec<_> = fields.iter().map(Field::local).collect();
    let types = fields.iter().map(|field| {
        let (ty, str_type) = (&field.ty, str_type());
        match field.passing() {
            Passing::AsStr => quote!(&#str_type),
            Passing::Value => quote!(#ty),
            Passing::Reference => quote!(&#ty),
        }
    });
    Some(quote! {
        #attrs
        let _ = |#this: &#handle #(, #locals: #types)*| #this.#method(#(#locals),*);
    })
}

fn is_string(field: &Field) -> bool {
    field.passing() == Passing::AsStr
}

fn parameter(field: &Field) -> TokenStream {
    let (ident, ty) = (field.local(), &field.ty);
    let str_type = str_type();
    match field.passing() {
        Passing::AsStr => quote!(#ident: impl ::core::convert::AsRef<#str_type>),
        Passing::Value => quote!(#ident: #ty),
        Passing::Reference => quote!(#ident: &#ty),
    }
}

fn payload(event: &Event, names: &Names) -> TokenStream {
    let private = &names.private;
    match &event.payload {
        Payload::Fields(fields) => {
            let wire_names = fields.iter().map(|field| &field.wire_name.name);
            let values = fields.iter().map(|field| as_wire(field, names));
            quote! {
                &#private::Object { names: &[#(#wire_names),*], values: (#(#values,)*) }
            }
        }
        Payload::Whole(field) => as_wire(field, names),
    }
}

/// The parameter of a field as a reference to the type that is encoded.
fn as_wire(field: &Field, names: &Names) -> TokenStream {
    let value = reference(field);
    match field.passing() {
        Passing::AsStr => value,
        Passing::Value | Passing::Reference => {
            names.call_payload_function(&field.ty, "as_wire", value)
        }
    }
}

/// The parameter of a field as a reference.
fn reference(field: &Field) -> TokenStream {
    let ident = field.local();
    match field.passing() {
        Passing::AsStr | Passing::Reference => quote!(#ident),
        Passing::Value => quote!(&#ident),
    }
}

fn validated(event: &Event, names: &Names) -> TokenStream {
    if !event.has_rules() {
        return quote!(::core::result::Result::Ok(()));
    }
    let function = names.validation_function(event);
    let arguments = event.fields_with_rules().map(reference);
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
    match field.filter(|field| field_path.is_empty() && !is_string(field)) {
        Some(field) => names.call_payload_function(&field.ty, "as_wire", borrowed),
        None => borrowed,
    }
}
