//! `#[cfg_attr(condition, attribute, ..)]` inside a trait, struct or enum.
//!
//! rustc evaluates a `cfg_attr` on the item itself before it calls the macro, but none inside of the
//! item, and a macro cannot evaluate a condition. So the macro returns two calls of itself: one for the
//! item with the attributes, under `#[cfg(condition)]`, and one for the item without them, under
//! `#[cfg(not(condition))]`. rustc keeps one of them. Each call removes one condition.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token, parenthesized};

/// Attributes are read in the body of the item, and in the groups inside the body: arguments of events
/// and fields of variants.
const MAX_DEPTH: usize = 2;

/// The two calls of the macro, or `None` if no attribute inside of the item depends on a condition.
///
/// `call` is the attribute that calls the macro. rustc reports a `cfg_attr` with a wrong syntax, which
/// stays as it is.
pub(crate) fn split(item: &TokenStream, call: &TokenStream) -> Option<TokenStream> {
    let mut condition = None;
    let with = apply(item.clone(), 0, &mut condition, true)?;
    let without = apply(item.clone(), 0, &mut condition, false)?;
    Some(quote! {
        #[cfg(#condition)]
        #call
        #with
        #[cfg(not(#condition))]
        #call
        #without
    })
}

/// Replaces each `cfg_attr` with this condition by its attributes if the condition `holds`, else by
/// nothing. Without a condition, the first one found is taken. `None` if there is no such `cfg_attr`.
fn apply(
    tokens: TokenStream,
    depth: usize,
    condition: &mut Option<TokenStream>,
    holds: bool,
) -> Option<TokenStream> {
    let mut applied = TokenStream::new();
    let mut is_changed = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let Some(TokenTree::Group(brackets)) = tokens.peek()
            && depth > 0
            && matches!(&token, TokenTree::Punct(hash) if hash.as_char() == '#')
            && let Ok(read) = syn::parse2::<CfgAttr>(brackets.stream())
            && read.has(condition)
        {
            tokens.next();
            is_changed = true;
            if holds {
                read.attributes().to_tokens(&mut applied);
            }
            continue;
        }
        let changed_group = match &token {
            TokenTree::Group(group) => apply_to_group(group, depth, condition, holds),
            _ => None,
        };
        is_changed |= changed_group.is_some();
        changed_group.map_or(token, TokenTree::Group).to_tokens(&mut applied);
    }
    is_changed.then_some(applied)
}

fn apply_to_group(
    group: &Group,
    depth: usize,
    condition: &mut Option<TokenStream>,
    holds: bool,
) -> Option<Group> {
    let inner = match group.delimiter() {
        // The tokens of a fragment, such as `$item`.
        Delimiter::None => depth,
        Delimiter::Parenthesis | Delimiter::Brace => depth + 1,
        Delimiter::Bracket => return None,
    };
    if inner > MAX_DEPTH {
        return None;
    }
    let mut applied =
        Group::new(group.delimiter(), apply(group.stream(), inner, condition, holds)?);
    applied.set_span(group.span());
    Some(applied)
}

/// The content of the brackets of `#[cfg_attr(..)]`.
struct CfgAttr {
    condition: TokenStream,
    /// The tokens of each attribute.
    attributes: Vec<Vec<TokenTree>>,
}

impl Parse for CfgAttr {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        if name != "cfg_attr" {
            return Err(syn::Error::new(name.span(), "expected `cfg_attr`"));
        }
        let content;
        parenthesized!(content in input);
        let condition = content.parse::<Condition>()?.0;
        content.parse::<Token![,]>()?;
        let rest: TokenStream = content.parse()?;
        let rest: Vec<_> = rest.into_iter().collect();
        let is_comma =
            |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
        let attributes = rest.split(is_comma).filter(|tokens| !tokens.is_empty());
        Ok(Self { condition, attributes: attributes.map(<[_]>::to_vec).collect() })
    }
}

impl CfgAttr {
    /// Returns whether its condition is `condition`. Sets that if it is not set yet.
    fn has(&self, condition: &mut Option<TokenStream>) -> bool {
        let condition = condition.get_or_insert_with(|| self.condition.clone());
        condition.to_string() == self.condition.to_string()
    }

    fn attributes(&self) -> TokenStream {
        self.attributes.iter().map(|tokens| attribute(tokens)).collect()
    }
}

/// `#[tokens]`, at the span of the tokens, so that errors underline this attribute alone.
fn attribute(tokens: &[TokenTree]) -> TokenStream {
    let mut hash = Punct::new('#', Spacing::Alone);
    let mut brackets = Group::new(Delimiter::Bracket, tokens.iter().cloned().collect());
    if let [first, .., last] | [first @ last] = tokens {
        hash.set_span(first.span());
        brackets.set_span(last.span());
    }
    quote!(#hash #brackets)
}

/// A condition that rustc can evaluate. With another one, rustc would keep both calls.
struct Condition(TokenStream);

impl Parse for Condition {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if input.peek(Token![=]) {
            let (equals, value): (Token![=], LitStr) = (input.parse()?, input.parse()?);
            return Ok(Self(quote!(#name #equals #value)));
        }
        let has_list = name == "all" || name == "any" || name == "not";
        if !has_list {
            return Ok(Self(name.to_token_stream()));
        }
        let content;
        parenthesized!(content in input);
        let list = content.call(Punctuated::<Self, Token![,]>::parse_terminated)?;
        if name == "not" && list.len() != 1 {
            return Err(content.error("`not` takes one condition"));
        }
        let list = list.into_iter().map(|condition| condition.0);
        Ok(Self(quote!(#name(#(#list),*))))
    }
}
