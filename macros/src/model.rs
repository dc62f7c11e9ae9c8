//! The meaning of the trait: a procedure with its events.

mod delivery_policy;
mod event;
mod field;
mod types;

use proc_macro2::{Ident, Span, TokenStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Path, Signature, Token, Type, TypeParamBound, Visibility};

use crate::errors::Errors;
use crate::parse::Trait;
use crate::procedure_options::ProcedureOptions;
use crate::rules::Rule;
use crate::tokens::unreported;
pub(crate) use delivery_policy::{DeliveryPolicy, LatestKey};
use types::{forbidden_token, is_primitive};
pub(crate) use types::{is_named, is_std_type, last_segment, possible_payloads, type_parameters};

/// The contract that one trait defines.
pub(crate) struct Procedure {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) supertraits: Punctuated<TypeParamBound, Token![+]>,
    /// The name in logs.
    pub(crate) name: String,
    /// The path of the crate `parlor`.
    pub(crate) krate: Path,
    /// Whether the TypeScript generator includes the procedure.
    pub(crate) typescript: bool,
    /// In the order of the trait.
    pub(crate) events: Vec<Event>,
    /// Functions that are no valid events. They are reported, but stay in the trait, because the
    /// user's impl has them.
    pub(crate) other_methods: Vec<Method>,
    /// Other items. They are reported, and stay in the trait for the same reason.
    pub(crate) other_items: Vec<TokenStream>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Incoming,
    Outgoing,
}

pub(crate) struct Event {
    pub(crate) direction: Direction,
    /// The attributes that all code generated from the event gets: docs, `cfg`, `deprecated`, lints.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) wire_name: WireName,
    pub(crate) variant: Ident,
    pub(crate) payload: Payload,
    pub(crate) answer: Answer,
    pub(crate) delivery: DeliveryPolicy,
    /// The event's method in the emitted trait. Outgoing events have none.
    pub(crate) method: Option<Method>,
    /// Whether code can be generated from the event. If not, an error says why.
    pub(crate) is_valid: bool,
}

/// A name on the wire, and the tokens that it comes from.
pub(crate) struct WireName {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// A method of the emitted trait.
pub(crate) struct Method {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) sig: Signature,
    pub(crate) body: Option<TokenStream>,
    /// Whether it is emitted as a function that returns a `Send` future.
    pub(crate) returns_future: bool,
}

pub(crate) enum Payload {
    /// An object with these fields.
    Fields(Vec<Field>),
    /// A `#[payload]` argument.
    Whole(Box<Field>),
}

pub(crate) struct Field {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) wire_name: WireName,
    /// Whether an absent field gets the default of its type.
    pub(crate) default: bool,
    pub(crate) rules: Vec<Rule>,
}

/// How the methods of emitters and clients take a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// `impl AsRef<str>`, for `String`.
    AsStr,
    /// `T`, for numbers, `bool` and `char`.
    Value,
    /// `&T`, for all else.
    Reference,
}

pub(crate) enum Answer {
    None,
    Value(Box<Type>),
    Result(Box<Type>, Box<Type>),
}

impl Procedure {
    /// Reads the events of the trait, and reports the errors of each item.
    pub(crate) fn new(read: Trait, options: ProcedureOptions, errors: &mut Errors) -> Self {
        if let Some(word) = read.unsafety {
            errors.at(word, "a procedure is a safe trait: remove `unsafe`");
        }
        if !read.generics.params.is_empty() {
            errors.at(
                &read.generics.params,
                "a procedure has no generic parameters: its events are the same for every session",
            );
        } else if let Some(clause) = &read.generics.where_clause {
            errors.at(clause.where_token, "a procedure has no `where` clause: use supertraits");
        }
        let mut procedure = Self {
            attrs: read.attrs,
            vis: read.vis,
            name: options.name.unwrap_or_else(|| unraw(&read.ident)),
            ident: read.ident,
            supertraits: read.supertraits,
            krate: options.krate,
            typescript: options.typescript,
            events: Vec::new(),
            other_methods: Vec::new(),
            other_items: read.others,
        };
        for function in read.functions {
            procedure.add(function, options.case, errors);
        }
        let is_empty = procedure.events.is_empty()
            && procedure.other_methods.is_empty()
            && procedure.other_items.is_empty();
        if is_empty && errors.count() == 0 {
            errors.at(&procedure.ident, "a procedure has at least one event");
        }
        procedure
    }

    /// Removes the events that have errors. Their methods stay in the trait.
    pub(crate) fn without_invalid_events(mut self) -> Self {
        let (valid, invalid) = self.events.into_iter().partition(|event| event.is_valid);
        self.events = valid;
        self.other_methods.extend(invalid.into_iter().filter_map(|event| event.method));
        self
    }

    pub(crate) fn incoming(&self) -> impl Iterator<Item = &Event> {
        self.in_direction(Direction::Incoming)
    }

    pub(crate) fn outgoing(&self) -> impl Iterator<Item = &Event> {
        self.in_direction(Direction::Outgoing)
    }

    fn in_direction(&self, direction: Direction) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.direction == direction)
    }

    /// The lint levels of the trait. They hold for everything that is generated from it.
    pub(crate) fn lints(&self) -> TokenStream {
        let lints = self.attrs.iter().filter(|attr| is_lint(attr));
        quote::quote!(#(#lints)*)
    }

    /// `Chat` + `Server`, at the position of the trait's name.
    pub(crate) fn ident_with(&self, suffix: &str) -> Ident {
        let ident = Ident::new(&format!("{}{suffix}", unraw(&self.ident)), self.ident.span());
        unreported(&ident)
    }
}

impl Direction {
    pub(crate) fn marker(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }
}

impl Event {
    /// The fields that have rules.
    pub(crate) fn fields_with_rules(&self) -> impl Iterator<Item = &Field> {
        self.payload.fields().iter().filter(|field| !field.rules.is_empty())
    }

    pub(crate) fn has_rules(&self) -> bool {
        self.fields_with_rules().next().is_some()
    }
}

impl Payload {
    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Self::Fields(fields) => fields,
            Self::Whole(field) => std::slice::from_ref(field),
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

impl Field {
    /// The local variable with its value in generated code.
    pub(crate) fn local(&self) -> Ident {
        unreported(&self.ident)
    }

    /// How the methods of emitters and clients take the field.
    pub(crate) fn passing(&self) -> Passing {
        if is_string(&self.ty) {
            Passing::AsStr
        } else if is_primitive(&self.ty) {
            Passing::Value
        } else {
            Passing::Reference
        }
    }
}

pub(crate) fn is_string(ty: &Type) -> bool {
    is_named(ty, "String")
}

/// A name without `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// Returns whether the last segment of the attribute's path is `name`.
pub(crate) fn is_attribute(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == name)
}

pub(crate) fn is_deprecated(attr: &Attribute) -> bool {
    attr.path().is_ident("deprecated")
}

/// Returns whether an attribute sets the level of a lint.
///
/// `expect` is not included: generated code would fulfil it in one item and not in the others.
pub(crate) fn is_lint(attr: &Attribute) -> bool {
    ["allow", "warn", "deny"].iter().any(|level| attr.path().is_ident(level))
}
