//! One function of the trait as an event.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericArgument, LitStr, Pat, PathArguments, ReceiverKind, ReturnType,
    Safety, Signature, Type, parse_quote,
};

use super::{
    Answer, Delivery, Direction, Event, Field, Method, Payload, Procedure, Wire, foreign,
    is_attribute, is_lint, last_segment, unraw,
};
use crate::args::{self, Opt};
use crate::case::{self, Case};
use crate::errors::Errors;
use crate::parse::Function;

impl Direction {
    pub(crate) fn marker(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }

    fn of(attr: &Attribute) -> Option<Self> {
        [Self::Incoming, Self::Outgoing].into_iter().find(|way| is_attribute(attr, way.marker()))
    }
}

impl Procedure {
    /// Adds the event that `function` is.
    pub(super) fn add(&mut self, function: Function, case: Case, errors: &mut Errors) {
        let Function { attrs, sig, body } = function;
        let (markers, mut attrs): (Vec<_>, Vec<_>) =
            attrs.into_iter().partition(|attr| Direction::of(attr).is_some());
        let Some(direction) = direction(&markers, &mut attrs, &sig, errors) else {
            let future = sig.asyncness.is_some();
            let sig = for_rustc(sig, body.is_some());
            self.unmarked.push(Method { attrs, sig, body, future });
            return;
        };
        let marker = markers.iter().find(|marker| Direction::of(marker) == Some(direction));
        let Marked { wire, delivery } = marked(direction, marker, &sig.ident, case, errors);
        let mut sound = shape(&sig, errors);
        sound &= match direction {
            Direction::Incoming => incoming_shape(&sig, errors),
            Direction::Outgoing => outgoing_shape(&sig, body.as_ref(), errors),
        };
        let payload = payload(&sig, body.is_some(), case, errors);
        sound &= payload.is_some();
        let delivery = Delivery::read(&delivery, payload.as_ref(), errors);
        let answer = match direction {
            Direction::Incoming => answer(&sig.output, errors),
            Direction::Outgoing => Some(Answer::None),
        };
        let variant = variant(&sig.ident, errors);
        let event = Event {
            attrs: attrs.iter().filter(|attr| follows(attr)).cloned().collect(),
            ident: sig.ident.clone(),
            wire,
            sound: sound && answer.is_some() && variant.is_some(),
            variant: variant.unwrap_or_else(|| sig.ident.clone()),
            payload: payload.unwrap_or(Payload::Fields(Vec::new())),
            answer: answer.unwrap_or(Answer::None),
            delivery,
            method: (direction == Direction::Incoming).then(|| Method {
                attrs,
                sig: for_rustc(sig, body.is_some()),
                body,
                future: true,
            }),
        };
        match direction {
            Direction::Incoming => self.incoming.push(event),
            Direction::Outgoing => self.outgoing.push(event),
        }
    }
}

/// Which way the event goes, by its markers.
fn direction(
    markers: &[Attribute],
    attrs: &mut Vec<Attribute>,
    sig: &Signature,
    errors: &mut Errors,
) -> Option<Direction> {
    if let [first, second, ..] = markers {
        if Direction::of(first) == Direction::of(second) {
            errors.at(second, "this marker is given twice");
        } else {
            errors.at(
                second,
                "an event goes one way: `#[incoming]` from clients or `#[outgoing]` to them",
            );
            let handled = sig.asyncness.is_some() || sig.receiver().is_some();
            return Some(if handled { Direction::Incoming } else { Direction::Outgoing });
        }
    }
    if let Some(marker) = markers.first() {
        return Direction::of(marker);
    }
    let hidden =
        attrs.iter().enumerate().find_map(|(index, attr)| Some((index, conditional(attr)?)));
    if let Some((index, direction)) = hidden {
        let word = direction.marker();
        errors.at(
            attrs.remove(index),
            format!(
                "a marker cannot depend on `cfg`: write `#[{word}]`, and `#[cfg(..)]` on the event"
            ),
        );
        return Some(direction);
    }
    let name = &sig.ident;
    errors.at(
        name,
        format!("say who sends `{name}`: `#[incoming]` for clients, `#[outgoing]` for the server"),
    );
    None
}

/// The marker in a `#[cfg_attr(.., marker)]`.
fn conditional(attr: &Attribute) -> Option<Direction> {
    if !attr.path().is_ident("cfg_attr") {
        return None;
    }
    let text = attr.meta.to_token_stream().to_string();
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| {
        [Direction::Incoming, Direction::Outgoing].into_iter().find(|way| way.marker() == word)
    })
}

/// What the marker says.
struct Marked {
    /// The name on the wire: `name = ".."`, else the function's.
    wire: Wire,
    /// `volatile` and `latest`, which are read when the arguments are known.
    delivery: Vec<Opt>,
}

