//! Parses the trait item by item, so that an incomplete event does not hide the others.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    AttrStyle, Attribute, Generics, Ident, Item, Signature, Token, TraitItem, TypeParamBound,
    Visibility, braced, token,
};

use crate::errors::Errors;

/// The trait as the user wrote it.
pub(crate) struct Trait {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) supertraits: Punctuated<TypeParamBound, Token![+]>,
    pub(crate) functions: Vec<Function>,
    /// Items that are no functions. They stay in the trait, because the user's impl has them.
    pub(crate) others: Vec<TokenStream>,
}

/// A function of the trait, with or without a marker.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) sig: Signature,
    /// The default body: a brace group. Only rustc parses its content.
    pub(crate) body: Option<TokenStream>,
}

/// Parses the trait. `None` if the item is no trait, which is reported.
pub(crate) fn parse(input: &TokenStream, errors: &mut Errors) -> Option<Trait> {
    let parser = |input: ParseStream<'_>| read_trait(input, errors);
    match parser.parse2(input.clone()) {
        Ok(read) => Some(read),
        Err(error) => {
            match syn::parse2::<Item>(input.clone()) {
                Ok(item) => errors.at(keyword(&item), "`#[procedure]` applies to traits only"),
                Err(_) => errors.add(error),
            }
            None
        }
    }
}

/// The keyword of the item, such as `struct`.
pub(crate) fn keyword(item: &Item) -> TokenStream {
    match item {
        Item::Struct(item) => item.struct_token.to_token_stream(),
        Item::Enum(item) => item.enum_token.to_token_stream(),
        Item::Fn(item) => item.sig.fn_token.to_token_stream(),
        Item::Impl(item) => item.impl_token.to_token_stream(),
        Item::Mod(item) => item.mod_token.to_token_stream(),
        Item::Trait(item) => item.trait_token.to_token_stream(),
        Item::Type(item) => item.type_token.to_token_stream(),
        item => item.to_token_stream(),
    }
}

fn read_trait(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Trait> {
    let mut attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let unsafety = input.parse()?;
    input.parse::<Option<Token![auto]>>()?;
    input.parse::<Token![trait]>()?;
    let ident = input.parse()?;
    let mut generics: Generics = input.parse()?;
    let mut supertraits = Punctuated::new();
    if input.parse::<Option<Token![:]>>()?.is_some() {
        while !input.peek(Token![where]) && !input.peek(token::Brace) {
            supertraits.push_value(input.parse()?);
            if !input.peek(Token![+]) {
                break;
            }
            supertraits.push_punct(input.parse()?);
        }
    }
    generics.where_clause = input.parse()?;
    let content;
    braced!(content in input);
    for mut attr in content.call(Attribute::parse_inner)? {
        attr.style = AttrStyle::Outer;
        attrs.push(attr);
    }
    let (functions, others) = read_items(&content, errors)?;
    Ok(Trait { attrs, vis, unsafety, ident, generics, supertraits, functions, others })
}

fn read_items(
    content: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<(Vec<Function>, Vec<TokenStream>)> {
    let mut functions = Vec::new();
    let mut others = Vec::new();
    while !content.is_empty() {
        let ahead = content.fork();
        let read = if is_function(content) {
            read_function(&ahead, errors).map(|function| functions.push(function))
        } else {
            read_other(&ahead, errors).map(|other| others.push(other))
        };
        match read {
            Ok(()) => advance(content, &ahead)?,
            Err(error) => {
                if skip_item(content) {
                    errors.add(error);
                }
            }
        }
    }
    Ok((functions, others))
}

/// Advances `content` to the position of `ahead`.
///
/// `advance_to` would fail for the whole trait if tokens within brackets are unread, as in
/// `#[outgoing latest]`. rustc reports those.
fn advance(content: ParseStream<'_>, ahead: ParseStream<'_>) -> syn::Result<()> {
    while content.cursor() < ahead.cursor() {
        content.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Returns whether a function follows, after attributes and modifiers.
fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let at_fn = |ahead: ParseStream<'_>| -> syn::Result<bool> {
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        ahead.parse::<Option<Token![const]>>()?;
        ahead.parse::<Option<Token![async]>>()?;
        ahead.parse::<Option<Token![unsafe]>>()?;
        ahead.parse::<Option<syn::Abi>>()?;
        Ok(ahead.peek(Token![fn]))
    };
    at_fn(&ahead).unwrap_or(false)
}

fn read_function(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Function> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis: Visibility = input.parse()?;
    if !matches!(vis, Visibility::Inherited) {
        errors.at(&vis, "an event has the visibility of its trait: remove this");
    }
    let sig: Signature = input.parse()?;
    let body = if input.peek(token::Brace) {
        Some(input.parse::<TokenTree>()?.into_token_stream())
    } else {
        // rustc reports a missing `;`.
        input.parse::<Option<Token![;]>>()?;
        None
    };
    Ok(Function { attrs, sig, body })
}

/// Reads an item that cannot be an event: an associated type, a constant or a macro call.
fn read_other(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<TokenStream> {
    let start = input.fork();
    match TraitItem::parse(input) {
        Ok(TraitItem::Const(item)) => {
            errors.at(
                item.const_token,
                "a procedure contains only events: move this constant out of the trait",
            );
            Ok(quote!(#item))
        }
        Ok(TraitItem::Type(item)) => {
            errors.at(
                item.type_token,
                "a procedure contains only events: move this type out of the trait",
            );
            Ok(quote!(#item))
        }
        Ok(TraitItem::Macro(item)) => {
            errors.at(
                item.mac.path,
                "a macro cannot generate events here: write the events themselves",
            );
            Ok(TokenStream::new())
        }
        _ => {
            start.call(Attribute::parse_outer)?;
            Err(expected_event(&start))
        }
    }
}

fn expected_event(input: ParseStream<'_>) -> syn::Error {
    let message = "expected an event: `#[incoming] async fn ..` or `#[outgoing] fn ..`";
    // `Ident::parse_any` also accepts keywords. An incomplete event often starts with one.
    match input.call(Ident::parse_any) {
        Ok(word) => syn::Error::new(word.span(), message),
        Err(_) => input.error(message),
    }
}

/// Skips to where the next event may begin: after `;` or a body, or before an attribute.
///
/// Returns whether the item is terminated. If not, rustc reports it, because rustc parses the input
/// of attribute macros too.
fn skip_item(input: ParseStream<'_>) -> bool {
    let at_attribute = || input.peek(Token![#]) && input.peek2(token::Bracket);
    while at_attribute() {
        let _ = input.parse::<TokenTree>().and_then(|_| input.parse::<TokenTree>());
    }
    while !input.is_empty() && !at_attribute() {
        let end = input.peek(Token![;]) || input.peek(token::Brace);
        let _ = input.parse::<TokenTree>();
        if end {
            return true;
        }
    }
    false
}
