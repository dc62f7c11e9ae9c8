//! Error replies to messages that cannot be decoded.

use serde_json::Value;
use serde_json::value::to_raw_value;
use serde_path_to_error::{Path, Segment};

use super::error_reply::ErrorReply;
use super::{Contract, DecodeError, Events};
use crate::wire::{ErrorBody, ErrorCode, Head, Violation, path};

/// What a client is told of a value that is no form of an enum, if the names of its variants are not known.
const WRONG_KIND: &str = "expected the name of a variant, as a text or as an object with one field";

/// What a client is told of an absent field.
const MISSING: &str = "the field is missing";

/// Returns the error reply to a message that cannot be decoded, because of `error`.
///
/// If the codec returned the error, the message is decoded again to find the path to the value: then each
/// `Deserialize` of the user runs twice, and once more if a value is no form of an enum. Rules do not
/// run again.
pub(crate) fn diagnose<E: Contract>(
    text: &str,
    error: DecodeError<serde_json::Error>,
) -> ErrorReply {
    let head = match Head::parse_strictly(text) {
        Ok(head) => head,
        Err(malformed) => {
            return ErrorReply::new(ErrorCode::Malformed, malformed.to_string(), None);
        }
    };
    let name = head.name(text);
    let body = match error {
        DecodeError::Unknown => ErrorBody::new(ErrorCode::Unknown, unknown::<E>(name)),
        DecodeError::Missing(field) => invalid(Violation::new(field, "required", MISSING)),
        DecodeError::Invalid(violation) => invalid(violation),
        DecodeError::Codec(error) => {
            invalid(locate::<E::Incoming>(name, head.payload(text), &error))
        }
    };
    ErrorReply { body, call: head.id }
}

fn invalid(mut violation: Violation) -> ErrorBody {
    // The key of a map, which the client chooses, may be part of it.
    path::shorten(&mut violation.path);
    let mut body = ErrorBody::new(ErrorCode::Invalid, violation.to_string());
    body.details = to_raw_value(&violation).ok();
    body
}

/// Decodes again, and tracks the path to the value that is read. Slower than [`Events::decode_json`].
fn locate<I: Events>(name: &str, payload: &str, error: &serde_json::Error) -> Violation {
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(payload);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    // A `Deserialize` may succeed now. Then there is no path.
    let again = I::decode(name, tracked);
    let segments = track.path();
    let mut problem = match &again {
        Err(DecodeError::Codec(error)) => describe(error),
        _ => describe(error),
    };
    // The error of a field that is absent, or occurs twice, is returned by the value around it.
    let field = |of: &str| problem.strip_prefix(of)?.strip_suffix('`').map(str::to_owned);
    let missing = field("missing field `");
    let is_missing = missing.is_some();
    let mut path = missing.or_else(|| field("duplicate field `")).unwrap_or_default();
    for segment in segments.iter().rev() {
        match segment {
            Segment::Seq { index } => path::prepend(&mut path, &format!("[{index}]")),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                path::prepend(&mut path, name);
            }
            Segment::Unknown => {}
        }
    }
    if is_missing {
        return Violation::new(path, "required", MISSING);
    }
    if problem == WRONG_KIND
        && let Some(expected) = variants::<I>(name, payload, &segments)
    {
        problem = format!("{expected}, as a text or as an object with one field");
    }
    // It may have text of the client.
    path::shorten(&mut problem);
    Violation::new(path, "type", problem)
}

/// Decodes once more, with a text that names no variant at `path`: its error has the names.
fn variants<I: Events>(name: &str, payload: &str, path: &Path) -> Option<String> {
    let mut payload: Value = serde_json::from_str(payload).ok()?;
    let mut value = &mut payload;
    for segment in path {
        value = match segment {
            Segment::Seq { index } => value.get_mut(index)?,
            Segment::Map { key: name } | Segment::Enum { variant: name } => value.get_mut(name)?,
            Segment::Unknown => return None,
        };
    }
    *value = Value::String(String::new());
    let Err(DecodeError::Codec(error)) = I::decode(name, payload) else { return None };
    error.to_string().strip_prefix("unknown variant ``, ").map(str::to_owned)
}

/// The error of a value in well-formed JSON, in words and without its position, which the path has.
fn describe(error: &serde_json::Error) -> String {
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&position).unwrap_or(&text);
    // Well-formed JSON that cannot be read in Rust: RFC 8259 §8.2 and §9.
    let words = match text {
        _ if error.is_data() => text,
        _ if text.contains("hex escape") => {
            "half of a surrogate pair in a string: cut texts between characters"
        }
        "recursion limit exceeded" => "nested more than 127 levels deep",
        // Of serde_json, for an enum whose value is of another kind.
        "expected value" => WRONG_KIND,
        "trailing characters" | "trailing comma" => "more elements than the type has",
        _ => text,
    };
    words.to_owned()
}

/// The least similarity of a name that is suggested, from 0 to 1.
const SIMILAR: f64 = 0.6;

fn unknown<E: Contract>(name: &str) -> String {
    if E::OUTGOING.iter().any(|outgoing| outgoing.name == name) {
        return format!("`{name}` is an event that the server sends: clients cannot send it");
    }
    // The time to compute the distance grows with the name, which the client chooses.
    let shown: String = name.chars().take(64).collect();
    let similarity =
        |known: &&'static str| (strsim::normalized_damerau_levenshtein(&shown, known), *known);
    let nearest = E::INCOMING.iter().map(similarity).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((SIMILAR.., nearest)) => {
            format!("no event is called `{shown}`; did you mean `{nearest}`?")
        }
        _ => format!("no event is called `{shown}`"),
    }
}