fn marked(
    direction: Direction,
    marker: Option<&Attribute>,
    ident: &Ident,
    case: Case,
    errors: &mut Errors,
) -> Marked {
    let wire = Wire { name: case.apply(&unraw(ident)), span: ident.span() };
    let mut found = Marked { wire, delivery: Vec::new() };
    let Some(marker) = marker else { return found };
    let word = direction.marker();
    let tokens = args::inside(marker, &format!("#[{word}(name = \"..\")]"), errors);
    for option in args::distinct_options(tokens, errors) {
        let wrong = |message: String| Err(syn::Error::new(option.key.span(), message));
        let read = match (option.name().as_str(), direction) {
            ("name", _) => option.parse("name = \"..\"").map(|name: LitStr| {
                found.wire = Wire { name: name.value(), span: name.span() };
            }),
            ("volatile" | "latest", Direction::Outgoing) => {
                found.delivery.push(option);
                Ok(())
            }
            (name @ ("volatile" | "latest"), Direction::Incoming) => wrong(format!(
                "only an `#[outgoing]` event can be `{name}`: what clients send is never dropped"
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

/// What no event may be. `false` if its types cannot be used elsewhere.
fn shape(sig: &Signature, errors: &mut Errors) -> bool {
    if let Some(word) = sig.constness {
        errors.at(word, "an event cannot be `const`");
    }
    if !matches!(sig.safety, Safety::Default) {
        errors.at(&sig.safety, "an event is safe to send: remove this");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "an event is no foreign function: remove this");
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
        errors.at(variadic, "an event has a fixed number of fields");
        return false;
    }
    true
}

fn incoming_shape(sig: &Signature, errors: &mut Errors) -> bool {
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
    let borrows = matches!(receiver.kind, ReceiverKind::Reference(_, None, Some(_)));
    if !borrows {
        errors.at(receiver, message);
    }
    borrows
}

fn outgoing_shape(
    sig: &Signature,
    body: Option<&proc_macro2::TokenStream>,
    errors: &mut Errors,
) -> bool {
    if let Some(word) = sig.asyncness {
        errors.at(word, "an `#[outgoing]` event is a message, not a handler: remove `async`");
    }
    if let Some(receiver) = sig.receiver() {
        errors.at(receiver, "an `#[outgoing]` event is a message: it has fields, no receiver");
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        errors.at(ty, "an `#[outgoing]` event has no answer: remove the return type");
    }
    if let Some(body) = body {
        errors.at(body, "an `#[outgoing]` event has no body: end it with `;`");
    }
    true
}

/// The fields, or `None` if one of them cannot be made out.
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
        return (complete && super::field::distinct(&fields, errors))
            .then_some(Payload::Fields(fields));
    };
    if fields.len() > 1 {
        errors.at(marker, "`#[payload]` is the whole message: move the other fields into its type");
        return None;
    }
    fields.pop().filter(|_| complete).map(|field| Payload::Whole(Box::new(field)))
}

/// What the handler returns, or `None` if the client could not read it.
fn answer(output: &ReturnType, errors: &mut Errors) -> Option<Answer> {
    let ReturnType::Type(_, ty) = output else {
        return Some(Answer::None);
    };
    if let Some((span, message)) = foreign(ty) {
        errors.at_span(span, message);
        return None;
    }
    let Some(result) = last_segment(ty).filter(|last| last.ident == "Result") else {
        return Some(Answer::Value(ty.clone()));
    };
    let mut types: Vec<Type> = Vec::new();
    if let PathArguments::AngleBracketed(arguments) = &result.arguments {
        for argument in &arguments.args {
            if let GenericArgument::Type(ty) = argument {
                types.push(ty.clone());
            }
        }
    }
    if let [value, error] = types.as_slice() {
        return Some(Answer::Result(Box::new(value.clone()), Box::new(error.clone())));
    }
    errors.at(ty, "the client gets the error too: write `Result<T, E>` with both types");
    None
}

/// The event's name as a variant.
fn variant(ident: &Ident, errors: &mut Errors) -> Option<Ident> {
    let name = case::pascal(&unraw(ident));
    let name = if name == "Self" { "Self_".to_owned() } else { name };
    let variant = syn::parse_str::<Ident>(&name).ok();
    if variant.is_none() {
        errors.at(ident, "the name of an event begins with a letter");
    }
    variant.map(|mut variant| {
        variant.set_span(ident.span());
        variant
    })
}

/// Whether an attribute of the event goes to everything that is made of it.
fn follows(attr: &Attribute) -> bool {
    is_lint(attr) || ["doc", "cfg", "deprecated"].iter().any(|name| attr.path().is_ident(name))
}

/// What rustc may see of the arguments: not the attributes, which are ours, and no pattern where it
/// would complain once more.
fn for_rustc(mut sig: Signature, has_body: bool) -> Signature {
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
