//! What the trait means: a procedure with its events, as far as they can be made out.

mod delivery;
mod event;
mod field;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Path, Signature, Token, Type, TypeParamBound, Visibility};

use crate::args::Args;
use crate::errors::Errors;
use crate::parse::Trait;
use crate::rules::Rule;
pub(crate) use delivery::{Delivery, Key};

/// The contract that one trait states.
pub(crate) struct Procedure {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) supertraits: Punctuated<TypeParamBound, Token![+]>,
    /// The name in logs.
    pub(crate) name: String,
    /// The path of the crate `parlor`.
    pub(crate) krate: Path,
    /// Whether TypeScript is to be made of it.
    pub(crate) typescript: bool,
    pub(crate) incoming: Vec<Event>,
    pub(crate) outgoing: Vec<Event>,
    /// Functions without a marker: wrong, but the impl of the trait has them too.
    pub(crate) unmarked: Vec<Method>,
    /// Other items: wrong, and kept for the same reason.
    pub(crate) others: Vec<TokenStream>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Incoming,
    Outgoing,
}

/// One event, in either direction.
pub(crate) struct Event {
    /// What follows to everything that is made of the event: docs, `cfg`, `deprecated`, lints.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) wire: Wire,
    /// Its name as a variant.
    pub(crate) variant: Ident,
    pub(crate) payload: Payload,
    pub(crate) answer: Answer,
    pub(crate) delivery: Delivery,
    /// What it is in the trait; outgoing events are not in it.
    pub(crate) method: Option<Method>,
    /// Whether code can be made of it. If not, an error has said why.
    pub(crate) sound: bool,
}

/// A name on the wire, and the tokens that it comes from.
pub(crate) struct Wire {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// A function of the emitted trait.
pub(crate) struct Method {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) sig: Signature,
    pub(crate) body: Option<TokenStream>,
    /// Whether it is emitted as a function that returns a `Send` future.
    pub(crate) future: bool,
}

pub(crate) enum Payload {
    /// An object with these fields.
    Fields(Vec<Field>),
    /// A type of the user's.
    Whole(Box<Field>),
}

pub(crate) struct Field {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) wire: Wire,
    /// Whether an absent field is the default of its type.
    pub(crate) default: bool,
    pub(crate) rules: Vec<Rule>,
}

pub(crate) enum Answer {
    None,
    Value(Box<Type>),
    Result(Box<Type>, Box<Type>),
}

impl Procedure {
    /// Makes out what the trait says; what is wrong in itself is reported.
    pub(crate) fn new(read: Trait, args: Args, errors: &mut Errors) -> Self {
        if let Some(word) = read.unsafety {
            errors.at(word, "a procedure is a safe trait: remove `unsafe`");
        }
        if !read.generics.params.is_empty() {
            errors.at(
                &read.generics.params,
                "a procedure has no generic parameters: its events are the same for every session",
            );
        } else if let Some(clause) = &read.generics.where_clause {
            errors.at(clause.where_token, "a procedure has no `where` clause: write supertraits");
        }
        let mut procedure = Self {
            attrs: read.attrs,
            vis: read.vis,
            name: args.name.unwrap_or_else(|| unraw(&read.ident)),
            ident: read.ident,
            supertraits: read.supertraits,
            krate: args.krate,
            typescript: args.typescript,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            unmarked: Vec::new(),
            others: read.others,
        };
        for function in read.functions {
            procedure.add(function, args.case, errors);
        }
        procedure
    }

    /// The lint levels of the trait, which hold for everything that is made of it.
    pub(crate) fn lints(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| is_lint(attr))
    }

    /// `Chat` + `Server`, at the span of the trait's name.
    pub(crate) fn named(&self, suffix: &str) -> Ident {
        Ident::new(&format!("{}{suffix}", unraw(&self.ident)), self.ident.span())
    }
}

impl Event {
    pub(crate) fn has_lints(&self) -> bool {
        self.attrs.iter().any(is_lint)
    }

    pub(crate) fn has_rules(&self) -> bool {
        self.payload.fields().iter().any(|field| !field.rules.is_empty())
    }
}

impl Payload {
    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Self::Fields(fields) => fields,
            Self::Whole(field) => std::slice::from_ref(field),
        }
    }
}

impl Field {
    /// Whether stubs take it as `impl AsRef<str>`.
    pub(crate) fn is_string(&self) -> bool {
        is_named(&self.ty, "String")
    }
}

/// Whether the last word of the type's path is `name`, and it has no parameters.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == name && last.arguments.is_empty())
}

/// The last segment of the path that a type is, through the groups of `macro_rules!`.
pub(crate) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// A name without `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// Whether an attribute is `name`, however its path is written.
pub(crate) fn is_attribute(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == name)
}

/// Whether an attribute sets the level of a lint. `expect` is not among them: it would be met in one
/// place and not in the others.
pub(crate) fn is_lint(attr: &Attribute) -> bool {
    ["allow", "warn", "deny"].iter().any(|level| attr.path().is_ident(level))
}

/// The first token of `tokens` or of a group in it that is a mistake in the type of a field or answer.
pub(crate) fn foreign(ty: &impl ToTokens) -> Option<(Span, &'static str)> {
    find(ty.to_token_stream())
}

fn find(tokens: TokenStream) -> Option<(Span, &'static str)> {
    use proc_macro2::TokenTree;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match &token {
            TokenTree::Group(group) => find(group.stream()),
            TokenTree::Ident(word) if word == "Self" => {
                Some((word.span(), "each session has another `Self`: name the type"))
            }
            TokenTree::Ident(word) if word == "impl" => {
                Some((word.span(), "both ends must know the type: name it instead of `impl ..`"))
            }
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                Some((punct.span(), "a message outlives its sender: use an owned type"))
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(name)) if name != "static" => {
                    Some((name.span(), "a message outlives its sender: use an owned type"))
                }
                _ => None,
            },
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
