//! The decoder of an enum of events.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::attributes::cfg_and_lints;
use super::names::Names;
use crate::model::{Direction, Event, Field, Payload};
use crate::tokens::{first_and_last_span, local, str_type};

/// The function `Events::decode`, with one arm per event.
///
/// Each arm calls a decoder that is generic over the tuple of the fields' types. Events with the same
/// types share its code.
pub(super) fn decode_function<'a>(
    events: impl Iterator<Item = &'a Event>,
    names: &Names,
) -> TokenStream {
    let private = &names.private;
    let str_type = str_type();
    let (name, payload) = (local("name"), local("payload"));
    let arms = events.map(|event| {
        let attrs = cfg_and_lints(event);
        let wire_name = &event.wire_name.name;
        let decode = decode_fields(event, names, &payload);
        let validate = validate(event, names);
        let (variant, fields) = (&event.variant, variant_fields(event));
        quote! {
            #attrs
            #wire_name => {
                #decode
                #validate
                ::core::result::Result::Ok(Self::#variant #fields)
            }
        }
    });
    quote! {
        fn decode<'de, __D: #private::Deserializer<'de>>(
            #name: &#str_type,
            #payload: __D,
        ) -> ::core::result::Result<Self, #private::DecodeError<__D::Error>> {
            match #name {
                #(#arms)*
                _ => {
                    ::core::mem::drop(#payload);
                    ::core::result::Result::Err(#private::DecodeError::Unknown)
                }
            }
        }
    }
}

/// Decodes the payload into one local per field.
fn decode_fields(event: &Event, names: &Names, payload: &Ident) -> TokenStream {
    let private = &names.private;
    let fields = event.payload.fields();
    let types = fields.iter().map(|field| names.wire_type(field));
    let idents = fields.iter().map(Field::local);
    let wire_names = fields.iter().map(|field| &field.wire_name.name);
    let decode = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => {
            quote!(#private::decode_fields::<(), __D>(#payload, &[])?;)
        }
        Payload::Fields(_) => quote! {
            let (#(#idents,)*) =
                #private::decode_fields::<(#(#types,)*), __D>(#payload, &[#(#wire_names),*])?;
        },
        Payload::Whole(_) => quote! {
            #(let #idents = #private::decode_payload::<#types, __D>(#payload)?;)*
        },
    };
    let conversions = fields.iter().filter_map(|field| conversion(field, names));
    quote!(#decode #(#conversions)*)
}

/// Converts the local of a field from the decoded type, if that differs.
fn conversion(field: &Field, names: &Names) -> Option<TokenStream> {
    let ident = field.local();
    let function = names.conversion_function(field)?;
    let (_, last) = first_and_last_span(&field.ty);
    let argument = quote_spanned!(last=> (#ident));
    Some(quote!(let #ident = #function #argument;))
}

/// Validates incoming events only: clients trust their server.
fn validate(event: &Event, names: &Names) -> Option<TokenStream> {
    if event.direction == Direction::Outgoing || !event.has_rules() {
        return None;
    }
    let function = names.validation_function(event);
    let idents = event.fields_with_rules().map(Field::local);
    Some(quote!(#function(#(&#idents),*)?;))
}

/// The fields of the event's variant, with its locals: in a value or in a pattern.
pub(super) fn variant_fields(event: &Event) -> TokenStream {
    let locals = event.payload.fields().iter().map(Field::local);
    match (&event.payload, event.direction) {
        (Payload::Fields(fields), _) if fields.is_empty() => TokenStream::new(),
        (Payload::Whole(_), Direction::Outgoing) => quote!((#(#locals),*)),
        _ => quote!({ #(#locals),* }),
    }
}
