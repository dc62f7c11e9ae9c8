//! The types of a contract in `index.ts`.

use super::description::{Description, Event, Field, Payload};
use super::types::Declarations;
use super::{Type, TypeScriptError, docs, layout, names, rules};

/// The interface and the namespace of one procedure.
pub(super) fn procedure(contract: &Description) -> Result<String, TypeScriptError> {
    let name = contract.name;
    let comment = docs::comment(&docs::lines(contract.docs.iter().copied()), 0);
    let parts = [
        interface("Incoming", "The events that clients send.", &contract.incoming, incoming)?,
        interface("Outgoing", "What the server sends.", &contract.outgoing, outgoing)?,
        interface("Answers", "The answers to calls.", &contract.incoming, answer)?,
        interface("Errors", "The typed errors of calls.", &contract.incoming, error)?,
        types(contract)?,
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
type FormatLine = fn(&Event) -> Result<Option<String>, TypeScriptError>;

/// An interface with a line per event.
fn interface(
    name: &str,
    doc: &str,
    events: &[Event],
    format_line: FormatLine,
) -> Result<String, TypeScriptError> {
    let mut lines = String::new();
    for event in events {
        lines.push_str(&format_line(event)?.unwrap_or_default());
    }
    let body = if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{lines}  }}") };
    Ok(format!("  /** {doc} */\n  export interface {name} {body}\n"))
}

fn incoming(event: &Event) -> Result<Option<String>, TypeScriptError> {
    self::event(event, true).map(Some)
}

fn outgoing(event: &Event) -> Result<Option<String>, TypeScriptError> {
    self::event(event, false).map(Some)
}

fn answer(event: &Event) -> Result<Option<String>, TypeScriptError> {
    event.answer.as_ref().map(|ty| entry(event.name, ty)).transpose()
}

fn error(event: &Event) -> Result<Option<String>, TypeScriptError> {
    event.error.as_ref().map(|ty| entry(event.name, ty)).transpose()
}

fn entry(name: &str, ty: &Type) -> Result<String, TypeScriptError> {
    let key = names::key(name);
    let ty = value(ty, 4, key.len())?;
    Ok(format!("    {key}:{ty};\n"))
}

/// An event with its payload.
fn event(event: &Event, is_incoming: bool) -> Result<String, TypeScriptError> {
    let key = names::key(event.name);
    let mut lines = docs::lines(event.docs.iter().copied());
    let payload = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => " Record<string, never>".to_owned(),
        Payload::Fields(fields) => {
            let mut object = String::from(" {\n");
            for (name, field) in fields {
                object.push_str(&self::field(name, field, is_incoming)?);
            }
            one_line(&object).unwrap_or(object + "    }")
        }
        Payload::Whole(field) => {
            docs::paragraph(&mut lines, &docs::lines(field.docs.iter().copied()).join("\n"));
            docs::paragraph(&mut lines, &sentences(field)?);
            value(&field.ty, 4, key.len())?
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
fn field(name: &str, field: &Field, is_incoming: bool) -> Result<String, TypeScriptError> {
    let mut lines = docs::lines(field.docs.iter().copied());
    docs::paragraph(&mut lines, &sentences(field)?);
    let optional = if is_incoming && (field.default || field.ty.is_optional()) { "?" } else { "" };
    let key = format!("{}{optional}", names::key(name));
    let value = value(&field.ty, 6, key.len())?;
    Ok(format!("{}      {key}:{value};\n", docs::comment(&lines, 6)))
}

fn sentences(field: &Field) -> Result<String, TypeScriptError> {
    if field.rules.is_empty() {
        return Ok(String::new());
    }
    Ok(rules::sentences(&field.rules, &field.ty.text()?, field.ty.rust()))
}

/// A type after a key, with a space or a line end before it.
fn value(ty: &Type, indent: usize, key: usize) -> Result<String, TypeScriptError> {
    let text = layout::value(&ty.text()?, indent, indent + key + 2)
        .map_err(|reason| TypeScriptError::Type { rust: ty.rust().to_owned(), reason })?;
    Ok(if text.starts_with('\n') { text } else { format!(" {text}") })
}

/// The declarations of the user's types in the events.
fn types(contract: &Description) -> Result<String, TypeScriptError> {
    let mut found = Declarations::default();
    for event in contract.incoming.iter().chain(&contract.outgoing) {
        let fields: Vec<&Field> = match &event.payload {
            Payload::Fields(fields) => fields.iter().map(|(_, field)| field).collect(),
            Payload::Whole(field) => vec![field],
        };
        let types = fields.into_iter().map(|field| &field.ty);
        for ty in types.chain(&event.answer).chain(&event.error) {
            ty.declare(&mut found)?;
        }
    }
    if let Some(collision) = found.collision {
        return Err(TypeScriptError::TwoTypes {
            procedure: contract.name.to_owned(),
            name: collision.name,
            rust: collision.rust.map(str::to_owned),
        });
    }
    let mut declarations = Vec::new();
    for (name, declaration) in &found.types {
        names::declared(name, declaration.rust)?;
        let text = layout::declaration(&declaration.text, 2).map_err(|reason| {
            TypeScriptError::Type { rust: declaration.rust.to_owned(), reason }
        })?;
        let docs = declaration.docs.as_deref().map(|docs| {
            let docs = docs.trim().trim_start_matches("/**");
            docs::comment(&layout::comment_lines(docs.strip_suffix("*/").unwrap_or(docs)), 2)
        });
        declarations.push(format!("{}  export {text};\n", docs.unwrap_or_default()));
    }
    Ok(declarations.join("\n"))
}
