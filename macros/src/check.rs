//! What each event may be in itself but not beside the others, or beside what is generated.

use crate::errors::Errors;
use crate::model::{Direction, Event, Procedure};

/// Methods that the generated client or the trait has already.
const TAKEN_METHODS: [(&str, &str); 7] = [
    ("connect", "the client's `connect`"),
    ("builder", "the client's `builder`"),
    ("close", "the client's `close`"),
    ("status", "the client's `status`"),
    ("clone", "`Clone`"),
    ("disconnected", "the session's `disconnected`"),
    ("resumed", "the session's `resumed`"),
];

/// Names of frames that are Parlor's own.
const TAKEN_FRAMES: [&str; 2] = ["ping", "pong"];

/// What the TypeScript client's `on` tells of the connection itself.
const TAKEN_LIFECYCLE: [&str; 6] =
    ["connect", "disconnect", "reconnecting", "reconnect", "reconnectFailed", "error"];

/// Reports what collides, and takes it out of what is generated.
pub(crate) fn check(procedure: &mut Procedure, errors: &mut Errors) {
    let nothing = procedure.incoming.is_empty()
        && procedure.outgoing.is_empty()
        && procedure.unmarked.is_empty()
        && procedure.others.is_empty();
    if nothing && errors.count() == 0 {
        errors.at(&procedure.ident, "a procedure has at least one event");
    }
    let event_type = procedure.named("Event").to_string();
    for direction in [Direction::Incoming, Direction::Outgoing] {
        let events = match direction {
            Direction::Incoming => &mut procedure.incoming,
            Direction::Outgoing => &mut procedure.outgoing,
        };
        for index in 0..events.len() {
            let (before, rest) = events.split_at_mut(index);
            let Some(event) = rest.first_mut() else {
                continue;
            };
            let mistake = method(event, direction, &event_type)
                .or_else(|| wire(event, direction))
                .or_else(|| before.iter().find_map(|other| collision(event, other)));
            if let Some(mistake) = mistake {
                errors.at_span(mistake.span, mistake.message);
                event.sound = false;
                if mistake.in_trait {
                    event.method = None;
                }
            }
        }
    }
}

struct Mistake {
    span: proc_macro2::Span,
    message: String,
    /// Whether rustc would report it too if the method were in the trait.
    in_trait: bool,
}

/// Is the name of the function free?
fn method(event: &Event, direction: Direction, event_type: &str) -> Option<Mistake> {
    let name = crate::model::unraw(&event.ident);
    let owner = match direction {
        Direction::Incoming => TAKEN_METHODS
            .iter()
            .find(|(taken, _)| *taken == name)
            .map(|(_, owner)| (*owner).to_owned()),
        Direction::Outgoing if name == "clone" => Some("`Clone`".to_owned()),
        Direction::Outgoing if event.variant == "Connection" => {
            Some(format!("`{event_type}::Connection`"))
        }
        Direction::Outgoing => None,
    }?;
    let marker = direction.marker();
    let wire = &event.wire.name;
    Some(Mistake {
        span: event.ident.span(),
        message: format!(
            "`{name}` is taken by {owner}: name the function otherwise; `#[{marker}(name = \"{wire}\")]` keeps the name on the wire"
        ),
        in_trait: true,
    })
}

/// Is the name on the wire free?
fn wire(event: &Event, direction: Direction) -> Option<Mistake> {
    let name = event.wire.name.as_str();
    let why = if name.is_empty() {
        "the name on the wire is empty".to_owned()
    } else if name.starts_with('$') {
        format!("`{name}`: names that begin with `$` are Parlor's own")
    } else if TAKEN_FRAMES.contains(&name) {
        format!("`{name}` is Parlor's heartbeat on the wire")
    } else if direction == Direction::Outgoing && TAKEN_LIFECYCLE.contains(&name) {
        format!("`{name}` is what TypeScript clients hear of the connection itself")
    } else {
        return None;
    };
    let marker = direction.marker();
    Some(Mistake {
        span: event.wire.span,
        message: format!("{why}: choose another with `#[{marker}(name = \"..\")]`"),
        in_trait: false,
    })
}

/// Does it collide with an event before it?
fn collision(event: &Event, other: &Event) -> Option<Mistake> {
    // Which of two conditional events exists only rustc knows.
    let conditional = |event: &Event| event.attrs.iter().any(|attr| attr.path().is_ident("cfg"));
    if conditional(event) && conditional(other) {
        return None;
    }
    let (name, first) = (&event.ident, &other.ident);
    if name == first {
        return Some(Mistake {
            span: name.span(),
            message: format!("the event `{name}` is given twice"),
            in_trait: true,
        });
    }
    if event.wire.name == other.wire.name {
        return Some(Mistake {
            span: event.wire.span,
            message: format!(
                "`{first}` and `{name}` are both `{}` on the wire: give one of them another `name = \"..\"`",
                event.wire.name
            ),
            in_trait: false,
        });
    }
    (event.variant == other.variant).then(|| Mistake {
        span: name.span(),
        message: format!("`{first}` and `{name}` would both be the variant `{}`", event.variant),
        in_trait: false,
    })
}
