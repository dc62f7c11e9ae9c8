//! Options in attributes: `key`, `key = value` and `key(..)`, separated by commas.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::{Attribute, Meta};

use crate::errors::Errors;

/// One option as the user wrote it.
pub(crate) struct AttributeOption {
    pub(crate) key: Ident,
    pub(crate) value: OptionValue,
}

pub(crate) enum OptionValue {
    None,
    Equals(TokenStream),
    List(Group),
}

impl AttributeOption {
    pub(crate) fn name(&self) -> String {
        self.key.to_string()
    }

    /// Parses the value after `=`. The error message shows `example`.
    pub(crate) fn parse<T: Parse>(&self, example: &str) -> syn::Result<T> {
        let wrong = |span| syn::Error::new(span, format!("write `{example}`"));
        match &self.value {
            OptionValue::Equals(tokens) => syn::parse2(tokens.clone()).map_err(|_| {
                let value = syn::Error::new_spanned(tokens, "").span();
                wrong(if tokens.is_empty() { self.key.span() } else { value })
            }),
            _ => Err(wrong(self.key.span())),
        }
    }

    /// The option as the user wrote it.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let Self { key, value } = self;
        match value {
            OptionValue::None => key.into_token_stream(),
            OptionValue::Equals(value) => quote!(#key = #value),
            OptionValue::List(list) => quote!(#key #list),
        }
    }

    /// Fails if the option has a value.
    pub(crate) fn expect_no_value(&self) -> syn::Result<()> {
        match &self.value {
            OptionValue::None => Ok(()),
            _ => Err(syn::Error::new(self.key.span(), format!("`{}` takes no value", self.key))),
        }
    }
}

/// Reads all options. An option that cannot be read is reported and skipped.
pub(crate) fn options(tokens: TokenStream, errors: &mut Errors) -> Vec<AttributeOption> {
    let mut found: Vec<AttributeOption> = Vec::new();
    let mut chunk = Vec::new();
    let mut end_chunk = |chunk: &mut Vec<TokenTree>, errors: &mut Errors| {
        if chunk.is_empty() {
            return;
        }
        match option(std::mem::take(chunk)) {
            Ok(option) => found.push(option),
            Err(error) => errors.add(error),
        }
    };
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => end_chunk(&mut chunk, errors),
            token => chunk.push(token),
        }
    }
    end_chunk(&mut chunk, errors);
    found
}

/// Like [`options`], but reports a key that occurs twice.
pub(crate) fn distinct_options(tokens: TokenStream, errors: &mut Errors) -> Vec<AttributeOption> {
    let mut seen = Vec::new();
    let mut found = options(tokens, errors);
    found.retain(|option| {
        let name = option.name();
        let is_new = !seen.contains(&name);
        if is_new {
            seen.push(name);
        } else {
            errors.at(&option.key, format!("`{name}` is given twice"));
        }
        is_new
    });
    found
}

fn option(chunk: Vec<TokenTree>) -> syn::Result<AttributeOption> {
    let mut tokens = chunk.into_iter();
    let key = match tokens.next() {
        Some(TokenTree::Ident(key)) => key,
        other => {
            let span = other.map_or_else(Span::call_site, |token| token.span());
            return Err(syn::Error::new(span, "expected the name of an option"));
        }
    };
    let value = match tokens.next() {
        None => OptionValue::None,
        Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => {
            return Ok(AttributeOption { key, value: OptionValue::Equals(tokens.collect()) });
        }
        Some(TokenTree::Group(group)) => OptionValue::List(group),
        Some(other) => return Err(syn::Error::new(other.span(), "expected `,`, `=` or `(`")),
    };
    match tokens.next() {
        None => Ok(AttributeOption { key, value }),
        Some(other) => Err(syn::Error::new(other.span(), "expected `,`")),
    }
}

/// The tokens between the parentheses of `#[attr(..)]`.
pub(crate) fn list_tokens(attr: &Attribute, example: &str, errors: &mut Errors) -> TokenStream {
    match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(_) => {
            errors.at(&attr.meta, format!("write `{example}`"));
            TokenStream::new()
        }
    }
}
