//! Names of events that are equal to each other, to generated names or to reserved names.

use proc_macro2::Span;

use crate::errors::Errors;
use crate::model::{Direction, Event, Procedure, unraw};

/// Methods that the generated client or the trait has, with their owners.
const GENERATED_METHODS: [(&str, &str); 9] = [
    ("connect", "the client's `connect`"),
    ("builder", "the client's `builder`"),
    ("close", "the client's `close`"),
    ("status", "the client's `status`"),
    ("last_close", "the client's `last_close`"),
    ("clone", "`Clone`"),
    ("disconnected", "the session's `disconnected`"),
    ("detached", "the session's `detached`"),
    ("resumed", "the session's `resumed`"),
];

/// Methods that a later version may add to the trait or to the client, with their owners.
///
/// Outgoing events may have these names: the emitter has the outgoing events as methods, and no others.
const RESERVED_METHODS: [(&str, &str); 4] = [
    ("renewed", "the session"),
    ("renew", "the client"),
    ("call", "the client"),
    ("spawn", "the client"),
];

const HEARTBEAT_EVENTS: [&str; 2] = ["ping", "pong"];

/// Events of the connection itself, which the TypeScript client emits.
const TYPESCRIPT_LIFECYCLE_EVENTS: [&str; 6] =
    ["connect", "disconnect", "reconnecting", "reconnect", "reconnectFailed", "error"];

/// Reports collisions, and marks the events that have one as invalid.
pub(crate) fn check(procedure: &mut Procedure, errors: &mut Errors) {
    let event_type = procedure.ident_with("Event").to_string();
    for index in 0..procedure.events.len() {
        let (before, rest) = procedure.events.split_at_mut(index);
        let Some(event) = rest.first_mut() else { continue };
        let mut before = before.iter().filter(|other| other.direction == event.direction);
        let collision = function_collision(event, &event_type)
            .or_else(|| wire_name_collision(event))
            .or_else(|| before.find_map(|other| event_collision(event, other)));
        if let Some(collision) = collision {
            errors.at_span(collision.span, collision.message);
            event.is_valid = false;
            if collision.is_reported_by_rustc {
                event.method = None;
            }
        }
    }
}

struct Collision {
    span: Span,
    message: String,
    /// Whether rustc would report it too if the method were in the trait.
    is_reported_by_rustc: bool,
}

/// Compares the function's name with generated names and with those reserved for them.
fn function_collision(event: &Event, event_type: &str) -> Option<Collision> {
    let name = unraw(&event.ident);
    let owner_in = |methods: &[(&str, &'static str)]| {
        methods.iter().find(|(method, _)| *method == name).map(|(_, owner)| *owner)
    };
    let reason = match event.direction {
        Direction::Incoming => owner_in(&GENERATED_METHODS)
            .map(|owner| format!("collides with {owner}"))
            .or_else(|| Some(format!("is reserved for {}", owner_in(&RESERVED_METHODS)?))),
        Direction::Outgoing if name == "clone" => Some("collides with `Clone`".to_owned()),
        Direction::Outgoing if event.variant == "Connection" => {
            Some(format!("collides with `{event_type}::Connection`"))
        }
        Direction::Outgoing => None,
    }?;
    let marker = event.direction.marker();
    let wire_name = &event.wire_name.name;
    Some(Collision {
        span: event.ident.span(),
        message: format!(
            "`{name}` {reason}: rename the function; `#[{marker}(name = \"{wire_name}\")]` keeps its name on the wire"
        ),
        is_reported_by_rustc: true,
    })
}

/// Compares the name on the wire with reserved names.
fn wire_name_collision(event: &Event) -> Option<Collision> {
    let name = event.wire_name.name.as_str();
    let is_outgoing = event.direction == Direction::Outgoing;
    let reason = if name.is_empty() {
        "the name on the wire is empty".to_owned()
    } else if name.starts_with('$') {
        format!("`{name}` is reserved: control events begin with `$`")
    } else if HEARTBEAT_EVENTS.contains(&name) {
        format!("`{name}` is reserved for the heartbeat")
    } else if is_outgoing && TYPESCRIPT_LIFECYCLE_EVENTS.contains(&name) {
        format!("`{name}` is reserved: the TypeScript client emits it for its connection")
    } else {
        return None;
    };
    let marker = event.direction.marker();
    Some(Collision {
        span: event.wire_name.span,
        message: format!("{reason}; choose another name with `#[{marker}(name = \"..\")]`"),
        is_reported_by_rustc: false,
    })
}

/// Compares the names of two events of one direction.
fn event_collision(event: &Event, other: &Event) -> Option<Collision> {
    // Only rustc knows which of two conditional events exists.
    let conditional = |event: &Event| event.attrs.iter().any(|attr| attr.path().is_ident("cfg"));
    if conditional(event) && conditional(other) {
        return None;
    }
    let (name, first) = (&event.ident, &other.ident);
    if name == first {
        return Some(Collision {
            span: name.span(),
            message: format!("the event `{name}` exists twice: rename one of them"),
            is_reported_by_rustc: true,
        });
    }
    if event.wire_name.name == other.wire_name.name {
        return Some(Collision {
            span: event.wire_name.span,
            message: format!(
                "`{first}` and `{name}` are both `{}` on the wire: give one of them another `name = \"..\"`",
                event.wire_name.name
            ),
            is_reported_by_rustc: false,
        });
    }
    (event.variant == other.variant).then(|| Collision {
        span: name.span(),
        message: format!(
            "`{first}` and `{name}` both become the variant `{}`: rename one of them",
            event.variant
        ),
        is_reported_by_rustc: false,
    })
}
