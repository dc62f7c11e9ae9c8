//! One function of the trait as an event.

use proc_macro2::{Ident, TokenStream};
use syn::{
    Attribute, FnArg, LitStr, Pat, ReceiverKind, ReturnType, Safety, Signature, parse_quote,
};

use super::{
    Answer, DeliveryPolicy, Direction, Event, Field, Method, Payload, Procedure, WireName,
    forbidden_token, is_attribute, is_deprecated, is_lint, last_segment, type_parameters, unraw,
};
use crate::case::{self, Case};
use crate::errors::Errors;
use crate::options::{AttributeOption, distinct_options, list_tokens};
use crate::parse::Function;

impl Direction {
    fn of_marker(attr: &Attribute) -> Option<Self> {
        Self::find(|marker| is_attribute(attr, marker))
    }

    fn find(is_marker: impl Fn(&str) -> bool) -> Option<Self> {
        [Self::Incoming, Self::Outgoing].into_iter().find(|direction| is_marker(direction.marker()))
    }
}

impl Procedure {
    /// Adds a function of the trait as an event, or as another method if it has no marker.
    pub(super) fn add(&mut self, function: Function, case: Case, errors: &mut Errors) {
        let Function { attrs, sig, body } = function;
        let (markers, attrs): (Vec<_>, Vec<_>) =
            attrs.into_iter().partition(|attr| Direction::of_marker(attr).is_some());
        let Some(direction) = direction(&markers, &sig, errors) else {
            let returns_future = sig.asyncness.is_some();
            let sig = without_macro_syntax(sig, body.is_some());
            self.other_methods.push(Method { attrs, sig, body, returns_future });
            return;
        };
        let marker = markers.iter().find(|marker| Direction::of_marker(marker) == Some(direction));
        let MarkerOptions { wire_name, delivery } =
            marker_options(direction, marker, &sig.ident, case, errors);
        let mut is_valid = check_signature(&sig, errors);
        is_valid &= match direction {
            Direction::Incoming => check_incoming_signature(&sig, errors),
            Direction::Outgoing => {
                check_outgoing_signature(&sig, body.as_ref(), errors);
                true
            }
        };
        let payload = payload(&sig, body.is_some(), case, errors);
        let delivery = DeliveryPolicy::read(&delivery, payload.as_ref(), errors);
        let answer = match direction {
            Direction::Incoming => answer(&sig.output, errors),
            Direction::Outgoing => Some(Answer::None),
        };
        let variant = variant(&sig.ident, errors);
        is_valid &= payload.is_some() && answer.is_some() && variant.is_some();
        self.events.push(Event {
            direction,
            attrs: attrs.iter().filter(|attr| is_passed_on(attr)).cloned().collect(),
            ident: sig.ident.clone(),
            wire_name,
            variant: variant.unwrap_or_else(|| sig.ident.clone()),
            payload: payload.unwrap_or(Payload::Fields(Vec::new())),
            answer: answer.unwrap_or(Answer::None),
            delivery,
            method: (direction == Direction::Incoming).then(|| Method {
                // Dispatch calls it.
                attrs: attrs.into_iter().filter(|attr| !is_deprecated(attr)).collect(),
                sig: without_macro_syntax(sig, body.is_some()),
                body,
                returns_future: true,
            }),
            is_valid,
        });
    }
}

/// Reads the direction from the markers. `None` if there is no marker, which is reported.
fn direction(markers: &[Attribute], sig: &Signature, errors: &mut Errors) -> Option<Direction> {
    if let [first, second, ..] = markers {
        if Direction::of_marker(first) == Direction::of_marker(second) {
            errors.at(second, "this marker is given twice: remove one");
        } else {
            errors.at(
                second,
                "an event has one direction: `#[incoming]` from clients or `#[outgoing]` to them",
            );
            let is_handler = sig.asyncness.is_some() || sig.receiver().is_some();
            return Some(if is_handler { Direction::Incoming } else { Direction::Outgoing });
        }
    }
    if let Some(marker) = markers.first() {
        return Direction::of_marker(marker);
    }
    let name = &sig.ident;
    errors.at(
        name,
        format!(
            "`{name}` needs a marker: `#[incoming]` if clients send it, `#[outgoing]` if the server does"
        ),
    );
    None
}

/// The options of a marker.
struct MarkerOptions {
    /// From `name = ".."`, else from the function's name.
    wire_name: WireName,
    /// `volatile` and `latest`. They are read when the arguments are known.
    delivery: Vec<AttributeOption>,
}

fn marker_options(
    direction: Direction,
    marker: Option<&Attribute>,
    ident: &Ident,
    case: Case,
    errors: &mut Errors,
) -> MarkerOptions {
    let wire_name = WireName { name: case.apply(&unraw(ident)), span: ident.span() };
    let mut found = MarkerOptions { wire_name, delivery: Vec::new() };
    let Some(marker) = marker else { return found };
    let word = direction.marker();
    let tokens = list_tokens(marker, &format!("#[{word}(name = \"..\")]"), errors);
    for option in distinct_options(tokens, errors) {
        let wrong = |message: String| Err(syn::Error::new(option.key.span(), message));
        let read = match (option.name().as_str(), direction) {
            ("name", _) => option.parse("name = \"..\"").map(|name: LitStr| {
                found.wire_name = WireName { name: name.value(), span: name.span() };
            }),
            ("volatile" | "latest", Direction::Outgoing) => {
                found.delivery.push(option);
                Ok(())
            }
            (name @ ("volatile" | "latest"), Direction::Incoming) => wrong(format!(
                "only an `#[outgoing]` event can be `{name}`: events of clients are never dropped"
            )),
            (name, Direction::Outgoing) => wrong(format!(
                "`#[outgoing]` has no option `{name}`: it takes `name`, `volatile` and `latest`"
            )),
            (name, Direction::Incoming) => {
                wrong(format!("`#[incoming]` has no option `{name}`: it takes `name`"))
            }
        };
        if let Err(error) = read {
            errors.add(error);
        }
    }
    found
}

