//! The types of a contract in `index.ts`.

use super::declared::Declared;
use super::description::{Description, Event, Field, Payload};
use super::direction::Direction;
use super::{Type, TypeScriptError, docs, layout, names, rules};

/// The interface and the namespace of one procedure.
pub(super) fn procedure(contract: &Description) -> Result<String, TypeScriptError> {
    let name = contract.name;
    let comment = docs::comment(&docs::lines(contract.docs.iter().copied()), 0);
    let types = Declared::of(contract)?;
    let interface = |name, doc, events, format_line: FormatLine| {
        self::interface(name, doc, events, format_line, &types)
    };
    let parts = [
        interface("Incoming", "The events that clients send.", &contract.incoming, incoming)?,
        interface("Outgoing", "What the server sends.", &contract.outgoing, outgoing)?,
        interface("Answers", "The answers to calls.", &contract.incoming, answer)?,
        interface("Errors", "The typed errors of calls.", &contract.incoming, error)?,
        types.declarations()?,
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Ok(format!(
        "{comment}export interface {name} {{\n  \
           incoming: {name}.Incoming;\n  \
           outgoing: {name}.Outgoing;\n  \
           answers: {name}.Answers;\n  \
           errors: {name}.Errors;\n\
         }}\n\n\
         export namespace {name} {{\n{}}}\n",
        parts.join("\n")
    ))
}

/// Formats the line of one event; `None` if the interface does not have it.
type FormatLine = fn(&Event, &Declared) -> Result<Option<String>, TypeScriptError>;

/// An interface with a line per event.
fn interface(
    name: &str,
    doc: &str,
    events: &[Event],
    format_line: FormatLine,
    types: &Declared,
) -> Result<String, TypeScriptError> {
    let mut lines = String::new();
    for event in events {
        lines.push_str(&format_line(event, types)?.unwrap_or_default());
    }
    let body = if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{lines}  }}") };
    Ok(format!("  /** {doc} */\n  export interface {name} {body}\n"))
}

fn incoming(event: &Event, types: &Declared) -> Result<Option<String>, TypeScriptError> {
    self::event(event, types, Direction::Input).map(Some)
}

fn outgoing(event: &Event, types: &Declared) -> Result<Option<String>, TypeScriptError> {
    self::event(event, types, Direction::Output).map(Some)
}

fn answer(event: &Event, types: &Declared) -> Result<Option<String>, TypeScriptError> {
    event.answer.as_ref().map(|ty| entry(event.name, ty, types)).transpose()
}

fn error(event: &Event, types: &Declared) -> Result<Option<String>, TypeScriptError> {
    event.error.as_ref().map(|ty| entry(event.name, ty, types)).transpose()
}

fn entry(name: &str, ty: &Type, types: &Declared) -> Result<String, TypeScriptError> {
    let key = names::key(name);
    let ty = value(ty, types, Direction::Output, (4, key.len()))?;
    Ok(format!("    {key}:{ty};\n"))
}

/// An event with its payload.
fn event(event: &Event, types: &Declared, direction: Direction) -> Result<String, TypeScriptError> {
    let key = names::key(event.name);
    let mut lines = docs::lines(event.docs.iter().copied());
    let payload = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => " Record<string, never>".to_owned(),
        Payload::Fields(fields) => {
            let mut object = String::from(" {\n");
            for (name, field) in fields {
                object.push_str(&self::field(name, field, types, direction)?);
            }
            one_line(&object).unwrap_or(object + "    }")
        }
        Payload::Whole(field) => {
            docs::paragraph(&mut lines, &docs::lines(field.docs.iter().copied()).join("\n"));
            docs::paragraph(&mut lines, &sentences(field)?);
            value(&field.ty, types, direction, (4, key.len()))?
        }
    };
    if let Some(note) = event.deprecated {
        docs::paragraph(&mut lines, format!("@deprecated {note}").trim_end());
    }
    Ok(format!("{}    {key}:{payload};\n", docs::comment(&lines, 4)))
}

/// An object of one short field on one line.
fn one_line(object: &str) -> Option<String> {
    let (_, field) = object.split_once('\n')?;
    let field = field.trim().strip_suffix(';')?;
    (!field.contains('\n') && field.len() < 60).then(|| format!(" {{ {field} }}"))
}

/// A field. It is optional in an incoming event if the server accepts its absence.
fn field(
    name: &str,
    field: &Field,
    types: &Declared,
    direction: Direction,
) -> Result<String, TypeScriptError> {
    let mut lines = docs::lines(field.docs.iter().copied());
    docs::paragraph(&mut lines, &sentences(field)?);
    let is_optional = direction == Direction::Input && (field.default || field.ty.is_optional());
    let key = format!("{}{}", names::key(name), if is_optional { "?" } else { "" });
    let value = value(&field.ty, types, direction, (6, key.len()))?;
    Ok(format!("{}      {key}:{value};\n", docs::comment(&lines, 6)))
}

fn sentences(field: &Field) -> Result<String, TypeScriptError> {
    if field.rules.is_empty() {
        return Ok(String::new());
    }
    Ok(rules::sentences(&field.rules, &field.ty.text()?, field.ty.rust()))
}

/// A type after a key, with a space or a line end before it.
fn value(
    ty: &Type,
    types: &Declared,
    direction: Direction,
    (indent, key): (usize, usize),
) -> Result<String, TypeScriptError> {
    let text = layout::value(&types.value(ty, direction)?, indent, indent + key + 2);
    Ok(if text.starts_with('\n') { text } else { format!(" {text}") })
}
