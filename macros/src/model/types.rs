//! Types of fields and answers, as far as a macro can see them.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Returns whether the last segment of the type's path is `name` without parameters.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == name && last.arguments.is_empty())
}

/// The last segment of the type's path. Looks through the groups that `macro_rules!` adds.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// The type parameters in the last segment of the type's path.
pub(crate) fn type_parameters(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(list) = &segment.arguments else { return Vec::new() };
    let types = list.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

const PRIMITIVES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// Returns whether the type is a number, `bool` or `char`: by its name, or by its path in the module
/// `primitive`.
pub(super) fn is_primitive(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_primitive(&group.elem),
        Type::Paren(paren) => is_primitive(&paren.elem),
        Type::Path(path) if path.qself.is_none() => {
            let mut parents = path.path.segments.iter().rev().skip(1);
            let is_std = match parents.next() {
                None => true,
                Some(parent) => parent.ident == "primitive" && parents.count() == 1,
            };
            is_std && PRIMITIVES.iter().any(|name| is_named(ty, name))
        }
        _ => false,
    }
}

/// Returns whether the type is one of std by its usual name, or an `Option` or `Vec` of such types.
///
/// A user's type of the same name still compiles; only its errors are less clear.
pub(crate) fn is_std_type(ty: &Type) -> bool {
    if let Type::Tuple(tuple) = ty {
        return tuple.elems.is_empty();
    }
    let Type::Path(path) = ty else { return false };
    if path.qself.is_some() || path.path.segments.len() != 1 {
        return false;
    }
    last_segment(ty).is_some_and(|last| match &last.arguments {
        PathArguments::None => last.ident == "String" || is_primitive(ty),
        PathArguments::AngleBracketed(list) => {
            (last.ident == "Option" || last.ident == "Vec")
                && list.args.iter().all(
                    |argument| matches!(argument, GenericArgument::Type(ty) if is_std_type(ty)),
                )
        }
        PathArguments::Parenthesized(_) => false,
    })
}

/// The types in a type, at any depth, that may have `#[payload]`.
pub(crate) fn possible_payloads(ty: &Type) -> Vec<&Type> {
    match ty {
        Type::Array(array) => possible_payloads(&array.elem),
        Type::Group(group) => possible_payloads(&group.elem),
        Type::Paren(paren) => possible_payloads(&paren.elem),
        Type::Slice(slice) => possible_payloads(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().flat_map(possible_payloads).collect(),
        Type::Path(path) if !is_std_type(ty) => {
            let parameters = path.path.segments.iter().flat_map(type_parameters);
            let inside = parameters.flat_map(possible_payloads);
            std::iter::once(ty).chain(inside).collect()
        }
        _ => Vec::new(),
    }
}

/// Finds the first token that the type of a field or answer must not contain, at any depth, and the
/// error message for it.
pub(crate) fn forbidden_token(ty: &impl ToTokens) -> Option<(Span, &'static str)> {
    find_forbidden(ty.to_token_stream())
}

fn find_forbidden(tokens: TokenStream) -> Option<(Span, &'static str)> {
    const BORROWED: &str = "a message outlives its sender: use an owned type";
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match &token {
            TokenTree::Group(group) => find_forbidden(group.stream()),
            TokenTree::Ident(word) if word == "Self" => {
                Some((word.span(), "`Self` differs between sessions: name the type"))
            }
            TokenTree::Ident(word) if word == "impl" => Some((
                word.span(),
                "a field or answer has a fixed type: name it instead of `impl ..`",
            )),
            TokenTree::Punct(punct) if punct.as_char() == '&' => Some((punct.span(), BORROWED)),
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(name)) if name != "static" => Some((name.span(), BORROWED)),
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
