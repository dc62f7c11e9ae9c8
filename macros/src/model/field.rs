//! One argument of an event as a field of its message.

use syn::{Attribute, LitStr, Meta, Pat, PatType};

use super::{Field, WireName, forbidden_token, is_attribute, unraw};
use crate::case::Case;
use crate::errors::Errors;
use crate::options::{distinct_options, list_tokens};
use crate::rules;

/// The runtime implements its traits for tuples of up to this size.
const MAX_FIELDS: usize = 16;

impl Field {
    /// Reads a field, and its `#[payload]` if it has one. `None` if it has an error.
    pub(super) fn read(
        arg: &PatType,
        has_body: bool,
        case: Case,
        errors: &mut Errors,
    ) -> Option<(Self, Option<Attribute>)> {
        let ident = match &*arg.pat {
            Pat::Ident(pat)
                if pat.by_ref.is_none()
                    && pat.subpat.is_none()
                    && (has_body || pat.mutability.is_none()) =>
            {
                pat.ident.clone()
            }
            Pat::Wild(_) => {
                errors.at(&arg.pat, "name this field: the name is its key in the message");
                return None;
            }
            _ => {
                errors.at(
                    &arg.pat,
                    "write a plain name instead of a pattern: it is the key in the message",
                );
                return None;
            }
        };
        let mut field = Self {
            docs: Vec::new(),
            wire_name: WireName { name: case.apply(&unraw(&ident)), span: ident.span() },
            ident,
            ty: (*arg.ty).clone(),
            default: false,
            rules: Vec::new(),
        };
        let payload = field.read_attrs(&arg.attrs, errors);
        match forbidden_token(&arg.ty) {
            Some((span, message)) => {
                errors.at_span(span, message);
                None
            }
            None => Some((field, payload)),
        }
    }

    fn read_attrs(&mut self, attrs: &[Attribute], errors: &mut Errors) -> Option<Attribute> {
        let mut payload: Option<Attribute> = None;
        let mut options = None;
        for attr in attrs {
            if attr.path().is_ident("doc") {
                self.docs.push(attr.clone());
            } else if is_attribute(attr, "validate") {
                self.rules.extend(rules::read(attr, errors));
            } else if is_attribute(attr, "payload") {
                if payload.is_some() {
                    errors.at(attr, "`#[payload]` is given twice");
                } else if !matches!(attr.meta, Meta::Path(_)) {
                    errors.at(attr, "write `#[payload]`: here it takes no options");
                }
                payload = Some(attr.clone());
            } else if is_attribute(attr, "field") {
                if options.is_some() {
                    errors.at(attr, "`#[field]` is given twice");
                }
                options = Some(attr);
                self.read_options(attr, errors);
            } else if attr.path().is_ident("cfg") {
                errors.at(attr, "a field cannot depend on `cfg`: put `#[cfg(..)]` on the event");
            } else if attr.path().is_ident("cfg_attr") {
                errors.at(attr, "write `#[cfg_attr(condition, attribute)]`");
            } else {
                errors.at(
                    attr,
                    "a field takes `#[validate(..)]`, `#[field(..)]` and `#[payload]`; for other attributes, use a `#[payload]` struct",
                );
            }
        }
        if let (Some(_), Some(options)) = (&payload, options) {
            errors.at(options, "a `#[payload]` is the whole message: remove `#[field(..)]`");
        }
        payload
    }

    /// Reads `#[field(name = "..", default)]`.
    fn read_options(&mut self, attr: &Attribute, errors: &mut Errors) {
        let before = errors.count();
        let tokens = list_tokens(attr, "#[field(name = \"..\", default)]", errors);
        if tokens.is_empty() && errors.count() == before {
            errors.at(attr, "`#[field]` needs an option: `#[field(name = \"..\", default)]`");
        }
        for option in distinct_options(tokens, errors) {
            let read = match option.name().as_str() {
                "name" => option.parse("name = \"..\"").map(|name: LitStr| {
                    self.wire_name = WireName { name: name.value(), span: name.span() };
                }),
                "default" => option.expect_no_value().map(|()| self.default = true),
                name => Err(syn::Error::new(
                    option.key.span(),
                    format!("`#[field]` has no option `{name}`: it takes `name` and `default`"),
                )),
            };
            if let Err(error) = read {
                errors.add(error);
            }
        }
    }
}

/// Reports equal names and too many fields. Returns whether there are none.
pub(super) fn check_fields(fields: &[Field], errors: &mut Errors) -> bool {
    if let Some(field) = fields.get(MAX_FIELDS) {
        errors.at(
            &field.ident,
            format!("an event has at most {MAX_FIELDS} fields: use a struct as `#[payload]`"),
        );
        return false;
    }
    for (index, field) in fields.iter().enumerate() {
        let name = &field.wire_name.name;
        if let Some(other) = fields[..index].iter().find(|other| other.wire_name.name == *name) {
            let message = if other.ident == field.ident {
                format!("the field `{}` is given twice", field.ident)
            } else {
                format!("`{}` and `{}` are both `{name}` on the wire", other.ident, field.ident)
            };
            errors.at_span(field.wire_name.span, message);
            return false;
        }
    }
    true
}
