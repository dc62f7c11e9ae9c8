//! From a name and a payload to a variant.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::contract::guards;
use super::names::{Names, ends, local, str_type};
use crate::model::{Direction, Event, Field, Payload};

/// The function `decode` of an enum of events.
///
/// One arm per event calls a decoder that is generic in the tuple of the fields' types, so events
/// with the same types share their code.
pub(super) fn events(events: &[Event], direction: Direction, names: &Names) -> TokenStream {
    let private = &names.private;
    let str_type = str_type();
    let (name, payload, into) = (local("name"), local("payload"), local("event"));
    let arms = events.iter().map(|event| {
        let guards = guards(event);
        let wire = &event.wire.name;
        let read = read(event, names, &payload);
        let check = check(event, direction, names);
        let value = value(event, direction);
        quote! {
            #guards
            #wire => {
                #read
                #check
                *#into = ::core::option::Option::Some(#value);
                ::core::result::Result::Ok(())
            }
        }
    });
    quote! {
        fn decode<'de, __D: #private::Deserializer<'de>>(
            #name: &#str_type,
            #payload: __D,
            #into: &mut ::core::option::Option<Self>,
        ) -> ::core::result::Result<(), #private::DecodeError<__D::Error>> {
            match #name {
                #(#arms)*
                _ => {
                    let _ = #payload;
                    ::core::result::Result::Err(#private::DecodeError::Unknown)
                }
            }
        }
    }
}

fn read(event: &Event, names: &Names, payload: &proc_macro2::Ident) -> TokenStream {
    let private = &names.private;
    let fields = event.payload.fields();
    let types = fields.iter().map(|field| names.read_type(field));
    let patterns = fields.iter().map(|field| &field.ident);
    let wires = fields.iter().map(|field| &field.wire.name);
    let read = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => {
            quote!(#private::decode_fields::<(), __D>(#payload, &[])?;)
        }
        Payload::Fields(_) => quote! {
            let (#(#patterns,)*) =
                #private::decode_fields::<(#(#types,)*), __D>(#payload, &[#(#wires),*])?;
        },
        Payload::Whole(_) => quote! {
            #(let #patterns = #private::decode_payload::<#types, __D>(#payload)?;)*
        },
    };
    let converted = fields.iter().filter_map(|field| convert(field, names));
    quote!(#read #(#converted)*)
}

fn convert(field: &Field, names: &Names) -> Option<TokenStream> {
    let ident = &field.ident;
    let function = names.reading(field)?;
    let (_, last) = ends(&field.ty);
    let argument = quote_spanned!(last=> (#ident));
    Some(quote!(let #ident = #function #argument;))
}

/// Servers check what clients send; clients trust their server.
fn check(event: &Event, direction: Direction, names: &Names) -> Option<TokenStream> {
    if direction == Direction::Outgoing || !event.has_rules() {
        return None;
    }
    let check = names.check(event, direction);
    let fields = event.payload.fields().iter().filter(|field| !field.rules.is_empty());
    let idents = fields.map(|field| &field.ident);
    Some(quote!(#check(#(&#idents),*)?;))
}

fn value(event: &Event, direction: Direction) -> TokenStream {
    let variant = &event.variant;
    let idents = event.payload.fields().iter().map(|field| &field.ident);
    match (&event.payload, direction) {
        (Payload::Fields(fields), _) if fields.is_empty() => quote!(Self::#variant),
        (Payload::Fields(_), Direction::Outgoing) => quote!(Self::#variant { #(#idents),* }),
        _ => quote!(Self::#variant(#(#idents),*)),
    }
}
