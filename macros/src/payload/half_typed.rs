//! Parses an incomplete struct or enum: some of its fields or variants do not parse.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::token::Brace;
use syn::{
    Attribute, Data, DataEnum, DataStruct, DeriveInput, Field, Fields, FieldsNamed, Generics,
    Token, braced,
};

use crate::errors::Errors;

/// Parses the complete fields or variants, so that code that uses the type still compiles. `None` if
/// the item is no struct and no enum.
///
/// rustc reports what is skipped, because rustc parses the input of attribute macros too.
pub(super) fn parse(item: &TokenStream, errors: &mut Errors) -> Option<DeriveInput> {
    (|input: ParseStream<'_>| read(input, errors)).parse2(item.clone()).ok()
}

fn read(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<DeriveInput> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let struct_token: Option<Token![struct]> = input.parse()?;
    let enum_token: Option<Token![enum]> = input.parse()?;
    let ident = input.parse()?;
    let mut generics: Generics = input.parse()?;
    generics.where_clause = input.parse()?;
    let content;
    let brace_token: Brace = braced!(content in input);
    let data = match (struct_token, enum_token) {
        (Some(struct_token), None) => {
            let named = members(&content, Field::parse_named, errors);
            let fields = Fields::Named(FieldsNamed { brace_token, named });
            Data::Struct(DataStruct { struct_token, fields, semi_token: None })
        }
        (None, Some(enum_token)) => {
            let variants = members(&content, syn::Variant::parse, errors);
            Data::Enum(DataEnum { enum_token, brace_token, variants })
        }
        _ => return Err(input.error("expected `struct` or `enum`")),
    };
    Ok(DeriveInput { attrs, vis, ident, generics, data })
}

fn members<T>(
    content: ParseStream<'_>,
    member: fn(ParseStream<'_>) -> syn::Result<T>,
    errors: &mut Errors,
) -> Punctuated<T, Token![,]> {
    let mut found = Punctuated::new();
    while !content.is_empty() {
        let ahead = content.fork();
        if let Ok(member) = member(&ahead) {
            if ahead.is_empty() || ahead.peek(Token![,]) {
                content.advance_to(&ahead);
                found.push(member);
            } else if ahead.peek(Token![=]) {
                // A later rustc may accept `field: u8 = 1`, and would not report it.
                errors.add(ahead.error("expected `,`"));
            }
        }
        while !content.is_empty() {
            let end = content.peek(Token![,]);
            let _ = content.parse::<TokenTree>();
            if end {
                break;
            }
        }
    }
    found
}
