//! Options in attributes: `key`, `key = value` and `key(..)`, separated by commas.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use syn::parse::Parse;
use syn::token::PathSep;
use syn::{Attribute, LitStr, Meta, Path, PathSegment};

use crate::case::Case;
use crate::errors::Errors;

/// One option as it is written.
pub(crate) struct Opt {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    None,
    Equals(TokenStream),
    List(Group),
}

impl Opt {
    pub(crate) fn name(&self) -> String {
        self.key.to_string()
    }

    /// The value after `=`, or what it should look like.
    pub(crate) fn parse<T: Parse>(&self, example: &str) -> syn::Result<T> {
        let wrong = |span| syn::Error::new(span, format!("write `{example}`"));
        match &self.value {
            Value::Equals(tokens) => syn::parse2(tokens.clone()).map_err(|_| {
                let value = syn::Error::new_spanned(tokens, "").span();
                wrong(if tokens.is_empty() { self.key.span() } else { value })
            }),
            _ => Err(wrong(self.key.span())),
        }
    }

    /// Checks that there is no value.
    pub(crate) fn flag(&self) -> syn::Result<()> {
        match &self.value {
            Value::None => Ok(()),
            _ => Err(syn::Error::new(self.key.span(), format!("`{}` takes no value", self.key))),
        }
    }
}

/// Reads all options; those that cannot be read are reported and left out.
pub(crate) fn options(tokens: TokenStream, errors: &mut Errors) -> Vec<Opt> {
    let mut found: Vec<Opt> = Vec::new();
    let mut chunk = Vec::new();
    let mut end = |chunk: &mut Vec<TokenTree>, errors: &mut Errors| {
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
            TokenTree::Punct(punct) if punct.as_char() == ',' => end(&mut chunk, errors),
            token => chunk.push(token),
        }
    }
    end(&mut chunk, errors);
    found
}

/// Like [`options`], but each key may come once only.
pub(crate) fn distinct_options(tokens: TokenStream, errors: &mut Errors) -> Vec<Opt> {
    let mut seen = Vec::new();
    let mut found = options(tokens, errors);
    found.retain(|option| {
        let name = option.name();
        let new = !seen.contains(&name);
        if new {
            seen.push(name);
        } else {
            errors.at(&option.key, format!("`{name}` is given twice"));
        }
        new
    });
    found
}

fn option(chunk: Vec<TokenTree>) -> syn::Result<Opt> {
    let mut tokens = chunk.into_iter();
    let key = match tokens.next() {
        Some(TokenTree::Ident(key)) => key,
        other => {
            let span = other.map_or_else(Span::call_site, |token| token.span());
            return Err(syn::Error::new(span, "expected the name of an option"));
        }
    };
    let value = match tokens.next() {
        None => Value::None,
        Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => {
            return Ok(Opt { key, value: Value::Equals(tokens.collect()) });
        }
        Some(TokenTree::Group(group)) => Value::List(group),
        Some(other) => return Err(syn::Error::new(other.span(), "expected `,`, `=` or `(`")),
    };
    match tokens.next() {
        None => Ok(Opt { key, value }),
        Some(other) => Err(syn::Error::new(other.span(), "expected `,`")),
    }
}

/// The tokens between the parentheses of `#[attr(..)]`.
pub(crate) fn inside(attr: &Attribute, example: &str, errors: &mut Errors) -> TokenStream {
    match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(_) => {
            errors.at(&attr.meta, format!("write `{example}`"));
            TokenStream::new()
        }
    }
}

/// The options of `#[procedure(..)]`.
pub(crate) struct Args {
    pub(crate) case: Case,
    pub(crate) name: Option<String>,
    pub(crate) krate: Path,
    /// Whether TypeScript is to be made of it.
    pub(crate) typescript: bool,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args =
            Self { case: Case::Camel, name: None, krate: default_crate(), typescript: false };
        for option in distinct_options(tokens, errors) {
            let read = match option.name().as_str() {
                "rename_all" => {
                    option.parse("rename_all = \"camelCase\"").and_then(|case: LitStr| {
                        args.case = Case::read(&case)?;
                        Ok(())
                    })
                }
                "name" => option.parse("name = \"..\"").map(|name: LitStr| {
                    args.name = Some(name.value());
                }),
                "crate" => option.parse("crate = some::path").map(|path| args.krate = path),
                "typescript" => typescript(&option).map(|()| args.typescript = true),
                name => Err(syn::Error::new(
                    option.key.span(),
                    format!(
                        "`#[procedure]` has no option `{name}`: it takes `rename_all`, `name`, `crate` and `typescript`"
                    ),
                )),
            };
            if let Err(error) = read {
                errors.add(error);
            }
        }
        args
    }
}

/// The word `typescript`, which needs a feature.
pub(crate) fn typescript(option: &Opt) -> syn::Result<()> {
    if !cfg!(feature = "typescript") {
        let message = "`typescript` needs the feature `typescript` of the crate `parlor`";
        return Err(syn::Error::new(option.key.span(), message));
    }
    option.flag()
}

pub(crate) fn default_crate() -> Path {
    let name = PathSegment::from(Ident::new("parlor", Span::call_site()));
    Path { leading_colon: Some(PathSep::default()), segments: [name].into_iter().collect() }
}