/// Reports what no event may have. Returns `false` if its types cannot be used in other items.
fn check_signature(sig: &Signature, errors: &mut Errors) -> bool {
    if let Some(word) = sig.constness {
        errors.at(word, "an event cannot be `const`: remove this");
    }
    if !matches!(sig.safety, Safety::Default) {
        errors.at(&sig.safety, "an event cannot be `unsafe`: remove this");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "an event cannot be a foreign function: remove this");
    }
    if !sig.generics.params.is_empty() {
        errors.at(&sig.generics.params, "an event cannot be generic: its message has fixed types");
        return false;
    }
    if let Some(clause) = &sig.generics.where_clause {
        errors
            .at(clause.where_token, "an event has no `where` clause: its message has fixed types");
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "an event has a fixed number of fields: remove this");
        return false;
    }
    true
}

/// Reports what no incoming event may have. Returns `false` if it has no `&mut self`.
fn check_incoming_signature(sig: &Signature, errors: &mut Errors) -> bool {
    let name = &sig.ident;
    if sig.asyncness.is_none() {
        errors.at(
            sig.fn_token,
            format!("an `#[incoming]` event is `async`: write `async fn {name}(..)`"),
        );
    }
    let message =
        format!("an `#[incoming]` event is handled by the session: write `{name}(&mut self, ..)`");
    let Some(receiver) = sig.receiver() else {
        errors.at(name, message);
        return false;
    };
    let is_mut_ref = matches!(receiver.kind, ReceiverKind::Reference(_, None, Some(_)));
    if !is_mut_ref {
        errors.at(receiver, message);
    }
    is_mut_ref
}

/// Reports what no outgoing event may have.
fn check_outgoing_signature(sig: &Signature, body: Option<&TokenStream>, errors: &mut Errors) {
    if let Some(word) = sig.asyncness {
        errors.at(word, "an `#[outgoing]` event is a message, not a handler: remove `async`");
    }
    if let Some(receiver) = sig.receiver() {
        errors.at(receiver, "an `#[outgoing]` event is a message: remove the receiver");
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        errors.at(ty, "an `#[outgoing]` event has no answer: remove the return type");
    }
    if let Some(body) = body {
        errors.at(body, "an `#[outgoing]` event has no body: end it with `;`");
    }
}

/// The payload, or `None` if a field has an error.
fn payload(sig: &Signature, has_body: bool, case: Case, errors: &mut Errors) -> Option<Payload> {
    let mut fields: Vec<Field> = Vec::new();
    let mut whole = None;
    let mut complete = true;
    let typed = sig.inputs.iter().filter_map(|arg| match arg {
        FnArg::Typed(arg) => Some(arg),
        FnArg::Receiver(_) => None,
    });
    for arg in typed {
        let Some((field, marker)) = Field::read(arg, has_body, case, errors) else {
            complete = false;
            continue;
        };
        whole = whole.or(marker);
        fields.push(field);
    }
    let Some(marker) = whole else {
        return (complete && super::field::check_fields(&fields, errors))
            .then_some(Payload::Fields(fields));
    };
    if fields.len() > 1 {
        errors.at(
            marker,
            "`#[payload]` is the whole message: move the other arguments into its type",
        );
        return None;
    }
    fields.pop().filter(|_| complete).map(|field| Payload::Whole(Box::new(field)))
}

/// The answer, or `None` if its type has an error.
fn answer(output: &ReturnType, errors: &mut Errors) -> Option<Answer> {
    let ReturnType::Type(_, ty) = output else {
        return Some(Answer::None);
    };
    if let Some((span, message)) = forbidden_token(ty) {
        errors.at_span(span, message);
        return None;
    }
    let Some(result) = last_segment(ty).filter(|last| last.ident == "Result") else {
        return Some(Answer::Value(ty.clone()));
    };
    if let [value, error] = type_parameters(result).as_slice() {
        return Some(Answer::Result(Box::new((*value).clone()), Box::new((*error).clone())));
    }
    errors.at(ty, "clients decode the error too: write `Result<T, E>` with both types");
    None
}

/// The event's name as a variant.
fn variant(ident: &Ident, errors: &mut Errors) -> Option<Ident> {
    let name = case::pascal(&unraw(ident));
    let name = if name == "Self" { "Self_".to_owned() } else { name };
    let variant = syn::parse_str::<Ident>(&name).ok();
    if variant.is_none() {
        errors.at(ident, "the name of an event must begin with a letter");
    }
    variant.map(|mut variant| {
        variant.set_span(ident.span());
        variant
    })
}

/// Returns whether an attribute of the event goes to all code that is generated from it.
///
/// A `cfg_attr` that is still there has a wrong syntax, which rustc reports.
fn is_passed_on(attr: &Attribute) -> bool {
    is_lint(attr)
        || ["doc", "cfg", "deprecated", "cfg_attr"].iter().any(|name| attr.path().is_ident(name))
}

/// Removes the attributes of arguments, which only this macro understands, and patterns that rustc
/// would report a second time.
fn without_macro_syntax(mut sig: Signature, has_body: bool) -> Signature {
    for arg in &mut sig.inputs {
        match arg {
            FnArg::Typed(arg) => {
                arg.attrs.clear();
                let plain = matches!(&*arg.pat, Pat::Ident(pat) if pat.mutability.is_none());
                if !has_body && !plain {
                    *arg.pat = parse_quote!(_);
                }
            }
            FnArg::Receiver(receiver) => receiver.attrs.clear(),
        }
    }
    sig
}
